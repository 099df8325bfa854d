"""COFF objects, alone and in archives: laid out with `.text` at 0, pointers filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goinspect.errors import MalformedError, NotGoError
from goinspect.objfile import open_image
from tests.builders import coff
from tests.builders.ar import archive
from tests.builders.coff import Coff, Part
from tests.objfile.hostile import damaged, exercise_all, refused

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {"amd64": (coff.AMD64, 8, 1), "386": (coff.I386, 4, 6), "arm64": (coff.ARM64, 8, 14)}


def made(kind: str = "amd64", flags: int = coff.DATA) -> Coff:
    machine, word, absolute = KINDS[kind]
    words = b"".join(value.to_bytes(word, "little") for value in (4, 0x7777, 2))
    rows = (
        (0, 1, absolute),
        (word, 1, 99),
        (2 * word, 4, absolute),
        (2 * word + 1, 4, absolute),
        (0, 99, absolute),
    )
    file = Coff(machine)
    file.parts = [
        Part(".rdata", b"hello, needle!\0"),
        Part(".text", b"\x90" * 70, coff.TEXT),
        Part(".bss", b"", coff.BSS, zeros=64),
        Part(".data", words, flags, relocations=rows),
        Part(".debug_gdb_scripts", b"needle", coff.DEBUG),
    ]
    file.symbols = [
        (".text", 0, 2, coff.STATIC, 0), ("main.a function of some length", 16, 2, coff.EXTERNAL, 1),
        ("pclntab", 0, 1, coff.STATIC, 0), ("outside", 0, 0, coff.EXTERNAL, 0),
    ]  # fmt: skip
    return file


def put(tmp_path: Path, data: bytes, name: str = "go.o") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("flags", [coff.DATA, coff.DATA | coff.OVERFLOW], ids=["plain", "many-relocations"])
@pytest.mark.parametrize("kind", KINDS)
def test_object(kind: str, flags: int, tmp_path: Path) -> None:
    """Symbol 1 is the function at 16 (its auxiliary record is 2), symbol 3 the table, 4 stands outside."""
    file = made(kind, flags)
    _, word, absolute = KINDS[kind]
    rows = ((0, 1, absolute), (word, 1, 99), (2 * word, 3, absolute), (2 * word + 1, 3, absolute))
    file.parts[3] = Part(".data", file.parts[3].data, flags, relocations=rows)
    image = open_image(put(tmp_path, file.write()))
    assert (image.container, image.arch, image.type, image.ptrsize) == ("COFF", kind, "rel", word)
    assert [(s.name, s.vaddr) for s in image.sections] == [
        ("", 0), (".rdata", 96), (".text", 0), (".bss", 128), (".data", 192), (".debug_gdb_scripts", 0),
    ]  # fmt: skip
    assert [(s.vaddr, s.writable, s.executable) for s in image.segments] == [
        (0, False, True), (96, False, False), (128, True, False), (192, True, False),
    ]  # fmt: skip
    assert [image.read_pointer(192 + i * word) for i in range(3)] == [20, 0x7777, 98]
    assert list(image.pointers_to(98)) == [192 + 2 * word]
    assert list(image.find(b"needle")) == [96 + 7]
    assert {s.name: (s.vaddr, s.kind, s.binding) for s in image.symbols()} == {
        "main.a function of some length": (16, "function", "global"),
        "pclntab": (96, "object", "local"), "outside": (0, "notype", "global"),
    }  # fmt: skip
    data = image.section(".rdata")
    assert data is not None
    assert bytes(image.data(data)) == b"hello, needle!\0"
    with pytest.raises(MalformedError):
        image.tail(128)


def test_in_an_archive(tmp_path: Path) -> None:
    path = put(tmp_path, archive([("000000.o", made().write()), ("go.o", made("arm64").write())]), "lib.a")
    image = open_image(path)
    assert (image.path, image.arch) == (f"{path}(go.o)", "arm64")


def test_an_archive_of_others(tmp_path: Path) -> None:
    path = put(tmp_path, archive([("000000.o", made().write())]), "lib.a")
    refused(path, NotGoError, "000000.o")


def test_damaged(tmp_path: Path) -> None:
    exercise_all(tmp_path / "go.o", damaged(made().write(), step=3, flips=500))
