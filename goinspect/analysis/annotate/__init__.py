"""The samples of one function, put to its instructions and lines."""
