"""What the Go linker writes: gopclntab, moduledata, build information. Knows images, but no container."""
