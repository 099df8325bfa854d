"""Results to text and pictures; never parses, never opens a file."""
