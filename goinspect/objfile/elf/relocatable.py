"""Relocatable ELF files: laid out in memory as a linker would, their pointers relocated.

In an object every section starts at address 0. Here `.text` stays there, so that addresses of functions are those
that ``go tool nm`` and ``go tool objdump`` show for the object, and all other sections of the program follow it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from goinspect.errors import MalformedError
from goinspect.model import Section, Segment, Symbol
from goinspect.objfile.elf import const as elf
from goinspect.objfile.elf.view import ElfView
from goinspect.objfile.pieces import Piece, PieceImage, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.objfile.image import Buffer

__all__ = ["RelocatableElf"]

_MIPS = 8
_MAX_SIZE = 1 << 40  # of one section in memory
_SHF_TLS = 0x400


class RelocatableElf(PieceImage, ElfView):
    """An ELF object (ET_REL) with addresses. Each allocated section is a segment.

    Raises:
        TruncatedError, MalformedError: as for ElfView, or a section of impossible size.
    """

    def __init__(self, path: str, mapped: Buffer) -> None:
        ElfView.__init__(self, path, mapped)
        self._target_tables: dict[int, list[int]] = {}
        self._tables: dict[int, list[tuple[int, ...]]] = {}  # headers of its relocation sections, by section
        for row in self._section_rows:
            if row[1] in (elf.SHT_REL, elf.SHT_RELA):
                self._tables.setdefault(row[7], []).append(row)
        order = sorted(
            (i for i, s in enumerate(self.sections) if s.flags & elf.SHF_ALLOC and not s.flags & _SHF_TLS),
            key=lambda i: (self.sections[i].name != ".text", self.sections[i].type == elf.SHT_NOBITS, i),
        )
        sections, pieces, end = list(self.sections), list[Piece](), 0
        for index in order:
            section = sections[index]
            if section.size > _MAX_SIZE:
                raise MalformedError(
                    f"section {section.name} of {section.size:#x} bytes", offset=section.file_offset
                )
            align = self._section_rows[index][8]
            align = align if 0 < align <= 1 << 20 else 1
            vaddr = -(-end // align) * align
            end = vaddr + section.size
            sections[index] = section._replace(vaddr=vaddr)
            if section.size:
                pieces.append(self._piece(index, sections[index]))
        self.sections = tuple(sections)
        self._set_pieces(pieces, len(self._bytes))

    def _piece(self, index: int, section: Section) -> Piece:
        held = max(0, min(section.file_size, len(self._bytes) - section.file_offset))
        segment = Segment(
            section.vaddr, section.size, section.file_offset, held,
            True, bool(section.flags & 1), bool(section.flags & elf.SHF_EXECINSTR),
        )  # fmt: skip
        return Piece(segment, lambda: self._relocated(index, segment))

    def _relocated(self, index: int, segment: Segment) -> Span:
        """A section's bytes; a copy where pointers in it had to be filled in."""
        start, end = segment.file_offset, segment.file_offset + segment.file_size
        tables = [] if segment.executable else self._tables.get(index, [])
        if not tables:
            return Span(self._map, start, end)
        copy = bytearray(self._bytes[start:end])
        word, mask = struct.Struct(self._mark + ("Q" if self.ptrsize == 8 else "I")), (1 << self.bits) - 1
        for table in tables:
            for at, target, addend in self._words(table, len(copy)):
                stored = word.unpack_from(copy, at)[0] if addend is None else addend
                word.pack_into(copy, at, target + stored & mask)
        return Span(copy, 0, len(copy))

    def _words(self, table: tuple[int, ...], size: int) -> Iterator[tuple[int, int, int | None]]:
        """(offset in the section, address of the symbol, addend or None for "in place") of every pointer."""
        wanted = elf.ABSOLUTE.get(self.machine, ())
        addends = table[1] == elf.SHT_RELA
        kind = ("QQq" if addends else "QQ") if self.bits == 64 else ("IIi" if addends else "II")
        layout = struct.Struct(self._mark + kind)
        entries = self._relocation_table(table[4], table[5], layout.size)
        targets = self._targets(table[6])
        for offset, info, *addend in layout.iter_unpack(entries):
            symbol, relocation = self._split(info)
            if relocation in wanted and symbol < len(targets) and offset + self.ptrsize <= size:
                yield offset, targets[symbol], addend[0] if addends else None

    def _split(self, info: int) -> tuple[int, int]:
        """Symbol and type of a relocation's info word."""
        if self.bits == 32:
            return info >> 8, info & 0xFF
        if self.machine == _MIPS and self.byteorder == "little":  # u32 symbol, then four bytes, type last
            return info & 0xFFFFFFFF, info >> 56
        if self.machine == _MIPS:
            return info >> 32, info & 0xFF
        return info >> 32, info & 0xFFFFFFFF

    def _targets(self, table: int) -> list[int]:
        """The address of every symbol of symbol table `table` (a section index)."""
        if table not in self._target_tables:
            known = table < len(self.sections) and self.sections[table].type == elf.SHT_SYMTAB
            rows = self._symbol_values(self.sections[table]) if known else ()
            self._target_tables[table] = [self._address(value, section) for value, section in rows]
        return self._target_tables[table]

    def _address(self, value: int, section: int) -> int:
        return value + self.sections[section].vaddr if 0 < section < len(self.sections) else value

    def data(self, section: Section) -> memoryview:
        if section.flags & elf.SHF_ALLOC and section.file_size:
            for index, segment in enumerate(self.segments):
                if (segment.vaddr, segment.file_offset) == (section.vaddr, section.file_offset):
                    return self._span(index).view()
        return ElfView.data(self, section)

    def symbols(self) -> Iterator[Symbol]:
        for symbol in super().symbols():
            yield symbol._replace(vaddr=self._address(symbol.vaddr, symbol.section))

    def build_id(self) -> str:
        return ElfView.build_id(self)
