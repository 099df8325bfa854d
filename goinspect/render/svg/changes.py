"""The picture of a difference: a colour for what became of a frame's total, and what the script is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.difference.words import change_words
from goinspect.render.svg.colors import Key
from goinspect.render.svg.labels import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.render.svg.layout import Box
    from goinspect.views.difference import Change
    from goinspect.views.graph import FlameGraph

__all__ = ["change_class", "change_columns", "change_labels", "change_legend", "node_words"]

_LABELS = {
    "d3": "new, or × 2 and more",
    "d2": "grew, × 1.25 to 2",
    "d1": "grew less",
    "d0": "within noise, or the same",
    "e1": "shrank less",
    "e2": "shrank, ÷ 1.25 to 2",
    "e3": "shrank, ÷ 2 and more",
}
_WORDS = ("same", "noise", "grew", "shrank", "new", "gone")  # as `changes.js` numbers them


def change_class(change: Change) -> str:
    """The colour class: ``d`` grew, ``e`` shrank; by how much; ``d0`` neither."""
    if change.what in ("same", "noise"):
        return "d0"
    letter, (small, large) = ("d" if change.delta > 0 else "e"), sorted((change.other, change.base))
    return f"{letter}{1 + (4 * large >= 5 * small) + (large >= 2 * small)}"


def change_labels(*, counted: bool) -> dict[str, str]:
    """Each colour class with what it says; `counted`: the error of weights is known."""
    return _LABELS if counted else _LABELS | {"d0": "the same"}


def change_legend(graph: FlameGraph, boxes: Sequence[Box]) -> list[Key]:
    """The colours in use, from what grew to what shrank."""
    used = {change_class(graph.changes[box.node]) for box in boxes}
    labels = change_labels(counted=graph.difference is not None and graph.difference.counted)
    return [Key("change", color, label) for color, label in labels.items() if color in used]


def node_words(graph: FlameGraph, node: int) -> str:
    """What a tooltip says of the change of a node."""
    total, own, whole = graph.changes[node], graph.own_changes[node], graph.changes[0].base
    return change_words(total, own, whole, visible(graph.unit))


def change_columns(graph: FlameGraph, nodes: Sequence[int]) -> dict[str, object]:
    """What `changes.js` reads of drawn nodes, without what most have in common."""
    columns: dict[str, object] = {}
    for name, changes in (("", graph.changes), ("Own", graph.own_changes)):
        drawn = [changes[node] for node in nodes]
        columns[f"base{name}"] = [change.base for change in drawn]
        columns[f"error{name}"] = [change.error for change in drawn]
        columns[f"factor{name}"] = [change.factor and round(change.factor, 2) for change in drawn]
        columns[f"became{name}"] = [_WORDS.index(change.what) for change in drawn]
    return columns
