"""Reads protobuf as its encoding is documented, and profile.proto with it: shares nothing with what writes it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field

__all__ = ["Profile", "fields", "read_profile"]


def fields(data: bytes) -> dict[int, list[int | bytes]]:
    """The fields of a message by number."""
    out: dict[int, list[int | bytes]] = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 0:
            value, at = _varint(data, at)
        elif tag & 7 == 1:
            value, at = int.from_bytes(data[at : at + 8], "little"), at + 8
        else:
            assert tag & 7 == 2, f"wire type {tag & 7}"
            size, at = _varint(data, at)
            assert at + size <= len(data)
            value, at = data[at : at + size], at + size
        out.setdefault(tag >> 3, []).append(value)
    return out


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def packed(data: bytes) -> list[int]:
    out, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        out.append(value)
    return out


@dataclass
class Profile:
    """A profile with its references followed; stacks as lists of frames, leaf first, each (function, line, inlined)."""

    sample_types: list[tuple[str, str]] = field(default_factory=list)
    samples: list[dict] = field(default_factory=list)
    mappings: dict[int, dict] = field(default_factory=dict)
    locations: dict[int, dict] = field(default_factory=dict)
    functions: dict[int, dict] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    default: str = ""
    period: int = 0
    period_type: tuple[str, str] | None = None
    time: int = 0
    duration: int = 0

    def frames(self, sample: dict) -> list[tuple[dict, int, bool]]:
        out = []
        for number in sample["locations"]:
            lines = self.locations[number]["lines"]
            for depth, (function, line) in enumerate(lines):
                out.append((self.functions[function], line, depth < len(lines) - 1))
        return out

    def totals(self) -> list[int]:
        return [sum(column) for column in zip(*(s["values"] for s in self.samples), strict=True)]

    def top(self, column: int = -1) -> dict[str, tuple[int, int]]:
        """Own and total weight by function; a location without lines is called by its mapping, as pprof does it."""
        own: dict[str, int] = {}
        total: dict[str, int] = {}
        for sample in self.samples:
            names = []
            for number in sample["locations"]:
                location = self.locations[number]
                names += [self.functions[function]["name"] for function, _ in location["lines"]] or [
                    f"[{self.mappings[location['mapping']]['file'].rpartition('/')[2]}]"
                ]
            value = sample["values"][column]
            if names:
                own[names[0]] = own.get(names[0], 0) + value
            for name in set(names):
                total[name] = total.get(name, 0) + value
        return {name: (own.get(name, 0), total[name]) for name in total}


def read_profile(data: bytes) -> Profile:
    message = fields(gzip.decompress(data))
    strings = [text.decode("utf-8") for text in message[6]]
    assert strings[0] == ""
    assert len(set(strings)) == len(strings)

    def one(part: dict, number: int, default: int = 0) -> int:
        (value,) = part.get(number, [default])
        return value

    def pair(part: bytes) -> tuple[str, str]:
        parts = fields(part)
        return strings[one(parts, 1)], strings[one(parts, 2)]

    out = Profile([pair(part) for part in message[1]])
    for part in message.get(3, []):
        row = fields(part)
        out.mappings[one(row, 1)] = {
            "start": one(row, 2), "limit": one(row, 3), "offset": one(row, 4), "file": strings[one(row, 5)],
            "build_id": strings[one(row, 6)], "flags": tuple(bool(one(row, n)) for n in (7, 8, 9, 10)),
        }  # fmt: skip
    for part in message.get(5, []):
        row = fields(part)
        out.functions[one(row, 1)] = {
            "name": strings[one(row, 2)], "system_name": strings[one(row, 3)],
            "file": strings[one(row, 4)], "start_line": one(row, 5),
        }  # fmt: skip
    for part in message.get(4, []):
        row = fields(part)
        lines = [fields(line) for line in row.get(4, [])]
        out.locations[one(row, 1)] = {
            "mapping": one(row, 2), "address": one(row, 3),
            "lines": [(one(line, 1), one(line, 2)) for line in lines],
        }  # fmt: skip
        assert one(row, 2) in {0, *out.mappings}
        assert all(one(line, 1) in out.functions or 5 in message for line in lines)
    for part in message.get(2, []):
        row = fields(part)
        labels = {}
        for label in row.get(3, []):
            label_row = fields(label)
            labels[strings[one(label_row, 1)]] = strings[one(label_row, 2)] or one(label_row, 3)
        out.samples.append(
            {
                "locations": packed(one(row, 1, b"")),
                "values": packed(one(row, 2, b"")),
                "labels": labels,
            }
        )
    out.comments = [strings[number] for number in message.get(13, [])]
    out.default = strings[one(message, 14)]
    out.period, out.time, out.duration = one(message, 12), one(message, 9), one(message, 10)
    out.period_type = pair(message[11][0]) if 11 in message else None
    return out
