"""Writes recordings in containers other than a plain file: pipes, compressed records, directories.

Layout as in tools/perf (header.c, session.c, util/zstd.c) and the kernel's perf_event.h; nothing of goinspect.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from tests.builders.perfdata import COMPRESSED, PerfData

if TYPE_CHECKING:
    from pathlib import Path

HEADER_ATTR, EVENT_TYPE, TRACING_DATA, BUILD_ID, FEATURE, COMPRESSED2 = 64, 65, 66, 67, 80, 83
FINISHED_ROUND = 68


def zstd() -> Any:
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def record(data: PerfData, kind: int, body: bytes, *, aligned: bool = False) -> bytes:
    """A record of perf's own; most are of any size."""
    if aligned:
        body += bytes(-len(body) % 8)
    return data.pack("IHH", kind, 0, 8 + len(body)) + body


def header_records(data: PerfData) -> list[bytes]:
    """What a pipe tells in place of the attrs and feature sections."""
    found = [
        record(data, HEADER_ATTR, data.attr(event) + data.pack(f"{len(event.ids)}Q", *event.ids))
        for event in data.events
    ]
    features = dict(data.features)
    if data.describe:
        features.setdefault(12, data.event_desc())
    return found + [record(data, FEATURE, data.pack("Q", bit) + body) for bit, body in features.items()]


def pipe_header(data: PerfData) -> bytes:
    magic = data.magic or (b"PERFILE2" if data.order == "little" else b"2ELIFREP")
    return magic + data.pack("Q", 16)


def pipe(data: PerfData, *, first: bytes = b"", records: bytes | None = None) -> bytes:
    """The recording as `perf record -o -` writes it; `first` comes before what describes it."""
    body = bytes(data.data) if records is None else records
    return pipe_header(data) + first + b"".join(header_records(data)) + body


def compressed(
    data: PerfData, chunk: int = 100, *, kind: int = COMPRESSED, ends: bool = False, between: bytes = b""
) -> bytes:
    """The records, packed into one zstd stream (or frames that end, with `ends`), cut into records every `chunk` bytes."""
    module = zstd()
    packer, out = module.ZstdCompressor(), b""
    for at in range(0, len(data.data), chunk):
        mode = module.ZstdCompressor.FLUSH_FRAME if ends else module.ZstdCompressor.FLUSH_BLOCK
        body = packer.compress(bytes(data.data[at : at + chunk]), mode)
        if kind == COMPRESSED2:
            body = data.pack("Q", len(body)) + body
        out += record(data, kind, body, aligned=kind == COMPRESSED2) + between
    return out


def with_records(data: PerfData, records: bytes) -> PerfData:
    """The same recording with other records."""
    return PerfData(
        data.events, data.order, data.magic, data.describe, dict(data.features), bytearray(records)
    )


def directory(data: PerfData, path: Path, parts: list[bytes]) -> Path:
    """What `perf record --threads` leaves: `data`, and records in `data.0` and so on."""
    path.mkdir()
    whole = with_records(data, bytes(data.data))
    whole.features[24] = data.pack("Q", 1)
    (path / "data").write_bytes(whole.build())
    for number, part in enumerate(parts):
        (path / f"data.{number}").write_bytes(part)
    return path
