"""What the values of samples are called in formats that have a word for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from goinspect.results.flame import OFF_CPU

if TYPE_CHECKING:
    from goinspect.results.flame import FlameProfile

__all__ = ["SampleType", "event_type", "sample_types"]

_MODIFIERS = re.compile(r":[a-zA-Z]+$")  # cycles:u
_CLOCKS = ("cpu-clock", "task-clock")


class SampleType(NamedTuple):
    """A value that every sample has; ``of`` it is the number of "samples" or their "weight"."""

    type: str
    unit: str
    of: str


def sample_types(profile: FlameProfile) -> tuple[SampleType, ...]:
    """The values, the one that is shown last. CPU time is called what the Go compiler asks for."""
    stacks, waits = profile.stacks, profile.event == OFF_CPU
    count = SampleType("waits" if waits else "samples", "count", "samples")
    if stacks.unit == "samples":
        return (SampleType("samples", "count", "weight"),)
    if waits:
        return count, SampleType("off_cpu", "nanoseconds", "weight")
    return count, event_type(profile.event, stacks.unit)


def event_type(event: str, unit: str) -> SampleType:
    """The weights of an event."""
    name = _MODIFIERS.sub("", event) or "samples"
    if unit != "ns":
        return SampleType(name, unit, "weight")
    return SampleType("cpu" if name in _CLOCKS else "time" if name == "ns" else name, "nanoseconds", "weight")
