"""Symbols of several builds against those of the first: kept, lost, gained, moved, resized.

Symbols are the same when their full names are, and they are of the same sort: code, data or a type. Of several with one
name (local symbols, both ABIs of an assembly function) the first by address is the first in every build. Marks that the
linker sets, such as ``runtime.etext``, hold nothing and are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from goinspect.analysis.symbols.merge import FUNCTION, TYPE, UNDEFINED, Merger
from goinspect.analysis.symbols.table import ALL_SOURCES, Wanted, collect
from goinspect.gosym.naming.names import package_of, plain_name, shortened, type_package
from goinspect.results.compare import AgainstBase, ChangedSymbol, Shift, SymbolChanges
from goinspect.results.symbols import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.binary import Binary

__all__ = ["Build", "diff", "matching_names", "read_build"]

_SHIFTS: Final = 4  # told of each file
_SORTS: Final = ("f", "d", "d", "d", "t", "d", "u")  # of KINDS
_SHORT = "[...]"
_MARK = re.compile(
    r"runtime\.(?:e?(?:text(?:\.\d+)?|rodata|types|(?:noptr)?(?:data|bss)|covctrs|gcdata|gcbss)|e(?:nd|pclntab|symtab))"
)


@dataclass(frozen=True, slots=True)
class Build:
    """One file's symbols in order of address."""

    path: str
    merger: Merger
    order: NDArray[np.int64]  # rows of merger
    span: NDArray[np.int64]  # of merger's rows: bytes up to the next function of gopclntab; -1: not in it
    warnings: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.order)


def read_build(binary: Binary) -> Build:
    """The symbols of a file. DWARF is read where there is no symbol table: it names little that the others do not."""
    warnings: list[str] = []
    has_table = (
        any(section.type in (2, 11) for section in binary.image.sections)
        if binary.image.container == "ELF"
        else True
    )
    sources = ALL_SOURCES - {"dwarf"} if has_table else ALL_SOURCES
    merger = collect(binary, Wanted(sources), warnings)
    nowhere = (merger.kind == TYPE) & (merger.address == 0)
    rows = np.flatnonzero(~nowhere & ~_marks(merger))
    rows = rows[np.argsort(merger.address[rows], kind="stable")]
    span = np.full(len(merger), -1, dtype=np.int64)
    known = np.flatnonzero(merger.function >= 0)
    if len(known):
        records = binary.bulk.records
        funcs = merger.function[known]
        span[known] = (records.ends[funcs] - records.entries[funcs]).astype(np.int64)
    return Build(binary.path, merger, rows, span, tuple(warnings))


def _marks(merger: Merger) -> NDArray[np.bool_]:
    """Symbols of no size, and those marks that get one where the container has no sizes: up to the next symbol."""
    marks: NDArray[np.bool_] = (merger.function < 0) & (merger.size == 0)
    for row in np.flatnonzero((merger.function < 0) & ~merger.size_exact & ~marks).tolist():
        marks[row] = _MARK.fullmatch(merger.name[row]) is not None
    return marks


def diff(builds: Sequence[Build]) -> SymbolChanges:
    """Compare all with the first."""
    keys = _keys(builds)
    base = {key: place for place, key in enumerate(keys[0])}
    pairs = [_pairs(base, other) for other in keys[1:]]
    everywhere = np.ones(len(builds[0]), dtype=np.bool_)
    for mine, _ in pairs:
        held = np.zeros(len(builds[0]), dtype=np.bool_)
        held[mine] = True
        everywhere &= held
    places: list[dict[str, int]] = [base, *({} for _ in pairs)]
    changes = [_Changes(builds[0], build, *pair) for build, pair in zip(builds[1:], pairs, strict=True)]
    for place, key in zip(places[1:], keys[1:], strict=True):
        place.update(zip(key, range(len(key)), strict=True))
    lost = [keys[0][at] for at in np.flatnonzero(~everywhere).tolist()]
    gained = list(dict.fromkeys(key for key_list in keys[1:] for key in key_list if key not in base))
    resized = list(dict.fromkeys(keys[0][at] for change in changes for at in change.resized.tolist()))
    return SymbolChanges(
        int(everywhere.sum()),
        tuple(_changed(builds, places, key) for key in lost),
        tuple(_changed(builds, places, key) for key in gained),
        tuple(_changed(builds, places, key) for key in resized),
        tuple(change.summary() for change in changes),
    )


def matching_names(builds: Sequence[Build]) -> list[list[str]]:
    """The names of each build's rows, written alike in all of them."""
    short = any(_SHORT in name for build in builds for name in build.merger.name)
    out = []
    for build in builds:
        names = list(build.merger.name)
        for row in np.flatnonzero(build.merger.function < 0).tolist():
            names[row] = plain_name(names[row])
        out.append([shortened(name) if short and "[" in name else name for name in names])
    return out


def _keys(builds: Sequence[Build]) -> list[list[str]]:
    """A text for each symbol that is the same for the same symbol, in every build, and differs within a build."""
    # Go 1.18-1.20 shorten type arguments in gopclntab: without a symbol table the full names are gone.
    short = any(_SHORT in name for build in builds for name in build.merger.name)
    return [_build_keys(build, short=short) for build in builds]


