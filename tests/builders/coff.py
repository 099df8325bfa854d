"""Writes small COFF objects: sections with relocations, symbols with long names."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

AMD64, I386, ARM64 = 0x8664, 0x14C, 0xAA64
TEXT, RDATA, DATA, BSS, DEBUG = 0x60600020, 0x40600040, 0xC0600040, 0xC0600080, 0x42100040
EXTERNAL, STATIC = 2, 3
OVERFLOW = 0x01000000


@dataclass(frozen=True)
class Part:
    """A section; ``relocations`` are (offset, symbol index, type)."""

    name: str
    data: bytes
    flags: int = RDATA
    zeros: int = 0
    relocations: tuple[tuple[int, int, int], ...] = ()


@dataclass
class Coff:
    """An object to be written. ``symbols`` are (name, value, section number, storage class, auxiliary records)."""

    machine: int = AMD64
    parts: list[Part] = field(default_factory=list)
    symbols: list[tuple[str, int, int, int, int]] = field(default_factory=list)

    def write(self) -> bytes:
        strings = bytearray(4)
        body, table = bytearray(), b""
        start = 20 + 40 * len(self.parts)
        for part in self.parts:
            place = start + len(body)
            body += part.data
            at, count = start + len(body), len(part.relocations)
            if part.flags & OVERFLOW:
                body += struct.pack("<IIH", count + 1, 0, 0)
                count = 0xFFFF
            body += b"".join(struct.pack("<IIH", *row) for row in part.relocations)
            name = part.name.encode()
            if len(name) > 8:
                offset = len(strings)
                strings += name + b"\0"
                name = f"/{offset}".encode()
            size = part.zeros or len(part.data)
            table += name.ljust(8, b"\0") + struct.pack(
                "<IIIIIIHHI", 0, 0, size, place, at, 0, count, 0, part.flags
            )
        symbols, records = b"", 0
        for name, value, section, storage, auxiliaries in self.symbols:
            raw = name.encode().ljust(8, b"\0")
            if len(raw) > 8:
                raw = struct.pack("<II", 0, len(strings))
                strings += name.encode() + b"\0"
            symbols += (
                raw
                + struct.pack("<IhHBB", value, section, 0, storage, auxiliaries)
                + b"\xff" * 18 * auxiliaries
            )
            records += 1 + auxiliaries
        strings[:4] = struct.pack("<I", len(strings))
        head = struct.pack("<HHIIIHH", self.machine, len(self.parts), 0, start + len(body), records, 0, 0)
        return head + table + bytes(body) + symbols + bytes(strings)
