"""Writes ELF files that have everything `symbols`, `info` and `compare` look at: a Go module with types and itabs,
``.symtab``, ``.dynsym``, DWARF, build information and notes. Small, for tests with damage in any part.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.builders import dwarf as dw
from tests.builders.elf import DYN, EXEC, PAGE, Elf, Part, R, W, X
from tests.builders.module import DATA, MACHINES, RODATA, TEXT, moduledata_words
from tests.builders.pclntab import build
from tests.builders.program import Function
from tests.builders.types import RELATIVE, TYPES, Writer
from tests.builders.varints import uleb

if TYPE_CHECKING:
    from tests.builders.program import ByteOrder, Version

TABLE, INFO, NOTES, RELOCATIONS = 0x540000, 0x820000, 0x600000, 0x700000
VARIABLE = DATA + 0x1800
MODULES = (
    "path\tex.com/a\nmod\tex.com/a\tv1.2.3\th1:x=\ndep\tex.com/b\tv0.1.0\th1:y=\n=>\t../b\t(devel)\t\n"
    "build\t-buildmode=exe\nbuild\tCGO_ENABLED=0\nbuild\tGOOS=linux\nbuild\tvcs=git\n"
)
_LOCAL, _GLOBAL, _WEAK = 0, 1, 2
_NOTYPE, _OBJECT, _FUNC, _SECTION, _FILE, _TLS, _IFUNC = 0, 1, 2, 3, 4, 6, 10


@dataclass
class Section:
    """A section that is appended: not loaded."""

    name: str
    data: bytes
    type: int = 1
    flags: int = 0
    link: str = ""
    entsize: int = 0


def program(version: Version, quantum: int = 1) -> list[Function]:
    """Functions with names of every sort."""
    names = [
        "main.main", "main.(*T).Text", "main.M.low", "main.f.func1", "ex.com/a%2eb.Do[...]", "runtime.memmove",
        "type:.eq.main.T",
    ]  # fmt: skip
    return [
        Function(name, (8 + i) * quantum, files=[(quantum, "a.go"), ((8 + i) * quantum, "b.go")],
                 lines=[((8 + i) * quantum, i + 1)], sp=[((8 + i) * quantum, 0)], start_line=i + 1)
        for i, name in enumerate(names)
    ]  # fmt: skip


def debug(elf: Elf, entries: list[int], version: int, *, packed: str = "") -> list[Section]:
    """Sections of DWARF for those functions, a variable and types; `packed`: "zlib", "gnu" or "zstd"."""
    info = dw.Dwarf(version, elf.byteorder, elf.bits // 8)
    integer = dw.Die(dw.BASE_TYPE, [(dw.NAME, dw.STRING, "int"), (dw.BYTE_SIZE, dw.DATA1, 8)])
    array = dw.Die(dw.ARRAY, [(dw.NAME, dw.STRP, "[4]int"), (dw.TYPE, dw.REF_ADDR, integer)],
                   [dw.Die(dw.SUBRANGE, [(dw.COUNT, dw.UDATA, 4)])])  # fmt: skip
    named = dw.Die(
        dw.TYPEDEF,
        [
            (dw.NAME, dw.STRING, "main.T"),
            (dw.TYPE, dw.REF4, array),
            (dw.GO_RUNTIME_TYPE, dw.ADDR, TYPES + 64),
        ],
    )
    constant = dw.FORM_SINCE.get(dw.EXPRLOC, 2) <= version
    children = [integer, array, named]
    for number, entry in enumerate(entries[:-1]):
        children.append(dw.Die(dw.SUBPROGRAM, [
            (dw.NAME, dw.STRP, f"main.f{number}"), (dw.LOW_PC, dw.ADDR, entry), (dw.HIGH_PC, dw.DATA4, 7),
            (dw.DECL_FILE, dw.UDATA, 1), (dw.DECL_LINE, dw.DATA4, number + 3),
        ]))  # fmt: skip
    children.append(dw.Die(dw.VARIABLE, [
        (dw.NAME, dw.STRING, "main.v"), (dw.LOCATION, dw.EXPRLOC if constant else dw.BLOCK1, dw.address_of(info, VARIABLE)),
        (dw.TYPE, dw.REF4, named), (dw.DECL_LINE, dw.UDATA, 9),
    ]))  # fmt: skip
    offset = dw.SEC_OFFSET if version >= 4 else dw.DATA4
    info.units = [
        dw.Die(dw.COMPILE_UNIT, [
            (dw.LANGUAGE, dw.DATA2, dw.GO), (dw.NAME, dw.STRING, "main"), (dw.STMT_LIST, offset, 0), (dw.COMP_DIR, dw.STRING, "/w"),
            (dw.LOW_PC, dw.ADDR, TEXT), (dw.RANGES, offset, 0),
        ], children),
        dw.Die(dw.COMPILE_UNIT, [(dw.LANGUAGE, dw.DATA1, dw.C), (dw.NAME, dw.STRING, "b.c")], [
            dw.Die(dw.SUBPROGRAM, [(dw.NAME, dw.STRING, "c_code"), (dw.RANGES, offset, 0)]),
        ]),
    ]  # fmt: skip
    info.extra = {"line": dw.line_table(info, ["/w"], [("a.go", 0), ("b.go", 0)], version)}
    if version >= 5:
        info.extra["rnglists"] = b"\x06" + info.address(TEXT) + info.address(TEXT + 8) + b"\0"
    else:
        info.extra["ranges"] = info.address(TEXT) + info.address(TEXT + 8) + bytes(elf.bits // 4)
    sections = []
    for name, data in info.write().items():
        if not packed:
            sections.append(Section(f".debug_{name}", data))
        elif packed == "gnu":
            sections.append(
                Section(f".zdebug_{name}", b"ZLIB" + len(data).to_bytes(8, "big") + zlib.compress(data))
            )
        else:
            kind, body = (1, zlib.compress(data)) if packed == "zlib" else (2, b"\x28\xb5\x2f\xfd" + data)
            sections.append(
                Section(f".debug_{name}", dw.chdr(info, kind, len(data), elf.bits) + body, flags=0x800)
            )
    return sections


def symbols(elf: Elf, name: str, rows: list[tuple[str, int, int, int, int, int]]) -> list[Section]:
    """A symbol table and its strings; rows are name, value, size, type, binding, section."""
    wide, strings = elf.bits == 64, b"\0"
    table = bytes(24 if wide else 16)
    for text, value, size, kind, binding, section in rows:
        info = binding << 4 | kind
        table += (
            elf.pack("IBBHQQ", len(strings), info, 0, section, value, size)
            if wide
            else elf.pack("IIIBBH", len(strings), value, size, info, 0, section)
        )
        strings += text.encode() + b"\0"
    other = ".dynstr" if name == ".dynsym" else ".strtab"
    kind = 11 if name == ".dynsym" else 2
    return [Section(name, table, kind, link=other, entsize=24 if wide else 16), Section(other, strings, 3)]


def append(elf: Elf, sections: list[Section]) -> bytes:
    """The file with its loaded parts, those sections, and headers for all."""
    elf.sections = False
    out = bytearray(elf.write())
    wide = elf.bits == 64
    first, step = (64, 56) if wide else (52, 32)
    rows: list[tuple[str, int, int, int, int, int, int, int]] = [("", 0, 0, 0, 0, 0, 0, 0)]
    for number, part in enumerate(loaded(elf)):
        at = first + step * number + (8 if wide else 4)
        place = int.from_bytes(out[at : at + elf.bits // 8], elf.byteorder)
        flags = 2 | (1 if part.flags & W else 0) | (4 if part.flags & X else 0)
        rows.append((part.name, part.type, flags, part.vaddr, place, len(part.data), 0, 0))
        if part.zeros:
            rows.append((".bss", 8, 3, part.vaddr + len(part.data), place + len(part.data), part.zeros, 0, 0))
    names = [row[0] for row in rows] + [section.name for section in sections]
    for section in sections:
        out += bytes(-len(out) % 8)
        link = names.index(section.link) if section.link else 0
        rows.append(
            (section.name, section.type, section.flags, 0, len(out), len(section.data), link, section.entsize)
        )
        out += section.data
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in names[1:]) + b".shstrtab\0"
    rows.append((".shstrtab", 3, 0, 0, len(out), len(strings), 0, 0))
    out += strings + bytes(-(len(out) + len(strings)) % 8)
    shoff = len(out)
    for name, kind, flags, vaddr, place, size, link, entsize in rows:
        at = strings.index(b"\0" + name.encode() + b"\0") + 1 if name else 0
        out += elf.pack("IIAAAAIIAA", at, kind, flags, vaddr, place, size, link, 0, 8 if kind else 0, entsize)
    word = elf.bits // 8
    out[24 + 2 * word : 24 + 3 * word] = elf.pack("A", shoff)
    end = 24 + 3 * word + 4 + 12
    out[end - 4 : end] = elf.pack("HH", len(rows), len(rows) - 1)
    return bytes(out)


def loaded(elf: Elf) -> list[Part]:
    """The parts that a written file has, in order."""
    return [*elf.parts, *(elf._relocations() if elf.relatives else [])]


def write_rich(
    version: Version,
    *,
    byteorder: ByteOrder = "little",
    ptrsize: int = 8,
    pie: bool = False,
    dwarf: int = 4,
    packed: str = "",
    stripped: bool = False,
    more: list[tuple[str, int, int, int, int, int]] | None = None,
) -> bytes:
    """An ELF file with everything.

    Args:
        version: the Go release.
        byteorder: of the machine.
        ptrsize: of the machine.
        pie: pointers are in relocations.
        dwarf: its version.
        packed: how DWARF is compressed, cf. `debug`.
        stripped: without ``.symtab`` and DWARF.
        more: symbols to add, cf. `symbols`.
    """
    types = Writer(version, byteorder, ptrsize, pie=pie)
    types.write()
    built = build(program(version), version, byteorder=byteorder, ptrsize=ptrsize, vaddr=TABLE, text=TEXT)
    size = built.entries[-1] - TEXT
    machine = MACHINES[byteorder, ptrsize]
    elf = Elf(8 * ptrsize, byteorder, machine, DYN if pie else EXEC, TEXT, rela=ptrsize == 8,
              relative_type=RELATIVE[machine], relocation_vaddr=RELOCATIONS)  # fmt: skip
    parts = ((0, size, TEXT),)
    words = moduledata_words(version, built, parts, DATA + 0x1000, ptrsize)
    words = [word or other for word, other in zip(words, types.moduledata(), strict=True)]
    data = elf.pack("A" * len(words), *words)
    data += bytes(0x1000 - len(data)) + elf.pack("AAA", 0, size, TEXT)
    text = f"go{version[0]}.{version[1]}.1"
    modules = (
        bytes.fromhex("3077af0c9274080241e1c107e6d618e6")
        + MODULES.encode()
        + bytes.fromhex("f932433186182072008242104116d8f2")
    )
    info = b"\xff Go buildinf:" + bytes([ptrsize, 2 | (byteorder == "big")]) + bytes(16)
    info += bytes([len(text)]) + text.encode() + uleb(len(modules)) + modules
    go_note = elf.pack("III", 4, 12, 4) + b"Go\0\0" + b"a/b/c/d-e-f\0"
    gnu_note = elf.pack("III", 4, 8, 3) + b"GNU\0" + bytes(range(8))
    elf.parts += [
        Part(".text", TEXT, b"\x90" * (size + 16), R | X),
        Part(".rodata", TYPES, bytes(types.out), R | W if pie else R),
        Part(".gopclntab", TABLE, built.data),
        Part(".gofunc", RODATA, built.gofunc or b"\0" * 16),
        Part(".note.go.buildid", NOTES, go_note, R, 7),
        Part(".note.gnu.build-id", NOTES + PAGE, gnu_note, R, 7),
        Part(".noptrdata", DATA, data, R | W, zeros=0x2000 - len(data)),
        Part(".go.buildinfo", INFO, info, R | W),
    ]
    if built.funcdata:
        elf.parts.append(Part(".rodata1", built.funcdata_vaddr, built.funcdata))
    if pie:
        elf.relatives = list(types.relatives)
    bss = 1 + [part.name for part in elf.parts].index(".noptrdata") + 1
    rows = [("a.c", 0, 0, _FILE, _LOCAL, 0xFFF1), ("", TEXT, 0, _SECTION, _LOCAL, 1)]
    for function, start, end in zip(program(version), built.entries, built.entries[1:], strict=False):
        rows.append((function.name.replace("[...]", "[go.shape.int]"), start, end - start, _FUNC, _GLOBAL, 1))
    rows += [
        ("runtime.memmove.abi0", built.entries[5], 13, _FUNC, _GLOBAL, 1), ("c_code", TEXT, 8, _FUNC, _LOCAL, 1),
        ("main.v", VARIABLE, 32, _OBJECT, _GLOBAL, bss), ("runtime.pclntab", TABLE, len(built.data), _OBJECT, _LOCAL, 3),
        ("runtime.etext", TEXT + size, 0, _NOTYPE, _LOCAL, 1), ("runtime.tlsg", 8, 8, _TLS, _LOCAL, bss),
        ("ifunc", TEXT + 3, 1, _IFUNC, _WEAK, 1), ("puts", 0, 0, _FUNC, _GLOBAL, 0), ("absolute", 7, 0, _OBJECT, _GLOBAL, 0xFFF1),
        ("type:main.T", next(iter(types.vaddrs.values())), 48, _OBJECT, _LOCAL, 2),
        *(more or ()),
    ]  # fmt: skip
    sections = symbols(elf, ".dynsym", [row for row in rows if row[4] != _LOCAL][:9])
    if not stripped:
        sections += symbols(elf, ".symtab", rows) + debug(elf, built.entries, dwarf, packed=packed)
    return append(elf, sections)
