"""What is in the file, the pipe or the directory of a recording: its records, its events, and what it tells of itself.

Facts: ``tools/perf/Documentation/perf.data-file-format.txt`` and, for directories (`perf record --threads`),
``perf.data-directory-format.txt``: `data` is a file like any other, `data.0` and so on hold nothing but records.
"""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._paths import is_directory, is_regular
from goinspect._reader import Reader
from goinspect.errors import FileError, TruncatedError, UnsupportedError
from goinspect.profiles.perfdata.container.pipe import read_header_records
from goinspect.profiles.perfdata.container.source import Buffer, map_file, releaser
from goinspect.profiles.perfdata.container.split import split_records
from goinspect.profiles.perfdata.events import EventTable, collect_ids
from goinspect.profiles.perfdata.features import Features, read_features
from goinspect.profiles.perfdata.header import (
    PIPE_HEADER_SIZE,
    FileHeader,
    byteorder_of,
    is_pipe,
    is_unfinished,
    read_attrs,
    read_header,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from goinspect.profiles.perfdata.attr import Attr
    from goinspect.profiles.perfdata.container.split import Stretch

__all__ = ["Content", "Source", "open_content", "open_sources"]

_MAGIC_SIZE = 8
_REPORT, _REPORT_SIZE = b"[ perf record: ", 512
_PART = re.compile(r"data\.\d+")


class Source(NamedTuple):
    """Bytes of a recording, and what lets go of the memory of pages read; `name` is that of one file of several."""

    data: memoryview
    release: Callable[[], None]
    name: str = ""


class Content(NamedTuple):
    """``packed``: how many compressed records there were. ``tracers``: hardware whose traces are in it."""

    stretches: list[Stretch]
    events: EventTable
    features: Features
    packed: int
    tracers: list[str]

    def refuse_without_samples(self, samples: int) -> None:
        """Name a recording whose kind has no samples. Raises UnsupportedError."""
        if samples:
            return
        if self.features.is_stat:
            raise UnsupportedError(
                "this is a recording of perf stat, which counts and takes no samples: `perf stat report` shows it"
            )
        if self.tracers:
            raise UnsupportedError(
                f"this recording holds traces of the processor ({', '.join(self.tracers)}) and no samples: "
                "`perf inject --itrace -o samples.data` makes samples of them"
            )


# -- files


def open_sources(name: str) -> list[Source]:
    """Map a recording: the file, or the files of its directory.

    Raises:
        FileError: one cannot be read.
        TruncatedError: it is empty.
        UnsupportedError: a directory that holds no recording.
    """
    path = Path(name)
    if is_directory(path):
        path /= "data"
        if not is_regular(path):
            raise UnsupportedError("a directory without the file `data` that perf record --threads writes")
    sources = [_map(path)]
    if path.name == "data":
        sources += [_map(part) for part in _parts(path.parent) if part.stat().st_size]
    return sources


def _parts(directory: Path) -> list[Path]:
    """The files beside `data`, by their numbers."""
    try:
        parts = [part for part in directory.iterdir() if _PART.fullmatch(part.name)]
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}") from error
    return sorted(parts, key=lambda part: (len(part.name), part.name))


def _map(path: Path) -> Source:
    try:
        with path.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise TruncatedError("perf.data: the file is empty or not a regular file", offset=0)
            mapped = map_file(file.fileno())
            return Source(memoryview(mapped), releaser(mapped), path.name)
    except (OSError, ValueError) as error:
        raise FileError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


# -- what they hold


def open_content(sources: list[Source], warn: Callable[[str], None]) -> Content:
    """Find all records and what they are about.

    Raises:
        TruncatedError, MalformedError: it is no recording, or damaged at its start.
        FileError: no room for what is unpacked.
    """
    data, release, _ = sources[0]
    reader = Reader(data, byteorder_of(bytes(data[:_MAGIC_SIZE])), what="perf.data")
    return _of_pipe(reader, release, warn) if is_pipe(reader) else _of_files(reader, sources, warn)


def _of_pipe(reader: Reader, release: Callable[[], None], warn: Callable[[str], None]) -> Content:
    data = _without_report(reader.tail(PIPE_HEADER_SIZE))
    body = Buffer(data, reader.byteorder, PIPE_HEADER_SIZE, release)
    stretches, packed = split_records(body, warn)
    told = read_header_records(stretches, Features(), warn)
    if not told.attrs:
        raise TruncatedError("perf.data: the recording ends before it says which events were recorded")
    events = _events([attr for attr, _ in told.attrs], list(told.attrs.values()), told.features)
    return Content(stretches, events, told.features, packed, told.tracers)


def _without_report(data: memoryview) -> memoryview:
    """Records without what perf says at its end, which is behind them when stderr went to the same place."""
    end = bytes(data[-_REPORT_SIZE:])
    at = end.find(_REPORT)
    if at < 0 or not end[at:].isascii() or not end[at:].decode().replace("\n", "").isprintable():
        return data
    return data[: len(data) - len(end) + at]


def _of_files(reader: Reader, sources: list[Source], warn: Callable[[str], None]) -> Content:
    header = read_header(reader)
    whole = header.data.end <= reader.size and not is_unfinished(reader, header)
    features = read_features(reader, header, warn) if whole else Features()
    recorded = read_attrs(reader, header)
    word = "<u8" if reader.byteorder == "little" else ">u8"
    ids = [
        np.frombuffer(reader.view(item.ids.offset, item.ids.size & ~7), dtype=word).astype(np.uint64)
        for item in recorded
    ]
    splits = [split_records(_data(reader, header, sources[0].release, warn), warn)]
    # A recorder that was killed did not say that there are other files.
    for part in sources[1:] if features.is_directory or not whole else ():
        buffer = Buffer(part.data, reader.byteorder, 0, part.release)
        splits.append(split_records(buffer, partial(_warn_of, part.name, warn)))
    if features.is_directory and len(sources) == 1:
        warn("this is one file of a recording of perf record --threads: its samples are in data.0, data.1 …")
    stretches = [stretch for split in splits for stretch in split.stretches]
    told = read_header_records(stretches, features, warn)
    events = _events([item.attr for item in recorded], ids, features)
    return Content(stretches, events, features, sum(split.packed for split in splits), told.tracers)


def _warn_of(name: str, warn: Callable[[str], None], message: str) -> None:
    warn(f"{name}: {message}")


def _events(attrs: list[Attr], ids: list[NDArray[np.uint64]], features: Features) -> EventTable:
    pairs, names = collect_ids(ids, features.events)
    known = features.event_names
    for row, attr in enumerate(attrs):
        names[row] = names[row] or known.get((attr.type, attr.config)) or known.get((None, attr.config)) or ""
    return EventTable(attrs, pairs, names)


def _data(
    reader: Reader, header: FileHeader, release: Callable[[], None], warn: Callable[[str], None]
) -> Buffer:
    """The data section, as far as it goes."""
    offset, end, size = header.data.offset, header.data.end, reader.size
    if offset > size:
        raise TruncatedError(f"perf.data: the file ends at {size:#x}, before its data", offset=offset)
    if is_unfinished(reader, header):
        warn("the recorder did not finish this file: read up to its end, without names of events and machine")
        end = size
    elif end > size:
        warn(f"the file is cut off: {size - offset} of {header.data.size} bytes of data are there")
        end = size
    return Buffer(reader.view(offset, end - offset), reader.byteorder, offset, release)
