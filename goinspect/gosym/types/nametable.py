"""Names of types, fields and methods in type data (Go 1.7+): flags, a length, the text, and what the flags announce.

Source: src/internal/abi/type.go (``Name``), before Go 1.21 src/runtime/type.go.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from goinspect._reader import ByteOrder
    from goinspect.gosym.layout import TypeLayout

__all__ = ["EMBEDDED", "EXPORTED", "HAS_PACKAGE", "HAS_TAG", "MAX_NAME", "SHORTEST", "Name", "NameTable"]

EXPORTED: Final = 1
EMBEDDED: Final = 8  # Go 1.19+
HAS_TAG, HAS_PACKAGE = 2, 4
MAX_NAME = 1 << 17
SHORTEST = 2  # bytes: flags and a length


class Name(NamedTuple):
    """A name and what stands behind it."""

    text: str
    flags: int
    tag: str = ""
    package: str = ""  # import path


class NameTable:
    """Names by their offset in type data, each read once; all together no more than a few times its size."""

    def __init__(self, data: memoryview, layout: TypeLayout, byteorder: ByteOrder) -> None:
        self._data, self._size = data, len(data)
        self._width = layout.name_length
        self._i32 = struct.Struct("<i" if byteorder == "little" else ">i")
        self._names: dict[int, Name | None] = {}
        self._left = 4 * self._size

    def at(self, offset: int) -> Name | None:
        """The name at an offset; None where there is none."""
        try:
            return self._names[offset]
        except KeyError:
            found = self._names[offset] = self._read(offset)
            return found

    def _read(self, offset: int) -> Name | None:
        if not 0 < offset <= self._size - SHORTEST:
            return None
        flags = self._data[offset]
        text, end = self._counted(offset + 1)
        if text is None:
            return None
        if not flags & (HAS_TAG | HAS_PACKAGE):
            return Name(text, flags)
        tag: str | None = ""
        if flags & HAS_TAG:
            tag, end = self._counted(end)
        package: str | None = ""
        if flags & HAS_PACKAGE and tag is not None:
            package = self._package(end)
        return None if tag is None or package is None else Name(text, flags, tag, package)

    def _package(self, at: int) -> str | None:
        """The text of the name whose offset is at `at`."""
        if at > self._size - 4:
            return None
        package = self._i32.unpack_from(self._data, at)[0]
        if package == 0:
            return ""
        return self._counted(package + 1)[0] if 0 < package <= self._size - SHORTEST else None

    def _counted(self, at: int) -> tuple[str | None, int]:
        """A text behind its length, and where it ends."""
        if not self._width and at < self._size and self._data[at] < 0x80:  # as nearly all are
            length, at = self._data[at], at + 1
        else:
            length, at = self._length(at)
        end = at + length
        self._left -= length
        if not 0 <= length <= MAX_NAME or end > self._size or self._left < 0:
            return None, at
        return str(self._data[at:end], "utf-8", "backslashreplace"), end

    def _length(self, at: int) -> tuple[int, int]:
        """A length and what follows it; -1 where there is none."""
        width = self._width
        if width:
            if at + width > self._size:
                return -1, at
            return int.from_bytes(self._data[at : at + width], "big"), at + width
        length = 0
        for shift, where in zip((0, 7, 14), range(at, self._size), strict=False):
            byte = self._data[where]
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                return length, where + 1
        return -1, at
