"""Tables, CSV and nm: numbers stay as they are, hostile names stay text, nothing is cut."""

from __future__ import annotations

import csv
import io

import pytest

from goinspect.model import Frame
from goinspect.render.text import pcln as pclntext
from goinspect.render.text import symbols as symboltext
from goinspect.render.text import top
from goinspect.render.text.columns import escape_all, write_columns
from goinspect.render.text.frames import render_addr2line, render_lines
from goinspect.render.values import escape_terminal
from goinspect.results.functions import (
    FunctionList,
    FunctionRow,
    FunctionRows,
    InlinedList,
    InlinedRow,
    SizePart,
    SizeReport,
    SizeRow,
)
from goinspect.results.lines import LineReport, LineRow, LineRows, LineTable
from goinspect.results.symbols import SizeGroup, SizeGroups, SymbolList, SymbolRow, SymbolRows
from tests.render.test_json import INFO

HOSTILE = "evil\x1b]0;x\x07\nname"
LONG = "main.F[" + "x" * 5000 + "]"


def symbol(name, size=16, *, exact=True, kind="function", section=".text", file=None, line=None):
    return SymbolRow(
        name,
        0x401000,
        size,
        exact,
        kind,
        ("symtab", "gopclntab"),
        section,
        "main",
        None,
        "app",
        file,
        line,
        None,
        "T",
    )


def symbol_list(*rows):
    return SymbolList("b", SymbolRows.of(rows))


def function(name):
    return FunctionRow(0x401000, 0x401020, name, HOSTILE, 3, None, None, None, (), ("main.g",))


def outputs(name):
    """Everything for people and line-wise programs, with a function of this name in it."""
    row = LineRow(0x401000, "401000", name, 0x401000, (Frame(name, HOSTILE, 1, False),))
    report = LineReport(HOSTILE, HOSTILE, INFO, (row,))
    symbols = symbol_list(symbol(name, file=HOSTILE, line=1))
    functions = FunctionList("b", None, INFO, (function(name),))
    inlined = InlinedList("b", None, INFO, (InlinedRow(name, None, 1, 1, 1, (name,)),))
    sizes = SizeReport("b", None, INFO, (SizeRow(name, 0x401000, 1, *range(8)),), (SizePart("all", 9, 9),), 9)
    table_of_lines = LineTable("b", None, INFO, (row._replace(end=0x401010),))
    return {
        "inlined": pclntext.render_inlined(inlined), "sizes": pclntext.render_sizes(sizes),
        "line table": pclntext.render_line_table(table_of_lines),
        "lines": render_lines(report), "addr2line": render_addr2line(report), "symbols": "".join(symboltext.render_table(symbols)),
        "nm": symboltext.render_nm(symbols), "functions": pclntext.render_functions(functions),
        "header": pclntext.render_header(INFO, name, HOSTILE),
    }  # fmt: skip


@pytest.mark.parametrize("shape", list(outputs("f")))
def test_hostile_names_stay_text(shape):
    text = outputs(HOSTILE)[shape]
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "evil\\x1b]0;x\\x07\\x0aname" in text
    assert len(text.splitlines()) == len(outputs("f")[shape].splitlines())  # no line of its own


@pytest.mark.parametrize("shape", list(outputs("f")))
def test_nothing_is_cut(shape):
    assert LONG in outputs(LONG)[shape]


@pytest.mark.parametrize("name", ["1e5", "0x10", "1_000", "007", "nan", "-1", "1.50", "True"])
def test_names_like_numbers_stay_names(name):
    """tabulate turns what looks like a number into one, if it may."""
    symbols = "".join(symboltext.render_table(symbol_list(symbol(name))))
    functions = pclntext.render_functions(FunctionList("b", None, INFO, (function(name),)))
    assert name in symbols.splitlines()[1].split()
    assert name in functions.splitlines()[1].split()


