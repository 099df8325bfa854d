"""The file header and the attrs section of a perf.data file.

Facts: ``tools/perf/Documentation/perf.data-file-format.txt`` and ``struct perf_file_header`` in
``tools/perf/util/header.h``. One entry of the attrs section is a perf_event_attr followed by {offset, size} of its ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import MalformedError, TruncatedError
from goinspect.profiles.perfdata.attr import MIN_ATTR_SIZE, Attr, read_attr
from goinspect.profiles.perfdata.container.magic import MAGICS

if TYPE_CHECKING:
    from goinspect._reader import ByteOrder, Reader

__all__ = [
    "MAX_EVENTS",
    "PIPE_HEADER_SIZE",
    "FileHeader",
    "FilePart",
    "RecordedAttr",
    "byteorder_of",
    "is_pipe",
    "is_unfinished",
    "read_attrs",
    "read_header",
]

PIPE_HEADER_SIZE = 16
_FILE_HEADER_SIZE = 104
_OLD_HEADER_SIZE = 72  # ends before the feature bitmap; perf before 2.6.32
_FEATURES_AT = 72
_FEATURE_WORDS = 4
_ALWAYS_WRITTEN = {2, 3}  # build ids, unless they are not wanted, and the host's name
MAX_EVENTS = 1 << 16


class FilePart(NamedTuple):
    """A section of the file, in bytes."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class FileHeader:
    """``attr_size`` is the size of one entry of ``attrs``, the ids section included. ``features`` are bit numbers."""

    attr_size: int
    attrs: FilePart
    data: FilePart
    features: tuple[int, ...]


class RecordedAttr(NamedTuple):
    """An attr and where the ids of its counters are."""

    attr: Attr
    ids: FilePart


def byteorder_of(head: bytes) -> ByteOrder:
    """The byte order that the first 8 bytes announce."""
    byteorder = MAGICS.get(head[:8])
    if byteorder is not None:
        return byteorder
    if len(head) < 8:
        raise TruncatedError(
            f"perf.data: {len(head)} bytes found, expected a header of {_FILE_HEADER_SIZE}", offset=0
        )
    raise MalformedError(f"not perf.data: magic {head[:8]!r} found, expected b'PERFILE2'", offset=0)


def is_pipe(reader: Reader) -> bool:
    """Is this what perf wrote to a pipe: a header of 16 bytes, then records that tell all the rest?"""
    return reader.u64(8) == PIPE_HEADER_SIZE


def read_header(reader: Reader) -> FileHeader:
    """Read the header of a recording in file mode."""
    size = reader.u64(8)
    if size < _FILE_HEADER_SIZE and size != _OLD_HEADER_SIZE:
        raise MalformedError(
            f"{reader.what}: header of {size} bytes, expected 16 (pipe) or at least {_FILE_HEADER_SIZE}",
            offset=8,
        )
    features = _features(reader) if size >= _FILE_HEADER_SIZE else ()
    return FileHeader(reader.u64(16), _part(reader, 24), _part(reader, 40), features)


def _part(reader: Reader, offset: int) -> FilePart:
    return FilePart(reader.u64(offset), reader.u64(offset + 8))


def _features(reader: Reader) -> tuple[int, ...]:
    """The set bits of the feature bitmap.

    It is written as unsigned longs: a big-endian machine of 32 bits puts their halves the other way round. As perf
    does, this is concluded from features that every recorder writes.
    """
    words = [reader.u64(_FEATURES_AT + 8 * index) for index in range(_FEATURE_WORDS)]
    swapped = [(word >> 32) | (word & 0xFFFF_FFFF) << 32 for word in words]
    as_words, as_halves = _bits(words), _bits(swapped)
    if (
        reader.byteorder == "big"
        and _ALWAYS_WRITTEN.isdisjoint(as_words)
        and not _ALWAYS_WRITTEN.isdisjoint(as_halves)
    ):
        return as_halves
    return as_words


def _bits(words: list[int]) -> tuple[int, ...]:
    return tuple(64 * index + bit for index, word in enumerate(words) for bit in range(64) if word >> bit & 1)


def is_unfinished(reader: Reader, header: FileHeader) -> bool:
    """Was the recorder stopped before it wrote the size of the data?

    A finished recording without any data says 0 too, but then its table of feature sections stands at the data's
    place, and the first section comes right after that table.
    """
    at, sections_at = header.data.offset, header.data.offset + 16 * len(header.features)
    if header.data.size or not header.features:
        return not header.data.size
    return sections_at > reader.size or reader.u64(at) != sections_at


def read_attrs(reader: Reader, header: FileHeader) -> list[RecordedAttr]:
    """The events in recording order. Their ids together are bounded by what the file can hold."""
    entry, part = header.attr_size, header.attrs
    if entry < MIN_ATTR_SIZE + 16:
        raise MalformedError(
            f"{reader.what}: attr entries of {entry} bytes, expected at least {MIN_ATTR_SIZE + 16}", offset=16
        )
    count = part.size // entry
    if not 0 < count < MAX_EVENTS:
        raise MalformedError(
            f"{reader.what}: {count} events found, expected 1 to {MAX_EVENTS - 1}", offset=24
        )
    reader.view(part.offset, part.size)
    attrs = [_recorded_attr(reader, part.offset + index * entry, entry) for index in range(count)]
    if sum(recorded.ids.size for recorded in attrs) > reader.size:
        raise MalformedError(f"{reader.what}: more event ids than the file can hold", offset=part.offset)
    return attrs


def _recorded_attr(reader: Reader, offset: int, entry: int) -> RecordedAttr:
    ids = _part(reader, offset + entry - 16)
    reader.view(ids.offset, ids.size)
    return RecordedAttr(read_attr(reader, offset, entry - 16), ids)
