"""The flame graph in cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from goinspect.render.svg.labels import shorten
from goinspect.tui.theme import box_style, plain_style

if TYPE_CHECKING:
    from textual import events

    from goinspect.tui.model import Found
    from goinspect.tui.tree import Box, Merged

__all__ = ["Chart"]

_EDGE = "▏"


class Chart(ScrollView, can_focus=True):
    """A tree with its root at the top, or, `upward`, at the bottom."""

    BINDINGS: ClassVar = [
        ("up", "go(0, -1)"),
        ("down", "go(0, 1)"),
        ("left", "go(-1, 0)"),
        ("right", "go(1, 0)"),
        ("home", "reach(0)"),
        ("enter,space", "pick"),
    ]

    class Reached(Message):
        """The cursor, or the pointer, is at another node."""

        def __init__(self, chart: Chart, node: int) -> None:
            super().__init__()
            self.chart, self.node = chart, node

    class Picked(Message):
        """A node was chosen."""

        def __init__(self, chart: Chart, node: int) -> None:
            super().__init__()
            self.chart, self.node = chart, node

    def __init__(self, *, upward: bool = False, skip: int = 0, id: str | None = None) -> None:
        super().__init__(id=id)
        self.upward, self.skip = upward, skip
        self.merged: Merged | None = None
        self.zoom = self.cursor = 0
        self.by_weight = False
        self.found: Found | None = None
        self.selected = ""
        self._laid_out: tuple[object, list[list[Box]]] | None = None
        self._hits: tuple[object, list[bool]] = (None, [])

    def show(
        self,
        merged: Merged,
        *,
        zoom: int = 0,
        by_weight: bool = False,
        found: Found | None = None,
        selected: str = "",
    ) -> None:
        """Show a tree."""
        anew = merged is not self.merged or zoom != self.zoom
        self.merged, self.zoom, self.by_weight, self.found, self.selected = (
            merged,
            zoom,
            by_weight,
            found,
            selected,
        )
        if anew:
            below = self.boxes[0] if self.skip and self.boxes else ()
            self.cursor = below[0].node if below else zoom
        self._fit()
        if anew:
            self._to_cursor()

    @property
    def boxes(self) -> list[list[Box]]:
        """What can be seen, row by row from the root."""
        if self.merged is None:
            return []
        key = (self.merged, self.zoom, self.by_weight, self.scrollable_content_region.width)
        if self._laid_out is None or self._laid_out[0] != key:
            rows = self.merged.rows(self.zoom, max(key[3], 1), by_weight=self.by_weight)
            self._laid_out = key, rows[self.skip :]
        return self._laid_out[1]

    def _fit(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, len(self.boxes))
        self.refresh()

    def on_resize(self) -> None:
        """Lay it out anew."""
        self._fit()
        self._to_cursor()

    # --- where rows are ---

    def _row_at(self, y: int) -> int:
        """The row of a line of the window."""
        if not self.upward:
            return y + self.scroll_offset.y
        return max(self.size.height, len(self.boxes)) - 1 - y - self.scroll_offset.y

    def _line_of(self, row: int) -> int:
        """The line of a row, as far as scrolling is not concerned."""
        return row if not self.upward else max(self.size.height, len(self.boxes)) - 1 - row

    def _row_of(self, node: int) -> int | None:
        """The row where a node is, if it can be seen."""
        return next((at for at, row in enumerate(self.boxes) if any(box.node == node for box in row)), None)

    def _to_cursor(self) -> None:
        row = self._row_of(self.cursor) or 0
        self.scroll_to_region(Region(0, self._line_of(row), 1, 1), animate=False, force=True, x_axis=False)

    # --- drawing ---

    def render_line(self, y: int) -> Strip:
        """A line of the window."""
        width, rows = self.size.width, self.boxes
        row = self._row_at(y)
        ground = plain_style(dark=self.dark)
        segments: list[Segment] = []
        at = 0
        for box in rows[row] if 0 <= row < len(rows) else ():
            if box.x > at:
                segments.append(Segment(" " * (box.x - at), ground))
            segments += self._box(box, above=row + self.skip < len(self._above()) - 1)
            at = box.x + box.width
        segments.append(Segment(" " * max(width - at, 0), ground))
        return Strip(segments).crop(0, width)

    def _above(self) -> list[int]:
        return self.merged.lineage(self.zoom) if self.merged else []

    def _box(self, box: Box, *, above: bool) -> list[Segment]:
        merged = self.merged
        if merged is None or box.node < 0:
            return [Segment("·" * box.width, plain_style(dark=self.dark, muted=True))]
        frame, hit = merged.frame(box.node), self._is_hit(box.node)
        style, edge = box_style(
            merged.color(box.node), dark=self.dark, hit=hit, faded=above or (self.found is not None and not hit),
            cursor=box.node == self.cursor and self.has_focus, selected=bool(self.selected) and frame.name == self.selected,
        )  # fmt: skip
        label = shorten(frame.name, box.width - 1, go=merged.is_go(box.node))
        mark = "*" if hit and self.app.no_color else _EDGE
        return [Segment(mark, edge), Segment(set_cell_size(label, box.width - 1), style)]

    def _is_hit(self, node: int) -> bool:
        if self.found is None or self.merged is None:
            return False
        key = (self.found, self.merged)
        if self._hits[0] != key:
            self._hits = key, [self.found.test(frame) for frame in self.merged.graph.frames]
        return self._hits[1][self.merged.graph.node_frame[node]]

    @property
    def dark(self) -> bool:
        """Which theme."""
        return bool(self.app.current_theme.dark)

    # --- moving ---

    def action_go(self, across: int, down: int) -> None:
        """Move the cursor by a step."""
        number = self._row_of(self.cursor)
        if self.merged is None or number is None:
            self.action_reach(self.zoom)
            return
        if across:
            row = [box for box in self.boxes[number] if box.node >= 0]
            here = next(i for i, box in enumerate(row) if box.node == self.cursor)
            self.action_reach(row[max(0, min(here + across, len(row) - 1))].node)
        elif (down > 0) != self.upward:
            seen = {box.node for box in self.boxes[number + 1]} if number + 1 < len(self.boxes) else set()
            inner = [child for child in self.merged.children[self.cursor] if child in seen]
            if self.cursor in self._above()[:-1]:
                inner = [self._above()[number + self.skip + 1]]
            self.action_reach(max(inner, key=self.merged.total.__getitem__) if inner else self.cursor)
        elif number > 0:
            self.action_reach(self.merged.parent[self.cursor])

    def action_reach(self, node: int) -> None:
        """Move the cursor to a node, and show it."""
        self.cursor = node
        self._to_cursor()
        self.refresh()
        self.post_message(self.Reached(self, node))

    def action_pick(self) -> None:
        """Choose what the cursor is at."""
        self.post_message(self.Picked(self, self.cursor))

    def step(self, step: int) -> int | None:
        """The next node that was found, or the previous one, from the cursor on and around."""
        if self.merged is None or self.found is None:
            return None
        hits = [node for node in range(len(self.merged)) if self._is_hit(node)]
        later = (
            [node for node in hits if node > self.cursor]
            if step > 0
            else [node for node in hits if node < self.cursor]
        )
        around = later or hits
        return around[0 if step > 0 else -1] if around else None

    def zoom_for(self, node: int) -> int:
        """The zoom, as wide as can be, in which a node is a cell wide."""
        if self.merged is None or self._row_of(node) is not None:
            return self.zoom
        total, width = self.merged.total, max(self.scrollable_content_region.width, 1)
        return next(
            above
            for above in self.merged.lineage(node)
            if total[node] * width >= 2 * total[above] or above == node
        )

    # --- the pointer ---

    def box_at(self, x: int, y: int) -> Box | None:
        """What is there, in cells of the window."""
        row = self._row_at(y)
        boxes = self.boxes[row] if 0 <= row < len(self.boxes) else []
        return next((box for box in boxes if box.x <= x < box.x + box.width and box.node >= 0), None)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Say what is under the pointer."""
        box = self.box_at(event.x, event.y)
        self.post_message(self.Reached(self, box.node if box else self.cursor))

    def on_click(self, event: events.Click) -> None:
        """Choose what is under the pointer."""
        box = self.box_at(event.x, event.y)
        if box:
            self.cursor = box.node
            self.action_pick()

    def on_focus(self) -> None:
        """Say where the cursor is."""
        self.refresh()
        if self.merged:
            self.post_message(self.Reached(self, self.cursor))

    def on_blur(self) -> None:
        """Show no cursor."""
        self.refresh()
