"""Symbols, descriptions and comparisons of damaged files: what is damaged costs itself, and is told in few words."""

from __future__ import annotations

import struct
import warnings

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from goinspect.errors import GoinspectError
from tests.analysis.pcln.damaged import EDGES, FIELDS, SOUND, TEXT, VERSION, Answers, changed, header_of
from tests.builders import dwarf as dw
from tests.builders import rich
from tests.builders.rich import write_rich
from tests.examples import examples


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile")
    (path / "sound").write_bytes(SOUND)
    return path


@pytest.fixture(scope="module")
def sound(folder):
    return Answers(folder, SOUND)


@pytest.fixture(autouse=True)
def _no_noise():
    with warnings.catch_warnings(action="error", category=RuntimeWarning):
        yield


def test_the_sound_file(folder):
    found = Answers(folder, SOUND)
    assert found.said == ()
    assert found.names("gopclntab") <= found.names("symtab")
    for source in ("symtab", "dynsym", "gopclntab", "dwarf", "typedata"):
        assert found.names(source)
    assert found.info.module.path == "ex.com/a"
    assert {row.kind for row in found.symbols.rows} >= {"function", "variable", "tls", "type", "itab"}


# --- sections ---


@pytest.mark.parametrize("way", [{"offset": 1 << 40}, {"size": 1 << 40}, {"size": (1 << 64) - 1}], ids=str)
@pytest.mark.parametrize(
    "name",
    [
        ".symtab",
        ".strtab",
        ".dynsym",
        ".dynstr",
        ".debug_info",
        ".debug_abbrev",
        ".go.buildinfo",
        ".note.go.buildid",
    ],
)
def test_a_section_beyond_the_file_is_told_and_costs_only_itself(name, way, folder, sound):
    found = Answers(folder, changed(name, **way))
    assert any(f"section {name} beyond the file" in text for text in found.symbols.warnings)
    assert any(f"section {name} beyond the file" in text for text in found.info.warnings)
    assert found.names("gopclntab") == sound.names("gopclntab")
    assert found.names("typedata") == sound.names("typedata")
    for other, sections in {"symtab": (".symtab", ".strtab"), "dynsym": (".dynsym", ".dynstr")}.items():
        if name not in sections:
            assert found.names(other) == sound.names(other)


@pytest.mark.parametrize("link", [0, 255, 65535, (1 << 32) - 1])
def test_a_symbol_table_without_strings(link, folder):
    found = Answers(folder, changed(".symtab", link=link))
    assert any(f"string table {link} does not exist" in text for text in found.symbols.warnings)
    assert "main.main" in found.names("gopclntab")
    assert found.names("symtab") == set()


@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.sampled_from(
        [".text", ".rodata", ".noptrdata", ".bss", ".symtab", ".dynsym", ".debug_info", ".gopclntab"]
    ),
    st.dictionaries(
        st.sampled_from(sorted(FIELDS)), st.sampled_from((*range(12), *EDGES)), min_size=1, max_size=3
    ),
)
def test_headers_may_say_anything(folder, name, fields):
    fields = {
        field: value & ((1 << (32 if FIELDS[field][1] == "I" else 64)) - 1) for field, value in fields.items()
    }
    try:
        found = Answers(folder, changed(name, **fields))
    except GoinspectError:
        return
    assert "main.main" in found.names()


def repeated(row, count):
    """The sound file with `count` more section headers, all the same."""
    shoff, number = struct.unpack_from("<Q", SOUND, 40)[0], struct.unpack_from("<H", SOUND, 60)[0]
    out = bytearray(SOUND + SOUND[shoff : shoff + 64 * number] + row * count)
    struct.pack_into("<Q", out, 40, len(SOUND))
    struct.pack_into("<H", out, 60, 0)
    struct.pack_into("<Q", out, len(SOUND) + 32, number + count)  # more than 0xff00: in header 0
    return bytes(out)


@pytest.mark.parametrize("name", [".symtab", ".debug_info"])
def test_65500_sections(name, folder, sound):
    at = header_of(SOUND, name)
    found = Answers(folder, repeated(SOUND[at : at + 64], 65_500))
    assert found.names() == sound.names()


def test_65500_sections_beyond_the_file(folder):
    at = header_of(SOUND, ".text")
    beyond = bytearray(SOUND[at : at + 64])
    struct.pack_into("<Q", beyond, 24, 1 << 50)
    found = Answers(folder, repeated(bytes(beyond), 65_500))
    assert any("and 65496 more beyond the file" in text for text in found.said)


@pytest.mark.parametrize("part", [0.25, 0.5, 0.75, 0.9, 0.99])
def test_cut(part, folder, sound):
    found = Answers(folder, SOUND[: int(len(SOUND) * part)])
    assert any("truncated" in text for text in found.symbols.warnings)
    assert any("truncated" in text for text in found.info.warnings)
    short = {"ex.com/a%2eb.Do[...]"}  # of which only the symbol table has all
    assert found.names() - short <= sound.names()
    assert ("main.main" in found.names()) == (part >= 0.5)


