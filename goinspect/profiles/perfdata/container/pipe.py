"""What a recording in pipe mode tells in records: its events, and what a file has in sections.

Facts: ``tools/perf/util/synthetic-events.c`` and ``header.c``: HEADER_ATTR is a perf_event_attr and the ids of its
counters up to the record's end; HEADER_FEATURE the number of a feature and what its section would hold, before or
behind the attrs; HEADER_EVENT_TYPE (perf before 3.11) a config and 64 bytes of name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._reader import Reader
from goinspect._words import be, counted
from goinspect.errors import GoinspectError
from goinspect.profiles.perfdata.attr import MIN_ATTR_SIZE, Attr, read_attr
from goinspect.profiles.perfdata.features import Features, read_build_id, read_feature
from goinspect.profiles.perfdata.header import MAX_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from goinspect.profiles.perfdata.container.source import Buffer
    from goinspect.profiles.perfdata.container.split import Stretch

__all__ = ["Told", "read_header_records"]

_ATTR, _EVENT_TYPE, _BUILD_ID, _FEATURE = 64, 65, 67, 80
_AUXTRACE_INFO, _STAT, _STAT_ROUND = 70, 76, 77
_KINDS = (_ATTR, _EVENT_TYPE, _BUILD_ID, _FEATURE, _AUXTRACE_INFO, _STAT, _STAT_ROUND)
_TRACERS = {
    1: "Intel PT",
    2: "Intel BTS",
    3: "Arm CoreSight",
    4: "Arm SPE",
    5: "s390 CPU-MF",
    6: "HiSilicon PTT",
}


class Told(NamedTuple):
    """What records of perf's own tell. ``attrs``: the ids of each one's counters; those without are never the same."""

    attrs: dict[tuple[Attr, bytes], NDArray[np.uint64]]
    features: Features
    tracers: list[str]  # hardware whose traces are in the recording


def read_header_records(
    stretches: Iterable[Stretch], features: Features, warn: Callable[[str], None]
) -> Told:
    """Take what all such records tell; those that are damaged are left out with a warning."""
    told, damaged = Told({}, features, []), 0
    for buffer, found in stretches:
        headers = buffer.words[found.others]
        little = buffer.byteorder == "little"
        types = headers & np.uint64(0xFFFF_FFFF) if little else headers >> np.uint64(32)
        wanted = np.isin(types, np.array(_KINDS, dtype=np.uint64))
        for at, kind in zip(found.others[wanted].tolist(), types[wanted].tolist(), strict=True):
            try:
                _read(_record(buffer, at), kind, told)
            except GoinspectError:
                damaged += 1
    if damaged:
        warn(f"{counted(damaged, 'record')} that describe the recording {be(damaged)} damaged and left out")
    return told


def _record(buffer: Buffer, at: int) -> Reader:
    """A record with its header."""
    size = int.from_bytes(buffer.data[8 * at + 6 : 8 * at + 8], buffer.byteorder)
    data = buffer.data[8 * at : 8 * at + size]
    return Reader(data, buffer.byteorder, what="perf.data", origin=buffer.origin + 8 * at)


def _read(record: Reader, kind: int, told: Told) -> None:
    if kind == _ATTR:
        _read_attr(record, told)
    elif kind == _EVENT_TYPE:
        name = bytes(record.tail(16)).split(b"\0", 1)[0].decode("utf-8", "replace")
        told.features.event_names.setdefault((None, record.u64(8)), name)
    elif kind == _BUILD_ID:
        read_build_id(record, 0, told.features)
    elif kind == _FEATURE:
        bit = record.u64(8)
        section = Reader(
            record.tail(16), record.byteorder, what=f"feature record {bit}", origin=record.origin + 16
        )
        read_feature(section, bit, told.features)
    elif kind == _AUXTRACE_INFO:
        number = record.u32(8)
        name = _TRACERS.get(number, f"hardware trace type {number}")
        if name not in told.tracers and len(told.tracers) < len(_TRACERS):
            told.tracers.append(name)
    else:
        told.features.is_stat = True


def _read_attr(record: Reader, told: Told) -> None:
    size = record.u32(12) or MIN_ATTR_SIZE
    attr = read_attr(record, 8, record.size - 8)
    word = "<u8" if record.byteorder == "little" else ">u8"
    tail = record.tail(8 + size)
    ids = np.frombuffer(tail[: len(tail) & ~7], dtype=word).astype(np.uint64)
    if len(told.attrs) < MAX_EVENTS - 1:
        told.attrs.setdefault((attr, ids.tobytes() or b"#%d" % len(told.attrs)), ids)
