"""The frames of stacks that are made of expansions."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import flat_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.stacks.symboltable import SymbolTable

__all__ = ["BLANK", "expanded", "flattened"]

BLANK = -1  # in place of an expansion: nothing
_BLOCK = 1 << 11  # stacks handled at once: temporaries stay in the cache


def expanded(
    start: NDArray[np.int64],
    flat: NDArray[np.int32],
    table: SymbolTable,
    marks: NDArray[np.int32] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32] | None]:
    """Where the stacks start, and their frames, root first, inlined calls expanded; the mark of each if there are any.

    Args:
        start: of the stacks.
        flat: their expansions, leaf first.
        table: what expansions are.
        marks: of each frame of each expansion, one after another.
    """
    pool, lengths = flattened(table)
    if len(pool) == len(lengths) and not (flat == BLANK).any():  # as of folded stacks: a frame each
        rooted = _reversed(start, flat)
        return start, pool[rooted], None if marks is None else marks[rooted]
    lengths = np.append(lengths, 0)  # blanks, at the end, have none
    begins = np.cumsum(lengths) - lengths
    ends = np.zeros(len(start), dtype=np.int64)
    for low in range(0, len(start) - 1, _BLOCK):
        bounds = start[low : low + _BLOCK + 1]
        counts = lengths[flat[bounds[0] : bounds[-1]]]
        ends[low + 1 : low + len(bounds)] = (
            ends[low] + np.append(0, np.cumsum(counts))[bounds[1:] - bounds[0]]
        )
    frames = np.empty(int(ends[-1]), dtype=np.int32)
    of = None if marks is None else np.empty(len(frames), dtype=np.int32)
    for low in range(0, len(start) - 1, _BLOCK):
        bounds = start[low : low + _BLOCK + 1]
        part = _reversed(bounds - bounds[0], flat[bounds[0] : bounds[-1]])
        here = slice(int(ends[low]), int(ends[low + len(bounds) - 1]))
        at = flat_ranges(begins[part], lengths[part])
        np.take(pool, at, out=frames[here], mode="clip")
        if marks is not None and of is not None:
            np.take(marks, at, out=of[here], mode="clip")
    return ends, frames, of


def flattened(table: SymbolTable) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The frames of all expansions, one after another, and how many each has."""
    lengths = np.fromiter(map(len, table.expansions), np.int64, len(table.expansions))
    return np.fromiter(chain.from_iterable(table.expansions), np.int32, int(lengths.sum())), lengths


def _reversed(start: NDArray[np.int64], flat: NDArray[np.int32]) -> NDArray[np.int32]:
    """Each stack turned around, block by block: an index of all would not stay in the cache."""
    out = np.empty_like(flat)
    for low in range(0, len(start) - 1, _BLOCK):
        bounds = start[low : low + _BLOCK + 1]
        sizes = np.diff(bounds)
        out[bounds[0] : bounds[-1]] = flat[np.repeat(bounds[1:], sizes) - 1 - flat_ranges(0, sizes)]
    return out
