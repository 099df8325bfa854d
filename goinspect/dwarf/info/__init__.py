"""The entries of .debug_info, and what they refer to."""
