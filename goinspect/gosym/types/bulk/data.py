"""Bytes of type data as arrays, and the names in them (cf. `goinspect.gosym.types.nametable`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from goinspect.gosym.types.nametable import HAS_PACKAGE, HAS_TAG, MAX_NAME, SHORTEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect._reader import ByteOrder

    Offsets = NDArray[np.int64]

__all__ = ["Arrays", "NameArrays", "OddError"]

_VARINT = 3  # bytes at most


class OddError(Exception):
    """Something that makes no sense, or is rare: descriptors are read one by one."""


class Arrays:
    """Numbers at offsets that are multiples of their size. All raise OddError for others, and outside of the data."""

    def __init__(self, data: memoryview, byteorder: ByteOrder, ptrsize: int) -> None:
        mark = "<" if byteorder == "little" else ">"
        self.size, self.data, self.word, self.big = len(data), data, ptrsize, byteorder == "big"
        self.bytes: NDArray[np.uint8] = np.frombuffer(data, dtype=np.uint8)
        self._halves, self._ints, self._words = (
            np.frombuffer(data[: len(data) // width * width], dtype=f"{mark}{kind}{width}")
            for kind, width in (("u", 2), ("i", 4), ("u", ptrsize))
        )

    @staticmethod
    def _take(array: NDArray[Any], at: Offsets, width: int) -> NDArray[Any]:
        if not len(at):
            return np.zeros(0, dtype=array.dtype.newbyteorder("="))
        index = at // width
        if int(index.min()) < 0 or int(index.max()) >= len(array) or (at % width).any():
            raise OddError
        return array[index].astype(array.dtype.newbyteorder("="))

    def u8(self, at: Offsets) -> Offsets:
        """Bytes."""
        return self._take(self.bytes, at, 1).astype(np.int64)

    def u16(self, at: Offsets) -> Offsets:
        """Unsigned numbers of 2 bytes."""
        return self._take(self._halves, at, 2).astype(np.int64)

    def i32(self, at: Offsets) -> Offsets:
        """Signed numbers of 4 bytes."""
        return self._take(self._ints, at, 4).astype(np.int64)

    def words(self, at: Offsets) -> NDArray[np.uint64]:
        """Pointers, and other numbers as wide."""
        return self._take(self._words, at, self.word).astype(np.uint64)

    def counts(self, at: Offsets) -> Offsets:
        """Words that count something that the data has."""
        found = self.words(at)
        if len(found) and int(found.max()) > self.size:
            raise OddError
        return found.astype(np.int64)


class NameArrays:
    """Names: flags, a length, the text, and what the flags announce."""

    def __init__(self, arrays: Arrays, width: int) -> None:
        self._arrays, self._width = arrays, width
        self._left = 4 * arrays.size  # as `NameTable` has it; names that are read again count again

    def at(self, offsets: Offsets) -> tuple[Offsets, Offsets]:
        """Where the text of the name at each offset is, and how long it is. Raises OddError where there is no name."""
        arrays, limit = self._arrays, self._arrays.size - SHORTEST
        if len(offsets) and not (int(offsets.min()) > 0 and int(offsets.max()) <= limit):
            raise OddError
        flags = arrays.u8(offsets)
        start, length = self._counted(offsets + 1)
        behind = start + length
        tagged = np.flatnonzero(flags & HAS_TAG)
        if len(tagged):
            tag, tag_length = self._counted(behind[tagged])
            behind[tagged] = tag + tag_length
        packaged = np.flatnonzero(flags & HAS_PACKAGE)
        if len(packaged):
            self._check_packages(behind[packaged])
        return start, length

    def _check_packages(self, at: Offsets) -> None:
        """The 4 bytes that lead to the name of a package need not be aligned."""
        bytes_of = [self._arrays.u8(at + i) for i in range(4)]
        if self._arrays.big:
            bytes_of.reverse()
        place = sum((byte << 8 * i for i, byte in enumerate(bytes_of)), np.zeros(len(at), dtype=np.int64))
        place = place[place != 0]
        if len(place):
            if int(place.max()) > self._arrays.size - SHORTEST:  # negative ones are larger
                raise OddError
            self._counted(place + 1)

    def _counted(self, at: Offsets) -> tuple[Offsets, Offsets]:
        """Texts behind their length: where each begins, and how long it is."""
        arrays = self._arrays
        if self._width:
            length, start = np.zeros(len(at), dtype=np.int64), at + self._width
            for i in range(self._width):
                length = length << 8 | arrays.u8(at + i)
        else:
            byte = arrays.u8(at)
            length, start = byte & 0x7F, at + 1
            more = np.flatnonzero(byte >= 0x80)
            for step in range(1, _VARINT):
                if not len(more):
                    break
                byte = arrays.u8(at[more] + step)
                length[more] |= (byte & 0x7F) << 7 * step
                start[more] += 1
                more = more[byte >= 0x80]
            if len(more):
                raise OddError
        if len(at) and (int(length.max()) > MAX_NAME or int((start + length).max()) > arrays.size):
            raise OddError
        self._left -= int(length.sum())
        if self._left < 0:
            raise OddError
        return start, length
