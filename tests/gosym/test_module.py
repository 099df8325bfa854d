"""From a file to an understood table: every release, byte order and pointer size; stripped of all that helps."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.analysis.pcln.frames import resolve
from goinspect.analysis.pcln.functions import list_functions
from goinspect.binary import Binary
from goinspect.errors import GoinspectError, NotGoError, QueryError
from goinspect.gosym.bulk.table import BulkTable
from goinspect.gosym.layout import release_for
from goinspect.gosym.module import load
from goinspect.objfile import open_image
from tests.builders.elf import DYN, Elf, Part, R, X
from tests.builders.elfobj import Core
from tests.builders.module import DATA, TABLE, TEXT, gofunc_room, moduledata_words, write_module
from tests.builders.pclntab import build
from tests.builders.program import Function, Inlined
from tests.examples import examples
from tests.gosym.answers import bulk_frames, pure_frames
from tests.gosym.programs import VERSIONS, truth

if TYPE_CHECKING:
    from pathlib import Path

    from goinspect.gosym.module import GoModule

MACHINES = [("little", 8, 1), ("little", 4, 4), ("big", 8, 2), ("big", 4, 4)]
IDS = [f"1.{minor}" for _, minor in VERSIONS]


def open_module(folder: Path, data: bytes) -> GoModule:
    path = folder / "module"
    path.write_bytes(data)
    return load(open_image(path))


def switch_id(version) -> int:
    """The funcID of runtime.systemstack_switch."""
    steps = {(1, 25): 22, (1, 22): 21, (1, 18): 20, (1, 17): 21, (1, 11): 12, (1, 2): 0}
    return next(number for since, number in steps.items() if version >= since)


def program(version, count: int = 60, quantum: int = 4) -> list[Function]:
    """Functions as real ones: some inline, some do not, one has the funcID that its release gives it."""
    out = [
        Function(
            "runtime.systemstack_switch", 4 * quantum, files=[(4 * quantum, "runtime/asm.s")],
            lines=[(4 * quantum, 9)], flag=4, func_id=switch_id(version), sp=[(4 * quantum, 0)],
        )
    ]  # fmt: skip
    for number in range(count):
        size = (4 + number % 9) * quantum
        plain = Function(
            f"main.f{number}", size, files=[(size, f"main{number % 7}.go")],
            lines=[(quantum, number + 1), (size, number + 5)], sp=[(quantum, 0), (size, 48)], func_id=number % 3,
            start_line=number, deferreturn=0,
        )  # fmt: skip
        if number % 2 and version >= (1, 9):
            tree = [
                Inlined(f"main.inner{number}", 0, -1, f"main{number % 7}.go", number + 1, 0, 3),
                Inlined(f"main.leaf{number}", quantum, 0, f"main{number % 7}.go", number + 5, 0, 4),
            ]
            plain = Function(
                **{f: getattr(plain, f) for f in ("name", "size", "files", "lines", "sp", "func_id", "start_line")},
                inlined=[(quantum, -1), (2 * quantum, 0), (size, 1)], tree=tree,
            )  # fmt: skip
        out.append(plain)
    return out


def layout(release) -> tuple:
    return release.func, release.inline, release.pcdata_inline, release.funcdata_inline


@pytest.mark.parametrize(("byteorder", "ptrsize", "quantum"), MACHINES)
@pytest.mark.parametrize("version", VERSIONS, ids=IDS)
def test_release_is_told_by_structure(version, byteorder, ptrsize, quantum, tmp_path) -> None:
    functions = program(version, quantum=quantum)
    module = write_module(functions, version, byteorder=byteorder, ptrsize=ptrsize, quantum=quantum)
    go = open_module(tmp_path, module.data)
    assert go.go_version is None
    assert go.release_from == "structure of the records"
    expected = release_for(version)
    if (1, 5) <= version < (1, 9):  # no tree is there, whatever the row says of trees
        assert go.table.release.func == expected.func
    else:
        assert layout(go.table.release) == layout(expected)
    pcs = range(TEXT, module.built.entries[-1])
    expected_frames = [truth(functions, module.built, pc) for pc in pcs]
    assert bulk_frames(BulkTable(go.table), pcs) == expected_frames
    assert [pure_frames(go.table, pc) for pc in pcs] == expected_frames
    assert go.warnings == ()


@pytest.mark.parametrize("headers", [True, False], ids=["sections", "segments"])
@pytest.mark.parametrize("magic", ["sound", "changed"])
@pytest.mark.parametrize(
    "version", [(1, 4), (1, 15), (1, 16), (1, 17), (1, 18), (1, 20), (1, 25), (1, 27)], ids=str
)
def test_table_is_found_without_name_and_magic(version, magic, headers, tmp_path) -> None:
    functions = program(version)
    module = write_module(functions, version, headers=headers, section=".rodata.x")
    data = module.data
    if magic == "changed":
        at = data.index(module.built.data)
        data = data[:at] + b"\x13\x57\x9b\xdf" + data[at + 4 :]
    go = open_module(tmp_path, data)
    assert go.table.vaddr == TABLE
    assert go.found_by.startswith("scan")
    assert ("magic" in go.found_by) == (magic == "changed")
    assert go.header.layout.since <= version
    pcs = range(TEXT, module.built.entries[-1], 3)
    assert [pure_frames(go.table, pc) for pc in pcs] == [truth(functions, module.built, pc) for pc in pcs]


@pytest.mark.parametrize("version", [(1, 16), (1, 17), (1, 18), (1, 20), (1, 25), (1, 26), (1, 27)], ids=str)
def test_overwritten_header_is_made_again_from_moduledata(version, tmp_path) -> None:
    functions = program(version, quantum=1)
    module = write_module(functions, version, headers=False)
    at = module.data.index(module.built.data)
    size = 8 + 8 * (8 if version >= (1, 18) else 7)
    go = open_module(tmp_path, module.data[:at] + bytes(size) + module.data[at + size :])
    assert go.found_by == "moduledata (the header was overwritten)"
    pcs = range(TEXT, module.built.entries[-1], 3)
    assert [pure_frames(go.table, pc) for pc in pcs] == [truth(functions, module.built, pc) for pc in pcs]


def test_section_with_a_changed_magic(tmp_path) -> None:
    module = write_module(program((1, 27)), (1, 27))
    at = module.data.index(module.built.data)
    go = open_module(tmp_path, module.data[:at] + b"\x01\x02\x03\x04" + module.data[at + 4 :])
    assert go.found_by == "section .gopclntab"
    assert go.table.nfunc == 61


def test_a_table_of_another_program_inside_of_the_data_is_not_taken(tmp_path) -> None:
    """The embedded one comes first in the file; only the program's own is pointed to by a moduledata."""
    module = write_module(program((1, 27)), (1, 25), section=".x")
    other = write_module(program((1, 25), 12), (1, 25), section=".x")
    data = bytearray(module.data)
    at = data.index(b"\x90" * 16)
    small = other.built.data[: len(other.built.data)]
    assert len(small) > 0
    room = module.built.entries[-1] - TEXT
    if len(small) <= room:
        data[at : at + len(small)] = small
    go = open_module(tmp_path, bytes(data))
    assert go.table.vaddr == TABLE
    assert go.table.nfunc == 61


