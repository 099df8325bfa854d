"""All symbols of a binary, from every table it has, as one `Merger`: what `symbols` and `compare` work on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from goinspect._ragged import distinct
from goinspect.analysis.symbolmerge import (
    FUNCTION,
    ITAB,
    NOTYPE,
    TLS,
    TYPE,
    UNDEFINED,
    VARIABLE,
    Batch,
    Merger,
)
from goinspect.errors import GoinspectError
from goinspect.objfile.symcolumns import KINDS as TABLE_KINDS
from goinspect.objfile.symcolumns import symbol_columns
from goinspect.results.symbols import SOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.binary import Binary
    from goinspect.dwarf import DwarfTypes
    from goinspect.objfile.symcolumns import SymbolColumns

__all__ = ["ALL_SOURCES", "NM_SOURCES", "Wanted", "collect"]

_NOT_LISTED: Final = 255  # names of sections and files
_KIND_OF: Final = {
    "notype": NOTYPE, "object": VARIABLE, "function": FUNCTION, "ifunc": FUNCTION, "tls": TLS,
    "section": _NOT_LISTED, "file": _NOT_LISTED,
}  # fmt: skip
_KINDS: Final = np.array([_KIND_OF[name] for name in TABLE_KINDS], dtype=np.uint8)

ALL_SOURCES: Final = frozenset(SOURCES)
NM_SOURCES: Final = ALL_SOURCES - {"dwarf", "typedata"}
_SIZED: Final = ("ELF", "wasm")  # containers whose symbols have sizes


class Wanted(NamedTuple):
    """Which tables to read, and whether to list what the file only refers to."""

    sources: frozenset[str] = ALL_SOURCES
    undefined: bool = False


def collect(binary: Binary, wanted: Wanted | None = None, warnings: list[str] | None = None) -> Merger:
    """Merge the tables; what could not be read is told in `warnings`."""
    wanted = wanted or Wanted()
    told = warnings if warnings is not None else []
    columns = symbol_columns(binary.image)
    merger = _from_symbol_tables(binary, columns, undefined=wanted.undefined)
    if "gopclntab" in wanted.sources and binary.go_or_none is not None:
        _add_functions(binary, merger, told)
    if "typedata" in wanted.sources:
        _add_types(binary, merger, told)
    if "dwarf" in wanted.sources:
        _add_dwarf(binary, merger, told)
    return merger


# --- the container's symbol tables ---


def _from_symbol_tables(binary: Binary, columns: SymbolColumns, *, undefined: bool) -> Merger:
    kind = _KINDS[columns.kind]
    if undefined:
        kind = np.where((columns.section == 0) & (kind != _NOT_LISTED), np.uint8(UNDEFINED), kind)
    named = np.fromiter(map(bool, columns.name), dtype=np.bool_, count=len(columns))
    listed = named & (kind != _NOT_LISTED) & ((columns.section != 0) | (kind == UNDEFINED))
    size = columns.size if binary.image.container in _SIZED else _up_to_next(binary, columns, listed)
    base = listed & (columns.run == 0)
    merger = _merger(columns, base, kind, size)
    for run in range(1, len(columns.source)):
        more = _merger(columns, listed & (columns.run == run), kind, size)
        _join(merger, more, columns.source[run])
    return merger


def _merger(
    columns: SymbolColumns, rows: NDArray[np.bool_], kind: NDArray[np.uint8], size: NDArray[np.int64]
) -> Merger:
    index = np.flatnonzero(rows)
    names = columns.name if len(index) == len(columns) else [columns.name[row] for row in index.tolist()]
    bits = np.array([1 << SOURCES.index(source) for source in columns.source] or [0], dtype=np.uint8)
    return Merger(
        list(names),
        columns.vaddr[index],
        size[index],
        size[index] > 0,
        kind[index].astype(np.uint8),
        bits[columns.run[index]] if len(columns.source) else np.zeros(0, np.uint8),
        columns.section[index],
        columns.binding[index] == 0,
        np.full(len(index), -1, dtype=np.int64),
        size[index],
    )


def _join(merger: Merger, more: Merger, source: str) -> None:
    """Merge a second symbol table, whose rows have sections and bindings of their own."""
    for kind in distinct(more.kind).tolist():
        rows = np.flatnonzero(more.kind == kind)
        before = len(merger)
        merger.add(
            Batch(
                [more.name[row] for row in rows.tolist()], more.address[rows], more.size[rows], kind, source
            )
        )
        added = len(merger) - before
        if added:
            _copy_places(merger, before, more, rows)


def _copy_places(merger: Merger, before: int, more: Merger, rows: NDArray[np.int64]) -> None:
    """Section, binding and size of the rows that were appended: they are those of `rows` that were not known."""
    place = {(more.name[row], int(more.address[row])): row for row in rows.tolist()}
    for at in range(before, len(merger)):
        row = place[merger.name[at], int(merger.address[at])]
        merger.section[at], merger.local[at] = more.section[row], more.local[row]
        merger.size_exact[at], merger.stated[at] = more.size_exact[row], more.stated[row]


def _up_to_next(binary: Binary, columns: SymbolColumns, listed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Sizes where the table has none: up to the next symbol, or the end of the section."""
    addresses = distinct(columns.vaddr[columns.section != 0])
    following = np.append(addresses, np.uint64((1 << 64) - 1))[
        np.searchsorted(addresses, columns.vaddr, side="right")
    ]
    ends = np.array(
        [min(section.vaddr + section.size, (1 << 63) - 1) for section in binary.image.sections] or [0],
        dtype=np.uint64,
    )
    held = listed & (columns.section > 0) & (columns.section < len(ends))
    end = ends[np.where(held, columns.section, 0)]
    stop = np.minimum(following, end)
    return np.where(held & (stop > columns.vaddr), stop - columns.vaddr, 0).astype(np.int64)


