"""The locations of a profile: a function with the calls inlined there, at an address where that is known.

A stack of locations has one of them where a stack of frames may have several: the inlined calls are lines of it. Stacks
are looked at block by block, so that nothing but the frames themselves is as large as all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import flat_ranges
from goinspect.views.locations import location_begins, outer_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.results.stacks import Stacks

__all__ = ["Locations", "Locator"]


class Locations(NamedTuple):
    """Those that stacks refer to: location ``number[j]``, at least 1, has the place ``place[j]`` (-1: none).

    Its frames are ``frames[start[j]:start[j + 1]]``, outermost first.
    """

    number: NDArray[np.int64]
    place: NDArray[np.int64]
    start: NDArray[np.int64]
    frames: NDArray[np.int32]


class Locator:
    """Numbers locations.

    A place has its own number, and so has a frame that is at none and has nothing inlined: 1 + place, and behind these
    1 + frame. What else there is, as inlined calls at no place, or a place with some of its frames hidden, is numbered as it comes.
    """

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks
        self._outer = outer_frames(stacks.frames)
        self._places = 0 if stacks.places is None else len(stacks.places.module)
        self._plain = self._places + len(stacks.frames)
        # Of each location with a number of its own: where in the frames it was seen, and with how many of them.
        self._at = np.zeros(self._plain, dtype=np.int64)
        self._run = np.zeros(self._plain, dtype=np.int64)  # how many << 32 | the first one
        self._others: dict[tuple[int, bytes], int] = {}
        self._other_at: list[tuple[int, int, int]] = []  # place, first frame, how many

    def block(self, begin: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Of the stacks [begin, end): how many locations each has, and their numbers, root first."""
        stacks = self._stacks
        bounds = stacks.start[begin : end + 1]
        low, high = int(bounds[0]), int(bounds[-1])
        frame = stacks.frame[low:high]
        place = None if stacks.place is None else stacks.place[low:high]
        first = np.flatnonzero(location_begins(frame, place, bounds - low, self._outer))
        counts = np.diff(np.searchsorted(first, bounds - low))
        sizes = np.diff(first, append=len(frame))
        where = np.full(len(first), -1, dtype=np.int32) if place is None else place[first]
        return counts, self._numbers(frame, first, sizes, where, low) + np.int32(1)

    def _numbers(
        self,
        frame: NDArray[np.int32],
        first: NDArray[np.int64],
        sizes: NDArray[np.int64],
        place: NDArray[np.int32],
        low: int,
    ) -> NDArray[np.int32]:
        head = frame[first]
        number = np.where(place >= 0, place, head + np.int32(self._places))
        run = sizes << 32 | head
        known = self._run[number]
        odd = np.flatnonzero(known != run)
        if len(odd):
            new = odd[(known[odd] == 0) & ((place[odd] >= 0) | (sizes[odd] == 1))]
            self._at[number[new]] = first[new] + low
            # What was written last is what all are compared with: one run, whole.
            new = new[self._at[number[new]] == first[new] + low]
            self._run[number[new]] = run[new]
            odd = odd[self._run[number[odd]] != run[odd]]
        for i, begin, size in zip(odd.tolist(), first[odd].tolist(), sizes[odd].tolist(), strict=True):
            key = int(place[i]), frame[begin : begin + size].tobytes()
            other = self._others.setdefault(key, len(self._others))
            if other == len(self._other_at):
                self._other_at.append((key[0], begin + low, size))
            number[i] = self._plain + other
        return number

    def found(self) -> Locations:
        """All of the blocks so far."""
        seen = np.flatnonzero(self._run)
        others = np.array(self._other_at, dtype=np.int64).reshape(-1, 3)
        place = np.concatenate((np.where(seen < self._places, seen, -1), others[:, 0]))
        at = np.concatenate((self._at[seen], others[:, 1]))
        sizes = np.concatenate((self._run[seen] >> 32, others[:, 2]))
        number = np.concatenate((seen, self._plain + np.arange(len(others)))) + 1
        return Locations(
            number, place, np.append(0, np.cumsum(sizes)), self._stacks.frame[flat_ranges(at, sizes)]
        )
