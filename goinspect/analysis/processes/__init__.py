"""Processes: what is in their memory, and which of them are Go programs."""
