"""Stacks of one program: what is not its own Go code goes, as from the profiles that Go programs write of themselves.

runtime/pprof sees no kernel, no other file and no C: a sample there counts for the Go function that went there. Nor does it
show wrappers that the compiler made (``elideWrapperCalling`` of src/runtime/traceback.go).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.analysis.pgo.kinds import GO
from goinspect.analysis.pgo.programs import modules_of
from goinspect.analysis.stacks.symboltable import HIDDEN_CALLER
from goinspect.model import FrameKind
from goinspect.results.pgo import NO_CODE
from goinspect.results.stacks import StackFrame
from goinspect.views.locations import location_begins, outer_frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from goinspect.analysis.pgo.programs import Chosen
    from goinspect.results.stacks import Stacks

__all__ = ["Kept", "keep"]

# Whose a sample is that has nothing of the program, and what was left out of one that has; the first that fits.
_EMPTY, _OTHER_GO, _NATIVE, _KERNEL, _UNNAMED = (
    "no frames", "other Go programs", "code that is not Go", "kernel only", "unnamed code",
)  # fmt: skip
_IN_KERNEL, _IN_NATIVE, _IN_UNNAMED = (
    "in the kernel",
    "in code that is not Go or of other files",
    "in unnamed code",
)


class Kept(NamedTuple):
    """What is left, and how many samples went, or were cut, for which reason."""

    stacks: Stacks
    left_out: Counter[str]
    cut: Counter[str]


def keep(stacks: Stacks, chosen: Chosen) -> Kept:
    """The stacks that have Go code of the program, without all else.

    Other code between two functions of the program becomes one frame, so that neither seems to have called the other.
    """
    frame, sizes = stacks.frame, np.diff(stacks.start)
    owner = np.repeat(np.arange(len(stacks)), sizes)
    own = _mask(stacks, lambda f: f.kind in GO)[frame] & chosen.rows[modules_of(stacks)]
    wrapper = own & _mask(stacks, lambda f: f.wrapper)[frame]
    real = own & ~wrapper
    at = np.flatnonzero(real)
    first, last = np.full(len(stacks), len(frame)), np.full(len(stacks), -1)
    np.minimum.at(first, owner[at], at)
    np.maximum.at(last, owner[at], at)
    where = np.arange(len(frame))
    between = ~own & (where > first[owner]) & (where < last[owner])
    gap = between & ~np.append(False, between[:-1])
    taken = last >= 0
    cut = _cut(stacks, np.where(taken, last, -1), taken)
    left = _left_out(stacks, ~taken, own_go=_mask(stacks, lambda f: f.kind in GO))
    renamed, frames = _renamed(stacks, real, gap)
    place = None if stacks.place is None else np.where(gap, np.int32(-1), stacks.place)
    kept = replace(stacks, frames=frames, frame=renamed, place=place, series=None)
    entries = real | gap
    start = np.append(0, np.cumsum(np.bincount(owner[entries], minlength=len(stacks))))
    kept = replace(
        kept, start=start.astype(np.int64), frame=renamed[entries], place=None if place is None else place[entries]
    )  # fmt: skip
    return Kept(kept.where(taken), left, cut)


def _mask(stacks: Stacks, test: Callable[[StackFrame], bool]) -> NDArray[np.bool_]:
    """Which frames pass."""
    return np.array([test(frame) for frame in stacks.frames] or [False], dtype=np.bool_)


def _renamed(
    stacks: Stacks, real: NDArray[np.bool_], gap: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], tuple[StackFrame, ...]]:
    """The frames with one for gaps, and with the outermost that is left of a location being no inlined call."""
    frames = list(stacks.frames)
    begins = location_begins(stacks.frame, stacks.place, stacks.start, outer_frames(frames))
    group = np.cumsum(begins)
    at = np.flatnonzero(real)
    outermost = at[np.append(True, group[at][1:] != group[at][:-1])] if len(at) else at
    outer = np.arange(len(frames), dtype=np.int32)
    for row, frame in enumerate(stacks.frames):
        if frame.inlined:
            outer[row] = len(frames)
            frames.append(frame._replace(inlined=False))
    renamed = stacks.frame.copy()
    renamed[outermost] = outer[renamed[outermost]]
    hidden = _mask(stacks, lambda f: f.name == HIDDEN_CALLER)[stacks.frame]
    for name, rows in ((NO_CODE, gap & ~hidden), (HIDDEN_CALLER, gap & hidden)):
        renamed[rows] = len(frames)
        frames.append(StackFrame(name, FrameKind.UNKNOWN, "", False))
    return renamed, tuple(frames)


def _left_out(stacks: Stacks, rows: NDArray[np.bool_], own_go: NDArray[np.bool_]) -> Counter[str]:
    """Samples by what they are of."""
    out: Counter[str] = Counter()
    tests = (
        (_OTHER_GO, own_go),
        (_NATIVE, _mask(stacks, lambda f: f.kind == FrameKind.NATIVE)),
        (_UNNAMED, _mask(stacks, lambda f: f.kind == FrameKind.UNKNOWN)),
        (_KERNEL, _mask(stacks, lambda f: f.kind == FrameKind.KERNEL)),
    )
    for what, wanted in tests:
        found = rows & stacks.holding(wanted) if len(stacks.frame) else np.zeros_like(rows)
        out[what] += int(stacks.samples[found].sum())
        rows = rows & ~found
    out[_EMPTY] += int(stacks.samples[rows].sum())
    return +out


def _cut(stacks: Stacks, last: NDArray[np.int64], taken: NDArray[np.bool_]) -> Counter[str]:
    """Samples that ended in other code, by what stood behind the last function of the program."""
    out: Counter[str] = Counter()
    behind = np.flatnonzero(taken & (last + 1 < stacks.start[1:]))
    for row in behind.tolist():
        kind = stacks.frames[stacks.frame[int(last[row]) + 1]].kind
        what = {FrameKind.KERNEL: _IN_KERNEL, FrameKind.UNKNOWN: _IN_UNNAMED}.get(kind, _IN_NATIVE)
        if not stacks.frames[stacks.frame[int(last[row]) + 1]].wrapper:
            out[what] += int(stacks.samples[row])
    return out
