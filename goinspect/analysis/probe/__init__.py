"""Where to put uprobes on Go functions, and what can be read there."""
