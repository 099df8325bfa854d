"""`describe` against the go command and readelf, on every binary among the fixtures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from goinspect.analysis.builds.ledger import Ledger
from goinspect.analysis.builds.overview import describe
from goinspect.binary import Binary
from goinspect.errors import GoinspectError
from goinspect.render.json.info import render_go_version
from tests.conftest import FIXTURES, oracle_rows
from tests.cprograms import C_PROGRAM
from tests.examples import examples
from tests.unpacked import unpack_tar

ORACLE = json.loads((Path(__file__).parent / "info_oracle.json").read_text("utf-8"))
ELF = sorted(name for name, answer in ORACLE.items() if "elf" in answer)
# How the builds of the matrix were made, by the end of their name: build mode, position-independent, link mode, cgo.
MADE = {
    "cshared": ("c-shared", True, "external", True),
    "carchive": ("c-archive", None, None, True),
    "external": ("exe", False, "external", True),
    "extpie": ("pie", True, "external", True),
    "texts": ("exe", False, "external", True),
    "pie": ("pie", True, "internal", False),
    "wasm": ("exe", None, "internal", False),
    "darwin-arm64": ("exe", True, "internal", False),
    "windows-amd64": ("exe", True, "internal", False),
}


@pytest.fixture(scope="session")
def described(tmp_path_factory, fixture_file):
    """Name of a binary -> (its path, what is said of it); each is looked at once."""
    root, done = tmp_path_factory.mktemp("info"), {}

    def get(name):
        if name not in done:
            if name.startswith("matrix/"):
                path = root / name.removeprefix("matrix/") / "workload"
                if not path.exists():
                    unpack_tar(FIXTURES / "matrix" / f"{path.parent.name.partition('-')[0]}.tar.xz", root)
            else:
                path = fixture_file(name, "workload")
            done[name] = path, describe(Binary(path))
        return done[name]

    return get


@pytest.mark.parametrize("name", sorted(ORACLE))
def test_go_version_and_build_id(name, described):
    path, info = described(name)
    expected = ORACLE[name]
    if expected["go_version_m"]:
        assert render_go_version([info]) == f"{path}: {expected['go_version_m']}"
        assert info.go_version_from == "build information"
    else:  # the go command opens neither WebAssembly nor archives
        assert name.endswith(("wasm", "carchive"))
        assert info.go_version.startswith("go1.")
    if expected["go_build_id"]:
        assert info.go_build_id == expected["go_build_id"]
    assert info.go is True
    assert info.warnings == ()


@pytest.mark.parametrize("name", ELF)
def test_elf_headers(name, described):
    _, info = described(name)
    expected = ORACLE[name]["elf"]
    assert str(info.bits) == expected["class"]
    assert info.byteorder == expected["byteorder"]
    assert {"exec": "EXEC", "dyn": "DYN"}[info.type] == expected["type"]
    assert hex(info.entry) == expected["entry"]
    assert info.interpreter == expected["interpreter"]
    assert info.gnu_build_id == expected["gnu_build_id"]
    assert list(info.libraries) == expected["libraries"]
    assert info.static is (not expected["libraries"] and expected["interpreter"] is None)


@pytest.mark.parametrize("name", sorted(ORACLE))
def test_parts_add_up(name, described):
    _, info = described(name)
    if not name.endswith("carchive"):  # of an archive, a member is described
        assert info.size == ORACLE[name]["size"]
    assert sum(row.bytes or 0 for row in info.tables if row.within is None) == info.size
    assert all(row.bytes in (None, 0) for row in info.tables if not row.present)


@pytest.mark.parametrize("name", ELF)
def test_parts_are_the_sections(name, described):
    _, info = described(name)
    sections = ORACLE[name]["elf"]["sections"]

    def summed(*patterns):
        return sum(
            size for section, size in sections.items() if any(re.fullmatch(p, section) for p in patterns)
        )

    assert info.table("symtab").bytes == summed(r"\.symtab", r"\.strtab")
    assert info.table("dynsym").bytes == summed(r"\.dynsym", r"\.dynstr")
    assert info.table("DWARF").bytes == summed(r"\.z?debug_.*")
    assert info.table("relocations").bytes == summed(r"\.rela?(\..*)?")
    assert info.table("notes").bytes == summed(r"\.note.*")
    for part, section in (
        ("gopclntab", ".gopclntab"),
        ("moduledata", ".go.module"),
        ("build info", ".go.buildinfo"),
    ):
        if section in sections:
            assert info.table(part).bytes == sections[section], part


@pytest.mark.parametrize("name", [name for name in ELF if not name.endswith("stripped") and "/" not in name])
def test_moduledata_is_as_long_as_its_symbol(name, described):
    _, info = described(name)
    rows = (row if len(row) > 1 else row[0].split(None, 3) for row in oracle_rows(name, "nm"))
    symbols = {row[3]: (int(row[0], 16), int(row[1])) for row in rows if row[2] != "U"}
    row = info.table("moduledata")
    assert (row.address, row.bytes) == symbols["runtime.firstmoduledata"]


@pytest.mark.parametrize("name", sorted(name for name in ORACLE if name.startswith("matrix/")))
def test_how_it_was_linked(name, described):
    _, info = described(name)
    made = next((how for end, how in MADE.items() if name.endswith(end)), ("exe", False, "internal", False))
    assert (info.build_mode, info.pie, info.linkmode, info.cgo) == made
    assert info.os == name.split("-")[1]
    assert info.arch == name.split("-")[2]
    assert info.trimpath is True
    assert info.optimized is True
    assert info.sanitizer is None
    assert {"build_mode", "os", "cgo"} <= set(info.reasons)


@pytest.mark.parametrize("name", ["go1.24-pie", "go1.27-exe"])
def test_whole_and_stripped(name, described):
    whole, stripped = (described(build)[1] for build in (name, name.replace("-exe", "-") + "stripped"))
    assert whole.stripped == "no"
    assert stripped.stripped == "symbol table and DWARF"
    assert whole.table("gopclntab").bytes == stripped.table("gopclntab").bytes
    assert whole.table("symtab").present
    assert not stripped.table("symtab").present


def test_without_section_headers(described, tmp_path):
    """Everything is found by what it holds, but for the GNU build ID, which PT_NOTE of Go's linker does not cover."""
    path, whole = described("go1.27-piestripped")
    data = bytearray(path.read_bytes())
    data[0x28:0x30] = bytes(8)  # e_shoff
    data[0x3C:0x40] = bytes(4)  # e_shnum, e_shstrndx
    bare = tmp_path / "bare"
    bare.write_bytes(data)
    info = describe(Binary(bare))
    for field in ("go_version", "module", "deps", "settings", "go_build_id", "interpreter", "libraries",
                  "build_mode", "linkmode", "cgo", "os"):  # fmt: skip
        assert getattr(info, field) == getattr(whole, field), field
    for part in ("gopclntab", "moduledata", "build info"):
        ours, theirs = info.table(part), whole.table(part)
        assert (ours.address, ours.count) == (theirs.address, theirs.count)
        assert abs(ours.bytes - theirs.bytes) < 64
    assert info.table("relocations").count == whole.table("relocations").count
    assert info.stripped == "symbol table, DWARF and section headers"
    assert sum(row.bytes or 0 for row in info.tables if row.within is None) == info.size


