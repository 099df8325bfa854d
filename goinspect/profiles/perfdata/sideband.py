"""Everything but samples: mappings, thread names, forks and losses, put into the order in which they happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._words import be, counted
from goinspect.errors import TruncatedError
from goinspect.maps import KERNEL_PID, KERNEL_SYMBOL, AddressSpaces
from goinspect.model import Mapping
from goinspect.profiles.perfdata.comms import CommTable
from goinspect.profiles.perfdata.records import (
    Comm,
    EventName,
    Exit,
    Fork,
    KernelSymbol,
    Lost,
    Mmap,
    RecordParser,
    RecordType,
    SideBand,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Mapping as Dict

    from numpy.typing import NDArray

    from goinspect.profiles.perfdata.container.source import Buffer
    from goinspect.profiles.perfdata.events import EventTable

__all__ = ["SideBandState", "TimedRecord", "apply_records", "read_sideband"]

_TASK_TYPES = (RecordType.FORK, RecordType.EXIT)
_ALWAYS_FROM_PERF = 64  # types from here on are written by perf itself and have no trailer
_KERNEL_REFERENCE = "[kernel.kallsyms]"


class TimedRecord(NamedTuple):
    """A side-band record; ``time`` None: it does not tell. ``position``: its word in the recording."""

    time: int | None
    position: int
    record: SideBand


@dataclass(slots=True)
class Losses:
    """What did not fit the kernel's buffer.

    The kernel tells with the next record that fits; at the end perf adds what the counters say, without a time: the
    same losses again, but for other records than samples.
    """

    told: int = 0
    summed_up: int = 0

    def add(self, record: Lost, time: int) -> None:
        """Count a record of that time."""
        if record.samples and not time:
            self.summed_up += record.lost
        else:
            self.told += record.lost

    @property
    def total(self) -> int:
        """How many, each once."""
        return max(self.told, self.summed_up)


@dataclass(slots=True)
class SideBandState:
    """What the records add up to."""

    spaces: AddressSpaces = field(default_factory=AddressSpaces)
    comms: CommTable = field(default_factory=CommTable)
    losses: Losses = field(default_factory=Losses)
    throttled: int = 0

    @property
    def lost(self) -> int:
        """Records that did not fit the kernel's buffer."""
        return self.losses.total


def read_sideband(
    buffer: Buffer, positions: NDArray[np.int64], base: int, events: EventTable, warn: Callable[[str], None]
) -> tuple[list[TimedRecord], int]:
    """Parse the records at these words that matter; also the number of THROTTLE records."""
    headers = buffer.words[positions]
    types = (
        headers & np.uint64(0xFFFF_FFFF) if buffer.byteorder == "little" else headers >> np.uint64(32)
    ).astype(np.int64)
    if (types == RecordType.AUXTRACE).any():
        warn("hardware trace data (AUX area) is not decoded: `perf inject --itrace` makes samples of it")
    parser = _TrailerParser(buffer, events)
    records, damaged = [], 0
    for at in positions[np.isin(types, parser.types)].tolist():
        try:
            record = parser.read(at, base)
        except TruncatedError:
            damaged += 1
        else:
            records.extend([record] if record else [])
    if damaged:
        warn(f"{counted(damaged, 'record')} other than samples {be(damaged)} damaged and left out")
    return records, int(np.count_nonzero(types == RecordType.THROTTLE))


class _TrailerParser:
    """Splits records into body and trailer."""

    def __init__(self, buffer: Buffer, events: EventTable) -> None:
        self._data = buffer.data
        self._parser = RecordParser(buffer.byteorder)
        self._byteorder = buffer.byteorder
        self._events = events
        self._identifier = events.identifier_in_trailer
        self.types = self._parser.types

    def read(self, at: int, base: int) -> TimedRecord | None:
        begin = 8 * at
        kind = int.from_bytes(self._data[begin : begin + 4], self._byteorder)
        misc = int.from_bytes(self._data[begin + 4 : begin + 6], self._byteorder)
        size = int.from_bytes(self._data[begin + 6 : begin + 8], self._byteorder)
        body = bytes(self._data[begin + 8 : begin + size])
        time = None
        if kind < _ALWAYS_FROM_PERF:
            trailer = self._events.trailer(self._parser.u64_before_end(body, self._identifier))
            time = self._parser.u64_before_end(body, trailer.time)
            if time is None and kind in _TASK_TYPES:
                time = self._parser.time_of_task(body)
            body = body[: max(0, len(body) - trailer.size)]
        record = self._parser.parse(kind, misc, body)
        return None if record is None else TimedRecord(time, base + at, record)


