"""Questions about the symbols of a file, from whichever table."""
