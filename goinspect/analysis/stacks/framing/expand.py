"""The frames of stacks that are made of expansions."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import backward_ranges, flat_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.stacks.symboltable import SymbolTable

__all__ = ["BLANK", "expanded", "flattened", "gathered"]

BLANK = -1  # in place of an expansion: nothing
_BLOCK = 1 << 11  # stacks handled at once: temporaries stay in the cache


def expanded(
    begin: NDArray[np.int64],
    sizes: NDArray[np.int64],
    flat: NDArray[np.int32],
    table: SymbolTable,
    marks: NDArray[np.int32] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32] | None]:
    """Where the stacks start, and their frames, root first, inlined calls expanded; the mark of each if there are any.

    Args:
        begin: of each stack in `flat`.
        sizes: of each stack.
        flat: expansions, leaf first.
        table: what expansions are.
        marks: of each frame of each expansion, one after another.
    """
    pool, lengths = flattened(table)
    start = np.append(0, np.cumsum(sizes))
    if len(pool) == len(lengths) and not (flat == BLANK).any():  # as of folded stacks: a frame each
        rooted = gathered(flat, begin, sizes, backward=True)
        return start, pool.take(rooted), None if marks is None else marks[rooted]
    flat = gathered(flat, begin, sizes)
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
        rows = slice(low, low + _BLOCK)
        part = flat[backward_ranges(start[1:][rows], sizes[rows])]
        here = slice(int(ends[low]), int(ends[min(low + _BLOCK, len(sizes))]))
        at = flat_ranges(begins[part], lengths[part])
        np.take(pool, at, out=frames[here], mode="clip")
        if marks is not None and of is not None:
            np.take(marks, at, out=of[here], mode="clip")
    return ends, frames, of


def gathered(
    flat: NDArray[np.int32], begin: NDArray[np.int64], sizes: NDArray[np.int64], *, backward: bool = False
) -> NDArray[np.int32]:
    """Slices of `flat`, one after another, each from its end on if `backward`; block by block: an index of all would not stay in the cache."""
    ends = np.cumsum(sizes)
    out = np.empty(int(ends[-1]) if len(ends) else 0, dtype=np.int32)
    for low in range(0, len(sizes), _BLOCK):
        rows = slice(low, low + _BLOCK)
        here = out[int(ends[low] - sizes[low]) : int(ends[rows][-1])]
        at = (
            backward_ranges(begin[rows] + sizes[rows], sizes[rows])
            if backward
            else flat_ranges(begin[rows], sizes[rows])
        )
        np.take(flat, at, out=here, mode="clip")
    return out


def flattened(table: SymbolTable) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The frames of all expansions, one after another, and how many each has."""
    lengths = np.fromiter(map(len, table.expansions), np.int64, len(table.expansions))
    return np.fromiter(chain.from_iterable(table.expansions), np.int32, int(lengths.sum())), lengths
