"""`goinspect calls` as JSON: an edge a line."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goinspect.results.calls import CalledFunction, CallEdge, CallReport, CallSite

__all__ = ["render_json"]

_encode = json.JSONEncoder().encode


def render_json(result: CallReport) -> str:
    """The whole answer; ``edges`` has both directions, those of callers first."""
    head = {
        "schema": result.schema, "binary": result.binary, "go_version": result.go_version, "arch": result.arch,
        "function": result.functions[0].function if result.functions else None, "query": result.query,
        "depth": result.depth, "functions": [_function(function) for function in result.functions],
    }  # fmt: skip
    edges = chain(
        (_edge(edge, "callers") for edge in result.callers or ()),
        (_edge(edge, "callees") for edge in result.callees or ()),
    )
    body = ",\n  ".join(map(_encode, edges))
    listed = f"[\n  {body}\n ]" if body else "[]"
    tail = json.dumps({"warnings": list(result.warnings)}, indent=1)[1:]
    return f'{json.dumps(head, indent=1)[:-2]},\n "edges": {listed},{tail}\n'


def _function(function: CalledFunction) -> dict[str, Any]:
    indirect = None
    if function.indirect is not None:
        indirect = [{**_site(call.site), "text": call.text} for call in function.indirect]
    return {
        "function": function.function, "entry": hex(function.entry), "end": hex(function.end), "file": function.file,
        "address_taken": function.address_taken, "indirect": indirect,
    }  # fmt: skip


def _edge(edge: CallEdge, direction: str) -> dict[str, Any]:
    return {
        "direction": direction, "depth": edge.depth, "kind": edge.kind, "caller": edge.caller,
        "caller_entry": hex(edge.caller_entry), "callee": edge.callee, "callee_entry": hex(edge.callee_entry),
        "sites": [_site(site) for site in edge.sites],
    }  # fmt: skip


def _site(site: CallSite) -> dict[str, Any]:
    frames = None if site.frames is None else [frame._asdict() for frame in site.frames]
    return {"pc": hex(site.pc), "file": site.file, "line": site.line, "frames": frames}
