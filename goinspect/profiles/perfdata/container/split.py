"""The records of a stream, whatever their sizes: stretches that can be read by words, each in a buffer.

Nearly every recording is one such stretch. Where records of odd sizes or compressed ones lie between, what follows
them is at odd addresses, and is copied to even ones.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.profiles.perfdata.container.source import Buffer
from goinspect.profiles.perfdata.container.spool import Spool
from goinspect.profiles.perfdata.container.unpack import Unpacker
from goinspect.profiles.perfdata.container.walk import COMPRESSED, Walk, is_of_perf, walk
from goinspect.profiles.perfdata.records import RecordType

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["Split", "Stretch", "split_records"]

_WORTH_ITS_BUFFER = 1 << 20  # bytes; shorter stretches are copied
_SHORT = 64  # records: shorter runs between odd ones are not worth a walk
_STEP = 4 << 20
_SAMPLE = int(RecordType.SAMPLE)
_TRACING_DATA = int(RecordType.HEADER_TRACING_DATA)


class Stretch(NamedTuple):
    """A buffer and the records in it."""

    buffer: Buffer
    walk: Walk


class Split(NamedTuple):
    """What a stream holds, in its order; ``packed`` counts the compressed records, whose contents are a stretch."""

    stretches: list[Stretch]
    packed: int = 0


def split_records(source: Buffer, warn: Callable[[str], None]) -> Split:
    """Find all records of a stream, also those in compressed ones.

    What comes between compressed records is put behind the contents of all of them: it is nothing but marks of rounds,
    and what `perf record --tail-synthesize` tells.

    Raises:
        FileError: what is inside compressed records does not fit on the disk.
    """
    if source.words.flags.aligned:
        found = walk(source)
        if found.odd is None:
            return Split([Stretch(source, _told(found, warn))])
    return _Splitter(source, warn).split()


def _told(found: Walk, warn: Callable[[str], None], before: int = 0) -> Walk:
    if found.problem:
        warn(f"{found.problem}: stopped after {before + len(found)} records")
    return found


class _Copies:
    """Records copied to where they can be read by words."""

    def __init__(self) -> None:
        self.spool = Spool()
        self._samples: list[NDArray[np.int64]] = []
        self._others: list[NDArray[np.int64]] = []
        self._single, self._single_samples = array("q"), array("q")
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, found: Walk, data: memoryview, release: Callable[[], None]) -> None:
        """Records in whole words."""
        base = self.spool.size >> 3
        self._count += len(found)
        self._flush()
        self._samples.append(found.samples + base)
        self._others.append(found.others + base)
        for begin in range(0, len(data), _STEP):
            self.spool.write(data[begin : begin + _STEP])
            release()

    def add_one(self, record: memoryview, *, sample: bool = False) -> None:
        """One record, of any size."""
        self._count += 1
        (self._single_samples if sample else self._single).append(self.spool.size >> 3)
        self.spool.write(record)
        if len(record) & 7:
            self.spool.write(bytes(-len(record) % 8))

    def _flush(self) -> None:
        self._others.append(np.array(self._single, dtype=np.int64))
        self._samples.append(np.array(self._single_samples, dtype=np.int64))
        self._single, self._single_samples = array("q"), array("q")

    def stretch(self, source: Buffer) -> Stretch:
        self._flush()
        data, release = self.spool.view()
        found = Walk(np.concatenate(self._samples), np.concatenate(self._others))
        return Stretch(Buffer(data, source.byteorder, source.origin, release), found)


class _Splitter:
    def __init__(self, source: Buffer, warn: Callable[[str], None]) -> None:
        self._source = source
        self._raw = source.raw
        self._warn = warn
        self._header = struct.Struct("<IHH" if source.byteorder == "little" else ">IHH")
        self._done: list[Stretch] = []
        self._copies = _Copies()
        self._unpacker: Unpacker | None = None
        self._before_packed = 0  # stretches that come before what was compressed

    def split(self) -> Split:
        at, end, short = 0, len(self._raw), 0
        while 0 <= at <= end - 8:
            kind, _, size = self._header.unpack_from(self._raw, at)
            if is_of_perf(kind) and size >= 8:
                at, short = self._record(kind, size, at), 0
            elif short < _SHORT and size >= 8 and not size & 7 and at + size <= end:
                self._copies.add_one(self._raw[at : at + size], sample=kind == _SAMPLE)
                at, short = at + size, short + 1
            else:
                at, short = self._by_words(at), 0
        if 0 <= at < end:
            self._stop(f"the record at {self._place(at)} is cut off")
        self._close()
        if self._unpacker is None:
            return Split(self._done)
        self._done.insert(self._before_packed, self._unpacked(self._unpacker))
        return Split(self._done, self._unpacker.packed)

    def _place(self, at: int) -> str:
        return f"offset {self._source.origin + at:#x}"

    def _count(self) -> int:
        return sum(len(done.walk) for done in self._done) + len(self._copies)

    def _stop(self, problem: str) -> int:
        self._warn(f"{problem}: stopped after {self._count()} records")
        return -1

    def _by_words(self, at: int) -> int:
        """Walk up to the next odd record; where that is, or -1 at the end."""
        source = self._source
        stretch = Buffer(self._raw[at:], source.byteorder, source.origin + at, source.release)
        found = _told(walk(stretch), self._warn, self._count())
        size = 8 * (len(stretch.words) if found.odd is None else found.odd)
        if stretch.words.flags.aligned and size >= _WORTH_ITS_BUFFER:
            self._close()
            whole = Buffer(stretch.data[:size], source.byteorder, stretch.origin, source.release)
            self._done.append(Stretch(whole, found))
        else:
            self._copies.add(found, stretch.data[:size], source.release)
        return at + size if not found.problem else -1

    def _record(self, kind: int, size: int, at: int) -> int:
        """One record of perf's own; where the next one is."""
        end = at + size
        if kind in COMPRESSED:
            return self._compressed(kind, at, end)
        if kind == _TRACING_DATA and size >= 12:
            payload = int.from_bytes(self._raw[at + 8 : at + 12], self._source.byteorder)
            end += -(-payload // 8) * 8
        elif kind == RecordType.AUXTRACE:
            payload = int.from_bytes(self._raw[at + 8 : at + 16], self._source.byteorder)
            if size < 16 or payload & 7:
                return self._stop(f"damaged record (type {kind}, size {size}) at {self._place(at)}")
            end += payload
        if end > len(self._raw):
            return self._stop(f"the record at {self._place(at)} is cut off")
        self._copies.add_one(self._raw[at : at + size])
        return end

    def _compressed(self, kind: int, at: int, end: int) -> int:
        begin = at + 8
        if kind == RecordType.COMPRESSED2:
            claimed = int.from_bytes(self._raw[begin : begin + 8], self._source.byteorder)
            begin += 8
            body = self._raw[begin : min(begin + claimed, end)]
        else:
            body = self._raw[begin:end]
        if self._unpacker is None:
            self._close()
            self._before_packed = len(self._done)
            self._unpacker = Unpacker(self._warn)
        self._unpacker.feed(body, self._source.origin + at)
        self._source.release()
        if end > len(self._raw):
            self._warn(f"the record at {self._place(at)} is cut off: read as far as it goes")
            return -1
        return end

    def _close(self) -> None:
        """What was copied so far is a stretch."""
        if self._copies.spool.size or not self._done:
            self._done.append(self._copies.stretch(self._source))
            self._copies = _Copies()

    def _unpacked(self, unpacker: Unpacker) -> Stretch:
        data, release = unpacker.spool.view()
        buffer = Buffer(data, self._source.byteorder, 0, release)
        found = walk(buffer)
        if found.odd is not None:
            found.problem = f"record of a wrong type at offset {8 * found.odd:#x}"
        if found.problem:
            self._warn(
                f"in the compressed records, unpacked: {found.problem}: stopped after {len(found)} records"
            )
        elif len(data) & 7:
            self._warn("the compressed records end within a record")
        return Stretch(buffer, found)
