"""Answers about processes and their address spaces."""
