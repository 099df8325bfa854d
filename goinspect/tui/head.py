"""The first line: views to choose from, and what is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from goinspect.render.svg.labels import cut
from goinspect.tui.theme import plain_style

if TYPE_CHECKING:
    from textual import events

__all__ = ["VIEWS", "Head"]

VIEWS = {"flame": " 1 Flame ", "table": " 2 Table ", "sandwich": " 3 Sandwich "}


class Head(Widget):
    """A line."""

    DEFAULT_CSS = "Head { height: 1; width: 100%; }"

    class Chosen(Message):
        """A view was clicked."""

        def __init__(self, view: str) -> None:
            super().__init__()
            self.view = view

    def __init__(self, title: str, subtitle: str) -> None:
        super().__init__()
        self._told = f"{title}  {subtitle}"
        self._view = "flame"

    def show(self, view: str) -> None:
        """Mark the view that is shown."""
        self._view = view
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line."""
        dark, width = bool(self.app.current_theme.dark), self.size.width
        segments = [
            Segment(text, plain_style(dark=dark, bold=True, reverse=view == self._view))
            for view, text in VIEWS.items()
        ]
        room = max(0, width - sum(cell_len(text) for text in VIEWS.values()) - 2)
        told = cut(self._told, room)
        segments.append(Segment(set_cell_size(f"  {told}", room + 2), plain_style(dark=dark)))
        return Strip(segments).crop(0, width) if y == 0 else Strip.blank(width)

    def on_click(self, event: events.Click) -> None:
        """Choose a view."""
        at = 0
        for view, text in VIEWS.items():
            at += len(text)
            if event.x < at:
                self.post_message(self.Chosen(view))
                return