def _build_keys(build: Build, *, short: bool) -> list[str]:
    names, kinds = build.merger.name, build.merger.kind[build.order].tolist()
    rows = build.order.tolist()
    keys = [_SORTS[kind] + names[row] for row, kind in zip(rows, kinds, strict=True)]
    loose = np.flatnonzero(build.merger.function[build.order] < 0).tolist()
    for at in loose:  # a symbol without a function of its own still has its ABI in its name
        keys[at] = plain_name(keys[at])
    if short:
        keys = [key if _SHORT not in key and "[" not in key else shortened(key) for key in keys]
    if len(set(keys)) < len(keys):
        seen: Counter[str] = Counter()
        for at, key in enumerate(keys):
            number = seen[key]
            seen[key] += 1
            if number:
                keys[at] = f"{key}\0{number}"
    return keys


def _pairs(base: dict[str, int], other: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(place in the base, place in the other) of what both have."""
    found = np.fromiter((base.get(key, -1) for key in other), dtype=np.int64, count=len(other))
    theirs = np.flatnonzero(found >= 0)
    return found[theirs], theirs


class _Changes:
    """One build against the base; `mine` and `theirs` are places of what both have."""

    def __init__(self, base: Build, other: Build, mine: NDArray[np.int64], theirs: NDArray[np.int64]) -> None:
        self._base, self._other = base, other
        self._mine, self._theirs = mine, theirs
        left, right = base.order[mine], other.order[theirs]
        self._kinds = base.merger.kind[left]
        ours, others = (
            base.merger.address[left].astype(np.int64),
            other.merger.address[right].astype(np.int64),
        )
        self._delta = others - ours
        before, after, self._exact = _sizes(base, left, other, right)
        self.resized = mine[(before >= 0) & (after >= 0) & (before != after)]

    def summary(self) -> AgainstBase:
        moved = self._delta != 0
        distances, index = np.unique(self._delta[moved], return_inverse=True)
        counts = np.bincount(index, minlength=len(distances))
        kinds = self._kinds[moved]
        shifts = [
            Shift(int(distances[at]), int(counts[at]), _by_kind(kinds[index == at]))
            for at in np.argsort(-counts, kind="stable")[:_SHIFTS].tolist()
        ]
        return AgainstBase(
            self._other.path,
            _by_kind(self._kinds),
            _by_kind(_without(self._base, self._mine)),
            _by_kind(_without(self._other, self._theirs)),
            len(self.resized),
            int(moved.sum()),
            tuple(shifts),
            len(distances),
            self._exact,
        )


def _without(build: Build, places: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Kinds of the symbols that are not at `places`."""
    rest = np.ones(len(build), dtype=np.bool_)
    rest[places] = False
    return build.merger.kind[build.order[rest]]


def _by_kind(kinds: NDArray[np.uint8]) -> dict[str, int]:
    counts = np.bincount(kinds, minlength=len(KINDS)).tolist()
    return {kind: count for kind, count in zip(KINDS, counts, strict=True) if count}


def _sizes(
    base: Build, left: NDArray[np.int64], other: Build, right: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """Sizes to compare, -1 where one of the two has none; False: some are with padding, since one has no other."""
    exact = base.merger.size_exact[left] & other.merger.size_exact[right]
    spans = (base.span[left] >= 0) & (other.span[right] >= 0)
    before = np.where(exact, base.merger.size[left], np.where(spans, base.span[left], -1))
    after = np.where(exact, other.merger.size[right], np.where(spans, other.span[right], -1))
    code = base.merger.kind[left] == FUNCTION
    return before, after, bool((exact | ~spans)[code].all())


def _changed(builds: Sequence[Build], places: Sequence[dict[str, int]], key: str) -> ChangedSymbol:
    rows = [place.get(key) for place in places]
    first = next(at for at, row in enumerate(rows) if row is not None)
    merger, row = builds[first].merger, int(builds[first].order[rows[first]])
    kind = int(merger.kind[row])
    package = (
        type_package(merger.name[row])
        if kind == TYPE
        else ""
        if kind == UNDEFINED
        else package_of(merger.name[row])
    )
    address, size, span, exact = list[int | None](), list[int | None](), list[int | None](), True
    for build, place in zip(builds, rows, strict=True):
        at = -1 if place is None else int(build.order[place])
        address.append(None if at < 0 else int(build.merger.address[at]))
        size.append(_known(build.merger.size, at))
        span.append(_known(build.span, at))
        exact &= at < 0 or bool(build.merger.size_exact[at])
    return ChangedSymbol(
        merger.name[row], KINDS[kind], package or None, tuple(address), tuple(size if exact else span),
        tuple(r is not None for r in rows),
    )  # fmt: skip


def _known(column: NDArray[np.int64], at: int) -> int | None:
    return int(column[at]) if at >= 0 and column[at] >= 0 else None
