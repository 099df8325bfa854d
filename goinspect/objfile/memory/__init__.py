"""The memory of processes: core files, and those that live."""
