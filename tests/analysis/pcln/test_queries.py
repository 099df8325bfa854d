"""Functions, offsets and places to PCs: against what other tools say of the fixtures, and every layout by the builder."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from goinspect.analysis.pcln import frames as lines
from goinspect.analysis.pcln.frames import resolve
from goinspect.binary import Binary
from goinspect.errors import QueryError
from goinspect.gosym.inline import inlined_names
from tests.analysis.pcln.tables import TableBinary
from tests.builders.pclntab import build
from tests.builders.program import Function, Inlined
from tests.conftest import FIXTURES, oracle_rows
from tests.gosym.answers import pure_frames
from tests.gosym.programs import decoder

LAYOUTS = [
    ((1, minor), order, size)
    for minor in (9, 12, 16, 18, 20, 27)
    for order, size in (("little", 8), ("big", 4))
]


@pytest.fixture(scope="module")
def binary():
    return Binary(FIXTURES / "go1.27-piestripped" / "workload")


def pcs(report):
    return [row.pc for row in report.rows]


# --- file:line ---


def places_of(build):
    """(file, line) -> PCs that go tool addr2line gives it."""
    found = defaultdict(set)
    for pc, _, place in oracle_rows(build, "addr2line"):
        path, _, line = place.rpartition(":")
        if path not in ("", "?"):
            found[path, int(line)].add(int(pc, 16))
    return found


def test_places_hold_what_addr2line_says(build, workload):
    """Of many places in turn: every PC that go puts there is in a range, and no PC that it puts elsewhere."""
    found = places_of(build)
    every = {pc for there in found.values() for pc in there}
    chosen = random.Random(7).sample(sorted(found), 60)
    report = resolve(Binary(workload), [f"{path}:{line}" for path, line in chosen])
    ranges = defaultdict(list)
    for row in report.rows:
        path, _, line = row.query.rpartition(":")
        assert row.end > row.pc
        assert (row.frames[0].file, row.frames[0].line) == (path, int(line))
        assert row.frames[-1].function == row.function
        ranges[path, int(line)].append(range(row.pc, row.end))
    for place in chosen:
        assert {pc for pc in every if any(pc in there for there in ranges[place])} == found[place], place
    assert report.warnings == ()


def test_ranges_are_whole_and_their_frames_hold(binary):
    """In each range all PCs have the same frames, and the PCs on both sides are elsewhere."""
    rows = resolve(binary, ["main.go:88", "main.go:94", "sync/mutex.go:46", "panic.go:998"]).rows
    assert any(len(row.frames) > 2 for row in rows)
    assert len({row.function for row in rows}) >= 5
    for row in rows:
        assert {binary.frames(pc) for pc in range(row.pc, row.end)} == {row.frames}
        for outside in (row.pc - 1, row.end):
            assert binary.frames(outside) != row.frames


def test_a_path_may_begin_at_any_slash(binary):
    whole = resolve(binary, ["example.com/workload/main.go:133"])
    assert len(whole.rows) == 2
    for path in ("main.go", "workload/main.go"):
        report = resolve(binary, [f"{path}:133"])
        assert pcs(report) == pcs(whole)
        assert report.warnings == ()
    for path in ("ain.go", "load/main.go", "/main.go", "x/main.go", "Main.go"):
        with pytest.raises(QueryError):
            resolve(binary, [f"{path}:133"])


def test_a_path_of_several_files(binary):
    report = resolve(binary, ["type.go:661"])
    found = sorted({row.frames[0].file for row in report.rows})
    assert len(found) > 1
    assert {path.rpartition("/")[2] for path in found} == {"type.go"}
    assert report.warnings == (f"'type.go:661' is a place in {len(found)} files: {', '.join(found)}",)
    for path in found:  # whole paths mean one file each
        (only,) = {row.frames[0].file for row in resolve(binary, [f"{path}:661"]).rows}
        assert only == path


def test_no_code_at_a_line(binary):
    with pytest.raises(QueryError) as caught:
        resolve(binary, ["main.go:136"])
    assert str(caught.value).endswith("no code at 'main.go:136': the nearest with code: 135 and 137")
    with pytest.raises(QueryError, match=r"the nearest with code: 28$"):
        resolve(binary, ["main.go:1"])
    with pytest.raises(
        QueryError, match=r"no code is of a file 'x/main.go'; there are example.com/workload/main.go$"
    ):
        resolve(binary, ["x/main.go:133"])
    with pytest.raises(QueryError, match=r"no code is of a file 'nosuch.go'$"):
        resolve(binary, ["nosuch.go:1"])


# --- functions ---


def test_every_function_is_found_by_its_name(binary):
    table = binary.go.table
    expected = defaultdict(list)
    for number in range(table.nfunc):
        func = table.func(number)
        expected[table.name(func)].append(func.entry)
    chosen = [*random.Random(3).sample(sorted(expected), 50), *(n for n, e in expected.items() if len(e) > 1)]
    for name in chosen:
        report = resolve(binary, [name])
        assert pcs(report) == expected[name]
        assert len(report.warnings) == (len(expected[name]) > 1)
        offset = resolve(binary, [f"{name}+0x1"])
        assert pcs(offset) == [entry + 1 for entry in expected[name]]


def test_ways_to_write_an_offset(binary):
    (entry,) = pcs(resolve(binary, ["main.recurse"]))
    for text, offset in (("0x1C", 28), ("0X1c", 28), ("28", 28), ("010", 10), ("0", 0)):
        assert pcs(resolve(binary, [f"main.recurse+{text}"])) == [entry + offset]
    for text in ("", "zz", "0x", "-1", "1.5", "٣"):
        with pytest.raises(QueryError):
            resolve(binary, [f"main.recurse+{text}"])


def test_type_arguments_may_be_left_out(binary):
    report = resolve(binary, ["internal/strconv.shortFloat[...]", "internal/strconv.shortFloat[...]+4"])
    assert [row.function for row in report.rows] == 2 * [
        "internal/strconv.shortFloat[go.shape.float64]", "internal/strconv.shortFloat[go.shape.float32]",
    ]  # fmt: skip
    (first, second) = report.warnings[:1], report.warnings[1:]
    assert first == ("2 functions are called 'internal/strconv.shortFloat[...]': all of them are shown",)
    assert second == ()  # said once


def program(names):
    out = []
    for number, name in enumerate(names):
        line = number * 10 + 10
        out.append(Function(name, 16, files=[(16, "a.go")], lines=[(8, line), (16, line + 1)]))
    return out


@pytest.mark.parametrize(
    "name", ["a+b", "main.f+0x4", "main.go:42", "type:.eq.struct { a int; b string }", "m.ä", "m.x+1"]
)
@pytest.mark.parametrize(("version", "byteorder", "ptrsize"), LAYOUTS)
def test_names_that_look_like_something_else(name, version, byteorder, ptrsize):
    built = build(program(["main.f", "m.x", name, "x" + name]), version, byteorder=byteorder, ptrsize=ptrsize)
    binary = TableBinary(decoder(built, version))
    assert pcs(resolve(binary, [name])) == [built.entries[2]]
    assert pcs(resolve(binary, [name + "+3"])) == [built.entries[2] + 3]
    assert pcs(resolve(binary, ["m.x+2"])) == [built.entries[1] + 2]


def test_the_middle_dot_may_be_written_as_a_dot():
    built = build(program(["main.f", "main.f·dwrap·1"]), (1, 17))
    binary = TableBinary(decoder(built, (1, 17)))
    for name in ("main.f·dwrap·1", "main.f.dwrap.1", "main.f·dwrap.1"):
        assert pcs(resolve(binary, [name])) == [built.entries[1]]


# --- functions that are only inlined ---

TREE = [Inlined("main.middle", 2, -1, "a.go", 10), Inlined("main.inner", 6, 0, "a.go", 300)]


def inlining(name):
    return Function(
        name, 24, files=[(10, "a.go"), (20, "b.go")], lines=[(4, 10), (20, 300)], sp=[(20, 64)],
        inlined=[(4, -1), (10, 0), (20, 1)], tree=TREE,
    )  # fmt: skip


@pytest.mark.parametrize(("version", "byteorder", "ptrsize"), LAYOUTS)
def test_a_function_that_exists_only_inlined(version, byteorder, ptrsize):
    built = build([inlining("main.a"), inlining("main.b")], version, byteorder=byteorder, ptrsize=ptrsize)
    binary = TableBinary(decoder(built, version))
    first, second = built.entries[:2]
    report = resolve(binary, ["main.inner"])
    assert [(row.pc, row.end, row.function) for row in report.rows] == [
        (first + 10, first + 20, "main.a"), (second + 10, second + 20, "main.b"),
    ]  # fmt: skip
    assert report.warnings == ("'main.inner' exists only inlined: shown is where, in 2 functions",)
    report = resolve(binary, ["main.middle"])  # also where another is inlined into it
    assert [(row.pc, row.end) for row in report.rows[:2]] == [
        (first + 4, first + 10),
        (first + 10, first + 20),
    ]
    with pytest.raises(QueryError):
        resolve(binary, ["main.inner+1"])


def test_an_inlined_function_without_code():
    tree = [Inlined("main.gone", 2, -1, "a.go", 10), Inlined("main.there", 2, -1, "a.go", 300)]
    function = Function(
        "main.a", 24, files=[(24, "a.go")], lines=[(24, 10)], inlined=[(4, -1), (20, 1)], tree=tree
    )
    binary = TableBinary(decoder(build([function], (1, 27)), (1, 27)))
    assert len(resolve(binary, ["main.there"]).rows) == 1
    with pytest.raises(QueryError, match="exists only inlined, and nothing of its code is left"):
        resolve(binary, ["main.gone"])


def test_where_it_is_inlined_is_every_pc_that_says_so(binary):
    table = binary.go.table
    name = "sync/atomic.(*Int32).Add"
    report = resolve(binary, [name])
    ranges = [range(row.pc, row.end) for row in report.rows]
    for function in {row.entry for row in report.rows}:
        func = table.func(table.find(function))
        for pc in range(func.entry, func.end):
            said = any(frame.function == name and frame.inlined for frame in binary.frames(pc))
            assert said == any(pc in there for there in ranges)
    everywhere = {table.entry(number) for number in range(table.nfunc)
                  if name in inlined_names(table, table.func(number))}  # fmt: skip
    assert {row.entry for row in report.rows} <= everywhere


# --- damage ---


@pytest.mark.parametrize("batch", [False, True])
def test_a_damaged_function_costs_its_own_row_only(batch, monkeypatch):
    monkeypatch.setattr(lines, "_BULK_FROM", 0 if batch else 99)
    built = build([inlining("main.a"), *program(["main.z"])], (1, 25))
    sound = decoder(built, (1, 25))
    entry, good = built.entries[:2]
    for name in ("pcln", "pcfile", "name_off"):
        data = bytearray(built.data)
        at = sound.func(0).record + 4 + 4 * sound.release.func.index(name)
        data[at : at + 4] = b"\xff\xff\xff\x7f"
        report = resolve(TableBinary(decoder(built, (1, 25), bytes(data))), [f"{entry + 12:x}", f"{good:x}"])
        assert report.rows[1].frames == pure_frames(sound, good)
        assert report.rows[0].entry == entry
        assert report.rows[0].function == ("?name@0x7fffffff" if name == "name_off" else "main.a")
        assert not report.rows[0].frames[-1].inlined
        assert report.warnings == ("damaged table: 1 functions are answered as far as they can be read",)