def test_colors_are_only_around():
    report = LineReport("b", None, INFO, (LineRow(1, "1", None, None, None), LineRow(
        0x401000, "x", "f", 0x401000, (Frame("g", "a.go", 1, True), Frame("f", None, None, False)))))  # fmt: skip
    colored = render_lines(report, color=True)
    assert "\x1b[" in colored
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[2m"):
        colored = colored.replace(code, "")
    assert colored == render_lines(report)
    assert render_lines(report).splitlines() == [
        "0x1       ?  ?:0",
        "0x401000  g  a.go:1  (inlined)",
        "          f  ?:0",
    ]


def test_addr2line():
    rows = (
        LineRow(1, "1", None, None, None),
        LineRow(2, "2", "f", 2, (Frame("g", "a.go", 1, True), Frame("f", "b.go", 7, False))),
        LineRow(3, "3", "f", 2, (Frame("f", None, None, False),)),
    )
    assert render_addr2line(LineReport("b", None, INFO, rows)) == "?\n?:0\nf\na.go:1\nf\n:-1\n"


def test_columns_are_aligned():
    """A cell that is very long pushes only what stands behind it in its own row."""
    cells = ["a", "bb" * 60, "ccc"]
    text = write_columns(["n", "name", "file"], [["1", "22", "333"], cells, ["x", "y", "z"]], "rll")
    lines = text.splitlines()
    assert lines[0] == "  n  name".ljust(87) + "file"
    assert lines[1] == "  1  a".ljust(87) + "x"
    assert lines[2] == f" 22  {cells[1]}  y"
    assert lines[3] == "333  ccc".ljust(87) + "z"
    assert write_columns(["a", "b"], [(), ()], "lr") == "a  b\n"


def test_texts_are_escaped_one_and_all():
    for hostile in ("\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u061c", "\ud800", "\u2028", "\n"):
        assert escape_all(["a", f"b{hostile}c", "ä·"]) == ["a", escape_terminal(f"b{hostile}c"), "ä·"]
    assert escape_all([]) == []


def test_rows_are_columns():
    rows = (
        LineRow(1, "1", None, None, None),
        LineRow(2, "2", "f", 2, (Frame("g", "a.go", 1, True), Frame("f", None, None, False))),
        LineRow(3, "3", "f", 2, (Frame("f", "b.go", 7, False),), end=9),
    )
    columns = LineRows.of(rows)
    assert tuple(columns) == rows
    assert columns[1:] == rows[1:]
    assert columns[-1] == rows[-1]
    assert LineRows.of(columns) is columns
    with pytest.raises(IndexError):
        columns[3]
    functions = (
        function("f"),
        function("g")._replace(file=None, start_line=None, flags=("ASM",), inlined=()),
    )
    assert tuple(FunctionRows.of(functions)) == functions


def test_sizes():
    rows = (
        symbol("a"),
        symbol("b", exact=False),
        symbol("c", None),
        symbol("d", exact=False, kind="variable"),
    )
    text = "".join(symboltext.render_table(symbol_list(*rows))).splitlines()[1:]
    assert [line.split()[1] for line in text] == ["16", "<=16", "?", "16"]


def test_nm():
    rows = (
        symbol("main.f x", 66),
        symbol("runtime.memmove")._replace(symbol="runtime.memmove.abi0", letter="t"),
        symbol("puts", 0, kind="undefined")._replace(address=0, letter="U"),
    )
    assert symboltext.render_nm(symbol_list(*rows)) == (
        "  401000         66 T main.f x\n"
        "  401000         16 t runtime.memmove.abi0\n"
        "                  0 U puts\n"
    )


def test_symbols_are_columns():
    rows = (
        symbol("a", file="a.go", line=3),
        symbol("b", None, kind="type", section=None)._replace(
            address=None, package=None, module=None, receiver="*T"
        ),
        symbol("c")._replace(symbol="c.abi0", sources=("dwarf", "typedata")),
    )
    columns = SymbolRows.of(rows)
    assert tuple(columns) == rows
    assert columns[1:] == rows[1:]
    assert SymbolRows.of(columns) is columns


def test_size_groups():
    rows = (SizeGroup(HOSTILE, 2, 30, 5, 5, 40, 7), SizeGroup("main", 1, 10, 0, 0, 10, 0))
    groups = SizeGroups("b", "package", rows, SizeGroup("(all)", 9, 80, 10, 10, 100, 7), True)
    lines = symboltext.render_groups(groups).splitlines()
    assert lines[0].split() == [
        "symbols",
        "functions",
        "variables",
        "types",
        "bytes",
        "share",
        "bss",
        "package",
    ]
    assert lines[1].split()[:7] == ["2", "30", "5", "5", "40", "40.0%", "7"]
    assert "\x1b" not in lines[1]
    assert lines[3].split() == ["9", "80", "10", "10", "100", "100.0%", "7", "(all)"]
    sheet = list(csv.DictReader(io.StringIO(symboltext.render_groups_csv(groups))))
    assert [row["bytes"] for row in sheet] == ["40", "10"]
    assert symboltext.render_groups(groups._replace(rows=())).splitlines()[1].split()[-1] == "(all)"


def test_csv():
    text = symboltext.render_csv(symbol_list(symbol('a,"b"\n\x1bc', None, exact=False), symbol("d")))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(text.splitlines()) == 3
    assert rows[0]["name"] == 'a,"b"\\x0a\\x1bc'
    assert rows[0]["size"] == ""
    assert (rows[1]["address"], rows[1]["size"], rows[1]["sources"]) == ("0x401000", "16", "symtab+gopclntab")


def test_empty_tables_have_their_heads():
    assert "".join(symboltext.render_table(symbol_list())).split()[:2] == ["address", "size"]
    assert pclntext.render_functions(FunctionList("b", None, INFO, ())).split()[:2] == ["entry", "size"]
    assert top.render_events(()).split() == ["event", "samples", "weight"]
