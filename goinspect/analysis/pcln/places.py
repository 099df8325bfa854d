"""PCs and ranges of PCs: what every question comes down to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Places", "addresses"]

_HEX = b"0123456789abcdefABCDEFxX\n"


class Places(NamedTuple):
    """What to answer: single PCs, and ranges of PCs (`end` set) whose frames are the same everywhere."""

    pcs: list[int]
    ends: list[int | None] | None  # None: no ranges
    queries: Sequence[str]
    warnings: tuple[str, ...] = ()


def addresses(queries: Sequence[str]) -> list[int] | None:
    """`queries` as addresses; None if one of them is not."""
    # Quick for a hundred thousand: with no other characters, int() takes what _ADDRESS takes.
    try:
        if not "\n".join(queries).encode("ascii").translate(None, _HEX):
            return [int(query, 16) for query in queries]
    except ValueError:  # UnicodeEncodeError is one
        pass
    return None
