"""Addresses of a process, living or ended, to names."""
