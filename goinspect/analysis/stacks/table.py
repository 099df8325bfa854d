"""What is known of the locations of stacks, whoever found it out: recordings and folded stacks make the same table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.results.stacks import StackFrame

__all__ = ["Flag", "SymbolTable"]


class Flag:
    """What the stack rules need to know of a location; bits."""

    NAMED = 1  # has a symbol
    GO = 2  # lies in a Go function
    CUT = 4  # nothing below it belongs to this stack: goexit, mcall
    ROOT = 8  # garbage may follow below it: mstart, rt0_go, morestack, clone …
    BAD = 16  # a user address without a symbol: garbage if it stands below a root
    TRAPPED = 32  # the frame below it was interrupted, not called: its address is exact
    HIDDEN = 64  # a walk by frame pointers that starts here passes over its caller


@dataclass(slots=True)
class SymbolTable:
    """Frames of locations. ``expansion[i]`` is the row of location i in ``expansions``."""

    frames: list[StackFrame] = field(default_factory=list)
    expansions: list[tuple[int, ...]] = field(default_factory=list)  # outermost (physical) frame first
    expansion: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    flags: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))  # Flag bits, per location
    warnings: list[str] = field(default_factory=list)
