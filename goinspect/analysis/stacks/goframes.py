"""GoFrames: what gopclntab says of addresses, as rows of a table of frames."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from goinspect._ragged import backward_ranges
from goinspect.gosym.naming.framekinds import frame_kind
from goinspect.gosym.naming.origins import Origins, origins_of
from goinspect.results.stacks import StackFrame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from goinspect.binary import Binary

__all__ = ["GoFrames"]


class GoFrames:
    """Names the frames of Go functions; each distinct frame is made once.

    Args:
        frame_ids: the row of each frame, which gets further ones.
        inlines: with inlined calls.
        lines: with file, line and first line.
    """

    def __init__(self, frame_ids: dict[StackFrame, int], *, inlines: bool, lines: bool) -> None:
        self._frame_ids, self._inlines, self._lines = frame_ids, inlines, lines
        self._origins: dict[int, tuple[Origins, dict[str, tuple[str, str]]]] = {}

    def rows(self, binary: Binary, vaddrs: NDArray[np.uint64]) -> Iterator[tuple[int, ...]]:
        """The rows of the frames at each address, the physical function's first; none where no function holds it."""
        frames, places = self.frames(binary, vaddrs)
        ids = [self._frame_ids.setdefault(frame, len(self._frame_ids)) for frame in frames]
        for place in places:
            yield tuple([ids[number] for number in place])

    def frames(
        self, binary: Binary, vaddrs: NDArray[np.uint64], *, restored: bool = False
    ) -> tuple[list[StackFrame], list[tuple[int, ...]]]:
        """The distinct frames at these addresses, and which ones each has, the physical function's first.

        Args:
            binary: the file.
            vaddrs: any addresses.
            restored: the frames were deduced.
        """
        found = binary.bulk_frames(vaddrs, inlines=self._inlines, lines=self._lines)
        inwards = backward_ranges(found.start[1:], np.diff(found.start))
        columns: list[NDArray[Any]] = [found.function, found.inlined]
        if self._lines:
            columns += [found.file, found.line, found.start_line, found.wrapper]
        numbers, first = _numbered([column[inwards] for column in columns])
        kinds = self._kinds_of(binary, found.names)
        frames = []
        for function, inlined, *where in zip(
            *(column[inwards[first]].tolist() for column in columns), strict=True
        ):
            file, line, start_line, wrapper = where or (-1, 0, 0, False)
            path, at = (found.files[file], line) if file >= 0 else ("", 0)
            kind, package = kinds[function]
            name = found.names[function]
            frames.append(StackFrame(name, kind, package, inlined, path, at, start_line, restored, wrapper))
        flat = tuple(numbers.tolist())
        return frames, [flat[begin:end] for begin, end in itertools.pairwise(found.start.tolist())]

    def _kinds_of(self, binary: Binary, names: list[str]) -> list[tuple[str, str]]:
        """Kind and package of functions by their names, each asked for once."""
        if id(binary) not in self._origins:
            self._origins[id(binary)] = origins_of(binary.go), {}
        origins, known = self._origins[id(binary)]
        for name in names:
            if name not in known:
                known[name] = frame_kind(name, origins)
        return [known[name] for name in names]


def _numbered(columns: list[NDArray[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of the distinct rows of columns each one is, in the order in which they come first; and where they do."""
    number = np.zeros(len(columns[0]), dtype=np.int64)
    first = number[:0]
    for column in columns:
        low = int(column.min(initial=0))
        key = number * (int(column.max(initial=0)) - low + 1) + column - low
        _, first, number = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place[number], first[order]
