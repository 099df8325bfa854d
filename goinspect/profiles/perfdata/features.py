"""The feature sections behind the data: what the recorder tells about the machine, the events and the build ids.

Facts: ``tools/perf/Documentation/perf.data-file-format.txt``. They come as one {u64 offset, u64 size} for each set bit
of the header's bitmap, in ascending bit order, right after the data section.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from goinspect._reader import Reader
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect.profiles.perfdata.header import FileHeader

__all__ = ["EventDescription", "Feature", "Features", "read_build_id", "read_feature", "read_features"]


class Feature(IntEnum):
    """Bits of the header's feature bitmap."""

    BUILD_ID = 2
    HOSTNAME = 3
    OSRELEASE = 4
    VERSION = 5
    ARCH = 6
    NRCPUS = 7
    CPUDESC = 8
    CMDLINE = 11
    EVENT_DESC = 12
    STAT = 19
    SAMPLE_TIME = 21
    CLOCK_DATA = 29
    DIR_FORMAT = 24
    SIMPLEPERF_META_INFO = 129


class EventDescription(NamedTuple):
    """The name of an event and the ids of its counters."""

    name: str
    ids: tuple[int, ...]


@dataclass(slots=True)
class Features:
    """``build_ids``: path as recorded → lower-case hex. ``metadata``: what Profile.metadata shows.

    ``event_names``: by type (None: any) and config, from recorders that write no event descriptions.
    """

    events: tuple[EventDescription, ...] = ()
    build_ids: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    is_stat: bool = False
    is_directory: bool = False
    event_names: dict[tuple[int | None, int], str] = field(default_factory=dict)


_MOST_WARNINGS = 3
_KNOWN = frozenset(Feature)
_BUILD_ID_FIXED = 36  # header, pid and the 24-byte field
_MISC_BUILD_ID_SIZE = 1 << 15
_TEXTS = {
    Feature.HOSTNAME: "hostname",
    Feature.OSRELEASE: "os_release",
    Feature.VERSION: "perf_version",
    Feature.ARCH: "arch",
    Feature.CPUDESC: "cpu",
}


def read_features(reader: Reader, header: FileHeader, warn: Callable[[str], None]) -> Features:
    """Read what there is; a section that is cut off or damaged is left out with a warning."""
    features, left_out = Features(), 0
    for index, bit in enumerate(header.features):
        if bit not in _KNOWN:
            continue
        try:
            entry = header.data.end + 16 * index
            offset, size = reader.u64(entry), reader.u64(entry + 8)
            section = Reader(
                reader.view(offset, size), reader.byteorder, what=f"feature section {bit}", origin=offset
            )
            read_feature(section, bit, features)
        except GoinspectError as error:
            left_out += 1
            if left_out <= _MOST_WARNINGS:
                warn(f"feature section {bit} left out: {error}")
    if left_out > _MOST_WARNINGS:
        warn(f"{left_out - _MOST_WARNINGS} more feature sections left out")
    return features


def read_feature(section: Reader, bit: int, features: Features) -> None:
    """Take what one section says into `features`; unknown bits say nothing."""
    if bit in _TEXTS:
        features.metadata[_TEXTS[Feature(bit)]] = _text(section, 0)[0]
    elif bit == Feature.STAT:
        features.is_stat = True
    elif bit == Feature.DIR_FORMAT:
        features.is_directory = True
    elif bit in _READERS:
        _READERS[Feature(bit)](section, features)


def _text(section: Reader, offset: int) -> tuple[str, int]:
    """A string and the offset behind it: u32 room, then that many bytes, NUL-terminated inside."""
    room = section.u32(offset)
    raw = bytes(section.view(offset + 4, room))
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace"), offset + 4 + room


