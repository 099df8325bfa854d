"""Stacks to a call tree, level by level; of what is too narrow to be drawn, the rest of each stack is kept as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import distinct, numbered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.results.stacks import Stacks

__all__ = ["MAX_DEPTH", "Tree", "build_tree", "narrowest"]

MAX_DEPTH = 4096  # rows of a picture


class Tree(NamedTuple):
    """Nodes, depth first, a parent before its children; node 0 is the root, whose frame is -1."""

    frame: list[int]
    parent: list[int]
    depth: list[int]
    total: list[int]
    own: list[int]
    pruned: int  # subtrees left out
    left: Left
    marked: list[int]  # how much of `total` has the node's frame marked
    base: list[int]  # of `total` and of `own` the second weight, where there is one
    base_own: list[int]


class Left(NamedTuple):
    """Stacks that leave the tree where it is pruned: below which node, and which of their frames, `depth` ones on."""

    node: NDArray[np.int64]
    stack: NDArray[np.int64]
    depth: NDArray[np.int64]


def build_tree(
    stacks: Stacks,
    roots: NDArray[np.int32],
    names: list[str],
    *,
    least: int,
    heaviest_first: bool = False,
    marked: NDArray[np.bool_] | None = None,
) -> Tree:
    """Merge `stacks` from their first frames on.

    Stacks of two profiles have both weights; their first one decides what is left out.

    Args:
        stacks: whatever they were read from.
        roots: a frame to put above each stack (its process), or -1 for none.
        names: of the frames; siblings are in this order, which makes pictures of a program alike.
        least: subtrees that weigh less than this are left out, and so are those without any weight.
        heaviest_first: siblings are in the order of their weights instead.
        marked: entries of ``stacks.frame`` whose weight is to be told apart.
    """
    second = stacks.weights[1].values if stacks.two_sided else None
    nodes, pruned, left = _grow(stacks, roots, max(1, least), marked, second)
    return _depth_first(nodes, names, pruned, left, heaviest_first=heaviest_first)


def narrowest(total: int, pixels: float, min_width: float) -> int:
    """The least weight that is `min_width` wide where `total` is as wide as `pixels`."""
    if not total:
        return 1
    least = int(total * min_width / pixels)
    while least * (pixels / total) < min_width:
        least += 1
    return max(1, least)


class _Nodes:
    """Nodes in the order they are made: breadth first, the levels behind one another."""

    def __init__(self, total: int, base: int) -> None:
        root, (whole, before) = np.array([-1]), np.array([[total], [base]], dtype=np.uint64)
        self.levels = [_Level(root, root, whole, np.zeros(1, dtype=np.uint64), before)]
        self.count = 1
        self.ended: list[tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64] | None]] = []

    def add(self, level: _Level) -> int:
        first = self.count
        self.levels.append(level)
        self.count += len(level.total)
        return first

    def end(
        self, nodes: NDArray[np.int64], weights: NDArray[np.uint64], base: NDArray[np.uint64] | None
    ) -> None:
        """Stacks that end in nodes."""
        if len(nodes):
            self.ended.append((nodes, weights, base))


class _Level(NamedTuple):
    """Nodes of one depth."""

    parent: NDArray[np.int64]
    frame: NDArray[np.int64]
    total: NDArray[np.uint64]
    marked: NDArray[np.uint64]
    base: NDArray[np.uint64]


class _Alive(NamedTuple):
    """Stacks that go on, and the nodes they are in; where their next frames are, and where they end."""

    stack: NDArray[np.int64]
    node: NDArray[np.int64]
    at: NDArray[np.int64]
    end: NDArray[np.int64]

    def only(self, rows: NDArray[np.bool_]) -> _Alive:
        return self if rows.all() else _Alive(*(column[rows] for column in self))


def _grow(
    stacks: Stacks,
    roots: NDArray[np.int32],
    least: int,
    marked: NDArray[np.bool_] | None,
    second: NDArray[np.uint64] | None,
) -> tuple[_Nodes, int, Left]:
    weight, count = stacks.weight, len(stacks)
    nodes, pruned = _Nodes(int(weight.sum()), 0 if second is None else int(second.sum())), 0
    left: list[Left] = []
    stride = int(max(stacks.frame.max(initial=0), roots.max(initial=0))) + 1
    lead = (roots >= 0).astype(np.int64)  # frames to draw before the stack's own
    alive = _Alive(np.arange(count), np.zeros(count, np.int64), stacks.start[:-1] - lead, stacks.start[1:])
    for depth in range(MAX_DEPTH):
        going = alive.at != alive.end
        ended, alive = alive.only(~going), alive.only(going)
        nodes.end(ended.node, weight[ended.stack], None if second is None else second[ended.stack])
        if not len(alive.stack):
            break
        rows, at = alive.stack, alive.at
        frame = stacks.frame[at] if depth else _first_frames(stacks, roots)[rows]
        above = nodes.count - len(nodes.levels[-1].total)  # the first of the nodes that these are below
        keys, inverse = numbered((alive.node - above) * stride + frame, (nodes.count - above) * stride)
        totals = np.zeros(len(keys), dtype=np.uint64)
        np.add.at(totals, inverse, weight[rows])
        told = np.zeros(len(keys), dtype=np.uint64)
        if marked is not None:
            own = np.flatnonzero(at >= stacks.start[rows])  # before, there are roots
            own = own[marked[at[own]]]
            np.add.at(told, inverse[own], weight[rows[own]])
        base = np.zeros(len(keys), dtype=np.uint64)
        if second is not None:
            np.add.at(base, inverse, second[rows])
        wide = totals >= least
        pruned += int(np.count_nonzero(~wide if second is None else ~wide & (totals > 0)))
        first = nodes.add(
            _Level(keys[wide] // stride + above, keys[wide] % stride, totals[wide], told[wide], base[wide])
        )
        place = np.where(wide, np.cumsum(wide) - 1 + first, -1)[inverse]
        narrow = place < 0
        left.append(Left(alive.node[narrow], rows[narrow], np.full(int(narrow.sum()), depth)))
        alive = alive._replace(node=place, at=at + 1).only(~narrow)
    left.append(Left(alive.node, alive.stack, np.full(len(alive.stack), MAX_DEPTH)))
    return nodes, pruned, Left(*(np.concatenate(column) for column in zip(*left, strict=True)))


def _first_frames(stacks: Stacks, roots: NDArray[np.int32]) -> NDArray[np.int32]:
    """Of each stack its root, or where it has none the frame that it begins with."""
    frames, filled = roots.copy(), np.flatnonzero((roots < 0) & (np.diff(stacks.start) > 0))
    frames[filled] = stacks.frame[stacks.start[filled]]
    return frames


def _depth_first(nodes: _Nodes, names: list[str], pruned: int, left: Left, *, heaviest_first: bool) -> Tree:
    parent, frame, total, marked, base = (
        np.concatenate(column) for column in zip(*nodes.levels, strict=True)
    )
    place = _places(nodes.levels, _ranks(frame, names), heaviest_first=heaviest_first)
    order = np.empty(len(place), dtype=np.int64)
    order[place] = np.arange(len(place))
    own, base_own = np.zeros((2, len(place)), dtype=np.uint64)
    for ended, weights, before in nodes.ended:
        np.add.at(own, ended, weights)
        if before is not None:
            np.add.at(base_own, ended, before)
    depth = np.repeat(np.arange(len(nodes.levels)), [len(level.frame) for level in nodes.levels])
    above = np.append(place, -1)[parent]  # the root's is -1, and so is the last
    return Tree(
        frame[order].tolist(),
        above[order].tolist(),
        depth[order].tolist(),
        total[order].tolist(),
        own[order].tolist(),
        pruned,
        left._replace(node=place[left.node]),
        marked[order].tolist(),
        base[order].tolist(),
        base_own[order].tolist(),
    )


def _ranks(frame: NDArray[np.int64], names: list[str]) -> NDArray[np.int64]:
    """Of the frame of each node, its place among all frames by name."""
    used = distinct(frame).tolist()
    rank = np.zeros(len(names) + 1, dtype=np.int64)  # -1, at the end, is the root
    rank[sorted(used, key=lambda number: (names[number] if number >= 0 else "", number))] = np.arange(
        len(used)
    )
    return rank[frame]


def _places(levels: list[_Level], rank: NDArray[np.int64], *, heaviest_first: bool) -> NDArray[np.int64]:
    """Where each node stands when a node comes before its children, and these in their order."""
    ends = np.cumsum([len(level.frame) for level in levels])
    size = np.ones(len(rank), dtype=np.int64)  # nodes of the subtree
    for level, end in zip(levels[:0:-1], ends[:0:-1].tolist(), strict=True):
        np.add.at(size, level.parent, size[end - len(level.parent) : end])
    place = np.zeros(len(rank), dtype=np.int64)
    for level, end in zip(levels[1:], ends[1:].tolist(), strict=True):
        begin = end - len(level.parent)
        weight = ~level.total if heaviest_first else np.zeros(len(level.total), dtype=np.uint64)
        order = np.lexsort((rank[begin:end], weight, level.parent))
        parent, sizes = level.parent[order], size[begin:end][order]
        before = np.cumsum(sizes) - sizes
        first = np.searchsorted(parent, parent)  # of its siblings
        place[begin + order] = place[parent] + 1 + before - before[first]
    return place
