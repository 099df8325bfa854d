"""Records: fields of ``_func`` for many functions at once, as numpy columns.

The same bytes as `goinspect.gosym.pclntab.PclnTable.func`, read through one array of 4-byte words. A field outside of
the table reads as 0, so that damage costs the damaged function only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.gosym.pclntab import PclnTable

    Indices = NDArray[np.int64]

__all__ = ["Records", "at"]

NONE32 = 0xFFFFFFFF


def at(array: NDArray[Any], index: Indices) -> Indices:
    """``array[index]`` as int64; 0 where an index lies outside."""
    if not len(array):
        return np.zeros(len(index), dtype=np.int64)
    inside = (index >= 0) & (index < len(array))
    if inside.all():
        return array[index].astype(np.int64)
    return np.where(inside, array[np.where(inside, index, 0)], 0).astype(np.int64)


class Records:
    """The functab and the ``_func`` records of one table; functions are named by their number in functab.

    Attributes:
        entries: vaddrs, nfunc + 1 of them: the last is the end of the text.
        ends: vaddr where each function ends, padding included.
        present: False for the holes that Go 1.14-1.17 puts between text sections, and for records outside of the data.
        unreadable: True for the latter.
    """

    def __init__(self, table: PclnTable) -> None:
        self.table = table
        header = self._header = table.header
        mark = "<" if header.byteorder == "little" else ">"
        self.u32 = np.dtype(mark + "u4")
        functab = np.frombuffer(
            table.data, dtype=f"{mark}u{header.field_size}", count=2 * header.nfunc + 1, offset=header.functab
        )
        offsets = functab[::2].astype(np.uint64)
        self.entries: NDArray[np.uint64] = table.text_map.addresses(offsets)
        self.ends: NDArray[np.uint64] = table.text_map.ends(offsets)
        places = functab[1::2]
        hole = places == np.iinfo(places.dtype).max
        base = header.functab if header.layout.has_cutab else 0
        self._start = base  # of the records' offsets, from the table's first byte
        region = table.data[base : base + (len(table.data) - base & ~3)]
        self._words = np.frombuffer(region, dtype=self.u32)
        self._bytes = np.frombuffer(region, dtype=np.uint8)
        inside = np.minimum(places.astype(np.uint64), np.uint64(len(region))).astype(np.int64)
        entry_words = (header.layout.entry_size or header.ptrsize) // 4
        self._first = (inside >> 2) + entry_words  # word behind the entry
        self._fields = {name: i for i, name in enumerate(table.release.func)}
        outside = self._first + len(self._fields) > len(self._words)
        self.unreadable: NDArray[np.bool_] = outside & ~hole
        self.present: NDArray[np.bool_] = ~outside & ~hole

    def find(self, pcs: NDArray[np.uint64]) -> Indices:
        """Number of the function that holds each PC, -1 where none does; as `PclnTable.find`."""
        return self._among(pcs, self.present)

    def find_unreadable(self, pcs: NDArray[np.uint64]) -> Indices:
        """The same for functions whose record cannot be read."""
        return self._among(pcs, self.unreadable)

    def _among(self, pcs: NDArray[np.uint64], wanted: NDArray[np.bool_]) -> Indices:
        index = np.searchsorted(self.entries, pcs, side="right") - 1
        inside = (index >= 0) & (index < self.table.nfunc)
        held = inside & self.table.text_map.covers(pcs) & wanted[np.where(inside, index, 0)]
        return np.where(held, index, -1)

    def field(self, funcs: Indices, name: str) -> Indices:
        """A 4-byte field by its name in `Release.func`, unsigned."""
        return at(self._words, self._first[funcs] + self._fields[name])

    def _id_byte(self, funcs: Indices, byte: int) -> Indices:
        return at(self._bytes, (self._first[funcs] + self._fields["ids"]) * 4 + byte)

    def func_id(self, funcs: Indices) -> Indices:
        """The funcID; 0 before Go 1.11."""
        if "ids" in self._fields:
            return self._id_byte(funcs, 0)
        return self.field(funcs, "func_id") if "func_id" in self._fields else np.zeros_like(funcs)

    def flag(self, funcs: Indices) -> Indices:
        """The flag byte; 0 before Go 1.17."""
        return self._id_byte(funcs, 1) if self.table.release.has_flag else np.zeros_like(funcs)

    def nfuncdata(self, funcs: Indices) -> Indices:
        """How many FUNCDATA a record has."""
        return self._id_byte(funcs, 3) if "ids" in self._fields else self.field(funcs, "nfuncdata")

    def pcdata(self, funcs: Indices, number: int) -> Indices:
        """Offset of a PCDATA table; 0: none."""
        value = at(self._words, self._first[funcs] + len(self._fields) + number)
        return np.where(self.field(funcs, "npcdata") > number, value, 0)

    def funcdata(self, funcs: Indices, number: int) -> Indices:
        """FUNCDATA: an offset from gofunc since Go 1.18, an address before; -1: none."""
        tail = self._first[funcs] + len(self._fields) + self.field(funcs, "npcdata")
        there = self.nfuncdata(funcs) > number
        if self._header.layout.entry_size:
            value = at(self._words, tail + number)
            return np.where(there & (value != NONE32), value, -1)
        value = self._pointers(tail * 4, number)
        return np.where(there & (value != 0), value, -1)

    def _pointers(self, tail: Indices, number: int) -> Indices:
        """Pointer `number` of the arrays at `tail` bytes, which are aligned from the table's first byte."""
        width = self._header.ptrsize
        aligned = (tail + self._start + width - 1 & -width) - self._start
        word = (aligned + number * width) >> 2
        if width == 4:
            return at(self._words, word)
        low, high = (0, 1) if self._header.byteorder == "little" else (1, 0)
        return at(self._words, word + low) | (at(self._words, word + high) << 32)

    def sizes(self, funcs: Indices) -> Indices:
        """Bytes of each record with its PCDATA and FUNCDATA arrays, without padding behind it."""
        wide = self._header.layout.entry_size or self._header.ptrsize
        pcdata, funcdata = self.field(funcs, "npcdata"), self.nfuncdata(funcs)
        fixed = wide + 4 * len(self._fields) + 4 * pcdata
        if self._header.layout.entry_size:
            return fixed + 4 * funcdata
        return np.where(funcdata > 0, (fixed + wide - 1 & -wide) + wide * funcdata, fixed)
