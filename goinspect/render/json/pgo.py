"""`goinspect pgo` as JSON: a hot call a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goinspect.results.pgo import CallEdge, PgoReport, Share

__all__ = ["render_json"]

_encode = json.JSONEncoder().encode


def render_json(report: PgoReport) -> str:
    """The whole report; ``offset`` is null where the line of the call is not known."""
    head = {
        "schema": report.schema, "inputs": [one._asdict() for one in report.inputs], "unit": report.unit,
        "samples": report.samples, "taken": report.taken, "left_out": _shares(report.left_out), "cut": _shares(report.cut),
        "weight": report.weight, "with_lines": report.with_lines, "edges": report.edges,
        "hot_threshold_percent": round(report.threshold, 4),
    }  # fmt: skip
    check = None
    if report.check is not None:
        check = {**report.check._asdict(), "missing": [_edge(edge) for edge in report.check.missing]}
    body = ",\n  ".join(_encode(_edge(edge)) for edge in report.hot)
    listed = f"[\n  {body}\n ]" if body else "[]"
    tail = json.dumps({"check": check, "warnings": list(report.warnings)}, indent=1)[1:]
    return f'{json.dumps(head, indent=1)[:-2]},\n "hot": {listed},{tail}\n'


def _edge(edge: CallEdge) -> dict[str, Any]:
    return {"caller": edge.caller, "offset": edge.offset, "callee": edge.callee, "weight": edge.weight}


def _shares(shares: tuple[Share, ...]) -> list[dict[str, Any]]:
    return [share._asdict() for share in shares]
