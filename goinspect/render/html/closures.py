"""Closures, and the functions that they are folded into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.gosym.naming.names import enclosing
from goinspect.model import FrameKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.results.stacks import StackFrame

__all__ = ["GO_KINDS", "enclosing_frames", "outer_rows"]

GO_KINDS = {FrameKind.USER, FrameKind.STDLIB, FrameKind.TOOLCHAIN, FrameKind.RUNTIME, FrameKind.GC}


def enclosing_frames(frames: Sequence[StackFrame]) -> list[StackFrame]:
    """Frames of functions that `frames` has closures of, but not them."""
    names = {frame.name for frame in frames}
    missing: dict[str, StackFrame] = {}
    for frame, name in zip(frames, _outer(frames, names), strict=True):
        if name not in names:
            missing.setdefault(
                name, frame._replace(name=name, inlined=False, restored=False, file="", line=0, start_line=0)
            )
    return list(missing.values())


def outer_rows(frames: Sequence[StackFrame]) -> list[int]:
    """Of each frame the row of the one that it is drawn as without closures: its own, where it is none."""
    names = {frame.name for frame in frames}
    rows: dict[tuple[str, bool], int] = {}
    for row, frame in enumerate(frames):
        rows.setdefault((frame.name, frame.inlined), row)
    found = []
    for row, (frame, name) in enumerate(zip(frames, _outer(frames, names), strict=True)):
        other = rows.get((name, frame.inlined), rows.get((name, not frame.inlined), row))
        found.append(row if name == frame.name else other)
    return found


def _outer(frames: Sequence[StackFrame], names: set[str]) -> list[str]:
    """Each name is looked at once: frames of one function differ in their lines."""
    known: dict[str, str] = {}
    for frame in frames:
        if frame.name not in known and frame.kind in GO_KINDS:
            known[frame.name] = enclosing(frame.name, names)
    return [known[frame.name] if frame.kind in GO_KINDS else frame.name for frame in frames]
