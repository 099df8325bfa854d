"""The colours of the report: those of the picture, and scales of own weights and of changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from goinspect.model import FrameKind
from goinspect.render.svg import colors
from goinspect.render.svg.changes import change_labels
from goinspect.render.svg.labels import cut, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.results.flame import Difference
    from goinspect.results.stacks import StackFrame

__all__ = ["Palette", "palette_of"]


class Palette(NamedTuple):
    """The row of each frame's colour, and what the page is told of colours."""

    row: list[int]
    told: dict[str, Any]


def palette_of(frames: Sequence[StackFrame], own: Sequence[int], difference: Difference | None) -> Palette:
    """Colours of frames; `own`: what ended in each of the first ones, those that stacks have."""
    drawn = frames[: len(own)]
    moved = colors.separate(colors.user_packages(drawn, own))
    classes = [colors.color_class(f.kind, f.package, f.name, moved) for f in frames]
    keys = colors.legend(drawn, own, moved)
    kinds = [colors.kind_class(kind) for kind in FrameKind.ALL]
    changed = change_labels(counted=difference.counted) if difference else {}
    unnamed = colors.color_class(FrameKind.ROOT, "", "", moved)
    used = list(
        dict.fromkeys([unnamed, *classes, *(key.color for key in keys), *kinds, *colors.HEAT, *changed])
    )
    row = {color: i for i, color in enumerate(used)}
    told = {
        "colors": [None if c[0] == "x" else [colors.fill(c), colors.fill(c, dark=True)] for c in used],
        "legend": _legend(keys, row, drawn),
        "kindColors": [row[color] for color in kinds],
        "heat": [row[color] for color in colors.HEAT],
        "changeColors": [[color, row[color], text] for color, text in changed.items()],
    }
    return Palette([row[color] for color in classes], told)


def _legend(
    keys: Sequence[colors.Key], row: dict[str, int], frames: Sequence[StackFrame]
) -> list[tuple[str, int, str]]:
    """Of each entry what it says, its colour and what to search for."""
    words = {label: kind for kind, label in colors.KIND_LABELS.items()}
    present = {frame.kind for frame in frames}
    return [
        (
            cut(visible(key.label), 28),
            row[key.color],
            f"package:{visible(key.package)}" if key.role == "package" else f"kind:{words[key.label]}",
        )
        for key in keys
        if key.role == "package" or (key.role == "kind" and words[key.label] in present)
    ]
