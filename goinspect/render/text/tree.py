"""`--format tree`: the call tree with what each path took, for people; `--json` for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.render.difference.words import changed
from goinspect.render.values import escape_terminal, human_weight
from goinspect.views.calltree import call_tree
from goinspect.views.difference import changes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import Difference, FlameProfile
    from goinspect.results.stacks import StackFrame
    from goinspect.views.calltree import TreeRow
    from goinspect.views.difference import Change

__all__ = ["render"]

_HEADERS = ("total", "total %", "own", "own %")
_DIFFERENCE_HEADERS = ("total", "before", "change", "own", "before", "change")


def render(profile: FlameProfile, options: DrawOptions) -> str:
    """The tree, an indentation for each call; the heaviest callees first."""
    if options.json:
        from goinspect.render.json.views import tree_json

        return tree_json(profile, options.min_percent)
    tree = call_tree(profile.stacks, options.min_percent)
    unit = profile.unit
    told = _weights(tree.rows, max(profile.totals.weight, 1), unit)
    headers: tuple[str, ...] = _HEADERS
    if profile.difference is not None:
        told, headers = _changes(tree.rows, profile.difference, unit), _DIFFERENCE_HEADERS
    cells, names = [headers], ["function"]
    for (row, level, times), number in _runs(tree.rows):
        cells.append(told[number])
        place = f" {escape_terminal(row.frame.location)}" if row.frame.location else ""
        inlined = " (inlined)" if row.frame.inlined else ""
        often = f" ({times:,} times)" if times > 1 else ""
        names.append("  " * level + escape_terminal(row.frame.name) + place + inlined + often)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join([*(cell.rjust(width) for cell, width in zip(line, widths, strict=True)), name])
        for line, name in zip(cells, names, strict=True)
    ]
    if tree.left_out:
        left = counted(tree.left_out, "subtree")
        lines.append(f"{left} of less than {human_weight(tree.least, unit)} left out (--min-percent)")
    return "\n".join(lines) + "\n"


def _weights(rows: list[TreeRow], whole: int, unit: str) -> list[tuple[str, ...]]:
    return [
        (
            human_weight(row.total, unit), f"{row.total / whole:.1%}",
            human_weight(row.own, unit) if row.own else "", f"{row.own / whole:.1%}" if row.own else "",
        )
        for row in rows
    ]  # fmt: skip


def _changes(rows: list[TreeRow], difference: Difference, unit: str) -> list[tuple[str, ...]]:
    """Both sides, and what became of them; the first rows of a run stand for all of it."""
    total = changes([row.total for row in rows], [row.base for row in rows], difference)
    own = changes([row.own for row in rows], [row.base_own for row in rows], difference)
    unit = "count" if unit == "samples" else unit  # a column of that word tells nothing
    return [_cells(all_, unit) + _cells(mine, unit) for all_, mine in zip(total, own, strict=True)]


def _cells(change: Change, unit: str) -> tuple[str, str, str]:
    if not change.other and not change.base:
        return "", "", ""
    return human_weight(change.other, unit), human_weight(change.base, unit), changed(change, unit)


def _runs(rows: list[TreeRow]) -> Iterator[tuple[tuple[TreeRow, int, int], int]]:
    """Rows, how far to indent each, how often it calls itself before anything else happens; and its number."""
    level, times = 0, 1
    levels: list[int] = []
    for number, row in enumerate(rows):
        level = levels[row.parent] + 1 if row.parent >= 0 and times == 1 else level if times > 1 else 0
        levels.append(level)
        after = rows[number + 1] if number + 1 < len(rows) else None
        if after and (after.parent, *_same(after)) == (number, *_same(row)):
            times += 1
        else:
            yield (row, level, times), number
            times = 1


def _same(row: TreeRow) -> tuple[StackFrame, int, int]:
    return row.frame, row.total, row.base
