"""Which function calls which, as the machine code says."""
