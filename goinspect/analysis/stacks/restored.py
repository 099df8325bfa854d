"""Stacks with the callers in place that the machine code proves (`goinspect.analysis.calls.callers`).

A leaf and the return address that was found below it are one pair wherever they stand together. A pair whose caller is
known becomes a location of its own, whose frames are the caller's and the leaf's: no stack grows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

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
) -> Samples:
    """The samples with the callers that are known.

    Args:
        samples: as they were walked.
        symbolizer: has named all their locations, and gets further ones.
        locations: those of the profile; what the symbolizer has beyond them are PCs that a trap interrupted.
        link: the link register of each sample, where the recording has it.
        apart: leaves of different addresses stay apart where they show the same frames.
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
    new = _Deduction(symbolizer, pairs, apart=apart).run()
    patch = new[pairs.which]
    known = patch >= 0
    at = pairs.at[known]
    kept = ~np.isin(samples.patch_at, at)
    patch_at = np.concatenate((samples.patch_at[kept], at))
    order = np.argsort(patch_at, kind="stable")
    return samples._replace(
        patch_at=patch_at[order], patch=np.concatenate((samples.patch[kept], patch[known]))[order]
    )


def _pairs(samples: Samples, leaf: NDArray[np.bool_], called: NDArray[np.bool_]) -> _Pairs:
    at = np.flatnonzero(samples.of_locations(leaf))
    ends = samples.start[np.searchsorted(samples.start, at, side="right")]
    at = at[at + 1 < ends]
    first, second = samples.locations(at), samples.locations(at + 1)
    good = called[second]
    at, first, second = at[good], first[good].astype(np.int64), second[good]
    keys, which = np.unique(first * len(leaf) + second, return_inverse=True)
    leaf_of, below = (keys // len(leaf)).astype(np.int32), (keys % len(leaf)).astype(np.int32)
    return _Pairs(at, which, leaf_of, below, np.zeros(len(keys), dtype=np.uint64))


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


class _Told(NamedTuple):
    """What is known of a caller: its frames, where it may have called, and whether no other is missing."""

    above: tuple[int, ...]
    sites: tuple[int, ...]
    complete: bool


class _Deduction:
    """The frames of the callers of pairs."""

    def __init__(self, symbolizer: Symbolizer, pairs: _Pairs, *, apart: bool) -> None:
        self._apart = apart
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
        callers = Callers(binary, self._symbolizer.natives(binary) if foreign.any() else None)
        if foreign.all() and not callers.keeps_frame_pointers:
            return np.full(len(rows), -1, dtype=np.int32)
        deduced, which = callers.deduce(
            callers.functions.find(table.vaddr[leaf]),
            table.vaddr[pairs.below[rows]] + np.uint64(1),
            pairs.link[rows],
        )
        module = self._package(int(leaf[foreign.argmax()])) if foreign.any() else ""
        frames = self._frames(binary, callers, set(deduced), module)
        # Leaves that show the same frames and have the same caller are one location.
        shown, flags = table.expansion[leaf].astype(np.int64), table.flags[leaf].astype(np.int64)
        mark, count = (leaf, len(table.flags)) if self._apart else (shown, len(table.expansions))
        keys, first, same = np.unique(
            (which * count + mark) << 8 | flags, return_index=True, return_inverse=True
        )
        number, shown = which[first].tolist(), shown[first].tolist()
        out = np.full(len(keys), -1, dtype=np.int32)
        told = [_Told(frames.get(one, ()), one.sites, one.complete) for one in deduced]
        for i, (one, expansion, like) in enumerate(zip(number, shown, leaf[first].tolist(), strict=True)):
            above, sites, complete = told[one]
            if above or complete:
                out[i] = len(self._expansions)
                self._expansions.append((*above, *table.expansions[expansion]))
                self._like.append(like)
                self._flags.append(Flag.RESTORED if above else 0)
                sites = sites if above else ()
                self._sites.append(sites)
                self._caller.append(next(iter(sites)) - 1 if len(sites) == 1 else 0)
        return out[same]

    def _package(self, location: int) -> str:
        table = self._table
        frame: StackFrame = table.frames[table.expansions[table.expansion[location]][0]]
        return frame.package

    def _frames(
        self, binary: Binary, callers: Callers, deduced: set[Deduced], module: str
    ) -> dict[Deduced, tuple[int, ...]]:
        """The frames of each caller, as far as all its sites agree."""
        out = {}
        wanted = sorted({site for one in deduced for site in one.sites if one.caller < callers.functions.go})
        stacks = (
            self._symbolizer.go_stacks(binary, np.array(wanted, dtype=np.uint64) - np.uint64(1))
            if wanted
            else []
        )
        at = dict(zip(wanted, stacks, strict=True))
        for one in deduced:
            if one.caller < callers.functions.go:
                common = _agreed([at[site] for site in one.sites])
            else:
                name = callers.functions.name(one.caller)
                common = [StackFrame(name, FrameKind.NATIVE, module, False)]
            out[one] = tuple(self._symbolizer.restored_frame(frame) for frame in common)
        return out


def _agreed(stacks: list[list[StackFrame]]) -> list[StackFrame]:
    """The outermost frames that all have; without a line where the lines differ."""
    if len(stacks) == 1:
        return stacks[0]
    common = []
    for level in zip(*stacks, strict=False):
        first = level[0]
        if any(frame[:4] != first[:4] for frame in level):
            break
        if any(frame.line != first.line for frame in level):
            first = first._replace(line=0)
        common.append(first._replace(file="") if any(frame.file != first.file for frame in level) else first)
    return common
