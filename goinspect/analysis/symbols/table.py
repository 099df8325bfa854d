"""All symbols of a binary, from every table it has, as one `Merger`: what `symbols` and `compare` work on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from goinspect._ragged import distinct
from goinspect._words import counted
from goinspect.analysis.symbols.merge import (
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
from goinspect.analysis.symbols.where import section_numbers
from goinspect.errors import GoinspectError
from goinspect.objfile.elf.symcolumns import KINDS as TABLE_KINDS
from goinspect.objfile.elf.symcolumns import symbol_columns
from goinspect.results.symbols import SOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.binary import Binary
    from goinspect.dwarf.bulk.rows import Rows
    from goinspect.dwarf.columns import DwarfColumns
    from goinspect.gosym.bulk.records import Records
    from goinspect.objfile.elf.symcolumns import SymbolColumns
    from goinspect.objfile.image import Image

__all__ = ["ALL_SOURCES", "NM_SOURCES", "Wanted", "collect"]

_NOT_LISTED: Final = 255  # names of sections and files
_KIND_OF: Final = {
    "notype": NOTYPE, "object": VARIABLE, "function": FUNCTION, "ifunc": FUNCTION, "tls": TLS,
    "section": _NOT_LISTED, "file": _NOT_LISTED,
}  # fmt: skip
_KINDS: Final = np.array([_KIND_OF[name] for name in TABLE_KINDS], dtype=np.uint8)

ALL_SOURCES: Final = frozenset(SOURCES)
NM_SOURCES: Final = ALL_SOURCES - {"dwarf", "typedata"}
_SHOWN, _NAME_SHOWN = 3, 80  # names in a warning, and characters of each
_MAX_LINE: Final = (1 << 31) - 1
_SIZED: Final = ("ELF", "wasm")  # containers whose symbols have sizes


class Wanted(NamedTuple):
    """Which tables to read, and what of them.

    Attributes:
        sources: names of tables.
        undefined: list what the file only refers to as well.
        new_functions: of gopclntab only functions at addresses where no symbol has one; the others do not learn that
            gopclntab knows them.
    """

    sources: frozenset[str] = ALL_SOURCES
    undefined: bool = False
    new_functions: bool = False


def collect(binary: Binary, wanted: Wanted | None = None, warnings: list[str] | None = None) -> Merger:
    """Merge the tables; what could not be read is told in `warnings`."""
    wanted = wanted or Wanted()
    told = warnings if warnings is not None else []
    columns = symbol_columns(binary.image)
    merger = _from_symbol_tables(binary, columns, undefined=wanted.undefined)
    if "gopclntab" in wanted.sources and binary.go_or_none is not None:
        _add_functions(binary, merger, told, only_new=wanted.new_functions)
    if "typedata" in wanted.sources:
        _add_types(binary, merger, told)
    if "dwarf" in wanted.sources:
        binary.image.forget_pages()
        _add_dwarf(binary, merger, told)
        binary.image.forget_pages()
    if binary.image.container == "ELF" and binary.image.sections:
        _forget_impossible_sizes(binary.image, merger, told)
    return merger


def _forget_impossible_sizes(image: Image, merger: Merger, warnings: list[str]) -> None:
    """A symbol that is said to be bigger than its section would hide all others from sums; `stated` keeps the claim."""
    claimed = np.flatnonzero((merger.size > 0) & merger.size_exact & (merger.kind != TLS))
    number = section_numbers(image.sections, merger)[claimed]
    starts, ends = (
        np.array([min(at, (1 << 64) - 1) for at in (*places, 0)], dtype=np.uint64)
        for places in (
            [section.vaddr for section in image.sections],
            [section.vaddr + section.size for section in image.sections],
        )
    )
    address, size = merger.address[claimed], merger.size[claimed].astype(np.uint64)
    inside = (number >= 0) & (address >= starts[number]) & (address < ends[number])
    room = np.where(inside, ends[number] - address, np.uint64(image.file_size))
    wrong = claimed[size > room]
    if len(wrong):
        merger.size[wrong], merger.size_exact[wrong] = -1, False
        some = ", ".join(merger.name[row][:_NAME_SHOWN] for row in wrong[:_SHOWN].tolist())
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        warnings.append(f"sizes of symbols that are bigger than their section are left out: {some}{more}")


# --- the container's symbol tables ---


def _from_symbol_tables(binary: Binary, columns: SymbolColumns, *, undefined: bool) -> Merger:
    kind = _KINDS[columns.kind]
    if undefined:
        kind = np.where((columns.section == 0) & (kind != _NOT_LISTED), np.uint8(UNDEFINED), kind)
    named = np.ones(len(columns), dtype=np.bool_)
    if "" in columns.name:
        named = np.fromiter(map(bool, columns.name), dtype=np.bool_, count=len(columns))
    listed = named & (kind != _NOT_LISTED) & ((columns.section != 0) | (kind == UNDEFINED))
    sized = binary.image.container in _SIZED
    size = columns.size if sized else _up_to_next(binary, columns, listed)
    base = listed & (columns.run == 0)
    merger = _merger(columns, base, kind, size, sized=sized)
    for run in range(1, len(columns.source)):
        more = _merger(columns, listed & (columns.run == run), kind, size, sized=sized)
        _join(merger, more, columns.source[run])
    return merger


def _merger(
    columns: SymbolColumns,
    rows: NDArray[np.bool_],
    kind: NDArray[np.uint8],
    size: NDArray[np.int64],
    *,
    sized: bool,
) -> Merger:
    index = np.flatnonzero(rows)
    names = columns.name if len(index) == len(columns) else [columns.name[row] for row in index.tolist()]
    bits = np.array([1 << SOURCES.index(source) for source in columns.source] or [0], dtype=np.uint8)
    return Merger(
        list(names),
        columns.vaddr[index],
        size[index],
        (size[index] > 0) & sized,
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


def _add_functions(binary: Binary, merger: Merger, warnings: list[str], *, only_new: bool) -> None:
    bulk = binary.bulk
    records = bulk.records
    funcs = np.flatnonzero(records.present)
    if only_new:
        known = np.sort(merger.address[merger.kind == FUNCTION])
        place = np.searchsorted(known, records.entries[funcs])
        inside = place < len(known)
        held = np.zeros(len(funcs), dtype=np.bool_)
        held[inside] = known[place[inside]] == records.entries[funcs[inside]]
        funcs = funcs[~held]
    missing = int(records.unreadable.sum())
    if missing:
        warnings.append(f"{counted(missing, 'function')} of gopclntab cannot be read: the table is damaged")
    batch = Batch(
        (),
        records.entries[funcs],
        _spans(binary, records, funcs),
        FUNCTION,
        "gopclntab",
        funcs,
        go_names=True,
    )
    offsets = records.field(funcs, "name_off")
    others = ~_known(binary, merger, batch, offsets)
    distinct_offsets, number = np.unique(offsets[others], return_inverse=True)
    names = bulk.names(distinct_offsets)
    merger.add(
        batch._replace(
            name=[names[i] for i in number.tolist()],
            address=batch.address[others],
            size=batch.size[others],
            function=funcs[others],
        )
    )


def _known(binary: Binary, merger: Merger, batch: Batch, names: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Of the functions of a batch without names those that a symbol table has by the same name: symbols have learned of them.

    That a name at an offset is the same is found out in less time than it takes to read it.
    """
    mine, theirs = merger.alone(batch)
    same = binary.bulk.are_names(names[theirs], [merger.name[row] for row in mine.tolist()])
    merger.learn(batch, mine[same], theirs[same])
    known = np.zeros(len(names), dtype=np.bool_)
    known[theirs[same]] = True
    return known


