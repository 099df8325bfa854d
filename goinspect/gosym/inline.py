"""Inline trees: which calls were inlined at a PC, innermost first.

A function with inlined calls has a PCDATA table (pc -> index of a tree record, -1 outside inlined code) and a FUNCDATA
array of records. Since Go 1.12 a record names a *parent pc*: an instruction of the physical function whose own
position is the place of the call, so that one expands by looking that pc up in turn. Go 1.9-1.11 kept file and line
of the call in the record. Source: ``inlineUnwinder`` in src/runtime/symtabinl.go; before 1.21 symtab.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._reader import Reader
from goinspect.errors import GoinspectError, MalformedError
from goinspect.gosym import pcvalue
from goinspect.gosym.layout import sample
from goinspect.model import Frame

if TYPE_CHECKING:
    from goinspect._reader import ByteOrder
    from goinspect.gosym.layout import InlineLayout
    from goinspect.gosym.pclntab import Func, PclnTable

__all__ = ["MAX_DEPTH", "MAX_RECORDS", "expand", "inlined_names", "physical", "trees_are_sound"]

_NO_RECORD = 1 << 31  # above every index
MAX_DEPTH = 1000  # calls inlined into each other; the compiler's budget allows some dozens
MAX_RECORDS = 1 << 16  # of one tree: PCDATA of a damaged table may claim any index
_LOOKED_AT = 256


class _Tree:
    """The records of one function's inline tree."""

    def __init__(self, layout: InlineLayout, records: memoryview, byteorder: ByteOrder) -> None:
        self.layout = layout
        self._reader = Reader(records, byteorder, what="inline tree")

    def _field(self, index: int, at: int) -> int:
        return self._reader.i32(index * self.layout.size + at)

    def name_off(self, index: int) -> int:
        return self._field(index, self.layout.name_off)

    def is_sound(self, index: int, size: int, known_ids: int) -> bool:
        """Whether a record could be one: of a function of `size` bytes, by a release with so many funcIDs."""
        layout = self.layout
        if layout.parent_pc < 0:
            return self._field(index, layout.parent) < index
        start = index * layout.size + layout.func_id
        pad = self._reader.view(start + 1, 3 if layout.func_id == 0 else 1)
        start_line = self._field(index, layout.start_line) if layout.start_line >= 0 else 0
        return (
            self._reader.u8(start) < known_ids
            and not any(pad)
            and 0 <= self.parent_pc(index) < max(size, 1)
            and start_line >= 0
        )

    def parent_pc(self, index: int) -> int:
        return self._field(index, self.layout.parent_pc)

    def call(self, index: int) -> tuple[int, int, int]:
        """(parent index, file number, line) of the call: Go 1.9-1.11."""
        layout = self.layout
        parent, file, line = layout.parent, layout.call_file, layout.call_line
        return self._field(index, parent), self._field(index, file), self._field(index, line)


def _tree(table: PclnTable, func: Func) -> tuple[_Tree, int] | None:
    """The tree of `func` and the offset of its index table, if the function has one and FUNCDATA can be reached."""
    release = table.release
    index_table = table.pcdata_offset(func, release.pcdata_inline)
    if release.inline is None or not index_table:
        return None
    records = table.funcdata_view(func, release.funcdata_inline)
    return None if records is None else (_Tree(release.inline, records, table.header.byteorder), index_table)


