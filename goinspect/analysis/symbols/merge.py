"""Symbols of several tables made one list: what has the same name at the same address is one symbol.

Columns of numpy, not an object for each symbol: a program has a hundred thousand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from operator import eq
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from goinspect._ragged import flat_ranges
from goinspect.gosym.naming.names import plain_name, shortened
from goinspect.results.symbols import KINDS, SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["FUNCTION", "ITAB", "NOTYPE", "TLS", "TYPE", "UNDEFINED", "VARIABLE", "Batch", "Merger"]

FUNCTION, VARIABLE, TLS, NOTYPE, TYPE, ITAB, UNDEFINED = range(len(KINDS))
_DATA: Final = (VARIABLE, TLS, NOTYPE, ITAB)
# Kinds that may be the same thing under another table's name for its kind.
_SAME: Final = {FUNCTION: (FUNCTION,), TYPE: (TYPE,), UNDEFINED: (UNDEFINED,), **dict.fromkeys(_DATA, _DATA)}


class Batch(NamedTuple):
    """Symbols of one kind from one table. `size` -1: unknown."""

    name: Sequence[str]
    address: NDArray[np.uint64]
    size: NDArray[np.int64]
    kind: int
    source: str
    function: NDArray[np.int64] | None = None  # numbers in functab
    size_exact: bool = False
    go_names: bool = False  # its names are Go's own, and replace the symbol table's spelling
    places: Callable[[Sequence[int]], list[tuple[str, int] | None]] | None = None  # file and line of rows

    @property
    def bit(self) -> np.uint8:
        """Its table, as one of `Merger.sources`."""
        return np.uint8(1 << SOURCES.index(self.source))


@dataclass(eq=False, repr=False)
class Merger:
    """The list so far; every column has one element per symbol."""

    name: list[str]
    address: NDArray[np.uint64]
    size: NDArray[np.int64]
    size_exact: NDArray[np.bool_]
    kind: NDArray[np.uint8]
    sources: NDArray[np.uint8]
    section: NDArray[np.int32]  # as the container counts; 0: not known from a symbol table
    local: NDArray[np.bool_]
    function: NDArray[np.int64]  # number in functab; -1: none
    stated: NDArray[np.int64]  # size as the symbol table has it; -1: not in one
    symbol: dict[int, str] = field(
        default_factory=dict
    )  # row -> its name in the symbol table, where that differs
    place: dict[int, tuple[str, int]] = field(default_factory=dict)  # row -> file and line, as DWARF has them

    def __len__(self) -> int:
        return len(self.name)

    def add(self, batch: Batch) -> None:
        """Merge a batch: rows it means learn of it, the others are appended."""
        if not len(batch.name):
            return
        mine, theirs = self._pairs(batch)
        self.learn(batch, mine, theirs)
        if batch.kind == ITAB:  # which the symbol table takes for a variable
            self.kind[mine] = ITAB
        self._note_places(batch, mine, theirs)
        new = np.ones(len(batch.name), dtype=np.bool_)
        new[theirs] = False
        self._append(batch, np.flatnonzero(new))

    def learn(self, batch: Batch, mine: NDArray[np.int64], theirs: NDArray[np.int64]) -> None:
        """Tell rows here what rows of a batch say that are the same symbols, whose names are not looked at."""
        self.sources[mine] |= batch.bit
        if batch.function is not None:
            self.function[mine] = batch.function[theirs]
        unknown = (self.size[mine] <= 0) & (batch.size[theirs] >= 0)
        self.size[mine[unknown]] = batch.size[theirs[unknown]]
        self.size_exact[mine[unknown]] = batch.size_exact

    def alone(self, batch: Batch) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(row here, row of the batch) where no other symbol of that kind has the address."""
        rows, first, counts = self._at(batch)
        theirs = np.flatnonzero(counts == 1)
        return rows[first[theirs]], theirs

    def _note_places(self, batch: Batch, mine: NDArray[np.int64], theirs: NDArray[np.int64]) -> None:
        """Of what is not in gopclntab, which tells the place of a function itself."""
        if batch.places is None:
            return
        unknown = np.flatnonzero(self.function[mine] < 0)
        told = batch.places(theirs[unknown].tolist()) if len(unknown) else []
        for row, place in zip(mine[unknown].tolist(), told, strict=True):
            if place is not None:
                self.place[row] = place

    def _append(self, batch: Batch, rows: NDArray[np.int64]) -> None:
        if not len(rows):
            return
        count = len(rows)
        first = len(self)
        self.name += [batch.name[row] for row in rows.tolist()]
        none = np.full(count, -1, dtype=np.int64)
        added: tuple[NDArray[Any], ...] = (
            batch.address[rows], batch.size[rows], np.full(count, batch.size_exact),
            np.full(count, batch.kind, np.uint8), np.full(count, batch.bit, np.uint8), np.zeros(count, np.int32),
            np.zeros(count, np.bool_), none if batch.function is None else batch.function[rows], none,
        )  # fmt: skip
        for column, values in zip(_COLUMNS, added, strict=True):
            setattr(self, column, np.concatenate((getattr(self, column), values)))
        self._note_places(batch, np.arange(first, first + count), rows)

    def _pairs(self, batch: Batch) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(row here, row of the batch) of what is the same symbol."""
        rows, first, counts = self._at(batch)
        theirs = np.flatnonzero(counts == 1)
        mine = rows[first[theirs]]
        equal = self._equal(mine, batch, theirs)
        several = np.flatnonzero(counts > 1)
        more = self._among(rows, batch, several, first[several], counts[several])
        return (
            np.concatenate((mine[equal], np.array([m for m, _ in more], dtype=np.int64))),
            np.concatenate((theirs[equal], np.array([t for _, t in more], dtype=np.int64))),
        )

    def _at(self, batch: Batch) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Rows of the batch's kind by address; which is the first at each address of the batch, and how many are there."""
        rows = np.flatnonzero(np.isin(self.kind, _SAME[batch.kind]))
        rows = rows[np.argsort(self.address[rows], kind="stable")]
        known = self.address[rows]
        first = np.searchsorted(known, batch.address, side="left")
        return rows, first, np.searchsorted(known, batch.address, side="right") - first

    def _equal(self, mine: NDArray[np.int64], batch: Batch, theirs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each pair is the same symbol."""
        ours, others = (
            map(names.__getitem__, rows.tolist()) for names, rows in ((self.name, mine), (batch.name, theirs))
        )
        out = np.fromiter(map(eq, ours, others), dtype=np.bool_, count=len(mine))
        for at in np.flatnonzero(~out).tolist():
            out[at] = self._means(int(mine[at]), batch, int(theirs[at]))
        return out

    def _among(
        self, rows: NDArray[np.int64], batch: Batch, several: NDArray[np.int64], first: NDArray[np.int64],
        counts: NDArray[np.int64],
    ) -> list[tuple[int, int]]:  # fmt: skip
        """Pairs where several symbols have the address: each is taken once."""
        pairs: list[tuple[int, int]] = []
        taken: set[int] = set()
        candidates = rows[flat_ranges(first, counts)].tolist() if counts.sum() <= _MOST_PAIRS else []
        at = 0
        for theirs, count in zip(several.tolist(), counts.tolist(), strict=True):
            group = [row for row in candidates[at : at + count] if row not in taken]
            at += count
            same = [row for row in group if self.name[row] == batch.name[theirs]] or [
                row for row in group if self._means(row, batch, theirs)
            ]
            # The symbol and its twin in another table may both be here already: both learn of this one.
            if same:
                taken.add(same[0])
                pairs.append((same[0], theirs))
        return pairs

    def _means(self, mine: int, batch: Batch, theirs: int) -> bool:
        """Whether differently spelt names are the same one; then ours becomes Go's own spelling.

        The symbol tables add an ABI suffix and write "." for the middle dot; Go 1.18-1.20 shorten type arguments in
        gopclntab only, where the symbol table's name is the better one. The name section of WebAssembly has "_" for most marks.
        """
        ours, other = self.name[mine], batch.name[theirs]
        if ours == other:
            return True
        if not batch.go_names:  # DWARF leaves the package of static functions out
            return self.symbol.get(mine) == other or plain_name(other) == ours or ours.endswith("." + other)
        plain = plain_name(ours)
        if plain in (other, other.replace("\u00b7", "."), _MANGLED.sub("_", other)):
            self.symbol[mine] = ours
            self.name[mine] = other
            return True
        if "[...]" in other and shortened(plain) == other:
            if plain != ours:
                self.symbol[mine] = ours
                self.name[mine] = plain
            return True
        return False


_MANGLED: Final = re.compile(r"[^\w.]")
# Pairs of symbols at one address that are compared: a hostile file may have all its symbols at the same one.
_MOST_PAIRS: Final = 1 << 22
_COLUMNS: Final = (
    "address",
    "size",
    "size_exact",
    "kind",
    "sources",
    "section",
    "local",
    "function",
    "stated",
)
