"""When threads ran, and in which container: context switches, namespaces and cgroups.

Facts (``include/uapi/linux/perf_event.h``): SWITCH and SWITCH_CPU_WIDE say by bit 13 of misc which way it went, and by
their trailer which thread it was and when. NAMESPACES holds pid, tid, a count, and {dev, inode} of each namespace;
CGROUP the id that samples carry and the path.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.profiles.base import Switches
from goinspect.profiles.perfdata.comms import CommTable
from goinspect.profiles.perfdata.container.source import record_words
from goinspect.profiles.perfdata.tracepoints import scheduler_switches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from goinspect.profiles.perfdata.attr import TrailerLayout
    from goinspect.profiles.perfdata.columns import SampleIndex
    from goinspect.profiles.perfdata.container.source import Buffer, Words
    from goinspect.profiles.perfdata.events import EventTable

__all__ = ["TaskColumns", "TaskRecords"]

_SWITCH, _SWITCH_CPU_WIDE, _NAMESPACES, _CGROUP = 14, 15, 16, 19
_SWITCH_OUT = 1 << 13
_MOUNT = 5  # place of the mount namespace: net, uts, ipc, pid, user, mnt, cgroup
_MOST_PATHS = 1 << 16
_STEP = 1 << 16  # samples


class TaskColumns(NamedTuple):
    """What `TaskRecords` tells of samples: rows of names, -1 where unknown; None where nothing was recorded."""

    switches: Switches | None
    cgroup: NDArray[np.int32] | None
    cgroups: tuple[str, ...]
    namespace: NDArray[np.int32] | None
    namespaces: tuple[str, ...]


class TaskRecords:
    """Collects the records buffer by buffer, then makes columns of them."""

    def __init__(self) -> None:
        self._switches: list[tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.bool_]]] = []
        self._cgroups: dict[int, str] = {}
        self._namespaces: list[tuple[int, int, str]] = []  # time, thread, name

    def gather(self, buffer: Buffer, positions: NDArray[np.int64], events: EventTable) -> None:
        """Take what the records at these words tell, which need not be of the kinds that matter."""
        headers = buffer.words[positions]
        little = buffer.byteorder == "little"
        types = headers & np.uint64(0xFFFF_FFFF) if little else headers >> np.uint64(32)
        switch = (types == _SWITCH) | (types == _SWITCH_CPU_WIDE)
        if switch.any():
            self._gather_switches(buffer, positions[switch], headers[switch], events)
        for at, kind in zip(positions.tolist(), types.tolist(), strict=True) if self._some(types) else ():
            if kind in (_NAMESPACES, _CGROUP):
                self._read(buffer, at, kind, events)

    @staticmethod
    def _some(types: NDArray[np.uint64]) -> bool:
        return bool(((types == _NAMESPACES) | (types == _CGROUP)).any())

    def _gather_switches(
        self, buffer: Buffer, at: NDArray[np.int64], headers: NDArray[np.uint64], events: EventTable
    ) -> None:
        little = buffer.byteorder == "little"
        sizes = (headers >> np.uint64(48) if little else headers & np.uint64(0xFFFF)).astype(np.int64) >> 3
        out = headers >> np.uint64(32 if little else 16) & np.uint64(_SWITCH_OUT) != 0
        end = at + sizes
        for trailer, members in _by_trailer(buffer, end, sizes, events):
            if trailer.tid is None or trailer.time is None:
                continue
            whole = members[8 * (sizes[members] - 1) >= trailer.size]
            pairs = buffer.words[end[whole] - trailer.tid // 8].astype(np.uint64)
            tids = pairs >> np.uint64(32) if little else pairs & np.uint64(0xFFFF_FFFF)
            times = buffer.words[end[whole] - trailer.time // 8].astype(np.uint64)
            self._switches.append((times, tids.astype(np.uint32).view(np.int32), out[whole]))

    def _read(self, buffer: Buffer, at: int, kind: int, events: EventTable) -> None:
        mark = "<" if buffer.byteorder == "little" else ">"
        begin = 8 * at
        (size,) = struct.unpack_from(mark + "H", buffer.data, begin + 6)
        body = bytes(buffer.data[begin + 8 : begin + size])
        trailer = events.trailer()
        if kind == _CGROUP and len(body) >= 8 + trailer.size:
            path = body[8:].split(b"\0", 1)[0].decode("utf-8", "replace")
            if len(self._cgroups) < _MOST_PATHS:
                self._cgroups[struct.unpack_from(mark + "Q", body)[0]] = path
        elif kind == _NAMESPACES and len(body) >= 16:
            _, tid, count = struct.unpack_from(mark + "iiQ", body)
            inode_at = 16 + 16 * _MOUNT + 8
            if count > _MOUNT and len(body) >= inode_at + 8 + trailer.size:
                (inode,) = struct.unpack_from(mark + "Q", body, inode_at)
                time = 0
                if trailer.time is not None:
                    (time,) = struct.unpack_from(mark + "Q", body, len(body) - trailer.time)
                self._namespaces.append((time, tid, f"mnt:[{inode}]"))

    def columns(
        self,
        words: Words,
        index: SampleIndex,
        events: EventTable,
        tids: NDArray[np.int32],
        clock: NDArray[np.uint64],
    ) -> TaskColumns:
        """What holds for each sample. ``clock`` is what decides which records came before a sample."""
        cgroup, cgroups = self._cgroup_column(words, index, events)
        table = CommTable(unnamed="?")
        for time, tid, name in sorted(self._namespaces, key=lambda item: item[0]):
            table.rename(tid, name, time)
        namespace = table.lookup(tids, clock) if self._namespaces else None
        switches = self._all_switches() if self._switches else scheduler_switches(words, index, events, tids)
        return TaskColumns(switches, cgroup, cgroups, namespace, table.names)

    def _all_switches(self) -> Switches:
        time, tid, out = (np.concatenate(parts) for parts in zip(*self._switches, strict=True))
        order = np.argsort(time, kind="stable")
        return Switches(time[order], tid[order], out[order])

    def _cgroup_column(
        self, words: Words, index: SampleIndex, events: EventTable
    ) -> tuple[NDArray[np.int32] | None, tuple[str, ...]]:
        if not self._cgroups or not events.has_cgroups():
            return None, ()
        ids = np.array(sorted(self._cgroups), dtype=np.uint64)
        column = np.full(len(index.position), -1, dtype=np.int32)
        for begin in range(0, len(column), _STEP):
            position, event = index.position[begin : begin + _STEP], index.event[begin : begin + _STEP]
            sizes = record_words(words, position)
            for layout, members in events.by_layout(event):
                if layout.cgroup is None:
                    continue
                here, room = position[members], sizes[members] - layout.cgroup
                fits = room >= layout.words
                wanted = words.take(np.where(fits, here + room, here))
                found = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
                known = fits & (ids[found] == wanted)
                column[begin : begin + _STEP][members] = np.where(known, found, -1)
        words.release()
        return column, tuple(self._cgroups[number] for number in ids.tolist())


def _by_trailer(
    buffer: Buffer, end: NDArray[np.int64], sizes: NDArray[np.int64], events: EventTable
) -> Iterator[tuple[TrailerLayout, NDArray[np.intp]]]:
    """The records that have each layout: several events may append different fields."""
    distance = events.identifier_in_trailer
    if distance is None:
        yield events.trailer(), np.arange(len(end))
        return
    fits = np.flatnonzero(8 * (sizes - 1) >= distance)
    ids = buffer.words[end[fits] - distance // 8].astype(np.uint64)
    for layout, members in events.by_trailer(ids):
        yield layout, fits[members]
