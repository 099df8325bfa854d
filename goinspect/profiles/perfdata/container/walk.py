"""The sequential record walk: finds every record of a buffer, decodes none.

Every record starts with {u32 type, u16 misc, u16 size} (struct perf_event_header) and only its size tells where the
next one is. Runs of samples, which are nearly everything, are found in bulk: every word that looks like a sample's
header is a candidate, and from a known record on, candidates whose size leads exactly to the next candidate are
records. All else is walked one by one, so the result is the same as that of a plain walk.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from goinspect.profiles.perfdata.records import RecordType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.profiles.perfdata.container.source import Buffer

__all__ = ["COMPRESSED", "Walk", "is_of_perf", "walk"]

_STEP = 1 << 19  # words looked at in one go: 4 MiB
_FIRST_STEP = 1 << 10  # short walks, between compressed records, must not look at more
_SAMPLE = int(RecordType.SAMPLE)
_AUXTRACE = int(RecordType.AUXTRACE)
COMPRESSED = (int(RecordType.COMPRESSED), int(RecordType.COMPRESSED2))
_FIRST_OF_PERF, _LAST_OF_PERF = (
    64,
    127,
)  # types that perf writes itself, which aligned none of them before 6.12
_TRACING_DATA = int(RecordType.HEADER_TRACING_DATA)


def is_of_perf(kind: int) -> bool:
    """Does perf write records of this type, rather than the kernel?"""
    return _FIRST_OF_PERF <= kind <= _LAST_OF_PERF


@dataclass(slots=True)
class Walk:
    """Word indexes of the record headers of a buffer, in file order.

    ``problem``: why the walk ended early. ``odd``: the word of the record it ended at because a walk by words cannot go
    over it: a compressed one, or one whose size is no multiple of 8, as perf's own may be.
    """

    samples: NDArray[np.int64]
    others: NDArray[np.int64]
    problem: str = ""
    odd: int | None = None

    def __len__(self) -> int:
        return len(self.samples) + len(self.others)


def walk(buffer: Buffer) -> Walk:
    """Find the records of a buffer; stops with a ``problem`` at the first that cannot be one."""
    walker = _Walker(buffer)
    parts, begin, step = [], 0, min(_FIRST_STEP, _STEP)
    while begin < walker.limit and not walker.stopped:
        end = min(begin + step, walker.limit)
        parts.append(walker.samples_within(begin, end))
        buffer.release()
        begin, step = max(end, min(walker.position, walker.limit)), min(4 * step, _STEP)
    samples = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
    return walker.finish(samples)


class _Walker:
    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer
        self.limit = len(buffer.words)
        self.position = 0
        self.previous = -1  # start of the record before `position`
        self.others = array("q")
        self.problem = ""
        self.odd: int | None = None
        self._header = struct.Struct("<IHH" if buffer.byteorder == "little" else ">IHH")

    @property
    def stopped(self) -> bool:
        return bool(self.problem) or self.odd is not None

    def samples_within(self, begin: int, end: int) -> NDArray[np.int64]:
        """Walk the records that start in [begin, end); returns those that are samples."""
        runs = _Runs(self.buffer, begin, end)
        starts, lasts, followers = runs.starts, runs.lasts, runs.followers
        taken, single = array("q"), array("q")
        run, count = 0, len(starts)
        while self.position < end and not self.stopped:
            while run < count and starts[run] < self.position:
                run += 1
            if run < count and starts[run] == self.position:
                taken.append(run)
                self.previous, self.position = lasts[run], followers[run]
                if self.position <= self.previous:
                    self._stop(self.previous)
            elif self._step():
                single.append(self.previous)
        return runs.samples(taken, single)

    def _step(self) -> bool:
        """Move over one record; True when it was a sample."""
        at = self.position
        kind, _, size = self._header.unpack_from(self.buffer.data, 8 * at)
        if size >= 8 and (kind in COMPRESSED or (size & 7 and is_of_perf(kind))):
            self.odd = at
            return False
        if size < 8 or size & 7:
            self._stop(at)
            return False
        self.previous = at
        self.position = at + (size >> 3)
        if kind == _SAMPLE:
            return True
        self.others.append(at)
        if kind in (_AUXTRACE, _TRACING_DATA):
            self._skip_payload(kind, size, at)
        return False

    def _skip_payload(self, kind: int, size: int, at: int) -> None:
        """AUXTRACE and HEADER_TRACING_DATA announce raw bytes that follow the record."""
        word = self.buffer.words
        if size < 16:
            self._stop(at)
            return
        payload = int(word[at + 1]) if at + 1 < self.limit else 0
        if kind == _TRACING_DATA:
            payload = payload & 0xFFFF_FFFF if self.buffer.byteorder == "little" else payload >> 32
            payload = (payload + 7) & ~7
        if payload & 7:
            self._stop(at)
        self.position += payload >> 3

    def _stop(self, at: int) -> None:
        kind, _, size = self._header.unpack_from(self.buffer.data, 8 * at)
        offset = self.buffer.origin + 8 * at
        self.problem = f"damaged record (type {kind}, size {size}) at offset {offset:#x}"
        self.previous = self.position = at

    def finish(self, samples: NDArray[np.int64]) -> Walk:
        """Leave out the record that the walk ended in, if it is not all there."""
        others = np.frombuffer(self.others, dtype=np.int64) if self.others else np.empty(0, dtype=np.int64)
        if self.position > self.limit:
            offset = self.buffer.origin + 8 * self.previous
            self.problem = f"the record at offset {offset:#x} is cut off"
        if self.problem:
            samples, others = samples[samples < self.previous], others[others < self.previous]
        return Walk(samples, others, self.problem, self.odd)


class _Runs:
    """Sequences of candidates that follow each other without a gap, as lists with one entry per run."""

    def __init__(self, buffer: Buffer, begin: int, end: int) -> None:
        words = buffer.words[begin:end]
        little = buffer.byteorder == "little"
        types = words.view("<u4" if little else ">u4")[::2]  # the first half as it stands in the file
        self._found: NDArray[np.int64] = np.flatnonzero(types == _SAMPLE)
        headers = words[self._found]
        sizes = (headers >> np.uint64(48) if little else headers & np.uint64(0xFFFF)).astype(np.int64)
        self._found += begin
        ends = 8 * self._found + sizes
        broken = np.flatnonzero(ends[:-1] != 8 * self._found[1:])
        last = np.append(broken, len(self._found) - 1) if len(self._found) else broken
        first = np.append(np.zeros(1, dtype=np.int64), broken + 1)[: len(last)]
        whole = np.where(sizes[last] & 7, 0, ends[last])  # a damaged size leads nowhere
        self._lengths = last - first + 1
        self.starts: list[int] = self._found[first].tolist()
        self.lasts: list[int] = self._found[last].tolist()
        self.followers: list[int] = (whole >> 3).tolist()

    def samples(self, taken: array[int], single: array[int]) -> NDArray[np.int64]:
        """The members of the runs `taken` and the `single` ones, in file order."""
        members = self._found
        if len(taken) != len(self.starts):
            wanted = np.zeros(len(self.starts), dtype=np.bool_)
            wanted[np.frombuffer(taken, dtype=np.int64) if taken else []] = True
            members = members[np.repeat(wanted, self._lengths)]
        if single:
            members = np.sort(np.append(members, np.frombuffer(single, dtype=np.int64)))
        return members
