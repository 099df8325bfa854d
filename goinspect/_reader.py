"""Bounded reads over a buffer: the only place that raises TruncatedError.

Python slices never fail and ``struct`` knows no file, so nothing else in the package indexes raw bytes by a
number that came out of a file.
"""

from __future__ import annotations

import struct
from typing import Literal

from goinspect.errors import MalformedError, TruncatedError

__all__ = ["ByteOrder", "Reader"]

ByteOrder = Literal["little", "big"]

_MAX_VARINT_BYTES = 10


class Reader:
    """Fixed-width and variable-width reads at absolute offsets of one buffer.

    Args:
        data: the bytes; never copied.
        byteorder: of every fixed-width number.
        ptrsize: width of `uptr`, 4 or 8.
        what: names the buffer in error messages.
        origin: file offset (or address) of byte 0, added to the offset an error reports.
    """

    __slots__ = (
        "_i32",
        "_u16",
        "_u32",
        "_u64",
        "_uptr",
        "byteorder",
        "data",
        "origin",
        "ptrsize",
        "size",
        "what",
    )

    def __init__(
        self,
        data: memoryview,
        byteorder: ByteOrder = "little",
        ptrsize: int = 8,
        *,
        what: str,
        origin: int = 0,
    ) -> None:
        self.data = data
        self.size = len(data)
        self.byteorder: ByteOrder = byteorder
        self.ptrsize = ptrsize
        self.what = what
        self.origin = origin
        mark = "<" if byteorder == "little" else ">"
        self._u16 = struct.Struct(mark + "H")
        self._u32 = struct.Struct(mark + "I")
        self._i32 = struct.Struct(mark + "i")
        self._u64 = struct.Struct(mark + "Q")
        self._uptr = self._u64 if ptrsize == 8 else self._u32

    def _check(self, offset: int, size: int) -> None:
        if offset < 0 or size < 0 or offset + size > self.size:
            raise TruncatedError(
                f"{self.what}: {size} bytes expected, {max(0, self.size - max(offset, 0))} left",
                offset=self.origin + offset,
            )

    def u8(self, offset: int) -> int:
        self._check(offset, 1)
        return self.data[offset]

    def u16(self, offset: int) -> int:
        self._check(offset, 2)
        return int(self._u16.unpack_from(self.data, offset)[0])

    def u32(self, offset: int) -> int:
        self._check(offset, 4)
        return int(self._u32.unpack_from(self.data, offset)[0])

    def i32(self, offset: int) -> int:
        self._check(offset, 4)
        return int(self._i32.unpack_from(self.data, offset)[0])

    def u64(self, offset: int) -> int:
        self._check(offset, 8)
        return int(self._u64.unpack_from(self.data, offset)[0])

    def uptr(self, offset: int) -> int:
        self._check(offset, self.ptrsize)
        return int(self._uptr.unpack_from(self.data, offset)[0])

    def view(self, offset: int, size: int) -> memoryview:
        self._check(offset, size)
        return self.data[offset : offset + size]

    def tail(self, offset: int) -> memoryview:
        """Everything from `offset` to the end."""
        self._check(offset, 0)
        return self.data[offset:]

    def cstr(self, offset: int, limit: int = 1 << 16) -> bytes:
        """The bytes up to the next NUL, which must come within `limit` bytes."""
        self._check(offset, 0)
        step = 128
        while True:
            chunk = bytes(self.data[offset : offset + min(step, limit)])
            end = chunk.find(0)
            if end >= 0:
                return chunk[:end]
            if len(chunk) < step:
                break
            step *= 8
        if offset + limit > self.size:
            raise TruncatedError(f"{self.what}: string without end", offset=self.origin + offset)
        raise MalformedError(f"{self.what}: string longer than {limit} bytes", offset=self.origin + offset)

    def uvarint(self, offset: int) -> tuple[int, int]:
        """An unsigned LEB128 number and the offset behind it."""
        value = shift = 0
        for position in range(offset, offset + _MAX_VARINT_BYTES):
            byte = self.u8(position)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, position + 1
            shift += 7
        raise MalformedError(
            f"{self.what}: varint longer than {_MAX_VARINT_BYTES} bytes", offset=self.origin + offset
        )
