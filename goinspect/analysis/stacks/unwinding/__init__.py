"""Callers where a recording has copies of stacks instead of call chains."""
