"""Which samples of a recording are wanted: by event, process, thread, name, CPU and time."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from goinspect._words import be, counted
from goinspect.errors import QueryError
from goinspect.results.flame import EventSummary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.options import FlameOptions, TimeBound
    from goinspect.profiles.base import Profile, Values
    from goinspect.results.stacks import Label

__all__ = [
    "NO_EVENT", "TimeRange", "choose_event", "label_of", "list_events", "samples_of", "select_rows", "take_rows",
    "time_range", "with_event",
]  # fmt: skip

NO_EVENT: Final = 0xFFFF  # of samples that weigh nothing in the event shown


def list_events(profile: Profile) -> tuple[EventSummary, ...]:
    """The events of a recording with their samples, in the recording's order."""
    if profile.values is not None:
        return tuple(_summary(profile, profile.values, row) for row in range(len(profile.events)))
    counts = np.bincount(profile.event, minlength=len(profile.events))
    return tuple(
        EventSummary(event.name, int(count), int(profile.weight[profile.event == i].sum()), event.unit)
        for i, (event, count) in enumerate(zip(profile.events, counts.tolist(), strict=True))
    )


def _summary(profile: Profile, values: Values, row: int) -> EventSummary:
    event = profile.events[row]
    there = values.columns[row] != 0
    count = int(samples_of(values, row)[there].sum())
    return EventSummary(event.name, count, int(values.columns[row].sum()), event.unit)


def samples_of(values: Values, event: int) -> NDArray[np.int64]:
    """How many samples each row stands for."""
    row = values.samples[event]
    if row < 0:
        return np.ones(values.columns.shape[1], dtype=np.int64)
    count: NDArray[np.int64] = np.maximum(values.columns[row], 0)
    return count


def with_event(profile: Profile, event: int, *, signed: bool = False) -> tuple[Profile, tuple[str, ...]]:
    """A profile whose samples have several weights, with that of one event; what weighs nothing is of no event.

    Negative weights are left out, or modulo 2^64 where they are wanted (`signed`).

    Returns:
        The profile, and warnings.
    """
    values = profile.values
    if values is None:
        return profile, ()
    weight = values.columns[event]
    if signed:
        return replace(
            profile, event=np.full(len(weight), event, dtype=np.uint16), weight=weight.view(np.uint64)
        ), ()
    negative = int(np.count_nonzero(weight < 0))
    warnings = (
        [
            f"{counted(negative, 'sample')} of negative weight, as of a difference of profiles, {be(negative)} left out"
        ]
        if negative
        else []
    )
    if not (weight > 0).any() and len(weight):
        others = [summary.name for summary in list_events(profile) if summary.weight > 0]
        if others:
            warnings.append(
                f"no sample weighs anything in {profile.events[event].name}; others do in {', '.join(others)} (--sample-type)"
            )
    return replace(
        profile,
        event=np.where(weight > 0, event, NO_EVENT).astype(np.uint16),
        weight=np.maximum(weight, 0).astype(np.uint64),
    ), tuple(warnings)


def choose_event(events: tuple[EventSummary, ...], name: str | None) -> int:
    """The event called `name`, or the first that counts something and has samples.

    Raises:
        QueryError: there is none of that name, or several.
    """
    if name is None:
        with_samples = [
            i for i, event in enumerate(events) if event.samples and event.name.partition(":")[0] != "dummy"
        ]
        return with_samples[0] if with_samples else 0
    names = [event.name for event in events]
    # perf prints modifiers behind a colon ("cycles:u"); asking without them is enough where it is unambiguous
    for spelled in (
        names,
        [known.partition(":")[0] for known in names],
        [f"inuse_{known}" for known in names],  # as pprof takes it
        [f"#{i + 1}" for i in range(len(names))],
    ):
        found = [i for i, known in enumerate(spelled) if known == name]
        if len(found) > 1:
            which = " or ".join(f"#{i + 1} ({names[i]})" for i in found)
            raise QueryError(f"several events are called {name!r}: say {which}")
        if found:
            return found[0]
    raise QueryError(f"no event {name!r}, recorded are: {', '.join(names)}")


