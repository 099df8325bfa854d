"""Named stacks as folded text: ``root;frame;…;leaf WEIGHT``, for `goinspect flame` and others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.values import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.results.processes.symbolize import NamedStack

__all__ = ["render_folded"]


def render_folded(stacks: Sequence[NamedStack]) -> str:
    """A line for each distinct stack, in order."""
    lines: dict[str, int] = {}
    for stack in stacks:
        line = ";".join([escape_terminal(frame).replace(";", ":") for frame in stack.frames])
        lines[line] = lines.get(line, 0) + stack.weight
    return "".join(f"{line} {weight}\n" for line, weight in sorted(lines.items()))
