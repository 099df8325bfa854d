"""Results as tables for people (through tabulate)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goinspect.render.values import escape_terminal, human_weight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.results.flame import EventSummary, FlameProfile

__all__ = [
    "render_events",
    "render_top",
]


def _table(headers: Sequence[str], rows: list[list[Any]], align: Sequence[str]) -> str:
    from tabulate import tabulate  # 0.1 s

    if not rows:
        return "  ".join(headers) + "\n"
    # Numbers are already text: tabulate must neither parse nor reformat untrusted names.
    return tabulate(rows, headers=headers, tablefmt="plain", colalign=align, disable_numparse=True) + "\n"


def render_events(events: tuple[EventSummary, ...]) -> str:
    """The events of a recording."""
    rows = [[escape_terminal(e.name), f"{e.samples:,}", human_weight(e.weight, e.unit)] for e in events]
    return _table(["event", "samples", "weight"], rows, ["left", "right", "right"])


def render_top(profile: FlameProfile, limit: int = 40) -> str:
    """Functions by their own weight, with what they and their callees took; recursion counted once."""
    table = profile.stacks
    own: dict[str, int] = {}
    total: dict[str, int] = {}
    names = [frame.name for frame in table.frames]
    starts, flat = table.stacks.start.tolist(), table.stacks.frames.tolist()
    for i, weight in enumerate(table.stacks.weight.tolist()):
        stack = [names[frame] for frame in flat[starts[i] : starts[i + 1]]]
        if stack:
            own[stack[-1]] = own.get(stack[-1], 0) + weight
        for name in set(stack):
            total[name] = total.get(name, 0) + weight
    whole = max(profile.totals.weight, 1)
    ranked = sorted(total, key=lambda name: (-own.get(name, 0), -total[name], name))[:limit]
    rows = [
        [
            human_weight(own.get(name, 0), profile.unit), f"{own.get(name, 0) / whole:.1%}",
            human_weight(total[name], profile.unit), f"{total[name] / whole:.1%}", escape_terminal(name),
        ]
        for name in ranked
    ]  # fmt: skip
    return _table(
        ["own", "own %", "total", "total %", "function"], rows, ["right", "right", "right", "right", "left"]
    )
