"""The commands, a module each: a function of the same name."""
