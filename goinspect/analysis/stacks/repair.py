"""Stacks that were cut at the depth limit, put on the roots that whole stacks of their process have.

A cut stack has lost its outermost frames. Its outermost one that is left, a return address, also stands somewhere in
whole stacks; what lies below it there is what was lost, if all stacks that agree on the most frames above say the
same. The depth of a recursion stays unknown: of a recursive function the known run is shown, not what was cut out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import capped, distinct, flat_ranges
from goinspect.analysis.stacks.merge import Samples, cut_garbage
from goinspect.analysis.stacks.table import Flag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Repaired", "repair", "still_truncated"]

_MOST_FRAMES = 1 << 21  # of distinct whole stacks that are looked through
_MOST_OVERLAP = 256  # frames
_MOST_COMPARED = 1 << 25  # parts of stacks: some seconds
_SPARE = 1 << 12
_MANY = 16  # frames: with so many in common, other stacks need not be asked
_BASE = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))


class Repaired(NamedTuple):
    """Stacks with their roots back. ``rows``: which were put on one."""

    start: NDArray[np.int64]
    frames: NDArray[np.int32]
    rows: NDArray[np.int64]


def still_truncated(
    truncated: NDArray[np.bool_], start: NDArray[np.int64], stop: NDArray[np.int64], last: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Which stacks lack their root: those as deep as the limit that do not end in the root of a thread.

    Args:
        truncated: by depth.
        start: of each stack.
        stop: where each ends.
        last: the flags of each one's last frame.
    """
    rooted = (last & np.uint8(Flag.CUT | Flag.ROOT)) != 0
    return np.asarray(truncated & ~(rooted & (stop > start[:-1])))


def repair(
    start: NDArray[np.int64],
    frames: NDArray[np.int32],
    truncated: NDArray[np.bool_],
    process: NDArray[np.int32],
    flags: NDArray[np.uint8],
) -> Repaired:
    """Find the roots of cut stacks.

    Args:
        start: of each stack in `frames`.
        frames: locations, leaf first.
        truncated: which stacks are as deep as the limit.
        process: of each stack.
        flags: of each location.
    """
    nothing = Repaired(start, frames, np.empty(0, dtype=np.int64))
    stop = cut_garbage(Samples(start, frames, np.empty(0, np.int64), np.empty(0, np.int32)), flags).stop
    filled = stop > start[:-1]
    last = np.where(filled, frames[np.maximum(stop, 1) - 1] if len(frames) else 0, 0)
    rooted = filled & (flags[last] & np.uint8(Flag.CUT | Flag.ROOT) != 0) if len(flags) else filled
    cut = np.flatnonzero(truncated & filled & ~rooted & (stop == start[1:]))
    if not len(cut):
        return nothing
    whole = np.flatnonzero(rooted & np.isin(process, distinct(process[cut])))
    wanted = np.zeros(len(flags), dtype=np.bool_)
    wanted[last[cut]] = True
    known = _Stacks.of(start, stop, frames, process, _holding(start, stop, frames, whole, wanted))
    broken, kinds = _Stacks.with_kinds(start, stop, frames, process, cut)
    place = _places(known, broken, wanted)
    return _joined(start, frames, stop, (cut, place[kinds]), known)


def _holding(
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    frames: NDArray[np.int32],
    rows: NDArray[np.int64],
    wanted: NDArray[np.bool_],
) -> Iterator[int]:
    """The stacks among `rows` that hold a wanted location."""
    for row in rows.tolist():
        if wanted[frames[start[row] : stop[row]]].any():
            yield row


