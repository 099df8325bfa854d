"""ELF by two openers: our header-only view, and LIEF, which is the view's oracle."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from goinspect.errors import (
    FileError,
    GoinspectError,
    MalformedError,
    TruncatedError,
    UnrecognizedFormatError,
)
from goinspect.objfile import map_file, open_image
from goinspect.objfile.elf.bylief import LiefElf
from goinspect.objfile.elf.view import ElfView
from tests.builders.elf import DYN, FILE, FUNC, OBJECT, Elf, Part, R, W, X
from tests.conftest import BUILDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect.objfile.image import Image

OPENERS = {"view": ElfView, "lief": LiefElf}
# class, byte order, e_machine, its RELATIVE relocation, GOARCH
KINDS = {
    "amd64": (64, "little", 62, 8),
    "386": (32, "little", 3, 8),
    "s390x": (64, "big", 22, 12),
    "ppc64": (64, "big", 21, 22),
    "arm64": (64, "little", 183, 1027),
    "arm": (32, "little", 40, 23),
    "mips": (32, "big", 8, 3),
    "riscv64": (64, "little", 243, 3),
}
RELA = [kind for kind in KINDS if KINDS[kind][0] == 64]


def made(kind: str, **changes: object) -> Elf:
    bits, byteorder, machine, relative = KINDS[kind]
    elf = Elf(bits, byteorder, machine, relative_type=relative)
    word = bits // 8
    pointers = b"".join(number.to_bytes(word, byteorder) for number in (0x402000, 0, 0x401000, 0xABC))
    elf.parts = [
        Part(".text", 0x401000, b"\x90" * 64, R | X),
        Part(".rodata", 0x402000, b"hello, needle!\0", R),
        Part(".data", 0x403000, pointers, R | W, zeros=256),
    ]
    elf.symbols = [
        ("main.go", 0, 0, FILE, 0),
        ("local.ä", 0x401000, 16, FUNC, 0),
        ("main.main", 0x401010, 32, FUNC, 1),
        ("main.data", 0x403000, word, OBJECT, 2),
    ]
    elf.build_id = bytes(range(20))
    for name, value in changes.items():
        setattr(elf, name, value)
    return elf


def put(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "elf"
    path.write_bytes(data)
    return path


def opened(path: Path, opener: str) -> Image:
    return OPENERS[opener](str(path), map_file(path, "an executable"))


@pytest.fixture(params=OPENERS)
def opener(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


# --- the suite over both openers ---


def test_headers(kind: str, opener: str, tmp_path: Path) -> None:
    image = opened(put(tmp_path, made(kind).write()), opener)
    bits, byteorder, *_ = KINDS[kind]
    assert (image.container, image.arch, image.byteorder, image.ptrsize) == (
        "ELF",
        kind,
        byteorder,
        bits // 8,
    )
    assert (image.type, image.entry, image.warnings) == ("exec", 0x401000, [])
    assert image.build_id() == bytes(range(20)).hex()
    assert [(s.vaddr, s.readable, s.writable, s.executable) for s in image.segments] == [
        (0x401000, True, False, True), (0x402000, True, False, False),
        (0x403000, True, True, False), (0x600000, True, False, False),
    ]  # fmt: skip
    data = image.segments[2]
    assert data.mem_size == data.file_size + 256 == 4 * image.ptrsize + 256
    assert [s.name for s in image.sections] == [
        "", ".text", ".rodata", ".data", ".bss", ".note.gnu.build-id", ".symtab", ".strtab", ".shstrtab",
    ]  # fmt: skip
    bss = image.section(".bss")
    assert bss is not None
    assert (bss.size, bss.file_size) == (256, 0)
    assert image.section(".nowhere") is None


def test_symbols(kind: str, opener: str, tmp_path: Path) -> None:
    image = opened(put(tmp_path, made(kind).write()), opener)
    found = {
        s.name: (s.vaddr, s.size, s.kind, s.binding, s.section, s.source) for s in image.symbols() if s.name
    }
    assert found == {
        "main.go": (0, 0, "file", "local", 1, "symtab"),
        "local.ä": (0x401000, 16, "function", "local", 1, "symtab"),
        "main.main": (0x401010, 32, "function", "global", 1, "symtab"),
        "main.data": (0x403000, image.ptrsize, "object", "weak", 1, "symtab"),
    }


def test_bytes_by_address(kind: str, opener: str, tmp_path: Path) -> None:
    image = opened(put(tmp_path, made(kind).write()), opener)
    assert bytes(image.read(0x402000, 5)) == b"hello"
    assert bytes(image.tail(0x402007)) == b"needle!\0"
    rodata = image.section(".rodata")
    assert rodata is not None
    assert bytes(image.data(rodata)) == b"hello, needle!\0"
    for vaddr in (0, 0x400FFF, 0x402000 + 15, 0x403000 + 4 * image.ptrsize, 2**64 - 1):
        with pytest.raises(MalformedError, match="no file-backed segment"):
            image.tail(vaddr)
    with pytest.raises(TruncatedError):
        image.read(0x402000, 16)
    assert list(image.find(b"needle")) == [0x402007]
    assert list(image.find(b"needle", writable=True)) == []
    assert list(image.find(b"needle", writable=False)) == [0x402007]
    assert list(image.find(b"needle", align=2)) == []
    assert list(image.find(b"\x90" * 62)) == [0x401000, 0x401001, 0x401002]


def test_pointers_without_relocations(kind: str, opener: str, tmp_path: Path) -> None:
    image = opened(put(tmp_path, made(kind).write()), opener)
    word = image.ptrsize
    assert [image.read_pointer(0x403000 + i * word) for i in range(4)] == [0x402000, 0, 0x401000, 0xABC]
    assert list(image.pointers_to(0x401000)) == [0x403000 + 2 * word]
    assert list(image.pointers_to(0x123456)) == []


@pytest.mark.parametrize("sections", [True, False], ids=["sections", "no-sections"])
@pytest.mark.parametrize("kind", RELA)
def test_relocated_pointers(kind: str, opener: str, sections: bool, tmp_path: Path) -> None:
    """The addend counts where it is not zero; other words stay as they are."""
    relatives = [(0x403008, 0x402007), (0x403000, 0x401020), (0x403018, 0)]
    elf = made(kind, type=DYN, relatives=relatives, sections=sections, symbols=[])
    image = opened(put(tmp_path, elf.write()), opener)
    assert image.type == "dyn"
    assert [image.read_pointer(0x403000 + i * 8) for i in range(4)] == [0x401020, 0x402007, 0x401000, 0xABC]
    assert 0x403008 in list(image.pointers_to(0x402007))
    assert list(image.pointers_to(0x401000)) == [0x403010]
    assert list(image.pointers_to(0x7777)) == []


@pytest.mark.parametrize("kind", ["386", "arm"])
def test_rel_keeps_the_addend_in_place(kind: str, opener: str, tmp_path: Path) -> None:
    elf = made(kind, type=DYN, relatives=[(0x403000, 0), (0x403008, 0)], rela=False, symbols=[])
    image = opened(put(tmp_path, elf.write()), opener)
    assert [image.read_pointer(0x403000 + i * 4) for i in range(4)] == [0x402000, 0, 0x401000, 0xABC]
    assert set(image.pointers_to(0x402000)) == {0x403000}


def test_note_whose_owner_is_no_text(opener: str, tmp_path: Path) -> None:
    """Found by mutated files: LIEF raised UnicodeDecodeError."""
    data = made("amd64", build_id=bytes(range(20))).write()
    at = data.index(b"GNU\0")
    image = opened(put(tmp_path, data[:at] + b"\xfe\xff\xfd\0" + data[at + 4 :]), opener)
    assert image.build_id() == ""


def test_no_build_id(opener: str, tmp_path: Path) -> None:
    image = opened(put(tmp_path, made("amd64", build_id=b"").write()), opener)
    assert image.build_id() == ""


# --- the view against LIEF ---


def same(path: Path) -> None:
    view, oracle = opened(path, "view"), opened(path, "lief")
    for name in ("container", "arch", "byteorder", "ptrsize", "type", "entry", "segments", "sections"):
        assert getattr(view, name) == getattr(oracle, name), name
    assert view.build_id() == oracle.build_id()
    assert list(view.symbols()) == list(oracle.symbols())
    writable = [segment for segment in view.segments if segment.writable]
    for segment in writable:
        words = range(segment.vaddr + -segment.vaddr % 8, segment.vaddr + segment.file_size - 8, 8)
        # The view searches its relocations anew for every word: some hundred of them, all over the segment.
        for vaddr in words[:: max(1, len(words) // 100)]:
            assert view.read_pointer(vaddr) == oracle.read_pointer(vaddr)


@pytest.mark.parametrize("build", BUILDS)
def test_fixture_binaries(build: str, fixture_file: Callable[[str, str], Path]) -> None:
    path = fixture_file(build, "workload")
    same(path)
    assert isinstance(open_image(path), ElfView)


@pytest.mark.parametrize("path", ["/bin/ls", "/usr/lib/x86_64-linux-gnu/libc.so.6", sys.executable])
def test_binaries_of_this_machine(path: str) -> None:
    if not Path(path).exists():
        pytest.skip("not on this machine")
    with Path(path).open("rb") as file:
        if file.read(4) != b"\x7fELF":
            pytest.skip("not an ELF file")
    same(Path(path))


def test_built_files(kind: str, tmp_path: Path) -> None:
    same(put(tmp_path, made(kind).write()))
    assert isinstance(open_image(tmp_path / "elf"), ElfView)


@pytest.mark.parametrize("kind", RELA)
def test_built_files_with_relocations(kind: str, tmp_path: Path) -> None:
    relatives = [(0x403000 + 8 * i, 0x402000 + i) for i in range(4)]
    same(put(tmp_path, made(kind, type=DYN, relatives=relatives).write()))


# --- files that are no good ---


def attempt(path: Path) -> tuple[Image | None, GoinspectError | None]:
    """The image, or why there is none; anything but a GoinspectError of one line escapes."""
    try:
        return open_image(path), None
    except GoinspectError as error:
        check_message(error, path)
        return None, error


def check_message(error: GoinspectError, path: Path) -> None:
    assert "\n" not in str(error)
    assert str(error).startswith(f"{path}: ")


def refuse(path: Path | str, error: type[GoinspectError], *words: str) -> None:
    with pytest.raises(GoinspectError) as caught:
        open_image(path)
    text = str(caught.value)
    assert type(caught.value) is error, text
    assert "\n" not in text
    assert text.startswith(f"{path}: ")
    for word in words:
        assert word in text


def test_missing(tmp_path: Path) -> None:
    refuse(tmp_path / "none", FileError, "No such file")


def test_empty(tmp_path: Path) -> None:
    refuse(put(tmp_path, b""), FileError, "is empty")


def test_directory(tmp_path: Path) -> None:
    refuse(tmp_path, FileError, "is a directory")


def test_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refuse(tmp_path / "pipe", FileError, "is a pipe")  # and does not wait for a writer


def test_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        refuse(tmp_path / "socket", FileError)


def test_device() -> None:
    refuse("/dev/null", FileError, "is a character device")


def test_unreadable(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = put(tmp_path, made("amd64").write())
    path.chmod(0)
    refuse(path, FileError, "Permission denied")


def test_nul_in_the_name() -> None:
    with pytest.raises(FileError):
        open_image("a\0b")


@pytest.mark.parametrize(
    "data", [b"hello, world\n", b"#!/bin/sh\n", b"\0", b"\x7fEL", b"PERFILE2" + bytes(96), b"\xff" * 40]
)
def test_not_an_executable(data: bytes, tmp_path: Path) -> None:
    refuse(put(tmp_path, data), UnrecognizedFormatError, "expected an executable")


@pytest.mark.parametrize("kind", ["amd64", "mips"])
def test_truncated_anywhere(kind: str, tmp_path: Path) -> None:
    """An image with a warning, or a GoinspectError: nothing else, wherever the file ends."""
    data = made(kind).write()
    sizes = {*range(4, 0x200), *range(0x1000 - 4, len(data), 61), *(len(data) - i for i in range(1, 80))}
    for size in sorted(size for size in sizes if size < len(data)):
        path = put(tmp_path, data[:size])
        image, error = attempt(path)
        if image is None:
            assert isinstance(error, (TruncatedError, MalformedError))
        else:
            assert image.warnings, size
            list(image.symbols())
            image.build_id()
            list(image.find(b"needle"))


@pytest.mark.parametrize("at", range(4, 64))
def test_damaged_header(at: int, tmp_path: Path) -> None:
    data = made("amd64").write()
    for value in (0, 1, 0x7F, 0xFF):
        image, _ = attempt(put(tmp_path, data[:at] + bytes([value]) + data[at + 1 :]))
        if image is not None:
            with contextlib.suppress(GoinspectError):
                list(image.symbols())
                image.build_id()
                list(image.pointers_to(0x401000))


def test_extended_counts(tmp_path: Path) -> None:
    """The numbers of program headers, of sections, and of the section of names: all in section header 0."""
    data = bytearray(made("amd64").write())
    phnum, shnum, shstrndx = (int.from_bytes(data[at : at + 2], "little") for at in (56, 60, 62))
    header = int.from_bytes(data[40:48], "little")
    data[56:58], data[60:62], data[62:64] = b"\xff\xff", b"\0\0", b"\xff\xff"
    data[header + 32 : header + 40] = shnum.to_bytes(8, "little")
    data[header + 40 : header + 44] = shstrndx.to_bytes(4, "little")
    data[header + 44 : header + 48] = phnum.to_bytes(4, "little")
    image = open_image(put(tmp_path, bytes(data)))
    plain = open_image(put(tmp_path, made("amd64").write()))
    assert isinstance(image, ElfView)
    assert image.segments == plain.segments
    assert [s.name for s in image.sections] == [s.name for s in plain.sections]


def test_header_that_only_lief_reads(tmp_path: Path) -> None:
    """Program headers of a size that the format does not have: LIEF takes over and says so, or it is refused."""
    data = bytearray(made("amd64").write())
    data[54:56] = (55).to_bytes(2, "little")  # e_phentsize
    image, error = attempt(put(tmp_path, bytes(data)))
    if image is None:
        assert "program header" in str(error)
    else:
        assert isinstance(image, LiefElf)
        assert any("read through LIEF" in warning for warning in image.warnings)
        assert image.section(".text") is not None


# --- cost ---


def test_importing_and_opening_costs_no_lief(tmp_path: Path) -> None:
    path = put(tmp_path, made("amd64").write())
    code = (
        "import sys, goinspect.objfile as o; assert 'lief' not in sys.modules;"
        f"i = o.open_image({str(path)!r}); list(i.symbols()); i.build_id(); i.read_pointer(0x403000);"
        "assert 'lief' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
