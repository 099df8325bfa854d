"""The call tree of stacks, as a picture shows it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import distinct, flat_ranges
from goinspect.model import FrameKind
from goinspect.results.stacks import StackFrame
from goinspect.views.tree import Left, build_tree, narrowest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.results.flame import Difference
    from goinspect.results.stacks import Stacks
    from goinspect.views.difference import Change
    from goinspect.views.tree import Tree

__all__ = ["FlameGraph", "HiddenStacks", "draw"]


class HiddenStacks(NamedTuple):
    """What of the stacks is too narrow to be drawn, in no order.

    Row i hangs below ``node[i]``, and goes on with the frames ``frames[start[i]:start[i + 1]]``, at least one.
    """

    node: NDArray[np.int64]
    start: NDArray[np.int64]
    frames: NDArray[np.int32]
    weight: NDArray[np.uint64]


class FlameGraph(NamedTuple):
    """A merged call tree, columnar. Node 0 is the root ("all"); a parent comes before its children; depth first.

    ``total[i]`` includes the children, ``own[i]`` is what ended in the node itself. ``unit`` is as in `Stacks`. Nodes
    below the pruning threshold are left out, their weight stays in their parents' totals, and ``hidden`` has what they
    hold, so that nothing that is counted depends on what is drawn.
    """

    title: str
    subtitle: str
    event: str
    unit: str
    samples: int
    frames: tuple[StackFrame, ...]
    node_frame: list[int]
    node_parent: list[int]  # -1 for node 0
    node_depth: list[int]
    node_total: list[int]
    node_own: list[int]
    inverted: bool = False  # root at the top (icicle)
    reverse: bool = False  # stacks merged from the leaf
    pruned: int = 0
    hidden: HiddenStacks | None = None
    node_restored: (
        tuple[int, ...] | list[int]
    ) = ()  # how much of `total` has the node as a deduced frame; () where none has
    difference: Difference | None = None  # of two profiles, whose second one is drawn
    changes: tuple[Change, ...] | list[Change] = ()  # what became of `total` and of `own`; () of one profile
    own_changes: tuple[Change, ...] | list[Change] = ()


def draw(
    stacks: Stacks,
    *,
    title: str,
    subtitle: str = "",
    event: str = "",
    samples: int = 0,
    pixels: float = 1200.0,
    min_width: float = 0.0,
    most: int | None = None,
    inverted: bool = False,
    reverse: bool = False,
    difference: Difference | None = None,
) -> FlameGraph:
    """The call tree of stacks; with a `difference` of those of two profiles.

    What is narrower than `min_width` where the whole is as wide as `pixels` becomes no nodes, but is counted; so is more, the
    narrowest first, where there would be over `most` nodes. Siblings
    are in the order of their names, which makes pictures of a program alike; those of sizes, the heaviest first.
    """
    stacks, restored = stacks.without_marks()
    frames, roots = stacks.rooted()
    names = [frame.name for frame in frames]
    least = narrowest(int(stacks.weight.sum()), pixels, min_width)
    grow = partial(build_tree, stacks, roots, names, heaviest_first=event == "sizes", marked=restored)
    tree = grow(least=least)
    if most is not None and len(tree.total) > most:
        tree = grow(least=1 + sorted(tree.total)[-most - 1])
    changed, own_changed = _changes(tree, difference) if difference else ((), ())
    tree = _with_weight_left(tree, stacks) if difference else tree
    start, left = _frames_left(stacks, roots, tree)
    used = distinct(np.concatenate((tree.frame, np.flatnonzero(np.bincount(left))))).tolist()[
        1:
    ]  # not the root's -1
    number = np.zeros(len(frames) + 1, dtype=np.int32)  # -1, at the end, is the root
    number[used] = np.arange(1, len(used) + 1)
    everything = StackFrame("all", FrameKind.ROOT, "", False)
    return FlameGraph(
        title=title,
        subtitle=subtitle,
        event=event,
        unit=stacks.unit,
        samples=samples,
        frames=(everything, *(frames[i] for i in used)),
        node_frame=number[tree.frame].tolist(),
        node_parent=tree.parent,
        node_depth=tree.depth,
        node_total=tree.total,
        node_own=tree.own,
        inverted=inverted,
        reverse=reverse,
        pruned=tree.pruned,
        node_restored=() if restored is None else tree.marked,
        difference=difference,
        changes=changed,
        own_changes=own_changed,
        hidden=HiddenStacks(tree.left.node, start, number[left], stacks.weight[tree.left.stack]),
    )


def _changes(tree: Tree, difference: Difference) -> tuple[list[Change], list[Change]]:
    """What became of the totals and the own weights of nodes."""
    from goinspect.views.difference import changes

    return changes(tree.total, tree.base, difference), changes(tree.own, tree.base_own, difference)


def _with_weight_left(tree: Tree, stacks: Stacks) -> Tree:
    """The tree without what it left out of the base alone."""
    rows = stacks.weight[tree.left.stack] > 0
    return tree._replace(left=Left(*(column[rows] for column in tree.left)))


def _frames_left(
    stacks: Stacks, roots: NDArray[np.int32], tree: Tree
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The frames of the stacks that leave the tree, from where they do: where each starts, and all of them."""
    left = tree.left
    lead = (roots[left.stack] >= 0).astype(np.int64)
    rooted = (left.depth < lead).astype(np.int64)  # its root frame is left, too
    begin = stacks.start[left.stack] + np.maximum(left.depth - lead, 0)
    sizes = stacks.start[left.stack + 1] - begin
    frames = stacks.frame[flat_ranges(begin, sizes)]
    at = np.cumsum(sizes) - sizes
    if rooted.any():
        frames = np.insert(frames, at[rooted > 0], roots[left.stack][rooted > 0])
    return np.append(0, np.cumsum(sizes + rooted)), frames
