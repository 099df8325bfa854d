"""How each form of an attribute is laid out (DWARF 5, section 7.5.6), as one table for both ways of reading.

An entry has no length of its own: the next one is found by stepping over every attribute. `skip pattern`s do that
in `re`, at the speed of C; `read_form` does it one attribute at a time for what patterns cannot express.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from goinspect.errors import MalformedError, TruncatedError, UnsupportedError

if TYPE_CHECKING:
    from goinspect._reader import ByteOrder
    from goinspect.dwarf.info.units import UnitHeader

__all__ = ["Encoding", "Value", "form_pattern", "read_form", "sleb", "uleb"]

Value = int | bytes

ADDR: Final = 0x01
STRING: Final = 0x08
SDATA: Final = 0x0D
STRP: Final = 0x0E
UDATA: Final = 0x0F
REF_ADDR: Final = 0x10
INDIRECT: Final = 0x16
FLAG_PRESENT: Final = 0x19
LINE_STRP: Final = 0x1F
IMPLICIT_CONST: Final = 0x21
BLOCKS: Final = {0x0A: 1, 0x03: 2, 0x04: 4, 0x09: 0, 0x18: 0}  # form -> bytes of the length; 0: a LEB128
STRX: Final = frozenset((0x1A, 0x25, 0x26, 0x27, 0x28, 0x1F02))
ADDRX: Final = frozenset((0x1B, 0x29, 0x2A, 0x2B, 0x2C, 0x1F01))
UNIT_REFS: Final = frozenset((0x11, 0x12, 0x13, 0x14, 0x15))
LOC_INDEX: Final = 0x22
RNGLISTX: Final = 0x23

_FIXED: Final = {
    0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16,  # data
    0x0C: 1, FLAG_PRESENT: 0, IMPLICIT_CONST: 0,
    0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8, 0x20: 8, 0x1C: 4, 0x24: 8,  # references
    0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4,  # indices of strings
    0x29: 1, 0x2A: 2, 0x2B: 3, 0x2C: 4,  # indices of addresses
}  # fmt: skip
_OFFSETS: Final = frozenset((STRP, 0x17, LINE_STRP, 0x1D, 0x1F20, 0x1F21))  # as wide as the unit's offsets
LEBS: Final = frozenset((SDATA, UDATA, 0x15, 0x1A, 0x1B, LOC_INDEX, RNGLISTX, 0x1F01, 0x1F02))

LEB_PATTERN: Final = rb"[\x80-\xff]{0,9}+[\x00-\x7f]"
_MAX_LEB = 10
_SHORT_BLOCKS = 24  # lengths that a pattern knows; longer blocks are rare, and read one by one


class Encoding(NamedTuple):
    """What the size of some forms depends on."""

    version: int
    offset_size: int
    address_size: int
    byteorder: ByteOrder

    @classmethod
    def of(cls, header: UnitHeader, byteorder: ByteOrder) -> Encoding:
        """That of a unit."""
        return cls(header.version, header.offset_size, header.address_size, byteorder)

    def width(self, form: int) -> int | None:
        """Bytes of a form that always has the same; None for the others."""
        if form == ADDR:
            return self.address_size
        if form == REF_ADDR:  # an address until DWARF 2
            return self.address_size if self.version <= 2 else self.offset_size
        return self.offset_size if form in _OFFSETS else _FIXED.get(form)


def form_pattern(form: int, encoding: Encoding) -> bytes | None:
    """A pattern that matches an attribute of that form; None where its bytes are more than a pattern can tell."""
    width = encoding.width(form)
    if width is not None:
        return b".{%d}" % width if width else b""
    if form == STRING:
        return rb"[^\x00]*+\x00"
    if form in LEBS:
        return LEB_PATTERN
    if BLOCKS.get(form, 2) < 2:
        return b"(?:" + b"|".join(b"\\x%02x.{%d}" % (size, size) for size in range(_SHORT_BLOCKS)) + b")"
    return None


def uleb(data: bytes | memoryview, at: int, end: int) -> tuple[int, int]:
    """An unsigned LEB128 and the offset behind it.

    Raises:
        TruncatedError: `end` comes first.
        MalformedError: it has more than 10 bytes.
    """
    value = shift = 0
    for place in range(at, min(end, at + _MAX_LEB)):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place + 1
        shift += 7
    if end - at < _MAX_LEB:
        raise TruncatedError("DWARF number without end", offset=at)
    raise MalformedError(f"DWARF number of more than {_MAX_LEB} bytes", offset=at)


def sleb(data: bytes | memoryview, at: int, end: int) -> tuple[int, int]:
    """A signed LEB128 and the offset behind it; raises as `uleb`."""
    value, after = uleb(data, at, end)
    bits = 7 * (after - at)
    return (value - (1 << bits) if value >> (bits - 1) else value), after


def read_form(
    data: bytes | memoryview, at: int, end: int, form: int, encoding: Encoding
) -> tuple[int, Value, int]:
    """An attribute's form (another one where it is indirect), its value, and the offset behind it.

    The value is a number, or the bytes of a string (without NUL) or block.

    Raises:
        TruncatedError: the unit ends within it.
        MalformedError: it contradicts the format.
        UnsupportedError: a form of which the length is not known.
    """
    if form == INDIRECT:
        form, at = uleb(data, at, end)
        if form in (INDIRECT, IMPLICIT_CONST):
            raise MalformedError(f"DWARF form {form:#x} where a plain one is expected", offset=at)
    width = encoding.width(form)
    if width is None:
        if form in LEBS:
            return (form, *(sleb if form == SDATA else uleb)(data, at, end))
        if form == STRING:
            stop = _find_nul(data, at, end)
            return form, bytes(data[at:stop]), stop + 1
        if form not in BLOCKS:
            raise UnsupportedError(f"DWARF form {form:#x} is not known", offset=at)
    length = BLOCKS.get(form) if width is None else width
    if width is None and not length:
        length, at = uleb(data, at, end)
    elif width is None and length:
        length, at = int.from_bytes(_take(data, at, end, length), encoding.byteorder), at + length
    content = _take(data, at, end, length or 0)
    if form == FLAG_PRESENT:
        return form, 1, at
    value = bytes(content) if width is None else int.from_bytes(content, encoding.byteorder)
    return form, value, at + len(content)


def _take(data: bytes | memoryview, at: int, end: int, size: int) -> bytes | memoryview:
    if at + size > end:
        raise TruncatedError(f"DWARF attribute of {size} bytes, {end - at} left", offset=at)
    return data[at : at + size]


def _find_nul(data: bytes | memoryview, at: int, end: int) -> int:
    step = 256
    while at < end:
        found = bytes(data[at : min(at + step, end)]).find(0)
        if found >= 0:
            return at + found
        at, step = at + step, step * 4
    raise TruncatedError("DWARF string without end", offset=end)
