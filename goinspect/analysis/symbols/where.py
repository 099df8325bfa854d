"""What is known of symbols besides their names: section, package, module, receiver, file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.analysis.symbols.merge import FUNCTION, ITAB, TYPE, UNDEFINED
from goinspect.gosym.bulk.listing import entry_places
from goinspect.gosym.naming.names import package_of, split_name, type_package
from goinspect.gosym.naming.origins import UNNAMED, origins_of
from goinspect.results.symbols import SOURCES, SymbolRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from goinspect.analysis.symbols.merge import Merger
    from goinspect.binary import Binary
    from goinspect.model import Section
    from goinspect.objfile.image import Image

__all__ = ["Numbering", "describe", "in_file", "modules_of", "packages_of", "section_numbers"]

_GO = 1 << SOURCES.index("gopclntab") | 1 << SOURCES.index("typedata")
_NOBITS = 8
_WRITE, _ALLOC, _EXECUTE = 1, 2, 4
# (flags of the section) -> letter, as cmd/internal/objfile has it.
_LETTERS = {_ALLOC | _EXECUTE: "T", _ALLOC: "R", _ALLOC | _WRITE: "D"}


class Numbering:
    """Distinct texts, numbered as they come."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}

    def add(self, texts: Iterable[str | None]) -> NDArray[np.int32]:
        """The number of each text; -1 for None and ""."""
        number = self.number
        found = [number.setdefault(text, len(number)) if text else -1 for text in texts]
        return np.array(found, dtype=np.int32)

    @property
    def texts(self) -> list[str]:
        """By number."""
        return list(self.number)


def describe(
    binary: Binary, merger: Merger, rows: NDArray[np.int64], *, places: bool = True, owners: bool = True
) -> SymbolRows:
    """The rows of the result.

    Args:
        binary: the file.
        merger: its symbols.
        rows: those that are wanted, in order.
        places: find files and lines. Without them sizes are what the symbol table says, as ``nm`` prints them.
        owners: find packages, modules and receivers.
    """
    section = section_numbers(binary.image.sections, merger)[rows]
    names = (
        merger.name
        if len(rows) == len(merger) and _in_order(rows)
        else [merger.name[row] for row in rows.tolist()]
    )
    packages, modules = Numbering(), Numbering()
    none = np.full(len(rows), -1, dtype=np.int32)
    package, module, file, receivers = none, none, none, [""] * len(rows)
    line, files = np.zeros(len(rows), dtype=np.int32), list[str]()
    if owners:
        known = packages_of(binary, merger, rows)
        package = packages.add(known)
        module = modules.add(modules_of(binary, merger, rows, known))
        receivers = _receivers(merger, rows)
    if places:
        file, files, line = _positions(binary, merger, rows)
    shown = _places_of(merger.symbol, rows, len(merger))
    return SymbolRows(
        names, merger.address[rows], _shown_sizes(merger, rows, stated=not places), merger.size_exact[rows],
        merger.kind[rows], merger.sources[rows], section, tuple(s.name for s in binary.image.sections),
        package, packages.texts, module, modules.texts, receivers, file, files, line,
        {at: text for at, text in zip(shown, merger.symbol.values(), strict=True) if at >= 0},
        _letters(binary.image, merger, rows, section),
    )  # fmt: skip


