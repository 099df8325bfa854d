"""Stacks of Go code from registers and copies of stacks: ``perf record --call-graph dwarf``.

perf itself finds one user frame per sample of a Go program. Here all samples are unwound together, a frame at a time:
each distinct PC is looked up once, and the return addresses of a step are gathered from the mapped recording at once.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import distinct, flat_ranges
from goinspect.analysis.recordings.callsites import Agreement, CallCheck
from goinspect.analysis.stacks.unwinding.places import Places, file_of
from goinspect.gosym.unwinding.rules import Action
from goinspect.gosym.unwinding.steps import ARCHES, End, Registers, step
from goinspect.maps import file_offset_to_vaddr
from goinspect.profiles.base import KIND_USER, Locations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from goinspect.analysis.recordings.finder import BinaryFinder
    from goinspect.binary import Binary
    from goinspect.model import Mapping
    from goinspect.profiles.base import Profile
    from goinspect.profiles.userstacks import UserStacks

__all__ = ["NO_CALLER", "OTHER_STACK", "unwind"]

OTHER_STACK = "[other stack]"  # the caller is on a stack of which the recording has no copy
NO_CALLER = "[no caller found]"
_MARKERS = {End.SWITCHED: OTHER_STACK, End.LOST: NO_CALLER}

_CHUNK = 1 << 14  # stacks unwound together
_CHUNK_BYTES = 1 << 25  # of copies: bounds the frames that they can hold
_TRIALS, _TRIAL = 8, 1 << 6  # runs of stacks that tell whether a file is the one that ran
_SIGNALS = 8  # nested signal handlers that are passed through
_WORD = np.uint64(8)


def unwind(profile: Profile, finder: BinaryFinder) -> tuple[Profile, NDArray[np.uint8]]:
    """The profile with the callers of Go code found, and why each sample's stack ends.

    Samples without a copy of their stack, and those of other programs, stay as they are: their end is OPEN.
    """
    ends = np.full(len(profile), End.OPEN, dtype=np.uint8)
    stacks = profile.user_stacks
    if stacks is None or stacks.arch not in ARCHES or not len(stacks):
        return profile, ends
    unwinder = _Unwinder(profile, stacks, partial(_find, profile, stacks, finder))
    parts = [unwinder.run(rows) for rows in _chunks(stacks)]
    found = _Found(
        np.concatenate([part.sizes for part in parts]),
        np.concatenate([part.frames for part in parts]),
        np.concatenate([part.end for part in parts]),
    )
    out = _joined(profile, stacks, found, unwinder.places)
    ends[stacks.row] = found.end
    return out, ends


def _chunks(stacks: UserStacks) -> Iterator[NDArray[np.int64]]:
    sizes = np.cumsum(stacks.size, dtype=np.int64)
    begin = 0
    while begin < len(stacks):
        limit = (int(sizes[begin - 1]) if begin else 0) + _CHUNK_BYTES
        end = min(max(int(np.searchsorted(sizes, limit, side="right")), begin + 1), begin + _CHUNK)
        yield np.arange(begin, min(end, len(stacks)))
        begin = end


def _find(profile: Profile, stacks: UserStacks, finder: BinaryFinder, mapping: Mapping) -> Binary | None:
    """The file behind a mapping. Whether it is the one that ran, unwinding some stacks by it tells."""

    def check(binary: Binary) -> Agreement:
        if binary.go_or_none is None:
            return Agreement()
        name = file_of(mapping)
        here = np.array([file_of(other) == name for other in profile.mappings] or [False])
        number, _ = stacks.spaces.resolve(stacks.space, stacks.pc)
        rows = np.flatnonzero((number >= 0) & here[number])
        if not len(rows):
            return Agreement()
        if len(rows) > _TRIALS * _TRIAL:  # in runs: each place that is read brings half a megabyte around it
            first = np.linspace(0, len(rows) - _TRIAL, _TRIALS).astype(np.int64)
            rows = rows[distinct((first[:, None] + np.arange(_TRIAL)).ravel())]
        unwinder = _Unwinder(profile, stacks, lambda other: binary if file_of(other) == name else None)
        found = unwinder.run(rows)
        trial = replace(profile, locations=unwinder.places.locations(), frames=found.frames)
        inside = np.flatnonzero(here[trial.locations.mapping] & (trial.locations.mapping >= 0))
        vaddrs, mapped = file_offset_to_vaddr(binary.image.segments, trial.locations.file_offset[inside])
        return CallCheck(trial).agreement(binary, inside[mapped], vaddrs[mapped])

    return finder.find(mapping, check)


class _Found(NamedTuple):
    """What was found of some stacks: ``sizes`` frames of each (0: nothing), leaf first, ids of `Places`."""

    sizes: NDArray[np.int64]
    frames: NDArray[np.int32]
    end: NDArray[np.uint8]


class _Memory:
    """Copies of some stacks, as the unwinder reads them."""

    def __init__(self, stacks: UserStacks, rows: NDArray[np.int64]) -> None:
        self._words = stacks.words
        self.first, self.bottom = stacks.first[rows], stacks.sp[rows]
        self.size = stacks.size[rows].astype(np.uint64) & ~np.uint64(7)

    def read(
        self, rows: NDArray[np.int64], addresses: NDArray[np.uint64]
    ) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """The words at these addresses, and which of them are there."""
        offset = addresses - self.bottom[rows]
        there = (offset < self.size[rows]) & (offset & np.uint64(7) == 0)
        place = np.where(there, self.first[rows] + (offset >> np.uint64(3)).astype(np.int64), 0)
        return self._words.take(place), there

    def beside(self, rows: NDArray[np.int64], addresses: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which addresses are of another stack, as far as this one is known."""
        return addresses - self.bottom[rows] > self.size[rows]


