"""ELF: a view that reads headers only, and what hangs on it."""
