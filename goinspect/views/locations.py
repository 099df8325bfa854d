"""Which frames of a stack are one location: a function with the calls inlined there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.results.stacks import StackFrame

__all__ = ["location_begins", "outer_frames"]


def outer_frames(frames: Sequence[StackFrame]) -> NDArray[np.bool_]:
    """Which frames are no inlined calls; never empty."""
    return np.array([not frame.inlined for frame in frames] or [True], dtype=np.bool_)


def location_begins(
    frame: NDArray[np.int32],
    place: NDArray[np.int32] | None,
    start: NDArray[np.int64],
    outer: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Of stacks, root first, where a location begins: at a function that is not inlined, at another place, at a root.

    Args:
        frame: rows of frames.
        place: of each, where it is known.
        start: where stacks begin, and where the last one ends.
        outer: of `outer_frames`.
    """
    begins: NDArray[np.bool_] = np.take(outer, frame, mode="clip")
    if place is not None:
        begins[1:] |= place[1:] != place[:-1]
    begins[start[:-1][np.diff(start) > 0]] = True
    return begins
