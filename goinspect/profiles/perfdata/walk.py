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

from goinspect.errors import UnsupportedError
from goinspect.profiles.perfdata.records import RecordType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.profiles.perfdata.source import Buffer

__all__ = ["Walk", "walk"]

_STEP = 1 << 19  # words looked at in one go: 4 MiB
_SAMPLE = int(RecordType.SAMPLE)
_AUXTRACE = int(RecordType.AUXTRACE)
_COMPRESSED = (int(RecordType.COMPRESSED), int(RecordType.COMPRESSED2))
_TRACING_DATA = int(RecordType.HEADER_TRACING_DATA)


@dataclass(slots=True)
class Walk:
    """Word indexes of the record headers of a buffer, in file order. ``problem``: why the walk ended early."""

    samples: NDArray[np.int64]
    others: NDArray[np.int64]
    problem: str = ""

    def __len__(self) -> int:
        return len(self.samples) + len(self.others)


def walk(buffer: Buffer) -> Walk:
    """Find the records of a buffer; stops with a ``problem`` at the first that cannot be one."""
    walker = _Walker(buffer)
    parts = []
    for begin in range(0, walker.limit, _STEP):
        parts.append(walker.samples_within(begin, min(begin + _STEP, walker.limit)))
        buffer.release()
        if walker.problem:
            break
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
        self._header = struct.Struct("<IHH" if buffer.byteorder == "little" else ">IHH")

    def samples_within(self, begin: int, end: int) -> NDArray[np.int64]:
        """Walk the records that start in [begin, end); returns those that are samples."""
        runs = _Runs(self.buffer, begin, end)
        starts, lasts, followers = runs.starts, runs.lasts, runs.followers
        taken, single = array("q"), array("q")
        run, count = 0, len(starts)
        while self.position < end and not self.problem:
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
        if kind in _COMPRESSED and size >= 8:  # of any size: only COMPRESSED2 is padded
            raise UnsupportedError(
                "perf.data with zstd-compressed records is not read yet: record without -z"
            )
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
        return Walk(samples, others, self.problem)


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
