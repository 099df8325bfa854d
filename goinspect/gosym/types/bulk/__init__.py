"""Type data of sound files all at once, by numpy; what does not make sense is left to reading descriptors one by one."""
