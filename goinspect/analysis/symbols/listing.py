"""Every symbol a file names, filtered and in order: what `goinspect symbols` lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.analysis.symbols.merge import TYPE
from goinspect.analysis.symbols.table import ALL_SOURCES, NM_SOURCES, Wanted, collect
from goinspect.analysis.symbols.where import describe
from goinspect.errors import QueryError
from goinspect.results.symbols import KINDS, SOURCES, SymbolList

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from goinspect.analysis.symbols.merge import Merger
    from goinspect.binary import Binary

__all__ = ["SymbolQuery", "list_symbols", "select"]


class SymbolQuery(NamedTuple):
    """Which symbols, and what of them.

    Attributes:
        kind: one of `KINDS`; None: all but the undefined ones.
        source: one of `SOURCES`.
        pattern: a regular expression that the name must contain.
        sort: "address", "name" or "size" (largest first).
        limit: at most that many.
        as_nm: what ``go tool nm`` lists: no types, nothing that only DWARF knows, but undefined symbols; without what
            it does not print (packages, files), which is quicker.
        owners: find out packages, modules and receivers, which takes a while for a hundred thousand symbols.
    """

    kind: str | None = None
    source: str | None = None
    pattern: str | None = None
    sort: str = "address"
    limit: int | None = None
    as_nm: bool = False
    owners: bool = True


def list_symbols(binary: Binary, query: SymbolQuery | None = None) -> SymbolList:
    """The merged symbols of `binary`, which need not be Go.

    Raises:
        QueryError: the pattern is no regular expression.
    """
    query = query or SymbolQuery()
    matches = compiled(query.pattern)
    warnings: list[str] = []
    merger = collect(binary, _wanted(query), warnings)
    rows = select(merger, query, matches)
    listed = describe(binary, merger, rows, places=not query.as_nm, owners=query.owners and not query.as_nm)
    if binary.go_or_none is None:
        reason = binary.why_not_go.partition(" in its sections")[0]
        warnings.insert(0, f"{reason}: only the container's own symbols are listed")
    return SymbolList(binary.path, listed, tuple(dict.fromkeys((*binary.warnings, *warnings))))


def compiled(pattern: str | None) -> Callable[[str], object] | None:
    """The test for a name.

    Raises:
        QueryError: it is no regular expression.
    """
    try:
        return re.compile(pattern).search if pattern else None
    except re.error as error:
        raise QueryError(f"--filter {pattern!r} is no regular expression: {error}") from None


def _wanted(query: SymbolQuery) -> Wanted:
    """The tables to read: all that may know what is listed, since each row tells its sources."""
    sources = NM_SOURCES if query.as_nm else ALL_SOURCES
    if query.kind in ("type", "itab") or query.source in ("typedata", "dwarf"):
        sources = ALL_SOURCES
    # nm's lines do not say which table knows a symbol, so that names need not be compared.
    return Wanted(
        sources,
        undefined=query.as_nm or query.kind == "undefined",
        new_functions=query.as_nm and not query.source,
    )


def select(merger: Merger, query: SymbolQuery, matches: Callable[[str], object] | None) -> NDArray[np.int64]:
    """The rows that are asked for, in order."""
    keep = np.ones(len(merger), dtype=np.bool_)
    if query.kind is not None:
        keep &= merger.kind == KINDS.index(query.kind)
    if query.source is not None:
        keep &= (merger.sources >> SOURCES.index(query.source) & 1).astype(np.bool_)
    rows = np.flatnonzero(keep)
    if matches is not None:
        names, symbol = merger.name, merger.symbol
        rows = np.array(
            [row for row in rows.tolist() if matches(names[row]) or (row in symbol and matches(symbol[row]))],
            dtype=np.int64,
        )
    rows = rows[_order(merger, rows, query.sort)]
    return rows if query.limit is None else rows[: query.limit]


def _order(merger: Merger, rows: NDArray[np.int64], sort: str) -> NDArray[np.int64]:
    # Types that only DWARF knows have no address, and come last.
    nowhere = (merger.kind[rows] == TYPE) & (merger.address[rows] == 0)
    address = np.where(nowhere, np.uint64((1 << 64) - 1), merger.address[rows])
    if sort == "size":
        return np.lexsort((address, -merger.size[rows]))
    if sort == "name":
        names = merger.name
        texts, at = [names[row] for row in rows.tolist()], address.tolist()
        return np.array(sorted(range(len(rows)), key=lambda i: (texts[i], at[i])), dtype=np.int64)
    order = np.argsort(address, kind="stable")
    # Rows of one address are in order of their names.
    ties = np.flatnonzero(np.diff(address[order]) == 0)
    for first, last in _runs(ties):
        part = order[first : last + 2].copy()
        order[first : last + 2] = sorted(part.tolist(), key=lambda i: merger.name[rows[i]])
    return order


def _runs(numbers: NDArray[np.int64]) -> list[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    if not len(numbers):
        return []
    breaks = np.flatnonzero(np.diff(numbers) != 1)
    firsts = numbers[np.append(0, breaks + 1)]
    lasts = numbers[np.append(breaks, len(numbers) - 1)]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))