def test_gofunc_behind_an_alignment_gap(tmp_path) -> None:
    """Seen in real binaries of Go 1.26: the block has the alignment of its largest member, not the pointer size."""
    functions = program((1, 26))
    module = write_module(functions, (1, 26))
    go = open_module(tmp_path, module.data)
    gap = 16  # of zeros, between the records and the block
    table = module.built
    at = table.data.rindex(table.gofunc)
    data = module.data.replace(table.data, b"")  # only its length changes below
    assert len(data) < len(module.data)
    longer = table.data[:at] + bytes(gap - at % 16 if at % 16 else 0) + table.data[at:]
    place = module.data.index(table.data)
    room = module.data[place : place + len(longer)]
    assert set(room[len(table.data) :]) <= {0}
    moved = bytearray(module.data[:place] + longer + module.data[place + len(longer) :])
    # No moduledata: the block must be found behind the records.
    word = DATA.to_bytes(8, "little")
    assert word
    offset = module.data.index(
        TABLE.to_bytes(8, "little") + (TABLE + go.header.funcnametab).to_bytes(8, "little")
    )
    moved[offset : offset + 8] = bytes(8)
    path = tmp_path / "moved"
    path.write_bytes(bytes(moved))
    found = load(open_image(path))
    assert found.gofunc_from == "end of functab"
    pcs = range(TEXT, table.entries[-1], 5)
    assert [pure_frames(found.table, pc) for pc in pcs] == [truth(functions, table, pc) for pc in pcs]


