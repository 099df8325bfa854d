"""`goinspect flame --http`: the report of a profile, served to a browser until Ctrl-C."""
