"""A second, slow reader of perf.data in all its containers: one record after another, nothing of goinspect."""

from __future__ import annotations

import importlib
import struct
import sys
from typing import NamedTuple

from tests.profiles.sample_sizes import Shape

COMPRESSED, COMPRESSED2, TRACING_DATA, AUXTRACE = 81, 83, 66, 71


class Record(NamedTuple):
    kind: int
    misc: int
    body: bytes


def zstd():
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


class Recording:
    """The records of a file or a pipe; compressed ones are replaced by what is in them and counted in `packed`."""

    def __init__(self, raw: bytes, *parts: bytes) -> None:
        self.mark = "<" if raw[:8] in (b"PERFILE2", b"PERFFILE") else ">"
        self.packed: dict[int, int] = {}
        self.rest = b""  # what is no whole record at the end
        self.shape_of: dict[int, Shape] = {}
        self.shapes: list[Shape] = []
        if self._unpack("Q", raw, 8)[0] == 16:
            self.records = self._walk(raw[16:])
            for record in self.records:
                if record.kind == 64:
                    size = self._unpack("I", record.body, 4)[0]
                    self._add_attr(record.body[:size], record.body[size:])
        else:
            entry, attrs_at, attrs_size, data_at, data_size = self._unpack("5Q", raw, 16)
            data = raw[data_at : data_at + data_size] if data_size else raw[data_at:]
            self.records = [record for part in (data, *parts) for record in self._walk(part)]
            for at in range(attrs_at, attrs_at + attrs_size, entry):
                ids_at, ids_size = self._unpack("QQ", raw, at + entry - 16)
                self._add_attr(raw[at : at + entry - 16], raw[ids_at : ids_at + ids_size])

    def _unpack(self, code: str, data: bytes, at: int) -> tuple[int, ...]:
        return struct.unpack_from(self.mark + code, data, at)

    def _add_attr(self, attr: bytes, ids: bytes) -> None:
        self.shapes.append(Shape.of(attr, self.mark))
        for value in self._unpack(f"{len(ids) // 8}Q", ids, 0):
            self.shape_of[value] = self.shapes[-1]

    def _walk(self, data: bytes) -> list[Record]:
        found, unpacked, at = [], b"", 0
        stream = None
        while at + 8 <= len(data):
            kind, misc, size = self._unpack("IHH", data, at)
            if size < 8 or at + size > len(data):
                break
            body = data[at + 8 : at + size]
            at += size
            if kind in (COMPRESSED, COMPRESSED2):
                self.packed[kind] = self.packed.get(kind, 0) + 1
                stream = stream or zstd().ZstdDecompressor()
                unpacked += stream.decompress(
                    body if kind == COMPRESSED else body[8 : 8 + self._unpack("Q", body, 0)[0]]
                )
                continue
            found.append(Record(kind, misc, body))
            if kind == TRACING_DATA:
                at += -(-self._unpack("I", body, 0)[0] // 8) * 8
            elif kind == AUXTRACE:
                at += self._unpack("Q", body, 0)[0]
        self.rest = data[at:]
        return found + (self._walk(unpacked) if unpacked else [])

    def shape(self, body: bytes) -> Shape:
        """What the fields of a sample with this body are."""
        first = self.shapes[0]
        if len(self.shapes) == 1:
            return first
        place = 0 if first.sample_type >> 16 & 1 else 8 * (first.sample_type & 0xF).bit_count()
        return self.shape_of.get(self._unpack("Q", body, place)[0], first)

    def ip(self, body: bytes) -> int:
        """The address of a sample; 0 where the kernel told none."""
        kinds = self.shape(body).sample_type
        return self._unpack("Q", body, 8 * (kinds >> 16 & 1))[0] if kinds & 1 else 0
