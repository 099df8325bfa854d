"""Mach-O files: slices, symbols without C's underscore, pointers stored as chained fixups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goinspect.errors import UnrecognizedFormatError, UnsupportedError
from goinspect.objfile import open_image
from goinspect.objfile.macho import opener as machoopen
from tests.builders import macho
from tests.builders.macho import Macho, Part, fat
from tests.objfile.hostile import damaged, exercise_all, refused

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {"amd64": (macho.AMD64, 64), "arm64": (macho.ARM64, 64), "386": (macho.I386, 32)}


def made(kind: str = "arm64", **changes: object) -> Macho:
    cpu, bits = KINDS[kind]
    base = 0x100000000 if bits == 64 else 0x1000
    pointers = b"".join((base + rva).to_bytes(bits // 8, "little") for rva in (0x2000, 0x1000))
    file = Macho(cpu, bits=bits, base=base, entry=base + 0x1004)
    file.parts = [
        Part("__TEXT", "__text", base + 0x1000, b"\x90" * 64, macho.R | macho.X, macho.CODE),
        Part("__CONST", "__gopclntab", base + 0x2000, b"hello, needle!\0"),
        Part("__DATA", "__data", base + 0x3000, pointers, macho.R | macho.W, zeros=256),
    ]
    file.symbols = [
        ("_runtime.text", base + 0x1000, 1, macho.N_SECT), ("_main", base + 0x1010, 1, macho.N_SECT | macho.N_EXT),
        ("__cgo_x", base + 0x3000, 3, macho.N_SECT), ("_printf", 0, 0, macho.N_EXT), ("stab", 0, 1, macho.N_STAB),
    ]  # fmt: skip
    for name, value in changes.items():
        setattr(file, name, value)
    return file


def put(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "macho"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_headers(kind: str, tmp_path: Path) -> None:
    file = made(kind)
    image = open_image(put(tmp_path, file.write()))
    assert (image.container, image.arch, image.byteorder, image.ptrsize) == (
        "Mach-O",
        kind,
        "little",
        file.bits // 8,
    )
    assert (image.type, image.entry, image.warnings) == ("exec", file.base + 0x1004, [])
    found = [(s.vaddr - file.base, s.readable, s.writable, s.executable) for s in image.segments]
    assert found == [(0, True, False, True), (0x2000, True, False, False), (0x3000, True, True, False)]
    assert [(s.name, s.vaddr - file.base, s.flags) for s in image.sections[1:]] == [
        ("__text", 0x1000, 6), ("__gopclntab", 0x2000, 2), ("__data", 0x3000, 3),
    ]  # fmt: skip
    assert bytes(image.tail(file.base + 0x2007)) == b"needle!\0"
    assert list(image.find(b"needle")) == [file.base + 0x2007]
    assert image.read_pointer(file.base + 0x3000) == file.base + 0x2000
    assert list(image.pointers_to(file.base + 0x1000)) == [file.base + 0x3000 + image.ptrsize]


@pytest.mark.parametrize(("filetype", "name"), [(macho.DYLIB, "dyn"), (macho.OBJECT, "rel")])
def test_file_types(filetype: int, name: str, tmp_path: Path) -> None:
    image = open_image(put(tmp_path, made(filetype=filetype).write()))
    assert image.type == name
    assert any(segment.executable for segment in image.segments)


def test_symbols_lose_the_underscore_of_c(tmp_path: Path) -> None:
    image = open_image(put(tmp_path, made().write()))
    base = 0x100000000
    assert {s.name: (s.vaddr, s.kind, s.binding, s.section) for s in image.symbols()} == {
        "runtime.text": (base + 0x1000, "function", "local", 1),
        "main": (base + 0x1010, "function", "global", 1),
        "_cgo_x": (base + 0x3000, "object", "local", 3),
        "printf": (0, "notype", "global", 0),
    }


def test_symbols_without_underscores_stay(tmp_path: Path) -> None:
    """As Go before 1.14 wrote them: there, _rt0_amd64_darwin is the name of the function itself."""
    names = ["runtime.text", "_rt0_amd64_darwin"]
    file = made(symbols=[(name, 0x100001000, 1, macho.N_SECT) for name in names])
    assert [s.name for s in open_image(put(tmp_path, file.write())).symbols()] == names


# --- chained fixups ---

# pointer format -> (target relative to the base?, bit position of "next", stride)
FORMATS = {2: (False, 51, 4), 6: (True, 51, 4), 1: (False, 51, 8), 9: (True, 51, 8), 12: (True, 51, 8)}


def chained(kind: int, *, auth: bool = False) -> Macho:
    """Words 1, 3 and 4 of the data are links: to 0x2007, to a symbol of another file, to 0x1000."""
    relative, at, stride = FORMATS[kind]
    file = made()

    def target(rva: int) -> int:
        return rva if relative else file.base + rva

    bind = 1 << (63 if kind in (2, 6) else 62)
    signed = 1 << 63 | 0x1007 if auth else target(0x1000)
    words = [0x1234, target(0x2007) | (16 // stride) << at, 0, bind | (8 // stride) << at | 5, signed]
    data = b"".join(word.to_bytes(8, "little") for word in words)
    file.parts[2] = Part("__DATA", "__data", file.base + 0x3000, data, macho.R | macho.W)
    file.chained = kind, {3: [8]}
    return file


@pytest.mark.parametrize("kind", FORMATS)
def test_chained_fixups(kind: int, tmp_path: Path) -> None:
    image = open_image(put(tmp_path, chained(kind).write()))
    base, data = 0x100000000, 0x100003000
    assert image.warnings == []
    assert image.read_pointer(data) == 0x1234
    assert image.read_pointer(data + 8) == base + 0x2007
    assert image.read_pointer(data + 32) == base + 0x1000
    assert set(image.pointers_to(base + 0x2007)) == {data + 8}
    assert set(image.pointers_to(base + 0x1000)) == {data + 32}
    assert list(image.pointers_to(base + 0x7777)) == []


def test_signed_pointers(tmp_path: Path) -> None:
    image = open_image(put(tmp_path, chained(9, auth=True).write()))
    assert image.read_pointer(0x100003020) == 0x100001007
    assert set(image.pointers_to(0x100001007)) == {0x100003020}


def test_a_word_outside_the_chain_is_as_it_stands(tmp_path: Path) -> None:
    """Word 0 has the bits of a link, but no link leads there."""
    file = chained(6)
    image = open_image(put(tmp_path, file.write()))
    assert image.read_pointer(0x100003010) == 0
    file.chained = 6, {3: [0xFFFF]}  # no chain in this page
    image = open_image(put(tmp_path, file.write()))
    assert image.read_pointer(0x100003020) == 0x1000


# --- objects ---


def relocated(kind: str) -> Macho:
    """Word 0: symbol 1 + 4; word 1: a whole address; word 2: a difference; word 3: of another width."""
    file = made(kind, filetype=macho.OBJECT, base=0, entry=None)
    word, length = file.bits // 8, 3 if file.bits == 64 else 2
    values = (4, 0x2007, 0x30, 0x40)
    rows = [(0, macho.r_info(1, 0, length=length)), (word, macho.r_info(1, 0, length=length, external=False))]
    if kind != "386":
        subtractor = 5 if kind == "amd64" else 1
        rows += [(2 * word, macho.r_info(0, subtractor)), (2 * word, macho.r_info(1, 0))]
    rows += [
        (3 * word, macho.r_info(1, 0, length=1)),
        (9 * word, macho.r_info(1, 0)),
        (0, macho.r_info(99, 0)),
    ]
    data = b"".join(value.to_bytes(word, "little") for value in values)
    file.parts = [
        Part("__TEXT", "__text", 0x1000, b"\x90" * 64, 7, macho.CODE),
        Part("__DATA", "__data", 0x2000, data, 7, relocations=tuple(rows)),
        Part("__DWARF", "__debug_info", 0x3000, b"needle", 7),
    ]
    file.symbols = [("_a", 0x1000, 1, macho.N_SECT), ("_b", 0x1010, 1, macho.N_SECT)]
    return file


@pytest.mark.parametrize("kind", KINDS)
def test_pointers_of_objects(kind: str, tmp_path: Path) -> None:
    image = open_image(put(tmp_path, relocated(kind).write()))
    word = image.ptrsize
    assert [image.read_pointer(0x2000 + i * word) for i in range(4)] == [0x1014, 0x2007, 0x30, 0x40]
    assert list(image.pointers_to(0x1014)) == [0x2000]
    assert list(image.find(b"needle")) == []
    assert [(s.vaddr, s.writable, s.executable) for s in image.segments] == [
        (0x1000, False, True), (0x2000, True, False),
    ]  # fmt: skip
    data = image.section("__data")
    assert data is not None
    assert int.from_bytes(image.data(data)[:word], "little") == 0x1014


# --- universal files ---


def universal() -> bytes:
    return fat([(KINDS[kind][0], made(kind).write()) for kind in ("amd64", "arm64")])


@pytest.mark.parametrize(("asked", "arch"), [("amd64", "amd64"), ("x86_64", "amd64"), ("AArch64", "arm64")])
@pytest.mark.parametrize("wide", [False, True], ids=["fat", "fat64"])
def test_the_slice_that_was_asked_for(asked: str, arch: str, wide: bool, tmp_path: Path) -> None:
    data = fat([(KINDS[kind][0], made(kind).write()) for kind in ("amd64", "arm64")], wide=wide)
    image = open_image(put(tmp_path, data), arch=asked)
    assert (image.arch, image.warnings) == (arch, [])
    assert bytes(image.tail(0x100002007)) == b"needle!\0"
    assert list(image.find(b"needle")) == [0x100002007]
    assert "main" in {s.name for s in image.symbols()}


@pytest.mark.parametrize(
    ("machine", "arch"), [("aarch64", "arm64"), ("x86_64", "amd64"), ("riscv64", "amd64")]
)
def test_the_slice_of_this_machine(
    machine: str, arch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machoopen.platform, "machine", lambda: machine)
    image = open_image(put(tmp_path, universal()))
    assert image.arch == arch
    assert [warning for warning in image.warnings if "amd64, arm64" in warning]


def test_one_slice_needs_no_warning(tmp_path: Path) -> None:
    image = open_image(put(tmp_path, fat([(macho.ARM64, made().write())])))
    assert (image.arch, image.warnings) == ("arm64", [])


def test_no_such_slice(tmp_path: Path) -> None:
    refused(put(tmp_path, universal()), UnsupportedError, "without riscv64", "amd64, arm64", arch="riscv64")


def test_not_of_that_architecture(tmp_path: Path) -> None:
    refused(put(tmp_path, made().write()), UnsupportedError, "Mach-O file of arm64", arch="amd64")


def test_a_java_class_file(tmp_path: Path) -> None:
    refused(put(tmp_path, b"\xca\xfe\xba\xbe\0\0\0\x37" + bytes(64)), UnrecognizedFormatError, "Java class")


# --- damage ---


def test_cut_short(tmp_path: Path) -> None:
    data = made(symbols=[]).write()
    image = open_image(put(tmp_path, data[: 0x2000 + 4]))
    assert any("truncated" in warning for warning in image.warnings)


@pytest.mark.parametrize("name", ["thin", "chained", "object", "fat"])
def test_damaged(name: str, tmp_path: Path) -> None:
    files = {"thin": made(), "chained": chained(6), "object": relocated("arm64")}
    data = files[name].write() if name in files else universal()
    exercise_all(tmp_path / "macho", damaged(data, step=len(data) // 60, flips=200, until=0x300))
    if name == "chained":  # the fixups themselves
        tail = data[0x3000:]
        exercise_all(tmp_path / "macho", (data[:0x3000] + bad for bad in damaged(tail, step=9, flips=200)))