# --- gopclntab ---


def _add_functions(binary: Binary, merger: Merger, warnings: list[str]) -> None:
    bulk = binary.bulk
    records = bulk.records
    funcs = np.flatnonzero(records.present)
    offsets, number = np.unique(records.field(funcs, "name_off"), return_inverse=True)
    names = bulk.names(offsets)
    missing = int(records.unreadable.sum())
    if missing:
        warnings.append(f"{missing} functions of gopclntab cannot be read: the table is damaged")
    merger.add(
        Batch(
            [names[i] for i in number.tolist()],
            records.entries[funcs],
            (records.ends[funcs] - records.entries[funcs]).astype(np.int64),
            FUNCTION,
            "gopclntab",
            funcs,
            go_names=True,
        )
    )


# --- DWARF and type data ---


def _add_dwarf(binary: Binary, merger: Merger, warnings: list[str]) -> None:
    try:
        found = binary.dwarf
    except GoinspectError as error:
        warnings.append(f"DWARF cannot be read: {error.message}")
        return
    if found is None:
        return
    warnings.extend(found.warnings)
    for rows, kind in ((found.functions, FUNCTION), (found.variables, VARIABLE)):
        merger.add(
            Batch(
                rows.name,
                np.array(rows.address, dtype=np.uint64),
                _sizes(rows.size),
                kind,
                "dwarf",
                size_exact=True,
                places=[
                    (f, n or 0) if f is not None else None for f, n in zip(rows.file, rows.line, strict=True)
                ],
            )
        )
    _add_dwarf_types(binary, merger, found.types)


def _add_dwarf_types(binary: Binary, merger: Merger, rows: DwarfTypes) -> None:
    """Types by the address of their descriptor; 0 for those that have none: they are only known to debuggers."""
    from goinspect.dwarf import descriptor_base

    base = descriptor_base(binary.image, rows, binary.types.address if binary.types is not None else None)
    places = np.array([place or 0 for place in rows.runtime_type], dtype=np.uint64)
    address = (
        np.where(places > 0, places + np.uint64(base), np.uint64(0))
        if base is not None
        else places * np.uint64(0)
    )
    unknown = np.full(len(rows.name), -1, dtype=np.int64)
    merger.add(Batch(rows.name, address, unknown, TYPE, "dwarf"))


def _sizes(sizes: Sequence[int | None]) -> NDArray[np.int64]:
    return np.array([-1 if size is None else size for size in sizes], dtype=np.int64)


def _add_types(binary: Binary, merger: Merger, warnings: list[str]) -> None:
    types = binary.types
    if types is None:
        return
    warnings.extend(types.warnings)
    sized = (
        (TYPE, [(row.name, row.vaddr, row.descriptor_size) for row in types.types]),
        (ITAB, [(row.name, row.vaddr, row.size) for row in types.itabs]),
    )
    for kind, rows in sized:
        names, addresses, sizes = ([row[at] for row in rows] for at in range(3))
        merger.add(
            Batch(
                [str(name) for name in names],
                np.array(addresses, dtype=np.uint64),
                np.array(sizes, dtype=np.int64),
                kind,
                "typedata",
                size_exact=True,
            )
        )
