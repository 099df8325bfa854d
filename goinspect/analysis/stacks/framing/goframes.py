"""The frames that gopclntab tells of many addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import backward_ranges, first_seen
from goinspect.results.stacks import StackFrame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.gosym.bulk.table import Frames

__all__ = ["GoFrames", "go_frames"]

_MOST = 1 << 62


class GoFrames(NamedTuple):
    """Of address i the frames ``number[start[i]:start[i + 1]]``, rows of `frames`: the physical function first, none where no function holds it."""

    frames: list[StackFrame]
    number: NDArray[np.int64]
    start: NDArray[np.int64]


def go_frames(found: Frames, kinds: Sequence[tuple[str, str]], *, lines: bool) -> GoFrames:
    """The distinct frames of an answer, in the order in which they come first.

    Args:
        found: the answer.
        kinds: kind and package of each of its names.
        lines: tell files and lines.
    """
    rows = backward_ranges(found.start[1:], np.diff(found.start))
    key = found.function.astype(np.int64) * 2 + found.inlined
    if lines:
        for column in (found.start_line, found.file, found.line):
            key = _with(key, column)
    distinct, number = first_seen(key[rows])
    first = np.empty(len(distinct), dtype=np.int64)
    first[number] = rows  # any row that has it
    names, files = found.names, found.files
    function, inlined = found.function[first].tolist(), found.inlined[first].tolist()
    where: list[tuple[str, int, int]] = [("", 0, 0)] * len(first)
    if lines:
        told = (found.file[first].tolist(), found.line[first].tolist(), found.start_line[first].tolist())
        where = [
            (files[file], line, start) if file >= 0 else ("", 0, start)
            for file, line, start in zip(*told, strict=True)
        ]
    frames = [
        StackFrame(names[at], kinds[at][0], kinds[at][1], inline, *place)
        for at, inline, place in zip(function, inlined, where, strict=True)
    ]
    return GoFrames(frames, number, found.start)


def _with(key: NDArray[np.int64], column: NDArray[np.int32]) -> NDArray[np.int64]:
    """A number for each pair of both."""
    low = int(column.min(initial=0))
    span = int(column.max(initial=0)) - low + 1
    if (int(key.max(initial=0)) + 1) * span >= _MOST:
        _, key = np.unique(key, return_inverse=True)
    return key * span + (column.astype(np.int64) - low)
