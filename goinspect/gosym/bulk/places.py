"""From a line to the PCs that have it, over all functions at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import capped, flat_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.gosym.bulk.table import BulkTable

    Ints = NDArray[np.int64]

__all__ = ["pcs_of_line"]


def pcs_of_line(bulk: BulkTable, line: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Ranges [start, end) of vaddrs whose own (innermost) line is `line`, in order.

    A range is cut where the file or the inlined call changes, so that its first PC speaks for all of it. Which file
    it is, is for `BulkTable.frames` to say.
    """
    records = bulk.records
    funcs = np.flatnonzero(records.present)
    tables, of_func = np.unique(records.field(funcs, "pcln"), return_inverse=True)
    table, begin, end = _matching(bulk, tables, line)
    # A table is shared by all functions that have the same lines at the same places.
    order = np.argsort(of_func, kind="stable")
    first = np.searchsorted(of_func[order], table)
    counts = np.searchsorted(of_func[order], table, side="right") - first
    kept = capped(counts, len(bulk.table.pctab) + (1 << 16)) == counts  # see there
    table, begin, end, first, counts = (part[kept] for part in (table, begin, end, first, counts))
    func = funcs[order[flat_ranges(first, counts)]]
    begin, end = np.repeat(begin, counts), np.repeat(end, counts)
    size = (records.ends[func] - records.entries[func]).astype(np.int64)
    end = np.minimum(end, size)
    inside = begin < end
    func, begin, end = _cut(bulk, func[inside], begin[inside], end[inside])
    entry = records.entries[func]
    starts, ends = entry + begin.astype(np.uint64), entry + end.astype(np.uint64)
    order = np.argsort(starts, kind="stable")
    return starts[order], ends[order]


def _matching(bulk: BulkTable, tables: Ints, line: int) -> tuple[Ints, Ints, Ints]:
    """(number of the table, begin, end) of every row that has the line."""
    skip = int(np.searchsorted(tables, 1))  # 0: no table
    found: list[tuple[Ints, Ints, Ints]] = []
    for rows in bulk.pctab.pieces(tables[skip:]):
        hit = np.flatnonzero(rows.value == line)
        before = np.where((hit > 0) & (rows.table[hit - 1] == rows.table[hit]), rows.end[hit - 1], 0)
        found.append((rows.table[hit] + skip, before, rows.end[hit]))
    if not found:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none
    table, begin, end = (np.concatenate(part) for part in zip(*found, strict=True))
    return table, begin, end


def _cut(bulk: BulkTable, func: Ints, begin: Ints, end: Ints) -> tuple[Ints, Ints, Ints]:
    """Cut ranges at every row end of the functions' file and inline index tables."""
    number = np.arange(len(func))
    owners, points = [number], [begin]
    index_table, _ = bulk.inline_tables(func)
    for offsets in (bulk.records.field(func, "pcfile"), index_table):
        owner, point = bulk.pctab.tables(offsets).ends_within(offsets, begin, end)
        owners.append(owner)
        points.append(point)
    owner, point = np.concatenate(owners), np.concatenate(points)
    order = np.lexsort((point, owner))
    owner, point = owner[order], point[order]
    fresh = np.append(True, (np.diff(owner) != 0) | (np.diff(point) != 0)) if len(owner) else owner == owner
    owner, point = owner[fresh], point[fresh]
    last = np.append(np.diff(owner) != 0, True) if len(owner) else owner == owner
    following = np.where(last, end[owner], np.roll(point, -1))
    return func[owner], point, following
