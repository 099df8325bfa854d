"""Unit headers of ``.debug_info``, DWARF 2-5 in both formats (DWARF 5, section 7.5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from goinspect.errors import MalformedError, TruncatedError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect._reader import Reader

__all__ = ["VERSIONS", "UnitHeader", "unit_headers"]

VERSIONS: Final = (2, 3, 4, 5)
_DWARF64 = 0xFFFFFFFF
_RESERVED = 0xFFFFFFF0
_UT_TYPE, _UT_SKELETON, _UT_SPLIT_COMPILE, _UT_SPLIT_TYPE = 2, 4, 5, 6


class UnitHeader(NamedTuple):
    """A unit of ``.debug_info``. All places are offsets in that section."""

    offset: int
    first: int  # where its entries start
    end: int
    version: int
    offset_size: int  # 4 or 8: DWARF32 or DWARF64
    address_size: int
    abbrev_offset: int  # in .debug_abbrev


def unit_headers(reader: Reader, size: int) -> Iterator[UnitHeader]:
    """The units of a section of `size` bytes, by their headers alone; the reader may have only the start of it.

    Raises:
        TruncatedError: the section, or what the reader has of it, ends within one; those before it have been told.
        MalformedError: a length that the format reserves, or an address size of no machine.
        UnsupportedError: a version that is not known.
    """
    at = 0
    while at < size:
        header = _header(reader, at, size)
        if header is None:  # zeros that fill up the section
            return
        yield header
        at = header.end


def _header(reader: Reader, start: int, size: int) -> UnitHeader | None:
    length, at, wide = reader.u32(start), start + 4, 4
    if length == _DWARF64:
        length, at, wide = reader.u64(at), at + 8, 8
    elif length >= _RESERVED:
        raise MalformedError(f"DWARF unit of reserved length {length:#x}", offset=start)
    if length == 0:
        return None
    end = at + length
    if end > size:
        raise TruncatedError(f"DWARF unit of {length} bytes, {size - at} left", offset=start)
    version = reader.u16(at)
    if version not in VERSIONS:
        raise UnsupportedError(f"DWARF version {version}, 2 to 5 expected", offset=start)

    def offset_at(place: int) -> int:
        return reader.u64(place) if wide == 8 else reader.u32(place)

    if version >= 5:
        kind, address_size, abbrev, first = (
            reader.u8(at + 2),
            reader.u8(at + 3),
            offset_at(at + 4),
            at + 4 + wide,
        )
        first += {_UT_SKELETON: 8, _UT_SPLIT_COMPILE: 8, _UT_TYPE: 8 + wide, _UT_SPLIT_TYPE: 8 + wide}.get(
            kind, 0
        )
    else:
        abbrev, address_size, first = offset_at(at + 2), reader.u8(at + 2 + wide), at + 3 + wide
    if address_size not in (2, 4, 8):
        raise MalformedError(f"DWARF unit with addresses of {address_size} bytes", offset=start)
    if first > end:
        raise TruncatedError(f"DWARF unit of {length} bytes: no room for its header", offset=start)
    return UnitHeader(start, first, end, version, wide, address_size, abbrev)
