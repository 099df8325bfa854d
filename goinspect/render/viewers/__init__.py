"""Formats of other programs that draw profiles, JSON all of them."""
