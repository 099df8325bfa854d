"""Symbols as folded stacks, so that `goinspect flame` and every other tool can draw where the bytes are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.values import escape_terminal

if TYPE_CHECKING:
    from goinspect.results.symbols import SizeStacks

__all__ = ["render_folded"]

_HEADER = "# goinspect sizes unit=bytes\n"


def render_folded(stacks: SizeStacks) -> str:
    """``package;type;function BYTES`` a line, sorted; ``;`` separates frames, so one inside a name is written ``:``.

    The first line tells `goinspect flame` that these are bytes of packages; to other tools it is a comment.
    """
    lines: dict[str, int] = {}
    for frames, size in stacks.rows:
        line = ";".join(escape_terminal(frame).replace(";", ":") for frame in frames)
        lines[line] = lines.get(line, 0) + size
    return _HEADER + "".join(f"{line} {lines[line]}\n" for line in sorted(lines))
