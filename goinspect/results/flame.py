"""What `goinspect flame` makes of a recording: named stacks and the merged call tree."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "OFF_CPU",
    "PARTS",
    "EventSummary",
    "FlameFrame",
    "FlameGraph",
    "FlameProfile",
    "FlameTotals",
    "HiddenStacks",
    "StackTable",
    "Stacks",
]


OFF_CPU = "off-CPU"  # the event of waits
# Weights with decimals are counted in these parts of their unit ("thousandths of samples"): decimal places.
PARTS = {"thousandths": 3, "millionths": 6, "billionths": 9}


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
    """What went into a flame graph. Counts; `weight` in the event's unit.

    ``truncated`` stacks reached the recorder's depth limit and lack their root, or, ``cut_by_dump`` of them, did not fit
    the copies of stacks that were recorded; ``repaired`` of them got one from whole stacks. ``hidden_callers``: stacks whose leaf has a caller that a walk by frame pointers passed over. Of off-CPU
    time: waits without any stack, with one of an earlier run of the thread, and without an end, which are left out.
    """

    samples: int
    weight: int
    lost: int
    throttled: int
    threads: int
    frames: int
    frames_named: int
    truncated: int
    garbage_dropped: int
    repaired: int = 0
    cut_by_dump: int = 0
    hidden_callers: int = 0
    waits_stackless: int = 0
    waits_stale: int = 0
    waits_open: int = 0


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
    unit: str  # "ns", "count", "samples"; of folded stacks also "bytes", other words, and PARTS of these
    totals: FlameTotals
    stacks: StackTable
    missing: tuple[str, ...] = ()  # binaries that were not found
    refused: tuple[str, ...] = ()  # found, and not used: warnings say why
    recorded: bool = True  # samples of a recorder, not stacks that came with their names
    warnings: tuple[str, ...] = ()
    metadata: Mapping[str, str] = MappingProxyType({})

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.flame/1"


class HiddenStacks(NamedTuple):
    """What of the stacks is too narrow to be drawn, in no order.

    Row i hangs below ``node[i]``, and goes on with the frames ``frames[start[i]:start[i + 1]]``, at least one.
    """

    node: NDArray[np.int64]
    start: NDArray[np.int64]
    frames: NDArray[np.int32]
    weight: NDArray[np.uint64]


class FlameGraph(NamedTuple):
    """A merged call tree, columnar. Node 0 is the root ("all"); a parent comes before its children; depth first.

    ``total[i]`` includes the children, ``own[i]`` is what ended in the node itself. ``unit`` is as in
    `FlameProfile`. Nodes below the pruning threshold are left out, their weight stays in their parents' totals, and
    ``hidden`` has what they hold, so that nothing that is counted depends on what is drawn.
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
    hidden: HiddenStacks | None = None
