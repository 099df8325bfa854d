"""Samples by the hundred thousand: messages put together of words.

A word has four bytes, of which some are kept: numbers and texts of any length are rows of words, whose places are a
quarter as many as those of bytes. What is not kept falls out at the end, of a block of samples at once. The number of a
location is a word, looked up; what follows the locations, values and labels, is made once for all samples that have the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import flat_ranges

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from goinspect.render.pprof import wire

__all__ = ["Located", "combined", "encoded"]

_SAMPLE, _LOCATIONS = 2, 1
_TABLE = 1 << 22  # numbers that are looked up in a table
_HALF = np.uint64(32)
_KEPT = np.array([(1 << 8 * size) // 255 for size in range(9)], dtype="<u8")  # a 1 in each of the first bytes


class Located(NamedTuple):
    """The locations of some stacks: how many each has, and the numbers of all, root first."""

    counts: NDArray[np.int64]
    numbers: NDArray[np.int32]


class _Words(NamedTuple):
    """Rows of words, one after another, and how many each row has.

    ``both`` has the four bytes of a word, and behind them a 1 for each that is kept.
    """

    both: NDArray[np.uint64]
    counts: NDArray[np.int64]


def encoded(
    blocks: Sequence[Located], number: NDArray[np.int64], tails: wire.Column, tail: NDArray[np.int64]
) -> Iterator[bytes]:
    """All samples, the last one first, in fields of the profile.

    Args:
        blocks: the locations of all stacks.
        number: what each location is called in the profile.
        tails: what may stand behind locations.
        tail: which of these each sample has.
    """
    names = _varints(number.astype(np.uint64))
    name = names.code | names.kept << _HALF
    size = names.size.astype(np.uint8)
    followed, lengths = _words(tails), tails.sizes
    end = len(tail)
    for block in reversed(blocks):
        begin = end - len(block.counts)
        # Leaf first: all of a block backwards, its stacks with it.
        location, counts, which = block.numbers[::-1], block.counts[::-1], tail[begin:end][::-1]
        bounds = np.append(0, np.cumsum(counts))
        ids = np.diff(np.append(0, np.cumsum(size[location], dtype=np.int64))[bounds])
        inner = _headed(_LOCATIONS, ids, given=ids > 0)
        outer = _headed(_SAMPLE, inner.size + ids + lengths[which])
        yield _joined(_heads(outer, inner), _Words(name[location], counts), _taken(followed, which))
        end = begin


class _Numbers(NamedTuple):
    """Varints of at most seven bytes, maybe with a tag, in a word of eight; which bytes are kept, and how many."""

    code: NDArray[np.uint64]
    kept: NDArray[np.uint64]
    size: NDArray[np.int64]


def _varints(values: NDArray[np.uint64]) -> _Numbers:
    low, more, step = np.uint64(0x7F), np.uint64(0x80), np.uint64(8)
    code, size = values & low, np.ones(len(values), dtype=np.int64)
    rest, shift = values >> np.uint64(7), np.uint64(0)
    while rest.any():
        going = rest > 0
        code |= np.where(going, more << shift, np.uint64(0))
        shift += step
        code |= (rest & low) << shift
        size += going
        rest = rest >> np.uint64(7)
    return _Numbers(code, _KEPT[size], size)


def _headed(tag: int, sizes: NDArray[np.int64], given: NDArray[np.bool_] | None = None) -> _Numbers:
    """The beginning of field `tag` with so many bytes; nothing where it is not given."""
    number = _varints(sizes.astype(np.uint64))
    size = number.size + 1
    if given is not None:
        size = np.where(given, size, 0)
    return _Numbers(number.code << np.uint64(8) | np.uint64(tag << 3 | 2), _KEPT[size], size)


def _heads(*numbers: _Numbers) -> _Words:
    """Two words of each number."""
    low = np.uint64(0xFFFF_FFFF)
    parts = [part for one in numbers for part in (
        one.code & low | (one.kept & low) << _HALF, one.code >> _HALF | one.kept >> _HALF << _HALF
    )]  # fmt: skip
    return _Words(np.stack(parts, axis=1).reshape(-1), np.full(len(parts[0]), len(parts)))


def _words(column: wire.Column) -> _Words:
    """Rows of bytes as rows of words."""
    counts = (column.sizes + 3) // 4
    at = flat_ranges(4 * (np.cumsum(counts) - counts), column.sizes)
    both = np.zeros((2, 4 * int(counts.sum())), dtype=np.uint8)
    both[0, at], both[1, at] = column.data, 1
    word, kept = both.view("<u4").astype(np.uint64)
    return _Words(word | kept << _HALF, counts)


def _taken(words: _Words, rows: NDArray[np.int64]) -> _Words:
    starts, counts = np.cumsum(words.counts) - words.counts, words.counts[rows]
    return _Words(words.both[flat_ranges(starts[rows], counts)], counts)


def _joined(*columns: _Words) -> bytes:
    """Row by row, what all columns have, without what is not kept."""
    total = np.sum([column.counts for column in columns], axis=0)
    both = np.empty(int(total.sum()), dtype=np.uint64)
    place = np.cumsum(total) - total
    for column in columns:
        both[flat_ranges(place, column.counts)] = column.both
        place = place + column.counts
    word, kept = both.astype("<u4"), (both >> _HALF).astype("<u4")
    data: NDArray[np.uint8] = word.view(np.uint8)[kept.view(np.bool_)]
    return data.tobytes()


def combined(columns: Sequence[NDArray[np.int64]], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A number for each of `count` rows by what it has in all columns, and for each number a row that has it."""
    key, most = np.zeros(count, dtype=np.int64), 1
    for column in columns:
        low = int(column.min(initial=0))
        span = int(column.max(initial=0)) - low + 1
        if span > _TABLE:
            found, place = np.unique(column, return_inverse=True)
            span = len(found)
        else:
            place = column - low
        key, most = key * span + place, most * span
        if most <= _TABLE:
            there = np.zeros(most, dtype=np.bool_)
            there[key] = True
            key = (np.cumsum(there) - 1)[key]
        else:
            _, key = np.unique(key, return_inverse=True)
        most = int(key.max(initial=0)) + 1
    first = np.zeros(most if count else 0, dtype=np.int64)
    first[key] = np.arange(count)
    return key, first
