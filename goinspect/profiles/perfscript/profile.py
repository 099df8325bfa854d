"""Samples of ``perf script`` as a Profile.

perf prints of a user address in a call chain what it is in its file, an offset; older versions, and the line of a
sample without a chain, tell the address at run time. Where ``--show-mmap-events`` says what was mapped
where, that decides. Otherwise the file itself can tell, if it is found: see `goinspect.profiles.base`.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from goinspect.model import Mapping
from goinspect.profiles.base import (
    KIND_GUEST,
    KIND_KERNEL,
    KIND_USER,
    UNPLACED,
    UNPLACED_ADDRESS,
    Event,
    Locations,
    Profile,
    Totals,
)
from goinspect.profiles.perfscript.grammar import parse_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.profiles.perfscript.grammar import Range

__all__ = ["Columns", "build"]

_TOP = 1 << 64
_KERNEL_HALF = 1 << 63
_MAX_STACK = 127  # PERF_MAX_STACK_DEPTH
_CLOCKS = ("cpu-clock", "task-clock")
_MODULE = (".ko", ".ko.gz", ".ko.xz", ".ko.zst")
_WORK = 1 << 28  # comparisons of addresses with mappings
_CHAINED, _SINGLE, _OFFSET = range(3)  # printed in a chain; behind a sample; as an offset


@dataclass(slots=True)
class Columns:
    """What the text said, in its order. Frames are rows of ``lines``, -1 is none."""

    starts: array[int] = field(default_factory=lambda: array("q"))
    frames: array[int] = field(default_factory=lambda: array("i"))
    event: array[int] = field(default_factory=lambda: array("H"))
    comm: array[int] = field(default_factory=lambda: array("i"))
    pid: array[int] = field(default_factory=lambda: array("i"))
    tid: array[int] = field(default_factory=lambda: array("i"))
    cpu: array[int] = field(default_factory=lambda: array("i"))
    time: array[int] = field(default_factory=lambda: array("Q"))
    weight: array[int] = field(default_factory=lambda: array("Q"))
    ends_at: int = 0
    lines: list[bytes] = field(default_factory=list)
    events: list[bytes] = field(default_factory=list)
    comms: list[bytes] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    unweighted: int = 0  # samples without a period
    lost: int = 0
    throttled: int = 0
    metadata: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class _Lines:
    """The distinct frames, by columns."""

    def __init__(self, lines: list[bytes]) -> None:
        count = len(lines)
        address, file, name = [0] * count, [-1] * count, [-1] * count
        kinds, form = bytearray(count), bytearray(count)
        files: dict[tuple[str, int], int] = {}
        names: dict[tuple[str, ...], int] = {}
        for row, line in enumerate(lines):
            if b"\n" in line:
                printed = [parse_frame(part) for part in line.split(b"\n") if part]
                last = printed[-1]
                calls = tuple(part.name for part in reversed(printed) if part.name)
            else:
                last = parse_frame(line)
                calls = (last.name,) if last.name else ()
            address[row] = last.address if last.file_offset is None else last.file_offset
            if last.file_offset is not None:
                form[row] = _OFFSET
            elif line.startswith(b"\n"):
                form[row] = _SINGLE
            kinds[row] = kind = _kind(last.file, last.address)
            if last.file:
                file[row] = files.setdefault((last.file, kind), len(files))
            if calls:
                name[row] = names.setdefault(calls, len(names))
        self.address = np.array(address, dtype=np.uint64)
        self.file, self.name = np.array(file, dtype=np.int32), np.array(name, dtype=np.int32)
        self.kind, self.form = np.frombuffer(kinds, dtype=np.uint8), np.frombuffer(form, dtype=np.uint8)
        self.files, self.names = tuple(file for file, _ in files), tuple(names)


def _kind(file: str, address: int) -> int:
    if file.startswith("[guest"):
        return KIND_GUEST
    kernel = address >= _KERNEL_HALF or file.startswith("[kernel") or file.endswith(_MODULE)
    return KIND_KERNEL if kernel else KIND_USER


def build(columns: Columns, path: str) -> Profile:
    """The profile of these samples."""
    lines = _Lines(columns.lines)
    starts, frames = _stacks(columns)
    first = np.zeros(len(frames), dtype=np.bool_)
    first[starts[:-1][np.diff(starts) > 0]] = True
    above = np.zeros(len(frames), dtype=np.bool_)  # the frame before it is of the kernel
    kernel = lines.kind[frames] == KIND_KERNEL
    above[1:] = kernel[:-1]
    exact = first | (above & ~kernel)
    locations, numbers, mappings = _locations(lines, frames * 2 + exact, columns)
    tid = np.frombuffer(columns.tid, dtype=np.int32)
    depth = np.diff(starts)
    unweighted = columns.unweighted == len(columns.starts)
    return Profile(
        path=path,
        events=tuple(_event(name, unweighted) for name in columns.events),
        event=np.frombuffer(columns.event, dtype=np.uint16),
        pid=np.frombuffer(columns.pid, dtype=np.int32),
        tid=tid,
        cpu=np.frombuffer(columns.cpu, dtype=np.int32),
        time=np.frombuffer(columns.time, dtype=np.uint64),
        weight=np.frombuffer(columns.weight, dtype=np.uint64),
        comm=np.frombuffer(columns.comm, dtype=np.int32),
        comms=tuple(comm.decode("utf-8", "backslashreplace") for comm in columns.comms),
        stack_start=starts,
        frames=numbers,
        truncated=depth >= _MAX_STACK,
        locations=locations,
        mappings=mappings,
        totals=Totals(
            columns.lost, columns.throttled, int(np.count_nonzero(depth >= _MAX_STACK)), len(starts) - 1
        ),
        metadata=columns.metadata,
        warnings=tuple(columns.warnings),
        names=lines.names,
    )


def _event(name: bytes, unweighted: bool) -> Event:
    text = name.decode("utf-8", "backslashreplace") or "samples"
    if unweighted:
        return Event(text, "samples")
    return Event(text, "ns" if text.partition(":")[0] in _CLOCKS else "count")


def _stacks(columns: Columns) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Where the stacks start, and their frames, without the lines that are none."""
    starts = np.array([*columns.starts, columns.ends_at], dtype=np.int64)
    frames = np.frombuffer(columns.frames, dtype=np.int32) if columns.frames else np.empty(0, np.int32)
    keep = frames >= 0
    if not keep.all():
        before = np.zeros(len(frames) + 1, dtype=np.int64)
        np.cumsum(keep, out=before[1:])
        starts, frames = before[starts], frames[keep]
    return starts, frames


