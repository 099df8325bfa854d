"""Which files, kernels and processes a recording is about, and which of its samples are wanted."""
