"""`--format top` and `--list-events`: tables for people (through tabulate)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goinspect.render.values import escape_terminal, human_weight
from goinspect.views.top import top

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import EventSummary, FlameProfile

__all__ = ["render", "render_events", "table"]

_ROWS = 40


def table(headers: Sequence[str], rows: list[list[Any]], align: Sequence[str]) -> str:
    """Rows of text below their headers."""
    from tabulate import tabulate  # 0.1 s

    if not rows:
        return "  ".join(headers) + "\n"
    # Numbers are already text: tabulate must neither parse nor reformat untrusted names.
    return tabulate(rows, headers=headers, tablefmt="plain", colalign=align, disable_numparse=True) + "\n"


def render_events(events: tuple[EventSummary, ...]) -> str:
    """The events of a recording."""
    rows = [[escape_terminal(e.name), f"{e.samples:,}", human_weight(e.weight, e.unit)] for e in events]
    return table(["event", "samples", "weight"], rows, ["left", "right", "right"])


def render(profile: FlameProfile, options: DrawOptions | None = None) -> str:
    """Functions by their own weight, with what they and their callees took; recursion counted once.

    Of two profiles, by how much it changed.
    """
    if options is not None and options.json:
        from goinspect.render.json.views import top_json

        return top_json(profile)
    if profile.difference is not None:
        from goinspect.render.difference.movers import render_movers

        return render_movers(profile, profile.difference)
    whole, unit = max(profile.totals.weight, 1), profile.unit
    rows = [
        [
            human_weight(row.own, unit), f"{row.own / whole:.1%}", human_weight(row.total, unit), f"{row.total / whole:.1%}",
            escape_terminal(row.function),
        ]
        for row in top(profile.stacks, _ROWS)
    ]  # fmt: skip
    return table(
        ["own", "own %", "total", "total %", "function"], rows, ["right", "right", "right", "right", "left"]
    )
