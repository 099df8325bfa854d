"""Stacks with the callers in place that the machine code proves (`goinspect.analysis.calls.callers`).

A leaf and the return address that was found below it are one pair wherever they stand together. A pair whose caller is
known becomes a location of its own, whose frames are the caller's and the leaf's: no stack grows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import numbered
from goinspect.analysis.calls.callers import Callers
from goinspect.analysis.stacks.symboltable import Flag
from goinspect.model import FrameKind
from goinspect.profiles.base import KIND_USER
from goinspect.results.stacks import StackFrame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.calls.callers import Deduced
    from goinspect.analysis.stacks.merge import Samples
    from goinspect.analysis.stacks.symbolize import Symbolizer
    from goinspect.analysis.stacks.symboltable import SymbolTable
    from goinspect.binary import Binary
    from goinspect.profiles.base import Locations


__all__ = ["with_callers"]


class _Pairs(NamedTuple):
    """Leaves with what stands below them: where in the stacks, and which pair that is."""

    at: NDArray[np.int64]
    which: NDArray[np.int64]
    leaf: NDArray[np.int32]  # locations of each pair
    below: NDArray[np.int32]
    link: NDArray[
        np.uint64
    ]  # what the link register says is the leaf's return address, as an address in its file; or 0


def with_callers(
    samples: Samples,
    symbolizer: Symbolizer,
    locations: Locations,
    link: NDArray[np.uint64] | None = None,
    *,
    apart: bool = False,
    narrow: bool = False,
) -> Samples:
    """The samples with the callers that are known.

    Args:
        samples: as they were walked.
        symbolizer: has named all their locations, and gets further ones.
        locations: those of the profile; what the symbolizer has beyond them are PCs that a trap interrupted.
        link: the link register of each sample, where the recording has it.
        apart: leaves of different addresses stay apart where they show the same frames.
        narrow: tell calls through pointers apart (`Callers`).
    """
    table = symbolizer.table
    more = np.ones(len(table.flags) - len(locations.exact), dtype=np.bool_)
    exact = np.concatenate((locations.exact, more))
    code = (table.file >= 0) & np.concatenate((locations.kind == KIND_USER, more))
    if locations.unwound is not None:
        code[: len(locations.unwound)] &= ~locations.unwound
    native = exact & (table.flags & np.uint8(Flag.NAMED | Flag.GO) == Flag.NAMED)
    leaf = code & (native | (table.flags & np.uint8(Flag.HIDDEN) > 0))
    called = code & ~exact
    pairs = _pairs(samples, leaf, called)
    if link is not None and len(pairs.at):
        pairs = _with_links(pairs, samples, table, locations, link)
    if not len(pairs.at):
        return samples
    new = _Deduction(symbolizer, pairs, apart=apart, narrow=narrow).run()
    patch = new[pairs.which]
    known = patch >= 0
    if not known.any():
        return samples
    at = pairs.at[known]
    kept = at[np.searchsorted(at, samples.patch_at).clip(max=len(at) - 1)] != samples.patch_at
    patch_at = np.concatenate((samples.patch_at[kept], at))
    order = np.argsort(patch_at, kind="stable")
    return samples._replace(
        patch_at=patch_at[order], patch=np.concatenate((samples.patch[kept], patch[known]))[order]
    )


def _pairs(samples: Samples, leaf: NDArray[np.bool_], called: NDArray[np.bool_]) -> _Pairs:
    at = np.flatnonzero(samples.of_locations(leaf))
    begins = np.zeros(len(samples.frames) + 1, dtype=np.bool_)
    begins[samples.start] = True
    at = at[~begins[at + 1]]
    first, second = samples.locations(at), samples.locations(at + 1)
    good = called[second]
    at, first, second = at[good], first[good], second[good]
    above, below = np.flatnonzero(leaf), np.flatnonzero(called)
    keys, which = numbered(_rank(leaf)[first] * len(below) + _rank(called)[second], len(above) * len(below))
    leaf_of, below_of = above[keys // len(below)], below[keys % len(below)]
    nothing = np.zeros(len(keys), dtype=np.uint64)
    return _Pairs(at, which, leaf_of.astype(np.int32), below_of.astype(np.int32), nothing)


def _rank(some: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Of each of some rows, how many of these are before it."""
    return np.cumsum(some, dtype=np.int64) - 1


def _with_links(
    pairs: _Pairs, samples: Samples, table: SymbolTable, locations: Locations, link: NDArray[np.uint64]
) -> _Pairs:
    """The pairs told apart by the link register of their samples, which belongs to the innermost frame of user code."""
    row = np.searchsorted(samples.start, pairs.at, side="right") - 1
    before = samples.frames[np.maximum(pairs.at - 1, 0)]
    innermost = (pairs.at == samples.start[row]) | (locations.kind[before] != KIND_USER)
    leaf = pairs.leaf[pairs.which]
    innermost &= leaf < len(locations.exact)
    known = np.minimum(leaf, len(locations.exact) - 1)
    bias = locations.runtime_addr[known] - table.vaddr[known]
    values = np.where(innermost & (link[row] > 0), link[row] - bias, np.uint64(0))
    addresses, number = np.unique(values, return_inverse=True)
    keys, which = np.unique(pairs.which * len(addresses) + number, return_inverse=True)
    old = keys // len(addresses)
    return _Pairs(pairs.at, which, pairs.leaf[old], pairs.below[old], addresses[keys % len(addresses)])


