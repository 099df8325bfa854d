"""Record types and the side-band records that matter for naming samples.

Facts: ``enum perf_event_type`` in ``include/uapi/linux/perf_event.h`` (types below 64, written by the kernel) and
``enum perf_user_event_type`` in ``tools/lib/perf/include/perf/event.h`` (the rest, written by perf).
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import TruncatedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect._reader import ByteOrder

__all__ = [
    "Comm",
    "CpuMode",
    "EventName",
    "Exit",
    "Fork",
    "Lost",
    "Mmap",
    "RecordParser",
    "RecordType",
    "SideBand",
]


class RecordType(IntEnum):
    """perf_event_header.type."""

    MMAP = 1
    LOST = 2
    COMM = 3
    EXIT = 4
    THROTTLE = 5
    FORK = 7
    SAMPLE = 9
    MMAP2 = 10
    LOST_SAMPLES = 13
    KSYMBOL = 17
    HEADER_TRACING_DATA = 66
    AUXTRACE = 71
    EVENT_UPDATE = 78
    COMPRESSED = 81
    COMPRESSED2 = 83


class CpuMode(IntEnum):
    """perf_event_header.misc, bits 0-2."""

    UNKNOWN = 0
    KERNEL = 1
    USER = 2
    HYPERVISOR = 3
    GUEST_KERNEL = 4
    GUEST_USER = 5


CPU_MODE_MASK = 7
_MISC_MMAP_DATA = _MISC_COMM_EXEC = _MISC_FORK_EXEC = 1 << 13
_MISC_MMAP_BUILD_ID = 1 << 14
_UPDATE_NAME = 2  # PERF_EVENT_UPDATE__NAME
_MAX_BUILD_ID = 20


class Mmap(NamedTuple):
    """A mapping [start, start + length) of a file from byte `pgoff` on. pid -1: the kernel."""

    pid: int
    start: int
    length: int
    pgoff: int
    path: str
    build_id: str
    executable: bool
    guest: bool
    inode: int = 0  # device and inode number as one number; 0: not told


class Comm(NamedTuple):
    """A thread got a name; by exec(2) when `exec`."""

    pid: int
    tid: int
    name: str
    exec: bool


class Fork(NamedTuple):
    """A new process (`pid` differs from `parent_pid`) or a new thread.

    ``synthesized``: perf tells of one that was there already; what it has mapped follows.
    """

    pid: int
    parent_pid: int
    tid: int
    parent_tid: int
    synthesized: bool = False


class Exit(NamedTuple):
    """A thread ended."""

    pid: int
    tid: int


class Lost(NamedTuple):
    """`lost` records, or `samples`, did not fit the kernel's buffer."""

    lost: int
    samples: bool = False


class EventName(NamedTuple):
    """perf tells the name of the event that has this id."""

    id: int
    name: str


class KernelSymbol(NamedTuple):
    """Code that the kernel made while running: a BPF program, a trampoline. Not `registered`: it is gone."""

    start: int
    length: int
    name: str
    registered: bool


SideBand = Mmap | Comm | Fork | Exit | Lost | EventName | KernelSymbol


