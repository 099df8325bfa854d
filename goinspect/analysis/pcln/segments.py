"""Line tables of many functions as numpy columns, and who has code of a file or of an inlined function.

A segment is a range of PCs with one file, line and inline record; everywhere in it the frames are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import capped, distinct, flat_ranges
from goinspect.gosym.inline import MAX_RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    from goinspect.gosym.bulk.table import BulkTable

    Ints = NDArray[np.int64]

__all__ = ["FileIndex", "InlineRecords", "Segments", "inline_records", "segments", "table_rows"]

_MAX_SIZE = 1 << 31  # of a function: a damaged table may claim any


class Segments(NamedTuple):
    """Segments in order of address, each within one function."""

    func: Ints  # number in functab
    start: NDArray[np.uint64]  # vaddrs
    end: NDArray[np.uint64]
    file: Ints  # file number of the function's unit; -1: unknown
    line: Ints  # -1: unknown
    record: Ints  # of the function's inline tree; -1: not in an inlined call

    def where(self, keep: NDArray[np.bool_]) -> Segments:
        """Those of them for which `keep` is set."""
        return Segments(
            self.func[keep],
            self.start[keep],
            self.end[keep],
            self.file[keep],
            self.line[keep],
            self.record[keep],
        )


class InlineRecords(NamedTuple):
    """Records of the inline trees of all functions."""

    func: Ints  # number in functab
    record: Ints
    name_off: Ints
    start_line: Ints  # 0: unknown


def table_rows(bulk: BulkTable, offsets: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Rows of the pc-value tables at `offsets`, for each in turn: (index of the offset, begin, end, value)."""
    starts = distinct(offsets[offsets > 0])
    tables, ends, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for piece in bulk.pctab.pieces(starts):
        tables.append(piece.table)
        ends.append(piece.end)
        values.append(piece.value.astype(np.int64))
    table, end, value = np.concatenate(tables), np.concatenate(ends), np.concatenate(values)
    begin = np.concatenate((end[:0], np.zeros(min(len(end), 1), np.int64), end[:-1]))
    begin[np.flatnonzero(np.diff(table, prepend=-1))] = 0
    counts = np.bincount(table, minlength=len(starts))
    first = np.cumsum(counts) - counts
    mine = np.searchsorted(starts, offsets)
    mine[offsets <= 0] = 0
    lengths = np.where(offsets > 0, counts[mine], 0) if len(starts) else np.zeros(len(offsets), np.int64)
    lengths = capped(lengths, len(bulk.table.pctab) + MAX_RECORDS)  # functions share tables, but no big ones
    rows = flat_ranges(first[mine] if len(starts) else 0, lengths)
    return np.repeat(np.arange(len(offsets)), lengths), begin[rows], end[rows], value[rows]


def segments(bulk: BulkTable, funcs: Ints) -> Segments:
    """The segments that cover `funcs`, padding included."""
    records = bulk.records
    sizes = np.minimum(records.ends[funcs] - records.entries[funcs], np.uint64(_MAX_SIZE)).astype(np.int64)
    sizes[records.ends[funcs] < records.entries[funcs]] = 0
    tables = [records.field(funcs, "pcfile"), records.field(funcs, "pcln"), bulk.inline_tables(funcs)[0]]
    keys = [np.flatnonzero(sizes) << 32]
    for offsets in tables:
        owner, _, end, _ = table_rows(bulk, offsets)
        inside = end < sizes[owner]
        keys.append((owner[inside] << 32) + end[inside])
    key = distinct(np.concatenate(keys))
    owner, begin = key >> 32, key & 0xFFFFFFFF
    decoded = bulk.pctab.tables(np.concatenate(tables))
    file, line, record = (decoded.lookup(t[owner], begin).astype(np.int64) for t in tables)
    line[file < 0] = -1
    keep = np.ones(len(key), dtype=np.bool_)
    if len(key):
        keep[1:] = np.diff(owner) != 0
        for column in (file, line, record):
            keep[1:] |= np.diff(column) != 0
    owner, begin, file, line, record = (part[keep] for part in (owner, begin, file, line, record))
    end = np.append(begin[1:], 0)
    final = np.append(np.diff(owner) != 0, True)[: len(owner)]
    end = np.where(final, sizes[owner], end[: len(owner)])
    entry = records.entries[funcs[owner]]
    return Segments(
        funcs[owner], entry + begin.astype(np.uint64), entry + end.astype(np.uint64), file, line, record
    )


class FileIndex:
    """Which functions hold code of which file."""

    def __init__(self, bulk: BulkTable) -> None:
        funcs = np.flatnonzero(bulk.records.present)
        owner, _, _, number = table_rows(bulk, bulk.records.field(funcs, "pcfile"))
        pairs = distinct(owner << 32 | np.maximum(number, -1) + 1)
        self._bulk = bulk
        self._func = funcs[pairs >> 32]
        self._file, self.paths = bulk.file_names(bulk.file_offsets(self._func, (pairs & 0xFFFFFFFF) - 1))

    def lines(self, paths: Collection[str]) -> dict[str, list[int]]:
        """Of each path, the lines that have code, in order."""
        wanted = np.array([number for number, path in enumerate(self.paths) if path in paths], dtype=np.int64)
        found = segments(self._bulk, distinct(self._func[np.isin(self._file, wanted)]))
        found = found.where(found.line >= 0)
        file, names = self._bulk.file_names(self._bulk.file_offsets(found.func, found.file))
        return {
            name: distinct(found.line[file == number]).tolist()
            for number, name in enumerate(names)
            if name in paths
        }


def inline_records(bulk: BulkTable) -> InlineRecords:
    """All records up to the highest that each function uses: they are not counted anywhere."""
    layout = bulk.table.release.inline
    funcs = np.flatnonzero(bulk.records.present)
    index_table, tree = bulk.inline_tables(funcs)
    if layout is None:
        return InlineRecords(*(np.zeros(0, np.int64) for _ in InlineRecords._fields))
    owner, _, _, value = table_rows(bulk, index_table)
    highest = np.full(len(funcs), -1, dtype=np.int64)
    np.maximum.at(highest, owner, value)
    room = np.maximum(bulk.tree_size() - tree, 0) // layout.size
    counts = np.clip(highest + 1, 0, np.minimum(room, MAX_RECORDS))
    counts = capped(counts, bulk.tree_size() // 4 + MAX_RECORDS)  # four times what has room
    record = flat_ranges(0, counts)
    place = np.repeat(tree, counts) + record * layout.size
    word: Callable[[Ints], Ints] = bulk.tree_words
    start_line = word(place + layout.start_line) if layout.start_line >= 0 else np.zeros_like(place)
    return InlineRecords(np.repeat(funcs, counts), record, word(place + layout.name_off), start_line)
