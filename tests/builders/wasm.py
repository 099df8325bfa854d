"""Writes small WebAssembly modules: imports, functions without code, data segments, the name section."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.builders.varints import sleb, uleb


def string(text: str) -> bytes:
    return uleb(len(text.encode())) + text.encode()


@dataclass
class Wasm:
    """A module to be written. ``data`` are (address or None for a passive segment, bytes)."""

    imports: list[tuple[str, bytes]] = field(default_factory=list)  # name, kind byte and description
    functions: int = 0
    data: list[tuple[int | None, bytes]] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)

    def write(self) -> bytes:
        out = b"\0asm\1\0\0\0"
        if self.imports:
            rows = b"".join(string("env") + string(name) + what for name, what in self.imports)
            out += self.section(2, uleb(len(self.imports)) + rows)
        if self.functions:
            out += self.section(3, uleb(self.functions) + bytes(self.functions))
            out += self.section(10, uleb(self.functions) + b"\2\0\x0b" * self.functions)
        if self.data:
            rows = b"".join(self.segment(*row) for row in self.data)
            out += self.section(11, uleb(len(self.data)) + rows)
        if self.names:
            table = uleb(len(self.names)) + b"".join(uleb(i) + string(name) for i, name in self.names.items())
            out += self.section(
                0, string("name") + self.section(0, string("module")) + self.section(1, table)
            )
        return out

    @staticmethod
    def section(number: int, body: bytes) -> bytes:
        return bytes([number]) + uleb(len(body)) + body

    @staticmethod
    def segment(vaddr: int | None, data: bytes) -> bytes:
        place = b"\1" if vaddr is None else b"\0\x41" + sleb(vaddr) + b"\x0b"
        return place + uleb(len(data)) + data
