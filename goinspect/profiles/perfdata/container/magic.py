"""The first bytes of ``perf.data``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from goinspect._reader import ByteOrder

__all__ = ["MAGICS", "sniff"]

MAGICS: dict[bytes, ByteOrder] = {
    b"PERFILE2": "little",
    b"2ELIFREP": "big",
    b"PERFFILE": "little",  # version 1, perf before 2.6.36
    b"ELIFFREP": "big",
}
_MAGIC_SIZE = 8


def sniff(head: bytes) -> bool | None:
    """Is this the start of a perf.data file? None: too short to tell."""
    if len(head) >= _MAGIC_SIZE:
        return head[:_MAGIC_SIZE] in MAGICS
    return None if any(magic.startswith(head) for magic in MAGICS) else False
