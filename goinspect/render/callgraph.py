"""`goinspect calls` for other programs: a graph for Graphviz, and stacks of callers for flame graphs."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

from goinspect.errors import QueryError
from goinspect.render.json.calls import render_json
from goinspect.render.text.calls import place_text, render_text
from goinspect.render.values import escape_terminal
from goinspect.results.calls import INLINED, TAIL_JUMP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.results.calls import CallEdge, CallReport

__all__ = ["MOST_STACKS", "render", "render_dot", "render_folded"]

MOST_STACKS = 100_000
_STYLES = {TAIL_JUMP: ', style="dashed"', INLINED: ', style="dotted"'}


def render(result: CallReport, form: str, *, color: bool = False) -> str:
    """The answer as "text", "json", "dot" or "folded". Raises as `render_folded`."""
    if form == "text":
        return render_text(result, color=color)
    return {"json": render_json, "dot": render_dot, "folded": render_folded}[form](result)


def render_dot(result: CallReport) -> str:
    """A digraph: calls are lines, tail jumps dashed, inlined calls dotted; the functions that were asked for are bold."""
    edges = {
        (edge.caller_entry, edge.callee_entry, edge.kind): edge
        for edge in chain(result.callers or (), result.callees or ())
    }
    names = {function.entry: function.function for function in result.functions}
    asked = set(names)
    for edge in edges.values():
        names.setdefault(edge.caller_entry, edge.caller)
        names.setdefault(edge.callee_entry, edge.callee)
    lines = [f"digraph {_quoted(result.query)} {{", '  rankdir="LR";', '  node [shape="box"];']
    for entry, name in names.items():
        bold = ', style="bold"' if entry in asked else ""
        lines.append(f"  f{entry:x} [label={_quoted(name)}{bold}];")
    for (caller, callee, kind), edge in edges.items():
        lines.append(f"  f{caller:x} -> f{callee:x} [label={_quoted(_label(edge))}{_STYLES.get(kind, '')}];")
    return "\n".join([*lines, "}\n"])


def _label(edge: CallEdge) -> str:
    return place_text(edge.sites[0]) if len(edge.sites) == 1 else f"{len(edge.sites)} places"


def _quoted(text: str) -> str:
    r"""A string of the DOT language, in which backslashes make escapes of labels: ``\N`` is the name of the node."""
    plain = escape_terminal(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


def render_folded(result: CallReport) -> str:
    """A line for each way to the functions that were asked for, and in how many places the outermost caller calls.

    Raises:
        QueryError: callers were not asked for, or there are too many ways.
    """
    if result.callers is None:
        raise QueryError("folded stacks are of callers: ask for these")
    ways = list(islice(_ways(result, result.callers), MOST_STACKS + 1))
    if len(ways) > MOST_STACKS:
        raise QueryError(
            f"there are more than {MOST_STACKS:,} ways to {result.query}: ask for a smaller depth",
            path=result.binary,
        )
    return "".join(sorted(ways))


def _ways(result: CallReport, edges: tuple[CallEdge, ...]) -> Iterator[str]:
    above: dict[int, dict[int, int]] = {}  # callee -> caller -> places
    names: dict[int, str] = {}
    for edge in edges:
        callers = above.setdefault(edge.callee_entry, {})
        callers[edge.caller_entry] = callers.get(edge.caller_entry, 0) + len(edge.sites)
        names[edge.caller_entry] = _folded_name(edge.caller)
    for function in result.functions:
        names[function.entry] = _folded_name(function.function)
        stack: list[tuple[tuple[int, ...], int]] = [((function.entry,), 0)]
        while stack:
            way, places = stack.pop()
            callers = above.get(way[0], {}) if len(way) <= result.depth else {}
            further = [(caller, count) for caller, count in callers.items() if caller not in way]
            stack += [((caller, *way), count) for caller, count in further]
            if not further and places:
                yield ";".join(names[entry] for entry in way) + f" {places}\n"


def _folded_name(name: str) -> str:
    return escape_terminal(name).replace(";", ":")
