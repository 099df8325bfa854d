"""Folded stacks: ``root;frame;…;leaf WEIGHT`` per line, sorted, for every tool that draws flame graphs.

Of two profiles with both weights, ``BASE OTHER``, as difffolded.pl and inferno-diff-folded write them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.model import FrameKind
from goinspect.render.difference.facts import apportioned
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
    before: dict[str, int] = {}
    second = stacks.weights[1].values.tolist() if profile.difference else [0] * len(stacks)
    for i, (root, weight, base) in enumerate(
        zip(roots.tolist(), stacks.weight.tolist(), second, strict=True)
    ):
        stack = [texts[frame] for frame in flat[starts[i] : starts[i + 1]]]
        if root >= 0:
            stack.insert(0, texts[root].replace(" ", "_"))
        if stack:
            line = ";".join(stack)
            lines[line] = lines.get(line, 0) + weight
            before[line] = before.get(line, 0) + base
    told = {line: exact_weight(weight, profile.unit) for line, weight in lines.items()}
    if profile.difference is not None:
        scaled = apportioned(list(before.values()), profile.difference)
        told = {
            line: f"{exact_weight(base, profile.unit)} {told[line]}"
            for line, base in zip(before, scaled, strict=True)
        }
    return "".join(f"{line} {told[line]}\n" for line in sorted(told))
