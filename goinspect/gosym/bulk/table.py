"""Many PCs at once: the pure engine's answers (`pclntab`, `pcvalue`, `inline`), computed over whole arrays by numpy.

Only the pc-value tables that the PCs touch are decoded, all of them in one pass. Inline trees of Go 1.9-1.11, which
hold positions of their own, are left to the pure engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from goinspect._ragged import LONGEST, distinct, terminated
from goinspect.errors import GoinspectError
from goinspect.gosym import inline
from goinspect.gosym.bulk.pctables import PcTab
from goinspect.gosym.bulk.records import NONE32, Records, at
from goinspect.model import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from goinspect.gosym.pclntab import Func, PclnTable

__all__ = ["BulkTable", "Frames"]

_SPARE = 1 << 16
_FEW = 2000  # strings
_NO_RECORD = 1 << 31  # above every index of an inline tree
_NOWHERE = 0xFFFFFFFF  # past the end of every table: no position


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames of many PCs, innermost first: PC i has rows ``start[i]:start[i + 1]``, none where no function holds it.

    ``function`` and ``file`` index ``names`` and ``files`` (file -1: unknown); ``line`` and ``start_line`` (where the
    function begins, known since Go 1.20) are 0 where they are unknown. ``wrapper``: the runtime leaves the frame out of
    its tracebacks and profiles (FuncIDWrapper, known since Go 1.11), told with lines.
    """

    start: NDArray[np.int64]
    function: NDArray[np.int32]
    file: NDArray[np.int32]
    line: NDArray[np.int32]
    inlined: NDArray[np.bool_]
    names: list[str]
    files: list[str]
    start_line: NDArray[np.int32]
    wrapper: NDArray[np.bool_]

    def each(self) -> Iterator[tuple[Frame, ...]]:
        """The frames of one PC after the other, innermost first; () where no function holds it."""
        files = [*self.files, None]  # -1: unknown
        columns = self.function.tolist(), self.file.tolist(), self.line.tolist(), self.inlined.tolist()
        frames = [
            Frame(self.names[function], files[file], line if file >= 0 else None, inlined)
            for function, file, line, inlined in zip(*columns, strict=True)
        ]
        return (tuple(frames[first:last]) for first, last in pairwise(self.start.tolist()))


