"""Scripts for bpftrace and commands for perf, whatever functions and values are called."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.errors import QueryError
from goinspect.render import tracers
from goinspect.results.probe import (
    BODY,
    ENTRY,
    RETURN,
    Goroutine,
    ProbeFunction,
    ProbePart,
    ProbePoint,
    ProbeReport,
    ProbeValue,
)

NAMES = st.sampled_from(
    ['a"); system("id', "a\\", "%s%n", "x\ny", "\x1b[2J", "\u202e", "", "main.(*T).M", "9·lives"]
) | st.text(max_size=9)
KINDS = ("int", "uint", "bool", "pointer", "float", "text")
STRING = r'"(?:[^"\\\n]|\\[\\"n])*"'
LINE = re.compile(
    rf"//.*|uprobe:\S+:0x[0-9a-f]+,?|\{{|\}}|  @(calls|returns)\[{STRING}\] = count\(\);|"
    rf"  printf\({STRING}(, [^\"]*(\"[a-z0-9]+\"[^\"]*)*)?\);|"
)
GOROUTINE = Goroutine(
    "r14", False, "fs", -8, None, "runtime.stackcheck", False, 48, 184, 152, 352, "list", "DWARF"
)  # noqa: RUF100, FBT003


def report(
    names: list[str], kinds: list[str], offset: int | None = 0x100, path: str = "/bin/server"
) -> ProbeReport:
    values = tuple(
        ProbeValue(
            names[number % len(names)], "t", 8,
            (ProbePart(names[-1], "ax", None, 8, kind), ProbePart(".len", None, 16, 4, "int")), None,
        )
        for number, kind in enumerate(kinds)
    )  # fmt: skip
    points = tuple(ProbePoint(kind, 0x400100, offset, 7) for kind in (ENTRY, BODY, RETURN, RETURN))
    functions = tuple(
        ProbeFunction(
            name,
            name,
            0x400100,
            0x400200,
            name,
            "ABIInternal",
            "the release",
            "DWARF",
            values,
            values,
            False,
            points,
            False,
            0,
        )
        for name in names
    )
    return ProbeReport(path, "go1.27.3", "amd64", 8, functions, GOROUTINE, ("ax",), ("xmm0",), "dx", 8, "sp")


@given(names=st.lists(NAMES, min_size=1, max_size=4), kinds=st.lists(st.sampled_from(KINDS), max_size=12))
def test_any_names(names: list[str], kinds: list[str]) -> None:
    answer = report(names, kinds)
    for line in tracers.render(answer, "bpftrace").split("\n"):
        assert LINE.fullmatch(line), line
    events = []
    for line in tracers.render(answer, "perf").split("\n")[1:-1]:
        words = shlex.split(line)
        assert words[:5] == ["perf", "probe", "-x", "/bin/server", "--add"]
        event, *fields = words[5].split(" ")
        assert re.fullmatch(r"goinspect:[A-Za-z]\w*=0x100", event)
        assert len(event) < 80
        assert all(
            re.fullmatch(r"[A-Za-z]\w*=(%ax|\+16\(%sp\)):[sux](8|16|32|64)", field) for field in fields
        )
        assert len({field.partition("=")[0] for field in fields}) == len(fields)
        events.append(event)
    assert len(set(events)) == len(events) == 3 * len(names)
    for form in ("text", "json"):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", tracers.render(answer, form))


@pytest.mark.parametrize("form", ["bpftrace", "perf"])
def test_what_cannot_be_written(form: str) -> None:
    with pytest.raises(QueryError, match="not in the file"):
        tracers.render(report(["f"], [], offset=None), form)
    with pytest.raises(QueryError, match="characters"):
        tracers.render(report(["f"], [], path="/bin/a\nb"), form)
    text = tracers.render(report(["f"], [], path="/bin/my server"), form)
    assert ('uprobe:"/bin/my server":0x100' if form == "bpftrace" else "-x '/bin/my server'") in text
