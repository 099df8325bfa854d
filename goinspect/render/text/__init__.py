"""Results as text for people, a module per command."""
