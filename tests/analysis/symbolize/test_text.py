"""Names in any text: a real traceback of a crash, whose own lines say what each pc is; and text that passes through."""

from __future__ import annotations

import re

import pytest

import goinspect
from goinspect.analysis.recordings.machine import this_machine
from goinspect.render.symbolized.text import annotated
from tests.builders.elfobj import Core
from tests.cli.runner import cli
from tests.conftest import FIXTURES
from tests.machines import on

FOLDER = FIXTURES / "tracers"
BINARY = FIXTURES / "go1.27-piestripped" / "workload"
SOURCE = ("symbolize", "--maps", FOLDER / "crash.maps", "-b", BINARY)
FRAME = re.compile(
    r"(.*)\(.*\)\n\t(\S+:\d+) (?:\+0x[0-9a-f]+ )?fp=0x\w+ sp=0x\w+ pc=(0x\w+)(?: <(.*)>)?$", re.MULTILINE
)


def shown(function):
    return re.sub(r"\[.*\]", "[...]", function)


def test_a_traceback():
    text = (FOLDER / "crash.txt").read_text()
    answer = cli(*SOURCE, FOLDER / "crash.txt")
    frames, given = FRAME.findall(answer.out), FRAME.findall(text)
    assert len(frames) == len(given) > 50
    trap = next(i for i, frame in enumerate(given) if frame[0] == "runtime.sigpanic0")
    for number, ((function, place, _, _), (_, _, _, told)) in enumerate(zip(given, frames, strict=True)):
        name, _, where = told.rpartition(" in ")[2].rpartition(" ")
        if number == trap + 1:  # in sigpanic0 itself, the runtime takes the faulting instruction for a call
            assert (function, where) == ("main.fault", "example.com/workload/main.go:312")
        else:
            assert (shown(name), where) == (function, place)
    assert "\nPC=0x" in answer.out
    assert re.search(r"\nrip    0x\w+ <runtime\.", answer.out)
    assert re.search(r"\nrsp    0x\w+\n", answer.out)
    assert re.sub(r"(0x[0-9a-f]+) <[^\n]*?:\d+>", r"\1", answer.out) == text


def test_a_core(tmp_path):
    """Of a process whose code is not in it: what the maps say becomes the core's NT_FILE."""
    rows = [
        line.split()
        for line in (FOLDER / "crash.maps").read_text().splitlines()
        if line.endswith("/workload")
    ]
    ranges = [(*(int(part, 16) for part in row[0].split("-")), int(row[2], 16)) for row in rows]
    core = Core(64, "little", 62, entry=ranges[0][0] + 0x1000)
    core.memory = [
        (start, end - start, BINARY.read_bytes()[:4096] if not offset else b"", 5)
        for start, end, offset in ranges
    ]
    core.files = [(start, end, offset // 4096, str(BINARY)) for start, end, offset in ranges]
    path = tmp_path / "core"
    path.write_bytes(core.write())
    pcs = [int(pc, 16) for _, _, pc, _ in FRAME.findall((FOLDER / "crash.txt").read_text())]
    with on(this_machine()):  # its code is in the file, which the core names
        by_core = goinspect.symbolize(pcs, core=path, callers=True)
    by_maps = goinspect.symbolize(pcs, maps=FOLDER / "crash.maps", binaries=[BINARY], callers=True)
    assert [row._replace(mapping="") for row in by_core.rows] == [
        row._replace(mapping="") for row in by_maps.rows
    ]
    assert by_core.named == len(pcs)
    assert {row.mapping for row in by_core.rows} == {str(BINARY)}


def lookup(addresses, *, callers):
    return [
        goinspect.results.processes.symbolize.SymbolizeRow(address, None, None, None, None, None)
        for address in addresses
    ]


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_what_is_no_address_passes_through(piece):
    data = (
        bytes(range(256))
        + b"\n0x\n0xg 0x123 x0x4567 0x4567z 0x"
        + b"1" * 17
        + b"\xff\xfe\r\n\0no end 0x12345"
    )
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)]
    assert b"".join(annotated(pieces, lookup)) == data
    assert list(annotated([], lookup)) == []


def test_an_address_in_two_pieces():
    text = (FOLDER / "crash.txt").read_bytes()
    whole = cli(*SOURCE, FOLDER / "crash.txt").out
    from goinspect.api.symbolize import Named, Source

    named = Named(Source(maps=str(FOLDER / "crash.maps"), binaries=[str(BINARY)]))
    pieces = [text[at : at + 97] for at in range(0, len(text), 97)]
    assert b"".join(annotated(pieces, named.rows)).decode() == whole


@pytest.mark.parametrize("text", ["", "\n", "not maps\n", "zz-yy r-xp 0 0:0 0 x\n", "\0" * 99])
def test_what_is_no_maps(text, tmp_path):
    path = tmp_path / "maps"
    path.write_text(text)
    answer = cli("symbolize", "--maps", path, "0x1234")
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)


def test_hostile_maps(tmp_path):
    """Overlapping, reversed, at the very end of the addresses, with names that would drive a terminal."""
    path = tmp_path / "maps"
    path.write_bytes(
        b"00001000-00003000 r-xp 00000000 00:00 7 /a\\012b\x1b[2J\xff\n"
        b"00002000-00004000 r-xp 00000000 00:00 7 /c\n"
        b"00009000-00008000 r-xp 00000000 00:00 7 /reversed\n"
        b"ffffffffffffe000-ffffffffffffffff r-xp ffffffffffffffff 00:00 0 /end\n"
    )
    answer = cli(
        "symbolize", "--maps", path, "1000", "2fff", "3000", "8800", "7fffffffffffffff", "fffffffffffffffe"
    )
    assert answer.code == 1
    assert answer.out.splitlines() == [
        r"0x1000              ?  /a\x0ab\x1b[2J\udcff+0x0",
        "0x2fff              ?  /c+0xfff",
        "0x3000              ?  /c+0x1000",
        "0x8800              ?  not mapped",
        "0x7fffffffffffffff  ?  not mapped",
        "0xfffffffffffffffe  ?  not mapped",
    ]


def test_the_kernel(tmp_path):
    symbols = tmp_path / "kallsyms"
    symbols.write_text(
        "ffffffff81000000 T _stext\nffffffff81000100 t work\nffffffffc0000000 t helper\t[module]\nffffffff81000200 D data\n"
    )
    answer = cli(
        *SOURCE,
        "--kallsyms",
        symbols,
        "--callers",
        "ffffffff81000100",
        "ffffffff81000101",
        "ffffffffc0000004",
        "ffffffffffffff00",
    )
    assert [line.split()[1] for line in answer.out.splitlines()] == ["_stext", "work", "helper", "?"]
    symbols.write_text("nonsense")
    refused = cli(*SOURCE, "--kallsyms", symbols, "1")
    assert (refused.code, refused.out, refused.err.count("\n")) == (1, "", 1)
