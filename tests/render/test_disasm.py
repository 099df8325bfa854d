"""Disassembly as text and JSON: made-up answers, hostile ones, none at all."""

from __future__ import annotations

import json

import pytest

from goinspect.model import Frame
from goinspect.render.json.disasm import render_json
from goinspect.render.text.disasm import quoted, render_text
from goinspect.results.disasm import CodeRow, Disassembly, FunctionCode, SourceLine

HOSTILE = "\x1b]0;x\x07<script>\u202e\ud800\n"


def row(pc: int = 0x1000, code: str = "90", text: str = "NOPL", **more: object) -> CodeRow:
    plain = CodeRow(pc, bytes.fromhex(code), text, "other", None, None, None, None, None, None, False, None)
    return plain._replace(**more)


def answer(
    *rows: CodeRow, name: str = "main.f", sources: tuple[SourceLine, ...] | None = None
) -> Disassembly:
    function = FunctionCode("q", name, 0x1000, 0x1010, f"{name}.go", True, rows)
    return Disassembly("bin", "go1.27", "amd64", "go", (function,), sources)


def frames(*lines: tuple[str, int]) -> tuple[Frame, ...]:
    return tuple(
        Frame(name, f"a/{name}.go", line, inlined=i < len(lines) - 1) for i, (name, line) in enumerate(lines)
    )


def test_nothing() -> None:
    empty = Disassembly("bin", None, "amd64", "go", (), None)
    assert render_text(empty) == ""
    assert json.loads(render_json(empty))["functions"] == []
    assert render_text(answer()) == "main.f  0x1000-0x1010  main.f.go  (16 bytes)\n"
    assert json.loads(render_json(answer()))["functions"][0]["instructions"] == []


def test_headings() -> None:
    """One for each change; only the calls that changed; and where a call has returned, the one that goes on."""
    rows = [
        row(0x1000, frames=frames(("f", 1))),
        row(0x1001, frames=frames(("f", 1))),
        row(0x1002, frames=frames(("h", 7), ("g", 4), ("f", 2))),
        row(0x1003, frames=frames(("h", 8), ("g", 4), ("f", 2))),
        row(0x1004, frames=frames(("g", 4), ("f", 2))),
        row(0x1005, frames=frames(("f", 2))),
        row(0x1006, frames=frames(("g", 4), ("f", 2))),
        row(0x1009, frames=frames(("g", 4), ("f", 2))),  # after a gap
        row(0x100A, frames=None),
    ]
    assert render_text(answer(*rows)).splitlines()[1:] == [
        "  f.go:1 f",
        "    0x1000  NOPL",
        "    0x1001  NOPL",
        "  f.go:2 f",
        "    g.go:4 g (inlined)",
        "      h.go:7 h (inlined)",
        "        0x1002  NOPL",
        "      h.go:8 h (inlined)",
        "        0x1003  NOPL",
        "    g.go:4 g (inlined)",
        "      0x1004  NOPL",
        "  f.go:2 f",
        "    0x1005  NOPL",
        "    g.go:4 g (inlined)",
        "      0x1006  NOPL",
        "…",
        "  f.go:2 f",
        "    g.go:4 g (inlined)",
        "      0x1009  NOPL",
        "    0x100a  NOPL",
    ]


def test_comments_say_what_the_text_does_not() -> None:
    rows = [
        row(text="CALL main.g(SB)", kind="call", target=0x2000, target_name="main.g"),
        row(0x1001, text="call 0x2000", kind="call", target=0x2000, target_name="main.g"),
        row(0x1002, text="JMP 0x1000", kind="jump", target=0x1000, label="L1"),
        row(0x1003, text="LEAQ 0x8(IP), AX", reference=0x3000, string='say "hi"\n'),
        row(0x1004, text="LEAQ 0x8(IP), AX", reference=0x3000, reference_name="type:int", asked=True),
    ]
    shown = render_text(answer(*rows)).splitlines()
    assert shown[1].split() == ["L1:", "0x1000", "CALL", "main.g(SB)"]
    comments = [line.partition("// ")[2] for line in shown[1:]]
    assert comments == ["", "main.g", "L1", r'"say \"hi\"\n"', "type:int"]
    assert "=>" in shown[5]


@pytest.mark.parametrize("render", [lambda a: render_text(a, code=True, color=True), render_json])
def test_hostile_names(render) -> None:  # type: ignore[no-untyped-def]
    bad = row(text=HOSTILE, target_name=HOSTILE, reference_name=HOSTILE, string=HOSTILE,
              frames=(Frame(HOSTILE, HOSTILE, 3, inlined=False),))  # fmt: skip
    shown = render(answer(bad, name=HOSTILE, sources=(SourceLine(HOSTILE, 3, HOSTILE),)))
    plain = shown.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert "\x1b" not in plain
    assert "\u202e" not in plain
    assert "\x07" not in plain
    plain.encode("utf-8")


def test_quoted() -> None:
    assert quoted('a"b\\c\t\n') == '"a\\"b\\\\c\\t\\n"'
    assert quoted("\x1b[2J") == '"\\x1b[2J"'
    assert quoted("x" * 100, 10) == '"xxxxxxxxxx"…'
