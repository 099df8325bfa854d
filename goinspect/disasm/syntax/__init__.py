"""How instructions are written: Go's syntax, and GNU's as `go tool objdump -gnu` writes it."""
