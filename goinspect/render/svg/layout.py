"""Where the frames of a picture stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from goinspect.views.graph import FlameGraph

__all__ = ["MARGIN", "NOMINAL_WIDTH", "Box", "inner_width", "layout"]

NOMINAL_WIDTH = 1200
MARGIN = 12  # left and right of the frames


class Box(NamedTuple):
    """A drawn frame: node of the graph, index of the drawn parent, left edge in weight units, width in px."""

    node: int
    parent: int
    start: int
    x: float
    width: float
    depth: int


def inner_width(width: int | None) -> float:
    """How many px wide the frames of a picture are together."""
    return max(width or NOMINAL_WIDTH, 200) - 2 * MARGIN


def layout(graph: FlameGraph, inner: float, min_width: float = 0.1) -> list[Box]:
    """Place the nodes wide enough to be seen, root first, a child somewhere to the right of its parent's left edge."""
    scale = inner / graph.node_total[0]
    drawn: dict[int, int] = {}
    boxes: list[Box] = []
    cursor = [0] * len(graph.node_total)
    for node, (parent, total) in enumerate(zip(graph.node_parent, graph.node_total, strict=True)):
        start = cursor[parent] if node else 0
        cursor[node] = start
        if node:
            cursor[parent] += total
        if node and (parent not in drawn or total * scale < min_width):
            continue
        above = drawn.get(parent, -1)
        drawn[node] = len(boxes)
        boxes.append(
            Box(node, above, start, start * scale, total * scale, boxes[above].depth + 1 if node else 0)
        )
    return boxes
