"""Where the samples are, and their fields: whole arrays of SAMPLE records at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.profiles.perfdata.chains import Chains, read_chains
from goinspect.profiles.perfdata.container.source import record_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.profiles.perfdata.container.source import Words
    from goinspect.profiles.perfdata.events import EventTable

__all__ = ["Fields", "SampleIndex", "index_samples", "read_fields", "samples_at_once"]

_STEP, _STEP_WORDS = (
    1 << 15,
    1 << 22,
)  # samples looked at between two releases of pages, and words of recording


@dataclass(slots=True)
class SampleIndex:
    """Where the samples are and when they were taken, in time order. ``damaged``: how many were left out."""

    position: NDArray[np.int64]  # word of the header
    event: NDArray[np.uint16]
    time: NDArray[np.uint64]  # 0 where not recorded
    damaged: int
    unknown_ids: int


def samples_at_once(words: Words, count: int) -> int:
    """How many of the `count` samples to decode in a piece: fewer where they are large, as with copies of stacks."""
    return max(1, min(_STEP, _STEP_WORDS * count // max(words.size, 1)))


def index_samples(words: Words, positions: NDArray[np.int64], events: EventTable) -> SampleIndex:
    """Tell events apart and sort by time; samples of the same time stay in file order."""
    step = samples_at_once(words, len(positions))
    parts = [_index_part(words, positions[at : at + step], events) for at in range(0, len(positions), step)]
    if not parts:
        return SampleIndex(positions, np.empty(0, np.uint16), np.empty(0, np.uint64), 0, 0)
    position = np.concatenate([part.position for part in parts])
    event = np.concatenate([part.event for part in parts])
    time = np.concatenate([part.time for part in parts])
    order = np.argsort(time, kind="stable")
    return SampleIndex(
        position[order],
        event[order],
        time[order],
        sum(part.damaged for part in parts),
        sum(part.unknown_ids for part in parts),
    )


def _index_part(words: Words, position: NDArray[np.int64], events: EventTable) -> SampleIndex:
    sizes = record_words(words, position)
    whole = sizes > events.id_word
    found, sizes = position[whole], sizes[whole]
    event, unknown = events.of_samples(words, found)
    fits = sizes >= events.least_words[event]
    found, event = found[fits], event[fits]
    time = np.zeros(len(found), dtype=np.uint64)
    for layout, members in events.by_layout(event):
        if layout.time is not None:
            time[members] = words.take(found[members] + layout.time)
    words.release()
    return SampleIndex(found, event, time, len(position) - len(found), unknown)


class Fields(NamedTuple):
    """The fields of some samples; ``period`` is 0 where not recorded, pid, tid and cpu are -1."""

    pid: NDArray[np.int32]
    tid: NDArray[np.int32]
    cpu: NDArray[np.int32]
    period: NDArray[np.uint64]
    chains: Chains
    damaged: int


def read_fields(
    words: Words, position: NDArray[np.int64], event: NDArray[np.uint16], events: EventTable
) -> Fields:
    """Gather the fields of samples whose least size has been checked."""
    count = len(position)
    fields = Fields(
        np.full(count, -1, dtype=np.int32),
        np.full(count, -1, dtype=np.int32),
        np.full(count, -1, dtype=np.int32),
        np.zeros(count, dtype=np.uint64),
        Chains(position.copy(), np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)),
        0,
    )
    damaged = 0
    for layout, members in events.by_layout(event):
        here = position[members]
        if layout.tid is not None:
            fields.pid[members], fields.tid[members] = words.halves(words.take(here + layout.tid))
        if layout.cpu is not None:
            fields.cpu[members] = words.halves(words.take(here + layout.cpu))[0]
        if layout.period is not None:
            fields.period[members] = words.take(here + layout.period)
        chains, bad = read_chains(words, here, layout)
        fields.chains.first[members] = chains.first
        fields.chains.count[members] = chains.count
        fields.chains.kind[members] = chains.kind
        damaged += bad
    return fields._replace(damaged=damaged)