def _places_of(wanted: Iterable[int], rows: NDArray[np.int64], count: int) -> list[int]:
    """Which of `rows` each one wanted is; -1: none."""
    place = np.full(count, -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    found: list[int] = place[np.array(list(wanted), dtype=np.int64)].tolist()
    return found


def _in_order(rows: NDArray[np.int64]) -> bool:
    return bool((np.diff(rows) == 1).all())


def _shown_sizes(merger: Merger, rows: NDArray[np.int64], *, stated: bool) -> NDArray[np.int64]:
    """-1: unknown. With `stated`, what the symbol table says goes before what gopclntab does."""
    size = merger.size[rows]
    if stated:
        return np.where(merger.stated[rows] >= 0, merger.stated[rows], np.maximum(size, 0))
    return np.where((size > 0) | (merger.function[rows] >= 0) | merger.size_exact[rows], size, -1)


# --- sections ---


def section_numbers(sections: Sequence[Section], merger: Merger) -> NDArray[np.int32]:
    """The section of each symbol, by its address where no symbol table tells."""
    held = [
        (s.vaddr, s.vaddr + s.size, n)
        for n, s in enumerate(sections)
        if s.vaddr and s.size and s.flags & _ALLOC
    ]
    held.sort()
    known = (merger.section > 0) & (merger.section < len(sections))
    if not held:
        return np.where(known, merger.section, -1).astype(np.int32)
    starts = np.array([start for start, _, _ in held], dtype=np.uint64)
    ends = np.array([min(end, (1 << 64) - 1) for _, end, _ in held], dtype=np.uint64)
    numbers = np.array([number for _, _, number in held], dtype=np.int32)
    index = np.searchsorted(starts, merger.address, side="right") - 1
    inside = (index >= 0) & (merger.address < ends[np.maximum(index, 0)])
    by_address = np.where(inside, numbers[np.maximum(index, 0)], -1)
    return np.where(known, merger.section, by_address).astype(np.int32)


def in_file(sections: Sequence[Section], merger: Merger, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which symbols the file has bytes for: not those of .bss."""
    number = section_numbers(sections, merger)[rows]
    empty = np.array([*(s.type == _NOBITS for s in sections), False])
    return ~(empty[number] | _beyond_the_file(sections, merger.address[rows], number))


def _letters(
    image: Image, merger: Merger, rows: NDArray[np.int64], section: NDArray[np.int32]
) -> NDArray[np.str_]:
    """The letter that nm has for each row: what its section is good for; of ELF, lower-case where it is local."""
    table = np.array([*map(_letter, image.sections), "?"], dtype="<U1")
    nowhere = (merger.section[rows] >= len(image.sections)) & (merger.stated[rows] >= 0)  # not an address
    letters = table[np.where(nowhere, -1, section)]
    empty = _beyond_the_file(image.sections, merger.address[rows], section)
    letters[empty & (letters == "D")] = "B"
    absent = section < 0
    letters[absent & (merger.kind[rows] == FUNCTION)] = "T"
    letters[absent & np.isin(merger.kind[rows], (TYPE, ITAB))] = "R"
    letters[merger.kind[rows] == UNDEFINED] = "U"
    if image.container != "ELF":
        return letters
    local = merger.local[rows]
    code = letters.view(np.uint32)  # not by numpy.char, which takes 10 ms to import
    code[local & (code >= ord("A")) & (code <= ord("Z"))] += ord("a") - ord("A")
    letters[local & (letters == "?")] = "_"  # what Go's tool makes of a small question mark
    return letters


def _beyond_the_file(
    sections: Sequence[Section], address: NDArray[np.uint64], section: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """What lies in the part of a section that the file has no bytes for: Windows has .bss behind .data."""
    limits = [(s.vaddr + min(s.file_size, s.size), s.vaddr + s.size) for s in sections] or [(0, 0)]
    held, end = np.minimum(np.array(limits, dtype=object), (1 << 64) - 1).astype(np.uint64).T
    number = np.maximum(section, 0)
    empty: NDArray[np.bool_] = (section >= 0) & (address >= held[number]) & (address < end[number])
    return empty


def _letter(section: Section) -> str:
    letter = _LETTERS.get(section.flags & (_WRITE | _ALLOC | _EXECUTE), "?")
    return "B" if letter == "D" and section.type == _NOBITS else letter


# --- packages ---


def packages_of(binary: Binary, merger: Merger, rows: NDArray[np.int64]) -> list[str]:
    """Import path of each row; "" for what has none: C, assembly, what the linker makes."""
    out = [package_of(merger.name[row]) for row in rows.tolist()]
    for at in np.flatnonzero(merger.kind[rows] == TYPE).tolist():
        out[at] = type_package(merger.name[rows[at]])
    for at in np.flatnonzero(merger.kind[rows] == ITAB).tolist():
        out[at] = ""
    go = merger.sources[rows] & _GO != 0
    foreign = np.flatnonzero(~go & (merger.kind[rows] == FUNCTION))
    if len(foreign) and binary.go_or_none is not None:  # C++ and Rust have dots in their names, too
        known = {out[at] for at in np.flatnonzero(go).tolist()} | {"runtime"}
        for at in foreign.tolist():
            out[at] = out[at] if out[at] in known else ""
    return out


def modules_of(binary: Binary, merger: Merger, rows: NDArray[np.int64], packages: list[str]) -> list[str]:
    """Path of each row's module, or the group of what has none, cf. `gosym.origins`."""
    go = binary.go_or_none
    origins = origins_of(go)
    linked_c = go is None or bool(
        ((merger.sources & _GO == 0) & (merger.kind == FUNCTION) & (merger.size > 0)).any()
    )
    known = (merger.sources[rows] & _GO != 0).tolist()
    types = (merger.kind[rows] == TYPE).tolist()
    names = merger.name
    return [
        UNNAMED
        if is_type and not package
        else origins.of_symbol(names[row], package, go=is_go or not linked_c)
        for row, package, is_go, is_type in zip(rows.tolist(), packages, known, types, strict=True)
    ]


def _receivers(merger: Merger, rows: NDArray[np.int64]) -> list[str]:
    functions = merger.kind == FUNCTION
    known = {merger.name[row] for row in np.flatnonzero(functions).tolist()}
    wanted = (functions[rows] & (merger.sources[rows] & _GO != 0)).tolist()
    names = merger.name
    return [
        split_name(names[row], known).receiver if is_function else ""
        for row, is_function in zip(rows.tolist(), wanted, strict=True)
    ]


# --- files and lines ---


def _positions(
    binary: Binary, merger: Merger, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int32], list[str], NDArray[np.int32]]:
    """File and line where each symbol is declared, as gopclntab says, else DWARF."""
    file, line = np.full(len(rows), -1, dtype=np.int32), np.zeros(len(rows), dtype=np.int32)
    mine = np.flatnonzero(merger.function[rows] >= 0)
    files: list[str] = []
    if len(mine):
        file[mine], files, line[mine] = entry_places(binary.bulk, merger.function[rows[mine]])
    if merger.place:
        known = Numbering()
        known.add(files)
        for at in np.flatnonzero(merger.function[rows] < 0).tolist():
            place = merger.place.get(int(rows[at]))
            if place is not None:
                file[at], line[at] = known.add([place[0]])[0], place[1]
        files = known.texts
    return file, files, line
