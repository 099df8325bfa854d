"""Frames of PCs: what `goinspect pcln BIN PC…` answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.analysis.pcln.header import pclntab_info
from goinspect.analysis.pcln.places import Places, addresses
from goinspect.errors import GoinspectError, QueryError
from goinspect.gosym import inline
from goinspect.model import Frame
from goinspect.results.lines import LineReport, LineRow, LineRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from goinspect.binary import Binary
    from goinspect.gosym.pclntab import Func

__all__ = ["frames_at", "resolve"]

# Importing numpy costs as much as some hundred lookups by the pure engine.
_BULK_FROM = 1500


def resolve(binary: Binary, queries: Sequence[str], *, inlines: bool = True) -> LineReport:
    """Frames of each query: an address, ``func``, ``func+offset`` or ``file:line``.

    Raises:
        QueryError: a query is none of these, or there is no code at a ``file:line``.
        NotGoError: the binary has no gopclntab.
    """
    views = binary.views
    if len(views) > 1:
        return _over_modules(views, queries, inlines=inlines)
    return _resolve(binary, queries, inlines=inlines)


def _over_modules(views: Sequence[Binary], queries: Sequence[str], *, inlines: bool) -> LineReport:
    """Each query is for the module whose text holds the address, or the first one that knows the name."""
    rows: list[LineRow] = []
    warnings: dict[str, None] = {}
    for query in queries:
        report = _by_one_of(views, query, inlines=inlines)
        rows += report.rows
        warnings |= dict.fromkeys(report.warnings)
    main = views[0]
    return LineReport(main.path, main.go.go_version, pclntab_info(main), LineRows.of(rows), tuple(warnings))


def _by_one_of(views: Sequence[Binary], query: str, *, inlines: bool) -> LineReport:
    pcs = addresses([query])
    if pcs is not None:
        holder = next((view for view in views if view.go.table.find(pcs[0]) is not None), views[0])
        return _resolve(holder, [query], inlines=inlines)
    refused: QueryError | None = None
    for view in views:
        try:
            return _resolve(view, [query], inlines=inlines)
        except QueryError as error:
            refused = refused or error
    raise refused or QueryError(f"{query!r} is unknown", path=views[0].path)


def _resolve(binary: Binary, queries: Sequence[str], *, inlines: bool) -> LineReport:
    pcs = addresses(queries)
    if pcs is not None:
        places = Places(pcs, None, queries)
    else:
        from goinspect.analysis.pcln.queries import (
            Queries,  # regular expressions, a twentieth of a lookup's time
        )

        places = Queries(binary).places(queries)
    warnings = list(places.warnings)
    rows, damaged = _bulk_rows(binary, places, inlines=inlines)
    if rows is None:
        functions: set[int] = set()
        rows = LineRows.of(_rows(binary, places, functions, inlines=inlines))
        damaged = len(functions)
    if damaged:
        warnings.append(f"damaged table: {damaged} functions are answered as far as they can be read")
    return LineReport(
        binary.path, binary.go.go_version, pclntab_info(binary), rows, (*binary.warnings, *warnings)
    )


def _rows(binary: Binary, places: Places, damaged: set[int], *, inlines: bool) -> Iterable[LineRow]:
    table = binary.go.table
    for query, pc in zip(places.queries, places.pcs, strict=True):
        index = table.find(pc)
        try:
            func = None if index is None else table.func(index)
        except GoinspectError:
            damaged.add(index or 0)
            func = None
        if func is None:
            yield LineRow(pc, query, None, None, None)
        else:
            frames = frames_at(binary, func, pc, damaged, inlines=inlines)
            yield LineRow(pc, query, frames[-1].function, func.entry, frames)


def frames_at(
    binary: Binary, func: Func, pc: int, damaged: set[int], *, inlines: bool = True
) -> tuple[Frame, ...]:
    """The frames at `pc`, or what can be read of them: a damaged function is noted in `damaged`."""
    table = binary.go.table
    for expand in (inline.expand, inline.physical) if inlines else (inline.physical,):
        try:
            return expand(table, func, pc)
        except GoinspectError:
            damaged.add(func.number)
    try:
        name = table.name(func)
    except GoinspectError:
        name = f"?name@{func.name_off:#x}"
    return (Frame(name, None, None, inlined=False),)


def _bulk_rows(binary: Binary, places: Places, *, inlines: bool) -> tuple[LineRows | None, int]:
    """The answers by numpy, and how many functions are damaged; None where it is not worth while, or not possible."""
    # Ranges were found by numpy: it is there already.
    if len(places.pcs) < _BULK_FROM and places.ends is None:
        return None, 0
    import numpy as np  # 0.1 s: worth it for a batch only

    from goinspect._ragged import distinct as unique
    from goinspect._ragged import flat_ranges
    from goinspect.analysis.pcln.damage import count_damaged

    pcs = places.pcs
    try:
        array = np.array(pcs, dtype=np.uint64)
    except OverflowError:
        array = np.array([min(pc, (1 << 64) - 1) for pc in pcs], dtype=np.uint64)
    # In order, they touch each table and each page of memory once.
    distinct, place = np.unique(array, return_inverse=True)
    try:
        found = binary.bulk_frames(distinct, inlines=inlines)
    except GoinspectError:  # the pure engine tells which function it is
        return None, 0
    numbers = binary.bulk.find(distinct)
    missing = binary.bulk.records.find_unreadable(distinct)
    damaged = count_damaged(binary.bulk, unique(numbers[numbers >= 0])) + len(unique(missing[missing >= 0]))
    entries = binary.bulk.entries[numbers]
    lengths = np.diff(found.start)[place]
    frame = flat_ranges(found.start[place], lengths)
    start = np.zeros(len(pcs) + 1, dtype=np.int64)
    np.cumsum(lengths, out=start[1:])
    rows = LineRows(
        pc=pcs,
        end=places.ends,
        query=places.queries,
        entry=entries[place].tolist(),
        start=start.tolist(),
        function=found.function[frame].tolist(),
        file=found.file[frame].tolist(),
        line=found.line[frame].tolist(),
        inlined=found.inlined[frame].tolist(),
        names=found.names,
        files=found.files,
    )
    return rows, damaged
