"""The interactive picture."""
