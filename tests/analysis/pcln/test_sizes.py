"""Sizes of gopclntab's parts: they add up, and are what a decoder that counts its steps says."""

from __future__ import annotations

import pytest

from goinspect.analysis.pcln.functions import list_functions, list_inlined_only
from goinspect.analysis.pcln.sizes import list_sizes
from goinspect.binary import Binary
from goinspect.gosym.inline import inlined_names
from goinspect.gosym.naming.names import package_of
from tests.analysis.pcln.tables import TableBinary
from tests.builders.pclntab import build
from tests.builders.program import Function, Inlined
from tests.gosym.programs import decoder

COLUMNS = ("func", "pcsp", "pcfile", "pcln", "pcdata", "funcdata", "names")


def table_size(data, at):
    """Bytes of a pc-value table, by walking it."""
    begin, first = at, True
    while True:
        delta = data[at]
        if delta == 0 and not first:
            return at + 1 - begin
        for _ in (0, 1):
            while data[at] >= 0x80:
                at += 1
            at += 1
        first = False


@pytest.fixture
def binary(workload):
    return Binary(workload)


def test_sizes_add_up(binary):
    report = list_sizes(binary)
    table = binary.go.table
    assert sum(part.bytes for part in report.parts) == report.size == len(table.data)
    assert all(0 <= part.functions <= part.bytes for part in report.parts)
    for row in report.rows:
        assert row.total == sum(getattr(row, name) for name in COLUMNS)
    assert sum(row.total for row in report.rows) == sum(part.functions for part in report.parts)
    assert [row.total for row in report.rows] == sorted((row.total for row in report.rows), reverse=True)
    assert len(report.rows) == table.nfunc
    parts = {part.name: part.bytes for part in report.parts}
    assert parts["pctab, other"] < 64  # the first byte, which means "no table", and padding


def test_each_table_counts_once_for_the_first_that_has_it(binary):
    table = binary.go.table
    expected, seen, names = {}, set(), set()
    for number in range(table.nfunc):
        func = table.func(number)
        mine = dict.fromkeys(COLUMNS, 0)
        tables = [("pcsp", func.pcsp), ("pcfile", func.pcfile), ("pcln", func.pcln)]
        tables += [("pcdata", table.pcdata_offset(func, index)) for index in range(func.npcdata)]
        for kind, offset in tables:
            if offset and offset not in seen:
                seen.add(offset)
                mine[kind] += table_size(table.pctab, offset)
        mine["pcdata"] += 4 * func.npcdata
        mine["funcdata"] = 4 * func.nfuncdata
        mine["func"] = func.tail - func.record
        if func.name_off not in names:
            names.add(func.name_off)
            mine["names"] = len(table.name(func).encode()) + 1
        expected[func.entry] = mine
    trees = 0
    for row in list_sizes(binary).rows:
        mine = expected[row.entry]
        for name in COLUMNS:
            if name == "funcdata" and table.release.gofunc_follows_functab:
                extra = row.funcdata - mine[name]
                assert extra >= 0
                assert extra % 16 == 0
                assert extra == 0 or inlined_names(table, table.func(table.find(row.entry)))
                trees += extra
            else:
                assert getattr(row, name) == mine[name], (row, name)
    assert (trees > 0) == table.release.gofunc_follows_functab


def test_sizes_by_package(binary):
    functions, packages = list_sizes(binary), list_sizes(binary, by_package=True)
    assert packages.parts == functions.parts
    main = next(row for row in packages.rows if row.name == "main")
    mine = [row for row in functions.rows if package_of(row.name) == "main"]
    assert main.functions == len(mine)
    assert main.entry is None
    for name in (*COLUMNS, "total"):
        assert getattr(main, name) == sum(getattr(row, name) for row in mine)
    assert sum(row.total for row in packages.rows) == sum(row.total for row in functions.rows)


@pytest.mark.parametrize("version", [(1, 2), (1, 9), (1, 12), (1, 16), (1, 18), (1, 27)])
@pytest.mark.parametrize(("byteorder", "ptrsize"), [("little", 8), ("big", 4)])
def test_sizes_of_every_layout(version, byteorder, ptrsize):
    tree = [Inlined("main.middle", 2, -1, "a.go", 10)]
    program = [
        Function(
            "main.a",
            24,
            files=[(24, "a.go")],
            lines=[(4, 10), (20, 300)],
            inlined=[(4, -1), (20, 0)],
            tree=tree,
        ),
        Function("main.b", 24, files=[(24, "a.go")], lines=[(4, 10), (20, 300)], sp=[(4, 0), (20, 64)]),
        Function("mark", 8),
    ]
    built = build(program, version, byteorder=byteorder, ptrsize=ptrsize)
    binary = TableBinary(decoder(built, version))
    report = list_sizes(binary)
    assert sum(part.bytes for part in report.parts) == len(built.data)
    assert all(0 <= part.functions <= part.bytes for part in report.parts)
    rows = {row.name: row for row in report.rows}
    assert rows["main.a"].pcln > 0
    assert rows["main.b"].pcln == 0  # the same table
    assert rows["main.b"].pcsp > 0
    assert rows["mark"].pcsp == rows["mark"].pcdata == 0
    assert [rows[name].names for name in ("main.a", "main.b", "mark")] == [7, 7, 5]


def test_functions_that_exist_only_inlined(binary):
    table = binary.go.table
    own, inlined = set(), {}
    for number in range(table.nfunc):
        func = table.func(number)
        own.add(table.name(func))
        for name in inlined_names(table, func):
            inlined.setdefault(name, []).append(table.name(func))
    rows = {row.name: row for row in list_inlined_only(binary).rows}
    assert set(rows) == inlined.keys() - own
    for name, row in rows.items():
        assert row.functions == tuple(dict.fromkeys(inlined[name]))
        assert row.sites >= len(row.functions)
        assert row.start_line
        assert (row.bytes > 0) == (row.ranges > 0)
    assert len(rows) > 300


def test_ranges_of_what_is_inlined():
    tree = [
        Inlined("main.m", 2, -1, "a.go", 10, start_line=7),
        Inlined("main.i", 6, 0, "a.go", 3, start_line=9),
    ]
    program = [
        Function(
            "main.a",
            24,
            files=[(24, "a.go")],
            lines=[(24, 10)],
            inlined=[(4, -1), (6, 0), (10, 1), (20, 0)],
            tree=tree,
        )
    ]
    binary = TableBinary(decoder(build(program, (1, 27)), (1, 27)))
    inner, middle = list_inlined_only(binary).rows
    assert (inner.name, inner.sites, inner.ranges, inner.bytes, inner.start_line) == ("main.i", 1, 1, 4, 9)
    assert (middle.name, middle.sites, middle.ranges, middle.bytes, middle.start_line) == (
        "main.m",
        1,
        2,
        12,
        7,
    )
    assert inner.functions == middle.functions == ("main.a",)


def test_function_rows_are_columns_and_rows(binary):
    listed = list_functions(binary)
    table = binary.go.table
    assert len(listed.rows) == table.nfunc
    for row in listed.rows[::97]:
        func = table.func(table.find(row.entry))
        assert (row.name, row.entry, row.end) == (table.name(func), func.entry, func.end)
        assert row.start_line == (func.start_line or None)
        assert row.frame_size == table.frame_size(func)
        assert row.args_size == func.args
        assert row.deferreturn == (func.entry + func.deferreturn if func.deferreturn else None)
        assert row.inlined == inlined_names(table, func)
        assert row.file == binary.frames(row.entry)[-1].file
