"""From a frame to the one that called it, by gopclntab."""
