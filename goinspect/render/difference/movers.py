"""`--format top` of two profiles: the functions that changed most, for people (through tabulate)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.render.difference.words import signed
from goinspect.render.text.top import table
from goinspect.render.values import escape_terminal, human_weight
from goinspect.views.difference import CHANGED, errors_allowed, movers

if TYPE_CHECKING:
    from goinspect.results.flame import Difference, FlameProfile
    from goinspect.views.difference import Change, Mover

__all__ = ["render_movers"]

_ROWS = 40
_HEADERS = [
    "own", "before", "now", "change", "± 2σ", "factor ± 2σ", "total", "before", "now", "change", "± 2σ", "function",
]  # fmt: skip


def render_movers(profile: FlameProfile, difference: Difference) -> str:
    """Functions by the change of their own weight, noise last; then how many changed."""
    rows = movers(profile.stacks, difference)
    unit = "count" if profile.unit == "samples" else profile.unit  # a column of that word tells nothing
    cells = [
        [
            row.own.what if row.own.base or row.own.other else "", *_cells(row.own, unit), _factor(row.own), row.total.what,
            *_cells(row.total, unit), escape_terminal(row.function),
        ]
        for row in rows[:_ROWS]
    ]  # fmt: skip
    shown = table(_HEADERS, cells, ["left", *["right"] * 4, "left", "left", *["right"] * 4, "left"])
    return f"{shown}\n{_counted(rows, difference)}\n"


def _cells(change: Change, unit: str) -> list[str]:
    if not change.base and not change.other:
        return [""] * 4
    return [
        human_weight(change.base, unit),
        human_weight(change.other, unit),
        signed(change.delta, unit),
        "" if change.error is None else human_weight(2 * change.error, unit),
    ]


def _factor(change: Change) -> str:
    if not change.factor:
        return ""
    return f"× {change.factor:.2f}" + (f" ± {2 * change.factor_error:.2f}" if change.factor_error else "")


def _counted(rows: list[Mover], difference: Difference) -> str:
    """How many functions changed, and what noise is."""
    found = [row.total.what if row.total.what in ("new", "gone") else row.own.what for row in rows]
    told = [f"{found.count(what):,} {what}" for what in CHANGED if what in found]
    changed = sum(what in CHANGED for what in found)
    line = f"{counted(changed, 'function')} of {len(rows):,} changed" + (
        f": {', '.join(told)}" if told else ""
    )
    if difference.counted:
        line += f"; noise: less than {errors_allowed(len(rows)):.1f} standard errors"
    return line
