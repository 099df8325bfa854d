"""Functions of gopclntab by name: exact, with type arguments left out as ``[...]``, and with ``.`` for the middle dot.

The table of names is searched as it lies in the file: to decode a hundred thousand names for one lookup would take
longer than the lookup.
"""

from __future__ import annotations

import re
import struct
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.gosym.pclntab import PclnTable

__all__ = ["FunctionNames"]

_SHORT = "[...]"
_MIDDLE_DOT = "·"
_MANY = 16  # names from which on it is worth while to sort functions by name


class FunctionNames:
    """Finds names in one table."""

    def __init__(self, table: PclnTable) -> None:
        self._table = table
        header = table.header
        self._base = max(header.funcnametab, 0)
        end = header.cutab if header.layout.has_cutab else len(table.data)
        self._asked = 0
        self._text = bytes(table.data[self._base : end])

    def find(self, name: str) -> list[int]:
        """Numbers in functab of the functions called `name`, in order of address."""
        for offsets in (self.exact(name), self.alike(name)):
            found = self._with(set(offsets)) if offsets else []
            if found:
                return found
        return []

    def _with(self, offsets: set[int]) -> list[int]:
        self._asked += 1
        if self._asked < _MANY:
            return [number for number, offset in enumerate(self._name_offsets) if offset in offsets]
        return sorted(number for offset in offsets for number in self._by_offset.get(offset, ()))

    def exact(self, name: str) -> list[int]:
        """Where `name` may begin, as offsets of names: also where a longer name ends in it."""
        wanted = name.encode("utf-8", "surrogateescape") + b"\0"
        out, at = [], self._text.find(wanted)
        while name and at >= 0:
            out.append(at)
            at = self._text.find(wanted, at + 1)
        return out

    def alike(self, name: str) -> list[int]:
        """As `exact`, where ``[...]`` is for any type arguments and ``.`` for the middle dot as well."""
        if not name or ("." not in name and _MIDDLE_DOT not in name):
            return []
        head, short, tail = name.partition(_SHORT)
        pattern = _loosely(head) + (rb"\[[^\0]*\]" + _loosely(tail) if short else b"") + rb"\0"
        return [match.start() for match in re.finditer(pattern, self._text)]

    def every(self) -> Iterator[str]:
        """The names of all functions, those that exist only inlined too where the table keeps names apart."""
        if self._table.header.layout.has_cutab:
            yield from (name.decode("utf-8", "backslashreplace") for name in self._text.split(b"\0") if name)
            return
        for offset in sorted(set(self._name_offsets) - {-1}):
            end = self._text.find(b"\0", offset)
            yield self._text[offset:end].decode("utf-8", "backslashreplace")

    @cached_property
    def _by_offset(self) -> dict[int, list[int]]:
        """Offset of a name -> numbers of the functions that have it."""
        out: dict[int, list[int]] = {}
        for number, offset in enumerate(self._name_offsets):
            out.setdefault(offset, []).append(number)
        return out

    @cached_property
    def _name_offsets(self) -> list[int]:
        """Of each function; -1 where its record lies outside of the table."""
        table, header = self._table, self._table.header
        mark = "<" if header.byteorder == "little" else ">"
        functab = table.data[header.functab : header.functab + header.functab_size]
        pairs = struct.iter_unpack(
            mark + ("II" if header.field_size == 4 else "QQ"), functab[: 2 * header.nfunc * header.field_size]
        )
        data, last = table.data, len(table.data) - 4
        base = (header.functab if header.layout.has_cutab else 0) + (
            header.layout.entry_size or header.ptrsize
        )
        word = struct.Struct(mark + "I").unpack_from
        return [word(data, place + base)[0] if place + base <= last else -1 for _, place in pairs]


def _loosely(text: str) -> bytes:
    dotted = re.escape(text.replace(_MIDDLE_DOT, ".").encode("utf-8", "surrogateescape"))
    return dotted.replace(rb"\.", rb"(?:\.|" + _MIDDLE_DOT.encode() + rb")")
