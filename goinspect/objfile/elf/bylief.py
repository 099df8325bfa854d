"""ELF through LIEF: for files whose headers the view refuses, and the view's oracle in the tests.

Only headers, dynamic relocations and (when asked) symbols come from LIEF; bytes come from the same mmap, because
LIEF copies a section each time it is asked for one.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from goinspect.errors import MalformedError
from goinspect.model import Section, Segment, Symbol
from goinspect.objfile.elf import const as elf
from goinspect.objfile.elf import facts as elffacts
from goinspect.objfile.elf.notes import notes
from goinspect.objfile.image import MappedImage
from goinspect.objfile.liefcall import guarded, load_lief, number

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

    from goinspect.objfile.facts import Linkage, RelocationTable, SymbolTable

__all__ = ["LiefElf"]

_MAX_NOTES = 1 << 16
_TYPE = (1 << 27) - 1  # LIEF numbers relocation types as architecture << 27 | type


class LiefElf(MappedImage):
    """An ELF file as LIEF understands it.

    Raises:
        MalformedError: LIEF cannot make an ELF file of it either.
    """

    container = "ELF"

    def __init__(self, path: str, mapped: mmap.mmap) -> None:
        super().__init__(path, mapped)
        with guarded("ELF"):
            self._read_headers(self._parse(symbols=False))

    def _read_headers(self, binary: Any) -> None:
        self._binary, header = binary, binary.header
        elf_class, elf_data = (*self._map[4:6], 0, 0)[
            :2
        ]  # LIEF goes on with values that the format does not have
        if elf_class not in (1, 2) or elf_data not in (1, 2):
            raise MalformedError(
                f"ELF class {elf_class}, data {elf_data}; 1 or 2 expected", path=self.path, offset=4
            )
        self.bits = 32 * elf_class
        self.byteorder = "little" if elf_data == 1 else "big"
        self.ptrsize = self.bits // 8
        self.machine = number(header.machine_type) & 0xFFFF
        self.arch = elf.goarch(self.machine, self.bits, self.byteorder)
        self.type = elf.TYPES.get(number(header.file_type), f"type-{number(header.file_type)}")
        self.entry = header.entrypoint
        self.segments = tuple(
            _segment(s) for s in binary.segments if number(s.type) & 0xFFFFFFFF == elf.PT_LOAD
        )
        sections = list(binary.sections)
        self.sections = tuple(_section(s) for s in sections)

    def _parse(self, *, symbols: bool) -> Any:
        lief = load_lief()
        config = lief.ELF.ParserConfig()
        config.parse_symtab_symbols = symbols
        config.parse_dyn_symbols = symbols
        config.parse_notes = not symbols
        config.parse_overlay = False
        config.parse_symbol_versions = False
        binary = lief.ELF.parse(self.path, config)
        if binary is None:
            raise MalformedError("not even LIEF can read these ELF headers", path=self.path)
        return binary

    def _relative_addend(self, vaddr: int) -> int | None:
        return self._relative().get(vaddr)

    def _relocated_to(self, addend: int) -> Iterator[int]:
        yield from (vaddr for vaddr, value in self._relative().items() if value == addend)

    def _relocated_words(self, vaddr: int, size: int) -> Iterator[tuple[int, int]]:
        yield from (row for row in self._relative().items() if vaddr <= row[0] < vaddr + size)

    def _relative(self) -> dict[int, int]:
        wanted = elf.RELATIVE.get(self.machine)
        with guarded("ELF"):
            relocations = self._binary.dynamic_relocations if self.type == "dyn" else ()
            return {r.address: r.addend for r in relocations if number(r.type) & _TYPE == wanted and r.addend}

    def symbols(self) -> Iterator[Symbol]:
        with guarded("ELF"):
            binary = self._parse(symbols=True)
        for source, symbols in (("symtab", binary.symtab_symbols), ("dynsym", binary.dynamic_symbols)):
            with guarded("ELF"):
                rows = [_symbol(symbol, source) for symbol in symbols]
            yield from rows

    def program_ranges(self, kind: int) -> list[tuple[int, int]]:
        """(file offset, size) of the program headers of a type."""
        with guarded("ELF"):
            return [
                (s.file_offset, s.physical_size)
                for s in self._binary.segments
                if number(s.type) & 0xFFFFFFFF == kind
            ]

    def notes(self) -> Iterator[tuple[bytes, int, memoryview]]:
        places = [(s.file_offset, s.file_size) for s in self.sections if s.type == elf.SHT_NOTE]
        for offset, size in dict.fromkeys((*places, *self.program_ranges(elf.PT_NOTE))):
            yield from notes(self.file_bytes(offset, min(size, _MAX_NOTES)), self.byteorder)

    def linkage(self) -> Linkage:
        return elffacts.linkage(self)

    def symbol_tables(self) -> tuple[SymbolTable, ...]:
        return elffacts.symbol_tables(self)

    def relocation_tables(self) -> tuple[RelocationTable, ...]:
        return elffacts.relocation_tables(self)

    def build_id(self) -> str:
        for note in self._binary.notes:
            with suppress(MalformedError), guarded("ELF"):  # a name that is no UTF-8 cannot be asked for
                if note.name == "GNU" and note.original_type == 3:
                    return self._turned(bytes(note.description)).hex()
        return ""

    def _turned(self, found: bytes) -> bytes:
        """LIEF 1.0 reads a description as 4-byte words, and turns those of big-endian files around."""
        turned = b"".join(found[at : at + 4][::-1] for at in range(0, len(found), 4))
        return found if self._map.find(found) >= 0 else turned


def _symbol(symbol: Any, source: str) -> Symbol:
    return Symbol(
        str(symbol.name), symbol.value, symbol.size,
        elf.SYMBOL_KINDS.get(number(symbol.type), "notype"),
        elf.SYMBOL_BINDINGS.get(number(symbol.binding), "local"),
        symbol.shndx, source,
    )  # fmt: skip


def _segment(segment: Any) -> Segment:
    flags = number(segment.flags)
    return Segment(
        segment.virtual_address, segment.virtual_size, segment.file_offset,
        min(segment.physical_size, segment.virtual_size),
        bool(flags & elf.PF_R), bool(flags & elf.PF_W), bool(flags & elf.PF_X),
    )  # fmt: skip


def _section(section: Any) -> Section:
    kind = number(section.type) & 0xFFFFFFFF
    file_size = 0 if kind == elf.SHT_NOBITS else section.size
    return Section(
        str(section.name), section.virtual_address, section.size, section.file_offset, file_size,
        section.flags, kind, section.link, section.entry_size,
    )  # fmt: skip
