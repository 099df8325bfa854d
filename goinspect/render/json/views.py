"""`--format top --json` and `--format tree --json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from goinspect.render.difference.facts import difference_json
from goinspect.views.calltree import call_tree
from goinspect.views.difference import changes, movers
from goinspect.views.top import top

if TYPE_CHECKING:
    from goinspect.results.flame import FlameProfile

__all__ = ["top_json", "tree_json"]


def top_json(profile: FlameProfile) -> str:
    """All functions by their own weight; of two profiles, by how much it changed."""
    if profile.difference is not None:
        rows = [
            {"function": row.function, "own": row.own.other, "total": row.total.other}
            | {"own_change": row.own._asdict(), "total_change": row.total._asdict()}
            for row in movers(profile.stacks, profile.difference)
        ]
        return _document("top", profile, {"difference": difference_json(profile.difference), "rows": rows})
    return _document("top", profile, {"rows": [row._asdict() for row in top(profile.stacks)]})


def tree_json(profile: FlameProfile, min_percent: float) -> str:
    """The call tree as columns; ``parent`` is a row, -1 at the top."""
    tree = call_tree(profile.stacks, min_percent)
    rows = tree.rows
    columns: dict[str, list[Any]] = {
        "function": [row.frame.name for row in rows], "kind": [row.frame.kind for row in rows],
        "package": [row.frame.package for row in rows], "inlined": [row.frame.inlined for row in rows],
        "location": [row.frame.location or None for row in rows],
        "parent": [row.parent for row in rows], "total": [row.total for row in rows],
        "own": [row.own for row in rows],
    }  # fmt: skip
    if profile.difference is not None:
        total = changes([row.total for row in rows], [row.base for row in rows], profile.difference)
        own = changes([row.own for row in rows], [row.base_own for row in rows], profile.difference)
        columns["total_change"] = [change._asdict() for change in total]
        columns["own_change"] = [change._asdict() for change in own]
        told = {"difference": difference_json(profile.difference), "nodes": columns}
        return _document("tree", profile, told | {"left_out": tree.left_out, "least": tree.least})
    return _document("tree", profile, {"nodes": columns, "left_out": tree.left_out, "least": tree.least})


def _document(view: str, profile: FlameProfile, body: dict[str, Any]) -> str:
    document = {
        "schema": f"goinspect.flame.{view}/1",
        "event": profile.event,
        "unit": profile.unit,
        "totals": profile.totals._asdict(),
        **body,
        "warnings": list(profile.warnings),
    }
    return json.dumps(document, indent=1) + "\n"
