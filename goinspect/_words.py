"""Counts in sentences."""

from __future__ import annotations

__all__ = ["be", "counted"]


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 stack``, ``1,234 stacks``; `plural` where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def be(number: int) -> str:
    """The verb behind `counted`."""
    return "is" if number == 1 else "are"
