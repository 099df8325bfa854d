"""Writes small Mach-O files, thin and universal: segments, sections, symbols, chained fixups."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

AMD64, I386, ARM64 = 0x1000007, 7, 0x100000C
OBJECT, EXECUTE, DYLIB = 1, 2, 6
R, W, X = 1, 2, 4
CODE = 0x80000400
N_SECT, N_EXT, N_STAB = 0x0E, 1, 0x24
PAGE = 0x1000


@dataclass(frozen=True)
class Part:
    """A segment with one section."""

    segment: str
    name: str
    vaddr: int
    data: bytes
    protection: int = R
    flags: int = 0
    zeros: int = 0
    relocations: tuple[tuple[int, int], ...] = ()  # address in the section, r_info


def r_info(symbol: int, kind: int, *, length: int = 3, external: bool = True) -> int:
    """The second word of a relocation."""
    return symbol | length << 25 | external << 27 | kind << 28


@dataclass
class Macho:
    """A Mach-O file to be written. ``symbols`` are (name, value, section number, n_type).

    ``chained`` is (pointer format, {segment index: payload of page starts}); the words of the chain stand in the data.
    """

    cpu: int = AMD64
    filetype: int = EXECUTE
    bits: int = 64
    base: int = 0x100000000
    parts: list[Part] = field(default_factory=list)
    symbols: list[tuple[str, int, int, int]] = field(default_factory=list)
    entry: int | None = None
    chained: tuple[int, dict[int, list[int]]] | None = None

    def write(self) -> bytes:
        wide = self.bits == 64
        body = bytearray(PAGE)
        commands: list[bytes] = [self._segment("__PAGEZERO", 0, self.base, 0, 0, 0, b"", 0)]
        places = []
        for part in self.parts:
            body += bytes(-len(body) % PAGE)
            places.append(len(body))
            body += part.data
        for part, place in zip(self.parts, places, strict=True):
            at = 0 if part.vaddr - PAGE == self.base else place  # the first one holds the headers, too
            start, size = part.vaddr - (place - at), place - at + len(part.data)
            section = self._section(part, place, len(body))
            body += b"".join(struct.pack("<iI", *row) for row in part.relocations)
            commands.append(
                self._segment(part.segment, start, size + part.zeros, at, size, part.protection, section, 1)
            )
        if self.chained:
            payload = self._fixups(*self.chained)
            commands.append(struct.pack("<IIII", 0x80000034, 16, len(body), len(payload)))
            body += payload
        if self.symbols:
            table, strings = b"", b"\0"
            for name, value, section, kind in self.symbols:
                table += struct.pack("<IBBHQ" if wide else "<IBBHI", len(strings), kind, section, 0, value)
                strings += name.encode() + b"\0"
            values = len(body), len(self.symbols), len(body) + len(table), len(strings)
            commands.append(struct.pack("<IIIIII", 2, 24, *values))
            body += table + strings
        if self.entry is not None:
            commands.append(struct.pack("<IIQQ", 0x80000028, 24, self.entry - self.base, 0))
        joined = b"".join(commands)
        magic = 0xFEEDFACF if wide else 0xFEEDFACE
        head = struct.pack("<IIIIIII", magic, self.cpu, 3, self.filetype, len(commands), len(joined), 0)
        head += bytes(4 if wide else 0) + joined
        assert len(head) <= PAGE
        body[: len(head)] = head
        return bytes(body)

    def _segment(
        self,
        name: str,
        vaddr: int,
        memory: int,
        at: int,
        size: int,
        protection: int,
        sections: bytes,
        count: int,
    ) -> bytes:
        wide = self.bits == 64
        fields = struct.pack("<QQQQ" if wide else "<IIII", vaddr, memory, at, size)
        fields += struct.pack("<iiII", protection, protection, count, 0)
        return (
            struct.pack("<II16s", 0x19 if wide else 1, 24 + len(fields) + len(sections), name.encode())
            + fields
            + sections
        )

    def _section(self, part: Part, at: int, relocations_at: int) -> bytes:
        wide = self.bits == 64
        out = struct.pack("<16s16s", part.name.encode(), part.segment.encode())
        out += struct.pack("<QQ" if wide else "<II", part.vaddr, len(part.data))
        return (
            out
            + struct.pack("<IIIIIII", at, 0, relocations_at, len(part.relocations), part.flags, 0, 0)
            + bytes(4 if wide else 0)
        )

    def _fixups(self, kind: int, pages: dict[int, list[int]]) -> bytes:
        count = len(self.parts) + 1
        starts = bytearray(struct.pack(f"<I{count}I", count, *[0] * count))
        for segment, firsts in pages.items():
            struct.pack_into("<I", starts, 4 + 4 * segment, len(starts))
            offset = self.parts[segment - 1].vaddr - self.base
            starts += struct.pack("<IHHQIH", 22 + 2 * len(firsts), PAGE, kind, offset, 0, len(firsts))
            starts += struct.pack(f"<{len(firsts)}H", *firsts)
        imports = 32 + len(starts)
        return struct.pack("<IIIIIIII", 0, 32, imports, imports, 0, 1, 0, 0) + bytes(starts) + bytes(8)


def fat(slices: list[tuple[int, bytes]], *, wide: bool = False) -> bytes:
    """A universal file of (cpu, Mach-O)."""
    entry = struct.Struct(">IIQQII" if wide else ">IIIII")
    head = struct.pack(">II", 0xCAFEBABF if wide else 0xCAFEBABE, len(slices))
    at, rows, body = PAGE, b"", b""
    for cpu, data in slices:
        rows += entry.pack(cpu, 3, at, len(data), 12, *([0] if wide else []))
        padded = data + bytes(-len(data) % PAGE)
        body += padded
        at += len(padded)
    return (head + rows).ljust(PAGE, b"\0") + body
