"""The types that a Go program knows at run time."""
