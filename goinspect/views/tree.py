"""Stacks to a call tree, level by level; of what is too narrow to be drawn, the rest of each stack is kept as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

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

    Args:
        stacks: whatever they were read from.
        roots: a frame to put above each stack (its process), or -1 for none.
        names: of the frames; siblings are in this order, which makes pictures of a program alike.
        least: subtrees that weigh less than this are left out, and so are those without any weight.
        heaviest_first: siblings are in the order of their weights instead.
        marked: entries of ``stacks.frame`` whose weight is to be told apart.
    """
    nodes, pruned, left = _grow(stacks, roots, max(1, least), marked)
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
    """Nodes in the order they are made: breadth first."""

    def __init__(self, total: int) -> None:
        self.frame, self.parent, self.depth = [-1], [-1], [0]
        self.total, self.own, self.marked = [total], [0], [0]

    def add(
        self,
        parents: NDArray[np.int64],
        frames: NDArray[np.int64],
        totals: NDArray[np.uint64],
        marked: NDArray[np.uint64],
        depth: int,
    ) -> int:
        first = len(self.frame)
        self.parent += parents.tolist()
        self.frame += frames.tolist()
        self.total += totals.tolist()
        self.own += [0] * len(totals)
        self.marked += marked.tolist()
        self.depth += [depth] * len(totals)
        return first


def _grow(
    stacks: Stacks, roots: NDArray[np.int32], least: int, marked: NDArray[np.bool_] | None
) -> tuple[_Nodes, int, Left]:
    weight, sizes = stacks.weight, np.diff(stacks.start)
    nodes, pruned = _Nodes(int(weight.sum())), 0
    left: list[Left] = []
    stride = int(max(stacks.frame.max(initial=0), roots.max(initial=0))) + 1
    alive = np.arange(len(stacks))
    node = np.zeros(len(stacks), dtype=np.int64)
    lead = (roots >= 0).astype(np.int64)  # frames to draw before the stack's own
    for depth in range(MAX_DEPTH):
        ended = depth == sizes[alive] + lead[alive]
        _end(nodes, node[ended], weight[alive[ended]])
        alive, node = alive[~ended], node[~ended]
        if not len(alive):
            break
        at = stacks.start[alive] + depth - lead[alive]
        frame = _frame_at(stacks, roots, lead, alive, at)
        keys, inverse = np.unique(node * stride + frame, return_inverse=True)
        totals = np.zeros(len(keys), dtype=np.uint64)
        np.add.at(totals, inverse, weight[alive])
        told = np.zeros(len(keys), dtype=np.uint64)
        if marked is not None:
            rows = np.flatnonzero(marked[at.clip(0)] & (at >= stacks.start[alive]))
            np.add.at(told, inverse[rows], weight[alive[rows]])
        wide = totals >= least
        pruned += int(len(keys) - wide.sum())
        first = nodes.add(keys[wide] // stride, keys[wide] % stride, totals[wide], told[wide], depth + 1)
        place = np.where(wide, np.cumsum(wide) - 1 + first, -1)[inverse]
        narrow = place < 0
        left.append(Left(node[narrow], alive[narrow], np.full(int(narrow.sum()), depth)))
        alive, node = alive[~narrow], place[~narrow]
    left.append(Left(node, alive, np.full(len(alive), MAX_DEPTH)))
    return nodes, pruned, Left(*(np.concatenate(column) for column in zip(*left, strict=True)))


def _end(nodes: _Nodes, node: NDArray[np.int64], weight: NDArray[np.uint64]) -> None:
    for index, value in zip(node.tolist(), weight.tolist(), strict=True):
        nodes.own[index] += value


def _frame_at(
    stacks: Stacks,
    roots: NDArray[np.int32],
    lead: NDArray[np.int64],
    alive: NDArray[np.int64],
    at: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The frames at `at`, positions in ``stacks.frame``; before the beginning of a stack, its root."""
    if (at < stacks.start[alive]).any():
        own = np.minimum(at.clip(0), max(len(stacks.frame) - 1, 0))
        frames = stacks.frame[own] if len(stacks.frame) else np.zeros(len(alive), np.int32)
        return np.where(lead[alive] > 0, roots[alive], frames).astype(np.int64)
    return np.asarray(stacks.frame[at], dtype=np.int64)


def _depth_first(nodes: _Nodes, names: list[str], pruned: int, left: Left, *, heaviest_first: bool) -> Tree:
    def place_among_siblings(node: int) -> tuple[int, str, int]:
        frame = nodes.frame[node]
        return -nodes.total[node] if heaviest_first else 0, names[frame], frame

    children: list[list[int]] = [[] for _ in nodes.frame]
    for index in range(1, len(nodes.frame)):
        children[nodes.parent[index]].append(index)
    order: list[int] = []
    pending = [0]
    while pending:
        index = pending.pop()
        order.append(index)
        below = children[index]
        below.sort(key=place_among_siblings, reverse=True)
        pending += below
    place = {old: new for new, old in enumerate(order)}
    return Tree(
        [nodes.frame[i] for i in order],
        [place[nodes.parent[i]] if i else -1 for i in order],
        [nodes.depth[i] for i in order],
        [nodes.total[i] for i in order],
        [nodes.own[i] for i in order],
        pruned,
        left._replace(node=np.array([place[node] for node in left.node.tolist()], dtype=np.int64)),
        [nodes.marked[i] for i in order],
    )
