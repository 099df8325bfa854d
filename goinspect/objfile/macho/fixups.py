"""Chained fixups of Mach-O: pointers that are stored as links of a list, as newer linkers write them.

The words of a page form a chain; each holds its target in some bits and the distance to the next in others. Source:
mach-o/fixup-chains.h of Apple's dyld.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from goinspect._reader import Reader
from goinspect.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goinspect._reader import ByteOrder
    from goinspect.model import Segment

__all__ = ["ChainedFixups"]

_NO_PAGE = 0xFFFF
_MULTI = 0x8000  # the page has several chains: only in 32-bit files
_MAX_SEGMENTS = 1 << 10
_MAX_CHAINS = 16  # of one page, on average


class _Format(NamedTuple):
    """How a word is packed; bit numbers count from the least significant."""

    stride: int
    size: int  # of the word
    next: tuple[int, int]  # first bit, width
    bind: int  # bit: the word names a symbol of another file
    target: int  # width of the target, which starts at bit 0
    high8: int  # first bit of the eight that go to the top of the pointer; -1: none
    offset: bool  # the target counts from the image base
    auth: int = -1  # bit: signed pointer, whose target is 32 bits and counts from the image base


_ARM64E = _Format(8, 8, (51, 11), 62, 43, 43, offset=False, auth=63)
_FORMATS = {
    1: _ARM64E,
    2: _Format(4, 8, (51, 12), 63, 36, 36, offset=False),
    3: _Format(4, 4, (26, 5), 31, 26, -1, offset=False),
    6: _Format(4, 8, (51, 12), 63, 36, 36, offset=True),
    7: _ARM64E._replace(stride=4, offset=True),
    9: _ARM64E._replace(offset=True),
    12: _ARM64E._replace(offset=True),
}


class _Chained(NamedTuple):
    """A segment with chains: the offset in its pages at which each chain starts."""

    segment: Segment
    packed: _Format
    page_size: int
    starts: tuple[int, ...]
    multi: tuple[int, ...]


class ChainedFixups:
    """The fixups of one image.

    Args:
        data: the payload of LC_DYLD_CHAINED_FIXUPS.
        image: the bytes segments' file offsets count in.
        base: the address of the Mach-O header.
        segments: all of the image's.

    Raises:
        TruncatedError: the payload ends inside its tables.
        MalformedError: its tables overlap.
    """

    def __init__(
        self,
        data: memoryview,
        image: memoryview,
        base: int,
        segments: tuple[Segment, ...],
        byteorder: ByteOrder,
    ) -> None:
        self._image, self._base, self._byteorder = image, base, byteorder
        self._chained = list(self._read(Reader(data, byteorder, what="chained fixups"), segments))
        self._page: tuple[int, int, dict[int, int]] = (-1, -1, {})  # the page decoded last

    def _read(self, reader: Reader, segments: tuple[Segment, ...]) -> Iterator[_Chained]:
        starts = reader.u32(4)
        count = min(reader.u32(starts), _MAX_SEGMENTS)
        mark, left = "<" if self._byteorder == "little" else ">", reader.size
        for number in range(count):
            offset = reader.u32(starts + 4 + 4 * number)
            if offset == 0:
                continue
            at = starts + offset
            page_size, kind = reader.u16(at + 4), reader.u16(at + 6)
            vaddr = self._base + reader.u64(at + 8)
            segment = next((s for s in segments if s.vaddr == vaddr), None)
            packed = _FORMATS.get(kind)
            if segment is None or packed is None or page_size < 8:
                continue
            pages = reader.u16(at + 20)
            left -= 2 * pages
            if left < 0:
                raise MalformedError("page tables overlap", offset=at)
            firsts = struct.unpack(f"{mark}{pages}H", reader.view(at + 22, 2 * pages))
            multi: tuple[int, ...] = ()
            if any(first & _MULTI and first != _NO_PAGE for first in firsts):  # behind the pages' words
                behind = reader.tail(at + 22 + 2 * pages)[: 2 * pages * _MAX_CHAINS]
                multi = struct.unpack(f"{mark}{len(behind) // 2}H", behind[: len(behind) // 2 * 2])
            yield _Chained(segment, packed, page_size, firsts, multi)

    def target(self, vaddr: int) -> int | None:
        """What the pointer at `vaddr` points to, None where no rebase is stored there."""
        for number, chained in enumerate(self._chained):
            distance = vaddr - chained.segment.vaddr
            if 0 <= distance < chained.segment.file_size:
                page = distance // chained.page_size
                if self._page[:2] != (number, page):
                    self._page = number, page, dict(self._walk(chained, page))
                return self._page[2].get(vaddr)
        return None

    def rebases(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """(address, target) of the rebases in [start, end)."""
        for chained in self._chained:
            first = max(start, chained.segment.vaddr) - chained.segment.vaddr
            last = min(end - chained.segment.vaddr, chained.segment.file_size)
            # A word that starts in one page may belong to the chain of the page before.
            for page in range(max(0, first // chained.page_size - 1), -(-last // chained.page_size)):
                yield from (row for row in self._walk(chained, page) if start <= row[0] < end)

    def pointers_to(self, target: int, find: Callable[[bytes], Iterator[int]]) -> Iterator[int]:
        """Addresses of the rebases to `target`; `find` gives the addresses of a needle in writable segments."""
        needles = set()
        for chained in self._chained:
            width = 4 if chained.packed.target >= 32 else 3
            for value in (target, target - self._base):
                if value >= 0:
                    needles.add((value & (1 << 8 * width) - 1).to_bytes(width, self._byteorder))
        for needle in sorted(needles):
            for vaddr in find(needle):
                if self.target(vaddr) == target:
                    yield vaddr

    def _walk(self, chained: _Chained, page: int) -> Iterator[tuple[int, int]]:
        """(address, target) of the rebases in one page."""
        segment, packed = chained.segment, chained.packed
        if page >= len(chained.starts):
            return
        start = page * chained.page_size
        end = min(start + chained.page_size + 8, segment.file_size)
        first, width = packed.next
        left = (
            chained.page_size // 4
        )  # chains that cross each other must not cost more than the page has words
        for offset in self._chain_starts(chained, page):
            at, step = start + offset, 1
            while step and left and at <= end - packed.size:
                where = segment.file_offset + at
                word = int.from_bytes(self._image[where : where + packed.size], self._byteorder)
                target = self._decode(packed, word)
                if target is not None:
                    yield segment.vaddr + at, target
                step = (word >> first & (1 << width) - 1) * packed.stride
                at, left = at + step, left - 1

    def _chain_starts(self, chained: _Chained, page: int) -> list[int]:
        first = chained.starts[page]
        if first == _NO_PAGE:
            return []
        if not first & _MULTI:
            return [first]
        index = (first & ~_MULTI) - len(chained.starts)
        found: list[int] = []
        for start in chained.multi[max(0, index) :][: chained.page_size]:
            found.append(start & ~_MULTI)
            if start & _MULTI:  # the last one of this page
                break
        return found

    def _decode(self, packed: _Format, word: int) -> int | None:
        if word >> packed.bind & 1:
            return None
        if packed.auth >= 0 and word >> packed.auth & 1:
            return self._base + (word & 0xFFFFFFFF)
        target = word & (1 << packed.target) - 1
        if packed.offset:
            target += self._base
        return target | (word >> packed.high8 & 0xFF) << 56 if packed.high8 >= 0 else target
