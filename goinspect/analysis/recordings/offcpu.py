"""Off-CPU time: a thread that stops running has stopped where its last sample was taken.

The time from a switch away from a thread to the next switch back to it is charged to the stack of the sample of that
thread at the time of the switch or nearest before it, whichever event it is of. Recorded along with
``-e context-switches -c 1`` or sched:sched_switch, that is the very place where the thread stopped.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import flat_ranges
from goinspect.errors import QueryError
from goinspect.profiles.base import Event
from goinspect.results.flame import OFF_CPU

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.recordings.selection import TimeRange
    from goinspect.profiles.base import Profile, Switches

__all__ = ["Waits", "off_cpu"]

_IDLE = 0  # thread 0 stands for every CPU that has nothing to do
_SAMPLE, _IN, _OUT = 0, 1, 2  # what comes first at one time


class Waits(NamedTuple):
    """How well the off-CPU time of a recording is known; counts of switches away from a thread.

    ``stackless``: no sample of the thread came before. ``stale``: the last one is of an earlier run of the thread.
    ``open``: no switch back was recorded, so that its time is not known and left out.
    """

    switches: int
    stackless: int
    stale: int
    open: int

    def warnings(self) -> list[str]:
        """Why the stacks are not those of the waits, where that is so for one in ten."""
        inexact = self.stackless + self.stale
        if 10 * inexact <= self.switches:
            return []
        found = f"{inexact:,} of {self.switches:,} waits were not sampled where they began and have an earlier stack, or none"
        advice = (
            "record context switches as an event, too: -e cpu-clock,sched:sched_switch --switch-events -g"
        )
        return [f"{found}: {advice}"]


def off_cpu(profile: Profile, within: TimeRange) -> tuple[Profile, Waits]:
    """A profile of one event, `OFF_CPU` in ns, with a row for each wait; and what is known of it.

    Args:
        profile: of all events.
        within: only what of a wait lies in it is counted.

    Raises:
        QueryError: the recording tells no switches.
    """
    switches = profile.switches
    if switches is None or not len(switches):
        raise QueryError(
            "--off-cpu: no context switches were recorded: record with --switch-events, or -e sched:sched_switch -a"
        )
    begin, end, sample, tid, stale, unknown = _waits(profile, switches)
    low = begin if within.begin is None else np.maximum(begin, np.uint64(max(within.begin, 0)))
    high = end if within.end is None else np.minimum(end, np.uint64(max(within.end, 0)))
    some = high > low
    begin, sample, tid, weight = low[some], sample[some], tid[some], (high - low)[some]
    waits = Waits(
        len(sample) + unknown,
        int(np.count_nonzero(sample < 0)),
        int(np.count_nonzero(stale[some] & (sample >= 0))),
        unknown,
    )
    order = np.argsort(begin, kind="stable")
    return _rows(profile, sample[order], begin[order], weight[order], tid[order]), waits


def _waits(
    profile: Profile, switches: Switches
) -> tuple[
    NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_], int
]:
    """Begin, end, last sample (-1: none), thread of every wait; is the sample of an earlier run; waits without end."""
    count = len(profile)
    tid = np.concatenate((profile.tid, switches.tid))
    time = np.concatenate((profile.time, switches.time))
    kind = np.concatenate(
        (np.full(count, _SAMPLE, np.int8), np.where(switches.out, _OUT, _IN).astype(np.int8))
    )
    order = np.lexsort((kind, time, tid))
    tid, time, kind = tid[order], time[order], kind[order]
    first = np.append(True, tid[1:] != tid[:-1])
    place = np.arange(len(order))
    begins = np.maximum.accumulate(np.where(first, place, 0))
    last_sample = np.maximum.accumulate(np.where(kind == _SAMPLE, place, -1))
    last_in = np.maximum.accumulate(np.where(kind == _IN, place, -1))
    steps = np.flatnonzero((kind != _SAMPLE) & (tid != _IDLE) & (tid > 0))
    if not len(steps):
        none = np.empty(0, dtype=np.int64)
        nothing = none.astype(np.uint64)
        return nothing, nothing, none, none.astype(np.int32), none.astype(np.bool_), 0
    out = kind[steps] == _OUT
    following = np.append(steps[1:], steps[-1])
    closed = out & (tid[following] == tid[steps]) & (kind[following] == _IN)
    at, back = steps[closed], following[closed]
    source = last_sample[at]
    known = source >= begins[at]
    stale = (
        known & (last_in[at] >= begins[at]) & (time[np.maximum(source, 0)] < time[np.maximum(last_in[at], 0)])
    )
    sample = np.where(known, order[np.maximum(source, 0)], -1)
    return time[at], time[back], sample, tid[at], stale, int(np.count_nonzero(out & ~closed))


def _rows(
    profile: Profile,
    sample: NDArray[np.int64],
    time: NDArray[np.uint64],
    weight: NDArray[np.uint64],
    tid: NDArray[np.int32],
) -> Profile:
    """The samples of these numbers as a profile of their own; -1 has an empty stack and a process that is not known."""
    known = sample >= 0
    row = np.maximum(sample, 0)
    sizes = np.where(known, np.diff(profile.stack_start)[row], 0) if len(profile) else np.zeros_like(sample)
    start = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    frames = profile.frames[flat_ranges(profile.stack_start[row], sizes)] if len(profile) else profile.frames

    def column(values: NDArray[np.int32], otherwise: int = -1) -> NDArray[np.int32]:
        if not len(profile):
            return np.full(len(sample), otherwise, dtype=np.int32)
        return np.where(known, values[row], np.int32(otherwise)).astype(np.int32)

    return replace(
        profile,
        events=(Event(OFF_CPU, "ns"),),
        event=np.zeros(len(sample), dtype=np.uint16),
        pid=np.where(known, column(profile.pid), _of_threads(profile, profile.pid, tid)).astype(np.int32),
        tid=tid.astype(np.int32),
        cpu=column(profile.cpu),
        time=time,
        weight=weight,
        comm=np.where(known, column(profile.comm), _of_threads(profile, profile.comm, tid)).astype(np.int32),
        stack_start=start,
        frames=frames,
        truncated=np.where(known, profile.truncated[row], False)
        if len(profile)
        else np.zeros(len(sample), np.bool_),
        cgroup=None if profile.cgroup is None else column(profile.cgroup),
        namespace=None if profile.namespace is None else column(profile.namespace),
    )


def _of_threads(profile: Profile, values: NDArray[np.int32], tids: NDArray[np.int32]) -> NDArray[np.int32]:
    """What its first sample says of each thread; -1 where it has none."""
    if not len(profile):
        return np.full(len(tids), -1, dtype=np.int32)
    known, first = np.unique(profile.tid, return_index=True)
    place = np.minimum(np.searchsorted(known, tids), len(known) - 1)
    return np.where(known[place] == tids, values[first[place]], np.int32(-1)).astype(np.int32)
