"""Memory of an image for many reads near each other: each segment is relocated once, when it is first looked at."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from goinspect._reader import Reader
from goinspect.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from goinspect.objfile.image import Image

__all__ = ["TypeMemory"]

_MAX_CHUNKS = 16  # the types of a module are in one segment, or two

_MAX_OVERLAP = 8  # how often the bytes of a file may be read, all together
_MORE = 1 << 20  # bytes, for small files


class TypeMemory:
    """Bytes of an image by address, relocated.

    Args:
        image: whose memory it is.
        relocate: False for words that are offsets and counts only, and cost less.
    """

    def __init__(self, image: Image, *, relocate: bool = True) -> None:
        self._image, self._relocate = image, relocate
        self._left = _MAX_OVERLAP * sum(s.file_size for s in image.segments) + _MORE
        self._chunks: list[tuple[int, memoryview]] = []
        self.ptrsize = image.ptrsize
        self.byteorder = image.byteorder
        self._mark, self._letter = "<" if image.byteorder == "little" else ">", "IQ"[image.ptrsize == 8]

    def view(self, vaddr: int, size: int) -> memoryview:
        """At most `size` bytes at an address.

        Raises:
            MalformedError: no segment holds it.
            TruncatedError: the file ends before it.
        """
        for start, chunk in self._chunks:
            if start <= vaddr < start + len(chunk):
                return chunk[vaddr - start : vaddr - start + size]
        start = next(
            (s.vaddr for s in self._image.segments if s.vaddr <= vaddr < s.vaddr + s.file_size), vaddr
        )
        if len(self._chunks) == _MAX_CHUNKS:
            raise MalformedError(f"type data in more than {_MAX_CHUNKS} places", path=self._image.path)
        whole = self._image.tail(start)
        found = self._image.relocated(start, len(whole)) if self._relocate else whole
        self._chunks.append((start, found))
        return found[vaddr - start : vaddr - start + size]

    def reader(self, vaddr: int, size: int) -> Reader:
        """A Reader of exactly `size` bytes; raises as `view`, and TruncatedError where there are fewer."""
        self._left -= size
        if self._left < 0:
            raise MalformedError("parts of type data overlap", path=self._image.path)
        view = self.view(vaddr, size)
        return Reader(
            Reader(view, what="type data", origin=vaddr).view(0, size), self.byteorder, self.ptrsize, what="type data",
            origin=vaddr,
        )  # fmt: skip

    def words(self, vaddr: int, count: int) -> tuple[int, ...]:
        """`count` pointers; raises as `reader`."""
        data = self.reader(vaddr, count * self.ptrsize).data
        return struct.unpack(f"{self._mark}{count}{self._letter}", data)

    def pairs(self, vaddrs: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Two pointers at each address: `words` of many that lie near each other; raises as it does."""
        pair = struct.Struct(f"{self._mark}2{self._letter}")
        start, chunk = 0, memoryview(b"")
        for vaddr in vaddrs:
            if not 0 <= vaddr - start <= len(chunk) - pair.size:
                self.reader(vaddr, pair.size)
                self._left += pair.size
                start, chunk = next(one for one in self._chunks if one[0] <= vaddr < one[0] + len(one[1]))
            self._left -= pair.size
            if self._left < 0:
                raise MalformedError("parts of type data overlap", path=self._image.path)
            yield pair.unpack_from(chunk, vaddr - start)
