"""JSON: shapes, hex strings, nulls, names as they are."""

from __future__ import annotations

import json

from goinspect.model import Frame
from goinspect.render.json import symbols as symboljson
from goinspect.render.json.pcln import render_functions, render_lines
from goinspect.results.functions import FunctionList, FunctionRow
from goinspect.results.lines import LineReport, LineRow, PclntabInfo
from goinspect.results.symbols import SizeGroup, SizeGroups, SymbolList, SymbolRow, SymbolRows

INFO = PclntabInfo("1.20", "section .gopclntab", 0x4AD6A8, 0x401000, "header", None, 0xFFFFFFF1, "little", 1, 8, 2, 3, 99,
                   {"functab": 16})  # fmt: skip
HOSTILE = "evil\x1b]0;x\x07\udc80"


def test_lines():
    known = LineRow(
        0x401005,
        "main.f+5",
        "main.f",
        0x401000,
        (Frame(HOSTILE, None, None, True), Frame("main.f", "f.go", 3, False)),
    )
    unknown = LineRow(1, "1", None, None, None)
    text = render_lines(LineReport("b", None, INFO, (known, unknown)))
    assert "\x1b" not in text
    text.encode()
    result = json.loads(text)
    assert list(result) == ["schema", "binary", "go_version", "pclntab", "rows", "warnings"]
    assert result["schema"] == "goinspect.pcln/1"
    assert result["go_version"] is None
    assert result["warnings"] == []
    assert result["pclntab"]["address"] == "0x4ad6a8"
    assert result["pclntab"]["magic"] == "0xfffffff1"
    assert result["rows"][0]["pc"] == "0x401005"
    assert result["rows"][0]["entry"] == "0x401000"
    assert result["rows"][0]["offset"] == 5
    assert result["rows"][0]["frames"] == [
        {"function": HOSTILE, "file": None, "line": None, "inlined": True},
        {"function": "main.f", "file": "f.go", "line": 3, "inlined": False},
    ]
    assert result["rows"][1] == {"pc": "0x1", "function": None, "entry": None, "offset": None, "frames": None}


def test_functions():
    row = FunctionRow(
        0x401000, 0x401020, "main.f", None, None, None, None, None, ("ASM",), ("main.g",), 0x401008
    )
    result = json.loads(render_functions(FunctionList("b", "go1.27", INFO, (row,), ("odd",))))
    assert result["warnings"] == ["odd"]
    assert result["rows"] == [
        {"entry": "0x401000", "end": "0x401020", "name": "main.f", "file": None, "start_line": None, "frame_size": None,
         "args_size": None, "func_id": None, "flags": ["ASM"], "inlined": ["main.g"],
         "deferreturn": "0x401008"}
    ]  # fmt: skip


def test_symbols():
    row = SymbolRow(
        HOSTILE, 0x401000, None, False, "notype", ("symtab",), None, None, None, None, None, None, None
    )
    typed = row._replace(name="main.T", kind="type", address=None)
    result = json.loads(symboljson.render(SymbolList("b", SymbolRows.of((row, typed)))))
    assert result == {
        "schema": "goinspect.symbols/1", "binary": "b", "warnings": [],
        "rows": [{"name": HOSTILE, "address": "0x401000", "size": None, "size_exact": False, "kind": "notype",
                  "sources": ["symtab"], "section": None, "package": None, "receiver": None, "module": None, "file": None,
                  "line": None, "symbol": None, "letter": "?"},
                 {"name": "main.T", "address": None, "size": None, "size_exact": False, "kind": "type",
                  "sources": ["symtab"], "section": None, "package": None, "receiver": None, "module": None, "file": None,
                  "line": None, "symbol": None, "letter": "?"}],
    }  # fmt: skip
    empty = json.loads(symboljson.render(SymbolList("b", SymbolRows.of(()), ("odd",))))
    assert (empty["rows"], empty["warnings"]) == ([], ["odd"])


def test_size_groups():
    groups = SizeGroups(
        "b", "kind", (SizeGroup(HOSTILE, 1, 2, 3, 4, 9, 5),), SizeGroup("(all)", 1, 2, 3, 4, 9, 5), False
    )
    assert json.loads(symboljson.render_groups(groups)) == {
        "schema": "goinspect.symbols/1", "binary": "b", "by": "kind", "size_exact": False, "warnings": [],
        "total": {"symbols": 1, "functions": 2, "variables": 3, "types": 4, "size": 9, "bss": 5},
        "rows": [{"name": HOSTILE, "symbols": 1, "functions": 2, "variables": 3, "types": 4, "size": 9, "bss": 5}],
    }  # fmt: skip
