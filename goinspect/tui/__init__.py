"""`goinspect flame --tui`: a profile in a terminal; needs the extra ``goinspect[tui]``."""
