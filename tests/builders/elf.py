"""Writes small ELF files: both classes, both byte orders; segments, sections, symbols, notes, RELATIVE relocations."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Literal

R, W, X = 4, 2, 1
PT_LOAD, PT_DYNAMIC, PT_NOTE = 1, 2, 4
EXEC, DYN = 2, 3
PROGBITS, SYMTAB, STRTAB, RELA, DYNAMIC, NOTE, NOBITS, REL, DYNSYM = 1, 2, 3, 4, 6, 7, 8, 9, 11
PAGE = 0x1000
FUNC, OBJECT, FILE = 2, 1, 4


@dataclass(frozen=True)
class Part:
    """A section with a segment of its own, placed at `vaddr`."""

    name: str
    vaddr: int
    data: bytes
    flags: int = R
    type: int = PROGBITS
    zeros: int = 0  # bytes that only memory has


@dataclass
class Elf:
    """An ELF file to be written. ``relatives`` are (vaddr, addend)."""

    bits: int = 64
    byteorder: Literal["little", "big"] = "little"
    machine: int = 62
    type: int = EXEC
    entry: int = 0x401000
    parts: list[Part] = field(default_factory=list)
    symbols: list[tuple[str, int, int, int, int]] = field(
        default_factory=list
    )  # name, value, size, type, binding
    relatives: list[tuple[int, int]] = field(default_factory=list)
    symbolics: list[tuple[int, int, int]] = field(default_factory=list)  # vaddr, value of a symbol, addend
    symbolic_type: int = 1
    relative_type: int = 8
    rela: bool = True
    relocation_vaddr: int = 0x700000
    build_id: bytes = b""
    sections: bool = True

    def pack(self, fmt: str, *numbers: int) -> bytes:
        """`fmt` with A for a word of the class's size."""
        mark = "<" if self.byteorder == "little" else ">"
        return struct.pack(mark + fmt.replace("A", "Q" if self.bits == 64 else "I"), *numbers)

    def write(self) -> bytes:
        wide = self.bits == 64
        parts = list(self.parts)
        if self.build_id:
            note = self.pack("III", 4, len(self.build_id), 3) + b"GNU\0" + self.build_id
            parts.append(Part(".note.gnu.build-id", 0x600000, note + bytes(-len(note) % 4), R, NOTE))
        if self.relatives or self.symbolics:
            parts += self._relocations()
        if self.symbolics:
            parts.append(Part(".dynsym", 0x6F0000, self._dynsym(), R, DYNSYM))
        programs = [(PT_LOAD, part) for part in parts]
        programs += [(PT_NOTE, part) for part in parts if part.type == NOTE]
        programs += [(PT_DYNAMIC, part) for part in parts if part.type == DYNAMIC]
        ehsize, phentsize, shentsize = (64, 56, 64) if wide else (52, 32, 40)
        out = bytearray(ehsize + phentsize * len(programs))
        places: dict[str, int] = {}
        for part in parts:
            out += bytes((part.vaddr - len(out)) % PAGE)
            places[part.name] = len(out)
            out += part.data
        headers = [self._program(kind, part, places[part.name]) for kind, part in programs]
        shoff, shnum, shstrndx = 0, 0, 0
        if self.sections:
            shoff, shnum = self._sections(out, parts, places)
            shstrndx = shnum - 1
        ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if self.byteorder == "little" else 2, 1]) + bytes(9)
        head = ident + self.pack(
            "HHIAAAIHHHHHH", self.type, self.machine, 1, self.entry, ehsize, shoff, 0,
            ehsize, phentsize, len(programs), shentsize, shnum, shstrndx,
        )  # fmt: skip
        out[: ehsize + phentsize * len(programs)] = head + b"".join(headers)
        return bytes(out)

    def _program(self, kind: int, part: Part, place: int) -> bytes:
        sizes = len(part.data), len(part.data) + part.zeros
        if self.bits == 64:
            return self.pack("IIQQQQQQ", kind, part.flags, place, part.vaddr, part.vaddr, *sizes, PAGE)
        return self.pack("IIIIIIII", kind, place, part.vaddr, part.vaddr, *sizes, part.flags, PAGE)

    def _relocations(self) -> list[Part]:
        table = b"".join(
            self.pack("AA", vaddr, self.relative_type)
            + (self.pack("q" if self.bits == 64 else "i", addend) if self.rela else b"")
            for vaddr, addend in self.relatives
        )
        for number, (vaddr, _, addend) in enumerate(self.symbolics, 1):
            info = number << (32 if self.bits == 64 else 8) | self.symbolic_type
            table += self.pack("AA", vaddr, info) + self.pack("q" if self.bits == 64 else "i", addend)
        entsize = (self.bits // 8) * (3 if self.rela else 2)
        tags = (7, 8, 9) if self.rela else (17, 18, 19)
        values = (self.relocation_vaddr, len(table), entsize)
        dynamic = b"".join(self.pack("AA", tag, value) for tag, value in zip(tags, values, strict=True))
        dynamic += self.pack("AA", 0, 0)
        name = ".rela.dyn" if self.rela else ".rel.dyn"
        return [
            Part(name, self.relocation_vaddr, table, R, RELA if self.rela else REL),
            Part(".dynamic", self.relocation_vaddr + 0x10000, dynamic, R | W, DYNAMIC),
        ]

    def _dynsym(self) -> bytes:
        rows = [(0, 0), *((value, 1) for _, value, _ in self.symbolics)]
        if self.bits == 64:
            return b"".join(self.pack("IBBHQQ", 0, 0x12, 0, shndx, value, 0) for value, shndx in rows)
        return b"".join(self.pack("IIIBBH", 0, value, 0, 0x12, 0, shndx) for value, shndx in rows)

    def _sections(self, out: bytearray, parts: list[Part], places: dict[str, int]) -> tuple[int, int]:
        """Append symbols, names and section headers; returns where the headers are and how many."""
        rows: list[tuple[str, int, int, int, int, int, int, int, int]] = [("", 0, 0, 0, 0, 0, 0, 0, 0)]
        word = self.bits // 8
        for part in parts:
            flags = 2 | (1 if part.flags & W else 0) | (4 if part.flags & X else 0)
            entsize = word * 3 if part.type == RELA else word * 2 if part.type in (REL, DYNAMIC) else 0
            rows.append(
                (part.name, part.type, flags, part.vaddr, places[part.name], len(part.data), 0, 0, entsize)
            )
            if part.zeros:
                end = part.vaddr + len(part.data)
                rows.append((".bss", NOBITS, 3, end, places[part.name] + len(part.data), part.zeros, 0, 0, 0))
        if self.symbols:
            strings, table = b"\0", bytes(24 if word == 8 else 16)
            for name, value, size, kind, binding in self.symbols:
                info = binding << 4 | kind
                if word == 8:
                    table += self.pack("IBBHQQ", len(strings), info, 0, 1, value, size)
                else:
                    table += self.pack("IIIBBH", len(strings), value, size, info, 0, 1)
                strings += name.encode() + b"\0"
            out += bytes(-len(out) % 8)
            local = 1 + sum(symbol[4] == 0 for symbol in self.symbols)
            rows.append(
                (
                    ".symtab",
                    SYMTAB,
                    0,
                    0,
                    len(out),
                    len(table),
                    len(rows) + 1,
                    local,
                    len(table[: 24 if word == 8 else 16]),
                )
            )
            out += table
            rows.append((".strtab", STRTAB, 0, 0, len(out), len(strings), 0, 0, 0))
            out += strings
        names = b"\0" + b"".join(row[0].encode() + b"\0" for row in rows[1:]) + b".shstrtab\0"
        rows.append((".shstrtab", STRTAB, 0, 0, len(out), len(names), 0, 0, 0))
        out += names
        out += bytes(-len(out) % 8)
        shoff = len(out)
        for name, kind, flags, vaddr, place, size, link, info, entsize in rows:
            at = names.index(b"\0" + name.encode() + b"\0") + 1 if name else 0
            out += self.pack(
                "IIAAAAIIAA", at, kind, flags, vaddr, place, size, link, info, 8 if kind else 0, entsize
            )
        return shoff, len(rows)
