"""Full names of all types at once: what `TypeNames` makes, those of simple kinds many at a time."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

import numpy as np

from goinspect.gosym.types import kinds
from goinspect.gosym.types.bulk.data import OddError
from goinspect.gosym.types.descriptors import Descriptor
from goinspect.gosym.types.names import MAX_NAME, NO_HASH, SHAPES, TypeNames, escaped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from goinspect.gosym.types.bulk.descriptors import BulkReader, Columns

    Offsets = NDArray[np.int64]
    Packages = tuple[list[str], Offsets]

__all__ = ["full_names", "packages_of"]

_BY_TYPE_NAMES: Final = (kinds.CHAN, kinds.INTERFACE, kinds.STRUCT)
_SIMPLE: Final = (kinds.POINTER, kinds.SLICE, kinds.ARRAY, kinds.MAP, kinds.FUNC)


class _Lazy(dict[int, Descriptor]):
    """Descriptors by address, made when they are asked for: of named types, of which nobody asks for the parts, from columns."""

    def __init__(self, reader: BulkReader, types: Columns, texts: list[str], packages: Packages) -> None:
        super().__init__()
        self._reader, self._types, self._texts, self._packages = reader, types, texts, packages
        self._at = types.at.tolist()

    def __missing__(self, vaddr: int) -> Descriptor:
        types, at = self._types, vaddr - self._reader.base
        row = bisect_left(self._at, at)
        if row == len(self._at) or self._at[row] != at:
            raise KeyError(vaddr)
        if types.named[row] and types.kind[row] != kinds.MAP:
            paths, index = self._packages
            found: Descriptor | None = Descriptor(
                vaddr, int(types.kind[row]), int(types.size[row]), int(types.extent[row]), True, self._texts[row],
                paths[index[row]], comparable=bool(types.comparable[row]) if self._reader.reader.layout.equal else None,
            )  # fmt: skip
        else:
            found = self._reader.reader.read(vaddr)
        if found is None:
            raise OddError
        self[vaddr] = found
        return found

    def get(self, vaddr: int, default: Descriptor | None = None) -> Descriptor | None:  # type: ignore[override]  # of dict, which makes none
        try:
            return self[vaddr]
        except KeyError:
            return default


def packages_of(reader: BulkReader, types: Columns) -> Packages:
    """Import paths of named types, and the number of each type's; the path is "" for others."""
    offsets, index = np.unique(types.package, return_inverse=True)
    known = offsets > 0
    texts = _texts(reader, *reader.names.at(offsets[known]))
    return [*[""] * int((~known).sum()), *texts], index


def full_names(
    reader: BulkReader, types: Columns, packages: Packages, budget: int, known: Iterable[Descriptor] = ()
) -> list[str]:
    """The full name of each type. Raises OddError where not all parts of one are known, or names are very long.

    Args:
        reader: what has read them.
        types: all of them.
        packages: theirs.
        budget: how many characters all names together may have.
        known: some that were read one by one.
    """
    texts = _texts(reader, types.text, types.length)
    lazy = _Lazy(reader, types, list(texts), packages)
    lazy.update((one.vaddr, one) for one in known)
    made_of = ((types.kind == kinds.STRUCT) | (types.kind == kinds.ARRAY)) & ~types.named
    if reader.reader.layout.equal:
        made_of &= ~types.comparable
    # What `TypeNames` looks at to tell which types are made for maps, and without hash functions.
    looked_at = (types.at[made_of | (types.kind == kinds.MAP)] + reader.base).tolist()
    made = TypeNames(lazy, reader.reader.layout, budget, [lazy[vaddr] for vaddr in looked_at])
    _Names(reader, types, texts, made).make_all(packages)
    if sum(map(len, texts)) > budget or max(map(len, texts), default=0) > MAX_NAME:
        raise OddError
    plain = made.without_hash
    for row in np.flatnonzero(~types.named).tolist() if plain else ():
        if int(types.at[row]) + reader.base in plain:
            texts[row] = NO_HASH + texts[row]
    return texts


def _texts(reader: BulkReader, start: Offsets, length: Offsets) -> list[str]:
    data = reader.arrays.data
    raw = [data[at:end] for at, end in zip(start.tolist(), (start + length).tolist(), strict=True)]
    texts = b"\0".join(raw).decode("utf-8", "backslashreplace").split("\0") if raw else []
    if len(texts) != len(raw):  # a name with a NUL
        raise OddError
    return texts


