"""What is said of processes: their memory, and which of them are Go programs."""
