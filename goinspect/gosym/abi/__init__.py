"""How Go passes arguments and where it keeps the goroutine, by architecture and release."""
