"""How instructions are written: in Go's syntax, in GNU's as `go tool objdump -gnu` has it, in Intel's and AT&T's."""