def expand(table: PclnTable, func: Func, pc: int) -> tuple[Frame, ...]:
    """The logical frames at `pc`, innermost first; the last one is `func` itself.

    A record's callers come before it in the tree. Where a parent pc does not lead to one of them, nor out of all
    inlined calls, the calls between are not known: the function itself then stands without a position.

    Raises:
        MalformedError: a tree of Go 1.9-1.11 leads in a circle.
        TruncatedError: the tree or a pc-value table runs past the end of its data.
    """
    found = _tree(table, func)
    if found is None:
        return physical(table, func, pc)
    tree, index_table = found
    if tree.layout.parent >= 0:
        return _expand_by_record(table, func, pc, tree, index_table)
    frames: list[Frame] = []
    inner = _NO_RECORD
    while (index := table.value_at(index_table, pc - func.entry)) >= 0:
        if len(frames) == MAX_DEPTH:
            return (*frames, Frame(table.name(func), None, None, inlined=False))
        parent_pc = tree.parent_pc(index)
        reached = inner != _NO_RECORD  # by a parent pc, which must not be the reached call's own
        if index >= inner or (reached and parent_pc == pc - func.entry):
            parent_pc = -1
        else:
            frames.append(Frame(table.name_at(tree.name_off(index)), *table.position(func, pc), inlined=True))
        if not 0 <= parent_pc < func.end - func.entry:
            # The compiler leaves 0 where no instruction is left of a call: that is some other place in the function.
            frames.append(Frame(table.name(func), None, None, inlined=False))
            return tuple(frames)
        pc, inner = func.entry + parent_pc, index
    return (*frames, *physical(table, func, pc))


def physical(table: PclnTable, func: Func, pc: int) -> tuple[Frame, ...]:
    """`func` alone, with the position of the instruction at `pc`, which is the innermost call's: as addr2line says it."""
    return (Frame(table.name(func), *table.position(func, pc), inlined=False),)


def _expand_by_record(
    table: PclnTable, func: Func, pc: int, tree: _Tree, index_table: int
) -> tuple[Frame, ...]:
    frames: list[Frame] = []
    file, line = table.position(func, pc)
    index = table.value_at(index_table, pc - func.entry)
    while index >= 0:
        frames.append(Frame(table.name_at(tree.name_off(index)), file, line, inlined=True))
        parent, file_number, call_line = tree.call(index)
        if parent >= index:
            raise MalformedError(
                f"inline tree of {table.name(func)}: record {index} in {parent}", offset=func.entry
            )
        file, line, index = table.file_at(func, file_number), call_line, parent
    frames.append(Frame(table.name(func), file, line, inlined=False))
    return tuple(frames)


def inlined_names(table: PclnTable, func: Func) -> tuple[str, ...]:
    """Names of all functions inlined into `func`, in the order of the tree, each once."""
    found = _tree(table, func)
    if found is None:
        return ()
    tree, index_table = found
    used = {value for _, value in pcvalue.rows(table.pctab, index_table, table.quantum) if value >= 0}
    names: dict[str, None] = {}
    try:
        # Records are not counted anywhere: those up to the highest index in use are there.
        for index in range(min(max(used, default=-1) + 1, MAX_RECORDS)):
            names[table.name_at(tree.name_off(index))] = None
    except GoinspectError:
        pass  # a damaged tree gives the names it has
    return tuple(names)


def trees_are_sound(table: PclnTable, wanted: int = 24) -> bool | None:
    """Whether inline trees are where `table` looks for them, by some that are spread over it; None without any.

    A base that is off by some bytes still leads to records, with other names: they are believed only after this.
    """
    seen = bad = 0
    for index in sample(table.nfunc, 40 * wanted):
        try:
            func = table.func(index)
            found = _tree(table, func) if func is not None else None
            if func is None or found is None:
                continue
            seen += 1
            bad += not _is_sound(table, func, *found)
        except GoinspectError:
            seen += 1
            bad += 1
        if seen >= wanted:
            break
    return None if not seen else bad * 8 <= seen


def _is_sound(table: PclnTable, func: Func, tree: _Tree, index_table: int) -> bool:
    used = [value for _, value in pcvalue.rows(table.pctab, index_table, table.quantum)]
    known_ids = len(table.release.func_ids) or 256
    return all(
        tree.is_sound(index, func.end - func.entry, known_ids) and table.is_name(tree.name_off(index))
        for index in range(min(max(used, default=-1) + 1, _LOOKED_AT))
    )