class TimeRange(NamedTuple):
    """Times of the recording's clock, in ns: `begin` is in it, `end` is not. None: no limit."""

    begin: int | None
    end: int | None

    def __bool__(self) -> bool:
        return self != (None, None)


def time_range(profile: Profile, options: FlameOptions) -> TimeRange:
    """What `options` ask for, in the recording's clock."""
    if not len(profile):
        return TimeRange(None, None)
    first, last = int(profile.time[0]), int(profile.time[-1])
    begin, end = (_moment(bound, first, last) for bound in options.time)
    return TimeRange(begin, end)


def _moment(bound: TimeBound | float | None, first: int, last: int) -> int | None:
    if bound is None:
        return None
    if isinstance(bound, (int, float)):
        return first + int(bound * 1e9)
    if bound.of == "span":  # nanopercents: the last sample is in 100 %
        return (
            last + 1 if bound.value >= 100 * 10**9 else first + (last - first) * bound.value // (100 * 10**9)
        )
    return bound.value + (first if bound.of == "start" else 0)


def select_rows(profile: Profile, event: int, options: FlameOptions) -> NDArray[np.bool_]:
    """A mask over samples.

    Raises:
        QueryError: an option asks for what was not recorded.
    """
    rows = np.asarray(profile.event == event)
    for column, wanted, what in (
        (profile.pid, options.pids, "--pid: the samples do not tell their process"),
        (profile.tid, options.tids, "--tid: the samples do not tell their thread"),
        (profile.cpu, options.cpus, "--cpu: the samples do not tell their CPU"),
    ):
        if wanted:
            if len(column) and (column < 0).all():
                raise QueryError(what)
            rows &= np.isin(column, np.array(list(wanted), dtype=np.int64))
    if options.comms:
        known = np.array([comm in options.comms for comm in profile.comms] or [False])
        rows &= np.where(profile.comm >= 0, known[profile.comm], False)
    for key, pattern in options.labels:
        rows &= _labelled(profile, key, pattern)
    if profile.values is not None and options.time != (None, None):
        raise QueryError("--time: the samples of a pprof profile have no time")
    begin, end = time_range(profile, options)
    if begin is not None:
        rows &= profile.time >= np.uint64(max(begin, 0))
    if end is not None:
        rows &= profile.time < np.uint64(max(end, 0))
    return rows


def label_of(profile: Profile, key: str, option: str) -> Label:
    """The label of each sample. Raises QueryError: no sample has this key."""
    if profile.labels is None:
        raise QueryError(
            f"{option}: the samples of this recording have no labels, which those of pprof profiles may have"
        )
    column = profile.labels.column(key)
    if column is None:
        keys = ", ".join(profile.labels.keys[:20])
        raise QueryError(
            f"{option}: no sample has a label {key!r}: " + (f"there are {keys}" if keys else "there are none")
        )
    return column


def _labelled(profile: Profile, key: str, pattern: str) -> NDArray[np.bool_]:
    column = label_of(profile, key, f"--label {key}={pattern}")
    try:
        found = re.compile(pattern)
    except re.error as error:
        raise QueryError(f"--label {key}={pattern}: no regular expression: {error}") from None
    return np.array([*(found.search(value) is not None for value in column.values), False])[column.row]


def take_rows(
    profile: Profile, rows: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """The numbers of the chosen samples, and their stacks: where each starts, and the frames."""
    index = np.flatnonzero(rows)
    if len(index) == len(rows):
        return index, profile.stack_start, profile.frames
    sizes = np.diff(profile.stack_start)
    start = np.concatenate(([0], np.cumsum(sizes[index]))).astype(np.int64)
    return index, start, profile.frames[np.repeat(rows, sizes)]
