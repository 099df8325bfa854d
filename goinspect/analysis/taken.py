"""Where recordings and folded stacks meet: what to draw, and stacks that have their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from goinspect.analysis.stacks import Samples
    from goinspect.analysis.symbolize import SymbolTable
    from goinspect.results.flame import EventSummary

__all__ = ["FlameOptions", "Origin", "Taken"]


@dataclass(frozen=True, slots=True)
class FlameOptions:
    """What to read, name and keep. Defaults are the command's."""

    binaries: Sequence[str] = ()
    symfs: str | None = None
    kallsyms: str | None = None
    event: str | None = None
    weight: str = "period"  # or "samples"
    by: str = "process"  # root frame: "process", "thread" or "none"
    pids: Sequence[int] = ()
    tids: Sequence[int] = ()
    comms: Sequence[str] = ()
    cpus: Sequence[int] = ()
    time: tuple[float | None, float | None] = (None, None)  # seconds from the first sample
    inlines: bool = True
    kernel: bool = True
    lines: bool = False
    focus: str | None = None
    ignore: str | None = None
    hide: str | None = None
    reverse: bool = False
    unit: str | None = None  # of the weights of folded stacks, which may not say


class Origin(NamedTuple):
    """What the stacks came from; counts."""

    samples: int
    lost: int = 0
    throttled: int = 0
    threads: int = 0
    truncated: int = 0


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
    warnings: tuple[str, ...]
    metadata: Mapping[str, str]
