"""One immutable record per answer: this file is the JSON schema.

A command makes one of these and hands it to a renderer, so that table, JSON and picture cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar, overload

from goinspect.model import Frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "EventSummary",
    "FlameFrame",
    "FlameGraph",
    "FlameProfile",
    "FlameTotals",
    "FunctionList",
    "FunctionRow",
    "FunctionRows",
    "InlinedList",
    "InlinedRow",
    "LineReport",
    "LineRow",
    "LineRows",
    "LineTable",
    "PclntabInfo",
    "SizePart",
    "SizeReport",
    "SizeRow",
    "StackTable",
    "Stacks",
    "SymbolList",
    "SymbolRow",
]


_T = TypeVar("_T")


def _numbered(values: Iterable[_T]) -> dict[_T, int]:
    """Distinct values, numbered as they come."""
    numbers: dict[_T, int] = {}
    for value in values:
        numbers.setdefault(value, len(numbers))
    return numbers


# --- pcln ---


class PclntabInfo(NamedTuple):
    """A gopclntab: what it is and how it was found. Addresses are vaddrs, sizes bytes."""

    generation: str  # "1.2", "1.16", "1.18" or "1.20"
    found_by: str
    address: int
    text_start: int
    text_from: str
    gofunc_from: str | None
    magic: int
    byteorder: str
    quantum: int
    ptrsize: int
    nfunc: int
    nfiles: int
    size: int
    parts: dict[str, int]  # name -> offset from the table's first byte


class LineRow(NamedTuple):
    """A PC, or a range of them, and its frames, innermost first; None where no function holds it."""

    pc: int
    query: str  # as it was asked for
    function: str | None
    entry: int | None
    frames: tuple[Frame, ...] | None
    end: int | None = None  # of a range: these are the frames of every PC up to there


@dataclass(frozen=True, slots=True, eq=False)
class LineRows(Sequence[LineRow]):
    """Rows of a LineReport as columns: frames of row i are ``start[i]:start[i + 1]``, none where nothing was found.

    ``function`` and ``file`` index ``names`` and ``files`` (-1: unknown); ``line`` is 0 where it is unknown.
    """

    pc: list[int]
    end: list[int | None] | None  # None: every row is one PC
    query: Sequence[str]
    entry: list[int]  # of no meaning where nothing was found
    start: list[int]
    function: list[int]
    file: list[int]
    line: list[int]
    inlined: list[bool]
    names: list[str]
    files: list[str]

    @classmethod
    def of(cls, rows: Iterable[LineRow]) -> LineRows:
        """The columns of `rows`: themselves, if they are columns already."""
        if isinstance(rows, LineRows):
            return rows
        rows = list(rows)
        names: dict[str, int] = {}
        files: dict[str, int] = {}
        start = [0]
        columns: list[tuple[int, int, int, bool]] = []
        for row in rows:
            for name, path, line, inlined in row.frames or ():
                file = -1 if path is None else files.setdefault(path, len(files))
                columns.append((names.setdefault(name, len(names)), file, line or 0, inlined))
            start.append(len(columns))
        return cls(
            [row.pc for row in rows],
            [row.end for row in rows] if any(row.end is not None for row in rows) else None,
            [row.query for row in rows],
            [row.entry or 0 for row in rows],
            start,
            [column[0] for column in columns],
            [column[1] for column in columns],
            [column[2] for column in columns],
            [column[3] for column in columns],
            list(names),
            list(files),
        )

    def __len__(self) -> int:
        return len(self.pc)

    @overload
    def __getitem__(self, index: int) -> LineRow: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[LineRow, ...]: ...
    def __getitem__(self, index: int | slice) -> LineRow | tuple[LineRow, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        index = range(len(self))[index]
        end = self.end[index] if self.end is not None else None
        if self.start[index] == self.start[index + 1]:
            return LineRow(self.pc[index], self.query[index], None, None, None, end)
        frames = tuple(self._frame(i) for i in range(self.start[index], self.start[index + 1]))
        return LineRow(self.pc[index], self.query[index], frames[-1].function, self.entry[index], frames, end)

    def _frame(self, index: int) -> Frame:
        file = self.file[index]
        return Frame(
            self.names[self.function[index]],
            self.files[file] if file >= 0 else None,
            self.line[index] if file >= 0 else None,
            self.inlined[index],
        )


class LineReport(NamedTuple):
    """`goinspect pcln BIN PC…`."""

    binary: str
    go_version: str | None
    pclntab: PclntabInfo
    rows: Sequence[LineRow]
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.pcln/1"


class LineTable(NamedTuple):
    """`goinspect pcln BIN --lines FUNC`: ranges that cover the functions, each with the frames of all its PCs."""

    binary: str
    go_version: str | None
    pclntab: PclntabInfo
    rows: Sequence[LineRow]
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.pcln/1"


class FunctionRow(NamedTuple):
    """A function of gopclntab. `end` is the next function's entry: padding belongs to the row."""

    entry: int
    end: int
    name: str
    file: str | None
    start_line: int | None
    frame_size: int | None
    args_size: int | None
    func_id: str | None
    flags: tuple[str, ...]
    inlined: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FunctionRows(Sequence[FunctionRow]):
    """Rows of a FunctionList as columns. -1: unknown (``start_line``: 0).

    ``file`` indexes ``files``, ``func_id`` indexes ``func_ids``, ``flag`` indexes ``flag_sets``; the names inlined into
    function i are ``inlined_names`` of ``inlined[inline_start[i]:inline_start[i + 1]]``.
    """

    entry: NDArray[np.uint64]
    end: NDArray[np.uint64]
    name: list[str]
    file: NDArray[np.int32]
    files: list[str]
    start_line: NDArray[np.int32]
    frame_size: NDArray[np.int64]
    args_size: NDArray[np.int64]
    func_id: NDArray[np.uint8]
    func_ids: tuple[str | None, ...]
    flag: NDArray[np.uint8]
    flag_sets: tuple[tuple[str, ...], ...]
    inline_start: NDArray[np.int64]
    inlined: NDArray[np.int32]
    inlined_names: list[str]

    @classmethod
    def of(cls, rows: Iterable[FunctionRow]) -> FunctionRows:
        """The columns of `rows`: themselves, if they are columns already."""
        if isinstance(rows, FunctionRows):
            return rows
        import numpy as np

        rows = list(rows)
        files = _numbered(row.file for row in rows if row.file is not None)
        ids = _numbered(row.func_id for row in rows)
        flags = _numbered(row.flags for row in rows)
        names = _numbered(name for row in rows for name in row.inlined)
        return cls(
            np.array([row.entry for row in rows], dtype=np.uint64),
            np.array([row.end for row in rows], dtype=np.uint64),
            [row.name for row in rows],
            np.array([-1 if row.file is None else files[row.file] for row in rows], dtype=np.int32),
            list(files),
            np.array([row.start_line or 0 for row in rows], dtype=np.int32),
            np.array([-1 if row.frame_size is None else row.frame_size for row in rows], dtype=np.int64),
            np.array([-1 if row.args_size is None else row.args_size for row in rows], dtype=np.int64),
            np.array([ids[row.func_id] for row in rows], dtype=np.uint8),
            tuple(ids),
            np.array([flags[row.flags] for row in rows], dtype=np.uint8),
            tuple(flags),
            np.cumsum([0, *(len(row.inlined) for row in rows)], dtype=np.int64),
            np.array([names[name] for row in rows for name in row.inlined], dtype=np.int32),
            list(names),
        )

    def __len__(self) -> int:
        return len(self.name)

    @overload
    def __getitem__(self, index: int) -> FunctionRow: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[FunctionRow, ...]: ...
    def __getitem__(self, index: int | slice) -> FunctionRow | tuple[FunctionRow, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        i = range(len(self))[index]
        inlined = self.inlined[self.inline_start[i] : self.inline_start[i + 1]].tolist()
        file, frame, args = int(self.file[i]), int(self.frame_size[i]), int(self.args_size[i])
        return FunctionRow(
            int(self.entry[i]),
            int(self.end[i]),
            self.name[i],
            self.files[file] if file >= 0 else None,
            int(self.start_line[i]) or None,
            frame if frame >= 0 else None,
            args if args >= 0 else None,
            self.func_ids[self.func_id[i]],
            self.flag_sets[self.flag[i]],
            tuple(self.inlined_names[name] for name in inlined),
        )


class FunctionList(NamedTuple):
    """`goinspect pcln BIN --functions` (and `--header`, without rows)."""

    binary: str
    go_version: str | None
    pclntab: PclntabInfo
    rows: Sequence[FunctionRow]
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.pcln/1"


class InlinedRow(NamedTuple):
    """A function that exists only inlined; `functions` are those that hold its code."""

    name: str
    start_line: int | None
    sites: int  # records of inline trees: calls that were inlined
    ranges: int  # contiguous ranges of PCs that are its own, without what was inlined into it in turn
    bytes: int  # in these ranges
    functions: tuple[str, ...]


class InlinedList(NamedTuple):
    """`goinspect pcln BIN --inlined-only`."""

    binary: str
    go_version: str | None
    pclntab: PclntabInfo
    rows: tuple[InlinedRow, ...]
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.pcln/1"


class SizeRow(NamedTuple):
    """Bytes of gopclntab that a function, or the functions of a package, take.

    What functions share counts for the first of them (by address), so that rows add up.
    """

    name: str
    entry: int | None  # None: a package
    functions: int
    func: int  # the record without its two arrays
    pcsp: int
    pcfile: int
    pcln: int
    pcdata: int  # tables and the array that leads to them
    funcdata: int  # the array; since Go 1.26 also the inline tree, which lay outside of the table before
    names: int
    total: int


class SizePart(NamedTuple):
    """A part of gopclntab; `functions` of its bytes are in the rows."""

    name: str
    bytes: int
    functions: int


class SizeReport(NamedTuple):
    """`goinspect pcln BIN --sizes`, largest first; the parts add up to `size`."""

    binary: str
    go_version: str | None
    pclntab: PclntabInfo
    rows: tuple[SizeRow, ...]
    parts: tuple[SizePart, ...]
    size: int
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.pcln/1"


# --- symbols ---


class SymbolRow(NamedTuple):
    """A symbol, merged from every table that knows it."""

    name: str
    address: int
    size: int | None
    size_exact: bool  # False: bounded by the next function's entry, padding included
    kind: str
    sources: tuple[str, ...]
    section: str | None
    package: str | None
    file: str | None
    line: int | None


class SymbolList(NamedTuple):
    """`goinspect symbols BIN`."""

    binary: str
    rows: tuple[SymbolRow, ...]
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.symbols/1"


# --- flame ---


class FlameFrame(NamedTuple):
    """A distinct frame of a flame graph: nodes refer to it by index."""

    name: str  # as Go spells it, never cut; untrusted text
    kind: str  # one of FrameKind.ALL
    package: str  # Go import path, module of a native frame, "" where there is none
    inlined: bool
    location: str = ""  # "file:line" when asked for, else ""


class EventSummary(NamedTuple):
    """An event of a recording; `unit` is that of `weight`."""

    name: str
    samples: int
    weight: int
    unit: str


class FlameTotals(NamedTuple):
    """What went into a flame graph. Counts; `weight` in the event's unit."""

    samples: int
    weight: int
    lost: int
    throttled: int
    threads: int
    frames: int
    frames_named: int
    truncated: int
    garbage_dropped: int


@dataclass(frozen=True, slots=True)
class Stacks:
    """Distinct stacks, root first: stack i is ``frames[start[i]:start[i + 1]]``, rows of a table of frames."""

    start: NDArray[np.int64]
    frames: NDArray[np.int32]
    group: NDArray[np.int32]  # stacks of different groups (processes, threads) are kept apart
    weight: NDArray[np.uint64]
    samples: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.group)


