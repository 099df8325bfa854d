"""What outputs say of two profiles that are compared."""
