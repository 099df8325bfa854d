"""Which samples count, and where each ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.analysis.stacks import merge as stack_ops
from goinspect.analysis.stacks.fold import TRUNCATED, kept_expansions, matches, truncated_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from goinspect.analysis.options import FlameOptions
    from goinspect.analysis.stacks.merge import Samples
    from goinspect.analysis.stacks.taken import Taken

__all__ = ["Chosen", "Part", "Wanted"]


class Wanted(NamedTuple):
    """The function that is meant; in one file of the table, or wherever it is (None)."""

    name: str
    file: int | None = None


class Part(NamedTuple):
    """Some of the samples: rows ``first …``, and where each of their stacks ends."""

    first: int
    samples: Samples
    walked: Samples
    ends: NDArray[np.int64]

    def frames(self, locations: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where a frame is one of these locations, and in which of the samples that is."""
        at = np.flatnonzero(self.samples.of_locations(locations))
        sample = np.searchsorted(self.samples.start, at, side="right") - 1
        inside = at < self.ends[sample]
        return at[inside], sample[inside]


class Chosen:
    """The samples that options choose, as a flame graph has them: cut, without frames that are not wanted.

    Args:
        taken: the samples of an event.
        options: what of them.

    Attributes:
        inlines: whether inlined calls have frames of their own.
        stop: where each stack ends.
        wanted: which samples count.
        leaf: of each sample, the position of its innermost frame; -1: it has none.
        own: weight by the location of the innermost frame.
        weight: of all samples that count.
        warnings: of patterns that find nothing.
    """

    def __init__(self, taken: Taken, options: FlameOptions) -> None:
        self.taken = taken
        self.table = taken.table
        self.names = [frame.name for frame in self.table.frames]
        self.inlines = options.inlines
        self.warnings: list[str] = []
        cut = stack_ops.cut_garbage(taken.samples, self.table.flags)
        self.stop = cut.stop
        self._kept = kept_expansions(self.table, options)
        truncated = truncated_rows(taken, cut)
        count = len(taken.weight)
        self.wanted = np.ones(count, dtype=np.bool_)
        for pattern, how in ((options.focus, "focus"), (options.ignore, "ignore")):
            if pattern is not None:
                found = self._holding(pattern, how, truncated)
                self.wanted &= found if how == "focus" else ~found
        self.leaf = np.full(count, -1, dtype=np.int64)
        self.own = np.zeros(len(self.table.expansion), dtype=np.uint64)
        for part in self.parts():
            self._find_leaves(part)
        self.weight = int(taken.weight[self.wanted].sum())

    def parts(self) -> Iterator[Part]:
        """All samples, some at a time."""
        samples, walked = self.taken.samples, self.taken.walked
        for rows in stack_ops.parts_of(samples.start):
            ends = self.stop[rows] - samples.start[rows.start]
            yield Part(rows.start, stack_ops.part_of(samples, rows), stack_ops.part_of(walked, rows), ends)

    def _holding(self, pattern: str, how: str, truncated: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        """Which samples have a frame that the pattern finds."""
        names = [*self.names, TRUNCATED] if truncated is not None else self.names
        found = matches(names, pattern, how, self.warnings)
        locations = self._in_expansions(found)
        out = np.zeros(len(self.wanted), dtype=np.bool_)
        if truncated is not None and found[-1]:
            out |= truncated
        for part in self.parts():
            out[part.first + part.frames(locations)[1]] = True
        return out

    def has(self, wanted: Wanted) -> NDArray[np.bool_]:
        """Locations that have a frame of the function."""
        found = self._in_expansions(np.array([name == wanted.name for name in self.names], dtype=np.bool_))
        return found if wanted.file is None else found & (self.table.file == wanted.file)

    def seen(self, locations: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Those locations of the samples that count which are among these; all that are wanted where it is None."""
        found = np.zeros(len(self.table.expansion), dtype=np.bool_)
        asked = self._kept[self.table.expansion] if locations is None else locations
        for part in self.parts():
            at, sample = part.frames(asked)
            found[part.samples.locations(at[self.wanted[part.first + sample]])] = True
        return np.flatnonzero(found)

    def _in_expansions(self, frames: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Locations one of whose frames is one of these, by row, and is wanted."""
        some = [bool(frames[list(expansion)].any()) for expansion in self.table.expansions]
        return np.asarray((np.array(some, dtype=np.bool_) & self._kept)[self.table.expansion])

    def _find_leaves(self, part: Part) -> None:
        start = part.samples.start
        if self._kept.all():
            at, rows = start[:-1], np.flatnonzero(start[:-1] < part.ends)
            at = at[rows]
        else:
            at, sample = part.frames(self._kept[self.table.expansion])
            rows, first = np.unique(sample, return_index=True)
            at = at[first]
        self.leaf[part.first + rows] = at + self.taken.samples.start[part.first]
        counts = self.wanted[part.first + rows]
        locations = part.samples.locations(at[counts])
        np.add.at(self.own, locations, self.taken.weight[part.first + rows[counts]])
