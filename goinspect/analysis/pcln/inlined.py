"""Inlined functions: where one of them is, and those that exist only so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import distinct
from goinspect.analysis.pcln.segments import inline_records, segments, table_rows
from goinspect.results.functions import InlinedRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goinspect.analysis.pcln.segments import InlineRecords, Ints, Segments
    from goinspect.gosym.bulk.table import BulkTable

__all__ = ["inlined_only", "ranges_of"]


def ranges_of(bulk: BulkTable, name_offs: list[int]) -> Segments | None:
    """Where a function whose name is at one of these offsets is inlined; None where no tree names it."""
    records = inline_records(bulk)
    used = np.isin(records.name_off, np.array(name_offs, dtype=np.int64))
    if not used.any():
        return None
    names = set(bulk.names(distinct(records.name_off[used])))
    found = segments(bulk, distinct(records.func[used]))
    found = found.where(found.record >= 0)
    frames = bulk.frames(found.start)
    wanted = np.array([name in names for name in frames.names], dtype=np.bool_)
    row = np.repeat(np.arange(len(found.start)), np.diff(frames.start))
    keep = np.zeros(len(found.start), dtype=np.bool_)
    keep[row[wanted[frames.function] & frames.inlined]] = True
    return found.where(keep)


def inlined_only(bulk: BulkTable) -> Iterable[InlinedRow]:
    """Functions that inline trees name and that have no entry of their own, by name."""
    records = inline_records(bulk)
    if not len(records.func):
        return
    funcs = np.flatnonzero(bulk.records.present)
    own_offs, own_index = np.unique(bulk.records.field(funcs, "name_off"), return_inverse=True)
    own_names = bulk.names(own_offs)
    offsets, at_offset = np.unique(records.name_off, return_inverse=True)
    names: dict[str, int] = {}
    number = np.array([names.setdefault(name, len(names)) for name in bulk.names(offsets)], dtype=np.int64)
    index = number[at_offset]
    sites = np.bincount(index, minlength=len(names)).tolist()
    start_line = np.zeros(len(names), dtype=np.int64)
    np.maximum.at(start_line, index, np.where(records.start_line < 1 << 31, records.start_line, 0))
    ranges, size = _extents(bulk, funcs, records, index)
    order = np.argsort(index, kind="stable")
    first = np.searchsorted(index[order], np.arange(len(names) + 1)).tolist()
    name_of = np.zeros(len(bulk.records.present), dtype=np.int64)
    name_of[funcs] = own_index
    holder = name_of[records.func[order]]
    for name in sorted(names.keys() - own_names):
        i = names[name]
        functions = dict.fromkeys(own_names[other] for other in holder[first[i] : first[i + 1]].tolist())
        yield InlinedRow(name, int(start_line[i]) or None, sites[i], ranges[i], size[i], tuple(functions))


def _extents(
    bulk: BulkTable, funcs: Ints, records: InlineRecords, index: Ints
) -> tuple[list[int], list[int]]:
    """Of each name: ranges of PCs of its own, and the bytes in them."""
    count = int(index.max(initial=-1)) + 1
    owner, begin, end, value = table_rows(bulk, bulk.inline_tables(funcs)[0])
    sizes = np.maximum((bulk.records.ends[funcs] - bulk.records.entries[funcs]).astype(np.int64), 0)
    length = np.clip(end, 0, sizes[owner]) - np.clip(begin, 0, sizes[owner])
    keys, wanted = (records.func << 32) + records.record, (funcs[owner] << 32) + value
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    mine = (value >= 0) & (length > 0)
    mine[mine] = keys[at[mine]] == wanted[mine]
    names = index[at[mine]]
    size = np.zeros(count, dtype=np.int64)
    np.add.at(size, names, length[mine])
    return np.bincount(names, minlength=count).tolist(), size.tolist()
