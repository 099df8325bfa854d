"""perf.data in file mode → Profile."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from goinspect._reader import Reader
from goinspect.errors import FileError, GoinspectError, TruncatedError, UnsupportedError
from goinspect.profiles.base import Profile, Totals
from goinspect.profiles.perfdata.columns import SampleIndex, index_samples
from goinspect.profiles.perfdata.events import EventTable, collect_ids
from goinspect.profiles.perfdata.features import Features, read_features
from goinspect.profiles.perfdata.header import (
    MAGICS,
    FileHeader,
    byteorder_of,
    is_unfinished,
    read_attrs,
    read_header,
)
from goinspect.profiles.perfdata.samples import Clock, SampleColumns, locations
from goinspect.profiles.perfdata.sideband import SideBandState, TimedRecord, apply_records, read_sideband
from goinspect.profiles.perfdata.source import Buffer, Words, map_file, releaser
from goinspect.profiles.perfdata.tasks import TaskRecords
from goinspect.profiles.perfdata.userstack import read_user_stacks
from goinspect.profiles.perfdata.walk import walk

if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["read", "sniff"]

_MAGIC_SIZE = 8


def sniff(head: bytes) -> bool | None:
    """Is this the start of a perf.data file? None: too short to tell."""
    if len(head) >= _MAGIC_SIZE:
        return head[:_MAGIC_SIZE] in MAGICS
    return None if any(magic.startswith(head) for magic in MAGICS) else False


def read(path: str | os.PathLike[str], *, warn: Callable[[str], None] | None = None) -> Profile:
    """Read a recording.

    Args:
        path: of a perf.data file in file mode.
        warn: called with each warning as it comes up; they are also in ``Profile.warnings``.

    Raises:
        GoinspectError: it is no perf.data file, is damaged at its start, or is of a kind not handled.
    """
    name = os.fspath(path)
    try:
        return _Recording(name, _map(name), warn).profile()
    except GoinspectError as error:
        raise error.about(name) from error


def _map(name: str) -> mmap.mmap:
    if Path(name).is_dir():
        raise UnsupportedError(
            "perf.data directory (perf record --threads) is not read yet: record without --threads"
        )
    try:
        with Path(name).open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise TruncatedError("perf.data: the file is empty or not a regular file", offset=0)
            return map_file(file.fileno())
    except (OSError, ValueError) as error:
        raise FileError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


@dataclass(slots=True)
class _Records:
    """What the walk over all buffers found."""

    samples: NDArray[np.int64]
    sideband: list[TimedRecord] = field(default_factory=list)
    throttled: int = 0
    total: int = 0
    tasks: TaskRecords = field(default_factory=TaskRecords)


class _Recording:
    """One reading of one file."""

    def __init__(self, path: str, mapped: mmap.mmap, warn: Callable[[str], None] | None) -> None:
        self.path = path
        self.warnings: list[str] = []
        self._tell = warn
        self._mapped = mapped
        data = memoryview(mapped)
        self.reader = Reader(data, byteorder_of(bytes(data[:_MAGIC_SIZE])), what="perf.data")

    def warn(self, message: str) -> None:
        self.warnings.append(message)
        if self._tell is not None:
            self._tell(message)

    def profile(self) -> Profile:
        header = read_header(self.reader)
        features = self._features(header)
        events = self._events(header, features)
        words = Words([self._data(header)])
        records = self._walk(words, events)
        index = index_samples(words, records.samples, events)
        state = self._replay(records, index, events, features)
        self._check(index, events, features)
        return self._assemble(words, index, events, state, features, records)

    def _features(self, header: FileHeader) -> Features:
        if header.data.end > self.reader.size or is_unfinished(self.reader, header):
            return Features()
        return read_features(self.reader, header, self.warn)

    def _events(self, header: FileHeader, features: Features) -> EventTable:
        recorded = read_attrs(self.reader, header)
        word = "<u8" if self.reader.byteorder == "little" else ">u8"
        ids = [
            np.frombuffer(self.reader.view(item.ids.offset, item.ids.size & ~7), dtype=word).astype(np.uint64)
            for item in recorded
        ]
        pairs, names = collect_ids(ids, features.events)
        return EventTable([item.attr for item in recorded], pairs, names)

    def _data(self, header: FileHeader) -> Buffer:
        """The data section, as far as it goes."""
        offset, end, size = header.data.offset, header.data.end, self.reader.size
        if offset > size:
            raise TruncatedError(f"perf.data: the file ends at {size:#x}, before its data", offset=offset)
        if is_unfinished(self.reader, header):
            self.warn(
                "the recorder did not finish this file: read up to its end, without names of events and machine"
            )
            end = size
        elif end > size:
            self.warn(f"the file is cut off: {size - offset} of {header.data.size} bytes of data are there")
            end = size
        return Buffer(
            self.reader.view(offset, end - offset), self.reader.byteorder, offset, releaser(self._mapped)
        )

    def _walk(self, words: Words, events: EventTable) -> _Records:
        samples, records = [], _Records(np.empty(0, dtype=np.int64))
        for number, buffer in enumerate(words.buffers):
            found = walk(buffer)
            if found.problem:
                self.warn(f"{found.problem}: stopped after {len(found)} records")
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

    def _check(self, index: SampleIndex, events: EventTable, features: Features) -> None:
        if events.problem:
            self.warn(events.problem)
        if index.unknown_ids:
            self.warn(f"{index.unknown_ids} samples of an unknown event are counted for the first")
        if index.damaged:
            self.warn(f"{index.damaged} samples are too short for their event and left out")
        if features.is_stat:
            self.warn("this is a recording of perf stat: it counts, it has no samples")

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
            self.warn(f"{samples.damaged} samples have a damaged call chain: only their own address is used")
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
            **tasks._asdict(),
        )
