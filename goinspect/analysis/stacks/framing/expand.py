"""The frames of stacks that are made of expansions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import backward_ranges, flat_ranges, slices_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.stacks.symboltable import SymbolTable

__all__ = ["BLANK", "expanded"]

BLANK = -1  # in place of an expansion: nothing
_PIECE = 1 << 18  # frames handled at once: temporaries stay in the cache


def expanded(
    start: NDArray[np.int64], flat: NDArray[np.int32], table: SymbolTable, *, expansions: bool
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32] | None]:
    """Where the stacks start, and their frames, root first, inlined calls expanded; the expansion of each if asked for."""
    # Blanks, at the end, have none.
    lengths = np.array([*map(len, table.expansions), 0], dtype=np.int64)
    begins = np.cumsum(lengths) - lengths
    pool = np.array([frame for e in table.expansions for frame in e], dtype=np.int32)
    starts = np.zeros(len(start), dtype=np.int64)
    frames, of = [pool[:0]], [flat[:0]]
    for rows in slices_of(start, _PIECE):
        bounds = start[rows.start : rows.stop + 1]
        part = flat[backward_ranges(bounds[1:], np.diff(bounds))]
        counts = lengths[part]
        ends = np.append(0, np.cumsum(counts))
        starts[rows.start + 1 : rows.stop + 1] = starts[rows.start] + ends[bounds[1:] - bounds[0]]
        frames.append(pool.take(flat_ranges(begins[part], counts), mode="clip"))
        if expansions:
            of.append(np.repeat(part, counts))
    return starts, np.concatenate(frames), np.concatenate(of) if expansions else None
