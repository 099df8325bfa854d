"""What a writer of instructions asks for names: the symbol that holds an address."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Names", "no_names"]

# vaddr -> (name, start of the symbol that holds it), or None
Names = Callable[[int], tuple[str, int] | None]


def no_names(_vaddr: int) -> None:
    """Nothing has a name."""
