"""Small files that describe the same bytes thousands of times: refused or cut short, in no time and little memory."""

from __future__ import annotations

import struct
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from goinspect.errors import MalformedError
from goinspect.objfile import open_image
from tests.builders import coff, macho, pe
from tests.builders.coff import Coff
from tests.builders.elf import Elf, Part, R
from tests.builders.elfobj import ALLOC, Core, Obj
from tests.builders.elfobj import Part as ObjPart
from tests.objfile.hostile import exercise, refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOB = b"needle" * (1 << 12)


@contextmanager
def quick() -> Iterator[None]:
    """Far longer than it takes, far shorter than it would take."""
    start = time.perf_counter()
    yield
    assert time.perf_counter() - start < 20


def put(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(data)
    return path


def test_elf_segments(tmp_path: Path) -> None:
    data = bytearray(Elf(parts=[Part(".rodata", 0x402000, BLOB, R)], sections=False).write())
    at, count = len(data), 2000
    header = data[64 : 64 + 56]
    data += header * count
    data[32:40], data[56:58] = at.to_bytes(8, "little"), count.to_bytes(2, "little")
    with quick():
        image = open_image(put(tmp_path, bytes(data)))
        assert 6 * sum(1 for _ in image.find(b"needle")) < 9 * len(data)


def test_elf_symbol_names(tmp_path: Path) -> None:
    elf = Elf(parts=[Part(".text", 0x401000, b"x", R)])
    elf.symbols = [("A" * 200_000, 0x401000, 1, 2, 1)] + [("", 0x401000, 1, 2, 1)] * 5000
    data = bytearray(elf.write())
    at = data.index(struct.pack("<IBBHQQ", 1, 18, 0, 1, 0x401000, 1))
    for entry in range(at, at + 24 * 5000, 24):
        data[entry : entry + 4] = b"\1\0\0\0"
    with quick():
        image = open_image(put(tmp_path, bytes(data)))
        assert sum(len(symbol.name) for symbol in image.symbols()) < 20 * len(data)
    assert any("overlap" in warning for warning in image.warnings)


def test_object_sections(tmp_path: Path) -> None:
    """Each would be copied, for its relocations."""
    relocations = ((0, 1, 1, 0),) * 100
    obj = Obj(parts=[ObjPart(".data", BLOB, ALLOC | 1, relocations=relocations)], symbols=[("a", 1, 0, 0, 1)])
    data = bytearray(obj.write())
    headers, count = int.from_bytes(data[40:48], "little"), int.from_bytes(data[60:62], "little")
    rows = bytes(data[headers : headers + 64 * count])
    extra = 2000
    data += rows + rows[64:128] * extra
    data[40:48] = (len(data) - len(rows) - 64 * extra).to_bytes(8, "little")
    data[60:62] = (count + extra).to_bytes(2, "little")
    with quick():
        refused(put(tmp_path, bytes(data)), MalformedError, "segments of")


def test_coff_sections(tmp_path: Path) -> None:
    part = coff.Part(".data", BLOB, coff.DATA, relocations=((0, 0, 1),) * 100)
    file = Coff(parts=[part, *[coff.Part(".data", b"", coff.DATA)] * 2000])
    data = bytearray(file.write())
    for number in range(2000):
        data[60 + 40 * number : 100 + 40 * number] = data[20:60]
    with quick():
        refused(put(tmp_path, bytes(data)), MalformedError, "segments of")


def test_coff_names(tmp_path: Path) -> None:
    file = Coff(symbols=[("A" * 100_000, 0, 0, 2, 0)] + [("x", 0, 0, 2, 0)] * 5000)
    file.parts = [coff.Part(".text", b"x", coff.TEXT)]
    data = file.write().replace(
        b"x".ljust(8, b"\0") + struct.pack("<Ih", 0, 0), struct.pack("<IIIh", 0, 4, 0, 0)
    )
    with quick():
        image = open_image(put(tmp_path, data))
        assert sum(len(symbol.name) for symbol in image.symbols()) < 20 * len(data)
    assert any("overlap" in warning for warning in image.warnings)


def test_core_segments(tmp_path: Path) -> None:
    data = bytearray(Core(memory=[(0x1000, len(BLOB), BLOB, 4)]).write())
    count = 2000
    row = data[64 + 56 : 64 + 112]
    at = len(data)
    data += row * count
    data[32:40], data[56:58] = at.to_bytes(8, "little"), count.to_bytes(2, "little")
    with quick():
        refused(put(tmp_path, bytes(data)), MalformedError, "segments of")


def test_pe_sections_and_names(tmp_path: Path) -> None:
    """LIEF would copy each section, and each name."""
    file = pe.Pe(parts=[pe.Part(".rdata", 0x1000, BLOB)], symbols=[])
    data = bytearray(file.write())
    at = 0x80 + 24 + 240
    data[at + 40 : at + 40 * 12] = bytes(data[at : at + 40]) * 11
    data[0x86:0x88] = (12).to_bytes(2, "little")
    with quick():
        refused(put(tmp_path, bytes(data)), MalformedError, "headers describe")
    data = bytearray(pe.Pe(parts=[pe.Part(".rdata", 0x1000, b"x")]).write())
    struct.pack_into("<II", data, 0x80 + 12, len(data), 2000)
    data += struct.pack("<IIIhHBB", 0, 4, 0, 1, 0, 2, 0) * 2000 + struct.pack("<I", 100_004) + b"A" * 100_000
    with quick():
        refused(put(tmp_path, bytes(data)), MalformedError, "names overlap")


def test_macho_segments_and_names(tmp_path: Path) -> None:
    base = 0x100000000
    part = macho.Part("__DATA", "__data", base + 0x1000, BLOB)
    data = bytearray(macho.Macho(parts=[part]).write())
    start = 32 + 72  # behind __PAGEZERO
    data[start + 152 : start + 152 * 11] = bytes(data[start : start + 152]) * 10
    data[16:24] = struct.pack("<II", 12, 72 + 152 * 11)
    with quick():
        refused(put(tmp_path, bytes(data)), MalformedError, "headers describe")
    file = macho.Macho(parts=[part], symbols=[("A" * 100_000, base, 1, macho.N_SECT)])
    data = bytearray(file.write())
    command = data.index(struct.pack("<II", 2, 24))
    struct.pack_into("<II", data, command + 8, len(data), 2000)
    data += struct.pack("<IBBHQ", 1, macho.N_SECT, 1, 0, base) * 2000
    with quick():
        refused(put(tmp_path, bytes(data)), MalformedError, "names overlap")


@pytest.mark.parametrize("multi", [False, True])
def test_chained_pages(multi: bool, tmp_path: Path) -> None:
    """Chains that cross each other: no more steps than a page has words."""
    words = (4 | 1 << 26).to_bytes(4, "little") * 0x1000
    file = macho.Macho(macho.I386, bits=32, base=0x1000)
    file.parts = [macho.Part("__DATA", "__data", 0x2000, words, macho.R | macho.W)]
    pages = len(words) // macho.PAGE
    firsts = [0x8000 | pages] * pages + [0] * 2000 + [0x8000] if multi else [0] * pages
    file.chained = 3, {1: firsts}
    with quick():
        exercise(put(tmp_path, file.write()))
