"""What these formats have in common: functions in place of frames, weights as JSON numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.render.values import escape_terminal, exact_weight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.results.stacks import StackFrame

__all__ = ["Function", "Functions", "functions_of", "numbers"]


class Function(NamedTuple):
    """A function as a viewer shows it; untrusted text is made safe."""

    name: str
    file: str
    start_line: int


class Functions(NamedTuple):
    """The distinct functions, and which one each frame is in: frames of one function differ by their lines."""

    all: list[Function]
    of_frame: NDArray[np.int64]


def functions_of(frames: Sequence[StackFrame]) -> Functions:
    """The functions of frames."""
    ids: dict[Function, int] = {}
    number = [
        ids.setdefault(
            Function(escape_terminal(frame.name), escape_terminal(frame.file), frame.start_line), len(ids)
        )
        for frame in frames
    ]
    return Functions(list(ids), np.array(number, dtype=np.int64))


def numbers(weights: NDArray[np.uint64], unit: str, scale: int = 1) -> list[int | float]:
    """Weights in whole units, divided by `scale`: integers where these are exact."""
    if " of " in unit:
        return [float(exact_weight(weight, unit)) for weight in weights.tolist()]
    if scale == 1:
        return list(weights.tolist())
    places = len(str(scale)) - 1
    return [
        round(weight / scale, places) if weight % scale else weight // scale for weight in weights.tolist()
    ]
