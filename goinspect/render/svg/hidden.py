"""What a picture does not draw, packed for its script: so that a search counts all that matches, drawn or not.

A row is what is left of a stack where it leaves the drawn tree: a drawn box, frames, and weight. Only which frames are in
it matters, not how often; rows of one box that begin alike share their beginning with the row before. Columns of numbers,
each as narrow as it can be, behind a line of JSON that says which; deflated, as base64 text: some 2 bytes a frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import flat_ranges, in_order
from goinspect.render import columns as packing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from goinspect.results.stacks import StackFrame
    from goinspect.views.graph import FlameGraph, HiddenStacks

__all__ = ["Rows", "hidden_rows", "leaf_weights", "pack", "pack_heaviest"]

_LEVEL = 4  # of compression: the next ones take twice the time for a tenth less
_LEAST_ROOM = 100_000  # bytes: a picture with very many names is larger than it was to be
_FEW = 8_000  # rows, by which it is estimated how many find room
_TRIES = 5
_COMPARED = 6  # frames by which rows are put in order


class Rows(NamedTuple):
    """Row i hangs below the drawn box ``box[i]`` and has ``frames[start[i]:start[i + 1]]``."""

    box: NDArray[np.int64]
    start: NDArray[np.int64]
    frames: NDArray[np.int32]
    weight: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.box)


def leaf_weights(graph: FlameGraph) -> list[int]:
    """Of each frame of `graph`, what ended in it: drawn or not."""
    own = np.zeros(len(graph.frames), dtype=np.uint64)
    np.add.at(own, graph.node_frame, np.array(graph.node_own, dtype=np.uint64))
    if graph.hidden is not None:
        np.add.at(own, graph.hidden.frames[graph.hidden.start[1:] - 1], graph.hidden.weight)
    found: list[int] = own.tolist()
    return found


def hidden_rows(graph: FlameGraph, drawn: Sequence[int]) -> Rows:
    """All that `graph` holds and `drawn`, the nodes of the boxes, do not show, in the order of boxes and frames."""
    if len(drawn) == len(graph.node_frame) and graph.hidden is not None and len(graph.hidden.node):
        return _in_order(_all_hidden(graph.hidden, drawn))
    box_of = dict(zip(drawn, range(len(drawn)), strict=True))
    undrawn: dict[int, tuple[int, tuple[int, ...]]] = {}  # node → box, frames from there to the node
    loose: list[tuple[int, tuple[int, ...], int]] = []
    if len(drawn) < len(graph.node_frame):
        for node, (parent, frame, own) in enumerate(
            zip(graph.node_parent, graph.node_frame, graph.node_own, strict=True)
        ):
            if node not in box_of:
                box, frames = undrawn.get(parent) or (box_of.get(parent, 0), ())
                undrawn[node] = box, (*frames, frame)
                loose += [(*undrawn[node], own)] if own else []
    if graph.hidden is None or not len(graph.hidden.node):
        return _in_order(_as_rows(loose))
    hidden = graph.hidden
    for i, (node, amount) in enumerate(zip(hidden.node.tolist(), hidden.weight.tolist(), strict=True)):
        box_above, frames = undrawn.get(node) or (box_of.get(node, 0), ())
        rest = hidden.frames[hidden.start[i] : hidden.start[i + 1]].tolist()
        loose.append((box_above, (*frames, *rest), amount))
    return _in_order(_as_rows(loose))


def _all_hidden(hidden: HiddenStacks, drawn: Sequence[int]) -> Rows:
    """Where every node has a box."""
    box = np.empty(len(drawn), dtype=np.int64)
    box[drawn] = np.arange(len(drawn))
    return Rows(box[hidden.node], hidden.start, hidden.frames, hidden.weight.astype(np.int64))


def _as_rows(loose: list[tuple[int, tuple[int, ...], int]]) -> Rows:
    return Rows(
        np.array([box for box, _, _ in loose], dtype=np.int64),
        np.cumsum([0, *(len(frames) for _, frames, _ in loose)], dtype=np.int64),
        np.array([frame for _, frames, _ in loose for frame in frames], dtype=np.int32),
        np.array([weight for _, _, weight in loose], dtype=np.int64),
    )


def _in_order(rows: Rows) -> Rows:
    """Rows that begin alike next to each other, without frames that call themselves."""
    if not len(rows):
        return rows
    again = rows.frames[1:] == rows.frames[:-1]
    again[rows.start[1:-1] - 1] = False  # the first frame of a row
    dropped = np.flatnonzero(again) + 1
    frames = np.delete(rows.frames, dropped)
    start = rows.start - np.searchsorted(dropped, rows.start)
    sizes = np.diff(start)
    order = in_order([rows.box, *_beginnings(start, frames)])
    return Rows(
        rows.box[order],
        np.append(0, np.cumsum(sizes[order])),
        frames[flat_ranges(start[:-1][order], sizes[order])],
        rows.weight[order],
    )


def _beginnings(start: NDArray[np.int64], frames: NDArray[np.int32]) -> NDArray[np.int32]:
    """The first frames of each row, a column after the other; they count from 1, and behind the end of a row is 0."""
    out = np.empty((_COMPARED, len(start) - 1), dtype=np.int32)
    for at, column in enumerate(out):
        place = start[:-1] + at
        column[:] = np.where(place < start[1:], frames.take(place, mode="clip") + 1, 0)
    return out


def pack_heaviest(
    rows: Rows,
    known: dict[int, int],
    frames: Sequence[StackFrame],
    text: Callable[[str], str],
    room: int | None,
) -> tuple[str, int]:
    """The rows in `room` bytes, the heaviest of them where that is too little; and the weight of the others."""
    if room is None:
        return pack(rows, known, frames, text), 0
    room = max(room, _LEAST_ROOM)
    order, whole = np.argsort(-rows.weight, kind="stable"), int(rows.weight.sum())
    kept, found = min(len(rows), _FEW), ("", whole)
    for _ in range(_TRIES):
        some = _only(rows, np.sort(order[:kept]))
        packed = pack(some, known, frames, text), whole - int(some.weight.sum())
        size = len(packed[0])
        if size <= room and size > len(found[0]):
            found = packed
            if kept == len(rows) or size > 0.8 * room:
                break
        kept = min(len(rows), max(1, int(kept * 0.92 * room / size)))
    return found if found[0] else packed


def _only(rows: Rows, wanted: NDArray[np.int64]) -> Rows:
    sizes = np.diff(rows.start)[wanted]
    return Rows(
        rows.box[wanted],
        np.append(0, np.cumsum(sizes)),
        rows.frames[flat_ranges(rows.start[:-1][wanted], sizes)],
        rows.weight[wanted],
    )


def pack(rows: Rows, known: dict[int, int], frames: Sequence[StackFrame], text: Callable[[str], str]) -> str:
    """The rows for `hidden.js`.

    Args:
        rows: of boxes, as `hidden_rows` gives them.
        known: numbers that the picture gave to frames that it draws; others get the next ones.
        frames: of the graph.
        text: makes a name safe to show.
    """
    used = np.flatnonzero(np.bincount(rows.frames, minlength=len(frames))).tolist()
    more = [frame for frame in used if frame not in known]
    number = np.zeros(len(frames), dtype=np.int64)
    number[list(known)] = list(known.values())
    number[more] = np.arange(len(known), len(known) + len(more))
    begin = _beginnings(rows.start, rows.frames)
    same = np.zeros(len(rows), dtype=np.int64)
    alike = rows.box[1:] == rows.box[:-1]
    for column in begin:
        alike = alike & (column[1:] == column[:-1]) & (column[1:] > 0)
        same[1:] += alike
    count = np.diff(rows.start) - same
    scale = max(1, int(np.gcd.reduce(rows.weight)))
    columns = {
        "box": np.diff(rows.box, prepend=0),
        "shared": same,
        "count": count,
        "path": number[rows.frames[flat_ranges(rows.start[:-1] + same, count)]],
        "weight": rows.weight // scale,
    }
    head = {"scale": scale, "frames": [[text(frames[i].name), int(frames[i].inlined)] for i in more]}
    return packing.pack(head, columns, _LEVEL)