@examples(15, derandomize=True)
@given(data=st.data())
@pytest.mark.parametrize("version", [(1, 18), (1, 20), (1, 25), (1, 26), (1, 27)], ids=str)
def test_several_text_sections(version, data, tmp_path_factory) -> None:
    functions = program(version)
    entries = [0]
    for function in functions:
        entries.append(entries[-1] + function.size)
    cuts = tuple(sorted(data.draw(st.sets(st.sampled_from(entries[1:-1]), min_size=1, max_size=4))))
    ptrsize = data.draw(st.sampled_from((4, 8)))
    module = write_module(functions, version, cuts=cuts, ptrsize=ptrsize)
    go = open_module(tmp_path_factory.mktemp("text"), module.data)
    assert len(go.table.text_map.sections) == len(cuts) + 1
    bulk = BulkTable(go.table)
    where = {module.address(offset): offset for offset in range(entries[-1])}
    pcs = range(TEXT - 2, max(where) + 20)
    expected = [truth(functions, module.built, TEXT + where[pc]) if pc in where else () for pc in pcs]
    assert [pure_frames(go.table, pc) for pc in pcs] == expected
    assert bulk_frames(bulk, pcs) == expected
    for index, function in enumerate(functions):  # a function ends with its section
        func = go.table.func(index)
        assert func is not None
        assert func.end - func.entry == function.size
        assert int(bulk.records.ends[index]) == func.end


def test_without_moduledata_text_is_taken_from_what_is_left(tmp_path) -> None:
    functions = program((1, 25))
    module = write_module(functions, (1, 25), text_start=False)
    go = open_module(tmp_path, module.data)
    assert go.text_from == "gopclntab header"
    assert go.gofunc_from == ""
    assert any("no inlined frames" in warning for warning in go.warnings)
    functions = program((1, 27))
    module = write_module(functions, (1, 27), text_start=False)
    go = open_module(tmp_path, module.data)
    assert go.text_from == "section .text"
    assert any("text base taken from section .text" in warning for warning in go.warnings)
    assert go.gofunc_from == "end of functab"
    pcs = range(TEXT, module.built.entries[-1], 3)
    assert [pure_frames(go.table, pc) for pc in pcs] == [truth(functions, module.built, pc) for pc in pcs]


