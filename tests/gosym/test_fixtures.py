"""Real binaries against what other tools say of them: llvm-symbolizer, go tool addr2line, go tool nm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goinspect.gosym import inline
from goinspect.gosym.buildinfo.info import parse_version
from goinspect.gosym.bulk.table import BulkTable
from goinspect.gosym.module import load
from goinspect.model import Frame
from goinspect.objfile import open_image
from tests.conftest import BUILDS, oracle_rows
from tests.gosym.answers import bulk_frames, pure_frames, without_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goinspect.gosym.module import GoModule

# Symbols of the symbol table that mark a place and are no functions.
MARKERS = {"runtime.text", "runtime.etext"}
# Go 1.24 wrote the middle dot of a compiler-made name into the pclntab; nm shows a full stop.
MIDDLE_DOT = {"type:.eq.runtime.untracedG\u00b74"}
TWINS = [(build, build.replace("-pie", "-piestripped") if "pie" in build else build.replace("-exe", "-stripped"))
         for build in BUILDS if not build.endswith("stripped")]  # fmt: skip


@pytest.fixture(scope="module")
def modules(fixture_file: Callable[[str, str], Path]) -> Callable[[str], GoModule]:
    loaded: dict[str, GoModule] = {}

    def get(build: str) -> GoModule:
        if build not in loaded:
            loaded[build] = load(open_image(fixture_file(build, "workload")))
        return loaded[build]

    return get


@pytest.fixture
def module(build: str, modules: Callable[[str], GoModule]) -> GoModule:
    return modules(build)


def test_there_are_fixtures() -> None:
    assert len(BUILDS) >= 8
    assert all(a in BUILDS and b in BUILDS for a, b in TWINS)


def test_inlined_frames_equal_llvm_symbolizer(build: str, module: GoModule) -> None:
    expected: dict[int, tuple[Frame, ...]] = {}
    for vaddr, *frames in oracle_rows(build, "frames"):
        chain = []
        for depth, text in enumerate(frames):
            name, _, place = text.rpartition("|")
            file, _, line = place.rpartition(":")
            # The symbol table alone marks assembly functions with their ABI.
            chain.append(Frame(name.removesuffix(".abi0"), file, int(line), inlined=depth < len(frames) - 1))
        expected[int(vaddr, 16)] = tuple(chain)
    assert len(expected) > 400
    assert sum(len(chain) > 1 for chain in expected.values()) > 50
    assert {pc: pure_frames(module.table, pc) for pc in expected} == expected
    assert dict(zip(expected, bulk_frames(BulkTable(module.table), expected), strict=True)) == expected


def test_positions_equal_go_tool_addr2line(build: str, module: GoModule) -> None:
    table = module.table
    rows = oracle_rows(build, "addr2line")
    assert len(rows) >= 10_000
    without_tables = lineless = outside = 0
    for text, function, place in rows:
        pc = int(text, 16)
        index = table.find(pc)
        if index is None:
            assert (function, place) == ("?", "?:0"), text
            outside += 1
            continue
        func = table.func(index)
        assert func is not None
        file, line = table.position(func, pc)
        answer = f"{file}:{line}" if file is not None else ":-1"
        if answer != place:
            # A mark without tables: Go's tool decodes byte 0 of pctab as if it were one, and prints what it finds.
            assert table.name(func) == function == "go:textfipsstart", text
            assert (func.pcsp, func.pcfile, func.pcln, func.npcdata, func.nfuncdata) == (0, 0, 0, 0, 0)
            assert answer == ":-1"
            assert place.startswith(":")
            without_tables += 1
        assert table.name(func) == function, text
        lineless += file is None
    assert without_tables <= 3
    assert outside == 1  # the last byte before runtime.etext
    assert lineless > 1000  # padding is among them


def test_padding_has_no_position(module: GoModule) -> None:
    """The bytes behind a function up to the next entry belong to it, but to no line."""
    table = module.table
    padded = 0
    for index in range(table.nfunc):
        func = table.func(index)
        assert func is not None
        end = max((end for end, _ in _rows(module, func.pcln)), default=0)
        if 0 < end < func.end - func.entry:
            padded += 1
            assert table.position(func, func.entry + end) == (None, None)
            assert table.position(func, func.entry + end - 1) != (None, None)
            assert table.position(func, func.end - 1) == (None, None)
    assert padded > 1000


def _rows(module: GoModule, offset: int) -> list[tuple[int, int]]:
    from goinspect.gosym import pcvalue

    return list(pcvalue.rows(module.table.pctab, offset, module.table.quantum))


def test_functions_equal_go_tool_nm(build: str, module: GoModule) -> None:
    table = module.table
    mine = {
        (table.entry(i), table.name(func)) for i in range(table.nfunc) if (func := table.func(i)) is not None
    }
    text = [(int(vaddr, 16), name) for vaddr, _, kind, name in oracle_rows(build, "nm") if kind in "tT"]
    places = {name: vaddr for vaddr, name in text if name in MARKERS}
    theirs = {(vaddr, name.removesuffix(".abi0")) for vaddr, name in text if name not in MARKERS}
    assert len(mine) == table.nfunc > 1500
    dotted = {
        (vaddr, name.replace("\u00b7", ".")) if name in MIDDLE_DOT else (vaddr, name) for vaddr, name in mine
    }
    assert dotted == theirs
    assert {name for _, name in mine if "\u00b7" in name} == (MIDDLE_DOT if "go1.24" in build else set())
    assert places["runtime.text"] == table.text == table.entry(0)
    assert places["runtime.etext"] - 64 < table.entry(table.nfunc) <= places["runtime.etext"]


@pytest.mark.parametrize(("whole", "stripped"), TWINS)
def test_stripping_changes_no_answer(whole: str, stripped: str, modules: Callable[[str], GoModule]) -> None:
    one, other = modules(whole).table, modules(stripped).table
    assert one.nfunc == other.nfunc
    for index in range(one.nfunc):
        first, second = one.func(index), other.func(index)
        assert first == second
        assert first is not None
        assert second is not None
        assert one.name(first) == other.name(second)
        assert one.frame_size(first) == other.frame_size(second)
        assert inline.inlined_names(one, first) == inline.inlined_names(other, second)
    pcs = range(one.entry(0), one.entry(one.nfunc), 17)
    assert bulk_frames(BulkTable(one), pcs) == bulk_frames(BulkTable(other), pcs)


def test_engines_agree_everywhere(module: GoModule) -> None:
    """Pure and bulk engine on every 61st byte of the text, and around both of its ends."""
    table = module.table
    low, high = table.entry(0), table.entry(table.nfunc)
    pcs = [
        0,
        low - 1,
        *range(low, high, 61),
        *(table.entry(i) for i in range(table.nfunc)),
        high - 1,
        high,
        2**64 - 1,
    ]
    expected = [pure_frames(table, pc) for pc in pcs]
    bulk = BulkTable(table)
    assert bulk_frames(bulk, pcs) == expected
    assert bulk_frames(bulk, pcs, lines=False) == [without_lines(chain) for chain in expected]
    outermost = [chain[-1] if chain else None for chain in bulk_frames(bulk, pcs, inlines=False)]
    assert all((frame is None) == (not chain) for frame, chain in zip(outermost, expected, strict=True))
    for pc, frame in zip(pcs, outermost, strict=True):
        if frame is not None:  # without inlining the physical function has the position of the PC itself
            func = table.func(table.find(pc) or 0)
            assert func is not None
            assert frame == Frame(table.name(func), *table.position(func, pc), inlined=False)


def test_how_the_parts_were_found(build: str, module: GoModule) -> None:
    old_pie = build.startswith("go1.24-pie")
    assert module.found_by == ("section .data.rel.ro.gopclntab" if old_pie else "section .gopclntab")
    if build.startswith("go1.24"):
        assert module.text_from == module.gofunc_from == "moduledata, found by the pointer to gopclntab"
        assert module.header.text_start == module.table.text
    else:
        assert module.text_from == module.gofunc_from == "moduledata, found by section .go.module"
        assert module.header.text_start == 0
    assert module.warnings == ()
    assert module.header.layout.generation == "1.20"
    assert (module.header.byteorder, module.header.ptrsize, module.header.quantum) == ("little", 8, 1)


def test_build_info(build: str, module: GoModule) -> None:
    info = module.build_info
    assert info is not None
    series = build.removeprefix("go").partition("-")[0]
    assert parse_version(info.go_version) == tuple(map(int, series.split(".")))
    assert module.go_version == info.go_version
    assert module.table.release.since <= (parse_version(info.go_version) or ())
    assert info.main is not None
    assert info.path
    assert info.settings["-buildmode"] == ("pie" if "pie" in build else "exe")
    assert info.settings["-trimpath"] == "true"
    assert (info.settings["GOOS"], info.settings["GOARCH"], info.settings["CGO_ENABLED"]) == (
        "linux",
        "amd64",
        "0",
    )
    assert "-ldflags" not in info.settings  # -trimpath leaves them out
