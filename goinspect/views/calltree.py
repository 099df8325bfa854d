"""The call tree as rows, the heaviest first: for people and programs that read it as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect.views.tree import build_tree

if TYPE_CHECKING:
    from goinspect.results.stacks import StackFrame, Stacks

__all__ = ["CallTree", "TreeRow", "call_tree"]


class TreeRow(NamedTuple):
    """A call path: ``parent`` is a row, -1 at the top; ``own`` is what ended here, ``total`` what went through."""

    frame: StackFrame
    parent: int
    depth: int
    total: int
    own: int


class CallTree(NamedTuple):
    """Rows, depth first, a parent before its children. ``left_out``: subtrees that weigh less than ``least``."""

    rows: list[TreeRow]
    left_out: int
    least: int


def call_tree(stacks: Stacks, min_percent: float = 0.0) -> CallTree:
    """The tree of `stacks`, without subtrees that have less than `min_percent` of all."""
    whole = int(stacks.weight.sum())
    least = max(1, -int(-whole * min_percent // 100))
    plain, _ = stacks.without_marks()
    frames, roots = plain.rooted()
    tree = build_tree(plain, roots, [frame.name for frame in frames], least=least, heaviest_first=True)
    columns = zip(tree.frame[1:], tree.parent[1:], tree.depth[1:], tree.total[1:], tree.own[1:], strict=True)
    rows = [
        TreeRow(frames[frame], parent - 1, depth - 1, *weights) for frame, parent, depth, *weights in columns
    ]
    return CallTree(rows, tree.pruned, least)