class _Stacks:
    """Distinct stacks of processes, one after another, with sums from which the hash of any part follows."""

    def __init__(self, stacks: list[tuple[int, NDArray[np.int32]]]) -> None:
        lengths = np.array([len(stack) for _, stack in stacks], dtype=np.int64)
        self.end = np.cumsum(lengths)
        self.start = self.end - lengths
        self.process = np.array([process for process, _ in stacks], dtype=np.int64)
        self.flat = np.concatenate([stack for _, stack in stacks] or [np.empty(0, dtype=np.int32)])
        size = len(self.flat) + 1
        with np.errstate(over="ignore"):
            power = np.multiply.accumulate(np.append(np.uint64(1), np.full(size - 1, _BASE)))
            self._unshift = np.multiply.accumulate(np.append(np.uint64(1), np.full(size - 1, _INVERSE)))
            terms = _mixed(self.flat) * power[:-1]
            self._sums = np.append(np.uint64(0), np.cumsum(terms, dtype=np.uint64))

    @classmethod
    def of(
        cls,
        start: NDArray[np.int64],
        stop: NDArray[np.int64],
        frames: NDArray[np.int32],
        process: NDArray[np.int32],
        rows: Iterator[int],
    ) -> _Stacks:
        """Those of `rows`, each once, as far as there is room to look through them."""
        found: dict[tuple[int, bytes], tuple[int, NDArray[np.int32]]] = {}
        room = _MOST_FRAMES
        for row in rows:
            stack, owner = frames[start[row] : stop[row]], int(process[row])
            key = owner, stack.tobytes()
            if key not in found:
                room -= len(stack)
                if room < 0:
                    break
                found[key] = owner, stack
        return cls(list(found.values()))

    @classmethod
    def with_kinds(
        cls,
        start: NDArray[np.int64],
        stop: NDArray[np.int64],
        frames: NDArray[np.int32],
        process: NDArray[np.int32],
        rows: NDArray[np.int64],
    ) -> tuple[_Stacks, NDArray[np.int64]]:
        """Also which of the distinct stacks each row has."""
        number: dict[tuple[int, bytes], int] = {}
        stacks: list[tuple[int, NDArray[np.int32]]] = []
        kinds: list[int] = []
        for row in rows.tolist():
            stack, owner = frames[start[row] : stop[row]], int(process[row])
            kind = number.setdefault((owner, stack.tobytes()), len(number))
            if kind == len(stacks):
                stacks.append((owner, stack))
            kinds.append(kind)
        return cls(stacks), np.array(kinds, dtype=np.int64)

    def hashes(self, begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Of the frames [begin, end): equal parts have equal hashes wherever they are."""
        with np.errstate(over="ignore"):
            return (self._sums[end] - self._sums[begin]) * self._unshift[begin]


def _mixed(values: NDArray[np.int32]) -> NDArray[np.uint64]:
    """A spread number for each location."""
    with np.errstate(over="ignore"):
        mixed = (values.astype(np.uint64) + np.uint64(1)) * np.uint64(0xBF58476D1CE4E5B9)
        return (mixed ^ mixed >> np.uint64(29)) * np.uint64(0x94D049BB133111EB)


def _places(known: _Stacks, broken: _Stacks, wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each cut stack the frame in `known.flat` that its outermost frame is, -1 where that is not certain.

    From the longest overlap down: where some whole stacks agree with a cut one on so many frames, they decide; on few
    frames only if no other whole stack that holds the outermost one goes on in another way.
    """
    place = np.full(len(broken.start), -1, dtype=np.int64)
    overlaps = _Overlaps(known, broken, np.flatnonzero(wanted[known.flat]))
    asking = np.arange(len(place))
    alone = overlaps.agreed(asking, 1)
    certain = np.zeros(len(place), dtype=np.bool_)
    certain[alone.rows] = alone.place >= 0
    for overlap in range(overlaps.longest, 0, -1):
        found = overlaps.agreed(asking, overlap)
        sure = found.place >= 0
        if overlap < _MANY:
            sure &= certain[found.rows]
        place[found.rows[sure]] = found.place[sure]
        asking = np.setdiff1d(asking, found.rows, assume_unique=True)
        if not len(asking) or overlaps.compared > _MOST_COMPARED:
            break
    return place


class _Found(NamedTuple):
    """Cut stacks that overlap with whole ones, and where; -1: those go on in different ways."""

    rows: NDArray[np.int64]
    place: NDArray[np.int64]


class _Overlaps:
    """Where the outermost frames of cut stacks stand in whole ones (at `at`, places in the flat array of these)."""

    def __init__(self, known: _Stacks, broken: _Stacks, at: NDArray[np.int64]) -> None:
        self._known, self._broken, self._at = known, broken, at
        owner = np.searchsorted(known.end, at, side="right")
        self._process = _mixed(known.process[owner].astype(np.int32))
        self._room = at - known.start[owner] + 1
        self._rest = known.hashes(at + 1, known.end[owner])
        self._length = broken.end - broken.start
        self.longest = min(int(self._room.max(initial=0)), int(self._length.max(initial=0)), _MOST_OVERLAP)
        self.compared = 0

    def agreed(self, asking: NDArray[np.int64], overlap: int) -> _Found:
        """The stacks among `asking` of which so many frames stand in whole ones of their process."""
        known, broken = self._known, self._broken
        able = asking[self._length[asking] >= overlap]
        fits = np.flatnonzero(self._room >= overlap)
        self.compared += len(fits) + len(able)
        there = known.hashes(self._at[fits] + 1 - overlap, self._at[fits] + 1) ^ self._process[fits]
        here = broken.hashes(broken.end[able] - overlap, broken.end[able])
        here = here ^ _mixed(broken.process[able].astype(np.int32))
        among = np.flatnonzero(np.isin(there, here))
        if not len(among):
            return _Found(able[:0], able[:0])
        among = among[np.argsort(there[among], kind="stable")]
        rest = self._rest[fits[among]]
        low, high = (np.searchsorted(there[among], here, side=side) for side in ("left", "right"))
        change = np.cumsum(np.append(0, rest[1:] != rest[:-1]))
        found = np.flatnonzero(high > low)
        same = change[high[found] - 1] == change[low[found]]
        return _Found(able[found], np.where(same, self._at[fits[among[low[found]]]], -1))


def _joined(
    start: NDArray[np.int64],
    frames: NDArray[np.int32],
    stop: NDArray[np.int64],
    found: tuple[NDArray[np.int64], NDArray[np.int64]],
    known: _Stacks,
) -> Repaired:
    """Append what was lost to the stacks for which it was found."""
    rows, place = found
    rows, place = rows[place >= 0], place[place >= 0]
    # Equal hashes prove little: the frame itself must be the same.
    same = known.flat[place] == frames[stop[rows] - 1]
    rows, place = rows[same], place[same]
    if not len(rows):
        return Repaired(start, frames, rows)
    owner = np.searchsorted(known.end, place, side="right")
    lengths = capped(known.end[owner] - place - 1, 2 * len(frames) + _SPARE)
    given = lengths > 0  # one huge root for many stacks is damage
    rows, place, lengths = rows[given], place[given], lengths[given]
    added = known.flat[flat_ranges(place + 1, lengths)]
    longer = np.insert(frames, np.repeat(stop[rows], lengths), added)
    growth = np.zeros(len(start), dtype=np.int64)
    growth[rows + 1] = lengths
    return Repaired(start + np.cumsum(growth), longer, rows)
