"""The lines of a kallsyms table: "address type name [module]", a hundred thousand and more of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["Functions", "read_each", "read_kallsyms"]

_CODE_TYPES = b"TtWw"
_ANCHORS = (b"_text", b"_stext", b"_etext")
_DIGITS = 16
_NAME_AT = 19  # behind the digits, a blank, the type and another blank
_BLANKS = b"\t "


class Functions(NamedTuple):
    """What is code of a table, by address."""

    addresses: NDArray[np.uint64]
    data: bytes
    begin: NDArray[np.int64]  # of name and module, in `data`
    end: NDArray[np.int64]
    anchors: dict[bytes, int]  # the first address of each symbol that tells where the text lies

    def name(self, index: int) -> bytes:
        """Name and, behind a blank, module."""
        return b" ".join(self.data[self.begin[index] : self.end[index]].split(None, 1))


def read_kallsyms(data: bytes) -> Functions:
    """All of a table; raises ValueError with the first line that is none of it."""
    return _read_columns(data) or read_each(data)


def _read_columns(data: bytes) -> Functions | None:
    """Where every line is as the kernel writes it: 16 digits first."""
    text = np.frombuffer(data, dtype=np.uint8)
    end = np.flatnonzero(text == ord("\n"))
    begin = np.append(0, end[:-1] + 1)
    if not len(end) or end[-1] != len(data) - 1 or (end - begin <= _NAME_AT).any() or not _only_lines(data):
        return None
    shaped = text[begin + _DIGITS] == ord(" ")
    shaped &= text[begin + _NAME_AT - 1] == ord(" ")
    for place in (_NAME_AT - 2, _NAME_AT):
        shaped &= text[begin + place] > ord(" ")
    if not shaped.all():
        return None
    address = np.zeros(len(begin), dtype=np.uint64)
    for place in range(_DIGITS):
        digit = _VALUES[text[begin + place]]
        if (digit > 15).any():
            return None
        address = address << np.uint64(4) | digit
    kept = np.flatnonzero(np.isin(text[begin + _NAME_AT - 2], np.frombuffer(_CODE_TYPES, dtype=np.uint8)))
    anchors = {}
    for name in _ANCHORS:
        row = _first_of(data, name, begin)
        if row is not None:
            anchors[name] = int(address[row])
    order = kept[np.argsort(address[kept], kind="stable")]
    return Functions(address[order], data, begin[order] + _NAME_AT, end[order], anchors)


def _only_lines(data: bytes) -> bool:
    """Is there nothing that ends a line or a field but line feeds, tabs and blanks?"""
    return not any(blank in data for blank in (b"\r", b"\v", b"\f"))


def _first_of(data: bytes, name: bytes, begin: NDArray[np.int64]) -> int | None:
    """The first line of a symbol."""
    at = data.find(b" " + name)
    while at >= 0:
        row = int(np.searchsorted(begin, at, side="right")) - 1
        behind = data[at + 1 + len(name) : at + 2 + len(name)]
        if at + 1 == begin[row] + _NAME_AT and (behind == b"\n" or behind in _BLANKS):
            return row
        at = data.find(b" " + name, at + 1)
    return None


def read_each(data: bytes) -> Functions:
    """The same of lines of any form, one by one."""
    addresses: list[int] = []
    names: list[bytes] = []
    anchors: dict[bytes, int] = {}
    for line in data.splitlines():
        fields = line.split(None, 3)
        try:
            address, kind, name = int(fields[0], 16), fields[1][0], fields[2]
        except (ValueError, IndexError):
            raise ValueError(line) from None
        if name in _ANCHORS:
            anchors.setdefault(name, address)
        if kind in _CODE_TYPES:
            addresses.append(address)
            names.append(b" ".join(fields[2:]))
    return _sorted(addresses, names, anchors)


def _sorted(addresses: list[int], names: list[bytes], anchors: dict[bytes, int]) -> Functions:
    column = np.array(addresses, dtype=np.uint64)
    order = np.argsort(column, kind="stable")
    end = np.cumsum(_lengths(names))
    begin = end - _lengths(names)
    return Functions(column[order], b"".join(names), begin[order], end[order], anchors)


def _lengths(names: Iterable[bytes]) -> NDArray[np.int64]:
    return np.array([len(name) for name in names], dtype=np.int64)


def _digit_values() -> NDArray[np.uint64]:
    out = np.full(256, 16, dtype=np.uint64)
    for digits in (b"0123456789abcdef", b"0123456789ABCDEF"):
        out[np.frombuffer(digits, dtype=np.uint8)] = np.arange(16)
    return out


_VALUES = _digit_values()