class StackTable(NamedTuple):
    """Distinct stacks and their frames; `roots` is a frame to put above each stack, or -1."""

    frames: tuple[FlameFrame, ...]
    roots: NDArray[np.int32]
    stacks: Stacks


class FlameProfile(NamedTuple):
    """The named, merged samples of one event of a recording."""

    events: tuple[EventSummary, ...]
    event: str
    unit: str  # "ns", "count" or "samples"
    totals: FlameTotals
    stacks: StackTable
    missing: tuple[str, ...] = ()  # binaries that were not found
    warnings: tuple[str, ...] = ()
    metadata: Mapping[str, str] = MappingProxyType({})

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.flame/1"


class FlameGraph(NamedTuple):
    """A merged call tree, columnar. Node 0 is the root ("all"); a parent comes before its children; depth first.

    ``total[i]`` includes the children, ``own[i]`` is what ended in the node itself. ``unit``: "ns", "samples"
    or "count". Nodes below the pruning threshold are left out, their weight stays in their parents' totals.
    """

    title: str
    subtitle: str
    event: str
    unit: str
    samples: int
    frames: tuple[FlameFrame, ...]
    node_frame: list[int]
    node_parent: list[int]  # -1 for node 0
    node_depth: list[int]
    node_total: list[int]
    node_own: list[int]
    inverted: bool = False  # root at the top (icicle)
    reverse: bool = False  # stacks merged from the leaf
    pruned: int = 0
