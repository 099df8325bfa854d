"""Merged as integers: cut what does not belong, merge equal ones.

Nothing here looks at a name; `symbolize` says by flags what a location means for the stack it is in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from goinspect._ragged import flat_ranges, grouped, slices_of, taken
from goinspect.analysis.stacks.framing.expand import BLANK, expanded, gathered
from goinspect.analysis.stacks.symboltable import Flag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from goinspect.analysis.stacks.symbolize import Symbolizer
    from goinspect.analysis.stacks.symboltable import SymbolTable
    from goinspect.profiles.base import Locations

__all__ = [
    "Cut", "Merged", "Samples", "correct_trapped", "cut_garbage", "matching", "merge", "part_of", "parts_of", "with_roots",
]  # fmt: skip

_BLOCK = 1 << 12  # stacks handled at once: temporaries stay in the cache
_PART = 1 << 24  # frames merged at once: what is made of all of a large recording would fill the memory


@dataclass(frozen=True, slots=True)
class Merged:
    """Distinct stacks, root first: stack i is ``frame[start[i]:start[i + 1]]``, rows of the table of frames."""

    start: NDArray[np.int64]
    frame: NDArray[np.int32]
    group: NDArray[np.int32]  # stacks of different groups (processes, threads) are kept apart
    weight: NDArray[np.uint64]
    samples: NDArray[np.int64]
    stack: NDArray[np.int64]  # of each sample
    others: NDArray[np.uint64]  # further weights, a row for each stack
    mark: NDArray[np.int32] | None = None  # of each frame, -1: none


class Samples(NamedTuple):
    """Merged of samples as locations, leaf first: sample i is ``frames[start[i]:start[i + 1]]``.

    At ``patch_at`` (positions in ``frames``, ascending) the location is really ``patch``: frames of a large recording are not
    copied for a few corrections.
    """

    start: NDArray[np.int64]
    frames: NDArray[np.int32]
    patch_at: NDArray[np.int64]
    patch: NDArray[np.int32]

    def of_locations(self, values: NDArray[Any]) -> NDArray[Any]:
        """``values[location]`` for every frame."""
        out = taken(values, self.frames)
        out[self.patch_at] = values[self.patch]
        return out

    def locations(self, at: NDArray[np.int64]) -> NDArray[np.int32]:
        """The locations of some frames, by their positions in ``frames``; sooner where these ascend."""
        out = self.frames[at]
        if not len(self.patch_at) or not len(at):
            return out
        if bool((at[1:] > at[:-1]).all()):
            row = np.searchsorted(at, self.patch_at).clip(max=len(at) - 1)
            patched = at[row] == self.patch_at
            out[row[patched]] = self.patch[patched]
            return out
        row = np.searchsorted(self.patch_at, at).clip(max=len(self.patch_at) - 1)
        return np.where(self.patch_at[row] == at, self.patch[row], out)


class Cut(NamedTuple):
    """Where stacks really end, and what that leaves.

    Counts of frames; ``hidden``: stacks that lack a caller, ``restored``: those that got one back.

    ``lasts`` are the flags of each stack's last frame, 0 where it has none.
    """

    stop: NDArray[np.int64]
    frames: int
    named: int
    dropped: int
    hidden: int
    restored: int
    lasts: NDArray[np.uint8]


def correct_trapped(
    start: NDArray[np.int64], frames: NDArray[np.int32], locations: Locations, symbolizer: Symbolizer
) -> Samples:
    """The samples with exact addresses below sigpanic, asyncPreempt and their like: there nothing was called.

    A reader takes every caller's address for a return address and looks one byte before it; an interrupted
    instruction's address must be looked up as it is.
    """
    table = symbolizer.table
    plain = Samples(start, frames, np.empty(0, np.int64), np.empty(0, np.int32))
    trapped = np.flatnonzero(plain.of_locations(table.flags & np.uint8(Flag.TRAPPED)))
    below = trapped + 1
    ends = start[np.searchsorted(start, trapped, side="right")]
    below = below[below < ends]
    below = below[~locations.exact[frames[below]]]
    if not len(below):
        return plain
    wrong, new = np.unique(frames[below], return_inverse=True)
    known = len(table.expansion)
    symbolizer.add(_one_further(locations, wrong))
    return plain._replace(patch_at=below, patch=(new + known).astype(np.int32))


def _one_further(locations: Locations, rows: NDArray[np.int32]) -> Locations:
    one = np.uint64(1)
    return replace(
        locations,
        mapping=locations.mapping[rows],
        file_offset=locations.file_offset[rows] + one,
        runtime_addr=locations.runtime_addr[rows] + one,
        kind=locations.kind[rows],
        exact=np.ones(len(rows), dtype=np.bool_),
        name=None if locations.name is None else locations.name[rows],
        complete=None if locations.complete is None else locations.complete[rows],
        unwound=None if locations.unwound is None else locations.unwound[rows],
    )


def cut_garbage(samples: Samples, flags: NDArray[np.uint8]) -> Cut:
    """Where each stack really ends.

    A frame-pointer walk does not know the top of a stack. Below goexit and mcall nothing belongs to the stack; below
    the other roots everything from the first address on that is no code.
    """
    parts = [(part_of(samples, rows), int(samples.start[rows.start])) for rows in parts_of(samples.start)]
    cuts = [(_cut_part(part, flags), low) for part, low in parts]
    if len(cuts) == 1:
        return cuts[0][0]
    return Cut(
        np.concatenate([cut.stop + low for cut, low in cuts]),
        sum(cut.frames for cut, _ in cuts),
        sum(cut.named for cut, _ in cuts),
        sum(cut.dropped for cut, _ in cuts),
        sum(cut.hidden for cut, _ in cuts),
        sum(cut.restored for cut, _ in cuts),
        np.concatenate([cut.lasts for cut, _ in cuts]),
    )


def _cut_part(samples: Samples, flags: NDArray[np.uint8]) -> Cut:
    start = samples.start
    stop = start[1:].copy()
    flat = samples.of_locations(flags)
    anchors = np.flatnonzero(flat & np.uint8(Flag.CUT | Flag.ROOT))
    stack = np.searchsorted(start, anchors, side="right") - 1
    inner = anchors + 1 < start[stack + 1]
    anchors, stack = anchors[inner], stack[inner]
    bad = np.append(np.flatnonzero(flat & np.uint8(Flag.BAD)), len(flat))
    first_bad = bad[np.searchsorted(bad, anchors)]
    np.minimum.at(stop, stack, np.where(flat[anchors] & Flag.CUT, anchors + 1, first_bad))
    for row in np.flatnonzero(stop < start[1:]).tolist():
        flat[stop[row] : start[row + 1]] = 0
    kept = int((stop - start[:-1]).sum())
    lasts = np.zeros(len(stop), dtype=np.uint8)
    filled = np.flatnonzero(stop > start[:-1])
    lasts[filled] = flat[stop[filled] - 1]
    named = int(np.count_nonzero(flat & np.uint8(Flag.NAMED)))
    lacking = np.flatnonzero(flat & np.uint8(Flag.HIDDEN | Flag.RESTORED))
    told = flat[lacking]
    hidden, restored = (
        _stacks_with(lacking[told & np.uint8(flag) > 0], start, stop) for flag in (Flag.HIDDEN, Flag.RESTORED)
    )
    return Cut(stop, kept, named, len(flat) - kept, hidden, restored, lasts)


def _stacks_with(at: NDArray[np.int64], start: NDArray[np.int64], stop: NDArray[np.int64]) -> int:
    """How many stacks have one of these frames with a caller: without a call chain none can be missing."""
    stack = np.searchsorted(start, at, side="right") - 1
    stack = stack[at + 1 < stop[stack]]
    return int(np.count_nonzero(np.diff(stack, prepend=-1)))


def merge(
    samples: Samples,
    stop: NDArray[np.int64],
    table: SymbolTable,
    group: NDArray[np.int32],
    weight: NDArray[np.uint64],
    *,
    keep: NDArray[np.bool_] | None = None,
    count: NDArray[np.int64] | None = None,
    others: Sequence[NDArray[np.uint64]] = (),
    marks: NDArray[np.int32] | None = None,
) -> Merged:
    """Merge samples with the same group and the same frames.

    Args:
        samples: their stacks.
        stop: the end of each stack after cutting.
        table: from `Symbolizer`.
        group: of each sample; samples of different groups stay apart.
        weight: of each sample.
        keep: expansions to leave in; all where it is None.
        count: how many samples each row stands for; one where it is None.
        others: further weights of each sample.
        marks: of each frame of each expansion, one after another: what is to be told of the frames of stacks.
    """
    further = np.stack(others, axis=1) if others else np.empty((len(weight), 0), dtype=np.uint64)
    number = np.ones(len(weight), dtype=np.int64) if count is None else count
    expansion = table.expansion
    if keep is not None:
        expansion = np.where(keep[expansion], expansion, np.int32(BLANK))
    parts: list[_Counted] = []
    stacks: list[NDArray[np.int64]] = []
    of_parts = list(parts_of(samples.start))
    for rows in of_parts:
        part = part_of(samples, rows)
        start, flat = part.start, part.of_locations(expansion)
        ends = stop[rows] - samples.start[rows.start]
        for row in np.flatnonzero(ends < start[1:]).tolist():
            flat[ends[row] : start[row + 1]] = BLANK
        counted = _Counted(
            start[:-1], np.diff(start), flat, group[rows], weight[rows], number[rows], further[rows]
        )
        found, which = _distinct_stacks(counted, table)
        stacks.append(which + sum(len(part.number) for part in parts))
        parts.append(found.alone() if len(of_parts) > 1 else found)
    stack = stacks[0]
    if len(parts) > 1:
        found, which = _distinct_stacks(_joined(parts), table)
        stack = which[np.concatenate(stacks)]
    start, frames, of = expanded(found.begin, found.sizes, found.flat, table, marks)
    return Merged(start, frames, found.group, found.weight, found.number, stack, found.others, of)


class _Counted(NamedTuple):
    """Merged of expansions, leaf first, and what each counts for: stack i is ``flat[begin[i]:begin[i] + sizes[i]]``."""

    begin: NDArray[np.int64]
    sizes: NDArray[np.int64]
    flat: NDArray[np.int32]
    group: NDArray[np.int32]
    weight: NDArray[np.uint64]
    number: NDArray[np.int64]
    others: NDArray[np.uint64]

    def alone(self) -> _Counted:
        """The same with no frames but their own."""
        flat = gathered(self.flat, self.begin, self.sizes)
        return self._replace(begin=np.cumsum(self.sizes) - self.sizes, flat=flat)


def parts_of(start: NDArray[np.int64]) -> Iterator[slice]:
    """Rows whose frames together are few enough to be worked on at once; one empty part where there are no rows."""
    return slices_of(start, _PART)


def part_of(samples: Samples, rows: slice) -> Samples:
    """These rows alone, without a copy of their frames."""
    start = samples.start[rows.start : rows.stop + 1]
    low, high = int(start[0]), int(start[-1])
    inside = (samples.patch_at >= low) & (samples.patch_at < high)
    return Samples(
        start - low, samples.frames[low:high], samples.patch_at[inside] - low, samples.patch[inside]
    )


def _distinct_stacks(stacks: _Counted, table: SymbolTable) -> tuple[_Counted, NDArray[np.int64]]:
    """Of stacks one after another, equal ones of one group made one, and which each of them became."""
    start = np.append(stacks.begin, len(stacks.flat))
    hashes = _hash_stacks(start, stacks.flat, len(table.expansions)) ^ (
        stacks.group.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    )
    first, inverse = _verified(*grouped(hashes), start, stacks.flat, stacks.group)
    weight = np.zeros(len(first), dtype=np.uint64)
    np.add.at(weight, inverse, stacks.weight)
    count = np.zeros(len(first), dtype=np.int64)
    np.add.at(count, inverse, stacks.number)
    others = np.zeros((len(first), stacks.others.shape[1]), dtype=np.uint64)
    for column in range(others.shape[1]):
        np.add.at(others[:, column], inverse, stacks.others[:, column])
    found = stacks._replace(
        begin=stacks.begin[first], sizes=stacks.sizes[first], group=stacks.group[first],
        weight=weight, number=count, others=others,
    )  # fmt: skip
    return found, inverse


def _joined(parts: list[_Counted]) -> _Counted:
    _, *columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Counted(np.cumsum(columns[0]) - columns[0], *columns)


def _hash_stacks(start: NDArray[np.int64], flat: NDArray[np.int32], count: int) -> NDArray[np.uint64]:
    """A 64-bit sum over (expansion, position) for each stack; blanks add nothing."""
    depth = int((start[1:] - start[:-1]).max(initial=0))
    mix, place = np.split(_mixed(count + depth + 2), [count + 1])
    mix[BLANK] = 0
    place |= np.uint64(1)
    out = np.zeros(len(start) - 1, dtype=np.uint64)
    for begin in range(0, len(out), _BLOCK):
        bounds = start[begin : begin + _BLOCK + 1]
        low, high = int(bounds[0]), int(bounds[-1])
        lengths = np.diff(bounds)
        some = lengths > 0
        if not some.any():
            continue
        terms = mix.take(flat[low:high])
        terms *= place.take(flat_ranges(0, lengths))
        out[begin : begin + _BLOCK][some] = np.add.reduceat(terms, (bounds[:-1] - low)[some])
    return out


def _mixed(count: int) -> NDArray[np.uint64]:
    """So many numbers without a pattern (SplitMix64): numpy.random takes 12 ms to import."""
    state = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = (state ^ state >> np.uint64(shift)) * np.uint64(factor)
    return state ^ state >> np.uint64(31)


def _verified(
    first: NDArray[np.int64],
    inverse: NDArray[np.int64],
    start: NDArray[np.int64],
    flat: NDArray[np.int32],
    group: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Equal hashes prove nothing: compare each stack with the one it was merged into, and part those that differ."""
    different: list[int] = []
    lengths = np.diff(start)
    same = (group[first[inverse]] == group) & (lengths[first[inverse]] == lengths)
    merged = np.flatnonzero(same & (lengths > 0) & (first[inverse] != np.arange(len(inverse))))
    for begin in range(0, len(merged), _BLOCK):
        rows = merged[begin : begin + _BLOCK]
        sizes = lengths[rows]
        mine = flat[flat_ranges(start[rows], sizes)]
        other = flat[flat_ranges(start[first[inverse[rows]]], sizes)]
        unequal = np.logical_or.reduceat(mine != other, np.cumsum(sizes) - sizes)
        different += rows[unequal].tolist()
    # Merged of different raw length may still be equal where one has blanks behind its end: compare those as bytes.
    suspects = sorted({*different, *np.flatnonzero(~same).tolist()})
    return _reassign(suspects, first, inverse, start, flat, group) if suspects else (first, inverse)


