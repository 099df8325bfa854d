"""Debug sections of each container and compression, and what their headers say of them."""

from __future__ import annotations

import sys
import zlib

import pytest

from goinspect.dwarf import read_symbols, summarize
from goinspect.dwarf.sections import MAX_UNPACKED, find_section, unpack
from goinspect.errors import GoinspectError, MalformedError, UnsupportedError
from tests.builders import dwarf as dw
from tests.dwarf.images import COMPRESSED, SectionImage


def program(version=4, order="little", size=8, units=2):
    dwarf = dw.Dwarf(version, order, size)
    dwarf.units = [
        dw.Die(dw.COMPILE_UNIT, [(dw.LANGUAGE, dw.DATA1, dw.GO)], [
            dw.Die(dw.SUBPROGRAM, [
                (dw.NAME, dw.STRING, f"main.f{n}"), (dw.LOW_PC, dw.ADDR, 16 + n), (dw.HIGH_PC, dw.ADDR, 99),
            ]),
        ])
        for n in range(units)
    ]  # fmt: skip
    return dwarf, dwarf.write()


def zdebug(data):
    return b"ZLIB" + len(data).to_bytes(8, "big") + zlib.compress(data)


def image(dwarf, sections, form, container="ELF", pack=lambda data: data, flags=0):
    named = {
        form.format(name)[: 16 if container == "Mach-O" else None]: pack(data)
        for name, data in sections.items()
    }
    return SectionImage(
        named, byteorder=dwarf.byteorder, ptrsize=dwarf.address_size, container=container,
        flags=dict.fromkeys(named, flags),
    )  # fmt: skip


@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize("order", ["little", "big"])
def test_shf_compressed(order, size):
    dwarf, sections = program(5, order, size)
    packed = image(
        dwarf, sections, ".debug_{}", flags=COMPRESSED,
        pack=lambda data: dw.chdr(dwarf, 1, len(data), 8 * size) + zlib.compress(data),
    )  # fmt: skip
    assert read_symbols(packed).functions.name == ["main.f0", "main.f1"]
    assert summarize(packed) == (
        (5,), "zlib", sum(section.file_size for section in packed.sections), sum(map(len, sections.values())), 2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("container", "form"), [("ELF", ".zdebug_{}"), ("PE", ".zdebug_{}"), ("Mach-O", "__zdebug_{}")]
)
@pytest.mark.parametrize("order", ["little", "big"])
def test_zdebug(container, form, order):
    dwarf, sections = program(4, order)
    packed = image(dwarf, sections, form, container, zdebug)
    assert read_symbols(packed).functions.name == ["main.f0", "main.f1"]
    assert summarize(packed)[:2] == ((4,), "zlib-gnu")


@pytest.mark.parametrize(
    ("container", "form"), [("ELF", ".debug_{}"), ("PE", ".debug_{}"), ("Mach-O", "__debug_{}")]
)
def test_not_compressed(container, form):
    dwarf, sections = program(2)
    plain = image(dwarf, sections, form, container)
    total = sum(map(len, sections.values()))
    assert summarize(plain) == ((2,), "none", total, total, 2)
    assert read_symbols(plain).functions.address == [16, 17]


def test_xcoff():
    dwarf, sections = program(4, "big")
    dwarf.wide = True
    sections = dwarf.write()
    plain = SectionImage(
        {".dwinfo": sections["info"], ".dwabrev": sections["abbrev"], ".data": b"x"},
        byteorder="big",
        container="XCOFF",
    )
    total = sum(map(len, sections.values()))
    assert summarize(plain) == ((4,), "none", total, total, 2)
    assert read_symbols(plain).functions.address == [16, 17]


def test_names_of_macho_sections_are_cut():
    found = SectionImage({"__debug_str_offs": b"x"}, container="Mach-O")
    assert find_section(found, "str_offsets") is not None


def test_flags_of_other_containers_mean_other_things():
    dwarf, sections = program()
    assert read_symbols(image(dwarf, sections, "__debug_{}", "Mach-O", flags=COMPRESSED)) is not None


