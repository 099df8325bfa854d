"""The locations of a profile: a function with the calls inlined there, at an address where that is known.

A stack of locations has one of them where a stack of frames may have several: the inlined calls are lines of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import flat_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.results.stacks import Stacks

__all__ = ["LocatedStacks", "locate"]


class LocatedStacks(NamedTuple):
    """Stacks of locations, root first: stack i is ``location[start[i]:start[i + 1]]``.

    Location j has the frames ``frames[frame_start[j]:frame_start[j + 1]]``, outermost first, and the place ``place[j]``
    (-1: none).
    """

    start: NDArray[np.int64]
    location: NDArray[np.int32]
    frame_start: NDArray[np.int64]
    frames: NDArray[np.int32]
    place: NDArray[np.int32]


def locate(stacks: Stacks) -> LocatedStacks:
    """The locations of `stacks`."""
    frame = stacks.frame
    inlined = np.array([row.inlined for row in stacks.frames], dtype=np.bool_)
    begins = ~inlined[frame] if len(inlined) else np.empty(0, dtype=np.bool_)
    filled = np.flatnonzero(np.diff(stacks.start))
    begins[stacks.start[filled]] = True
    place = stacks.place
    if place is not None:
        begins[1:] |= place[1:] != place[:-1]
    first = np.flatnonzero(begins)
    sizes = np.diff(np.append(first, len(frame)))
    where = np.full(len(first), -1, dtype=np.int32) if place is None else place[first]
    number = _numbers(frame, first, sizes, where)
    last = np.zeros(int(number.max(initial=-1)) + 1, dtype=np.int64)
    last[number] = np.arange(len(number))  # one that has it
    at, lengths = first[last], sizes[last]
    counts = np.searchsorted(first, stacks.start)
    return LocatedStacks(
        counts,
        number.astype(np.int32),
        np.append(0, np.cumsum(lengths)),
        frame[flat_ranges(at, lengths)],
        where[last],
    )


def _numbers(
    frame: NDArray[np.int32], first: NDArray[np.int64], sizes: NDArray[np.int64], place: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Equal runs of frames at one place have one number; numbers are dense."""
    number = np.zeros(len(first), dtype=np.int64)
    placed = place >= 0
    if not _are_alike(frame[first], sizes, place, placed):
        placed = np.zeros_like(placed)
    known = place[placed]
    used = np.zeros(int(known.max(initial=-1)) + 1, dtype=np.bool_)
    used[known] = True
    number[placed] = (np.cumsum(used) - 1)[known]
    rest = np.flatnonzero(~placed)
    if len(rest):
        number[rest] = _by_frames(frame, first[rest], sizes[rest], place[rest]) + int(used.sum())
    return number


def _are_alike(
    head: NDArray[np.int32], sizes: NDArray[np.int64], place: NDArray[np.int32], placed: NDArray[np.bool_]
) -> bool:
    """Has every place the same frames wherever it stands? Not where frames were hidden among inlined ones."""
    row = place[placed]
    for values in (head[placed].astype(np.int64), sizes[placed]):
        told = np.zeros(int(row.max(initial=-1)) + 1, dtype=np.int64)
        told[row] = values
        if (told[row] != values).any():
            return False
    return True


def _by_frames(
    frame: NDArray[np.int32], first: NDArray[np.int64], sizes: NDArray[np.int64], place: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Numbers by place and all frames: those of the runs up to each depth, one depth after another."""
    stride = int(frame.max(initial=0)) + 2
    _, number = np.unique((place.astype(np.int64) + 1) * stride + frame[first], return_inverse=True)
    for depth in range(1, int(sizes.max(initial=0))):
        longer = np.flatnonzero(sizes > depth)
        key = number * stride
        key[longer] += frame[first[longer] + depth] + 1
        _, number = np.unique(key, return_inverse=True)
    return np.asarray(number, dtype=np.int64)
