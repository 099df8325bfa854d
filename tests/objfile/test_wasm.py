"""WebAssembly: linear memory from data segments, function names with the PCs Go gives them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.errors import GoinspectError, MalformedError
from goinspect.objfile import open_image
from goinspect.objfile.wasm import FIRST_FUNCTION, WasmImage
from tests.builders.wasm import Wasm
from tests.examples import examples
from tests.objfile.hostile import damaged, exercise_all, refused

if TYPE_CHECKING:
    from pathlib import Path

FUNCTION, TABLE, MEMORY, GLOBAL = b"\0\0", b"\1\x70\0\1", b"\2\1\1\2", b"\3\x7f\0"


def made(**changes: object) -> Wasm:
    module = Wasm()
    module.imports = [("f", FUNCTION), ("t", TABLE), ("m", MEMORY), ("g", GLOBAL), ("f2", FUNCTION)]
    module.functions = 3
    pointer = struct.pack("<Q", 0x2000)
    module.data = [(0x2000, b"hello, "), (0x2010, b"needle"), (None, b"passive"), (0x1000, pointer)]
    module.names = {0: "f", 1: "f2", 2: "go:buildid", 3: "main.main", 4: "main.ä"}
    for name, value in changes.items():
        setattr(module, name, value)
    return module


def put(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "a.wasm"
    path.write_bytes(data)
    return path


def test_memory(tmp_path: Path) -> None:
    image = open_image(put(tmp_path, made().write()))
    assert (image.container, image.arch, image.byteorder, image.ptrsize) == ("wasm", "wasm", "little", 8)
    assert (image.type, image.entry, image.warnings, image.build_id()) == ("exec", 0, [], "")
    memory, code = image.segments
    assert (memory.vaddr, memory.file_size, memory.executable) == (0x1000, 0x1016, False)
    assert (code.vaddr, code.mem_size, code.file_size, code.executable) == (
        FIRST_FUNCTION << 16,
        3 << 16,
        0,
        True,
    )
    assert bytes(image.read(0x2000, 0x16)) == b"hello, ".ljust(16, b"\0") + b"needle"
    assert list(image.find(b"needle")) == [0x2010]
    assert image.read_pointer(0x1000) == 0x2000
    assert list(image.pointers_to(0x2000)) == [0x1000]
    section = image.section("data")
    assert section is not None
    assert bytes(image.data(section))[0x1000:] == bytes(image.tail(0x2000))
    with pytest.raises(MalformedError):
        image.tail(0x3000)


def test_functions_have_the_pcs_of_go(tmp_path: Path) -> None:
    """(0x1000 + number among the module's own functions) << 16; imported ones have none."""
    image = open_image(put(tmp_path, made().write()))
    assert [(s.name, s.vaddr, s.section, s.kind, s.source) for s in image.symbols()] == [
        ("f", 0, 0, "function", "name section"), ("f2", 0, 0, "function", "name section"),
        ("go:buildid", 0x10000000, 1, "function", "name section"),
        ("main.main", 0x10010000, 1, "function", "name section"),
        ("main.ä", 0x10020000, 1, "function", "name section"),
    ]  # fmt: skip
    assert image.sections[1].flags & 4


def test_custom_sections(tmp_path: Path) -> None:
    module = made().write() + Wasm.section(0, b"\tproducersthe Go version")
    image = open_image(put(tmp_path, module))
    assert [s.name for s in image.sections] == ["", "code", "data", "name", "producers"]
    assert bytes(image.data(image.sections[4])) == b"the Go version"


def test_no_names_no_data(tmp_path: Path) -> None:
    image = open_image(put(tmp_path, Wasm().write()))
    assert list(image.symbols()) == []
    assert list(image.find(b"x")) == []


@pytest.mark.parametrize("vaddr", [0x7FFFFFFF, -1, 0x3000000])
def test_memory_is_bounded(vaddr: int, tmp_path: Path) -> None:
    refused(put(tmp_path, made(data=[(vaddr, b"x")]).write()), MalformedError, "data up to address")


def test_another_version(tmp_path: Path) -> None:
    refused(put(tmp_path, b"\0asm\2\0\0\0"), MalformedError, "version 2, expected 1")


def test_damaged(tmp_path: Path) -> None:
    exercise_all(tmp_path / "a.wasm", damaged(made().write(), step=1, flips=600))


@examples(100)
@given(st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(max_size=40)), max_size=20))
def test_memory_is_what_was_written(data: list[tuple[int, bytes]]) -> None:
    memory = bytearray(1 << 17)
    for vaddr, piece in data:
        memory[vaddr : vaddr + len(piece)] = piece
    image = WasmImage("a.wasm", Wasm(data=list(data)).write())
    for vaddr, piece in data:
        if piece:
            assert image.read(vaddr, len(piece)) == memory[vaddr : vaddr + len(piece)]


@examples(200)
@given(st.binary(max_size=200))
def test_anything_behind_the_magic(data: bytes) -> None:
    try:
        image = WasmImage("a.wasm", b"\0asm\1\0\0\0" + data)
    except GoinspectError:
        return
    list(image.symbols())
    list(image.find(b"x"))