def _spans(binary: Binary, records: Records, funcs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bytes up to the next function. On wasm a PC is a function's number and a block in it, and says nothing of bytes."""
    if binary.image.arch == "wasm":
        return np.full(len(funcs), -1, dtype=np.int64)
    return (records.ends[funcs] - records.entries[funcs]).astype(np.int64)


# --- DWARF and type data ---


def _add_dwarf(binary: Binary, merger: Merger, warnings: list[str]) -> None:
    try:
        found = binary.read_dwarf_columns()
    except GoinspectError as error:
        warnings.append(f"DWARF cannot be read: {error.message}")
        return
    if found is None:
        return
    for rows, kind in ((found.functions, FUNCTION), (found.variables, VARIABLE)):
        told = partial(_places, found, rows)
        merger.add(Batch(rows.name, rows.address, rows.size, kind, "dwarf", size_exact=True, places=told))
    warnings.extend(found.warnings)
    _add_dwarf_types(binary, merger, found.types)


def _places(found: DwarfColumns, rows: Rows, wanted: Sequence[int]) -> list[tuple[str, int] | None]:
    """File and line of some rows."""
    return [
        None if file is None else (file, line if line is not None and 0 < line <= _MAX_LINE else 0)
        for file, line in found.places(rows, wanted)
    ]


def _add_dwarf_types(binary: Binary, merger: Merger, rows: Rows) -> None:
    """Types by the address of their descriptor; 0 for those that have none: they are only known to debuggers."""
    from goinspect.dwarf.descriptors import descriptors
    from goinspect.gosym.types.data import summarize_types

    go = binary.go_or_none
    summary = summarize_types(binary.image, go) if go is not None else None
    address = descriptors(binary.image, rows, summary.address if summary is not None else None)
    merger.add(Batch(rows.name, address, np.full(len(rows), -1, dtype=np.int64), TYPE, "dwarf"))


def _add_types(binary: Binary, merger: Merger, warnings: list[str]) -> None:
    found = binary.read_type_columns()
    if found is None:
        return
    warnings.extend(found.warnings)
    types, itabs = found.rows, found.rows.itabs
    merger.add(Batch(types.name, types.vaddr, types.extent, TYPE, "typedata", size_exact=True))
    merger.add(
        Batch(
            [itab.name for itab in itabs],
            np.array([itab.vaddr for itab in itabs], dtype=np.uint64),
            np.array([itab.size for itab in itabs], dtype=np.int64),
            ITAB,
            "typedata",
            size_exact=True,
        )
    )