class BulkTable:
    """The arrays behind a PclnTable; made once, answers any number of batches."""

    def __init__(self, table: PclnTable) -> None:
        self.table = table
        self.records = Records(table)
        self.pctab = PcTab(table.pctab, table.quantum)

    @property
    def entries(self) -> NDArray[np.uint64]:
        """Entry vaddr of each function of functab, and the end of the text."""
        return self.records.entries

    def find(self, pcs: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Index of the function that holds each PC, -1 where none does."""
        return self.records.find(pcs)

    # --- inline trees ---

    @cached_property
    def _trees(self) -> tuple[memoryview | None, int]:
        """The bytes that hold the inline trees, and the FUNCDATA value of the first; None where they are out of reach."""
        table = self.table
        if table.release.inline is None:
            return None, 0
        return (table.gofunc, 0) if table.header.layout.entry_size else self._tree_segment()

    def _tree_segment(self) -> tuple[memoryview | None, int]:
        """The memory behind the lowest address that FUNCDATA have for inline trees: all of them lie there."""
        funcs = np.flatnonzero(self.records.present[: self.table.nfunc])
        found = distinct(self.records.funcdata(funcs, self.table.release.funcdata_inline))
        for address in found[found > 0][:16].tolist():  # a damaged one may lead nowhere
            data = self.table.memory_at(address)
            if data is not None and address + len(data) > int(found[len(found) // 2]):
                return data, address
        return None, 0

    def inline_tables(self, funcs: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of each function: offset of its index table (0: none), and where its tree begins for `tree_words`."""
        release = self.table.release
        data, base = self._trees
        if data is None:
            return np.zeros_like(funcs), np.full_like(funcs, -1)
        index_table = self.records.pcdata(funcs, release.pcdata_inline)
        value = self.records.funcdata(funcs, release.funcdata_inline)
        usable = (value >= base) & (index_table > 0)
        return np.where(usable, index_table, 0), np.where(usable, value - base, -1)

    def tree_words(self, byte_offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """4-byte words of the inline trees, which need not be aligned; 0 outside."""
        out = np.zeros(len(byte_offsets), dtype=np.int64)
        for odd, words in enumerate(self._tree_views):
            mine = np.flatnonzero(byte_offsets & 3 == odd)
            if len(mine):
                out[mine] = at(words, byte_offsets[mine] >> 2)
        return out

    def _tree_bytes(self, byte_offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Bytes of the inline trees; 0 outside."""
        data = np.frombuffer(self._trees[0] or b"", dtype=np.uint8)
        return at(data, byte_offsets).astype(np.int64)

    @cached_property
    def _tree_views(self) -> tuple[NDArray[np.uint32], ...]:
        data = self._trees[0] or memoryview(b"")
        parts = (data[odd:] for odd in range(4))
        return tuple(np.frombuffer(part[: len(part) & ~3], dtype=self.records.u32) for part in parts)

    def tree_size(self) -> int:
        """Bytes of the inline trees, at most."""
        return len(self._trees[0] or b"")

    # --- frames ---

    def frames(self, pcs: NDArray[np.uint64], *, inlines: bool = True, lines: bool = True) -> Frames:
        """Frames of each PC, as `inline.expand` gives them; without `lines`, files and lines are left unknown.

        Without `inlines`, each PC has only its physical function, with the PC's own (innermost) file and line.
        """
        layout = self.table.release.inline
        if inlines and layout is not None and layout.parent >= 0:
            return self._one_by_one(pcs, lines=lines)
        found = self.find(pcs)
        pc_index = np.flatnonzero(found >= 0)
        funcs, inverse = np.unique(found[pc_index], return_inverse=True)
        target = (pcs[pc_index] - self.entries[funcs][inverse]).astype(np.int64)
        levels = _Levels()
        if inlines:
            target = self._walk_trees(funcs, inverse, pc_index, target, levels)
        starts = np.zeros_like(funcs)
        if lines and "start_line" in self.table.release.func:
            starts = self.records.field(funcs, "start_line")
        name_off = self.records.field(funcs, "name_off")
        ids = self.records.func_id(funcs)[inverse]
        levels.add(pc_index, inverse, target, name_off[inverse], starts[inverse], ids, inlined=False)
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
        index_table, tree = self.inline_tables(funcs)
        if layout is None or not index_table.any():
            return target
        tables = self.pctab.tables(index_table)
        sizes = (self.records.ends[funcs] - self.entries[funcs]).astype(np.int64)
        target = target.copy()
        active = np.flatnonzero(index_table[inverse] > 0)
        inner = np.full(len(target), _NO_RECORD, dtype=np.int64)  # record of the call within
        for _ in range(inline.MAX_DEPTH):
            if not len(active):
                break
            func = inverse[active]
            record = tables.lookup(index_table[func], target[active]).astype(np.int64)
            active, func, record = (part[record >= 0] for part in (active, func, record))
            place = tree[func] + record * layout.size
            parent = self.tree_words(place + layout.parent_pc)
            reached = inner[active] < _NO_RECORD
            forward = (record < inner[active]) & ~(reached & (parent == target[active]))
            forward &= place + layout.size <= self.tree_size()
            target[active[~forward]] = _NOWHERE  # as in inline.expand: the calls between are not known
            active, func, record, place, parent = (
                part[forward] for part in (active, func, record, place, parent)
            )
            name_off = self.tree_words(place + layout.name_off)
            starts = np.zeros_like(place)
            if layout.start_line >= 0:
                starts = self.tree_words(place + layout.start_line)
            ids = self._tree_bytes(place + layout.func_id) if layout.func_id >= 0 else np.zeros_like(place)
            levels.add(pc_index[active], func, target[active], name_off, starts, ids, inlined=True)
            target[active] = np.where(parent < sizes[func], parent, _NOWHERE)
            inner[active] = record
            active = active[parent < sizes[func]]
        else:
            target[active] = _NOWHERE
        return target

    def _assemble(self, count: int, funcs: NDArray[np.int64], levels: _Levels, *, lines: bool) -> Frames:
        *columns, inlined = levels.joined()
        order = np.argsort(columns[0], kind="stable")  # keeps innermost first within a PC
        pc_index, func, target, name_off, starts, ids = (part[order] for part in columns)
        inlined = inlined[order]
        start = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(np.bincount(pc_index, minlength=count), out=start[1:])
        offsets, function = np.unique(name_off, return_inverse=True)
        names = self.names(offsets)
        if lines:
            file, line, files = self._positions(funcs, func, target)
        else:
            file, line, files = np.full(len(func), -1, np.int32), np.zeros(len(func), np.int32), []
        starts = np.where(starts < 1 << 31, starts, 0) if lines else np.zeros_like(starts)
        known = self.table.release.func_ids
        wrapper = ids == known.index("wrapper") if lines and "wrapper" in known else np.zeros_like(inlined)
        return Frames(
            start,
            function.astype(np.int32),
            file,
            line,
            inlined,
            names,
            files,
            starts.astype(np.int32),
            wrapper,
        )

    # --- text ---

    def names(self, name_offs: NDArray[np.int64]) -> list[str]:
        """Names by their offsets."""
        table = self.table
        return self._texts(max(table.header.funcnametab, 0), name_offs, "?name")

    def are_names(self, name_offs: NDArray[np.int64], names: list[str]) -> NDArray[np.bool_]:
        """Whether each name at an offset is the one given. Of what is not ASCII, or makes no sense, it is not known: False."""
        base = min(max(self.table.header.funcnametab, 0), len(self.table.data))
        data = bytes(self.table.data[base : base + int(name_offs.max(initial=0)) + LONGEST])
        text = data.decode("latin-1")
        inside = np.where(name_offs >= 0, name_offs, len(text))
        count = len(names)
        ends = inside + np.fromiter(map(len, names), np.int64, count)
        ended: NDArray[np.bool_] = np.frombuffer(data + b"\xff", np.uint8).take(ends, mode="clip") == 0
        begun = np.fromiter(map(text.startswith, names, inside.tolist()), np.bool_, count)
        return ended & begun & np.fromiter(map(str.isascii, names), np.bool_, count)

    def _texts(self, base: int, offsets: NDArray[np.int64], what: str) -> list[str]:
        """NUL-terminated strings of the table."""
        if len(offsets) <= _FEW:
            return self._few_texts(base, offsets, what)
        data = self.table.data[min(base, len(self.table.data)) :]
        data = data[: max(int(offsets.max()), 0) + LONGEST]
        # Names of a damaged table may overlap any number of times.
        out, read = terminated(data, offsets, 2 * len(self.table.data) + _SPARE)
        outside = np.flatnonzero((offsets < 0) | (offsets >= len(data))).tolist()
        out += [""] * (len(offsets) - read)
        for row in {*outside, *range(read, len(offsets))}:
            out[row] = f"{what}@{int(offsets[row]):#x}"
        return out

    def _few_texts(self, base: int, offsets: NDArray[np.int64], what: str) -> list[str]:
        """The same one by one: to look for the ends of all strings would take longer."""
        out = list[str]()
        for offset in offsets.tolist():
            try:
                out.append(self.table.string_at(base + offset))
            except GoinspectError:
                out.append(f"{what}@{offset:#x}")
        return out

    # --- positions ---

    def _positions(
        self, funcs: NDArray[np.int64], func: NDArray[np.int64], target: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], list[str]]:
        pcfile, pcln = self.records.field(funcs, "pcfile"), self.records.field(funcs, "pcln")
        tables = self.pctab.tables(np.concatenate((pcfile, pcln)))
        number = tables.lookup(pcfile[func], target).astype(np.int64)
        line = tables.lookup(pcln[func], target)
        offset = np.where(line >= 0, self.file_offsets(funcs[func], number), NONE32)
        file, files = self.file_names(offset)
        return file, np.where(file < 0, 0, line).astype(np.int32), files

    def file_offsets(self, funcs: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the path of file `numbers[i]` of function `funcs[i]` lies in filetab; NONE32 where it is unknown."""
        table, header = self.table, self.table.header
        if header.layout.has_cutab:
            unit = self.records.field(funcs, "cu_offset")
            index = header.cutab + 4 * (unit + numbers)
            known = (numbers >= 0) & (unit != NONE32)
        else:  # numbers count from 1; up to Go 1.7 the last one equals the count
            index = header.filetab + 4 * numbers
            known = (numbers > 0) & (numbers <= header.nfiles)
        known &= index + 4 <= len(table.data)
        words = self._any_words
        return np.where(known, at(words, np.where(known, index >> 2, 0)), NONE32)

    @cached_property
    def _any_words(self) -> NDArray[np.uint32]:
        data = self.table.data
        return np.frombuffer(data[: len(data) & ~3], dtype=self.records.u32)

    def file_names(self, offsets: NDArray[np.int64]) -> tuple[NDArray[np.int32], list[str]]:
        """Offsets in filetab as indices of a list of paths; -1 for NONE32."""
        header = self.table.header
        distinct, index = np.unique(offsets, return_inverse=True)
        known = distinct[distinct != NONE32]
        files = self._texts(header.filetab if header.layout.has_cutab else 0, known, "?file")
        return np.where(offsets == NONE32, -1, index).astype(np.int32), files

    # --- one by one ---

    def _one_by_one(self, pcs: NDArray[np.uint64], *, lines: bool) -> Frames:
        table = self.table
        names: dict[str, int] = {}
        files: dict[str, int] = {}
        start, rows = [0], list[tuple[int, int, int, bool]]()
        for pc in pcs.tolist():
            index = table.find(pc)
            func = table.func(index) if index is not None else None
            for frame in self._expand(func, pc) if func is not None else ():
                known = lines and frame.file is not None
                file = files.setdefault(frame.file or "", len(files)) if known else -1
                line = frame.line or 0 if known else 0
                rows.append((names.setdefault(frame.function, len(names)), file, line, frame.inlined))
            start.append(len(rows))
        columns = np.array(rows, dtype=np.int64).reshape(-1, 4)
        return Frames(
            np.array(start, dtype=np.int64),
            columns[:, 0].astype(np.int32), columns[:, 1].astype(np.int32), columns[:, 2].astype(np.int32),
            columns[:, 3].astype(np.bool_), list(names), list(files), np.zeros(len(columns), np.int32),
            np.zeros(len(columns), np.bool_),
        )  # fmt: skip

    def _expand(self, func: Func, pc: int) -> tuple[Frame, ...]:
        try:
            return inline.expand(self.table, func, pc)
        except GoinspectError:  # a damaged function must not cost the others their names
            (name,) = self.names(np.array([func.name_off], dtype=np.int64))
            return (Frame(name, None, None, inlined=False),)


class _Levels:
    """Rows collected depth by depth: innermost frames of all PCs first, physical functions last."""

    def __init__(self) -> None:
        self._parts: list[tuple[NDArray[np.int64], ...]] = []
        self._inlined: list[NDArray[np.bool_]] = []

    def add(self, *columns: NDArray[np.int64], inlined: bool) -> None:
        self._parts.append(columns)
        self._inlined.append(np.full(len(columns[0]), inlined, dtype=np.bool_))

    def joined(self) -> tuple[NDArray[Any], ...]:
        """PC, function, offset, name, first line, funcID; and which are inlined."""
        return (
            *(np.concatenate(part) for part in zip(*self._parts, strict=True)),
            np.concatenate(self._inlined),
        )
