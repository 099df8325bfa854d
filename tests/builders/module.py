"""Writes ELF files that hold a Go module: text, gopclntab, FUNCDATA and moduledata, for every release and machine.

The word numbers of moduledata are written down from the format description a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.builders.elf import Elf, Part, R, W, X
from tests.builders.pclntab import Built, build

if TYPE_CHECKING:
    from tests.builders.program import ByteOrder, Function, Version

TEXT, TABLE, RODATA, DATA = 0x401000, 0x500000, 0x680000, 0x800000
MACHINES = {("little", 8): 62, ("little", 4): 3, ("big", 8): 22, ("big", 4): 8}
GAP = 0x40  # of branch islands between two text sections


@dataclass(frozen=True)
class Module:
    """A file and what is in it."""

    data: bytes
    built: Built
    moduledata: int
    sections: tuple[tuple[int, int, int], ...]  # of text: start, end (offsets), vaddr

    def address(self, offset: int) -> int:
        """Where an offset from the start of the text ended up."""
        for start, end, vaddr in self.sections:
            if start <= offset < end:
                return vaddr + offset - start
        raise ValueError(offset)


def moduledata_words(
    version: Version, built: Built, sections: tuple, textsectmap: int, word: int
) -> list[int]:
    """The words of moduledata that say where code, tables and FUNCDATA are; the others are zero."""
    table, end = built.vaddr, built.vaddr + len(built.data)
    first, last = sections[0][2], sections[-1][2] + sections[-1][1] - sections[-1][0]
    words = [0] * 70
    count = len(built.entries)
    if version < (1, 16):
        functab = table + 8 + word
        words[0:3] = [table, len(built.data), len(built.data)]
        words[3:6] = [functab, count, count]
        words[10:14] = [first, last, first, last]
        if version >= (1, 8):
            words[27:30] = [textsectmap, len(sections), len(sections)]
        return words
    order = "little" if built.data[0] in (0xFA, 0xF0, 0xF1) else "big"
    head = 8 + (3 if version >= (1, 18) else 2) * word
    parts = [
        int.from_bytes(built.data[head + i * word : head + (i + 1) * word], order) for i in range(5)
    ]  # funcnametab cutab filetab pctab functab
    names, cutab, filetab, pctab, functab = parts
    words[0] = table
    for at, begin, size in (
        (1, names, cutab - names), (4, cutab, filetab - cutab), (7, filetab, pctab - filetab),
        (10, pctab, functab - pctab), (13, functab, len(built.data) - functab), (16, functab, count),
    ):  # fmt: skip
        words[at : at + 3] = [table + begin, max(size, 1), max(size, 1)]
    words[20:24] = [first, last, first, last]
    if version >= (1, 18):
        gofunc = 38 if version < (1, 20) else 40 if version < (1, 27) else 43
        textmap = 39 if version < (1, 20) else 41 if version < (1, 26) else 42 if version < (1, 27) else 45
        words[gofunc] = RODATA if version < (1, 26) else end - gofunc_room(built, version)
        words[textmap : textmap + 3] = [textsectmap, len(sections), len(sections)]
    return words


def gofunc_room(built: Built, version: Version) -> int:
    """Bytes from go:func.* to the end of a table that contains it (Go 1.26+)."""
    assert built.gofunc is not None
    return len(built.data) - built.data.rindex(built.gofunc)


def write_module(
    program: list[Function],
    version: Version,
    *,
    byteorder: ByteOrder = "little",
    ptrsize: int = 8,
    quantum: int = 1,
    cuts: tuple[int, ...] = (),
    headers: bool = True,
    section: str = ".gopclntab",
    text_start: bool = True,
    go_version: str = "",
    symbols: bool = False,
) -> Module:
    """An ELF file of one module.

    Args:
        program: its functions.
        version: the Go release whose layout is written; no build information is.
        byteorder: of the machine.
        ptrsize: of the machine.
        quantum: of the machine.
        cuts: offsets at which an external linker cut the text into sections (Go 1.18+).
        headers: whether there are section headers.
        section: name of the section of the table.
        text_start: False: without moduledata.
        go_version: of the build information, in the form of Go 1.18 and later; none is written without it.
        symbols: whether a symbol says where the table is.
    """
    built = build(
        program, version, byteorder=byteorder, ptrsize=ptrsize, quantum=quantum, vaddr=TABLE, text=TEXT
    )
    size = built.entries[-1] - TEXT
    edges = [0, *cuts, size]
    sections = tuple(
        (start, end, TEXT + start + GAP * number) for number, (start, end) in enumerate(pairwise(edges))
    )
    elf = Elf(
        bits=8 * ptrsize,
        byteorder=byteorder,
        machine=MACHINES[byteorder, ptrsize],
        entry=TEXT,
        sections=headers,
    )
    letter = "Q" if ptrsize == 8 else "I"
    flat: list[int] = []
    for start, end, vaddr in sections:
        flat += [start, end if version >= (1, 18) else end - start, vaddr]
    sectmap = elf.pack(letter * len(flat), *flat)
    words = moduledata_words(version, built, sections, DATA + 0x1000, ptrsize)
    data = elf.pack(letter * len(words), *words) if text_start else b""
    filler = b"\x90" * (size + GAP * len(cuts) + 16)
    elf.parts += [
        Part(".text", TEXT, filler, R | X),
        Part(section, TABLE, built.data),
        Part(".rodata", RODATA, built.gofunc or b"\0" * 16),
        Part(".noptrdata", DATA, data + bytes(0x1000 - len(data)) + sectmap, R | W),
    ]
    if go_version:
        blob = b"\xff Go buildinf:" + bytes([ptrsize, 2]) + bytes(16)
        blob += bytes([len(go_version)]) + go_version.encode() + b"\0"
        elf.parts.append(Part(".go.buildinfo", DATA + 0x10000, blob, R | W))
    if symbols:
        elf.symbols.append(("runtime.pclntab", TABLE, len(built.data), 1, 0))
    if built.funcdata:
        elf.parts.append(Part(".rodata1", built.funcdata_vaddr, built.funcdata))
    return Module(elf.write(), built, DATA, sections)
