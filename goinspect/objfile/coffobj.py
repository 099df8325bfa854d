"""COFF objects, as Windows libraries hold them: laid out like ELF objects, `.text` at 0, their pointers filled in.

Source: "PE Format" of the Windows documentation, chapters on COFF.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from goinspect._reader import Reader
from goinspect.errors import MalformedError
from goinspect.model import Section, Segment, Symbol
from goinspect.objfile.pieces import Piece, PieceImage, Span
from goinspect.objfile.strtab import StringTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect._reader import ByteOrder
    from goinspect.objfile.image import Buffer

__all__ = ["MACHINES", "CoffObject"]

# First two bytes -> GOARCH, width of a pointer, relocation "word = symbol + word" (ADDR64, DIR32, ADDR32).
MACHINES = {
    b"\x64\x86": ("amd64", 8, 1), b"\x4c\x01": ("386", 4, 6), b"\x64\xaa": ("arm64", 8, 14), b"\xc4\x01": ("arm", 4, 1),
}  # fmt: skip
_UNINITIALIZED, _MANY_RELOCATIONS, _DISCARDABLE = 0x80, 0x01000000, 0x02000000
_EXECUTE, _WRITE = 0x20000000, 0x80000000
_SECTION = struct.Struct("<8sIIIIIIHHI")
_RELOCATION = struct.Struct("<IIH")
_SYMBOL = struct.Struct("<8sIhHBB")
_EXTERNAL, _STATIC, _LABEL = 2, 3, 6


class _Row(NamedTuple):
    """A section header."""

    name: bytes
    virtual_size: int
    virtual_address: int
    size: int
    file_offset: int
    relocations_at: int
    lines_at: int
    relocations: int
    lines: int
    flags: int


class CoffObject(PieceImage):
    """A COFF object file with addresses. Each section that is loaded is a segment.

    Raises:
        TruncatedError: the file ends inside its headers.
    """

    container = "COFF"
    byteorder: ByteOrder = "little"
    type = "rel"
    entry = 0

    def __init__(self, path: str, mapped: Buffer) -> None:
        super().__init__(path, mapped)
        reader = Reader(self._bytes, what="COFF object")
        self.arch, self.ptrsize, self._absolute = MACHINES[bytes(reader.view(0, 2))]
        count, symbols_at, self._symbol_count = reader.u16(2), reader.u32(8), reader.u32(12)
        self._symbols_at = min(symbols_at, len(self._bytes))
        self._strings_at = min(symbols_at + _SYMBOL.size * self._symbol_count, len(self._bytes))
        self._strings = StringTable(self._bytes[self._strings_at :])
        headers = reader.view(20 + reader.u16(16), count * _SECTION.size)
        rows = [_Row(*row) for row in _SECTION.iter_unpack(headers)]
        self._values: list[int] | None = None
        self._lay_out(rows)

    def _lay_out(self, rows: list[_Row]) -> None:
        sections = [
            Section(self._name(row.name), 0, row.size, row.file_offset, self._held(row), 0, 1) for row in rows
        ]
        loaded = [i for i, row in enumerate(rows) if not row.flags & _DISCARDABLE and row.size]
        loaded.sort(key=lambda i: (not rows[i].flags & _EXECUTE, i))
        pieces, end = list[Piece](), 0
        for index in loaded:
            row, section = rows[index], sections[index]
            align = 1 << max(0, (row.flags >> 20 & 15) - 1)
            vaddr = -(-end // align) * align
            end = vaddr + row.size
            writable, executable = bool(row.flags & _WRITE), bool(row.flags & _EXECUTE)
            sections[index] = section._replace(vaddr=vaddr, flags=2 | writable | executable << 2)
            segment = Segment(vaddr, row.size, row.file_offset, section.file_size, True, writable, executable)
            pieces.append(self._piece(segment, row))
        self.sections = (Section("", 0, 0, 0, 0, 0, 0), *sections)  # symbols count from 1
        self._set_pieces(pieces, len(self._bytes))

    def _held(self, row: _Row) -> int:
        """Bytes of a section in the file."""
        return 0 if row.flags & _UNINITIALIZED else max(0, min(row.size, len(self._bytes) - row.file_offset))

    def _piece(self, segment: Segment, row: _Row) -> Piece:
        return Piece(segment, lambda: self._relocated(segment, row))

    def _relocated(self, segment: Segment, row: _Row) -> Span:
        """A section's bytes; a copy where pointers in it had to be filled in."""
        start, end = segment.file_offset, segment.file_offset + segment.file_size
        count, at = row.relocations, row.relocations_at
        if segment.executable or not count:
            return Span(self._map, start, end)
        if row.flags & _MANY_RELOCATIONS and count == 0xFFFF:  # the first one holds the number
            count = int.from_bytes(self._bytes[at : at + 4], "little")
        copy, values = bytearray(self._bytes[start:end]), self._symbol_values()
        word, mask = struct.Struct("<Q" if self.ptrsize == 8 else "<I"), (1 << 8 * self.ptrsize) - 1
        table = self._relocation_table(at, count * _RELOCATION.size, _RELOCATION.size)
        for place, symbol, kind in _RELOCATION.iter_unpack(table):
            if kind == self._absolute and symbol < len(values) and place + self.ptrsize <= len(copy):
                word.pack_into(copy, place, word.unpack_from(copy, place)[0] + values[symbol] & mask)
        return Span(copy, 0, len(copy))

    def data(self, section: Section) -> memoryview:
        for index, segment in enumerate(self.segments):
            if section.flags and segment.vaddr == section.vaddr and section.file_size:
                return self._span(index).view()
        return self._bytes[section.file_offset : section.file_offset + section.file_size]

    def _rows(self) -> Iterator[tuple[bytes, int, int, int, int, int]]:
        table = self._bytes[self._symbols_at : self._strings_at]
        yield from _SYMBOL.iter_unpack(table[: len(table) // _SYMBOL.size * _SYMBOL.size])

    def _address(self, value: int, section: int) -> int:
        return value + self.sections[section].vaddr if 0 < section < len(self.sections) else value

    def _symbol_values(self) -> list[int]:
        """The address of every entry of the symbol table, as relocations count them."""
        if self._values is None:
            self._values = [self._address(value, section) for _, value, section, *_ in self._rows()]
        return self._values

    def symbols(self) -> Iterator[Symbol]:
        auxiliaries = 0
        for name, value, section, _kind, storage, following in self._rows():
            if auxiliaries:
                auxiliaries -= 1
                continue
            auxiliaries = following
            try:
                text = self._name(name)
            except MalformedError as error:
                self.warnings.append(f"symbols: {error.message}: the rest is left out")
                return
            if storage not in (_EXTERNAL, _STATIC, _LABEL) or not text:
                continue
            binding = "global" if storage == _EXTERNAL else "local"
            if not 0 < section < len(self.sections):
                yield Symbol(text, value, 0, "notype", binding, 0, "symtab")
            elif text != self.sections[section].name:
                kind = "function" if self.sections[section].flags & 4 else "object"
                yield Symbol(text, self._address(value, section), 0, kind, binding, section, "symtab")

    def _name(self, raw: bytes) -> str:
        """A name of up to 8 bytes, or one in the string table: "/123", or four zeros and the offset."""
        if raw[:1] == b"/" and raw[1:].rstrip(b"\0").isdigit():
            offset = int(raw[1:].rstrip(b"\0"))
        elif raw[:4] == b"\0\0\0\0":
            offset = int.from_bytes(raw[4:], "little")
        else:
            return raw.rstrip(b"\0").decode("utf-8", "backslashreplace")
        return self._strings.text(offset)
