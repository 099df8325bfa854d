"""EventTable: which event a record belongs to and how its records are laid out.

Facts: with several events the kernel writes the id of the counter into every record: as the first word of a sample
(PERF_SAMPLE_IDENTIFIER) or, in older recordings, at a place that the common bits of sample_type give
(PERF_SAMPLE_ID; ``evsel__parse_sample`` and ``perf_evlist__event2evsel`` in tools/perf).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.profiles.base import Event
from goinspect.profiles.perfdata.attr import DEFAULT_MAX_STACK, Attr, SampleLayout, TrailerLayout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from goinspect.profiles.perfdata.container.source import Words
    from goinspect.profiles.perfdata.features import EventDescription

__all__ = ["EventTable", "collect_ids"]


class EventTable:
    """The events of a recording.

    Args:
        attrs: what each was asked to record.
        ids: (counter id, row in `attrs`) pairs.
        names: of the events, empty where unknown.

    Attributes:
        id_word: the word of a sample that holds the id; 0 (the header) when it is not needed or cannot be known.
        least_words: of a sample of each event.
        problem: why samples cannot be told apart, if so.
    """

    def __init__(self, attrs: Sequence[Attr], ids: Sequence[tuple[int, int]], names: Sequence[str]) -> None:
        self.attrs = tuple(attrs)
        self.names = [name or attr.default_name for name, attr in zip(names, attrs, strict=True)]
        layouts = [SampleLayout.of(attr.sample_type, attr.read_format, attr.branch_sample_type, attr.sample_regs_user)
                   for attr in attrs]  # fmt: skip
        self._layouts = list(dict.fromkeys(layouts))
        self._layout_of = np.array([self._layouts.index(layout) for layout in layouts], dtype=np.intp)
        self.least_words = np.array([layout.words for layout in layouts], dtype=np.int64)
        self.problem = ""
        self.id_word = self._find_id_word(layouts)
        self._by_id = dict(ids)
        ordered = sorted(self._by_id.items())
        self._ids = np.array([item[0] for item in ordered], dtype=np.uint64)
        self._event_of_id = np.array([item[1] for item in ordered], dtype=np.uint16)
        self._trailers = [TrailerLayout.of(attr) for attr in attrs]

    def _find_id_word(self, layouts: list[SampleLayout]) -> int:
        if len(layouts) == 1:
            return 0
        for words in ({layout.identifier for layout in layouts}, {layout.id for layout in layouts}):
            word = words.pop()
            if not words and word is not None:
                return word
        self.problem = (
            "several events, but samples do not say which they belong to: all counted for the first"
        )
        return 0

    def rows(self) -> tuple[Event, ...]:
        """The events as a Profile shows them."""
        return tuple(
            Event(name, attr.unit, attr.fixed_period)
            for name, attr in zip(self.names, self.attrs, strict=True)
        )

    def rename(self, event_id: int, name: str) -> None:
        """A name found in the data; it counts only for an event that has none from elsewhere."""
        row = self._by_id.get(event_id)
        if row is not None and name and self.names[row] == self.attrs[row].default_name:
            self.names[row] = name

    def of_samples(self, words: Words, positions: NDArray[np.int64]) -> tuple[NDArray[np.uint16], int]:
        """The event of each sample, and how many have an id that no event has: they go to the first."""
        events = np.zeros(len(positions), dtype=np.uint16)
        if not self.id_word or not len(self._ids):
            return events, 0
        return self._of_ids(words.take(positions + self.id_word))

    def _of_ids(self, wanted: NDArray[np.uint64]) -> tuple[NDArray[np.uint16], int]:
        found = np.minimum(np.searchsorted(self._ids, wanted), len(self._ids) - 1)
        known = self._ids[found] == wanted
        events = np.where(known, self._event_of_id[found], np.uint16(0))
        return events, len(wanted) - int(np.count_nonzero(known))

    def by_layout(
        self, events: NDArray[np.uint16]
    ) -> Iterator[tuple[SampleLayout, slice | NDArray[np.intp]]]:
        """Each layout with the rows that have it."""
        if len(self._layouts) == 1:
            yield self._layouts[0], slice(None)
            return
        number = self._layout_of[events]
        for index, layout in enumerate(self._layouts):
            members = np.flatnonzero(number == index)
            if len(members):
                yield layout, members

    def weights(self, events: NDArray[np.uint16], periods: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """What each sample counts for: its own period, or that of its event."""
        fixed = [attr.fixed_period for attr in self.attrs]
        if all(period is None for period in fixed):
            return periods
        table = np.array([period or 0 for period in fixed], dtype=np.uint64)
        own = np.array([period is None for period in fixed], dtype=np.bool_)
        return np.where(own[events], periods, table[events])

    def max_stacks(self) -> NDArray[np.int64]:
        """The depth at which stacks of each event were cut."""
        return np.array([attr.max_stack or DEFAULT_MAX_STACK for attr in self.attrs], dtype=np.int64)

    def has_time(self) -> bool:
        """Do all samples tell when they were taken?"""
        return all(layout.time is not None for layout in self._layouts)

    @property
    def layouts(self) -> Sequence[SampleLayout]:
        """The distinct layouts of samples."""
        return self._layouts

    def has_cgroups(self) -> bool:
        """Do samples of any event tell their cgroup?"""
        return any(layout.cgroup is not None for layout in self._layouts)

    def trailer(self, event_id: int | None = None) -> TrailerLayout:
        """The trailer of side-band records of the event with this counter id."""
        return self._trailers[self._by_id.get(event_id, 0) if event_id is not None else 0]

    def by_trailer(self, ids: NDArray[np.uint64]) -> Iterator[tuple[TrailerLayout, NDArray[np.intp]]]:
        """Each layout of trailers with the places in `ids`, counter ids of records, that have it."""
        kinds = list(dict.fromkeys(self._trailers))
        number = np.array([kinds.index(trailer) for trailer in self._trailers], dtype=np.intp)
        events = self._of_ids(ids)[0] if len(self._ids) else np.zeros(len(ids), dtype=np.uint16)
        for index, kind in enumerate(kinds):
            yield kind, np.flatnonzero(number[events] == index)

    @property
    def identifier_in_trailer(self) -> int | None:
        """Where all trailers hold the counter id, in bytes before the end; None when they need not be told apart."""
        ends = {trailer.identifier for trailer in self._trailers}
        return ends.pop() if len(set(self._trailers)) > 1 and len(ends) == 1 else None


def collect_ids(
    recorded: Sequence[NDArray[np.uint64]], described: Sequence[EventDescription]
) -> tuple[list[tuple[int, int]], list[str]]:
    """Join what the attrs section and the event descriptions say: (id, event) pairs and names.

    A description belongs to the event that has one of its ids, else to the event at its place.
    """
    ids = [(event_id, row) for row, values in enumerate(recorded) for event_id in values.tolist()]
    row_of = dict(ids)
    names = [""] * len(recorded)
    for place, description in enumerate(described):
        row = next((row_of[event_id] for event_id in description.ids if event_id in row_of), place)
        if row < len(names):
            names[row] = description.name
            ids.extend((event_id, row) for event_id in description.ids if event_id not in row_of)
    return ids, names
