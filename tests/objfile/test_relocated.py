"""A stretch of memory relocated at once has the words that `read_pointer` gives one by one."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from goinspect.objfile import _open_bytes, open_image
from goinspect.objfile.elf.bylief import LiefElf
from tests.builders.elf import DYN, EXEC, Elf, Part, R, W
from tests.builders.types import MACHINES, RELATIVE
from tests.gosym.test_matrix import unpacked
from tests.objfile.test_macho import FORMATS, chained, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goinspect.objfile.image import Image

START = 0x500000


def words(image: Image, vaddr: int, count: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is read at once, and one by one."""
    size = image.ptrsize
    mark = ("<" if image.byteorder == "little" else ">") + str(count) + ("Q" if size == 8 else "I")
    at_once = struct.unpack(mark, image.relocated(vaddr, count * size))
    return at_once, tuple(image.read_pointer(vaddr + i * size) for i in range(count))


@pytest.mark.parametrize("rela", [True, False])
@pytest.mark.parametrize(("byteorder", "ptrsize"), list(MACHINES))
def test_written_files(byteorder, ptrsize, rela) -> None:
    machine = MACHINES[byteorder, ptrsize]
    elf = Elf(8 * ptrsize, byteorder, machine, DYN, rela=rela, relative_type=RELATIVE[machine])
    elf.parts.append(Part(".data.rel.ro", START, elf.pack("AAAA", 1, 2, 3, 4), R | W))
    elf.relatives = [(START + 3 * ptrsize, 0x123456), (START, 0x654321), (START + 4 * ptrsize, 9)]
    image = _open_bytes("written", elf.write(), None)
    expected = (0x654321, 2, 3, 0x123456) if rela else (1, 2, 3, 4)
    assert words(image, START, 4) == (expected, expected)
    assert bytes(image.relocated(START + 3 * ptrsize, 999)) == elf.pack("A", expected[3])
    assert bytes(image.relocated(START, 3)) == elf.pack("A", 1)[:3]  # no whole word
    elf.type = EXEC
    fixed = _open_bytes("written", elf.write(), None)
    assert words(fixed, START, 4)[0] == (1, 2, 3, 4)


def test_a_symbol_of_the_file_itself() -> None:
    elf = Elf(type=DYN)
    elf.parts.append(Part(".data.rel.ro", START, elf.pack("AA", 0, 7), R | W))
    elf.symbolics = [(START, 0x401000, 0x10)]
    image = _open_bytes("written", elf.write(), None)
    assert struct.unpack("<2Q", image.relocated(START, 16)) == (0x401010, 7)


@pytest.mark.parametrize("build", ["go1.24-piestripped", "go1.27-piestripped"])
def test_real_pie(build: str, fixture_file: Callable[[str, str], Path]) -> None:
    path = fixture_file(build, "workload")
    image = open_image(path)
    section = next(s for s in image.sections if s.name.startswith(".data.rel.ro"))
    at_once, single = words(image, section.vaddr, 400)
    assert at_once == single
    by_lief = LiefElf(str(path), image._map)
    assert bytes(by_lief.relocated(section.vaddr, 400 * 8)) == bytes(image.relocated(section.vaddr, 400 * 8))


@pytest.mark.parametrize("kind", FORMATS)
def test_chained_fixups(kind: int, tmp_path: Path) -> None:
    image = open_image(put(tmp_path, chained(kind).write()))
    at_once, single = words(image, 0x100003000, 5)
    assert at_once == single
    assert at_once[1] == 0x100002007


def test_real_macho(unpacked: Callable[[str], Path]) -> None:
    image = open_image(unpacked("go1.27-darwin-arm64") / "workload")
    for section in image.sections[1:]:
        if section.flags & 1 and section.file_size >= 1600:
            at_once, single = words(image, section.vaddr, 200)
            assert at_once == single


__all__ = ["unpacked"]