class RecordParser:
    """Turns the bytes of one record into a side-band record. Bodies are the bytes between header and trailer."""

    def __init__(self, byteorder: ByteOrder) -> None:
        mark = "<" if byteorder == "little" else ">"
        self._mmap = struct.Struct(mark + "iIQQQ")
        self._mmap2_tail = struct.Struct(mark + "24sII")
        self._pair = struct.Struct(mark + "ii")
        self._task = struct.Struct(mark + "iiiiQ")
        self._u64 = struct.Struct(mark + "Q")
        self._u64_pair = struct.Struct(mark + "QQ")
        self._inode = struct.Struct(mark + "IIQ")
        self._ksymbol = struct.Struct(mark + "QIHH")
        self._parsers: dict[RecordType, Callable[[int, bytes], SideBand | None]] = {
            RecordType.MMAP: self._parse_mmap,
            RecordType.MMAP2: self._parse_mmap2,
            RecordType.COMM: self._parse_comm,
            RecordType.FORK: self._parse_fork,
            RecordType.EXIT: self._parse_exit,
            RecordType.LOST: self._parse_lost,
            RecordType.LOST_SAMPLES: self._parse_lost_samples,
            RecordType.EVENT_UPDATE: self._parse_event_update,
            RecordType.KSYMBOL: self._parse_ksymbol,
        }

    @property
    def types(self) -> list[int]:
        """The record types that `parse` knows."""
        return [int(kind) for kind in self._parsers]

    def parse(self, kind: int, misc: int, body: bytes) -> SideBand | None:
        """The record, or None when it says nothing of use. Raises TruncatedError when it is too short."""
        try:
            return self._parsers[RecordType(kind)](misc, body)
        except struct.error as error:
            raise TruncatedError(
                f"perf.data: record of type {kind} with {len(body)} bytes: {error}"
            ) from error

    def time_of_task(self, body: bytes) -> int | None:
        """FORK and EXIT tell their time even where records have no trailer."""
        return int(self._task.unpack_from(body)[4]) if len(body) >= self._task.size else None

    def u64_before_end(self, body: bytes, distance: int | None) -> int | None:
        """The number `distance` bytes before the end of a record."""
        if distance is None or distance > len(body):
            return None
        return int(self._u64.unpack_from(body, len(body) - distance)[0])

    def _parse_mmap(self, misc: int, body: bytes) -> Mmap:
        pid, _, start, length, pgoff = self._mmap.unpack_from(body)
        return Mmap(
            pid, start, length, pgoff, _text(body, 32), "", not misc & _MISC_MMAP_DATA, _is_guest(misc)
        )

    def _parse_mmap2(self, misc: int, body: bytes) -> Mmap:
        pid, _, start, length, pgoff = self._mmap.unpack_from(body)
        identity, _, _ = self._mmap2_tail.unpack_from(body, 32)
        build_id, inode = "", 0
        if misc & _MISC_MMAP_BUILD_ID:
            build_id = identity[4 : 4 + min(identity[0], _MAX_BUILD_ID)].hex()
        else:
            major, minor, number = self._inode.unpack_from(identity)
            inode = major << 96 | minor << 64 | number if number else 0
        executable = not misc & _MISC_MMAP_DATA
        return Mmap(pid, start, length, pgoff, _text(body, 64), build_id, executable, _is_guest(misc), inode)

    def _parse_comm(self, misc: int, body: bytes) -> Comm:
        pid, tid = self._pair.unpack_from(body)
        return Comm(pid, tid, _text(body, 8), bool(misc & _MISC_COMM_EXEC))

    def _parse_fork(self, misc: int, body: bytes) -> Fork:
        pid, parent_pid, tid, parent_tid, _ = self._task.unpack_from(body)
        return Fork(pid, parent_pid, tid, parent_tid, bool(misc & _MISC_FORK_EXEC))

    def _parse_exit(self, _: int, body: bytes) -> Exit:
        pid, _, tid, _, _ = self._task.unpack_from(body)
        return Exit(pid, tid)

    def _parse_lost(self, _: int, body: bytes) -> Lost:
        return Lost(self._u64_pair.unpack_from(body)[1])

    def _parse_lost_samples(self, _: int, body: bytes) -> Lost:
        return Lost(self._u64.unpack_from(body)[0], samples=True)

    def _parse_event_update(self, _: int, body: bytes) -> EventName | None:
        kind, event_id = self._u64_pair.unpack_from(body)
        return EventName(event_id, _text(body, 16)) if kind == _UPDATE_NAME else None

    def _parse_ksymbol(self, _: int, body: bytes) -> KernelSymbol:
        start, length, _, flags = self._ksymbol.unpack_from(body)
        return KernelSymbol(start, length, _text(body, 16), not flags & 1)


def _is_guest(misc: int) -> bool:
    return misc & CPU_MODE_MASK in (CpuMode.GUEST_KERNEL, CpuMode.GUEST_USER)


def _text(body: bytes, start: int) -> str:
    """The NUL-terminated string from `start` on; up to the end of the body when there is no NUL."""
    return body[start:].split(b"\0", 1)[0].decode("utf-8", "replace")