class _Names:
    """Simple kinds are named once their parts are; `TypeNames` makes the others."""

    def __init__(self, reader: BulkReader, types: Columns, texts: list[str], made: TypeNames) -> None:
        self._reader, self._types, self._made, self._texts = reader, types, made, texts
        self._known: NDArray[np.bool_] = types.named | ~np.isin(types.kind, (*_SIMPLE, *_BY_TYPE_NAMES))
        self._waiting = {kind: np.flatnonzero((types.kind == kind) & ~types.named) for kind in _SIMPLE}

    def _qualify(self, packages: Packages) -> None:
        """Named types: with the import path in place of the package's name."""
        paths, index = packages
        prefixes = ["" if path in ("", SHAPES) else escaped(path) + "." for path in paths]
        texts = self._texts
        rows = np.flatnonzero(self._types.named)
        for row, number in zip(rows.tolist(), index[rows].tolist(), strict=True):
            if prefix := prefixes[number]:
                text = texts[row]
                texts[row] = prefix + (text.partition(".")[2] or text)

    def make_all(self, packages: Packages) -> None:
        """Put full names in place of the short ones, as those of parts of others."""
        self._qualify(packages)
        while self._name_simple_ones():
            pass
        types, made = self._types, self._made
        if not self._known.all():
            vaddrs = (types.at + self._reader.base).tolist()
            texts = self._texts
            made.learn({vaddrs[row]: texts[row] for row in np.flatnonzero(self._known).tolist()})
            for row in np.flatnonzero(~self._known & np.isin(types.kind, _BY_TYPE_NAMES)).tolist():
                name = made.name(vaddrs[row])
                if name is None:
                    raise OddError
                texts[row] = name
                self._known[row] = True
            while self._name_simple_ones():
                pass
        if not self._known.all():
            raise OddError

    def _name_simple_ones(self) -> bool:
        """Name what can be named; whether there was any."""
        before = int(self._known.sum())
        for kind in _SIMPLE:
            rows = self._waiting[kind]
            if len(rows):
                named = self._funcs(rows) if kind == kinds.FUNC else self._with_elems(kind, rows)
                self._known[rows[named]] = True
                self._waiting[kind] = rows[~named]
        return int(self._known.sum()) > before

    def _rows(self, at: Offsets) -> Offsets:
        """The types whose addresses stand at some offsets. Raises OddError where one was not read."""
        wanted = (self._reader.arrays.words(at) - np.uint64(self._reader.base)).astype(np.int64)
        row = np.minimum(np.searchsorted(self._types.at, wanted), len(self._types.at) - 1)
        if (self._types.at[row] != wanted).any():
            raise OddError
        return row

    def _with_elems(self, kind: int, rows: Offsets) -> NDArray[np.bool_]:
        """Names of pointers, slices, arrays and maps; which of them could be named."""
        word, texts = self._reader.word, self._texts
        behind = self._types.at[rows] + self._reader.header
        first = self._rows(behind)
        second = self._rows(behind + word) if kind == kinds.MAP else first
        named = self._known[first] & self._known[second]
        mine, elems = rows[named].tolist(), [texts[row] for row in first[named].tolist()]
        if kind == kinds.MAP:
            others = [texts[row] for row in second[named].tolist()]
            made = [f"map[{key}]{elem}" for key, elem in zip(elems, others, strict=True)]
        elif kind == kinds.ARRAY:
            counts = self._reader.arrays.words(behind[named] + 2 * word).tolist()
            made = [f"[{count}]{elem}" for count, elem in zip(counts, elems, strict=True)]
        else:
            before = "*" if kind == kinds.POINTER else "[]"
            made = [before + elem for elem in elems]
        for row, text in zip(mine, made, strict=True):
            texts[row] = text
        return named

    def _funcs(self, rows: Offsets) -> NDArray[np.bool_]:
        """The same of funcs."""
        types, texts, word = self._types, self._texts, self._reader.word
        place, inputs, count, variadic = self._reader.signature(types.at[rows], types.uncommon[rows])
        first = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(count)))
        parts = self._rows(
            np.repeat(place, count) + (np.arange(first[-1]) - np.repeat(first[:-1], count)) * word
        )
        unknown = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(~self._known[parts])))
        named: NDArray[np.bool_] = unknown[first[1:]] == unknown[first[:-1]]
        names = [texts[row] for row in parts.tolist()]
        for at in np.flatnonzero(named).tolist():
            begin, end = int(first[at]), int(first[at + 1])
            middle = begin + int(inputs[at])
            given = names[begin:middle]
            if variadic[at]:
                if not given[-1].startswith("[]"):
                    raise OddError
                given[-1] = "..." + given[-1][2:]
            shown = ""
            if middle < end:
                results = ", ".join(names[middle:end])
                shown = f" {results}" if end - middle == 1 else f" ({results})"
            texts[int(rows[at])] = f"func({', '.join(given)}){shown}"
        return named
