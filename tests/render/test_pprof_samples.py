"""Samples as words: what is written is what the encoding of protobuf says, whatever the sizes."""

from __future__ import annotations

import random

import numpy as np
import pytest

from goinspect.render.pprof import wire
from goinspect.render.pprof.samples import Located, combined, encoded
from tests.builders.pprof import blob, numbers


def expected(stacks, tails):
    parts = []
    for stack, tail in zip(reversed(stacks), reversed(tails), strict=True):
        parts.append(blob(2, numbers(1, reversed(stack)) + tail))
    return b"".join(parts)


def written(stacks, tails, sizes, number):
    rows: dict[bytes, int] = {}
    tail = np.array([rows.setdefault(text, len(rows)) for text in tails], dtype=np.int64)
    column = wire.Column(
        np.frombuffer(b"".join(rows), dtype=np.uint8), np.array([len(text) for text in rows], dtype=np.int64)
    )
    blocks, begin = [], 0
    for size in sizes:
        part = stacks[begin : begin + size]
        flat = [location for stack in part for location in stack]
        counts = np.array([len(stack) for stack in part], dtype=np.int64)
        blocks.append(Located(counts, np.array(flat, dtype=np.int32)))
        begin += size
    assert begin == len(stacks)
    return b"".join(encoded(blocks, number, column, tail))


@pytest.mark.parametrize("seed", range(8))
def test_as_it_is_documented(seed):
    chance = random.Random(seed)
    count = 400
    number = np.array(
        [
            chance.choice((1, 127, 128, 16383, 16384, (1 << 21) - 1, 1 << 21, (1 << 28) - 1))
            for _ in range(count)
        ]
    )
    stacks = [
        [chance.randrange(count) for _ in range(chance.choice((0, 0, 1, 2, 30, 127, 128, 5000)))]
        for _ in range(60)
    ]
    tails = [
        bytes(chance.randrange(256) for _ in range(chance.choice((0, 1, 3, 4, 5, 8, 300)))) for _ in range(9)
    ]
    chosen = [chance.choice(tails) for _ in stacks]
    named = [[int(number[location]) for location in stack] for stack in stacks]
    assert written(stacks, chosen, (20, 1, 39), number) == expected(named, chosen)


def test_no_samples():
    assert written([], [], (), np.zeros(1, dtype=np.int64)) == b""


@pytest.mark.parametrize("scale", [1, 1 << 24, 1 << 60])
def test_combined(scale):
    chance = np.random.default_rng(1)
    columns = [chance.integers(-3, 4, 500) * scale for _ in range(5)]
    key, first = combined(columns, 500)
    rows = [*zip(*(column.tolist() for column in columns), strict=True)]
    assert len(first) == len(set(rows)) == int(key.max()) + 1
    for row, value in enumerate(rows):
        assert rows[int(first[key[row]])] == value


def test_combined_of_nothing():
    assert [part.tolist() for part in combined([], 3)] == [[0, 0, 0], [2]]
    assert [part.tolist() for part in combined([np.zeros(0, dtype=np.int64)], 0)] == [[], []]
