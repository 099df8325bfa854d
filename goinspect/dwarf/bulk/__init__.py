"""Entries of ``.debug_info`` by the hundred thousand: one regular expression finds them, numpy reads their attributes."""
