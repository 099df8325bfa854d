"""A merged tree, and how wide its nodes are in cells of a terminal."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from goinspect.model import FrameKind
from goinspect.render.svg.colors import color_class, separate, user_packages

if TYPE_CHECKING:
    from goinspect.results.stacks import StackFrame
    from goinspect.views.graph import FlameGraph

__all__ = ["Box", "Merged"]

_GO = {FrameKind.USER, FrameKind.STDLIB, FrameKind.TOOLCHAIN, FrameKind.RUNTIME, FrameKind.GC}
_NARROW = 0.5  # cells


class Box(NamedTuple):
    """A node in a row of cells: from `x` on, `width` wide; -1: several that are too narrow for one each."""

    node: int
    x: int
    width: int


class Merged:
    """Nodes of a call tree; 0 is the whole, a parent comes before its children."""

    def __init__(self, graph: FlameGraph) -> None:
        self.graph = graph
        self.parent, self.total, self.own = graph.node_parent, graph.node_total, graph.node_own

    def __len__(self) -> int:
        return len(self.parent)

    def frame(self, node: int) -> StackFrame:
        """What a node is."""
        return self.graph.frames[self.graph.node_frame[node]]

    def is_go(self, node: int) -> bool:
        """Is it named by Go's rules?"""
        return self.frame(node).kind in _GO

    @cached_property
    def children(self) -> list[list[int]]:
        """Of each node, in the order of the graph."""
        found: list[list[int]] = [[] for _ in self.parent]
        for node, parent in enumerate(self.parent):
            if parent >= 0:
                found[parent].append(node)
        return found

    @cached_property
    def colors(self) -> list[str]:
        """The colour class of each frame."""
        own = [0] * len(self.graph.frames)
        for frame, weight in zip(self.graph.node_frame, self.own, strict=True):
            own[frame] += weight
        moved = separate(user_packages(self.graph.frames, own))
        return [color_class(frame.kind, frame.package, frame.name, moved) for frame in self.graph.frames]

    def color(self, node: int) -> str:
        """The colour class of a node: what changed, where two profiles are compared."""
        if self.graph.difference is None:
            return self.colors[self.graph.node_frame[node]]
        from goinspect.render.svg.changes import change_class

        return change_class(self.graph.changes[node])

    def lineage(self, node: int) -> list[int]:
        """From the whole to this node."""
        nodes = []
        while node >= 0:
            nodes.append(node)
            node = self.parent[node]
        return nodes[::-1]

    def rows(self, zoom: int, width: int, *, by_weight: bool) -> list[list[Box]]:
        """What is as wide as a cell or more, row by row from the root; what is above `zoom` is as wide as all."""
        above = self.lineage(zoom)
        rows = [[Box(node, 0, width)] for node in above]
        if not self.total[zoom]:
            return rows
        scale = width / self.total[zoom]
        level = [(zoom, 0.0)]
        while level:
            boxes: list[Box] = []
            below: list[tuple[int, float]] = []
            for node, left in level:
                x = left
                for child in self._ordered(node, by_weight=by_weight):
                    wide = self.total[child] * scale
                    begin, end = round(x), round(x + wide)
                    if end > begin and wide >= _NARROW:
                        boxes.append(Box(child, begin, end - begin))
                        below.append((child, x))
                    elif not boxes or boxes[-1].x + boxes[-1].width <= begin < width:
                        boxes.append(Box(-1, begin, 1))
                    x += wide
            if boxes:
                rows.append(_apart(boxes))
            level = below
        return rows

    def _ordered(self, node: int, *, by_weight: bool) -> list[int]:
        children = self.children[node]
        return sorted(children, key=lambda child: -self.total[child]) if by_weight else children


def _apart(boxes: list[Box]) -> list[Box]:
    """The boxes without marks of narrow ones where another box is."""
    kept: list[Box] = []
    for at, box in enumerate(boxes):
        covered = box.node < 0 and at + 1 < len(boxes) and boxes[at + 1].x <= box.x
        if not covered:
            kept.append(box)
    return kept
