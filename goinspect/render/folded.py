"""Folded stacks: ``root;frame;…;leaf WEIGHT`` per line, sorted, for every tool that draws flame graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.model import FrameKind
from goinspect.render.values import escape_terminal, exact_weight

if TYPE_CHECKING:
    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile
    from goinspect.results.stacks import StackFrame

__all__ = ["render", "render_folded"]

_COMPILED = ("jit", "[jit]")  # as recordings and as folded stacks tell it


def frame_text(frame: StackFrame, *, annotate: bool = False) -> str:
    """A frame as folded text: ``;`` separates frames, so one inside a name is written ``:``."""
    name = escape_terminal(frame.name).replace(";", ":")
    if frame.location:
        name += " " + escape_terminal(frame.location).replace(";", ":")
    if annotate and frame.kind == FrameKind.KERNEL:
        name += "_[k]"
    elif annotate and frame.inlined:
        name += "_[i]"
    elif annotate and frame.package in _COMPILED:
        name += "_[j]"
    return name


def render(profile: FlameProfile, options: DrawOptions) -> str:
    """`--format folded`."""
    return render_folded(profile, annotate=options.annotate)


def render_folded(profile: FlameProfile, *, annotate: bool = False) -> str:
    """The lines of a profile; stacks that read the same are one line. ``_[k]``, ``_[i]``, ``_[j]`` when `annotate`."""
    stacks = profile.stacks
    frames, roots = stacks.rooted()
    texts = [frame_text(frame, annotate=annotate) for frame in frames]
    starts, flat = stacks.start.tolist(), stacks.frame.tolist()
    lines: dict[str, int] = {}
    for i, (root, weight) in enumerate(zip(roots.tolist(), stacks.weight.tolist(), strict=True)):
        stack = [texts[frame] for frame in flat[starts[i] : starts[i + 1]]]
        if root >= 0:
            stack.insert(0, texts[root].replace(" ", "_"))
        if stack:
            line = ";".join(stack)
            lines[line] = lines.get(line, 0) + weight
    return "".join(f"{line} {exact_weight(lines[line], profile.unit)}\n" for line in sorted(lines))
