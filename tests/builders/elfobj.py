"""Writes ELF objects (ET_REL) with relocations, and core files (ET_CORE) with NT_FILE."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Literal

ALLOC, WRITE, EXEC = 2, 1, 4
PROGBITS, SYMTAB, STRTAB, RELA, NOBITS, REL = 1, 2, 3, 4, 8, 9


@dataclass(frozen=True)
class Part:
    """A section of an object; ``relocations`` are (offset, symbol number from 1, type, addend)."""

    name: str
    data: bytes
    flags: int = ALLOC
    align: int = 16
    zeros: int = 0
    relocations: tuple[tuple[int, int, int, int], ...] = ()


@dataclass
class Obj:
    """An object to be written. ``symbols`` are (name, section number from 1, value, size, type)."""

    bits: int = 64
    byteorder: Literal["little", "big"] = "little"
    machine: int = 62
    rela: bool = True
    parts: list[Part] = field(default_factory=list)
    symbols: list[tuple[str, int, int, int, int]] = field(default_factory=list)

    def pack(self, layout: str, *values: int) -> bytes:
        word = "Q" if self.bits == 64 else "I"
        return struct.pack(("<" if self.byteorder == "little" else ">") + layout.replace("A", word), *values)

    def write(self) -> bytes:
        wide = self.bits == 64
        out = bytearray(64 if wide else 52)
        rows: list[tuple[str, int, int, int, int, int, int, int, int]] = [("", 0, 0, 0, 0, 0, 0, 0, 0)]
        for part in self.parts:
            kind = NOBITS if part.zeros else PROGBITS
            size = part.zeros or len(part.data)
            rows.append((part.name, kind, part.flags, len(out), size, 0, 0, part.align, 0))
            out += part.data
        table = len(rows)
        symbols, strings = bytes(24 if wide else 16), b"\0"
        for name, section, value, size, kind in self.symbols:
            if wide:
                symbols += self.pack("IBBHQQ", len(strings), 16 | kind, 0, section, value, size)
            else:
                symbols += self.pack("IIIBBH", len(strings), value, size, 16 | kind, 0, section)
            strings += name.encode() + b"\0"
        rows.append((".symtab", SYMTAB, 0, len(out), len(symbols), table + 1, 1, 8, 24 if wide else 16))
        out += symbols
        rows.append((".strtab", STRTAB, 0, len(out), len(strings), 0, 0, 1, 0))
        out += strings
        for number, part in enumerate(self.parts, 1):
            if part.relocations:
                entries = b"".join(self.relocation(*row) for row in part.relocations)
                name, kind = (".rela", RELA) if self.rela else (".rel", REL)
                entsize = (3 if self.rela else 2) * self.bits // 8
                rows.append((name + part.name, kind, 0, len(out), len(entries), table, number, 8, entsize))
                out += entries
        names = b"\0" + b"".join(row[0].encode() + b"\0" for row in rows[1:]) + b".shstrtab\0"
        rows.append((".shstrtab", STRTAB, 0, len(out), len(names), 0, 0, 1, 0))
        out += names
        shoff = len(out)
        for name, kind, flags, at, size, link, info, align, entsize in rows:
            where = names.index(b"\0" + name.encode() + b"\0") + 1 if name else 0
            out += self.pack("IIAAAAIIAA", where, kind, flags, 0, at, size, link, info, align, entsize)
        return bytes(head(self, 1, 0, 0, shoff, len(rows))) + bytes(out[64 if wide else 52 :])

    def relocation(self, offset: int, symbol: int, kind: int, addend: int) -> bytes:
        if self.bits == 32:
            info = self.pack("I", symbol << 8 | kind)
        elif self.machine == 8 and self.byteorder == "little":
            info = struct.pack("<IBBBB", symbol, 0, 0, 0, kind)
        else:
            info = self.pack("Q", symbol << 32 | kind)
        return (
            self.pack("A", offset)
            + info
            + (self.pack("q" if self.bits == 64 else "i", addend) if self.rela else b"")
        )


def head(elf: Obj | Core, kind: int, entry: int, phnum: int, shoff: int, shnum: int) -> bytes:
    wide = elf.bits == 64
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if elf.byteorder == "little" else 2, 1]) + bytes(9)
    size, phentsize, shentsize = (64, 56, 64) if wide else (52, 32, 40)
    return ident + elf.pack(
        "HHIAAAIHHHHHH", kind, elf.machine, 1, entry, size if phnum else 0, shoff, 0,
        size, phentsize, phnum, shentsize, shnum, shnum - 1 if shnum else 0,
    )  # fmt: skip


@dataclass
class Core:
    """A core file to be written. ``memory`` are (vaddr, size in memory, dumped bytes, flags).

    ``files`` are (start, end, page of the file, name).
    """

    bits: int = 64
    byteorder: Literal["little", "big"] = "little"
    machine: int = 62
    memory: list[tuple[int, int, bytes, int]] = field(default_factory=list)
    files: list[tuple[int, int, int, str]] = field(default_factory=list)
    entry: int = 0
    extended: bool = False  # the number of program headers stands in section header 0

    pack = Obj.pack

    def write(self) -> bytes:
        wide = self.bits == 64
        notes = self.note(6, self.pack("AAAA", 9, self.entry, 0, 0))
        if self.files:
            rows = b"".join(self.pack("AAA", *row[:3]) for row in self.files)
            names = b"".join(row[3].encode() + b"\0" for row in self.files)
            notes += self.note(0x46494C45, self.pack("AA", len(self.files), 0x1000) + rows + names)
        count = len(self.memory) + 1
        at = (64 + 56 * count) if wide else (52 + 32 * count)
        headers, body = [(4, 4, at, 0, len(notes), 0)], notes
        for vaddr, size, data, flags in self.memory:
            headers.append((1, flags, at + len(body), vaddr, len(data), size))
            body += data
        shoff = at + len(body) if self.extended else 0
        out = head(self, 4, 0, 0xFFFF if self.extended else count, shoff, 1 if self.extended else 0)
        for kind, flags, offset, vaddr, filesz, memsz in headers:
            fields = (kind, flags, offset, vaddr, 0, filesz, memsz, 1) if wide else (
                kind, offset, vaddr, 0, filesz, memsz, flags, 1)  # fmt: skip
            out += self.pack("IIQQQQQQ" if wide else "IIIIIIII", *fields)
        out += body
        if self.extended:
            out += self.pack("IIAAAAIIAA", 0, 0, 0, 0, 0, 1, 0, count, 0, 0)
        return out

    def note(self, kind: int, data: bytes) -> bytes:
        return self.pack("III", 5, len(data), kind) + b"CORE\0\0\0\0" + data + bytes(-len(data) % 4)
