"""What may be asked of a profile: which of it to read, how to name it, what to keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FlameOptions", "TimeBound"]


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
    by: str = (
        "process"  # root frame: "process", "thread", "comm", "cgroup", "container", "label:KEY" or "none"
    )
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
    restore: bool = True  # the callers themselves, where the machine code proves them
    labels: Sequence[tuple[str, str]] = ()  # only samples with these labels: a key, and what finds its value
    # What formats for other tools ask for, as far as a recording tells it:
    places: bool = False  # the address of each frame; stacks that differ in one stay apart
    label_columns: Sequence[
        str
    ] = ()  # "pid", "tid", or what `by` may be; stacks that differ in one stay apart
    series: bool = False  # which stack each sample has, when and where
    waits: bool = False  # the time between context switches, too, where these were recorded
    calls: bool = (
        False  # which of several calls through pointers led to a restored caller's leaf, by the types
    )
    # Keep all weights of each sample, also of those that weigh nothing, or less, in the event shown: modulo 2^64.
    every_type: bool = False
    every_label: bool = False  # keep all labels of a pprof profile, in place of `label_columns`
    # What the report tells beside stacks: binaries, modules, the hottest functions' code, the source below directories.
    details: bool = False
    source: Sequence[str] = ()
