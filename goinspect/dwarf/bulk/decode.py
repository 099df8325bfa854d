"""Attributes of many entries of one abbreviation at once, as columns of numpy (DWARF 5, section 7.5.6).

What is rare and hard to express so raises `OddError`: then `goinspect.dwarf.info` reads it, one entry after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from goinspect.dwarf.info import forms

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from goinspect.dwarf.info.abbrevs import Abbrev
    from goinspect.dwarf.info.forms import Encoding

    Offsets = NDArray[np.int64]

__all__ = ["NONE", "Bytes", "Column", "OddError", "Section", "decode", "numbers"]

NONE: Final = -(1 << 63)  # where a column has no number
_LONGEST: Final = 1 << 16  # bytes of a name: Go's longest have some ten thousand
_SIGNED_BYTES = 8  # of a LEB128 whose value is sure to fit
_WIDEST = 8


class OddError(Exception):
    """Something that is read one by one."""


class Bytes(NamedTuple):
    """Strings without their NUL, or blocks, by where they are in the section."""

    start: Offsets
    end: Offsets
    known: Sequence[bytes] | None = None  # what they are, if that was looked at


# A number for each entry, one for all of them, or bytes.
Column = "NDArray[Any] | int | Bytes"


class Section:
    """``.debug_info`` as numbers.

    Attributes:
        data: its bytes.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.bytes = np.frombuffer(data, dtype=np.uint8)

    def byte(self, at: Offsets) -> NDArray[np.uint8]:
        """The byte at each place; places behind the end have the last one, and are found out by their end."""
        return self.bytes.take(at, mode="clip")

    def number(self, at: Offsets, width: int, byteorder: str) -> NDArray[np.uint64]:
        """A number of fixed width at each place; of places near the end of the section, any number."""
        return numbers(self.data, at, width, byteorder)

    def leb(self, at: Offsets, *, signed: bool = False) -> tuple[Offsets, Offsets]:
        """A LEB128 at each place, and where it ends. Raises OddError for those that 64 bits may not hold."""
        byte = self.byte(at)
        value = (byte & 0x7F).astype(np.int64)
        end = at + 1
        bits = np.full(len(at), 7, dtype=np.int64) if signed else None
        more = np.flatnonzero(byte >= 0x80)
        for step in range(1, _SIGNED_BYTES):
            if not len(more):
                break
            byte = self.byte(at[more] + step)
            value[more] |= (byte & 0x7F).astype(np.int64) << (7 * step)
            end[more] += 1
            if bits is not None:
                bits[more] += 7
            more = more[byte >= 0x80]
        if len(more):
            raise OddError
        if bits is not None:
            value = np.where(value >> (bits - 1) & 1, value - (1 << bits), value)
        return value, end

    def string_ends(self, at: Offsets) -> Offsets:
        """Where each NUL-terminated string ends. Raises OddError for very long ones."""
        find = self.data.find
        ends = np.array([find(b"\0", start, start + _LONGEST) for start in at.tolist()], dtype=np.int64)
        if len(ends) and ends.min() < 0:
            raise OddError
        return ends

    def texts(self, found: Bytes) -> list[str]:
        """Strings, decoded."""
        data, raw = self.data, found.known
        if raw is None:
            raw = [
                data[start:end] for start, end in zip(found.start.tolist(), found.end.tolist(), strict=True)
            ]
        # All at once: no string has a NUL.
        return b"\0".join(raw).decode("utf-8", "backslashreplace").split("\0") if raw else []


def numbers(data: bytes | memoryview, at: Offsets, width: int, byteorder: str) -> NDArray[np.uint64]:
    """Numbers of fixed width at places that need not be aligned; places behind the end have the last number."""
    mark = "<" if byteorder == "little" else ">"
    if len(data) < width or not len(at):
        return np.zeros(len(at), dtype=np.uint64)
    if width not in (1, 2, 4, 8):
        whole = np.frombuffer(data, dtype=np.uint8)
        parts = [whole.take(at + i, mode="clip").astype(np.uint64) for i in range(width)]
        value = np.zeros(len(at), dtype=np.uint64)
        for part in parts if byteorder == "big" else reversed(parts):
            value = value << np.uint64(8) | part
        return value
    anywhere = np.ndarray((len(data) - width + 1,), f"{mark}u{width}", data, strides=(1,))
    return anywhere[np.minimum(at, len(anywhere) - 1)].astype(np.uint64)


def decode(
    section: Section, at: Offsets, abbrev: Abbrev, encoding: Encoding, wanted: Collection[int],
    first: Sequence[bytes] | None = None,
) -> tuple[dict[int, Any], Offsets]:  # fmt: skip
    """The wanted attributes of entries whose code ends at `at` as a `Column` each, and where the entries end.

    `first` has the first attribute of each, where that is a string and known.

    Raises:
        OddError: numbers that may not fit, an attribute that is there twice, forms that are not known.
    """
    if len(abbrev.forms) < len(abbrev.attributes) or any(map(_is_wide, abbrev.constants.values())):
        raise OddError
    columns: dict[int, Any] = {key: value for key, value in abbrev.constants.items() if key in wanted}
    for attribute, form in abbrev.attributes:
        if form == forms.STRING:
            column: Any = Bytes(at, section.string_ends(at) if first is None else at + _lengths(first), first)
            at, first = column.end + 1, None
        elif (width := encoding.width(form)) is not None:
            column = None
            if attribute in wanted and form != forms.IMPLICIT_CONST:
                column = _fixed(section, at, form, width, encoding)
            at = at + width
        else:
            column, at = _varying(section, at, form)
        if column is not None and attribute in wanted:
            columns[attribute] = column
    return columns, at


def _is_wide(number: int) -> bool:
    return abs(number) >> 62 != 0


def _lengths(texts: Sequence[bytes]) -> Offsets:
    return np.fromiter(map(len, texts), np.int64, len(texts))


def _fixed(
    section: Section, at: Offsets, form: int, width: int, encoding: Encoding
) -> NDArray[np.uint64] | int:
    if width > _WIDEST:
        raise OddError
    return 1 if form == forms.FLAG_PRESENT else section.number(at, width, encoding.byteorder)


def _varying(section: Section, at: Offsets, form: int) -> tuple[Offsets | Bytes, Offsets]:
    """An attribute that says itself how long it is, and where it ends."""
    if form in forms.LEBS:
        return section.leb(at, signed=form == forms.SDATA)
    if form not in forms.BLOCKS or forms.BLOCKS[form] > 1:
        raise OddError
    size, start = section.leb(at) if not forms.BLOCKS[form] else (section.byte(at).astype(np.int64), at + 1)
    return Bytes(start, start + size), start + size
