"""PE files: addresses are image base + RVA, symbols come from the COFF table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goinspect.errors import MalformedError, TruncatedError, UnsupportedError
from goinspect.objfile import open_image
from tests.builders import pe
from tests.objfile.hostile import damaged, exercise_all, refused

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {
    "amd64": (pe.AMD64, 64, 0x140000000),
    "386": (pe.I386, 32, 0x400000),
    "arm64": (pe.ARM64, 64, 0x140000000),
}


def made(kind: str = "amd64", **changes: object) -> pe.Pe:
    machine, bits, base = KINDS[kind]
    word = bits // 8
    pointers = b"".join((base + rva).to_bytes(word, "little") for rva in (0x2000, 0x1000))
    file = pe.Pe(machine, bits, base)
    file.parts = [
        pe.Part(".text", 0x1000, b"\x90" * 64, pe.CODE),
        pe.Part(".rdata", 0x2000, b"hello, needle!\0"),
        pe.Part(".data", 0x3000, pointers, pe.DATA, zeros=0x400),
        pe.Part(".bss", 0x4000, b"", pe.BSS, zeros=128),
        pe.Part(".debug_gdb_scripts", 0x5000, b"x"),
    ]
    file.symbols = [
        ("runtime.text", 0, 1, pe.EXTERNAL), ("main.a function of some length", 16, 1, pe.EXTERNAL),
        ("local", 8, 3, pe.STATIC), (".text", 0, 1, pe.STATIC), ("x.go", 0, -2, pe.FILE), ("outside", 0, 0, pe.EXTERNAL),
    ]  # fmt: skip
    for name, value in changes.items():
        setattr(file, name, value)
    return file


def put(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "a.exe"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_headers(kind: str, tmp_path: Path) -> None:
    _, bits, base = KINDS[kind]
    image = open_image(put(tmp_path, made(kind).write()))
    assert (image.container, image.arch, image.byteorder, image.ptrsize) == ("PE", kind, "little", bits // 8)
    assert (image.type, image.entry, image.warnings, image.build_id()) == ("exec", base + 0x1000, [], "")
    flags = [(s.vaddr - base, s.readable, s.writable, s.executable) for s in image.segments]
    assert flags == [
        (0x1000, True, False, True), (0x2000, True, False, False), (0x3000, True, True, False),
        (0x4000, True, True, False), (0x5000, True, False, False),
    ]  # fmt: skip
    names = [s.name for s in image.sections]
    assert names == ["", ".text", ".rdata", ".data", ".bss", ".debug_gdb_scripts"]
    assert [s.flags for s in image.sections] == [0, 6, 2, 3, 3, 2]
    data, bss = image.segments[2], image.segments[3]
    assert (data.file_size, data.mem_size) == (0x200, bits // 4 + 0x400)  # the padding is mapped, too
    assert (bss.file_size, bss.mem_size) == (0, 128)


def test_a_dll(tmp_path: Path) -> None:
    assert open_image(put(tmp_path, made(characteristics=0x2022).write())).type == "dyn"


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_and_pointers(kind: str, tmp_path: Path) -> None:
    _, bits, base = KINDS[kind]
    image = open_image(put(tmp_path, made(kind).write()))
    assert bytes(image.tail(base + 0x2007)) == b"needle!\0"
    assert list(image.find(b"needle")) == [base + 0x2007]
    assert list(image.find(b"needle", writable=True)) == []
    assert image.read_pointer(base + 0x3000) == base + 0x2000
    assert list(image.pointers_to(base + 0x1000)) == [base + 0x3000 + bits // 8]
    section = image.section(".rdata")
    assert section is not None
    assert bytes(image.data(section)) == b"hello, needle!\0"
    with pytest.raises(MalformedError):
        image.tail(base + 0x4000)
    with pytest.raises(TruncatedError):
        image.read(base + 0x2000, 0x100)


def test_symbols(tmp_path: Path) -> None:
    image = open_image(put(tmp_path, made().write()))
    found = {s.name: (s.vaddr, s.kind, s.binding, s.section) for s in image.symbols()}
    assert found == {
        "runtime.text": (0x140001000, "function", "global", 1),
        "main.a function of some length": (0x140001010, "function", "global", 1),
        "local": (0x140003008, "object", "local", 3),
        "outside": (0, "notype", "global", 0),
    }


def test_no_symbols(tmp_path: Path) -> None:
    assert list(open_image(put(tmp_path, made(symbols=[]).write())).symbols()) == []


def test_architecture_that_was_asked_for(tmp_path: Path) -> None:
    path = put(tmp_path, made().write())
    assert open_image(path, arch="x86_64").arch == "amd64"
    refused(path, UnsupportedError, "PE file of amd64, arm64 was asked for", arch="aarch64")


def test_a_dos_program(tmp_path: Path) -> None:
    refused(put(tmp_path, b"MZ" + bytes(200)), MalformedError, "no PE header")


def test_cut_short(tmp_path: Path) -> None:
    data = made().write()
    image = open_image(put(tmp_path, data[:0x600]))
    assert any("truncated" in warning for warning in image.warnings)


def test_damaged(tmp_path: Path) -> None:
    exercise_all(tmp_path / "a.exe", damaged(made().write(), step=37, flips=300, until=0x300))
