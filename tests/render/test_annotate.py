"""Annotated code as text and JSON: made-up answers, hostile ones, what is left out."""

from __future__ import annotations

import json
import re

import pytest

from goinspect.render.json.annotate import render_json
from goinspect.render.text.annotate import render_text
from goinspect.results.annotate import AnnotatedCode, AnnotatedLine, Annotation, Cost, Unplaced
from goinspect.results.disasm import FunctionCode, SourceLine
from tests.render.test_disasm import HOSTILE, frames, row

COLOR = re.compile(r"\x1b\[\d+m")


def answer(costs: list[Cost], *, name: str = "main.f", codes: int = 1, **more: object) -> Annotation:
    rows = tuple(row(0x1000 + i, frames=frames((name, 1 + i // 2))) for i in range(len(costs)))
    code = FunctionCode("q", name, 0x1000, 0x1000 + len(rows), "f.go", True, rows)
    own, inlined, total = (sum(column) for column in zip(*costs, strict=True))
    cost = Cost(own, inlined, total)
    one = AnnotatedCode("bin", "amd64", "go", code, cost, tuple(costs))
    lines = (AnnotatedLine(name, "a/f.go", 1, False, own, total),)
    plain = Annotation("perf.data", "cycles", "count", 2000, name, 7, cost, (one,) * codes, lines, (), None)
    return plain._replace(**more)


def test_text() -> None:
    """Weights in front, blanks for zeros, headings where the line changes; no line is longer than need be."""
    shown = render_text(answer([Cost(0, 0, 0), Cost(90, 9, 100), Cost(1, 0, 1), Cost(0, 0, 300)]))
    assert shown.splitlines() == [
        "main.f: 7 samples of cycles",
        "own 91 (4.5%), calls inlined into it 9 (0.4%), total 401 (20.1%), of 2,000",
        "",
        " own %       own     total  line",
        " 91.0%        91       401  f.go:1 main.f",
        "",
        "main.f  0x1000-0x1004  f.go  (4 bytes)",
        " own %       own     total  instruction",
        "                              main.f.go:1 main.f",
        "                              0x1000  NOPL",
        " 99.0%        99       100    0x1001  NOPL",
        "                              main.f.go:2 main.f",
        "  1.0%         1         1    0x1002  NOPL",
        "                       300    0x1003  NOPL",
    ]


def test_what_is_cold_is_left_out() -> None:
    costs = [Cost()] * 150 + [Cost(1, 0, 1), Cost(98, 0, 98)] + [Cost()] * 148
    result = answer(costs)

    def instructions(minimum: float | None) -> list[str]:
        return re.findall(r"0x1[0-9a-f]{3}  NOPL|… \d+ instructions?", render_text(result, minimum=minimum))

    assert len(instructions(0)) == 300
    long = instructions(None)
    assert (long[0], long[-1], len(long)) == ("… 147 instructions", "… 145 instructions", 2 + 8)
    assert instructions(50)[0] == "… 148 instructions"
    assert len(instructions(50)) == 2 + 7
    short = answer(costs[60:220])
    assert "…" not in render_text(short)
    assert "… 87 instructions\n" in render_text(short, minimum=1)
    # Of a function that was inlined into many, the first ones.
    many = answer([Cost(1, 0, 1)], codes=20)
    assert "… 12 functions more" in render_text(many)
    assert render_text(many, minimum=0).count("(1 byte)") == 20


def test_what_has_no_instruction() -> None:
    loose = (
        Unplaced("bin", "main.f", (0x10, 0x20, 0x30), Cost(0, 0, 50)),
        Unplaced(None, None, (), Cost(5, 0, 5)),
    )
    shown = render_text(answer([Cost(5, 0, 5)], unplaced=loose)).splitlines()[-2:]
    assert shown[0].split(maxsplit=1) == [
        "50",
        "in one of 3 calls of main.f, not known which: 0x10, 0x20, 0x30",
    ]
    assert shown[1].endswith("5         5    at no instruction of main.f that is known")
    found = json.loads(render_json(answer([Cost(5, 0, 5)], unplaced=loose)))
    assert found["unplaced"][0] == {
        "binary": "bin", "function": "main.f", "calls": ["0x10", "0x20", "0x30"], "own": 0, "inlined": 0, "total": 50,
    }  # fmt: skip


def test_colors() -> None:
    result = answer([Cost(0, 0, 0), Cost(2, 0, 2), Cost(10, 0, 10), Cost(988, 0, 988)])
    colored = render_text(result, color=True)
    assert COLOR.sub("", colored) == render_text(result)
    heat = [re.match(r"\x1b\[(\d+)m", line) for line in colored.splitlines() if "NOPL" in line]
    assert [found and found[1] for found in heat] == [None, None, "32", "31"]


def test_json() -> None:
    result = answer([Cost(1, 2, 4)], sources=(SourceLine("a/f.go", 1, "x"),), warnings=("odd",))
    found = json.loads(render_json(result))
    assert list(found) == [
        "schema", "profile", "event", "unit", "weight", "function", "samples", "own", "inlined", "total", "functions",
        "lines", "unplaced", "sources", "warnings",
    ]  # fmt: skip
    assert found["schema"] == "goinspect.annotate/1"
    (one,) = found["functions"]
    assert list(one)[:11] == [
        "binary", "arch", "syntax", "function", "entry", "end", "file", "whole", "own", "inlined", "total",
    ]  # fmt: skip
    (instruction,) = one["instructions"]
    assert (instruction["own"], instruction["inlined"], instruction["total"], instruction["pc"]) == (
        1,
        2,
        4,
        "0x1000",
    )
    assert found["lines"] == [
        {"function": "main.f", "file": "a/f.go", "line": 1, "inlined": False, "own": 1, "total": 4}
    ]
    assert (found["sources"], found["warnings"]) == ([{"file": "a/f.go", "line": 1, "text": "x"}], ["odd"])


def test_nothing() -> None:
    empty = Annotation("p", "e", "ns", 0, "f", 0, Cost(), (), (), (), None)
    assert json.loads(render_json(empty))["functions"] == []
    assert render_text(empty) == "f: 0 samples of e\nown 0 (0.0%), total 0 (0.0%), of 0\n"


@pytest.mark.parametrize("render", [lambda a: render_text(a, code=True, color=True), render_json])
def test_hostile_names(render) -> None:  # type: ignore[no-untyped-def]
    bad = answer(
        [Cost(1, 0, 1)], name=HOSTILE, event=HOSTILE, sources=(SourceLine("a/f.go", 1, HOSTILE),),
        lines=(AnnotatedLine(HOSTILE, HOSTILE, 1, True, 1, 1),),
        unplaced=(Unplaced(HOSTILE, HOSTILE, (1,), Cost()),),
    )  # fmt: skip
    plain = COLOR.sub("", render(bad))
    assert not {"\x1b", "\u202e", "\x07"} & set(plain)
    plain.encode("utf-8")