def test_a_big_section_is_not_unpacked_for_the_summary(monkeypatch):
    dwarf, sections = program(5, units=5000)
    packed = image(dwarf, sections, ".zdebug_{}", pack=zdebug)
    assert len(sections["info"]) > 1 << 17
    assert summarize(packed) == (
        (5,), "zlib-gnu", sum(section.file_size for section in packed.sections), sum(map(len, sections.values())), None,
    )  # fmt: skip
    assert packed.warnings == []
    assert len(read_symbols(packed).units) == 5000


def test_a_first_unit_bigger_than_a_glance():
    dwarf = dw.Dwarf(4)
    dwarf.units = [dw.Die(dw.COMPILE_UNIT, [(dw.NAME, dw.STRING, "n" * 200_000)])]
    assert summarize(image(dwarf, dwarf.write(), ".zdebug_{}", pack=zdebug)).versions == (4,)


def test_several_versions():
    one, other = program(2)[1], program(4)[1]
    sections = {".debug_info": one["info"] + other["info"] + bytes(8), ".debug_abbrev": one["abbrev"]}
    assert summarize(SectionImage(sections))[0] == (2, 4)
    assert summarize(SectionImage(sections)).units == 4


def test_nothing_there():
    assert summarize(SectionImage({".text": b"x", ".debug_gdb_scripts": b"y"})) is None
    assert summarize(SectionImage({".debug_info": b""})) is None


@pytest.mark.parametrize("limit", [None, 100])
def test_bombs_are_refused_before_they_are_unpacked(limit):
    packed = zlib.compress(bytes(1 << 26))  # 65 kB
    found = SectionImage({".zdebug_info": b"ZLIB" + (1 << 26).to_bytes(8, "big") + packed})
    with pytest.raises(MalformedError, match="claim to unpack"):
        unpack(found, find_section(found, "info"), limit)
    found = SectionImage(
        {".zdebug_info": b"ZLIB" + (MAX_UNPACKED + 1).to_bytes(8, "big") + bytes(MAX_UNPACKED >> 5)}
    )
    with pytest.raises(MalformedError, match="claim to unpack"):
        unpack(found, find_section(found, "info"), limit)


def test_all_sections_together_are_limited(monkeypatch):
    dwarf, sections = program()
    packed = image(dwarf, sections, ".zdebug_{}", pack=zdebug)
    monkeypatch.setattr("goinspect.dwarf.info.unit.MAX_UNPACKED", len(sections["info"]) + 1)
    with pytest.raises(MalformedError, match="unpack to more than"):
        read_symbols(packed)


@pytest.mark.parametrize("claimed", [100, 300])
def test_wrong_sizes(claimed):
    """No more than was claimed is unpacked; less is an error."""
    found = SectionImage({".zdebug_info": b"ZLIB" + claimed.to_bytes(8, "big") + zlib.compress(bytes(200))})
    if claimed > 200:
        with pytest.raises(MalformedError, match="unpacks to 200 bytes, 300 expected"):
            unpack(found, find_section(found, "info"))
    else:
        assert len(unpack(found, find_section(found, "info"))) == 100


@pytest.mark.parametrize(("kind", "error"), [(1, MalformedError), (2, GoinspectError), (3, UnsupportedError)])
def test_damaged_and_unknown_compression(kind, error):
    dwarf, sections = program()
    broken = image(
        dwarf,
        sections,
        ".debug_{}",
        flags=COMPRESSED,
        pack=lambda data: dw.chdr(dwarf, kind, 50) + b"\x01nonsense" * 9,
    )
    with pytest.raises(error):
        read_symbols(broken)
    found = summarize(broken)
    assert (found.versions, found.units) == ((), 0)
    assert found.compression == {1: "zlib", 2: "zstd", 3: "kind-3"}[kind]
    assert len(broken.warnings) == 1


def test_zstd():
    zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    dwarf, sections = program()
    packed = image(
        dwarf, sections, ".debug_{}", flags=COMPRESSED,
        pack=lambda data: dw.chdr(dwarf, 2, len(data)) + zstd.compress(data),
    )  # fmt: skip
    assert read_symbols(packed).functions.name == ["main.f0", "main.f1"]


def test_a_missing_section_is_named():
    _, sections = program()
    with pytest.raises(MalformedError, match="debug_abbrev"):
        read_symbols(SectionImage({".debug_info": sections["info"]}))
