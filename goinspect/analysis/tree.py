"""Stacks to a call tree, level by level; what is too narrow to be drawn is never built."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.results.flame import Stacks

__all__ = ["MAX_DEPTH", "Tree", "build_tree"]

MAX_DEPTH = 4096  # rows of a picture


class Tree(NamedTuple):
    """Nodes, depth first, a parent before its children; node 0 is the root, whose frame is -1."""

    frame: list[int]
    parent: list[int]
    depth: list[int]
    total: list[int]
    own: list[int]
    pruned: int  # subtrees left out


def build_tree(
    stacks: Stacks,
    roots: NDArray[np.int32],
    names: list[str],
    *,
    min_fraction: float,
    heaviest_first: bool = False,
) -> Tree:
    """Merge `stacks` from their first frames on.

    Args:
        stacks: as `stacks.merge` gives them.
        roots: a frame to put above each stack (its process), or -1 for none.
        names: of the frames; siblings are in this order, which makes pictures of a program alike.
        min_fraction: subtrees with less of the total weight than this are left out.
        heaviest_first: siblings are in the order of their weights instead.
    """
    levels, pruned = _grow(stacks, roots, min_fraction)
    return _depth_first(levels, names, pruned, heaviest_first=heaviest_first)


class _Nodes:
    """Nodes in the order they are made: breadth first."""

    def __init__(self, total: int) -> None:
        self.frame, self.parent, self.depth = [-1], [-1], [0]
        self.total, self.own = [total], [0]

    def add(
        self, parents: NDArray[np.int64], frames: NDArray[np.int64], totals: NDArray[np.uint64], depth: int
    ) -> int:
        first = len(self.frame)
        self.parent += parents.tolist()
        self.frame += frames.tolist()
        self.total += totals.tolist()
        self.own += [0] * len(totals)
        self.depth += [depth] * len(totals)
        return first


def _grow(stacks: Stacks, roots: NDArray[np.int32], min_fraction: float) -> tuple[_Nodes, int]:
    weight, sizes = stacks.weight, np.diff(stacks.start)
    total = int(weight.sum())
    nodes, pruned = _Nodes(total), 0
    threshold = max(1, int(total * min_fraction))
    stride = int(max(stacks.frames.max(initial=0), roots.max(initial=0))) + 1
    alive = np.arange(len(stacks))
    node = np.zeros(len(stacks), dtype=np.int64)
    lead = (roots >= 0).astype(np.int64)  # frames to draw before the stack's own
    for depth in range(MAX_DEPTH):
        ended = depth == sizes[alive] + lead[alive]
        _end(nodes, node[ended], weight[alive[ended]])
        alive, node = alive[~ended], node[~ended]
        if not len(alive):
            break
        frame = _frame_at(stacks, roots, lead, alive, depth)
        keys, inverse = np.unique(node * stride + frame, return_inverse=True)
        totals = np.zeros(len(keys), dtype=np.uint64)
        np.add.at(totals, inverse, weight[alive])
        wide = totals >= threshold
        pruned += int(len(keys) - wide.sum())
        first = nodes.add(keys[wide] // stride, keys[wide] % stride, totals[wide], depth + 1)
        place = np.where(wide, np.cumsum(wide) - 1 + first, -1)[inverse]
        alive, node = alive[place >= 0], place[place >= 0]
    return nodes, pruned


def _end(nodes: _Nodes, node: NDArray[np.int64], weight: NDArray[np.uint64]) -> None:
    for index, value in zip(node.tolist(), weight.tolist(), strict=True):
        nodes.own[index] += value


def _frame_at(
    stacks: Stacks,
    roots: NDArray[np.int32],
    lead: NDArray[np.int64],
    alive: NDArray[np.int64],
    depth: int,
) -> NDArray[np.int64]:
    at = stacks.start[alive] + depth - lead[alive]
    if depth == 0 and lead[alive].any():
        own = np.minimum(at.clip(0), max(len(stacks.frames) - 1, 0))
        frames = stacks.frames[own] if len(stacks.frames) else np.zeros(len(alive), np.int32)
        return np.where(lead[alive] > 0, roots[alive], frames).astype(np.int64)
    return np.asarray(stacks.frames[at], dtype=np.int64)


def _depth_first(nodes: _Nodes, names: list[str], pruned: int, *, heaviest_first: bool) -> Tree:
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
    )
