"""Graphs and trees of calls between functions with any names."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.errors import QueryError
from goinspect.model import Frame
from goinspect.render import callgraph
from goinspect.results.calls import (
    CALL,
    INLINED,
    TAIL_JUMP,
    CalledFunction,
    CallEdge,
    CallReport,
    CallSite,
    IndirectCall,
)

# The DOT language: a quoted string ends at the first quote that has no backslash before it.
QUOTED = r'"(?:[^"\\\n]|\\.)*"'
STATEMENT = re.compile(
    rf'  (rankdir="LR"|node \[shape="box"\]|f[0-9a-f]+ \[label={QUOTED}(, style="bold")?\]'
    rf'|f[0-9a-f]+ -> f[0-9a-f]+ \[label={QUOTED}(, style="(dashed|dotted)")?\]);'
)
HOSTILE = [
    'a"]; b [label="',
    "end\\",
    "\\N\\G",
    "new\nline",
    "\x1b[31mred",
    "\u202edesrever",
    "a;b c",
    "",
    "é",
]
FORMATS = ("text", "json", "dot", "folded")


def report(edges: list[tuple[int, int, str]], names: list[str], depth: int = 3) -> CallReport:
    def name(number: int) -> str:
        return names[number % len(names)]

    def made(caller: int, callee: int, kind: str) -> CallEdge:
        site = CallSite(
            caller + 1,
            (
                Frame(name(callee), name(caller), 7, inlined=True),
                Frame(name(caller), None, None, inlined=False),
            ),
        )
        return CallEdge(
            name(caller), caller, name(callee), callee, kind, 1, (site, CallSite(caller + 2, None))
        )

    rows = tuple(made(*edge) for edge in edges)
    function = CalledFunction(name(0), 0, 16, name(1), True, (IndirectCall(CallSite(3, None), name(2)),))
    return CallReport("bin", None, "amd64", name(0), depth, (function,), rows, rows)


EDGES = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from([CALL, TAIL_JUMP, INLINED])), max_size=30
)


@given(edges=EDGES, names=st.lists(st.sampled_from(HOSTILE) | st.text(max_size=8), min_size=3, max_size=10),
       depth=st.integers(1, 6))  # fmt: skip
def test_any_graph_and_any_names(edges: list[tuple[int, int, str]], names: list[str], depth: int) -> None:
    answer = report(edges, names, depth)
    first, *statements, last, end = callgraph.render(answer, "dot").split("\n")
    assert re.fullmatch(rf"digraph {QUOTED} {{", first)
    assert (last, end) == ("}", "")
    assert all(STATEMENT.fullmatch(statement) for statement in statements)
    for form in FORMATS:
        text = callgraph.render(answer, form)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    json.loads(callgraph.render(answer, "json"))
    for line in callgraph.render(answer, "folded").split("\n")[:-1]:
        way = line.rpartition(" ")[0].split(";")
        assert 2 <= len(way) <= depth + 1


def test_a_graph_of_many_ways_is_bounded() -> None:
    layers = [(10 * depth + one, 10 * (depth - 1) + other, CALL)
              for depth in range(1, 8) for one in range(10) for other in range(10)]  # fmt: skip
    answer = report([*layers, *((one, 0, CALL) for one in range(1, 10))], ["f"], 60)
    with pytest.raises(QueryError, match="more than 100,000 ways"):
        callgraph.render(answer, "folded")
    assert callgraph.render(answer, "text").count("\n") < 4000
    assert callgraph.render(answer, "dot").count("\n") < 1000
