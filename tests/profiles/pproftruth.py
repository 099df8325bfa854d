"""All that a pprof profile says, with references followed, by the decoder of these tests: two of these can be compared."""

from __future__ import annotations

import gzip
from collections import Counter
from typing import NamedTuple

from tests.builders.protobuf import fields, packed

WORD = 1 << 64
NAMELESS = "[unknown]"  # as goinspect calls it


class Truth(NamedTuple):
    """A profile. `samples`: values summed by stack (leaf first, of locations with their lines) and labels."""

    types: list[tuple[str, str]]
    samples: dict[tuple[tuple, frozenset], tuple[int, ...]]
    mappings: list[tuple]
    facts: dict[str, object]


def signed(value: int) -> int:
    return value - WORD if value >> 63 else value


def truth(data: bytes) -> Truth:
    message = fields(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    strings = [text.decode() for text in message[6]]

    def one(row: dict, number: int) -> int:
        return row.get(number, [0])[-1]

    def text(row: dict, number: int) -> str:
        return strings[one(row, number)]

    def pair(row: dict) -> tuple[str, str]:
        return text(row, 1), text(row, 2)

    def repeated(row: dict, number: int) -> list[int]:
        return [
            n for part in row.get(number, []) for n in (packed(part) if isinstance(part, bytes) else [part])
        ]

    mappings = {}
    for row in map(fields, message.get(3, [])):
        flags = tuple(bool(one(row, number)) for number in (7, 8, 9, 10))
        mappings[one(row, 1)] = (one(row, 2), one(row, 3), one(row, 4), text(row, 5), text(row, 6), flags)
    functions = {
        one(row, 1): (text(row, 2), text(row, 4), one(row, 5)) for row in map(fields, message.get(5, []))
    }
    locations = {}
    for row in map(fields, message.get(4, [])):
        lines = [(functions[one(line, 1)], one(line, 2)) for line in map(fields, row.get(4, []))]
        if not any(name for (name, *_), _ in lines):
            lines = []  # nothing that would be known
        lines = [((function[0] or NAMELESS, *function[1:]), line) for function, line in lines]
        mapping = mappings.get(one(row, 2))
        locations[one(row, 1)] = (mapping and mapping[:5], one(row, 3), tuple(lines))
    samples: dict = {}
    for row in map(fields, message.get(2, [])):
        labels: Counter = Counter()
        for label in map(fields, row.get(3, [])):
            value = text(label, 2) or (signed(one(label, 3)), text(label, 4))
            labels[text(label, 1), value] += 1
        key = tuple(locations[number] for number in repeated(row, 1)), frozenset(labels.items())
        values = [signed(value) for value in repeated(row, 2)]
        samples[key] = tuple(a + b for a, b in zip(samples.get(key, [0] * len(values)), values, strict=True))
    facts = {
        "drop": text(message, 7), "keep": text(message, 8), "time": signed(one(message, 9)), "duration": signed(one(message, 10)),
        "period_type": pair(fields(one(message, 11) or b"")), "period": signed(one(message, 12)),
        "comments": [strings[number] for number in repeated(message, 13)], "default": text(message, 14), "url": text(message, 15),
    }  # fmt: skip
    nothing = {key for key, values in samples.items() if not any(values)}
    return Truth(
        [pair(fields(part)) for part in message[1]],
        {key: values for key, values in samples.items() if key not in nothing},
        list(mappings.values()),
        facts,
    )