def test_without_section_headers(folder):
    data = bytearray(write_rich(VERSION, stripped=True))
    data[40:48], data[60:64] = bytes(8), bytes(4)
    found = Answers(folder, bytes(data))
    assert "main.main" in found.names("gopclntab")
    assert "main.T" in found.names("typedata")
    assert found.info.module.path == "ex.com/a"
    assert found.info.stripped == "symbol table, DWARF and section headers"


# --- symbols ---


def test_sizes_that_cannot_be_hide_nothing(folder, sound):
    claims = [
        ("big.a", TEXT - 1, 1 << 62, 2, 1, 1), ("big.b", TEXT, (1 << 64) - 1, 2, 1, 1), ("big.c", 0, 1 << 62, 1, 1, 0xFFF1),
        ("big.d", 0x500000, 1 << 62, 1, 1, 2), *((f"big.{i}", i << 58, 1 << 58, 1, 1, 2) for i in range(63)),
    ]  # fmt: skip
    found = Answers(folder, write_rich(VERSION, more=claims))
    assert found.bytes == sound.bytes
    assert found.names() > sound.names()
    (warning,) = found.symbols.warnings
    assert warning.startswith("sizes of symbols that are bigger than their section are left out: ")


def test_addresses_anywhere(folder, sound):
    top = (1 << 64) - 1
    odd = [("odd", address, size, kind, 1, section) for address in (0, 1, 1 << 63, top) for size in (0, 1, top)
           for kind in (0, 1, 2, 6, 10, 13) for section in (0, 1, 7, 200, 0xFF00, 0xFFF1, 0xFFF2)]  # fmt: skip
    found = Answers(folder, write_rich(VERSION, more=odd))
    assert found.names() == sound.names() | {"odd"}


@pytest.mark.parametrize("name", ["main.x{}", "main.x", "main.(*T).Text{}.abi0", ""])
def test_twenty_thousand_symbols_at_one_address(name, folder, sound):
    found = Answers(
        folder, write_rich(VERSION, more=[(name.format(i), TEXT, 4, 2, 1, 1) for i in range(20_000)])
    )
    assert found.bytes == sound.bytes


@pytest.mark.parametrize("start", ["", "main.", "type:", "type:.eq.", "go:itab.", "a/b.(*"])
def test_long_names_take_no_longer(start, folder, sound):
    parts = [
        "[",
        "](",
        "(*",
        ".",
        "/",
        "%2e",
        "...",
        "[...]",
        "func1.",
        "-fm.",
        "·",
        "struct { ",
        "map[",
        '"',
        "`",
        "\\",
        " ",
        ",",
        "*",
    ]
    rows = [(start + part * 20_000, TEXT + i, 1, 1 + i % 2, 1, 1) for i, part in enumerate(parts)]
    found = Answers(folder, write_rich(VERSION, more=rows))
    assert len(found.names()) == len(parts) + len(sound.names())


def test_names_that_share_their_bytes(monkeypatch, folder, sound):
    """What comes before the limit stays."""
    write = rich.symbols

    def overlapping(elf, name, rows):
        table, strings = write(elf, name, rows)
        start = len(strings.data)
        strings.data += b"main." + b"x" * 100_000 + b"\0"
        table.data += b"".join(elf.pack("IBBHQQ", start + i, 0x12, 0, 1, TEXT, 4) for i in range(20_000))
        return [table, strings]

    monkeypatch.setattr(rich, "symbols", overlapping)
    data = write_rich(VERSION)
    monkeypatch.undo()
    found = Answers(folder, data)
    assert any("names overlap in the string table" in text for text in found.symbols.warnings)
    for source in ("symtab", "gopclntab", "dwarf", "typedata"):
        assert found.names(source) >= sound.names(source)
    assert sum(len(name) for name in found.names()) < 10 * len(data)


# --- DWARF ---


def with_dwarf(monkeypatch, children, unit=(), extra=None):
    info = dw.Dwarf(5)
    head = [(dw.LANGUAGE, dw.DATA1, dw.GO), (dw.NAME, dw.STRING, "u"), *unit]
    info.units, info.extra = [dw.Die(dw.COMPILE_UNIT, head, children)], extra or {}
    sections = [rich.Section(f".debug_{name}", data) for name, data in info.write().items()]
    monkeypatch.setattr(rich, "debug", lambda *_args, **_options: sections)
    return write_rich(VERSION)


def function(name, start, size, *more):
    return dw.Die(
        dw.SUBPROGRAM,
        [(dw.NAME, dw.STRING, name), (dw.LOW_PC, dw.ADDR, start), (dw.HIGH_PC, dw.UDATA, size), *more],
    )


