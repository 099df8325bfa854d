"""What makes bytes a gopclntab even when its magic does not say so: the shape of its parts.

The 8-byte pattern of a header also occurs in programs that embed the constants, and obfuscators replace the magic, so
nothing is believed before its structure is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._reader import Reader
from goinspect.errors import GoinspectError, TruncatedError
from goinspect.gosym.layout import HEADERS, RELEASES, header_layout, sample
from goinspect.gosym.pclntab import PclnTable, parse_header

if TYPE_CHECKING:
    from goinspect._reader import ByteOrder
    from goinspect.gosym.layout import HeaderLayout, Release
    from goinspect.gosym.pclntab import Header

__all__ = ["fits", "releases_of", "understand"]

_SAMPLE = 256  # functions looked at
_FEW = 3  # functions, of which no two need follow each other
_PACKED = 0.9  # share of records that must be followed directly by the next


def releases_of(layout: HeaderLayout) -> tuple[Release, ...]:
    """The rows of all releases that write this header."""
    later = [row.since for row in HEADERS if row.since > layout.since]
    end = min(later) if later else (99, 0)
    rows = [row for row in RELEASES if layout.since <= row.since < end]
    return tuple(rows)


def understand(data: memoryview, origin: int = 0) -> Header | None:
    """The header at the start of `data` if a table of sound structure follows; its magic may be a changed one."""
    if len(data) < 8 or bytes(data[4:6]) != b"\0\0" or data[6] not in (1, 2, 4) or data[7] not in (4, 8):
        return None
    magics = [int.from_bytes(data[:4], order) for order in ("little", "big")]
    known = any(header_layout(magic) for magic in magics)
    orders: tuple[ByteOrder, ByteOrder] = ("little", "big")
    layouts = [None] if known else [(row, order) for row in HEADERS for order in orders]
    best: tuple[float, Header] | None = None
    for layout in layouts:
        try:
            header = parse_header(data, origin, layout)
        except GoinspectError:
            continue
        rate = fits(data, header)
        if rate and (best is None or rate > best[0]):
            best = rate, header
    return best[1] if best else None


def fits(data: memoryview, header: Header) -> float:
    """How well the records fit the header, from 0 (not at all) to 1."""
    try:
        if not _rises(data, header):
            return 0
        return max(_packed(data, header, release) for release in releases_of(header.layout))
    except GoinspectError:
        return 0


def _rises(data: memoryview, header: Header) -> bool:
    """Entries do not fall, records lie behind the lookup array."""
    reader = Reader(data, header.byteorder, header.ptrsize, what="gopclntab")
    width = header.field_size
    read = reader.u32 if width == 4 else reader.u64
    behind = header.functab_size if header.layout.has_cutab else 0
    previous, zeros = -1, 0
    for index in sample(header.nfunc, _SAMPLE):
        at = header.functab + 2 * index * width
        entry, offset = read(at), read(at + width)
        if entry < previous or offset < behind:
            if entry or width == 4 or offset < behind:
                return False
            zeros += 1  # an address that only a symbol's relocation would fill in
            continue
        previous = entry
    end = read(header.functab + 2 * header.nfunc * width)
    if not end and width == header.ptrsize and not header.layout.entry_size:
        return zeros * 10 <= min(header.nfunc, _SAMPLE)
    return end >= previous and end > read(header.functab) and zeros * 10 <= min(header.nfunc, _SAMPLE)


def _packed(data: memoryview, header: Header, release: Release) -> float:
    """The share of records that are followed directly by the next one; before Go 1.16: that repeat their entry."""
    table = PclnTable(data, header, release, vaddr=0)
    good = seen = 0
    align = header.ptrsize - 1
    for index in sample(header.nfunc - 1, _SAMPLE):
        try:
            func, following = table.func(index), table.func(index + 1)
        except TruncatedError:  # the rest of a file that was cut off
            continue
        if func is None or following is None:
            continue
        seen += 1
        if header.layout.has_cutab:
            good += func.record_end(header) + align & ~align == following.record
        else:
            good += table.record_entry(func) in (func.entry, 0)
    if not seen:
        return float(header.nfunc < _FEW)
    return good / seen if good / seen >= _PACKED else 0.0
