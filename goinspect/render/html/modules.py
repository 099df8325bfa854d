"""Of which module a frame is: by the build information where it is known, else by the path of its file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goinspect.gosym.naming.origins import CMD, MAIN, NATIVE, STD, UNKNOWN
from goinspect.model import FrameKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goinspect.results.stacks import StackFrame

__all__ = ["frame_modules"]

_VERSIONED = re.compile(r"(?:.*/pkg/mod/)?([^@]+)@(v[^/]*)/.+", re.DOTALL)  # in a module cache
_STD = (FrameKind.STDLIB, FrameKind.RUNTIME, FrameKind.GC)


def frame_modules(frames: Sequence[StackFrame], modules: Mapping[str, str]) -> list[str]:
    """The module of each frame, as it is shown; `modules`: those of packages that are known."""
    known: dict[tuple[str, str, str], str] = {}
    out = []
    for frame in frames:
        key = frame.kind, frame.package, frame.file
        if key not in known:
            known[key] = _module(frame, modules)
        out.append(known[key])
    return out


def _module(frame: StackFrame, modules: Mapping[str, str]) -> str:
    kind, package = frame.kind, frame.package
    if kind == FrameKind.KERNEL:
        return package or "[kernel]"
    if kind == FrameKind.NATIVE:
        return package or NATIVE
    if kind not in (FrameKind.USER, FrameKind.TOOLCHAIN, *_STD):
        return "(no symbol)"
    told = modules.get(package)
    if told is not None and told != UNKNOWN:
        return told
    if kind in _STD:
        return modules.get("runtime", STD)
    if kind == FrameKind.TOOLCHAIN:
        return CMD
    versioned = _VERSIONED.fullmatch(frame.file)
    if versioned is not None:
        return f"{versioned[1]} {versioned[2]}"
    return MAIN if package == "main" else UNKNOWN
