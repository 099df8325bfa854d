"""`--format tree`: the call tree with what each path took, for people; `--json` for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.render.values import escape_terminal, human_weight
from goinspect.views.calltree import call_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile
    from goinspect.views.calltree import TreeRow

__all__ = ["render"]

_HEADERS = ("total", "total %", "own", "own %")


def render(profile: FlameProfile, options: DrawOptions) -> str:
    """The tree, an indentation for each call; the heaviest callees first."""
    if options.json:
        from goinspect.render.json.views import tree_json

        return tree_json(profile, options.min_percent)
    tree = call_tree(profile.stacks, options.min_percent)
    whole, unit = max(profile.totals.weight, 1), profile.unit
    cells, names = [_HEADERS], ["function"]
    for row, level, times in _runs(tree.rows):
        cells.append(
            (
                human_weight(row.total, unit), f"{row.total / whole:.1%}",
                human_weight(row.own, unit) if row.own else "", f"{row.own / whole:.1%}" if row.own else "",
            )
        )  # fmt: skip
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


def _runs(rows: list[TreeRow]) -> Iterator[tuple[TreeRow, int, int]]:
    """Rows, how far to indent each, and how often it calls itself before anything else happens."""
    level, times = 0, 1
    levels: list[int] = []
    for number, row in enumerate(rows):
        level = levels[row.parent] + 1 if row.parent >= 0 and times == 1 else level if times > 1 else 0
        levels.append(level)
        after = rows[number + 1] if number + 1 < len(rows) else None
        if after and (after.parent, after.frame, after.total) == (number, row.frame, row.total):
            times += 1
        else:
            yield row, level, times
            times = 1
