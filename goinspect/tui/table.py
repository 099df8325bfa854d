"""Functions by weight, in lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from goinspect.render.svg.labels import shorten
from goinspect.render.values import human_weight
from goinspect.tui.theme import plain_style

if TYPE_CHECKING:
    from textual import events

    from goinspect.tui.model import Model, Row

__all__ = ["SORTS", "Table"]

SORTS = ("own", "total", "name")
_WIDTHS = (13, 8, 13, 8)  # of the columns of numbers
_HEADS = ("own", "", "total", "")


class Table(ScrollView, can_focus=True):
    """Rows below a head that stays."""

    BINDINGS: ClassVar = [
        ("up", "go(-1)"),
        ("down", "go(1)"),
        ("pageup", "page(-1)"),
        ("pagedown", "page(1)"),
        ("home", "reach(0)"),
        ("end", "reach(-1)"),
        ("enter", "pick"),
        ("space", "select"),
    ]

    class Picked(Message):
        """A function was chosen: selected, or to be seen in the sandwich."""

        def __init__(self, name: str, *, closer: bool) -> None:
            super().__init__()
            self.name, self.closer = name, closer

    def __init__(self, model: Model, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._model = model
        self.rows: list[Row] = []
        self.sort = SORTS[0]
        self.cursor = 0
        self.selected = ""

    def show(self, rows: list[Row], *, sort: str, selected: str) -> None:
        """Show these functions."""
        self.selected = selected
        keys = {
            "own": lambda row: (-row.own, -row.total, row.name),
            "total": lambda row: (-row.total, -row.own, row.name),
            "name": lambda row: row.name,
        }
        ordered = sorted(rows, key=keys[sort])
        if ordered != self.rows:
            self.rows, self.sort = ordered, sort
            self.cursor = next((at for at, row in enumerate(ordered) if row.name == selected), 0)
        self.sort = sort
        self._fit()

    def on_resize(self) -> None:
        """Lay it out anew."""
        self._fit()

    def _fit(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, len(self.rows) + 1)
        self._to_cursor()
        self.refresh()

    def _to_cursor(self) -> None:
        # The head covers the first line: one more line has to be seen.
        top = self.scroll_offset.y if self.cursor + 1 > self.scroll_offset.y else self.cursor
        self.scroll_to_region(Region(0, min(top, self.cursor), 1, 1), animate=False, force=True, x_axis=False)
        self.scroll_to_region(Region(0, self.cursor + 1, 1, 1), animate=False, force=True, x_axis=False)

    def render_line(self, y: int) -> Strip:
        """A line of the window."""
        width, dark = self.size.width, bool(self.app.current_theme.dark)
        at = y + self.scroll_offset.y - 1
        if y == 0:
            heads = [f"{head} ▾" if head == self.sort else head for head in _HEADS]
            text, style = (
                self._line(heads, "name ▴" if self.sort == "name" else "name"),
                plain_style(dark=dark, muted=True, bold=True),
            )
        elif not 0 <= at < len(self.rows):
            text, style = ("Nothing is called so." if at == 0 else ""), plain_style(dark=dark, muted=True)
        else:
            row, model = self.rows[at], self._model
            numbers = [
                human_weight(row.own, model.unit), model.share(row.own), human_weight(row.total, model.unit), model.share(row.total)
            ]  # fmt: skip
            room = width - sum(_WIDTHS) - len(_WIDTHS) - 1
            text = self._line(
                numbers, row.name if len(row.name) <= room else shorten(row.name, room, go=True)
            )
            style = plain_style(
                dark=dark, bold=row.name == self.selected, reverse=at == self.cursor and self.has_focus
            )
        return Strip([Segment(set_cell_size(text, width), style)], width)

    @staticmethod
    def _line(numbers: list[str], name: str) -> str:
        return (
            " ".join(f"{number:>{width}}" for number, width in zip(numbers, _WIDTHS, strict=True))
            + "  "
            + name
        )

    def action_go(self, step: int) -> None:
        """Move the cursor."""
        self.action_reach(max(0, min(self.cursor + step, len(self.rows) - 1)))

    def action_page(self, step: int) -> None:
        """Move the cursor by a window."""
        self.action_go(step * max(1, self.size.height - 2))

    def action_reach(self, at: int) -> None:
        """Move the cursor to a row; -1: the last one."""
        self.cursor = max(0, len(self.rows) - 1) if at < 0 else at
        self._to_cursor()
        self.refresh()

    def action_pick(self) -> None:
        """Look at it closer."""
        if self.rows:
            self.post_message(self.Picked(self.rows[self.cursor].name, closer=True))

    def action_select(self) -> None:
        """Select it."""
        if self.rows:
            self.post_message(self.Picked(self.rows[self.cursor].name, closer=False))

    def on_click(self, event: events.Click) -> None:
        """Select; the second time look at it closer."""
        at = event.y + self.scroll_offset.y - 1
        if event.y and 0 <= at < len(self.rows):
            self.action_reach(at)
            if event.chain > 1:
                self.action_pick()
            else:
                self.action_select()
