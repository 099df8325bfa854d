"""Mach-O."""
