"""The call tree as rows, the heaviest first: for people and programs that read it as text."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from goinspect.views.tree import build_tree

if TYPE_CHECKING:
    from goinspect.results.stacks import StackFrame, Stacks

__all__ = ["CallTree", "TreeRow", "call_tree"]


class TreeRow(NamedTuple):
    """A call path: ``parent`` is a row, -1 at the top; ``own`` is what ended here, ``total`` what went through.

    ``base`` and ``base_own`` are these of the base of two profiles, as they were recorded.
    """

    frame: StackFrame
    parent: int
    depth: int
    total: int
    own: int
    base: int = 0
    base_own: int = 0


class CallTree(NamedTuple):
    """Rows, depth first, a parent before its children. ``left_out``: subtrees that weigh less than ``least``."""

    rows: list[TreeRow]
    left_out: int
    least: int


def call_tree(stacks: Stacks, min_percent: float = 0.0) -> CallTree:
    """The tree of `stacks`, without subtrees that have less than `min_percent` of all; of two profiles, of both together."""
    two_sided = stacks.two_sided
    if two_sided:  # the first weight decides what is left out, and the order
        now, base = stacks.weights[:2]
        both = now._replace(values=now.values + base.values)
        stacks = replace(stacks, weights=(both, base))
    whole = int(stacks.weight.sum())
    least = max(1, -int(-whole * min_percent // 100))
    plain, _ = stacks.without_marks()
    frames, roots = plain.rooted()
    tree = build_tree(plain, roots, [frame.name for frame in frames], least=least, heaviest_first=True)
    base_total, base_own = (tree.base, tree.base_own) if two_sided else ([0] * len(tree.frame),) * 2
    columns = zip(
        tree.frame, tree.parent, tree.depth, tree.total, tree.own, base_total, base_own, strict=True
    )
    rows = [
        TreeRow(frames[frame], parent - 1, depth - 1, total - before, own - own_before, before, own_before)
        for frame, parent, depth, total, own, before, own_before in islice(columns, 1, None)
    ]
    return CallTree(rows, tree.pruned, least)