def test_a_program_of_c():
    info = describe(Binary(C_PROGRAM))
    assert info.go is False
    assert (info.go_version, info.module, info.linkmode, info.cgo) == (None, None, None, None)
    assert info.table("code").bytes > 0
    assert any("not a Go executable" in warning for warning in info.warnings)


def test_two_symbol_tables_that_damaged_headers_tell_of(described, tmp_path):
    path, _ = described("matrix/go1.24-linux-amd64-pie")
    content = bytearray(path.read_bytes())
    content[60:64] = b"\x00\x12\x00\x00"  # e_shnum and e_shstrndx
    damaged = tmp_path / "damaged"
    damaged.write_bytes(content[:1_118_561])
    info = describe(Binary(damaged))
    assert sum(row.bytes or 0 for row in info.tables if row.within is None) == info.size


@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_damage_is_an_error_or_an_answer(described, tmp_path, data):
    path, _ = described("matrix/go1.24-linux-amd64-pie")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.one_of(st.integers(0, 0x400), st.integers(0, len(content) - 8)))
        content[at : at + 4] = data.draw(st.binary(min_size=4, max_size=4))
    cut = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    damaged = tmp_path / "damaged"
    damaged.write_bytes(content[:cut])
    try:
        info = describe(Binary(damaged))
    except GoinspectError:
        return
    assert sum(row.bytes or 0 for row in info.tables if row.within is None) == info.size


@given(st.integers(1, 60), st.lists(st.tuples(st.integers(-5, 70), st.integers(-2, 30)), max_size=20))
def test_ledger_counts_each_byte_once(size, claims):
    ledger, taken = Ledger(size), set()
    for offset, length in claims:
        wanted = set(range(max(offset, 0), min(offset + max(length, 0), size)))
        assert ledger.claim(offset, length) == len(wanted - taken)
        taken |= wanted
    assert ledger.unclaimed == size - len(taken)