@pytest.mark.parametrize("build", ["go1.24-exe", "go1.27-stripped"])
def test_a_file_that_ends_inside_of_its_table(build, fixture_file, tmp_path) -> None:
    """Nothing is made up: what is left is right, and the rest is counted."""
    whole = Binary(fixture_file(build, "workload"))
    table = whole.go.table
    data = fixture_file(build, "workload").read_bytes()
    start = data.index(bytes(table.data[:64]))
    func = table.func(table.nfunc * 3 // 4)
    assert func is not None
    path = tmp_path / "cut"
    path.write_bytes(data[: start + func.record + 20])
    binary = Binary(path, text_start=table.text)
    assert binary.go.table.nfunc == table.nfunc
    listed = list_functions(binary)
    known = {row.entry: row.name for row in list_functions(whole).rows}
    assert table.nfunc // 2 < len(listed.rows) < table.nfunc
    assert all(known[row.entry] == row.name for row in listed.rows)
    missing = table.nfunc - len(listed.rows)
    assert any(warning.startswith(f"{missing} of {table.nfunc} functions") for warning in listed.warnings)
    pcs = [hex(table.entry(index)) for index in range(table.nfunc)]
    for part in (pcs, pcs[-40:]):  # by both engines
        report = resolve(binary, part)
        assert any("damaged" in warning for warning in report.warnings)
        for row in report.rows:
            assert row.function in (None, known[row.pc])


def test_text_start_can_be_given(tmp_path) -> None:
    module = write_module(program((1, 27)), (1, 27), text_start=False)
    path = tmp_path / "module"
    path.write_bytes(module.data)
    go = load(open_image(path), text_start=TEXT + 0x100)
    assert go.text_from == "--text-start"
    assert go.table.entry(0) == TEXT + 0x100


def test_a_program_without_a_table(tmp_path) -> None:
    module = write_module(program((1, 27)), (1, 27), headers=False)
    at = module.data.index(module.built.data)
    empty = module.data[:at] + bytes(len(module.built.data)) + module.data[at + len(module.built.data) :]
    with pytest.raises(NotGoError):
        open_module(tmp_path, empty)


def test_damage_never_escapes(tmp_path) -> None:
    rng = np.random.default_rng(7)
    messages = {""}
    for version in ((1, 4), (1, 12), (1, 16), (1, 19), (1, 25), (1, 27)):
        module = write_module(program(version, 20), version)
        for _ in range(60):
            data = bytearray(module.data)
            for at in rng.integers(0, len(data), 6):
                data[at] = rng.integers(256)
            try:
                go = open_module(tmp_path, bytes(data))
                pure_frames(go.table, TEXT + 9)
                bulk_frames(BulkTable(go.table), range(TEXT, TEXT + 99, 7))
            except GoinspectError as error:
                messages.add(str(error))
    assert not any("\n" in message for message in messages)


def test_entries_of_exported_functions_are_filled_in_by_relocations(tmp_path) -> None:
    """Seen in a shared object of Go 1.17: functab has 0 where the loader puts the address of a dynamic symbol."""
    functions = program((1, 17))
    module = write_module(functions, (1, 17))
    entries = module.built.entries
    elf = Elf(type=DYN, parts=[Part(".text", TEXT, b"\x90" * (entries[-1] - TEXT + 16), R | X)])
    table = bytearray(module.built.data)
    functab = int.from_bytes(table[8 + 6 * 8 : 8 + 7 * 8], "little")
    for index in (7, 20, len(functions)):  # two functions and the end
        at = functab + 16 * index
        assert int.from_bytes(table[at : at + 8], "little") == entries[index]
        table[at : at + 8] = bytes(8)
        elf.symbolics.append((TABLE + at, entries[index] - 3, 3))
    elf.parts.append(Part(".data.rel.ro", TABLE, bytes(table)))
    elf.parts.append(Part(".rodata1", module.built.funcdata_vaddr, module.built.funcdata))
    go = open_module(tmp_path, elf.write())
    assert go.found_by == "scan of the segments"
    assert [go.table.entry(index) for index in range(len(entries))] == entries
    pcs = range(TEXT, entries[-1])
    expected = [truth(functions, module.built, pc) for pc in pcs]
    assert [pure_frames(go.table, pc) for pc in pcs] == expected
    assert bulk_frames(BulkTable(go.table), pcs) == expected


def test_a_newer_release_is_read_as_the_newest_known_and_said_so(tmp_path) -> None:
    functions = program((1, 27))
    module = write_module(functions, (1, 27), go_version="go1.31.2")
    go = open_module(tmp_path, module.data)
    assert go.go_version == "go1.31.2"
    assert go.release_from == "build information"
    assert go.warnings == ("Go 1.31 is newer than 1.27, the newest known: read as that",)
    pcs = range(TEXT, module.built.entries[-1], 3)
    assert [pure_frames(go.table, pc) for pc in pcs] == [truth(functions, module.built, pc) for pc in pcs]


def test_a_newer_release_with_another_moduledata_keeps_what_it_can(tmp_path) -> None:
    """Fields that moved cost nothing that can be found otherwise: the text base is checked, gofunc searched for."""
    functions = program((1, 27))
    module = write_module(functions, (1, 27), go_version="go1.40")
    at = module.data.index(struct.pack("<4Q", TEXT, module.built.entries[-1], TEXT, module.built.entries[-1]))
    moved = bytearray(module.data)
    moved[at : at + 32] = struct.pack("<4Q", 1, 2, 3, 4)  # minpc, maxpc, text, etext
    gofunc = struct.pack("<Q", TABLE + len(module.built.data) - gofunc_room(module.built, (1, 27)))
    place = module.data.index(gofunc, at)
    moved[place : place + 8] = bytes(8)
    go = open_module(tmp_path, bytes(moved))
    assert go.text_from == "section .text"
    assert go.gofunc_from == "end of functab"
    pcs = range(TEXT, module.built.entries[-1], 3)
    assert [pure_frames(go.table, pc) for pc in pcs] == [truth(functions, module.built, pc) for pc in pcs]


def test_a_symbol_leads_to_a_table_that_no_longer_looks_like_one(tmp_path) -> None:
    functions = program((1, 25))
    module = write_module(functions, (1, 25), section=".x", symbols=True)
    data = bytearray(module.data)
    start = module.data.index(module.built.data)
    functab = start + int.from_bytes(module.built.data[8 + 7 * 8 : 8 + 8 * 8], "little")
    for index in range(0, len(functions), 2):  # lengths of arrays
        record = functab + int.from_bytes(data[functab + 8 * index + 4 : functab + 8 * index + 8], "little")
        data[record + 28 : record + 32] = b"\x77\0\0\0"
    go = open_module(tmp_path, bytes(data))
    assert go.found_by == "symbol runtime.pclntab"
    assert go.table.nfunc == len(functions)
    assert pure_frames(go.table, module.built.entries[1])[-1].function == "main.f0"


def test_several_modules_in_one_core(tmp_path) -> None:
    """A program and a plugin: an address is answered by the module whose text holds it, a name by the first."""
    memory = []
    tables = []
    for shift in (0, 0x4000000):
        functions = [
            replace(f, name=f"{'plugin' if shift else 'main'}.{i}") for i, f in enumerate(program((1, 27)))
        ]
        built = build(functions, (1, 27), vaddr=TABLE + shift, text=TEXT + shift, quantum=1)
        size = built.entries[-1] - built.text
        words = moduledata_words((1, 27), built, ((0, size, TEXT + shift),), 0, 8)
        data = struct.pack(f"<{len(words)}Q", *words)
        code = b"\x90" * (size + 16)
        memory += [(TEXT + shift, len(code), code, 5), (TABLE + shift, len(built.data), built.data, 4)]
        memory.append((DATA + shift, len(data), data, 6))
        tables.append((functions, built))
    path = tmp_path / "core"
    path.write_bytes(Core(memory=memory).write())
    binary = Binary(path)
    assert len(binary.views) == 2
    for functions, built in tables:
        pcs = range(built.text, built.entries[-1], 11)
        report = resolve(binary, [hex(pc) for pc in pcs])
        assert [row.frames for row in report.rows] == [truth(functions, built, pc) for pc in pcs]
    (row,) = resolve(binary, ["plugin.3"]).rows
    assert row.pc == tables[1][1].entries[3]
    (row,) = resolve(binary, ["main.3"]).rows
    assert row.pc == tables[0][1].entries[3]
    with pytest.raises(QueryError):
        resolve(binary, ["nobody.3"])
