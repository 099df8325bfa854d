"""Mach-O objects: their sections have addresses of their own already, their pointers are filled in here.

Source: mach-o/reloc.h and mach-o/arm64/reloc.h of Apple's xnu.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from goinspect.model import Segment
from goinspect.objfile.liefcall import text
from goinspect.objfile.macho.image import MachoImage
from goinspect.objfile.pieces import Piece, PieceImage, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.model import Section
    from goinspect.objfile.image import Buffer

__all__ = ["MachoObject"]

_SCATTERED = 0x80000000
_UNSIGNED = 0  # X86_64_RELOC_UNSIGNED, ARM64_RELOC_UNSIGNED, GENERIC_RELOC_VANILLA
_SUBTRACTOR = {"amd64": 5, "arm64": 1}  # the relocation behind it gives the difference of two symbols


class MachoObject(PieceImage, MachoImage):
    """A relocatable Mach-O file (MH_OBJECT). Each section is a segment; debug information is none.

    Raises:
        MalformedError: its headers contradict the format.
    """

    def __init__(self, path: str, mapped: Buffer, start: int, parsed: Any) -> None:
        MachoImage.__init__(self, path, mapped, start, parsed)
        self._symbol_values: list[int] | None = None

    def _map_segments(self, rows: list[Any]) -> None:
        pieces = []
        headers = [section for row in rows for section in row.sections]
        for header, section in zip(headers, self.sections[1:], strict=True):
            place = text(header.segment_name)
            if not section.size or place == "__DWARF":
                continue
            held = max(0, min(section.file_size, len(self._bytes) - section.file_offset))
            segment = Segment(
                section.vaddr, section.size, section.file_offset, held,
                True, place.startswith("__DATA"), bool(section.flags & 4),
            )  # fmt: skip
            pieces.append(self._piece(segment, header.relocation_offset, header.numberof_relocations))
        self._set_pieces(pieces, len(self._bytes))

    def _piece(self, segment: Segment, offset: int, count: int) -> Piece:
        return Piece(segment, lambda: self._relocated(segment, offset, count))

    def _relocated(self, segment: Segment, offset: int, count: int) -> Span:
        """A section's bytes; a copy where pointers in it had to be filled in."""
        start, end = segment.file_offset, segment.file_offset + segment.file_size
        if segment.executable or not count:
            return Span(self._map, start, end)
        copy = bytearray(self._bytes[start:end])
        mark = "<" if self.byteorder == "little" else ">"
        word, mask = struct.Struct(mark + ("Q" if self.ptrsize == 8 else "I")), (1 << 8 * self.ptrsize) - 1
        for at, value in self._words(mark, offset, count, len(copy)):
            word.pack_into(copy, at, word.unpack_from(copy, at)[0] + value & mask)
        return Span(copy, 0, len(copy))

    def _words(self, mark: str, offset: int, count: int, size: int) -> Iterator[tuple[int, int]]:
        """(offset in the section, address of the symbol to be added) of every pointer.

        Relocations that name a section instead have the whole address in place.
        """
        table = self._relocation_table(self._start + offset, 8 * count, 8)
        values, difference = self._values(mark), False
        for at, info in struct.iter_unpack(mark + "II", table):
            index, kind, external = info & 0xFFFFFF, info >> 28, info >> 27 & 1
            plain = kind == _UNSIGNED and not at & _SCATTERED and 1 << (info >> 25 & 3) == self.ptrsize
            if plain and external and not difference and index < len(values) and at + self.ptrsize <= size:
                yield at, values[index]
            difference = kind == _SUBTRACTOR.get(self.arch)

    def _values(self, mark: str) -> list[int]:
        """The value of every entry of the symbol table, as relocations count them."""
        if self._symbol_values is None:
            self._symbol_values = []
            if self._macho.has_symbol_command:
                command = self._macho.symbol_command
                layout = struct.Struct(mark + ("IBBHQ" if self.ptrsize == 8 else "IBBHI"))
                table = self._bytes[self._start + command.symbol_offset :]
                table = table[: command.numberof_symbols * layout.size]
                rows = layout.iter_unpack(table[: len(table) // layout.size * layout.size])
                self._symbol_values = [row[4] for row in rows]
        return self._symbol_values

    def data(self, section: Section) -> memoryview:
        for index, segment in enumerate(self.segments):
            if (segment.vaddr, segment.file_offset) == (
                section.vaddr,
                section.file_offset,
            ) and section.file_size:
                return self._span(index).view()
        return MachoImage.data(self, section)
