"""perf.data → Profile."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from goinspect._words import be, counted
from goinspect.errors import GoinspectError
from goinspect.profiles.base import Profile, Totals
from goinspect.profiles.perfdata.columns import SampleIndex, index_samples
from goinspect.profiles.perfdata.container.content import Source, open_content, open_sources
from goinspect.profiles.perfdata.container.source import Words
from goinspect.profiles.perfdata.container.spool import Spool
from goinspect.profiles.perfdata.samples import Clock, SampleColumns, locations
from goinspect.profiles.perfdata.sideband import SideBandState, TimedRecord, apply_records, read_sideband
from goinspect.profiles.perfdata.tasks import TaskRecords
from goinspect.profiles.perfdata.userstack import read_links, read_user_stacks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from goinspect.profiles.perfdata.container.split import Stretch
    from goinspect.profiles.perfdata.events import EventTable
    from goinspect.profiles.perfdata.features import Features

__all__ = ["parse", "read"]

_MOST_WARNINGS = 30


def read(path: str | os.PathLike[str], *, warn: Callable[[str], None] | None = None) -> Profile:
    """Read a recording.

    Args:
        path: of a perf.data file, or of a directory that `perf record --threads` wrote.
        warn: called with each warning as it comes up; they are also in ``Profile.warnings``.

    Raises:
        GoinspectError: it is no perf.data file, is damaged at its start, or holds no samples by its kind.
    """
    name = os.fspath(path)
    try:
        return _Recording(name, open_sources(name), warn).profile()
    except GoinspectError as error:
        raise error.about(name) from error


def parse(pieces: Iterable[bytes], name: str, *, warn: Callable[[str], None] | None = None) -> Profile:
    """Read a recording that comes piece by piece; `name` is what messages call it. Raises what `read` does."""
    spool = Spool()
    try:
        for piece in pieces:
            spool.write(piece)
        return _Recording(name, [Source(*spool.view())], warn).profile()
    except GoinspectError as error:
        raise error.about(name) from error


@dataclass(slots=True)
class _Records:
    """What the walk over all buffers found."""

    samples: NDArray[np.int64]
    sideband: list[TimedRecord] = field(default_factory=list)
    throttled: int = 0
    total: int = 0
    tasks: TaskRecords = field(default_factory=TaskRecords)


class _Recording:
    """One reading of one recording; the first source is the one with the header."""

    def __init__(self, path: str, sources: list[Source], warn: Callable[[str], None] | None) -> None:
        self.path = path
        self.warnings: list[str] = []
        self._tell = warn
        self._sources = sources

    def warn(self, message: str) -> None:
        """Say it, once: recordings of many files would say much the same of each."""
        if message in self.warnings or len(self.warnings) > _MOST_WARNINGS:
            return
        if len(self.warnings) == _MOST_WARNINGS:
            message = "there is more of that kind"
        self.warnings.append(message)
        if self._tell is not None:
            self._tell(message)

    def profile(self) -> Profile:
        content = open_content(self._sources, self.warn)
        events, features = content.events, content.features
        words = Words([stretch.buffer for stretch in content.stretches])
        records = self._read_records(content.stretches, words, events)
        content.refuse_without_samples(len(records.samples))
        index = index_samples(words, records.samples, events)
        state = self._replay(records, index, events, features)
        self._check(index, events)
        return self._assemble(words, index, events, state, features, records)

    def _read_records(self, stretches: list[Stretch], words: Words, events: EventTable) -> _Records:
        samples, records = [], _Records(np.empty(0, dtype=np.int64))
        for number, (buffer, found) in enumerate(stretches):
            base = words.base(number)
            sideband, throttled = read_sideband(buffer, found.others, base, events, self.warn)
            records.tasks.gather(buffer, found.others, events)
            samples.append(found.samples + base if base else found.samples)
            records.sideband += sideband
            records.throttled += throttled
            records.total += len(found)
        records.samples = samples[0] if len(samples) == 1 else np.concatenate(samples)
        return records

    def _replay(
        self, records: _Records, index: SampleIndex, events: EventTable, features: Features
    ) -> SideBandState:
        clock = Clock(index, events.has_time())
        state = apply_records(records.sideband, events, clock, features.build_ids)
        state.throttled = records.throttled
        if state.spaces.simplified:
            self.warn("too many remappings: late mappings were taken to hold from the beginning")
        return state

    def _check(self, index: SampleIndex, events: EventTable) -> None:
        if events.problem:
            self.warn(events.problem)
        if index.unknown_ids:
            self.warn(
                f"{counted(index.unknown_ids, 'sample')} of an unknown event {be(index.unknown_ids)} counted for the first"
            )
        if index.damaged:
            self.warn(
                f"{counted(index.damaged, 'sample')} {be(index.damaged)} too short for the event and left out"
            )

    def _assemble(
        self,
        words: Words,
        index: SampleIndex,
        events: EventTable,
        state: SideBandState,
        features: Features,
        records: _Records,
    ) -> Profile:
        samples = SampleColumns(words, index, events, state.spaces)
        if samples.damaged:
            self.warn(
                f"{counted(samples.damaged, 'damaged call chain')}: only the address of the sample itself is used"
            )
        truncated = samples.depth >= events.max_stacks()[index.event]
        comm = state.comms.lookup(samples.tid, samples.clock)
        tasks = records.tasks.columns(words, index, events, samples.tid, samples.clock)
        return Profile(
            path=self.path,
            events=events.rows(),
            event=index.event,
            pid=samples.pid,
            tid=samples.tid,
            cpu=samples.cpu,
            time=index.time,
            weight=samples.weight,
            comm=comm,
            comms=state.comms.names,
            stack_start=samples.stack_start,
            frames=samples.frames,
            truncated=truncated,
            locations=locations(samples.interner, state.spaces),
            mappings=state.spaces.mappings,
            totals=Totals(state.lost, state.throttled, int(np.count_nonzero(truncated)), records.total),
            metadata=features.metadata,
            warnings=tuple(self.warnings),
            user_stacks=read_user_stacks(
                words,
                index,
                events,
                state.spaces,
                features.metadata.get("arch", ""),
                samples.pid,
                samples.clock,
            ),
            link=read_links(words, index, events, features.metadata.get("arch", "")),
            **tasks._asdict(),
        )
