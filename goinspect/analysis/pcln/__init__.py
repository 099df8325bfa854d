"""Questions about PCs, lines and functions of gopclntab."""
