"""What a terminal shows of a profile: the tree, the functions, what a search finds, and who is around a function."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import backward_ranges, flat_ranges
from goinspect.errors import QueryError
from goinspect.model import FrameKind
from goinspect.render.svg.colors import KIND_LABELS
from goinspect.render.svg.labels import visible
from goinspect.render.text.summary import subtitle, title
from goinspect.render.values import human_weight
from goinspect.tui.tree import Merged
from goinspect.views.graph import draw
from goinspect.views.top import top

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from goinspect.results.flame import FlameProfile
    from goinspect.results.stacks import StackFrame, Stacks

__all__ = ["Around", "Found", "Model", "Row"]

_FINEST = 100_000.0  # what weighs less than this part of the whole is not drawn, and is counted


class Row(NamedTuple):
    """A function: what ended in it, what went through it."""

    name: str
    own: int
    total: int


class Found(NamedTuple):
    """What a search found: a test of frames, and the stacks with one of them, each once."""

    test: Callable[[StackFrame], bool]
    functions: int
    total: int
    own: int


class Around(NamedTuple):
    """A function wherever it occurs, from its outermost call on: who calls it and whom it calls."""

    name: str
    own: int
    total: int
    callers: Merged
    callees: Merged


class Model:
    """A profile, and what was asked of it. Names are safe to show.

    Args:
        profile: the stacks.
        path: of the profile.
        named: the title, in place of one that is made of the path.
    """

    def __init__(self, profile: FlameProfile, path: str, named: str | None = None) -> None:
        self._difference = profile.difference
        self._event = profile.event
        self.title = visible(named or title(profile, path))
        self.subtitle = visible(subtitle(profile))
        self.unit = visible(profile.unit)
        self.stacks = replace(
            profile.stacks,
            frames=tuple(frame._replace(name=visible(frame.name), package=visible(frame.package)) for frame in profile.stacks.frames),
            labels={
                name: label._replace(values=tuple(map(visible, label.values)))
                for name, label in profile.stacks.labels.items()
            },
        )  # fmt: skip
        self.whole = int(self.stacks.weight.sum())

    @cached_property
    def tree(self) -> Merged:
        """All stacks, merged."""
        return self._merged(self.stacks)

    def _merged(self, stacks: Stacks) -> Merged:
        return Merged(
            draw(
                stacks, title="", event=self._event, pixels=_FINEST, min_width=1.0, difference=self._difference
            )
        )  # fmt: skip

    @cached_property
    def rows(self) -> list[Row]:
        """Functions, those that cost most by themselves first."""
        return [Row(*row) for row in top(self.stacks)]

    @cached_property
    def by_name(self) -> dict[str, Row]:
        """The same, by name."""
        return {row.name: row for row in self.rows}

    def share(self, weight: int) -> str:
        """In percent of all."""
        share = 100 * weight / self.whole if self.whole else 0.0
        return "0 %" if not weight else "<0.01 %" if share < 0.01 else f"{share:.{2 if share < 1 else 1}f} %"

    def told(self, weight: int) -> str:
        """With its share."""
        return f"{human_weight(weight, self.unit)} ({self.share(weight)})"

    def find(self, query: str) -> Found | None:
        """What a query finds, as in the report: part of a name, ``/pattern/``, ``package:…``, ``kind:…``; None: nothing is asked.

        Raises:
            QueryError: the pattern is none.
        """
        match = re.fullmatch(r"(package|kind):(.*)", query, re.DOTALL)
        field, wanted = (match[1], match[2]) if match else ("name", query)
        if not wanted:
            return None
        texts = _compiled(wanted)

        def test(frame: StackFrame) -> bool:
            if field == "kind":
                return texts(frame.kind) or texts(KIND_LABELS.get(frame.kind, ""))
            return frame.kind != FrameKind.ROOT and texts(frame.package if field == "package" else frame.name)

        stacks = self.stacks
        hits = np.array([test(frame) for frame in stacks.frames], dtype=np.bool_)
        if not hits.any():
            return Found(test, 0, 0, 0)
        holding = stacks.holding(hits)
        filled = stacks.start[1:] > stacks.start[:-1]
        ends = np.zeros(len(stacks), dtype=np.bool_)
        ends[filled] = hits[stacks.frame[stacks.start[1:][filled] - 1]]
        present = np.zeros(len(hits), dtype=np.bool_)
        present[stacks.frame] = True
        names = {stacks.frames[row].name for row in np.flatnonzero(hits & present).tolist()}
        return Found(test, len(names), int(stacks.weight[holding].sum()), int(stacks.weight[ends].sum()))

    def around(self, name: str) -> Around:
        """Who calls a function, and whom it calls."""
        stacks = self.stacks
        mine = np.array([frame.name == name for frame in stacks.frames], dtype=np.bool_)
        at = np.flatnonzero(mine[stacks.frame])
        stack, first = np.unique(np.searchsorted(stacks.start, at, side="right") - 1, return_index=True)
        begin, end, here = stacks.start[:-1][stack], stacks.start[1:][stack], at[first]
        row = self.by_name.get(name, Row(name, 0, 0))
        callers = self._part(stack, backward_ranges(here, here - begin), here - begin)
        callees = self._part(stack, flat_ranges(here + 1, end - here - 1), end - here - 1)
        return Around(name, row.own, row.total, self._merged(callers), self._merged(callees))

    def _part(self, stack: NDArray[np.int64], at: NDArray[np.int64], sizes: NDArray[np.int64]) -> Stacks:
        """These entries of these stacks."""
        chosen = np.zeros(len(self.stacks), dtype=np.bool_)
        chosen[stack] = True
        return replace(
            self.stacks.where(chosen),
            start=np.append(0, np.cumsum(sizes)).astype(np.int64),
            frame=self.stacks.frame[at],
            labels={},
            root="",
            place=None,
        )


def _compiled(wanted: str) -> Callable[[str], bool]:
    """A test of texts. Upper case counts where there is any."""
    exact = re.sub(r"\\.", "", wanted) != re.sub(r"\\.", "", wanted).lower()
    match = re.fullmatch(r"/(.+?)/?", wanted, re.DOTALL)
    if match is None:
        lower = wanted.lower()
        return (lambda text: wanted in text) if exact else (lambda text: lower in text.lower())
    try:
        pattern = re.compile(match[1], 0 if exact else re.IGNORECASE)
    except re.error as error:
        raise QueryError(f"invalid pattern: {error}") from None
    return lambda text: pattern.search(text) is not None
