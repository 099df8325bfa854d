"""Writes small PE files: 32 and 64 bits, sections, COFF symbols with long names."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

CODE, DATA, BSS = 0x60000020, 0xC0000040, 0xC0000080
READ_ONLY = 0x40000040
AMD64, I386, ARM64 = 0x8664, 0x14C, 0xAA64
EXTERNAL, STATIC, FILE = 2, 3, 103
HEADERS = 0x400


@dataclass(frozen=True)
class Part:
    """A section; `zeros` bytes of it only memory has."""

    name: str
    rva: int
    data: bytes
    flags: int = READ_ONLY
    zeros: int = 0


@dataclass
class Pe:
    """A PE file to be written. ``symbols`` are (name, value, section number, storage class)."""

    machine: int = AMD64
    bits: int = 64
    imagebase: int = 0x140000000
    entry_rva: int = 0x1000
    characteristics: int = 0x22
    parts: list[Part] = field(default_factory=list)
    symbols: list[tuple[str, int, int, int]] = field(default_factory=list)

    def write(self) -> bytes:
        body, rows = bytearray(HEADERS), []
        strings = bytearray(4)
        for part in self.parts:
            body += bytes(-len(body) % 0x200)
            raw = part.data + bytes(-len(part.data) % 0x200)
            rows.append((part, len(body) if part.data else 0, len(raw)))
            body += raw
        symbols_at = len(body) if self.symbols else 0
        for name, value, section, storage in self.symbols:
            body += self._name(name, strings) + struct.pack("<IhHBB", value, section, 0, storage, 0)
        table = b"".join(self._section(part, at, size, strings) for part, at, size in rows)
        strings[:4] = struct.pack("<I", len(strings))
        body += strings
        dos = (b"MZ" + bytes(58) + struct.pack("<I", 0x80)).ljust(0x80, b"\0")
        optional = self._optional()
        coff = struct.pack(
            "<HHIIIHH",
            self.machine,
            len(rows),
            0,
            symbols_at,
            len(self.symbols),
            len(optional),
            self.characteristics,
        )
        head = dos + b"PE\0\0" + coff + optional + table
        assert len(head) <= HEADERS
        body[: len(head)] = head
        return bytes(body)

    def _name(self, name: str, strings: bytearray, mark: bytes = b"") -> bytes:
        raw = name.encode()
        if len(raw) <= 8:
            return raw.ljust(8, b"\0")
        at = len(strings)
        strings += raw + b"\0"
        return f"/{at}".encode().ljust(8, b"\0") if mark else struct.pack("<II", 0, at)

    def _section(self, part: Part, at: int, size: int, strings: bytearray) -> bytes:
        name = self._name(part.name, strings, b"/")
        memory = len(part.data) + part.zeros
        return name + struct.pack("<IIIIIIHHI", memory, part.rva, size, at, 0, 0, 0, 0, part.flags)

    def _optional(self) -> bytes:
        end = max((part.rva + len(part.data) + part.zeros for part in self.parts), default=0) + 0xFFF & ~0xFFF
        wide = self.bits == 64
        out = struct.pack("<HBBIIIII", 0x20B if wide else 0x10B, 3, 0, 0, 0, 0, self.entry_rva, 0x1000)
        if not wide:
            out += struct.pack("<I", 0x2000)
        out += struct.pack("<Q" if wide else "<I", self.imagebase)
        out += struct.pack("<IIHHHHHHIIIIHH", 0x1000, 0x200, 6, 1, 1, 0, 6, 1, 0, end, HEADERS, 0, 3, 0)
        out += struct.pack("<QQQQ" if wide else "<IIII", 0x200000, 0x1000, 0x100000, 0x1000)
        return out + struct.pack("<II", 0, 16) + bytes(16 * 8)