class _Unwinder:
    """Unwinds stacks of one recording."""

    def __init__(
        self, profile: Profile, stacks: UserStacks, find: Callable[[Mapping], Binary | None]
    ) -> None:
        self.places = Places(profile.mappings, stacks.spaces, find)
        self._stacks = stacks

    def run(self, rows: NDArray[np.int64]) -> _Found:
        """Unwind these stacks of the recording."""
        walk = _Walk(self._stacks, rows, self.places)
        while walk.advance():
            pass
        self._stacks.words.release()
        return walk.found()


class _Walk:
    """Some stacks on their way from leaf to root. Arrays hold a row for each stack that goes on, `end` one for all."""

    def __init__(self, stacks: UserStacks, rows: NDArray[np.int64], places: Places) -> None:
        self._arch, self._places = stacks.arch, places
        self._space, self._memory = stacks.space[rows], _Memory(stacks, rows)
        count = len(rows)
        self.end = np.full(count, End.OPEN, dtype=np.uint8)
        self._live = np.arange(count)
        self._at = Registers(stacks.pc[rows], stacks.sp[rows], stacks.fp[rows], stacks.lr[rows])
        self._exact, self._suspect = np.ones(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
        self._depth = 0
        self._foreign = np.full(count, -1, dtype=np.int64)  # depth from which on all was foreign code
        self._go = np.zeros(count, dtype=np.bool_)  # some frame was Go's
        self._signals = np.zeros(count, dtype=np.int64)
        self._away = np.zeros(count, dtype=np.bool_)  # on a stack that is not the one that was copied
        self._parts: list[tuple[NDArray[np.int64], NDArray[np.int32]]] = []

    def advance(self) -> bool:
        """Note the frames where the stacks stand and go on to their callers; False when all have ended."""
        ids = self._places.look(self._space[self._live], self._at.pc, self._exact)
        rules = self._places.rules(ids)
        good = ~self._suspect | self._places.keeps(rules, self._at, self._arch)
        self.end[self._live[~good]] = End.SWITCHED
        if self._depth:
            code = rules.action != Action.NOTHING
            self.end[self._live[good & ~code]] = End.LOST
            good &= code
        if not good.all():
            ids = ids[good]
            rules = rules.only(good)
            self._keep(good)
        self._note(ids, rules.action)
        old = self._at
        found = step(self._arch, rules, old, self._memory, self._live, first=self._depth == 0)
        end = found.end.copy()
        jumped = (rules.action == Action.SIGNAL) | (rules.action == Action.RESTORER)
        self._signals[self._live] += jumped
        stuck = np.where(jumped, self._signals[self._live] > _SIGNALS, found.registers.sp < old.sp)
        stuck |= ~jumped & (self._depth > 0) & (found.registers.sp == old.sp) & (old.lr == 0)
        end[(end == End.OPEN) & stuck] = End.LOST
        end[(end == End.CUT) & self._away[self._live]] = End.SWITCHED
        self._away[self._live] = jumped & self._memory.beside(self._live, found.registers.sp)
        self.end[self._live] = end
        self._at, self._exact, self._suspect = found.registers, found.exact, found.suspect
        self._keep(end == End.OPEN)
        self._depth += 1
        return len(self._live) > 0

    def _keep(self, rows: NDArray[np.bool_]) -> None:
        self._live, self._exact, self._suspect = self._live[rows], self._exact[rows], self._suspect[rows]
        self._at = Registers(*(column[rows] for column in self._at))

    def _note(self, ids: NDArray[np.int32], action: NDArray[np.uint8]) -> None:
        self._parts.append((self._live, ids))
        go = action >= Action.CALLER
        self._go[self._live[go]] = True
        self._foreign[self._live[go]] = -1
        other = self._live[~go]
        self._foreign[other] = np.where(self._foreign[other] < 0, self._depth, self._foreign[other])

    def found(self) -> _Found:
        """The frames. Foreign code that led to no Go code is believed for one frame: its callers are guesses."""
        guessed = self._foreign >= 0
        self.end[guessed & (self.end != End.CUT)] = End.LOST
        self.end[~self._go] = End.OPEN
        limit = np.where(guessed, self._foreign + 1, np.iinfo(np.int64).max)
        owner = np.concatenate([part[0] for part in self._parts])
        depth = np.repeat(np.arange(len(self._parts)), [len(part[0]) for part in self._parts])
        kept = depth < limit[owner]
        owner, frames = owner[kept], np.concatenate([part[1] for part in self._parts])[kept]
        order = np.argsort(owner, kind="stable")
        return _Found(np.bincount(owner, minlength=len(self.end)), frames[order], self.end)


def _joined(profile: Profile, stacks: UserStacks, found: _Found, places: Places) -> Profile:
    """The profile with its user frames replaced by those found, and a marker where they end for want of a copy."""
    old = profile.locations
    start, frames, names, locations = _with_markers(profile, found, places.locations())
    frames = frames + len(old.mapping)
    sizes = np.zeros(len(profile), dtype=np.int64)
    sizes[stacks.row] = np.diff(start)
    counts = np.diff(profile.stack_start)
    owner = np.repeat(np.arange(len(profile)), counts)
    user = old.kind[profile.frames] == KIND_USER
    replaced = np.zeros(len(profile), dtype=np.bool_)
    replaced[stacks.row] = found.end != End.OPEN
    # Programs that are not Go's keep what was recorded of them, if it is anything.
    bare = np.bincount(owner[user], minlength=len(profile)) == 0
    taken = (replaced | bare) & (sizes > 0)
    kept = ~(user & taken[owner])
    kept_sizes = np.bincount(owner[kept], minlength=len(profile))
    new_start = np.zeros(len(profile) + 1, dtype=np.int64)
    np.cumsum(kept_sizes + np.where(taken, sizes, 0), out=new_start[1:])
    out = np.empty(int(new_start[-1]), dtype=np.int32)
    out[flat_ranges(new_start[:-1], kept_sizes)] = profile.frames[kept]
    rows = taken[stacks.row]
    mine = np.diff(start)[rows]
    place = (new_start[:-1] + kept_sizes)[stacks.row[rows]]
    out[flat_ranges(place, mine)] = frames[flat_ranges(start[:-1][rows], mine)]
    truncated = profile.truncated.copy()
    truncated[stacks.row] = np.where(rows, found.end == End.CUT, truncated[stacks.row])
    return replace(
        profile,
        stack_start=new_start,
        frames=out,
        truncated=truncated,
        locations=_appended(old, locations),
        names=names,
    )


def _with_markers(
    profile: Profile, found: _Found, locations: Locations
) -> tuple[NDArray[np.int64], NDArray[np.int32], tuple[tuple[str, ...], ...], Locations]:
    """The stacks with a further location at the root of those that were not followed to their end."""
    count = len(locations.mapping)
    places = dict.fromkeys(_MARKERS, 0)
    marker = np.full(len(found.end), -1, dtype=np.int64)
    for number, end in enumerate(places):
        marker[found.end == end] = count + number
    marked = marker >= 0
    stops = np.cumsum(found.sizes)
    frames = np.insert(found.frames, stops[marked], marker[marked].astype(np.int32))
    start = np.append(0, np.cumsum(found.sizes + marked))
    more = len(_MARKERS)
    extra = Locations(
        np.full(more, -1, np.int32), np.zeros(more, np.uint64), np.zeros(more, np.uint64),
        np.full(more, KIND_USER, np.uint8), np.zeros(more, np.bool_), len(profile.names) + np.arange(more, dtype=np.int32),
        np.ones(more, np.bool_),
    )  # fmt: skip
    names = (*profile.names, *((name,) for name in _MARKERS.values()))
    return start, frames, names, _appended(locations, extra)


def _appended(first: Locations, second: Locations) -> Locations:
    def column(part: Locations, name: str) -> NDArray[np.int32] | NDArray[np.bool_]:
        value = getattr(part, name)
        count = len(part.mapping)
        if value is not None:
            return np.asarray(value)
        return np.full(count, -1, np.int32) if name == "name" else np.zeros(count, np.bool_)

    return Locations(
        *(np.concatenate((getattr(first, name), getattr(second, name)))
          for name in ("mapping", "file_offset", "runtime_addr", "kind", "exact")),
        *(np.concatenate((column(first, name), column(second, name))) for name in ("name", "unwound")),
    )  # fmt: skip
