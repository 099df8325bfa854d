"""perf_event_attr and the layout of the records it asks for.

Facts: kernel ``include/uapi/linux/perf_event.h`` (struct perf_event_attr, enum perf_event_sample_format) and, for the
order of the fields of a sample, ``perf_output_sample()`` in ``kernel/events/core.c``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import MalformedError

if TYPE_CHECKING:
    from goinspect._reader import Reader

__all__ = ["Attr", "ReadFormat", "SampleLayout", "SampleType", "TrailerLayout", "read_attr"]

MIN_ATTR_SIZE = 64  # PERF_ATTR_SIZE_VER0
DEFAULT_MAX_STACK = 127  # PERF_MAX_STACK_DEPTH, the default of kernel.perf_event_max_stack

_FLAG_FREQ = 10
_FLAG_SAMPLE_ID_ALL = 18
_AT_BRANCH, _AT_REGS_USER, _AT_MAX_STACK = 72, 80, 108
_BRANCH_HW_INDEX, _BRANCH_COUNTERS = 1 << 17, 1 << 19  # of branch_sample_type
_TYPE_SOFTWARE = 1
_TYPE_TRACEPOINT = 2
_CLOCKS = (0, 1)  # PERF_COUNT_SW_CPU_CLOCK, PERF_COUNT_SW_TASK_CLOCK


class SampleType(IntFlag):
    """Bits of attr.sample_type that decide where a field of a sample is."""

    IP = 1 << 0
    TID = 1 << 1
    TIME = 1 << 2
    ADDR = 1 << 3
    READ = 1 << 4
    CALLCHAIN = 1 << 5
    ID = 1 << 6
    CPU = 1 << 7
    PERIOD = 1 << 8
    STREAM_ID = 1 << 9
    RAW = 1 << 10
    BRANCH_STACK = 1 << 11
    REGS_USER = 1 << 12
    STACK_USER = 1 << 13
    IDENTIFIER = 1 << 16
    AUX = 1 << 20
    CGROUP = 1 << 21
    DATA_PAGE_SIZE = 1 << 22
    CODE_PAGE_SIZE = 1 << 23
    WEIGHT_STRUCT = 1 << 24  # the last one known


class ReadFormat(IntFlag):
    """Bits of attr.read_format."""

    ENABLED = 1 << 0
    RUNNING = 1 << 1
    ID = 1 << 2
    GROUP = 1 << 3
    LOST = 1 << 4


_S = SampleType
_R = ReadFormat
_FIXED_FIELDS = (_S.IDENTIFIER, _S.IP, _S.TID, _S.TIME, _S.ADDR, _S.ID, _S.STREAM_ID, _S.CPU, _S.PERIOD)
_TRAILER_FIELDS = (_S.TID, _S.TIME, _S.ID, _S.STREAM_ID, _S.CPU, _S.IDENTIFIER)

_HARDWARE_NAMES = (
    "cycles", "instructions", "cache-references", "cache-misses", "branches", "branch-misses", "bus-cycles",
    "stalled-cycles-frontend", "stalled-cycles-backend", "ref-cycles",
)  # fmt: skip
_SOFTWARE_NAMES = (
    "cpu-clock", "task-clock", "page-faults", "context-switches", "cpu-migrations", "minor-faults", "major-faults",
    "alignment-faults", "emulation-faults", "dummy", "bpf-output", "cgroup-switches",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attr:
    """What one event was asked to record. ``sample_period`` counts events, or Hz when ``is_frequency``."""

    type: int
    config: int
    sample_period: int
    sample_type: int
    read_format: int
    is_frequency: bool
    sample_id_all: bool
    max_stack: int
    branch_sample_type: int = 0
    sample_regs_user: int = 0

    @property
    def unit(self) -> str:
        """What a period counts: "ns" for the clocks, else "count"."""
        return "ns" if self.type == _TYPE_SOFTWARE and self.config in _CLOCKS else "count"

    @property
    def is_tracepoint(self) -> bool:
        """Does a sample carry the fields of a tracepoint?"""
        return self.type == _TYPE_TRACEPOINT and bool(self.sample_type & _S.RAW)

    @property
    def fixed_period(self) -> int | None:
        """The weight of every sample when samples carry none."""
        if self.sample_type & _S.PERIOD:
            return None
        return 1 if self.is_frequency else max(1, self.sample_period)

    @property
    def default_name(self) -> str:
        """A name from type and config, for recordings that carry none."""
        names = {0: _HARDWARE_NAMES, 1: _SOFTWARE_NAMES}.get(self.type, ())
        config = self.config & 0xFF
        return names[config] if config < len(names) else f"event type {self.type} config {self.config:#x}"


def read_attr(reader: Reader, offset: int, limit: int) -> Attr:
    """Read a perf_event_attr of any size; fields past what the recorder wrote count as 0.

    Args:
        reader: over the file.
        offset: of the attr.
        limit: bytes that can belong to it, whatever it says of its own size.
    """
    size = reader.u32(offset + 4) or MIN_ATTR_SIZE
    if size < MIN_ATTR_SIZE or size > limit:
        raise MalformedError(
            f"{reader.what}: perf_event_attr of {size} bytes, expected {MIN_ATTR_SIZE} to {limit}",
            offset=reader.origin + offset + 4,
        )
    flags = reader.u64(offset + 40)
    return Attr(
        type=reader.u32(offset),
        config=reader.u64(offset + 8),
        sample_period=reader.u64(offset + 16),
        sample_type=reader.u64(offset + 24),
        read_format=reader.u64(offset + 32),
        is_frequency=_flag(flags, _FLAG_FREQ, reader.byteorder),
        sample_id_all=_flag(flags, _FLAG_SAMPLE_ID_ALL, reader.byteorder),
        max_stack=reader.u16(offset + _AT_MAX_STACK) if size >= _AT_MAX_STACK + 2 else 0,
        branch_sample_type=reader.u64(offset + _AT_BRANCH) if size >= _AT_BRANCH + 8 else 0,
        sample_regs_user=reader.u64(offset + _AT_REGS_USER) if size >= _AT_REGS_USER + 8 else 0,
    )


def _flag(flags: int, bit: int, byteorder: str) -> bool:
    """C bit-fields start at the least significant bit on little-endian machines, at the most significant on big."""
    return bool(flags >> (bit if byteorder == "little" else 63 - bit) & 1)


class DumpLayout(NamedTuple):
    """What lies between call chain and registers, and which registers there are. ``branch``: words before and for each entry."""

    raw: bool
    branch: tuple[int, int] | None
    registers: int
    stack: bool

    @classmethod
    def of(cls, sample_type: int, branch_sample_type: int, registers: int) -> DumpLayout | None:
        """The layout that these bits ask for; None where a sample has no registers of user code."""
        if not sample_type & _S.REGS_USER:
            return None
        branch = None
        if sample_type & _S.BRANCH_STACK:
            before = 1 + bool(branch_sample_type & _BRANCH_HW_INDEX)
            branch = (before, 3 + bool(branch_sample_type & _BRANCH_COUNTERS))
        return cls(bool(sample_type & _S.RAW), branch, registers, bool(sample_type & _S.STACK_USER))


@dataclass(frozen=True, slots=True)
class SampleLayout:
    """Where the fields of a SAMPLE record are, in 64-bit words from its header (word 0). None: not recorded.

    ``chain`` is the word that counts the call chain. When ``group`` is set, ``entry_words`` words for each of the
    values counted by the word at ``group`` come before it (PERF_FORMAT_GROUP). ``words`` is the least size.
    ``cgroup`` is counted from the end of the record, where fields of any length lie before it.
    """

    identifier: int | None
    ip: int | None
    tid: int | None
    time: int | None
    id: int | None
    cpu: int | None
    period: int | None
    group: int | None
    entry_words: int
    chain: int | None
    words: int
    cgroup: int | None = None
    dump: DumpLayout | None = None  # registers of user code, and its stack

    @classmethod
    def of(
        cls, sample_type: int, read_format: int, branch_sample_type: int = 0, registers: int = 0
    ) -> SampleLayout:
        """The layout that these bits ask for."""
        at: dict[SampleType, int] = {}
        word = 1
        for bit in _FIXED_FIELDS:
            if sample_type & bit:
                at[bit] = word
                word += 1
        group, entry_words = None, 0
        if sample_type & _S.READ:
            if read_format & _R.GROUP:
                group, entry_words = word, 1 + (read_format & (_R.ID | _R.LOST)).bit_count()
                word += 1 + (read_format & (_R.ENABLED | _R.RUNNING)).bit_count()
            else:
                word += 1 + (read_format & (_R.ENABLED | _R.RUNNING | _R.ID | _R.LOST)).bit_count()
        has_chain = bool(sample_type & _S.CALLCHAIN)
        return cls(
            at.get(_S.IDENTIFIER), at.get(_S.IP), at.get(_S.TID), at.get(_S.TIME), at.get(_S.ID), at.get(_S.CPU),
            at.get(_S.PERIOD), group, entry_words, word if has_chain else None, word + has_chain,
            _cgroup_from_end(sample_type), DumpLayout.of(sample_type, branch_sample_type, registers),
        )  # fmt: skip


def _cgroup_from_end(sample_type: int) -> int | None:
    """Behind the cgroup come only the page sizes, and AUX of unknown length."""
    if not sample_type & _S.CGROUP or sample_type & _S.AUX or sample_type >= 2 * _S.WEIGHT_STRUCT:
        return None
    return 1 + (sample_type & (_S.DATA_PAGE_SIZE | _S.CODE_PAGE_SIZE)).bit_count()


@dataclass(frozen=True, slots=True)
class TrailerLayout:
    """sample_id: what the kernel appends to every record that is not a sample. Bytes, counted from the record's end."""

    size: int
    time: int | None
    identifier: int | None
    tid: int | None = None

    @classmethod
    def of(cls, attr: Attr) -> TrailerLayout:
        """The layout of the trailers of an event."""
        if not attr.sample_id_all:
            return cls(0, None, None)
        bits = [bit for bit in _TRAILER_FIELDS if attr.sample_type & bit]
        ends = {bit: 8 * (len(bits) - index) for index, bit in enumerate(bits)}
        return cls(8 * len(bits), ends.get(_S.TIME), ends.get(_S.IDENTIFIER), ends.get(_S.TID))
