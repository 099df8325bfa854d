"""The application: what is chosen, and which view shows it."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import ContentSwitcher, Footer, Input, Static

from goinspect.errors import QueryError
from goinspect.render.svg.colors import KIND_LABELS
from goinspect.render.svg.labels import cut, shorten
from goinspect.tui.chart import Chart
from goinspect.tui.head import Head
from goinspect.tui.table import SORTS, Table

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from goinspect.tui.model import Found, Model
    from goinspect.tui.tree import Merged

__all__ = ["FlameApp"]

_KEYS = """\
1 2 3       flame graph, table, sandwich
arrow keys  from frame to frame, from row to row
Enter       zoom into the frame; in the table, its sandwich; in the sandwich, put it in the middle
Esc         end the search, then zoom out
/           search: name, /pattern/, package:… kind:…
n N         next, previous frame that was found
s           sandwich of the selected function
o           order: of siblings by name or weight; of the table by own, total, name
i           root at the top or at the bottom
t           dark or light
q           quit

A click zooms and selects; the table and the sandwich follow."""


_FIRST = {"sandwich": "callees"}  # which part of a view has the keys at first


class _Help(ModalScreen[None]):
    """The keys."""

    BINDINGS: ClassVar = [("escape,question_mark,q,enter", "dismiss", "Close")]
    DEFAULT_CSS = """
    _Help { align: center middle; }
    _Help Static { width: auto; max-width: 100%; height: auto; padding: 1 2; border: round $foreground 50%; background: $surface; }
    """

    def compose(self) -> ComposeResult:
        yield Static(_KEYS, markup=False)


class FlameApp(App[None]):
    """Flame graph, table and sandwich of one profile."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #status { height: 2; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #search { height: 1; border: none; padding: 0 1; display: none; }
    #search.open { display: block; }
    #views, #flame, #table, #sandwich { height: 1fr; }
    Chart, Table { scrollbar-size-vertical: 1; overflow-x: hidden; background: $background; }
    #callers, #callees { height: 1fr; }
    #middle { height: 1; padding: 0 1; text-style: bold; text-wrap: nowrap; text-overflow: ellipsis; }
    """
    BINDINGS: ClassVar = [
        Binding("1", "view('flame')", "Flame"),
        Binding("2", "view('table')", "Table"),
        Binding("3", "view('sandwich')", "Sandwich"),
        Binding("slash", "search", "Search"),
        Binding("n", "step(1)", "Next"),
        Binding("N", "step(-1)", show=False),
        Binding("s", "view('sandwich')", show=False),
        Binding("o", "order", "Order"),
        Binding("i", "flip", "Flip"),
        Binding("t", "theme", show=False),
        Binding("question_mark", "help", "Keys"),
        Binding("escape", "out", show=False),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "interrupt", show=False, priority=True),
    ]

    def __init__(self, model: Model) -> None:
        # Without colours only bold, underlined and reversed text is left, which is what NO_COLOR asks for.
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        self.model = model
        self.zoom = 0
        self.selected = ""
        self.found: Found | None = None
        self.by_weight = False
        self.failure = ""

    def compose(self) -> ComposeResult:
        """The widgets."""
        yield Head(self.model.title, self.model.subtitle)
        with ContentSwitcher(initial="flame", id="views"):
            yield Chart(id="flame")
            yield Table(self.model, id="table")
            with Vertical(id="sandwich"):
                yield Chart(id="callers", upward=True, skip=1)
                yield Static("", id="middle", markup=False)
                yield Chart(id="callees", skip=1)
        yield Static("", id="status", markup=False)
        yield Input(placeholder="name, /pattern/, package:… kind:…", id="search", compact=True)
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Show the flame graph."""
        with suppress(NotImplementedError, RuntimeError):  # not in the main thread, as in tests
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._terminated)
        self.theme = "textual-dark"
        self.flame.show(self.model.tree)
        self.flame.focus()
        self._tell(self.model.tree, 0)

    def _terminated(self) -> None:
        self.exit(return_code=128 + signal.SIGTERM)

    @property
    def view(self) -> str:
        """The one that is shown."""
        return self.query_one("#views", ContentSwitcher).current or "flame"

    @property
    def flame(self) -> Chart:
        """The flame graph."""
        return self.query_one("#flame", Chart)

    @property
    def table(self) -> Table:
        """The table."""
        return self.query_one("#table", Table)

    def show(self) -> None:
        """Show what is chosen."""
        self.query_one(Head).show(self.view)
        if self.view == "flame":
            self.flame.show(
                self.model.tree,
                zoom=self.zoom,
                by_weight=self.by_weight,
                found=self.found,
                selected=self.selected,
            )
        elif self.view == "table":
            rows = self.model.rows
            if self.found is not None:
                names = {frame.name for frame in self.model.stacks.frames if self.found.test(frame)}
                rows = [row for row in rows if row.name in names]
            self.table.show(rows, sort=self.table.sort, selected=self.selected)
        else:
            self._sandwich()
        self._tell()

    def _sandwich(self) -> None:
        name = self.selected or (self.model.rows[0].name if self.model.rows else "")
        around, middle = self.model.around(name), self.query_one("#middle", Static)
        for chart, merged in (("#callers", around.callers), ("#callees", around.callees)):
            self.query_one(chart, Chart).show(merged, by_weight=self.by_weight, found=self.found)
        numbers = f"  total {self.model.told(around.total)} · own {self.model.told(around.own)}"
        room = max(20, self.size.width - len(numbers) - 2)
        middle.update((name if len(name) <= room else shorten(name, room, go=True)) + numbers)

    def _tell(self, merged: Merged | None = None, node: int = -1) -> None:
        """Say what a node is, and what the search found."""
        lines = ["", ""]
        if merged is not None and node >= 0:
            frame = merged.frame(node)
            lines[0] = cut(frame.name, max(20, self.size.width - 2))
            facts = [
                f"total {self.model.told(merged.total[node])}",
                f"own {self.model.told(merged.own[node])}",
            ]
            if merged.graph.difference is not None:
                from goinspect.render.svg.changes import node_words

                facts = [facts[0], node_words(merged.graph, node).splitlines()[0]]
            facts += [KIND_LABELS[frame.kind], frame.package] if node else []
            facts += ["inlined"] if frame.inlined else []
            lines[1] = " · ".join(fact for fact in facts if fact)
        if self.failure:
            lines[1] = self.failure
        elif self.found is not None:
            noun = "function" if self.found.functions == 1 else "functions"
            found = f"found {self.found.functions:,} {noun}: {self.model.told(self.found.total)}, own {self.model.share(self.found.own)}"
            lines = [lines[0], f"{found} · {lines[1]}" if lines[1] else found]
        self.query_one("#status", Static).update("\n".join(lines))

    # --- what views say ---

    def on_chart_reached(self, message: Chart.Reached) -> None:
        """Say what is there."""
        if message.node or message.chart is self.flame:
            self._tell(message.chart.merged, message.node)

    def on_chart_picked(self, message: Chart.Picked) -> None:
        """Zoom and select; in the sandwich put it in the middle."""
        merged = message.chart.merged
        if merged is None:
            return
        name = merged.frame(message.node).name if message.node else ""
        if message.chart is self.flame:
            self.zoom, self.selected = message.node, name or self.selected
        elif name:
            self.selected = name
        self.show()
        self._tell(message.chart.merged, message.chart.cursor)

    def on_table_picked(self, message: Table.Picked) -> None:
        """Select; look at it closer."""
        self.selected = message.name
        if message.closer:
            self.action_view("sandwich")
        else:
            self.show()

    def on_head_chosen(self, message: Head.Chosen) -> None:
        """Change the view."""
        self.action_view(message.view)

    # --- keys ---

    def action_view(self, view: str) -> None:
        """Change the view."""
        self.query_one("#views", ContentSwitcher).current = view
        self.query_one(f"#{_FIRST.get(view, view)}").focus()
        self.show()

    def action_search(self) -> None:
        """Open the field."""
        field = self.query_one("#search", Input)
        field.add_class("open")
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search as one types."""
        try:
            self.found, self.failure = self.model.find(event.value), ""
        except QueryError as error:
            self.found, self.failure = None, str(error)
        self.show()

    def on_input_submitted(self) -> None:
        """Go on with what was found."""
        self._leave_search()
        self.action_step(1)

    def _leave_search(self) -> None:
        field = self.query_one("#search", Input)
        field.set_class(bool(field.value), "open")
        self.query_one(f"#{_FIRST.get(self.view, self.view)}").focus()

    def action_step(self, step: int) -> None:
        """To the next frame that was found."""
        if self.view == "table":
            return
        focused = self.focused
        chart = (
            focused
            if isinstance(focused, Chart)
            else self.query_one(f"#{_FIRST.get(self.view, self.view)}", Chart)
        )
        node = chart.step(step)
        if node is None:
            return
        if chart is self.flame and chart.zoom_for(node) != self.zoom:
            self.zoom = chart.zoom_for(node)
            self.show()
        chart.action_reach(node)

    def action_out(self) -> None:
        """End the search, then zoom out."""
        field = self.query_one("#search", Input)
        if field.value or field.has_focus:
            field.value = ""
            self._leave_search()
        elif self.view == "flame" and self.zoom:
            self.zoom = self.model.tree.parent[self.zoom]
            self.show()
            self._tell(self.model.tree, self.zoom)

    def action_order(self) -> None:
        """Another order."""
        if self.view == "table":
            self.table.sort = SORTS[(SORTS.index(self.table.sort) + 1) % len(SORTS)]
        else:
            self.by_weight = not self.by_weight
        self.show()

    def action_flip(self) -> None:
        """Root at the bottom, or at the top."""
        self.flame.upward = not self.flame.upward
        self.flame.action_reach(self.flame.cursor)

    def action_theme(self) -> None:
        """Dark, or light."""
        self.theme = "textual-light" if self.current_theme.dark else "textual-dark"

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(_Help())

    def action_interrupt(self) -> None:
        """End as Ctrl-C ends everything else."""
        self.exit(return_code=128 + signal.SIGINT)

    def on_resize(self, _event: events.Resize) -> None:
        """Fit what depends on the width."""
        if self._running and self.view == "sandwich":
            self.call_after_refresh(self.show)