def _read_cmdline(section: Reader, features: Features) -> None:
    offset, words = 4, []
    for _ in range(min(section.u32(0), section.size // 4)):
        word, offset = _text(section, offset)
        words.append(word)
    features.metadata["cmdline"] = " ".join(words)


def _read_cpus(section: Reader, features: Features) -> None:
    features.metadata["cpus_online"] = str(section.u32(0))


def _read_sample_time(section: Reader, features: Features) -> None:
    first, last = section.u64(0), section.u64(8)
    if last:  # 0 in pipes and without -B: not known
        features.metadata["first_sample_ns"], features.metadata["last_sample_ns"] = str(first), str(last)


def _read_clock_data(section: Reader, features: Features) -> None:
    """u32 version, u32 clock, u64 wall clock and u64 recorder's clock at one moment, in ns (perf record -k)."""
    wall, at = section.u64(8), section.u64(16)
    if section.u32(0) == 1 and wall:
        features.metadata["clock_wall_ns"], features.metadata["clock_recorder_ns"] = str(wall), str(at)


def _read_event_desc(section: Reader, features: Features) -> None:
    count, attr_size = section.u32(0), section.u32(4)
    offset, events = 8, []
    for _ in range(min(count, section.size // 8)):
        offset += attr_size
        ids = section.u32(offset)
        name, offset = _text(section, offset + 4)
        section.view(offset, 8 * ids)
        events.append(EventDescription(name, tuple(section.u64(offset + 8 * index) for index in range(ids))))
        offset += 8 * ids
    features.events = tuple(events)


def _read_build_ids(section: Reader, features: Features) -> None:
    """Records: {u32 type, u16 misc, u16 size}, s32 pid, u8 id[20], u8 id_size, u8[3], path up to `size`."""
    offset = 0
    while offset + _BUILD_ID_FIXED <= section.size:
        offset += read_build_id(section, offset, features)


def read_build_id(section: Reader, offset: int, features: Features) -> int:
    """Take one build-id record, of the section or of a pipe, into `features`; returns its size."""
    misc, size = section.u16(offset + 4), section.u16(offset + 6)
    record = bytes(section.view(offset, max(size, _BUILD_ID_FIXED)))
    path = record[_BUILD_ID_FIXED:].split(b"\0", 1)[0].decode("utf-8", "replace")
    features.build_ids.setdefault(path, _build_id(record[12:36], bool(misc & _MISC_BUILD_ID_SIZE)))
    return len(record)


def _read_meta_info(section: Reader, features: Features) -> None:
    """simpleperf: NUL-terminated keys and values in turn; event_type_info has lines of name,type,config."""
    words = bytes(section.view(0, section.size)).decode("utf-8", "replace").split("\0")
    for key, value in zip(words[::2], words[1::2], strict=False):
        if key == "event_type_info":
            for line in value.splitlines():
                name, _, numbers = line.partition(",")
                fields = numbers.split(",")
                if len(fields) >= 2 and fields[0].isdecimal() and fields[1].isdecimal():
                    features.event_names.setdefault((_number(fields[0]), _number(fields[1])), name)
        elif key == "simpleperf_version":
            features.metadata["simpleperf_version"] = value


def _number(digits: str) -> int:
    return int(digits[:20])  # 64 bits have no more digits


def _build_id(raw: bytes, sized: bool) -> str:
    """Without a size, trailing groups of four zero bytes are padding (quipper's rule)."""
    if sized:
        return raw[: min(raw[20], 20)].hex()
    length = 20
    while length and not any(raw[length - 4 : length]):
        length -= 4
    return raw[:length].hex()


_READERS: dict[Feature, Callable[[Reader, Features], None]] = {
    Feature.BUILD_ID: _read_build_ids,
    Feature.NRCPUS: _read_cpus,
    Feature.CMDLINE: _read_cmdline,
    Feature.EVENT_DESC: _read_event_desc,
    Feature.SAMPLE_TIME: _read_sample_time,
    Feature.CLOCK_DATA: _read_clock_data,
    Feature.SIMPLEPERF_META_INFO: _read_meta_info,
}
