"""Relocatable ELF files and archives of them: laid out as a linker would, pointers filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goinspect.errors import MalformedError, NotGoError, TruncatedError, UnsupportedError
from goinspect.objfile import open_image
from tests.builders import macho
from tests.builders.ar import archive
from tests.builders.elfobj import ALLOC, EXEC, WRITE, Obj, Part
from tests.builders.macho import Macho
from tests.objfile.hostile import damaged, exercise_all, refused

if TYPE_CHECKING:
    from pathlib import Path

# class, byte order, e_machine, its "word = symbol + addend", relocations with addends
KINDS = {
    "amd64": (64, "little", 62, 1, True),
    "386": (32, "little", 3, 1, False),
    "arm": (32, "little", 40, 2, False),
    "arm64": (64, "little", 183, 257, True),
    "ppc64": (64, "big", 21, 38, True),
    "s390x": (64, "big", 22, 22, True),
    "riscv64": (64, "little", 243, 2, True),
    "loong64": (64, "little", 258, 2, True),
    "mips": (32, "big", 8, 2, False),
    "mips64": (64, "big", 8, 18, True),
    "mips64le": (64, "little", 8, 18, True),
}


def made(kind: str = "amd64", **changes: object) -> Obj:
    """Sections in an order that is not that of the layout; words 0 and 2 of .data are relocated."""
    bits, byteorder, machine, absolute, rela = KINDS[kind]
    word = bits // 8
    addends = [0 if rela else 4, 0x7777, 0 if rela else 2]  # REL has its addends in place
    words = b"".join(value.to_bytes(word, byteorder) for value in addends)
    obj = Obj(bits, byteorder, machine, rela)
    relocations = ((0, 1, absolute, 4), (word, 1, 99, 4), (2 * word, 3, absolute, 2))
    obj.parts = [
        Part(".debug_info", b"never mapped", flags=0),
        Part(".gopclntab", b"hello, needle!\0", align=32),
        Part(".text", b"\x90" * 70, ALLOC | EXEC, align=64),
        Part(".bss", b"", ALLOC | WRITE, zeros=512),
        Part(".data", words, ALLOC | WRITE, align=64, relocations=relocations),
    ]
    obj.symbols = [
        ("main.main", 3, 16, 32, 2), ("runtime.text", 3, 0, 0, 0), ("runtime.pclntab", 2, 0, 15, 1),
        ("main.data", 5, word, 8, 1), ("absolute", 0xFFF1, 0x1234, 0, 0),
    ]  # fmt: skip
    for name, value in changes.items():
        setattr(obj, name, value)
    return obj


def put(tmp_path: Path, data: bytes, name: str = "go.o") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_layout(kind: str, tmp_path: Path) -> None:
    image = open_image(put(tmp_path, made(kind).write()))
    assert (image.container, image.arch, image.type, image.warnings) == ("ELF", kind, "rel", [])
    sections = {s.name: s for s in image.sections}
    assert {name: sections[name].vaddr for name in (".text", ".gopclntab", ".data", ".debug_info")} == {
        ".text": 0, ".gopclntab": 96, ".data": 128, ".debug_info": 0,
    }  # fmt: skip
    assert sections[".bss"].vaddr >= 128 + sections[".data"].size
    assert [(s.vaddr, s.writable, s.executable) for s in image.segments[:3]] == [
        (0, False, True), (96, False, False), (128, True, False),
    ]  # fmt: skip
    assert {s.name: s.vaddr for s in image.symbols() if s.name} == {
        "main.main": 16, "runtime.text": 0, "runtime.pclntab": 96, "main.data": 128 + image.ptrsize, "absolute": 0x1234,
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_pointers(kind: str, tmp_path: Path) -> None:
    image = open_image(put(tmp_path, made(kind).write()))
    word = image.ptrsize
    expected = [16 + 4, 0x7777, 96 + 2]  # the second has a relocation of another type
    assert [image.read_pointer(128 + i * word) for i in range(3)] == expected
    assert list(image.pointers_to(98)) == [128 + 2 * word]
    data = image.section(".data")
    assert data is not None
    assert bytes(image.data(data)) == b"".join(v.to_bytes(word, image.byteorder) for v in expected)
    assert bytes(image.tail(128)) == bytes(image.data(data))


def test_bytes_by_address(tmp_path: Path) -> None:
    image = open_image(put(tmp_path, made().write()))
    assert bytes(image.tail(96 + 7)) == b"needle!\0"
    assert bytes(image.read(0, 4)) == b"\x90" * 4
    assert list(image.find(b"needle")) == [96 + 7]
    assert list(image.find(b"never mapped")) == []
    debug = image.section(".debug_info")
    assert debug is not None
    assert bytes(image.data(debug)) == b"never mapped"
    with pytest.raises(MalformedError):
        image.tail(128 + 1000)
    with pytest.raises(TruncatedError):
        image.read(96, 16)


def test_a_count_of_program_headers_without_a_table(tmp_path: Path) -> None:
    """As Go's linker writes objects for 32-bit MIPS."""
    data = bytearray(made("mips").write())
    data[42:46] = b"\0\0\0\1"  # e_phentsize, e_phnum
    image = open_image(put(tmp_path, bytes(data)))
    assert (image.type, image.warnings) == ("rel", [])
    assert image.read_pointer(128) == 20


