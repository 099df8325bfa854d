"""Machine code of functions, with what stands at addresses."""
