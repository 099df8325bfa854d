"""Weights by what samples go through, each sample once, in whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import distinct, flat_ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["summed", "through"]


def summed(ids: NDArray[np.int64], weight: NDArray[np.uint64], count: int) -> NDArray[np.uint64]:
    """The sum of the weights of each id below `count`."""
    out = np.zeros(count, dtype=np.uint64)
    np.add.at(out, ids, weight)
    return out


def through(
    sample: NDArray[np.int64],
    kind: NDArray[np.int64],
    things: Sequence[Sequence[int]],
    weight: NDArray[np.uint64],
    count: int,
) -> NDArray[np.uint64]:
    """What went through each of `count` things, however often a sample did.

    Args:
        sample: of each occurrence; those of one sample stand together.
        kind: of each occurrence.
        things: of each kind, what it goes through, each once.
        weight: of all samples.
        count: of things.
    """
    sizes = np.array([len(some) for some in things], dtype=np.int64)
    flat = np.array([thing for some in things for thing in some], dtype=np.int64)
    first = np.cumsum(sizes) - sizes
    again = np.zeros(len(sample), dtype=np.bool_)  # the sample has several occurrences
    again[1:] = sample[1:] == sample[:-1]
    again[:-1] |= again[1:]
    # Most have one: these are summed by kind, of which there are few.
    once = ~again
    by_kind = summed(kind[once], weight[sample[once]], len(sizes))
    out = summed(flat[flat_ranges(first, sizes)], np.repeat(by_kind, sizes), count)
    many = kind[again]
    ids = flat[flat_ranges(first[many], sizes[many])]
    keys = distinct(np.repeat(sample[again], sizes[many]) * np.int64(max(count, 1)) + ids)
    whose, ids = np.divmod(keys, max(count, 1))
    return out + summed(ids, weight[whose], count)
