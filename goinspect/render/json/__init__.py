"""Results as JSON, a module per command."""
