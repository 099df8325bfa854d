"""What samples of the tracepoint sched:sched_switch tell: which thread ran on.

Facts: a sample of a tracepoint holds, behind its call chain, a u32 size and that many bytes: the record of ftrace. That
of sched_switch (``/sys/kernel/tracing/events/sched/sched_switch/format``) has been the same since Linux 2.6.3x on 64-bit
machines: prev_comm at 8, prev_pid at 24, next_comm at 40, next_pid at 56.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.profiles.base import Switches
from goinspect.profiles.perfdata.container.source import record_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.profiles.perfdata.attr import SampleLayout
    from goinspect.profiles.perfdata.columns import SampleIndex
    from goinspect.profiles.perfdata.container.source import Words
    from goinspect.profiles.perfdata.events import EventTable

__all__ = ["SCHED_SWITCH", "scheduler_switches"]

SCHED_SWITCH = "sched:sched_switch"
# Words from the one that starts with the size: the size takes the place of the first four bytes of the first.
_PREV, _NEXT = 3, 7
_STEP = 1 << 16  # samples


def scheduler_switches(
    words: Words, index: SampleIndex, events: EventTable, tids: NDArray[np.int32]
) -> Switches | None:
    """The switches that samples of sched_switch tell of; None where there are none.

    Each is the end of a run of the thread that it was taken in and the start of one of the next. A sample whose
    record does not name the thread that it was taken in is of another shape, or of another pid namespace: left out.
    """
    numbers = [row for row, name in enumerate(events.names)
               if name.partition(":")[0] == "sched" and name.split(":")[1:2] == ["sched_switch"]
               and events.attrs[row].is_tracepoint]  # fmt: skip
    rows = np.flatnonzero(np.isin(index.event, np.array(numbers, dtype=np.uint16))) if numbers else ()
    if not len(rows):
        return None
    next_tids = np.full(len(rows), -1, dtype=np.int32)
    for begin in range(0, len(rows), _STEP):
        part = rows[begin : begin + _STEP]
        for layout, members in events.by_layout(index.event[part]):
            inside = part[members]
            next_tids[begin : begin + _STEP][members] = _next(
                words, index.position[inside], layout, tids[inside]
            )
    words.release()
    told = next_tids >= 0
    rows, next_tids = rows[told], next_tids[told]
    times = np.repeat(index.time[rows], 2)
    both = np.stack((tids[rows], next_tids), axis=1).ravel()
    out = np.tile(np.array([True, False]), len(rows))
    return Switches(times, both, out) if len(rows) else None


def _next(
    words: Words, position: NDArray[np.int64], layout: SampleLayout, tids: NDArray[np.int32]
) -> NDArray[np.int32]:
    """The thread that ran next, or -1."""
    nothing = np.full(len(position), -1, dtype=np.int32)
    if layout.group is not None:
        return nothing
    sizes = record_words(words, position)
    at = position + layout.words
    if layout.chain is not None:
        entries = np.minimum(words.take(position + layout.chain), sizes.astype(np.uint64))
        at = at + entries.astype(np.int64)
    fits = at + _NEXT < position + sizes
    at = np.where(fits, at, position)
    last = len(at) and words.size - 1
    previous = words.halves(words.take(np.minimum(at + _PREV, last)))[1]
    following = words.halves(words.take(np.minimum(at + _NEXT, last)))[1]
    return np.where(fits & (previous == tids), following, nothing)
