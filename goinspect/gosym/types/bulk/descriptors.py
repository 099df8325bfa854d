"""Descriptors of Go 1.7 and later, all that lead to each other in a few waves: what `TypeReader` reads, as columns.

Whatever `TypeReader` would not believe raises OddError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from goinspect._ragged import distinct, flat_ranges
from goinspect.gosym.types import kinds
from goinspect.gosym.types.bulk.data import Arrays, NameArrays, OddError
from goinspect.gosym.types.descriptors import (
    ALIGNS,
    EXTRA_STAR,
    METHOD_SIZE,
    NAMED,
    UNCOMMON,
    UNCOMMON_SIZE,
    VARIADIC,
)
from goinspect.gosym.types.nametable import SHORTEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.gosym.types.descriptors import TypeReader

    Offsets = NDArray[np.int64]

__all__ = ["BulkReader", "Columns"]

_ALIGNED: Final = np.isin(np.arange(256), list(ALIGNS))
_FIELD, _IMETHOD = 3, 8  # words of a field of a struct; bytes of a method of an interface
_STAR: Final = ord("*")


class Columns(NamedTuple):
    """Descriptors by their offset in type data."""

    at: Offsets
    kind: Offsets
    size: NDArray[np.uint64]
    extent: Offsets
    named: NDArray[np.bool_]
    uncommon: NDArray[np.bool_]
    comparable: NDArray[np.bool_]
    text: Offsets  # where the name is
    length: Offsets
    package: Offsets  # offset of its name; 0: none

    @classmethod
    def joined(cls, parts: Sequence[Columns]) -> Columns:
        """All of them in order."""
        order = np.argsort(np.concatenate([part.at for part in parts]), kind="stable")
        return cls(
            *(np.concatenate([part[column] for part in parts])[order] for column in range(len(cls._fields)))
        )


class BulkReader:
    """Reads what a `TypeReader` reads; the same limits.

    Attributes:
        seen: for each word of the data whether a descriptor was read, or is about to be, that begins there.
    """

    def __init__(self, reader: TypeReader) -> None:
        self.reader = reader
        self.arrays = Arrays(reader.data, reader.byteorder, reader.word)
        self.names = NameArrays(self.arrays, reader.layout.name_length)
        self.base, self.word, self.header = reader.base, reader.word, reader.header_size
        self.seen: NDArray[np.bool_] = np.zeros(self.arrays.size // self.word + 1, dtype=np.bool_)
        self._left = self.arrays.size  # of arrays: those of sound files are a small part of all
        self._sizes = np.array([-1 if size is None else size for size in reader.sizes], dtype=np.int64)

    def follow(self, vaddrs: NDArray[np.uint64]) -> list[Columns]:
        """The descriptors at some addresses and those they lead to that have not been seen."""
        found = []
        todo = self._new(vaddrs)
        while len(todo):
            columns, leads = self._read(todo)
            found.append(columns)
            todo = self._new(leads)
        return found

    def _new(self, vaddrs: NDArray[np.uint64]) -> Offsets:
        """Offsets of addresses where there can be a descriptor that was not seen yet."""
        at = (vaddrs - np.uint64(self.base)).astype(np.int64)  # what is outside is negative, or large
        at = at[(at > 0) & (at < self.arrays.size) & (at % self.word == 0)]
        at = distinct(at[~self.seen[at // self.word]])
        self.seen[at // self.word] = True
        return at

    def holds(self, vaddr: int) -> bool:
        """Whether a descriptor was read there."""
        at = vaddr - self.base
        return 0 <= at < self.arrays.size and at % self.word == 0 and bool(self.seen[at // self.word])

    def _vaddrs(self, offsets: Offsets) -> NDArray[np.uint64]:
        return offsets[offsets > 0].astype(np.uint64) + np.uint64(self.base)

    def _read(self, at: Offsets) -> tuple[Columns, NDArray[np.uint64]]:
        arrays, word = self.arrays, self.word
        if int(at.max()) > arrays.size - self.header:
            raise OddError
        size, ptrdata = arrays.words(at), arrays.words(at + word)
        flags, kind = arrays.u8(at + 2 * word + 4), arrays.u8(at + 2 * word + 7) & kinds.KIND_MASK
        aligned = _ALIGNED[arrays.u8(at + 2 * word + 5)] & _ALIGNED[arrays.u8(at + 2 * word + 6)]
        if not (aligned & (kind > 0) & (kind < len(kinds.KINDS)) & (ptrdata <= size)).all():
            raise OddError
        fixed = self._sizes[kind]
        if not ((fixed < 0) | (fixed.astype(np.uint64) == size)).all():
            raise OddError
        tail = at + 2 * word + 8
        comparable = arrays.words(tail) != 0
        named, uncommon = flags & NAMED != 0, flags & UNCOMMON != 0
        text, length = self._texts(arrays.i32(tail + 2 * word), flags, kind, named)
        leads = [self._vaddrs(arrays.i32(tail + 2 * word + 4))]
        body, trailing = self._bodies(at, kind, uncommon, leads)
        more, package = self._uncommon(at, body, trailing, uncommon, named, leads)
        extent = body + trailing + more
        if int((at + extent).max()) > arrays.size:
            raise OddError
        columns = Columns(at, kind, size, extent, named, uncommon, comparable, text, length, package)
        return columns, np.concatenate(leads)

    def _may_read(self, at: Offsets, size: Offsets) -> None:
        """That there are arrays, and have not been read too often."""
        if len(at) and (int(at.min()) < 0 or int((at + size).max()) > self.arrays.size):
            raise OddError
        self._left -= int(size.sum())
        if self._left < 0:
            raise OddError

    def _texts(
        self, names: Offsets, flags: Offsets, kind: Offsets, named: NDArray[np.bool_]
    ) -> tuple[Offsets, Offsets]:
        """Where names are, without a star that is none of theirs; all have the form that their kind has."""
        text, length = self.names.at(names)
        star = flags & EXTRA_STAR != 0
        if (length < 1 + star).any() or (self.arrays.u8(text[star]) != _STAR).any():
            raise OddError
        text, length = text + star, length - star
        for number in distinct(kind[~named]).tolist():
            mine = np.flatnonzero(~named & (kind == number))
            ok = np.zeros(len(mine), dtype=np.bool_)
            for form in kinds.forms_of(number):
                wide = length[mine] >= len(form) if kinds.is_open(number) else length[mine] == len(form)
                start = text[mine[wide]]
                same = np.ones(len(start), dtype=np.bool_)
                for i, letter in enumerate(form.encode()):
                    same &= self.arrays.u8(start + i) == letter
                ok[wide] |= same
            if not ok.all():
                raise OddError
        return text, length

    # --- kinds ---

    def _bodies(
        self, at: Offsets, kind: Offsets, uncommon: NDArray[np.bool_], leads: list[NDArray[np.uint64]]
    ) -> tuple[Offsets, Offsets]:
        """Bytes up to the uncommon part, and of arrays behind it."""
        word, header = self.word, self.header
        body, trailing = np.full(len(at), header, dtype=np.int64), np.zeros(len(at), dtype=np.int64)
        behind = at + header
        for number, words in _TYPES_IN.items():
            mine = np.flatnonzero(kind == number)
            leads += [self.arrays.words(behind[mine] + i * word) for i in range(words)]
        for number, words in _WORDS.items():
            body[kind == number] += words * word
        if int((at + body).max()) > self.arrays.size:
            raise OddError
        mine = np.flatnonzero(kind == kinds.CHAN)
        if not np.isin(self.arrays.words(behind[mine] + word), list(kinds.DIRECTIONS)).all():
            raise OddError
        mine = np.flatnonzero(kind == kinds.MAP)
        body[mine] += self._map_tails(behind[mine], uncommon[mine])
        mine = np.flatnonzero(kind == kinds.FUNC)
        types, inputs, count, variadic = self.signature(at[mine], uncommon[mine])
        if (variadic & (inputs == 0)).any():
            raise OddError
        self._may_read(types, count * word)
        leads.append(self.arrays.words(flat_ranges(types // word, count) * word))
        trailing[mine] = count * word
        for number in (kinds.INTERFACE, kinds.STRUCT):
            mine = np.flatnonzero(kind == number)
            trailing[mine] = self._parts(behind[mine], number, leads)
        return body, trailing

    def signature(
        self, at: Offsets, uncommon: NDArray[np.bool_]
    ) -> tuple[Offsets, Offsets, Offsets, NDArray[np.bool_]]:
        """Of funcs: where the types of parameters and results are, how many parameters, how many both, and whether variadic."""
        behind = at + self.header
        inputs, outputs = self.arrays.u16(behind), self.arrays.u16(behind + 2)
        types = behind + self.word + np.where(uncommon, UNCOMMON_SIZE, 0)
        return types, inputs, inputs + (outputs & ~VARIADIC), outputs & VARIADIC != 0

    def _map_tails(self, behind: Offsets, uncommon: NDArray[np.bool_]) -> Offsets:
        """Bytes that maps add. What a row may have wrong is told by the uncommon part, which methods follow at once."""
        tails = self.reader.map_tails
        out = np.full(len(behind), tails[0], dtype=np.int64)
        if len(tails) > 1 and uncommon.any():
            left = np.flatnonzero(uncommon)
            for tail in tails:
                inside = behind[left] + tail + UNCOMMON_SIZE <= self.arrays.size
                place = np.where(inside, behind[left] + tail, behind[left])
                fits = (
                    inside
                    & (self.arrays.i32(place + 8) == UNCOMMON_SIZE)
                    & (self.arrays.i32(place + 12) == 0)
                )
                out[left[fits]] = tail
                left = left[~fits]
        return out

    def _parts(self, behind: Offsets, kind: int, leads: list[NDArray[np.uint64]]) -> Offsets:
        """Bytes of the fields of structs, or of the methods of interfaces; all of these have names."""
        arrays, word = self.arrays, self.word
        count, capacity = arrays.counts(behind + 2 * word), arrays.counts(behind + 3 * word)
        if (count != capacity).any():
            raise OddError
        # The package may have its name elsewhere, which is as good as none.
        package = (arrays.words(behind) - np.uint64(self.base)).astype(np.int64)
        self.names.at(distinct(package[(package > 0) & (package <= arrays.size - SHORTEST)]))
        width = _IMETHOD if kind == kinds.INTERFACE else _FIELD * word
        filled = count > 0
        start, number = self._offsets(arrays.words(behind[filled] + word)), count[filled]
        self._may_read(start, number * width)
        if kind == kinds.INTERFACE:
            first = flat_ranges(0, number) * width + np.repeat(start, number)
            leads.append(self._vaddrs(arrays.i32(first + 4)))
            self.names.at(distinct(arrays.i32(first)))
        else:
            first = flat_ranges(0, number) * width + np.repeat(start, number)
            leads.append(arrays.words(first + word))
            names = arrays.words(first)
            self.names.at(distinct(self._offsets(names[names > 0])))
        return count * width

    def _offsets(self, vaddrs: NDArray[np.uint64]) -> Offsets:
        """Offsets of addresses; OddError for what is outside."""
        at = (vaddrs - np.uint64(self.base)).astype(np.int64)
        if len(at) and (int(at.min()) < 0 or int(at.max()) > self.arrays.size):
            raise OddError
        return at

    def _uncommon(
        self, at: Offsets, body: Offsets, trailing: Offsets, uncommon: NDArray[np.bool_], named: NDArray[np.bool_],
        leads: list[NDArray[np.uint64]],
    ) -> tuple[Offsets, Offsets]:  # fmt: skip
        """Bytes of the uncommon part with its methods, and the package of named types."""
        arrays = self.arrays
        more, package = np.zeros(len(at), dtype=np.int64), np.zeros(len(at), dtype=np.int64)
        rows = np.flatnonzero(uncommon)
        if not len(rows):
            return more, package
        place = (at + body)[rows]
        name, count = arrays.i32(place), arrays.u16(place + 4)
        offset = arrays.i32(place + 8) & 0xFFFFFFFF
        filled = count > 0
        if (offset[filled] < (UNCOMMON_SIZE + trailing[rows])[filled]).any():
            raise OddError
        methods, number = (place + offset)[filled], count[filled]
        self._may_read(methods, METHOD_SIZE * number)
        first = flat_ranges(0, number) * METHOD_SIZE + np.repeat(methods, number)
        leads.append(self._vaddrs(arrays.i32(first + 4)))
        package[rows] = np.where(named[rows], name, 0)
        self.names.at(distinct(package[package != 0]))
        more[rows] = UNCOMMON_SIZE + METHOD_SIZE * count
        return more, package


# kind -> words that it adds to the header, but for maps; and how many of the first are types.
_WORDS: Final = {
    kinds.ARRAY: 3, kinds.CHAN: 2, kinds.FUNC: 1, kinds.INTERFACE: 4, kinds.POINTER: 1, kinds.SLICE: 1, kinds.STRUCT: 4,
}  # fmt: skip
_TYPES_IN: Final = {kinds.ARRAY: 2, kinds.CHAN: 1, kinds.MAP: 3, kinds.POINTER: 1, kinds.SLICE: 1}
