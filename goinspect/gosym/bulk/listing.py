"""All functions of a table as columns: for listings of a hundred thousand functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import capped, flat_ranges
from goinspect.gosym import inline
from goinspect.gosym.bulk.records import NONE32
from goinspect.gosym.layout import ARGS_UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.gosym.bulk.table import BulkTable

__all__ = ["Functions", "entry_places", "list_functions"]


@dataclass(frozen=True, slots=True)
class Functions:
    """All functions of a table in address order, holes left out; every array has one element per function."""

    index: NDArray[np.int64]  # number in functab
    entry: NDArray[np.uint64]
    end: NDArray[np.uint64]  # padding included
    name: list[str]
    file: NDArray[np.int32]  # of the entry, outside of inlined calls: into files; -1: unknown
    files: list[str]
    start_line: NDArray[np.int32]  # 0: unknown
    frame_size: NDArray[np.int64]  # bytes that SP moves down at most; -1: unknown
    args: NDArray[np.int64]  # bytes; -1: unknown
    deferreturn: NDArray[np.int64]  # offset from the entry; 0: none
    func_id: NDArray[np.uint8]
    flag: NDArray[np.uint8]
    inline_start: NDArray[np.int64]  # one more: function i has inlined[inline_start[i]:inline_start[i + 1]]
    inlined: NDArray[np.int32]  # into inlined_names, in the order of the tree, each once
    inlined_names: list[str]


def list_functions(bulk: BulkTable) -> Functions:
    """Decode the list."""
    records, table = bulk.records, bulk.table
    funcs = np.flatnonzero(records.present)
    release = table.release
    name_offs, name_index = np.unique(records.field(funcs, "name_off"), return_inverse=True)
    names = bulk.names(name_offs)
    args = records.field(funcs, "args")
    starts = records.field(funcs, "start_line") if "start_line" in release.func else np.zeros_like(funcs)
    file, files, _ = entry_places(bulk, funcs)
    inline_start, inlined, inlined_names = _inlined(bulk, funcs)
    return Functions(
        index=funcs,
        entry=records.entries[funcs],
        end=records.ends[funcs],
        name=[names[number] for number in name_index.tolist()],
        file=file,
        files=files,
        start_line=starts.astype(np.int32),
        frame_size=_largest(bulk, records.field(funcs, "pcsp")),
        args=np.where(args == ARGS_UNKNOWN, -1, args),
        deferreturn=records.field(funcs, "deferreturn")
        if "deferreturn" in release.func
        else np.zeros_like(funcs),
        func_id=records.func_id(funcs).astype(np.uint8),
        flag=records.flag(funcs).astype(np.uint8),
        inline_start=inline_start,
        inlined=inlined,
        inlined_names=inlined_names,
    )


def _largest(bulk: BulkTable, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The largest value of each pc-value table; -1 without a table."""
    starts, index = np.unique(offsets, return_inverse=True)
    first = int(np.searchsorted(starts, 1))
    out = np.full(len(starts), -1, dtype=np.int64)
    for rows in bulk.pctab.pieces(starts[first:]):
        if len(rows.table):
            begins = np.flatnonzero(np.diff(rows.table, prepend=-1))
            out[rows.table[begins] + first] = np.maximum.reduceat(rows.value, begins)
    return out[index]


def entry_places(
    bulk: BulkTable, funcs: NDArray[np.int64]
) -> tuple[NDArray[np.int32], list[str], NDArray[np.int32]]:
    """Where each function itself begins: (number of the file or -1, files, line or 0).

    The line is that of the ``func`` keyword where the table has it (Go 1.20+), else that of the first instruction.
    """
    records, release = bulk.records, bulk.table.release
    numbers = bulk.pctab.first_values(records.field(funcs, "pcfile"))
    lines = bulk.pctab.first_values(records.field(funcs, "pcln"))
    offsets = bulk.file_offsets(funcs, numbers)
    offsets[records.field(funcs, "pcln") == 0] = NONE32
    index_table, _ = bulk.inline_tables(funcs)
    odd = np.flatnonzero(bulk.pctab.first_values(index_table) >= 0)  # begins with an inlined call
    file, files = bulk.file_names(offsets)
    # Where the call stands is for the frames to say.
    if len(odd):
        found = bulk.frames(records.entries[funcs[odd]])
        last = found.start[1:] - 1
        known = {path: number for number, path in enumerate(files)}
        paths = [known.setdefault(path, len(known)) for path in found.files]
        file[odd] = [paths[number] if number >= 0 else -1 for number in found.file[last].tolist()]
        lines[odd] = found.line[last]
        files = list(known)
    if "start_line" in release.func:
        starts = records.field(funcs, "start_line")
        lines = np.where(starts > 0, starts, lines)
    return file, files, np.where(file >= 0, np.maximum(lines, 0), 0).astype(np.int32)


def _inlined(
    bulk: BulkTable, funcs: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32], list[str]]:
    """Names of the functions inlined into each function: (start, index of names, names)."""
    layout = bulk.table.release.inline
    index_table, tree = bulk.inline_tables(funcs)
    has = np.flatnonzero(index_table > 0)
    counts = np.zeros(len(funcs), dtype=np.int64)
    empty = np.zeros(len(funcs) + 1, dtype=np.int64), np.zeros(0, dtype=np.int32), list[str]()
    if layout is None or not len(has):
        return empty
    # Records are not counted anywhere: those up to the highest index in use are there.
    records = _largest(bulk, index_table[has]) + 1
    room = np.maximum(bulk.tree_size() - tree[has], 0) // layout.size
    records = np.clip(records, 0, np.minimum(room, inline.MAX_RECORDS))
    records = capped(records, bulk.tree_size() // 4 + inline.MAX_RECORDS)  # four times what has room
    owner = np.repeat(has, records)
    place = np.repeat(tree[has], records) + flat_ranges(0, records) * layout.size
    name_offs, names = np.unique(bulk.tree_words(place + layout.name_off), return_inverse=True)
    keys = owner * len(name_offs) + names
    _, first = np.unique(keys, return_index=True)
    first.sort()
    counts += np.bincount(owner[first], minlength=len(funcs))
    start = np.zeros(len(funcs) + 1, dtype=np.int64)
    np.cumsum(counts, out=start[1:])
    return start, names[first].astype(np.int32), bulk.names(name_offs)
