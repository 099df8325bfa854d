"""Many PCs at once: the pure engine's answers (`pclntab`, `pcvalue`, `inline`), computed over whole arrays by numpy.

Only the pc-value tables that the PCs touch are decoded, all of them in one pass: the bytes of a table end at its
first zero byte behind the first pair, so tables can be cut out without decoding them, and varints can be decoded
wherever they start. A table in which this does not hold (a zero that is not the end) is decoded by `pcvalue`.

Layouts before Go 1.18 keep addresses in their records; they are answered by the pure engine, one PC at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from goinspect._ragged import flat_ranges
from goinspect.errors import GoinspectError
from goinspect.gosym import inline, pcvalue
from goinspect.model import Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.gosym.pclntab import Func, PclnTable

__all__ = ["BulkTable", "Frames"]

_NO_CU = 0xFFFFFFFF
_NO_RECORD = 1 << 31  # above every index of an inline tree
_NOWHERE = 0xFFFFFFFF  # past the end of every table: no position


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames of many PCs, innermost first: PC i has rows ``start[i]:start[i + 1]``, none where no function holds it.

    ``function`` and ``file`` index ``names`` and ``files`` (file -1: unknown); ``line`` is 0 where it is unknown.
    """

    start: NDArray[np.int64]
    function: NDArray[np.int32]
    file: NDArray[np.int32]
    line: NDArray[np.int32]
    inlined: NDArray[np.bool_]
    names: list[str]
    files: list[str]


class _Tables:
    """Decoded pc-value tables: of each, rows (end, value) with ends from the function's entry."""

    def __init__(
        self, pctab: NDArray[np.uint8], offsets: NDArray[np.int64], quantum: int, raw: memoryview
    ) -> None:
        self._starts = np.unique(offsets[offsets > 0])
        table, end, value = _decode(pctab, self._starts, quantum, raw)
        self._keys = (table << 32) + end
        self._values = value

    def lookup(self, offsets: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.int32]:
        """The value of table `offsets[i]` at `targets[i]`; -1 without a table or past its end."""
        if not len(self._keys):
            return np.full(len(offsets), pcvalue.NO_VALUE, dtype=np.int32)
        table = np.searchsorted(self._starts, offsets)
        row = np.searchsorted(self._keys, (table << 32) + targets, side="right")
        safe = np.minimum(row, len(self._keys) - 1)
        known = (offsets > 0) & (row < len(self._keys)) & (self._keys[safe] >> 32 == table)
        return np.where(known, self._values[safe], np.int32(pcvalue.NO_VALUE))


