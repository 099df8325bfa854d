"""Styles of cells: the colours of the report, dark or light."""

from __future__ import annotations

from functools import lru_cache

from rich.style import Style

from goinspect.render.svg.colors import BACKGROUND, TEXT, fill

__all__ = ["box_style", "plain_style"]

_ACCENT = ("#b0178f", "#ff8ae2")
_ACCENT_TEXT = ("#ffffff", "#2a0622")
_MUTED = ("#5d626d", "#a3a7b1")


@lru_cache(maxsize=4096)
def box_style(
    color: str, *, dark: bool, hit: bool, faded: bool, cursor: bool, selected: bool
) -> tuple[Style, Style]:
    """Of a frame's label and of the edge on its left."""
    ground = _ACCENT[dark] if hit else fill(color, dark=dark)
    text = _ACCENT_TEXT[dark] if hit else _MUTED[dark] if faded else TEXT[dark]
    if faded and not hit:
        ground = _between(ground, BACKGROUND[dark])
    style = Style(
        color=text, bgcolor=ground, bold=hit or selected or None, underline=selected or hit or None,
        reverse=cursor or None,
    )  # fmt: skip
    edge = style if cursor else Style(color=BACKGROUND[dark], bgcolor=ground)
    return style, edge


@lru_cache(maxsize=64)
def plain_style(*, dark: bool, muted: bool = False, bold: bool = False, reverse: bool = False) -> Style:
    """Of text on the ground."""
    return Style(
        color=_MUTED[dark] if muted else TEXT[dark], bgcolor=BACKGROUND[dark], bold=bold or None, reverse=reverse or None
    )  # fmt: skip


def _between(first: str, second: str) -> str:
    """A third of the way from the second to the first."""
    parts = zip(bytes.fromhex(first[1:]), bytes.fromhex(second[1:]), strict=True)
    return "#" + "".join(f"{(one + 2 * other) // 3:02x}" for one, other in parts)
