"""Where recordings and folded stacks meet: rows of stacks that have their names, not merged yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from goinspect.results.places import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from goinspect.analysis.recordings.offcpu import Waits
    from goinspect.analysis.stacks.merge import Samples
    from goinspect.analysis.stacks.symboltable import SymbolTable
    from goinspect.binary import Binary, NativeSymbols
    from goinspect.model import Mapping as ProcessMapping
    from goinspect.results.flame import EventSummary
    from goinspect.results.places import ProfileFacts
    from goinspect.results.stacks import Label, Weight

__all__ = ["Origin", "Taken"]


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
    walked: Samples  # without restored callers: where each frame really is
    weight: NDArray[np.uint64]  # of each row
    group: NDArray[np.int32]  # row in groups of each row; rows of different groups stay apart
    groups: list[str]  # names of root frames; none where empty
    origin: Origin
    missing: tuple[str, ...]
    refused: tuple[str, ...]
    warnings: tuple[str, ...]
    metadata: Mapping[str, str]
    count: NDArray[np.int64] | None = None  # samples that each row stands for; None: one
    others: tuple[Weight, ...] = ()  # further weights of each row
    profiled: bool = False  # by a pprof profile, which tells nothing of losses
    natives: Callable[[Binary], NativeSymbols] | None = (
        None  # what names functions of a file that are not Go's
    )
    mappings: tuple[ProcessMapping, ...] = ()
    time: NDArray[np.uint64] | None = None  # of each row, ns of the recording's clock
    cpu: NDArray[np.int32] | None = None  # of each row, -1 where not known
    span: Span = field(default_factory=Span)
    labels: Mapping[str, Label] = field(default_factory=dict)  # rows that differ in one stay apart, too
    facts: ProfileFacts | None = None  # of a pprof profile