def apply_records(
    records: list[TimedRecord], events: EventTable, clock: Callable[[int], int], build_ids: Dict[str, str]
) -> SideBandState:
    """Replay the records in time order.

    Args:
        records: in file order.
        events: gets the names that records tell.
        clock: the time that counts for a word of the recording, where a record does not tell its own.
        build_ids: by path, for mappings that do not tell theirs.
    """
    state = SideBandState()
    dated = [
        (clock(item.position) if time is None else time, item.position, item.record)
        for item, time in zip(records, _beginnings(records), strict=True)
    ]
    for time, _, record in sorted(dated, key=lambda item: item[:2]):
        match record:
            case Mmap():
                _map(state.spaces, record, time, build_ids)
            case Comm():
                state.comms.rename(record.tid, record.name, time)
                if record.exec:
                    state.spaces.exec(record.pid, time)
            case Fork():
                state.comms.fork(record.tid, record.parent_tid, time)
                if record.pid != record.parent_pid and not record.synthesized:
                    state.spaces.fork(record.pid, record.parent_pid, time)
            case Exit() if record.pid == record.tid:
                state.spaces.exit(record.pid)
            case Lost():
                state.losses.add(record, time)
            case KernelSymbol() if record.registered:
                _map_kernel_symbol(state.spaces, record, time)
            case EventName():
                events.rename(record.id, record.name)
    return state


def _map(spaces: AddressSpaces, record: Mmap, time: int, build_ids: Dict[str, str]) -> None:
    kernel = record.pid == KERNEL_PID
    if record.guest:  # a virtual machine's addresses mean nothing among the host's
        return
    listed = _KERNEL_REFERENCE if record.path.startswith(_KERNEL_REFERENCE) else record.path
    spaces.mmap(
        Mapping(
            start=record.start,
            end=record.start + record.length,
            pgoff=record.pgoff,
            path=record.path,
            build_id=record.build_id or build_ids.get(listed, ""),
            pid=record.pid,
            executable=record.executable,
            kernel=kernel,
            inode=record.inode,
            identified=bool(record.build_id),
        ),
        time,
    )


def _map_kernel_symbol(spaces: AddressSpaces, record: KernelSymbol, time: int) -> None:
    """What is registered stays until something else takes its place: nothing runs there in between."""
    end = record.start + record.length
    path = KERNEL_SYMBOL + record.name
    spaces.mmap(Mapping(record.start, end, record.start, path, pid=KERNEL_PID, kernel=True), time)


def _beginnings(records: list[TimedRecord]) -> Iterator[int | None]:
    """The time from which each record holds; None for one that does not tell.

    What perf finds in /proc has the time 0. Told before the data (as usual), it holds from the beginning. Told behind
    it (``--tail-synthesize``), it is how things stood at the end: true since the process last changed its program.
    """
    programs: dict[int, int] = {}  # process → time of its last exec or fork so far
    names: dict[int, int] = {}  # thread → time at which it last got a name
    for time, _, record in records:
        if time:
            if isinstance(record, Comm | Fork):
                names[record.tid] = max(time, names.get(record.tid, 0))
            if (isinstance(record, Comm) and record.exec) or (
                isinstance(record, Fork) and record.pid != record.parent_pid
            ):
                programs[record.pid] = max(time, programs.get(record.pid, 0))
            yield time
        elif time is None:
            yield None
        elif isinstance(record, Mmap):
            yield programs.get(record.pid, 0)
        else:
            yield names.get(record.tid, 0) if isinstance(record, Comm) else 0
