"""What `goinspect flame` makes of a recording: its named stacks, and what is known of them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from goinspect.results.places import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goinspect.results.annotate import Details
    from goinspect.results.places import ProfileFacts
    from goinspect.results.stacks import Stacks

__all__ = ["OFF_CPU", "Difference", "EventSummary", "FlameProfile", "FlameTotals", "Side"]


OFF_CPU = "off-CPU"  # the event of waits


class EventSummary(NamedTuple):
    """An event of a recording; `unit` is that of `weight`."""

    name: str
    samples: int
    weight: int
    unit: str


class FlameTotals(NamedTuple):
    """What went into a flame graph. Counts; `weight` in the event's unit.

    ``truncated`` stacks reached the recorder's depth limit and lack their root, or, ``cut_by_dump`` of them, did not fit
    the copies of stacks that were recorded; ``repaired`` of them got one from whole stacks. ``hidden_callers``: stacks
    whose leaf has a caller that a walk by frame pointers passed over and that is not known; ``restored``: stacks with one that is. Of off-CPU
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
    restored: int = 0
    waits_stackless: int = 0
    waits_stale: int = 0
    waits_open: int = 0


class Side(NamedTuple):
    """One of two profiles that are compared.

    ``samples`` and ``weight`` are all that was read of it, before --focus and --ignore. ``grain``: what a sample weighs, on
    average over weights (the sum of squares by the sum), which tells the error of a weight; 0 where that is not known.
    """

    path: str
    samples: int
    weight: int
    grain: float


class Difference(NamedTuple):
    """What stacks with two weights are: the first is that of ``other``, the second, as it was recorded, that of ``base``."""

    base: Side
    other: Side
    absolute: bool = False

    @property
    def counted(self) -> bool:
        """Is the error of weights known?"""
        return self.base.grain > 0 and self.other.grain > 0

    @property
    def scale(self) -> tuple[int, int]:
        """What weights of the base are multiplied with to be compared, as a fraction."""
        return (1, 1) if self.absolute or not self.base.weight else (self.other.weight, self.base.weight)

    def scaled(self, weight: int) -> int:
        """A weight of the base, as it is compared."""
        by, part = self.scale
        return (2 * weight * by + part) // (2 * part)


class FlameProfile(NamedTuple):
    """The named, merged samples of one event of a recording."""

    events: tuple[EventSummary, ...]
    event: str
    totals: FlameTotals
    stacks: Stacks
    missing: tuple[str, ...] = ()  # binaries that were not found
    refused: tuple[str, ...] = ()  # found, and not used: warnings say why
    recorded: bool = True  # samples of a recorder, not stacks that came with their names
    warnings: tuple[str, ...] = ()
    metadata: Mapping[str, str] = MappingProxyType({})
    profiled: bool = False  # read from a pprof profile, which tells neither losses nor threads
    span: Span = Span()
    facts: ProfileFacts | None = None  # of a pprof profile
    difference: Difference | None = None  # of two profiles; all else is said of the second
    details: Details | None = None  # None unless asked for
    waits: FlameProfile | None = None  # the time threads waited, where it was asked for beside samples

    @property
    def unit(self) -> str:
        """Of the weight that is shown."""
        return self.stacks.unit

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.flame/1"
