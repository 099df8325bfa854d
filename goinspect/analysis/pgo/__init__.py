"""Profiles for the Go compiler: the stacks of one program, from recordings of any of its builds."""
