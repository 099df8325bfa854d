"""ELF notes: {namesz, descsz, type}, then the owner's name and the descriptor, both padded to 4 bytes (gABI)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect._reader import ByteOrder

__all__ = ["notes"]

_MAX_NAME = 16


def notes(data: memoryview, byteorder: ByteOrder) -> Iterator[tuple[bytes, int, memoryview]]:
    """(owner with its NUL, type, descriptor) of the notes in `data`; a descriptor may be cut off by its end."""
    layout = struct.Struct(("<" if byteorder == "little" else ">") + "III")
    at = 0
    while at + layout.size <= len(data):
        namesz, descsz, kind = layout.unpack_from(data, at)
        name_at = at + layout.size
        start = name_at + (namesz + 3 & ~3)
        yield bytes(data[name_at : name_at + min(namesz, _MAX_NAME)]), kind, data[start : start + descsz]
        at = start + (descsz + 3 & ~3)
