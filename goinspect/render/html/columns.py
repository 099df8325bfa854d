"""Stacks as the report holds them: a line of JSON, and behind it columns of numbers; deflated, as base64 text.

The line tells ``columns``: name, type (as numpy writes it) and length of each, in their order. Row i of the stacks is
``frame[start[i]:start[i + 1]]``, rows of the frames, root first; ``start`` is told by ``size``, the number of frames of each
stack. They are in the order of their frames. ``weight[i] * scale`` and ``samples[i]`` belong to it, and of each label
``label_NAME[i]`` the row in its values plus 1, 0 for none. Of two profiles ``base[i] * baseScale`` is what was recorded of the
base. Frames have ``function``, ``package``, ``module`` and ``file`` (rows of the lists of these names), ``line`` and the
function's first one, ``begin`` (0: not known), ``kind``, ``color``, ``flags``, ``same``, the frame that they are drawn as, and
``outer``, the one without closures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from goinspect._ragged import flat_ranges
from goinspect.model import FrameKind
from goinspect.render.html.closures import GO_KINDS, outer_rows
from goinspect.render.svg.labels import all_visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from goinspect.results.stacks import Label, StackFrame, Stacks

__all__ = ["FLAGS", "Table", "frame_table", "label_columns", "scaled_column", "stack_columns"]

FLAGS = {"inlined": 1, "restored": 2, "go": 4}
_COMPARED = 12  # frames of each stack at once


class Table(NamedTuple):
    """The frames in the order of their names: lists of words, columns, and where each frame of the stacks went."""

    words: dict[str, list[str]]
    columns: dict[str, NDArray[np.int64]]
    number: NDArray[np.int64]


def frame_table(
    frames: Sequence[StackFrame],
    colors: Sequence[int],
    modules: Sequence[str] | None = None,
    *,
    lines: bool = False,
) -> Table:
    """The frames of stacks.

    Args:
        frames: all of them.
        colors: the row of each frame's colour.
        modules: of each; None: not known.
        lines: frames of different lines are drawn apart.
    """
    order = sorted(range(len(frames)), key=lambda i: (frames[i].name, frames[i].kind, frames[i].restored, i))
    rows = [frames[i] for i in order]
    first: dict[tuple[object, ...], int] = {}
    same = [first.setdefault(_drawn(frame, lines=lines), row) for row, frame in enumerate(rows)]
    functions, function = _words(all_visible([frame.name for frame in rows]))
    packages, package = _words(all_visible([frame.package for frame in rows]))
    of, module = _words(all_visible(["" if modules is None else modules[i] for i in order]))
    files, file = _words(all_visible([frame.file for frame in rows]))
    flags = [
        FLAGS["inlined"] * frame.inlined
        + FLAGS["restored"] * frame.restored
        + FLAGS["go"] * (frame.kind in GO_KINDS)
        for frame in rows
    ]
    kinds = {kind: row for row, kind in enumerate(FrameKind.ALL)}
    kind = [kinds.get(frame.kind, kinds[FrameKind.UNKNOWN]) for frame in rows]
    columns = {
        "function": function, "package": package, "module": module, "file": file, "line": [_line(frame.line) for frame in rows],
        "begin": [_line(frame.start_line) for frame in rows], "kind": kind, "flags": flags, "same": same,
        "color": [colors[i] for i in order], "outer": outer_rows(rows),
    }  # fmt: skip
    number = np.empty(len(frames), dtype=np.int64)
    number[order] = np.arange(len(frames))
    return Table(
        {"functions": functions, "packages": packages, "modules": of, "files": files},
        {name: np.array(column, dtype=np.int64) for name, column in columns.items()},
        number,
    )


def _line(line: int) -> int:
    """Lines of profiles may be any number."""
    return line if 0 < line < 1 << 31 else 0


def _drawn(frame: StackFrame, *, lines: bool) -> tuple[object, ...]:
    """What frames have in common that are drawn as one."""
    drawn = frame.name, frame.kind, frame.package, frame.inlined
    return (*drawn, frame.file, frame.line) if lines else drawn


def _words(texts: Iterable[str]) -> tuple[list[str], list[int]]:
    rows: dict[str, int] = {}
    column = [rows.setdefault(text, len(rows)) for text in texts]
    return list(rows), column


def stack_columns(
    stacks: Stacks, number: NDArray[np.int64]
) -> tuple[int, NDArray[np.int64], dict[str, NDArray[np.int64]]]:
    """What weights are to be multiplied with, the order of the stacks in the report, and their columns."""
    frame = number[stacks.frame]
    size = np.diff(stacks.start)
    order = _order(stacks.start, frame)
    scale, weight = scaled_column(stacks.weight[order])
    return (
        scale,
        order,
        {
            "size": size[order],
            "frame": frame[flat_ranges(stacks.start[:-1][order], size[order])],
            "weight": weight,
            "samples": stacks.samples.astype(np.int64)[order],
        },
    )


def scaled_column(weight: NDArray[np.uint64]) -> tuple[int, NDArray[np.int64]]:
    """What all weights are multiples of, and what is left of each."""
    scale = max(1, int(np.gcd.reduce(weight))) if len(weight) else 1
    return scale, (weight // np.uint64(scale)).astype(np.int64)


def _order(start: NDArray[np.int64], frame: NDArray[np.int64]) -> NDArray[np.int64]:
    """The stacks by their frames, root first: those that begin alike are next to each other."""
    order = np.arange(len(start) - 1)
    tied = order.copy()  # places in it: of stacks that others are like so far
    group = np.zeros(len(order), dtype=np.int64)
    for depth in range(0, int(np.diff(start).max(initial=0)), _COMPARED):
        rows = order[tied]
        keys: list[NDArray[Any]] = [_frames_at(start, frame, rows, depth + at) for at in range(_COMPARED)]
        turn = np.lexsort([*keys[::-1], group])
        order[tied] = rows[turn]
        changed = np.append(True, group[turn][1:] != group[turn][:-1])
        for key in keys:
            changed[1:] |= key[turn][1:] != key[turn][:-1]
        count = np.diff(np.append(np.flatnonzero(changed), len(tied)))
        alike = np.repeat(count > 1, count)
        tied, group = tied[alike], np.cumsum(changed)[alike]
        if not len(tied):
            break
    return order


def _frames_at(
    start: NDArray[np.int64], frame: NDArray[np.int64], rows: NDArray[np.int64], depth: int
) -> NDArray[np.int32]:
    """The frame of each of some stacks at a depth, -1 where it ends before."""
    place = start[rows] + depth
    here = place < start[rows + 1]
    found = np.full(len(rows), -1, dtype=np.int32)
    found[here] = frame[place[here]]
    return found


def label_columns(
    labels: Mapping[str, Label], order: NDArray[np.int64]
) -> tuple[dict[str, list[str]], dict[str, NDArray[np.int64]]]:
    """Values of labels in the order of their names, and which of them, plus 1, each stack has."""
    values: dict[str, list[str]] = {}
    columns: dict[str, NDArray[np.int64]] = {}
    for name, label in labels.items():
        rank = sorted(range(len(label.values)), key=label.values.__getitem__)
        values[name] = all_visible([label.values[i] for i in rank])
        number = np.zeros(len(rank) + 1, dtype=np.int64)  # the last one is that of -1
        number[rank] = np.arange(1, len(rank) + 1)
        columns[f"label_{name}"] = number[label.row[order]]
    return values, columns
