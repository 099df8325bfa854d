"""Calls as the Go compiler reads them from a profile.

Source: src/internal/profile/graph.go (``NewGraph``) and src/cmd/internal/pgo/pprof.go (``createNamedEdgeMap``) of Go 1.27; up
to 1.22 the same is in src/cmd/compile/internal/pgo. Of each sample only the innermost two locations count, inlined calls and
all; a call is told by the names of both functions and the line of the call, counted from the caller's first one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.results.pgo import CallEdge
from goinspect.views.locations import location_begins, outer_frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from goinspect.results.stacks import Stacks

__all__ = ["HotEdges", "call_edges", "hot_edges"]

_HOT = 99  # percent: inlineCDFHotCallSiteThresholdPercent of src/cmd/compile/internal/inline/inl.go
_LOCATIONS = 2


class HotEdges(NamedTuple):
    """The heaviest edges that together make up 99 % of all; ``threshold``: the share of the lightest, in percent."""

    edges: tuple[CallEdge, ...]
    threshold: float


def call_edges(stacks: Stacks, weight: NDArray[np.int64]) -> list[CallEdge]:
    """All calls, heaviest first, as the compiler orders them."""
    frames = stacks.frames
    address = _addresses(stacks)
    sums: dict[tuple[str, int | None, str], int] = {}
    for amount, tail in _tails(stacks, weight):
        nodes = [(*frames[frame][:1], *frames[frame][5:7], address[place]) for frame, place in tail]
        for caller, callee in _pairs(nodes):
            name, line, start, _ = caller
            key = name, (line - start if line and start else None), callee[0]
            sums[key] = sums.get(key, 0) + amount
    edges = (CallEdge(*key, total) for key, total in sums.items())
    return sorted(edges, key=lambda e: (-e.weight, e.caller, e.callee, -1 if e.offset is None else e.offset))


_Node = tuple[str, int, int, int]  # name, line, first line, address


def _pairs(nodes: list[_Node]) -> Iterator[tuple[_Node, _Node]]:
    """Caller and callee of each edge of a sample, each once; a node that follows itself has none."""
    parent = None
    pairs: dict[tuple[_Node, _Node], None] = {}
    for node in nodes:
        if parent is not None and parent != node:
            pairs.setdefault((parent, node))
        parent = node
    return iter(pairs)


def _addresses(stacks: Stacks) -> list[int]:
    """Of each place; the last one is nowhere."""
    return [0] if stacks.places is None else [*stacks.places.address.tolist(), 0]


def _tails(stacks: Stacks, weight: NDArray[np.int64]) -> list[tuple[int, list[tuple[int, int]]]]:
    """The frames and places of the innermost two locations, and what they weigh; equal ones once."""
    begins = np.flatnonzero(
        location_begins(stacks.frame, stacks.place, stacks.start, outer_frames(stacks.frames))
    )
    ends = np.searchsorted(begins, stacks.start[1:])  # locations up to the end of each stack
    first = np.maximum(ends - _LOCATIONS, np.searchsorted(begins, stacks.start[:-1]))
    low = np.append(begins, len(stacks.frame))[first]
    place = np.full(len(stacks.frame), -1, dtype=np.int32) if stacks.place is None else stacks.place
    both = np.stack((stacks.frame, place), axis=1).astype(np.int32)
    sums: dict[bytes, int] = {}
    for begin, end, amount in zip(low.tolist(), stacks.start[1:].tolist(), weight.tolist(), strict=True):
        if amount:
            key = both[begin:end].tobytes()
            sums[key] = sums.get(key, 0) + amount
    return [
        (amount, [(pair[0], pair[1]) for pair in np.frombuffer(key, np.int32).reshape(-1, 2).tolist()])
        for key, amount in sums.items()
    ]


def hot_edges(edges: Sequence[CallEdge]) -> HotEdges:
    """Those that the compiler takes for hot. ``edges``: heaviest first."""
    total = sum(edge.weight for edge in edges)
    reached = 0
    for number, edge in enumerate(edges, 1):
        reached += edge.weight
        if reached * 100 > _HOT * total:
            return HotEdges(tuple(edges[:number]), 100 * edge.weight / total)
    return HotEdges(tuple(edges), 0.0)
