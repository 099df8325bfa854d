"""The frames of stacks that are made of expansions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import flat_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.stacks.symboltable import SymbolTable

__all__ = ["BLANK", "expanded"]

BLANK = -1  # in place of an expansion: nothing
_BLOCK = 1 << 15  # stacks handled at once: temporaries stay in the cache
_PIECE = 1 << 18  # frames gathered at once


def expanded(
    start: NDArray[np.int64], flat: NDArray[np.int32], table: SymbolTable, *, expansions: bool
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32] | None]:
    """Where the stacks start, and their frames, root first, inlined calls expanded; the expansion of each if asked for."""
    rooted = _reversed(start, flat)
    lengths = np.array(
        [*(len(e) for e in table.expansions), 0], dtype=np.int64
    )  # blanks, at the end, have none
    pool = np.array([frame for e in table.expansions for frame in e], dtype=np.int32)
    if (
        len(pool) == len(table.expansions) and not (rooted == BLANK).any()
    ):  # as of folded stacks: a frame each
        return start, pool[rooted], rooted if expansions else None
    begins = np.cumsum(lengths) - lengths
    ends = np.zeros(len(rooted) + 1, dtype=np.int64)
    for low in range(0, len(rooted), _PIECE):
        counts = lengths[rooted[low : low + _PIECE]]
        ends[low + 1 : low + 1 + len(counts)] = np.cumsum(counts) + ends[low]
    frames = np.empty(int(ends[-1]), dtype=np.int32)
    of = np.empty(len(frames) if expansions else 0, dtype=np.int32)
    for low in range(0, len(rooted), _PIECE):
        part = rooted[low : low + _PIECE]
        counts = lengths[part]
        here = slice(int(ends[low]), int(ends[low + len(part)]))
        np.take(pool, flat_ranges(begins[part], counts), out=frames[here], mode="clip")
        if expansions:
            of[here] = np.repeat(part, counts)
    return ends[start], frames, of if expansions else None


def _reversed(start: NDArray[np.int64], flat: NDArray[np.int32]) -> NDArray[np.int32]:
    """Each stack turned around, block by block: an index of all would not stay in the cache."""
    out = np.empty_like(flat)
    for low in range(0, len(start) - 1, _BLOCK):
        bounds = start[low : low + _BLOCK + 1]
        sizes = np.diff(bounds)
        out[bounds[0] : bounds[-1]] = flat[np.repeat(bounds[1:], sizes) - 1 - flat_ranges(0, sizes)]
    return out
