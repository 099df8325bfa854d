"""SymbolTable: what is known of each location of a profile, and what that means for the stacks it is in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.binary import Binary
    from goinspect.results.stacks import StackFrame

__all__ = ["HIDDEN_CALLER", "Flag", "SymbolTable", "rule"]


class Flag:
    """What the stack rules need to know of a location; bits."""

    NAMED = 1  # has a symbol
    GO = 2  # lies in a Go function
    CUT = 4  # nothing below it belongs to this stack: goexit, mcall
    ROOT = 8  # garbage may follow below it: mstart, rt0_go, morestack, clone …
    BAD = 16  # a user address without a symbol: garbage if it stands below a root
    TRAPPED = 32  # the frame below it was interrupted, not called: its address is exact
    HIDDEN = 64  # a walk by frame pointers that starts here passes over its caller
    RESTORED = 128  # its caller stands in its expansion, deduced


HIDDEN_CALLER = "[hidden caller]"
# mcall leaves the goroutine for good: what a frame-pointer walk finds below it is stale.
_CUT = frozenset({"runtime.goexit", "runtime.mcall"})
_ROOTS = frozenset({
    "runtime.mstart", "runtime.mstart0", "runtime.mstart1", "runtime.rt0_go", "runtime.morestack", "crosscall1",
    "crosscall_amd64", "clone", "clone3", "__clone", "__clone3", "start_thread", "_start", "__libc_start_main",
})  # fmt: skip
# These are called with the interrupted address as if it were the return address. Not so the signal restorer: a
# frame-pointer walk passes over the interrupted function, and what follows was really called.
_TRAPS = frozenset({"runtime.sigpanic", "runtime.asyncPreempt", "runtime.debugCallV2"})


@dataclass(slots=True)
class SymbolTable:
    """Frames of locations. ``expansion[i]`` is the row of location i in ``expansions``."""

    frames: list[StackFrame] = field(default_factory=list)
    expansions: list[tuple[int, ...]] = field(default_factory=list)  # outermost (physical) frame first
    expansion: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    flags: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))  # Flag bits, per location
    # Where each location is: its mapping (-1: none) and runtime address; number of its file in `binaries` (-1: none),
    # and its address there.
    mapping: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    runtime_addr: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    file: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    vaddr: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    # Where the restored caller in a location's expansion is, where that is certain; else 0.
    caller: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    binaries: list[Binary] = field(default_factory=list)
    # Of locations with a restored caller: the return addresses that it may have, in the file of the location.
    sites: dict[int, tuple[int, ...]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def rule(name: str) -> int:
    """What the name of a function says of the stacks it stands in."""
    if name in _CUT:
        return Flag.CUT
    if name in _ROOTS or name.startswith("_rt0_"):
        return Flag.ROOT
    return Flag.TRAPPED if name in _TRAPS else 0