def _reassign(
    suspects: list[int],
    first: NDArray[np.int64],
    inverse: NDArray[np.int64],
    start: NDArray[np.int64],
    flat: NDArray[np.int32],
    group: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    def key(row: int) -> tuple[int, bytes]:
        stack = flat[start[row] : start[row + 1]]
        return int(group[row]), stack[stack != BLANK].tobytes()

    firsts = first.tolist()
    known = {key(firsts[number]): number for number in {int(inverse[row]) for row in suspects}}
    for row in suspects:
        number = known.setdefault(key(row), len(firsts))
        if number == len(firsts):
            firsts.append(row)
        inverse[row] = number
    return np.array(firsts, dtype=np.int64), inverse


def with_roots(stacks: Merged, rows: NDArray[np.bool_], frame: int) -> Merged:
    """The stacks with `frame` below those where `rows` is True."""
    frames = np.insert(stacks.frame, stacks.start[:-1][rows], np.int32(frame))
    of = stacks.mark
    of = None if of is None else np.insert(of, stacks.start[:-1][rows], np.int32(BLANK))
    return replace(stacks, start=stacks.start + np.append(0, np.cumsum(rows)), frame=frames, mark=of)


def matching(names: list[str], test: Callable[[str], object]) -> NDArray[np.bool_]:
    """A mask over frames by their names."""
    return np.array([bool(test(name)) for name in names], dtype=np.bool_)