class _Deduction:
    """The frames of the callers of pairs."""

    def __init__(self, symbolizer: Symbolizer, pairs: _Pairs, *, apart: bool, narrow: bool) -> None:
        self._apart, self._narrow = apart, narrow
        self._symbolizer, self._table, self._pairs = symbolizer, symbolizer.table, pairs
        self._expansions: list[tuple[int, ...]] = []  # of new locations
        self._like: list[int] = []
        self._flags: list[int] = []
        self._sites: list[tuple[int, ...]] = []
        self._caller: list[int] = []

    def run(self) -> NDArray[np.int32]:
        """A location for each pair, with the frames of the caller and the leaf; -1 where no caller is known."""
        pairs, table = self._pairs, self._table
        file = table.file[pairs.leaf]
        same = file == table.file[pairs.below]
        out = np.full(len(pairs.leaf), -1, dtype=np.int32)
        for number, binary in enumerate(table.binaries):
            rows = np.flatnonzero(same & (file == number))
            if len(rows):
                out[rows] = self._of_file(binary, rows)
        known = out >= 0
        first = self._symbolizer.add_expansions(
            self._expansions,
            np.array(self._like, dtype=np.int32),
            np.array(self._flags, dtype=np.uint8),
            np.array(self._caller, dtype=np.uint64),
        )
        out[known] += first
        table.sites.update(enumerate(self._sites, first))
        return out

    def _of_file(self, binary: Binary, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        """Which of the new locations each of these pairs is."""
        pairs, table = self._pairs, self._table
        leaf = pairs.leaf[rows]
        foreign = table.flags[leaf] & np.uint8(Flag.GO) == 0
        natives = self._symbolizer.natives(binary) if foreign.any() else None
        callers = Callers(binary, natives, narrow=self._narrow)
        if foreign.all() and not callers.keeps_frame_pointers:
            return np.full(len(rows), -1, dtype=np.int32)
        deduced, which = callers.deduce(
            callers.functions.find(table.vaddr[leaf]),
            table.vaddr[pairs.below[rows]] + np.uint64(1),
            pairs.link[rows],
        )
        module = self._package(int(leaf[foreign.argmax()])) if foreign.any() else ""
        frames = self._frames(binary, callers, deduced, module)
        # Leaves that show the same frames and have the same caller are one location.
        shown, flags = table.expansion[leaf].astype(np.int64), table.flags[leaf].astype(np.int64)
        told, count = (leaf, len(table.flags)) if self._apart else (shown, len(table.expansions))
        known = np.array([bool(above) or one.complete for one, above in zip(deduced, frames, strict=True)])
        rest = np.flatnonzero(known[which])
        out = np.full(len(rows), -1, dtype=np.int32)
        _, first, same = np.unique(
            (which[rest] * count + told[rest]) << 8 | flags[rest], return_index=True, return_inverse=True
        )
        out[rest] = same + len(self._expansions)
        first = rest[first]
        number, expansions = which[first], table.expansions
        self._expansions += [
            (*frames[one], *expansions[leaf_one])
            for one, leaf_one in zip(number.tolist(), shown[first].tolist(), strict=True)
        ]
        sites = [one.sites if above else () for one, above in zip(deduced, frames, strict=True)]
        caller = np.array([one[0] - 1 if len(one) == 1 else 0 for one in sites], dtype=np.uint64)
        restored = np.array([Flag.RESTORED if above else 0 for above in frames], dtype=np.uint8)
        self._sites += [sites[one] for one in number.tolist()]
        self._caller += caller[number].tolist()
        self._flags += restored[number].tolist()
        self._like += leaf[first].tolist()
        return out

    def _package(self, location: int) -> str:
        table = self._table
        frame: StackFrame = table.frames[table.expansions[table.expansion[location]][0]]
        return frame.package

    def _frames(
        self, binary: Binary, callers: Callers, deduced: list[Deduced], module: str
    ) -> list[tuple[int, ...]]:
        """The frames of each caller, as far as all its sites agree."""
        go, symbolizer = callers.functions.go, self._symbolizer
        wanted = sorted({site for one in deduced if one.caller < go for site in one.sites})
        named: list[StackFrame] = []
        stacks: list[tuple[int, ...]] = []
        if wanted:
            named, stacks = symbolizer.callers(binary, np.array(wanted, dtype=np.uint64) - np.uint64(1))
        at = dict(zip(wanted, stacks, strict=True))
        known: dict[tuple[tuple[int, ...], ...], tuple[int, ...]] = {(): ()}
        out: list[tuple[int, ...]] = []
        for one in deduced:
            if one.caller >= go:
                name = callers.functions.name(one.caller)
                frame = StackFrame(name, FrameKind.NATIVE, module, False, restored=True)
                out.append((symbolizer.frame_row(frame),))
                continue
            ways = tuple([at[site] for site in one.sites])
            if ways not in known:
                agreed = _agreed([[named[number] for number in way] for way in dict.fromkeys(ways)])
                known[ways] = tuple(map(symbolizer.frame_row, agreed))
            out.append(known[ways])
        return out


def _agreed(stacks: list[list[StackFrame]]) -> list[StackFrame]:
    """The outermost frames that all have; without a line where the lines differ."""
    common = []
    for level in zip(*stacks, strict=False):
        first = level[0]
        if any(frame[:4] != first[:4] for frame in level):
            break
        if any(frame.line != first.line for frame in level):
            first = first._replace(line=0)
        common.append(first._replace(file="") if any(frame.file != first.file for frame in level) else first)
    return common
