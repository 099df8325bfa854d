"""What the bytes of gopclntab are spent on: `goinspect pcln BIN --sizes`.

The linker keeps a pc-value table, a name or an inline tree once for all functions that have the same. Each counts for
the first of them, by address, so that the sizes of all functions add up to bytes that are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.analysis.pcln.header import pclntab_info
from goinspect.analysis.pcln.segments import inline_records
from goinspect.gosym.naming.names import package_of
from goinspect.results.functions import SizePart, SizeReport, SizeRow

if TYPE_CHECKING:
    from goinspect.analysis.pcln.segments import Ints
    from goinspect.binary import Binary
    from goinspect.gosym.bulk.table import BulkTable

__all__ = ["list_sizes"]

_TABLES = ("pcsp", "pcfile", "pcln", "pcdata")
_MOST = 64  # PCDATA or FUNCDATA of one function: a damaged record may claim any number


def list_sizes(binary: Binary, *, by_package: bool = False) -> SizeReport:
    """Bytes of each function, or of the functions of each package, largest first; and of each part of the table.

    Raises:
        NotGoError: the binary has no gopclntab.
    """
    sizes = _Sizes(binary.bulk)
    rows = sizes.by_package() if by_package else sizes.by_function()
    warnings = [*binary.warnings, *sizes.warnings]
    return SizeReport(
        binary.path, binary.go.go_version, pclntab_info(binary), tuple(rows), tuple(sizes.parts()),
        len(binary.go.table.data), tuple(warnings),
    )  # fmt: skip


class _Sizes:
    """Columns of bytes, one element per function, and what they add up to in each place."""

    def __init__(self, bulk: BulkTable) -> None:
        self._bulk = bulk
        self._table = bulk.table
        records = bulk.records
        present = np.flatnonzero(records.present)
        sane = (records.field(present, "npcdata") <= _MOST) & (records.nfuncdata(present) <= _MOST)
        self._funcs = present[sane]
        self.warnings: list[str] = []
        if not sane.all():
            self.warnings.append(f"damaged table: {int((~sane).sum())} functions are left out")
        self._tables = self._pc_tables()
        self._names = self._name_bytes()
        self._trees = self._tree_bytes()
        header = self._table.header
        npcdata, nfuncdata = records.field(self._funcs, "npcdata"), records.nfuncdata(self._funcs)
        self._arrays = 4 * npcdata, nfuncdata * (header.layout.entry_size or header.ptrsize)
        self._records = records.sizes(self._funcs)

    # --- columns ---

    def _pc_tables(self) -> dict[str, Ints]:
        records, funcs = self._bulk.records, self._funcs
        most = int(records.field(funcs, "npcdata").max(initial=0))
        kinds = [(i, records.field(funcs, name)) for i, name in enumerate(_TABLES[:3])]
        kinds += [(3, records.pcdata(funcs, number)) for number in range(most)]
        kind = np.repeat(np.array([number for number, _ in kinds]), len(funcs))
        owner = np.tile(np.arange(len(funcs)), len(kinds))
        offset = np.concatenate([offsets for _, offsets in kinds])
        there = (offset > 0) & (offset < len(self._table.pctab))
        kind, owner, offset = kind[there], owner[there], offset[there]
        order = np.lexsort((kind, owner, offset))
        kind, owner, offset = kind[order], owner[order], offset[order]
        first = np.flatnonzero(np.diff(offset, prepend=-1))
        starts, end = offset[first], len(self._table.pctab)
        length = np.minimum(self._bulk.pctab.extents(starts) + 1, np.append(starts[1:], end)) - starts
        out = {}
        for number, name in enumerate(_TABLES):
            mine = kind[first] == number
            out[name] = _summed(owner[first][mine], length[mine], len(funcs))
        return out

    def _name_bytes(self) -> Ints:
        header = self._table.header
        base = max(header.funcnametab, 0)
        text = np.frombuffer(
            self._table.data[base : header.cutab if header.layout.has_cutab else None], np.uint8
        )
        zeros = np.append(np.flatnonzero(text == 0), len(text))
        offsets, first = np.unique(self._bulk.records.field(self._funcs, "name_off"), return_index=True)
        ends = zeros[np.minimum(np.searchsorted(zeros, offsets), len(zeros) - 1)] + 1
        following = np.append(offsets[1:], len(text))
        length = np.maximum(np.minimum(ends, following) - offsets, 0)
        return _summed(first, length, len(self._funcs))

    def _tree_bytes(self) -> Ints:
        """Bytes of inline trees, wherever they lie."""
        layout = self._table.release.inline
        if layout is None:
            return np.zeros(len(self._funcs), dtype=np.int64)
        _, tree = self._bulk.inline_tables(self._funcs)
        records = inline_records(self._bulk)
        counts = np.bincount(records.func, minlength=len(self._bulk.records.present))[self._funcs]
        has = np.flatnonzero((tree >= 0) & (counts > 0))
        starts, first = np.unique(tree[has], return_index=True)
        length = np.minimum(
            counts[has][first] * layout.size, np.append(starts[1:], self._bulk.tree_size()) - starts
        )
        return _summed(has[first], length, len(self._funcs))

    # --- answers ---

    def _columns(self) -> list[Ints]:
        pcdata, funcdata = self._arrays
        inside = self._trees if self._table.release.gofunc_follows_functab else 0
        columns = [
            self._records - pcdata - funcdata, self._tables["pcsp"], self._tables["pcfile"], self._tables["pcln"],
            self._tables["pcdata"] + pcdata, funcdata + inside, self._names,
        ]  # fmt: skip
        return [*columns, np.sum(columns, axis=0)]

    def _name_list(self) -> list[str]:
        offsets, index = np.unique(self._bulk.records.field(self._funcs, "name_off"), return_inverse=True)
        names = self._bulk.names(offsets)
        return [names[number] for number in index.tolist()]

    def by_function(self) -> list[SizeRow]:
        """A row per function."""
        columns = self._columns()
        order = np.argsort(-columns[-1], kind="stable")
        names = self._name_list()
        entries = self._bulk.records.entries[self._funcs][order].tolist()
        values = zip(*(column[order].tolist() for column in columns), strict=True)
        return [
            SizeRow(names[number], entry, 1, *row)
            for number, entry, row in zip(order.tolist(), entries, values, strict=True)
        ]

    def by_package(self) -> list[SizeRow]:
        """A row per package; "" is what has none."""
        numbers: dict[str, int] = {}
        index = np.array(
            [numbers.setdefault(package_of(name), len(numbers)) for name in self._name_list()], dtype=np.int64
        )
        sums = [_summed(index, column, len(numbers)).tolist() for column in self._columns()]
        counts = np.bincount(index, minlength=len(numbers)).tolist()
        rows = [
            SizeRow(name, None, *row)
            for name, row in zip(numbers, zip(counts, *sums, strict=True), strict=True)
        ]
        return sorted(rows, key=lambda row: (-row.total, row.name))

    def parts(self) -> list[SizePart]:
        """Parts in the order in which they lie in the table; what no function has is told apart."""
        header = self._table.header
        held = {name: int(column.sum()) for name, column in self._tables.items()}
        held |= {"names": int(self._names.sum()), "records": int(self._records.sum())}
        if not header.layout.has_cutab:
            return self._mixed_parts(held)
        functab_end = header.functab + header.functab_size
        records_end = self._table.records_end()
        behind = len(self._table.data) - records_end
        parts = [
            SizePart("header", header.funcnametab, 0),
            SizePart("names", header.cutab - header.funcnametab, held["names"]),
            SizePart("cutab", header.filetab - header.cutab, 0),
            SizePart("filetab", header.pctab - header.filetab, 0),
            *(SizePart(name, held[name], held[name]) for name in _TABLES),
            SizePart("pctab, other", header.functab - header.pctab - sum(held[name] for name in _TABLES), 0),
            SizePart("functab", header.functab_size, 0),
            SizePart("records", records_end - functab_end, held["records"]),
        ]
        if self._table.release.gofunc_follows_functab:
            trees = int(self._trees.sum())
            parts += [
                SizePart("inline trees", trees, trees),
                SizePart("go:func.*, findfunctab, other", behind - trees, 0),
            ]
        elif behind:
            parts.append(SizePart("behind the records", behind, 0))
        return parts

    def _mixed_parts(self, held: dict[str, int]) -> list[SizePart]:
        """Go 1.2-1.15: names, tables and records lie one among the other."""
        header = self._table.header
        known = [
            SizePart("header", header.functab, 0),
            SizePart("functab", header.functab_size + 4, 0),
            *(SizePart(name, size, size) for name, size in held.items()),
            SizePart("filetab", 4 * header.nfiles, 0),
        ]
        other = len(self._table.data) - sum(part.bytes for part in known)
        return [*known, SizePart("file names, padding and other", other, 0)]


def _summed(owner: Ints, values: Ints, count: int) -> Ints:
    out = np.zeros(count, dtype=np.int64)
    np.add.at(out, owner, values)
    return out