def _decode(
    pctab: NDArray[np.uint8], starts: NDArray[np.int64], quantum: int, raw: memoryview
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """(table number, end, value) of every row of the tables at `starts`, in order."""
    size = len(pctab)
    starts = np.minimum(starts, size)
    if (
        len(starts) * 64 < size
    ):  # few tables: look for each one's end, else note every zero of the region once
        ends = np.array([_find_zero(raw, int(s) + 1) for s in starts], dtype=np.int64)
    else:
        zeros = np.flatnonzero(pctab == 0)
        ends = np.append(zeros, size)[np.searchsorted(zeros, starts + 1)]
    lengths = np.maximum(ends - starts, 0)
    table_at = np.repeat(np.arange(len(starts)), lengths)
    first = np.cumsum(lengths) - lengths
    data = pctab[flat_ranges(starts, lengths)]
    last = data < 0x80  # last byte of each varint
    tails = (first + lengths - 1)[lengths > 0]
    dangling = table_at[
        tails[~last[tails]]
    ]  # the zero behind belongs to a number that is longer than it need be
    last[tails] = True  # a damaged table must not run on into the next
    number_table = table_at[last]
    numbers, sizes = _varints(data, last)
    counts = np.bincount(number_table, minlength=len(starts))
    bad = _unusual(number_table, sizes, numbers, counts, ends, size)
    bad[dangling] = True
    keep = ~bad[number_table]
    number_table, numbers = number_table[keep], numbers[keep]
    rows_table = number_table[::2]
    deltas, pcs = numbers[::2], numbers[1::2] * quantum
    steps = np.where(deltas & 1, -((deltas + 1) >> 1), deltas >> 1)
    value = (_restarting_sum(steps, rows_table) - 1).astype(np.int32)
    end = _restarting_sum(pcs, rows_table)
    return _with_slow(rows_table, end, value, np.flatnonzero(bad), starts, raw, quantum)


def _find_zero(raw: memoryview, start: int) -> int:
    step = 64
    while start < len(raw):
        at = bytes(raw[start : start + step]).find(0)
        if at >= 0:
            return start + at
        start, step = start + step, step * 4
    return len(raw)


def _varints(data: NDArray[np.uint8], last: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The unsigned LEB128 numbers that end where `last` is set, and their sizes in bytes."""
    ends = np.flatnonzero(last)
    sizes = np.diff(ends, prepend=-1)
    numbers = data[ends].astype(np.int64)
    for back in range(1, 5):  # all but one in a hundred numbers are a single byte
        longer = np.flatnonzero(sizes > back)
        if not len(longer):
            break
        numbers[longer] = (numbers[longer] << 7) | (data[ends[longer] - back] & 0x7F)
    return numbers, sizes


def _unusual(
    number_table: NDArray[np.int64],
    sizes: NDArray[np.int64],
    numbers: NDArray[np.int64],
    counts: NDArray[np.int64],
    ends: NDArray[np.int64],
    size: int,
) -> NDArray[np.bool_]:
    """Tables that the quick cut does not fit: odd number of varints, long ones, huge sums, or no end."""
    bad: NDArray[np.bool_] = (counts % 2 == 1) | (counts == 0) | (ends >= size)
    strange = (sizes > 4) | (numbers >= 1 << 27)
    bad[number_table[strange]] = True
    return bad


def _restarting_sum(steps: NDArray[np.int64], group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Running sums that start anew with each group; groups are contiguous."""
    total = np.cumsum(steps)
    if not len(total):
        return total
    begins = np.flatnonzero(np.diff(group, prepend=-1))
    before = total[begins] - steps[begins]
    return total - np.repeat(before, np.diff(np.append(begins, len(group))))


def _with_slow(
    table: NDArray[np.int64],
    end: NDArray[np.int64],
    value: NDArray[np.int32],
    slow: NDArray[np.int64],
    starts: NDArray[np.int64],
    raw: memoryview,
    quantum: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Add the tables that only the pure engine can decode."""
    extra: list[tuple[int, int, int]] = []
    for number in slow.tolist():
        try:
            extra += [(number, *row) for row in pcvalue.rows(raw, int(starts[number]), quantum)]
        except GoinspectError:
            continue  # a table that runs out of its data has no values
    if not extra:
        return table, end, value
    more = np.array(extra, dtype=np.int64)
    table, end = np.append(table, more[:, 0]), np.append(end, more[:, 1])
    order = np.lexsort((end, table))
    return table[order], end[order], np.append(value, more[:, 2].astype(np.int32))[order]


class BulkTable:
    """The arrays behind a PclnTable; made once, answers any number of batches."""

    def __init__(self, table: PclnTable) -> None:
        self.table = table
        header = table.header
        mark = "<" if header.byteorder == "little" else ">"
        self._u32 = np.dtype(mark + "u4")
        functab = np.frombuffer(
            table.data, dtype=f"{mark}u{header.field_size}", count=2 * header.nfunc + 1, offset=header.functab
        )
        base = np.uint64(table.text if header.layout.entry_size else 0)
        self.entries: NDArray[np.uint64] = functab[::2].astype(np.uint64) + base  # nfunc + 1 of them
        self._records = functab[1::2].astype(np.int64)
        self._vectorised = bool(header.layout.entry_size)
        if self._vectorised:
            self._prepare()

    def _prepare(self) -> None:
        table, header = self.table, self.table.header
        self._words = {name: i for i, name in enumerate(table.release.func)}
        region = table.data[header.functab : header.functab + (len(table.data) - header.functab & ~3)]
        self._funcs = np.frombuffer(region, dtype=self._u32)
        self._func_bytes = np.frombuffer(region, dtype=np.uint8)
        self._pctab = np.frombuffer(table.pctab, dtype=np.uint8)
        self._cutab = np.frombuffer(
            table.data[header.cutab : header.cutab + (header.filetab - header.cutab & ~3)], dtype=self._u32
        )
        gofunc = table.gofunc if table.gofunc is not None else memoryview(b"")
        self._gofunc = np.frombuffer(gofunc[: len(gofunc) & ~3], dtype=self._u32)

    def find(self, pcs: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Index of the function that holds each PC, -1 where none does."""
        index = np.searchsorted(self.entries, pcs, side="right") - 1
        return np.where(index < self.table.nfunc, index, -1)

    def _word(self, funcs: NDArray[np.int64], name: str) -> NDArray[np.int64]:
        """A 4-byte field of ``_func`` for each function; 0 where the record lies outside the table."""
        return self._at(self._funcs, (self._records[funcs] >> 2) + 1 + self._words[name])

    @staticmethod
    def _at(array: NDArray[Any], index: NDArray[np.int64]) -> NDArray[np.int64]:
        inside = (index >= 0) & (index < len(array))
        return (
            np.where(inside, array[np.where(inside, index, 0)], 0).astype(np.int64)
            if len(array)
            else index * 0
        )

    def _tail(self, funcs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Index (in words of the functab region) of the pcdata array."""
        return (self._records[funcs] >> 2) + 1 + len(self._words)

    def _inline_tables(self, funcs: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of each function: offset of its index table (0: none) and the place of its tree in gofunc (-1: none)."""
        release = self.table.release
        npcdata = self._word(funcs, "npcdata")
        ids = ((self._records[funcs] >> 2) + 1 + self._words["ids"]) * 4 + 3
        nfuncdata = self._at(self._func_bytes, ids)
        tail = self._tail(funcs)
        pcdata, funcdata = release.pcdata_inline, release.funcdata_inline
        index_table = np.where(npcdata > pcdata, self._at(self._funcs, tail + pcdata), 0)
        tree = np.where(nfuncdata > funcdata, self._at(self._funcs, tail + npcdata + funcdata), _NO_CU)
        usable = (tree != _NO_CU) & (tree % 4 == 0) & (index_table > 0) & (self.table.gofunc is not None)
        return np.where(usable, index_table, 0), np.where(usable, tree, -1)

    def frames(self, pcs: NDArray[np.uint64], *, inlines: bool = True, lines: bool = True) -> Frames:
        """Frames of each PC, as `inline.expand` gives them; without `lines`, files and lines are left unknown.

        Without `inlines`, each PC has only its physical function, with the PC's own (innermost) file and line.
        """
        if not self._vectorised:
            return self._one_by_one(pcs, inlines=inlines, lines=lines)
        found = self.find(pcs)
        pc_index = np.flatnonzero(found >= 0)
        funcs, inverse = np.unique(found[pc_index], return_inverse=True)
        target = (pcs[pc_index] - self.entries[funcs][inverse]).astype(np.int64)
        levels = _Levels()
        if inlines:
            target = self._walk_trees(funcs, inverse, pc_index, target, levels)
        levels.add(pc_index, inverse, target, self._word(funcs, "name_off")[inverse], inlined=False)
        return self._assemble(len(pcs), funcs, levels, lines=lines)

    def _walk_trees(
        self,
        funcs: NDArray[np.int64],
        inverse: NDArray[np.int64],
        pc_index: NDArray[np.int64],
        target: NDArray[np.int64],
        levels: _Levels,
    ) -> NDArray[np.int64]:
        """Add one level per depth of inlining; returns where the physical function stands for each PC."""
        layout = self.table.release.inline
        index_table, tree = self._inline_tables(funcs)
        if layout is None or not index_table.any():
            return target
        tables = _Tables(self._pctab, index_table, self.table.quantum, self.table.pctab)
        sizes = (self.entries[funcs + 1] - self.entries[funcs]).astype(np.int64)
        target = target.copy()
        active = np.flatnonzero(index_table[inverse] > 0)
        inner = np.full(len(target), _NO_RECORD, dtype=np.int64)  # record of the call within
        while len(active):
            func = inverse[active]
            record = tables.lookup(index_table[func], target[active]).astype(np.int64)
            active, func, record = (part[record >= 0] for part in (active, func, record))
            word = (tree[func] + record * layout.size) >> 2
            parent = self._at(self._gofunc, word + (layout.parent_pc >> 2))
            reached = inner[active] < _NO_RECORD
            forward = (record < inner[active]) & ~(reached & (parent == target[active]))
            target[active[~forward]] = _NOWHERE  # as in inline.expand: the calls between are not known
            active, func, record, word, parent = (
                part[forward] for part in (active, func, record, word, parent)
            )
            name_off = self._at(self._gofunc, word + (layout.name_off >> 2))
            levels.add(pc_index[active], func, target[active], name_off, inlined=True)
            target[active] = np.where(parent < sizes[func], parent, _NOWHERE)
            inner[active] = record
            active = active[parent < sizes[func]]
        return target

    def _assemble(self, count: int, funcs: NDArray[np.int64], levels: _Levels, *, lines: bool) -> Frames:
        pc_index, func, target, name_off, inlined = levels.joined()
        order = np.argsort(pc_index, kind="stable")  # keeps innermost first within a PC
        pc_index, func, target, name_off = (part[order] for part in (pc_index, func, target, name_off))
        inlined = inlined[order]
        start = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(np.bincount(pc_index, minlength=count), out=start[1:])
        offsets, function = np.unique(name_off, return_inverse=True)
        names = [self._name(offset) for offset in offsets.tolist()]
        if lines:
            file, line, files = self._positions(funcs, func, target)
        else:
            file, line, files = np.full(len(func), -1, np.int32), np.zeros(len(func), np.int32), []
        return Frames(start, function.astype(np.int32), file, line, inlined, names, files)

    def _name(self, name_off: int) -> str:
        try:
            return self.table.name_at(name_off)
        except GoinspectError:
            return f"?name@{name_off:#x}"

    def _positions(
        self, funcs: NDArray[np.int64], func: NDArray[np.int64], target: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], list[str]]:
        pcfile, pcln = self._word(funcs, "pcfile"), self._word(funcs, "pcln")
        cu = self._word(funcs, "cu_offset")
        tables = _Tables(self._pctab, np.concatenate((pcfile, pcln)), self.table.quantum, self.table.pctab)
        number = tables.lookup(pcfile[func], target).astype(np.int64)
        line = tables.lookup(pcln[func], target)
        unit = cu[func]
        known = (number >= 0) & (line >= 0) & (unit != _NO_CU) & (unit + number < len(self._cutab))
        offset = np.where(known, self._at(self._cutab, unit + number), _NO_CU)
        offsets, file = np.unique(offset, return_inverse=True)
        files = [self._file(at) for at in offsets.tolist() if at != _NO_CU]
        missing = offset == _NO_CU
        return (
            np.where(missing, -1, file).astype(np.int32),
            np.where(missing, 0, line).astype(np.int32),
            files,
        )

    def _file(self, offset: int) -> str:
        header = self.table.header
        try:
            return self.table.string_at(header.filetab + offset)
        except GoinspectError:
            return f"?file@{offset:#x}"

    def _one_by_one(self, pcs: NDArray[np.uint64], *, inlines: bool, lines: bool) -> Frames:
        table = self.table
        names: dict[str, int] = {}
        files: dict[str, int] = {}
        start, rows = [0], list[tuple[int, int, int, bool]]()
        for pc in pcs.tolist():
            index = table.find(pc)
            func = table.func(index) if index is not None else None
            frames: tuple[Frame, ...] = ()
            if func is not None:
                frames = self._frames_at(func, pc, inlines=inlines)
            for frame in frames:
                known = lines and frame.file is not None
                file = files.setdefault(frame.file or "", len(files)) if known else -1
                line = frame.line or 0 if known else 0
                rows.append((names.setdefault(frame.function, len(names)), file, line, frame.inlined))
            start.append(len(rows))
        columns = np.array(rows, dtype=np.int64).reshape(-1, 4)
        return Frames(
            np.array(start, dtype=np.int64),
            columns[:, 0].astype(np.int32), columns[:, 1].astype(np.int32), columns[:, 2].astype(np.int32),
            columns[:, 3].astype(np.bool_), list(names), list(files),
        )  # fmt: skip

    def _frames_at(self, func: Func, pc: int, *, inlines: bool) -> tuple[Frame, ...]:
        table = self.table
        try:
            return inline.expand(table, func, pc) if inlines else inline.physical(table, func, pc)
        except GoinspectError:  # a damaged function must not cost the others their names
            return (Frame(self._name(func.name_off), None, None, inlined=False),)


class _Levels:
    """Rows collected depth by depth: innermost frames of all PCs first, physical functions last."""

    def __init__(self) -> None:
        self._parts: list[tuple[NDArray[np.int64], ...]] = []
        self._inlined: list[NDArray[np.bool_]] = []

    def add(self, *columns: NDArray[np.int64], inlined: bool) -> None:
        self._parts.append(columns)
        self._inlined.append(np.full(len(columns[0]), inlined, dtype=np.bool_))

    def joined(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        pc_index, func, target, name_off = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        return pc_index, func, target, name_off, np.concatenate(self._inlined)