def test_a_section_of_impossible_size(tmp_path: Path) -> None:
    obj = made(parts=[Part(".text", b"", ALLOC, zeros=1 << 50)], symbols=[])
    refused(put(tmp_path, obj.write()), MalformedError, "section .text of")


def test_damaged_object(tmp_path: Path) -> None:
    exercise_all(tmp_path / "go.o", damaged(made().write(), step=7, flips=500))


# --- archives ---

LONG = "a_member_with_a_long_name.o"


@pytest.mark.parametrize("style", ["gnu", "bsd"])
@pytest.mark.parametrize("name", ["go.o", LONG])
def test_archive(style: str, name: str, tmp_path: Path) -> None:
    other = made(parts=[Part(".text", b"\x90")], symbols=[]).write()
    data = archive([("readme.txt", b"odd"), ("000000.o", other), (name, made().write())], style=style)
    path = put(tmp_path, data, "libc.a")
    image = open_image(path)
    assert (image.path, image.type, image.arch) == (f"{path}({name})", "rel", "amd64")
    assert image.read_pointer(128) == 20
    assert bytes(image.tail(96)) == b"hello, needle!\0"


def test_archive_of_another_architecture(tmp_path: Path) -> None:
    path = put(tmp_path, archive([("go.o", made().write())]), "lib.a")
    refused(path, UnsupportedError, "of amd64, arm64 was asked for", arch="arm64")
    assert open_image(path, arch="amd64").arch == "amd64"


def test_archive_of_macho_objects(tmp_path: Path) -> None:
    obj = Macho(macho.ARM64, macho.OBJECT, base=0)
    obj.parts = [macho.Part("__TEXT", "__gopclntab", 0x1000, b"table")]
    image = open_image(put(tmp_path, archive([("go.o", obj.write())], style="bsd"), "lib.a"))
    assert (image.container, image.type, image.arch) == ("Mach-O", "rel", "arm64")
    assert bytes(image.tail(0x1000)) == b"table"


def test_universal_archive(tmp_path: Path) -> None:
    slices = []
    for cpu in (macho.AMD64, macho.ARM64):
        obj = Macho(cpu, macho.OBJECT, base=0)
        obj.parts = [macho.Part("__TEXT", "__gopclntab", 0x1000, b"table")]
        slices.append((cpu, archive([("go.o", obj.write())], style="bsd")))
    path = put(tmp_path, macho.fat(slices), "lib.a")
    assert open_image(path, arch="arm64").arch == "arm64"
    image = open_image(path, arch="amd64")
    assert (image.arch, image.path, image.warnings) == ("amd64", f"{path}(go.o)", [])
    assert bytes(image.tail(0x1000)) == b"table"


@pytest.mark.parametrize(
    ("members", "error", "words"),
    [
        ([], NotGoError, ["without a Go object", "none"]),
        ([("a.o", made(parts=[], symbols=[]).write()), ("b.txt", b"x")], NotGoError, ["a.o, b.txt"]),
        ([(f"{i}.o", b"x") for i in range(7)], NotGoError, ["and 2 more"]),
        ([("__.PKGDEF", b"go object linux amd64")], UnsupportedError, ["package archive"]),
        ([("go.o", made().write()[:30])], TruncatedError, ["go.o"]),
    ],
)
def test_archive_without_a_table(
    members: list[tuple[str, bytes]], error: type, words: list[str], tmp_path: Path
) -> None:
    refused(put(tmp_path, archive(members), "lib.a"), error, *words)


def test_thin_archive(tmp_path: Path) -> None:
    refused(put(tmp_path, b"!<thin>\n" + bytes(100), "lib.a"), UnsupportedError, "thin archive")


def test_damaged_archive(tmp_path: Path) -> None:
    data = archive([(LONG, b"text"), ("go.o", made().write())])
    exercise_all(tmp_path / "lib.a", damaged(data, step=11, flips=300, until=400))