def test_numbers_of_dwarf_that_are_too_big(monkeypatch, folder, sound):
    numbers = (-(1 << 62), -1, 1 << 31, 1 << 40, (1 << 62) - 1)
    children = [
        function(f"main.l{i}", TEXT + i, 1 << 60, (dw.DECL_LINE, dw.SDATA, n), (dw.DECL_FILE, dw.SDATA, n))
        for i, n in enumerate(numbers)
    ]
    children += [
        dw.Die(dw.SUBPROGRAM, [(dw.NAME, dw.STRING, f"main.r{at}"), (dw.RANGES, dw.SEC_OFFSET, at)])
        for at in (0, 9, 20)
    ]
    children += [
        dw.Die(dw.TYPEDEF, [(dw.NAME, dw.STRING, f"main.T{i}"), (dw.GO_RUNTIME_TYPE, form, n), (dw.BYTE_SIZE, form, n)])
        for i, (form, n) in enumerate([(dw.SDATA, -5), (dw.UDATA, 1 << 69), (dw.DATA16, 1 << 127), (dw.ADDR, (1 << 64) - 1)])
    ]  # fmt: skip
    most = b"\xff" * 9 + b"\x7f"
    ranges = b"\x05" + b"\xff" * 8 + b"\x04\0" + most + b"\x07" + b"\xfe" + b"\xff" * 7 + most + b"\0"
    data = with_dwarf(monkeypatch, children, [(dw.LOW_PC, dw.ADDR, (1 << 64) - 1)], {"rnglists": ranges})
    found = Answers(folder, data)
    monkeypatch.undo()
    assert found.names("dwarf") >= {f"main.l{i}" for i in range(len(numbers))}
    assert found.bytes == sound.bytes


@pytest.mark.parametrize("packed", ["zstd", "zlib", "gnu"])
def test_dwarf_that_cannot_be_unpacked_is_a_warning(packed, folder, sound):
    data = write_rich(VERSION, packed=packed)
    if packed != "zstd":
        data = data.replace(b"\x78\x9c", b"\x78\x00")
    found = Answers(folder, data)
    assert [text for text in found.symbols.warnings if "DWARF cannot be read: " in text]
    assert [text for text in found.info.warnings if "DWARF" in text]
    assert found.names("symtab") == sound.names("symtab")


# --- type data and build information ---


@pytest.mark.parametrize(
    "version", [(1, 7), (1, 16), (1, 24), (1, 27)], ids=lambda version: f"1.{version[1]}"
)
def test_type_data_cut_off(version, folder):
    data = bytearray(write_rich(version))
    start, size = struct.unpack_from("<2Q", data, header_of(data, ".rodata") + 24)
    for keep in (0, size // 4, size // 2, size - 40):
        damaged = data[: start + keep] + bytes(size - keep) + data[start + size :]
        found = Answers(folder, bytes(damaged))
        assert {"main.main", "runtime.memmove"} <= found.names("gopclntab")


@pytest.mark.parametrize("size", [14, 15, 32, 33, 40, 60, 150])
def test_build_information_cut_off(size, folder, sound):
    start, whole = struct.unpack_from("<2Q", SOUND, header_of(SOUND, ".go.buildinfo") + 24)
    found = Answers(folder, SOUND[: start + size] + bytes(whole - size) + SOUND[start + whole :])
    assert found.names() == sound.names()
    assert found.info.module is None or found.info.module.path == "ex.com/a"


def test_settings_that_repeat(monkeypatch, folder):
    text = "path\tex.com/a\n" + "".join(f"build\tkey{i % 5000}=1\n" for i in range(50_000))
    monkeypatch.setattr(rich, "MODULES", text)
    found = Answers(folder, write_rich(VERSION))
    assert len(found.info.settings) == 5000
    assert [told for told in found.info.warnings if "key0 occurs more than once" in told]
    assert found.info.warnings[-1] == "4997 more settings occur more than once"


@examples(100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.sampled_from([".symtab", ".dynsym", ".strtab", ".rodata", ".noptrdata", ".debug_info", ".debug_abbrev", ".go.buildinfo"]),
    st.lists(st.tuples(st.integers(0, 4095), st.sampled_from(EDGES), st.sampled_from("BHIQ")), min_size=1, max_size=6),
)  # fmt: skip
def test_numbers_in_a_section_may_be_anything(folder, sound, name, words):
    start, size = struct.unpack_from("<2Q", SOUND, header_of(SOUND, name) + 24)
    data = bytearray(SOUND)
    for place, number, letter in words:
        width = struct.calcsize(letter)
        at = min(start + place % size & -width, start + size - width)
        struct.pack_into(f"<{letter}", data, at, number & (1 << 8 * width) - 1)
    try:
        found = Answers(folder, bytes(data))
    except GoinspectError:
        return
    assert found.names("gopclntab") <= sound.names("gopclntab") or name == ".strtab"
