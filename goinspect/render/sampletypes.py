"""What the values of samples are called in formats that have a word for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from goinspect.results.flame import OFF_CPU

if TYPE_CHECKING:
    from goinspect.results.flame import FlameProfile

__all__ = ["SAMPLES", "SampleType", "event_type", "sample_types", "shown_type"]

SAMPLES: Final = -1

_MODIFIERS = re.compile(r":[a-zA-Z]+$")  # cycles:u
_CLOCKS = ("cpu-clock", "task-clock")


class SampleType(NamedTuple):
    """A value that every sample has.

    ``of``: the row of `Stacks.weights`, or SAMPLES, how many samples there are; ``scale``: what it is to be divided by.
    """

    type: str
    unit: str
    of: int
    scale: int = 1


def sample_types(profile: FlameProfile) -> tuple[SampleType, ...]:
    """The values: those of a pprof profile as they were in it, else the one that is shown last.

    CPU time is called what the Go compiler asks for.
    """
    stacks, waits = profile.stacks, profile.event == OFF_CPU
    if profile.profiled or len(stacks.weights) > 1:
        return _as_profiled(profile)
    count = SampleType("waits" if waits else "samples", "count", SAMPLES)
    if stacks.unit == "samples":
        return (SampleType("samples", "count", 0),)
    if waits:
        return count, SampleType("off_cpu", "nanoseconds", 0)
    return count, event_type(profile.event, stacks.unit)


def shown_type(profile: FlameProfile) -> SampleType:
    """The value that is shown."""
    return next(kind for kind in sample_types(profile) if kind.of == 0)


def event_type(event: str, unit: str, row: int = 0) -> SampleType:
    """The weights of an event."""
    name = _MODIFIERS.sub("", event) or "samples"
    if unit == "samples":
        return SampleType(name, "count", row)
    if unit != "ns":
        return SampleType(name, unit, row)
    return SampleType("cpu" if name in _CLOCKS else "time" if name == "ns" else name, "nanoseconds", row)


def _as_profiled(profile: FlameProfile) -> tuple[SampleType, ...]:
    """All weights; the one that is shown, which is the first of the stacks, is among the others where it was."""
    weights, facts = profile.stacks.weights, profile.facts
    if facts is not None and len(facts.types) == len(weights):
        rows = [0 if row == facts.shown else row + (row < facts.shown) for row in range(len(weights))]
        return tuple(
            SampleType(*kind[:2], of, kind.scale) for kind, of in zip(facts.types, rows, strict=True)
        )
    types = [event_type(weight.name, weight.unit, row) for row, weight in enumerate(weights)]
    names = [event.name for event in profile.events]
    if len(types) > 1 and profile.event in names:
        types.insert(names.index(profile.event), types.pop(0))
    return tuple(types)
