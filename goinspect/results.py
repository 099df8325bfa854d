"""One immutable record per answer: this file is the JSON schema.

A command makes one of these and hands it to a renderer, so that table, JSON and picture cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from goinspect.model import Frame

__all__ = [
    "EventSummary",
    "FlameFrame",
    "FlameGraph",
    "FlameProfile",
    "FlameTotals",
    "FunctionList",
    "FunctionRow",
    "LineReport",
    "LineRow",
    "PclntabInfo",
    "StackTable",
    "Stacks",
    "SymbolList",
    "SymbolRow",
]


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
    """A PC and its frames, innermost first; None where no function holds it."""

    pc: int
    query: str  # as it was asked for
    function: str | None
    entry: int | None
    frames: tuple[Frame, ...] | None


class LineReport(NamedTuple):
    """`goinspect pcln BIN PC…`."""

    binary: str
    go_version: str | None
    pclntab: PclntabInfo
    rows: tuple[LineRow, ...]
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


class FunctionList(NamedTuple):
    """`goinspect pcln BIN --functions` (and `--header`, without rows)."""

    binary: str
    go_version: str | None
    pclntab: PclntabInfo
    rows: tuple[FunctionRow, ...]
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
