"""Where recordings and folded stacks meet: what to draw, and stacks that have their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from goinspect.analysis.recordings.offcpu import Waits
    from goinspect.analysis.stacks.merge import Samples
    from goinspect.analysis.stacks.symbolize import SymbolTable
    from goinspect.results.flame import EventSummary

__all__ = ["FlameOptions", "Origin", "Taken", "TimeBound"]


class TimeBound(NamedTuple):
    """A point in time.

    ``of`` says what ``value`` is: ns from the first sample ("start"), ns of the recording's clock ("clock"), or parts
    of the time from the first to the last sample ("span"; 10**9 parts are 1 %).
    """

    value: int
    of: str


@dataclass(frozen=True, slots=True)
class FlameOptions:
    """What to read, name and keep. Defaults are the command's."""

    binaries: Sequence[str] = ()
    symfs: str | None = None
    kallsyms: str | None = None
    event: str | None = None
    weight: str = "period"  # or "samples"
    by: str = "process"  # root frame: "process", "thread", "comm", "cgroup", "container" or "none"
    pids: Sequence[int] = ()
    tids: Sequence[int] = ()
    comms: Sequence[str] = ()
    cpus: Sequence[int] = ()
    time: tuple[TimeBound | float | None, TimeBound | float | None] = (
        None,
        None,
    )  # numbers: seconds from the start
    inlines: bool = True
    kernel: bool = True
    lines: bool = False
    focus: str | None = None
    ignore: str | None = None
    hide: str | None = None
    reverse: bool = False
    unit: str | None = None  # of the weights of folded stacks, which may not say
    off_cpu: bool = False  # draw the time between context switches instead of samples
    repair: bool = False  # put stacks that were cut on the roots of whole ones
    hidden_callers: bool = False  # a frame where a walk by frame pointers must have passed one over


class Origin(NamedTuple):
    """What the stacks came from; counts. ``truncated``: which stacks were cut, before repair."""

    samples: int
    lost: int = 0
    throttled: int = 0
    threads: int = 0
    truncated: NDArray[np.bool_] | None = None
    repaired: int = 0
    cut_by_dump: int = 0
    waits: Waits | None = None
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """Stacks as they were recorded or read, one row each, with the frames of every location."""

    events: tuple[EventSummary, ...]
    event: str
    unit: str
    table: SymbolTable
    samples: Samples
    weight: NDArray[np.uint64]  # of each row
    group: NDArray[np.int32]  # row in groups of each row; rows of different groups stay apart
    groups: list[str]  # names of root frames; none where empty
    origin: Origin
    missing: tuple[str, ...]
    refused: tuple[str, ...]
    warnings: tuple[str, ...]
    metadata: Mapping[str, str]
