"""What pictures say of a change, and of what there is nothing left to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.render.values import human_weight
from goinspect.views.difference import movers

if TYPE_CHECKING:
    from goinspect.results.flame import Difference
    from goinspect.results.stacks import Stacks
    from goinspect.views.difference import Change

__all__ = ["change_words", "changed", "gone_words", "signed"]

_NAMED = 3


def signed(weight: int, unit: str) -> str:
    """A weight with its sign."""
    return f"{'+' if weight > 0 else ''}{human_weight(weight, unit)}"


def change_words(total: Change, own: Change, whole: int, unit: str) -> str:
    """Two lines: what became of a frame, and of what ended in it; `whole`: of the base. `changes.js` writes the same."""
    share = f", {100 * total.base / whole:.1f} %" if whole else ""
    lines = [f"before {human_weight(total.base, unit)}{share}: {changed(total, unit)}"]
    if own.other or own.base:
        lines.append(
            f"self {human_weight(own.other, unit)}, before {human_weight(own.base, unit)}: {changed(own, unit)}"
        )
    return "\n".join(lines)


def changed(change: Change, unit: str) -> str:
    """By how much, within which error, and what that is called."""
    if change.what == "same":
        return "the same"
    error = "" if change.error is None else f" ± {human_weight(2 * change.error, unit)}"
    factor = f", × {change.factor:.2f}" if change.factor and round(change.factor, 2) else ""
    return f"{signed(change.delta, unit)}{error}{factor}, {'within noise' if change.what == 'noise' else change.what}"


def gone_words(stacks: Stacks, difference: Difference) -> str:
    """The functions that nothing is left of, which a picture of the second profile cannot show."""
    gone = [row for row in movers(stacks, difference) if row.total.what == "gone"]
    if not gone:
        return ""
    names = ", ".join(row.function for row in gone[:_NAMED]) + (" …" if len(gone) > _NAMED else "")
    return f"{counted(len(gone), 'function')} gone: {names}"