def _locations(
    lines: _Lines, keys: NDArray[np.int32], columns: Columns
) -> tuple[Locations, NDArray[np.int32], tuple[Mapping, ...]]:
    """The distinct places of the frames, the place of each frame, and what is mapped."""
    used = np.flatnonzero(np.bincount(keys, minlength=2 * len(lines.address)))
    number = np.zeros(2 * len(lines.address), dtype=np.int32)
    number[used] = np.arange(len(used))
    row, exact = used >> 1, (used & 1).astype(np.bool_)
    mapping, offset, mappings = _place(lines, columns)
    back = (~exact).astype(np.uint64)
    return (
        Locations(
            mapping=mapping[row],
            file_offset=np.where(mapping[row] >= 0, offset[row] - back, np.uint64(0)),
            runtime_addr=lines.address[row] - back,
            kind=lines.kind[row],
            exact=exact,
            name=lines.name[row],
        ),
        number[keys],
        mappings,
    )


def _place(
    lines: _Lines, columns: Columns
) -> tuple[NDArray[np.int32], NDArray[np.uint64], tuple[Mapping, ...]]:
    """Of each line: its row in the mappings, its offset there; and the mappings."""
    by_path: dict[str, list[Range]] = {}
    for item in columns.ranges:
        by_path.setdefault(item.path, []).append(item)
    mappings = [
        Mapping(item.start, item.end, item.pgoff, item.path, item.build_id, kernel=True)
        for item in columns.ranges
        if item.path.startswith("[kernel")
    ][:1]
    mapping = np.full(len(lines.address), -1, dtype=np.int32)
    offset = lines.address.copy()
    some = np.flatnonzero(lines.file >= 0)
    order = some[np.argsort(lines.file[some], kind="stable")]
    bounds = np.searchsorted(lines.file[order], np.arange(len(lines.files) + 1))
    work = 0
    for number, file in enumerate(lines.files):
        rows = order[bounds[number] : bounds[number + 1]]
        if lines.kind[rows[0]] == KIND_KERNEL:
            mapping[rows] = len(mappings)
            mappings.append(Mapping(0, _TOP, 0, file, kernel=True))
            continue
        ranges = by_path.get(file, [])
        work += len(ranges) * len(rows)
        if work > _WORK:
            columns.warnings.append("too many mappings: addresses are taken as they were printed")
            ranges, work = [], 0
        build_ids = {item.build_id for item in ranges}
        build_id = build_ids.pop() if len(build_ids) == 1 else ""
        placed = len(mappings) + _OFFSET
        mappings += [
            Mapping(*where, 0, file, build_id, identified=bool(build_id))
            for where in (UNPLACED, UNPLACED_ADDRESS, (0, _TOP))
        ]
        mapping[rows] = placed - _OFFSET + lines.form[rows].astype(np.int32)
        for form in (_CHAINED, _SINGLE):
            asked = rows[lines.form[rows] == form]
            here, offset[asked] = _resolved(lines.address[asked], ranges)
            mapping[asked[here]] = placed
    return mapping, offset, tuple(mappings)


def _resolved(
    addresses: NDArray[np.uint64], ranges: list[Range]
) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
    """Which of the numbers printed for a file are certain to be one place in it, and where; the others as they are.

    All are addresses at run time or all are offsets: what fits more of them.
    """
    inside, several, offset = (np.zeros(len(addresses), dtype=np.bool_) for _ in range(3))
    found = addresses.copy()
    for item in ranges:
        if not item.start < item.end <= _TOP or item.pgoff + item.end - item.start > _TOP:
            continue
        start, pgoff, last = (
            np.uint64(item.start),
            np.uint64(item.pgoff),
            np.uint64(item.end - item.start - 1),
        )
        here = (addresses >= start) & (addresses - start <= last)
        there = addresses - start + pgoff
        several |= here & inside & (there != found)
        found[here] = there[here]
        inside |= here
        offset |= (addresses >= pgoff) & (addresses - pgoff <= last)
    if np.count_nonzero(inside) > np.count_nonzero(offset):
        known = inside & ~several
        return known, np.where(known, found, addresses)
    return offset, addresses
