"""Mach-O files (macOS): headers and symbols through LIEF, bytes from the mapped file.

Sources: mach-o/loader.h of Apple's xnu, src/cmd/link/internal/ld/macho.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from goinspect.errors import GoinspectError, MalformedError
from goinspect.model import Section, Segment, Symbol
from goinspect.objfile.facts import Linkage, SymbolTable
from goinspect.objfile.image import MappedImage
from goinspect.objfile.liefcall import guarded, number, text
from goinspect.objfile.macho.fixups import ChainedFixups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.objfile.image import Buffer

__all__ = ["CPUS", "MH_OBJECT", "MachoImage"]

_MAGICS = (
    b"\xcf\xfa\xed\xfe",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xfe\xed\xfa\xce",
)  # 64 bits first
# cputype -> GOARCH; bit 24 means 64-bit.
CPUS: Final = {7: "386", 0x1000007: "amd64", 12: "arm", 0x100000C: "arm64", 18: "ppc", 0x1000012: "ppc64"}
MH_OBJECT: Final = 1
_TYPES = {MH_OBJECT: "rel", 2: "exec", 6: "dyn", 8: "dyn"}  # object, executable, dylib, bundle
_MH_PIE = 0x200000
_READ, _WRITE, _EXECUTE = 1, 2, 4
_ZEROFILL = (1, 12, 18)  # S_ZEROFILL, S_GB_ZEROFILL, S_THREAD_LOCAL_ZEROFILL
_INSTRUCTIONS = 0x80000000 | 0x400
_N_STAB, _N_TYPE, _N_SECT, _N_UNDF, _N_EXT = 0xE0, 0x0E, 0x0E, 0, 1


class MachoImage(MappedImage):
    """One Mach-O file, or one slice of a universal one. File offsets count from the start of the whole file.

    Raises:
        MalformedError: its headers contradict the format.
    """

    container = "Mach-O"

    def __init__(self, path: str, mapped: Buffer, start: int, parsed: Any) -> None:
        super().__init__(path, mapped)
        self._parsed = parsed  # owns the memory that its parts refer to
        self._macho = macho = parsed.at(0)
        self._start, header = start, macho.header
        magic = bytes(self._bytes[self._start : self._start + 4])
        if magic not in _MAGICS:
            raise MalformedError(f"slice starts with {magic.hex(' ')}, expected Mach-O", offset=start)
        self.byteorder = "big" if magic[:1] == b"\xfe" else "little"
        cpu = number(header.cpu_type) & 0xFFFFFFFF
        self.arch = CPUS.get(cpu, f"machine-{cpu}")
        self.ptrsize = 8 if magic in _MAGICS[:2] else 4
        kind = number(header.file_type)
        self.type = _TYPES.get(kind, f"type-{kind}")
        self.entry = macho.entrypoint if macho.has_entrypoint else 0
        rows = list(macho.segments)
        # Symbols count sections from 1.
        sections = [self._section(section, row) for row in rows for section in row.sections]
        self.sections = (Section("", 0, 0, 0, 0, 0, 0), *sections)
        self._map_segments(rows)
        if not self.segments:
            raise MalformedError("Mach-O header without segments", offset=start)
        self._fixups = self._read_fixups()
        end = max((s.file_offset + s.file_size for s in self.segments), default=0)
        if end > len(self._bytes):
            self.warnings.append(
                f"truncated: segments reach to {end:#x}, the file ends at {len(self._bytes):#x}"
            )

    def _map_segments(self, rows: list[Any]) -> None:
        self.segments = tuple(segment for row in rows if (segment := self._segment(row)) is not None)

    def _segment(self, row: Any) -> Segment | None:
        """A segment; None for those that hold nothing at run time (__PAGEZERO, __DWARF)."""
        protection, size = number(row.init_protection), row.virtual_size
        held = min(row.file_size, size)
        if not size or (not held and not protection):
            return None
        return Segment(
            row.virtual_address, size, self._start + row.file_offset, held,
            bool(protection & _READ), bool(protection & _WRITE), bool(protection & _EXECUTE),
        )  # fmt: skip

    def _section(self, section: Any, row: Any) -> Section:
        kind = number(section.type)
        executable = bool(number(section.flags) & _INSTRUCTIONS) or text(section.name) == "__text"
        named = text(section.segment_name)  # objects have one segment for all sections
        # Of __DATA_CONST the loader takes the right to write away once it has filled in the pointers.
        writable = number(row.init_protection) & _WRITE if self.type != "rel" else named.startswith("__DATA")
        writable = writable and not named.startswith("__DATA_CONST")
        flags = 2 | bool(writable) | executable << 2
        held = 0 if kind in _ZEROFILL else section.size
        return Section(
            text(section.name), section.virtual_address, section.size, self._start + section.offset, held, flags,
            1 if held else 8,
        )  # fmt: skip

    def _read_fixups(self) -> ChainedFixups | None:
        if not self._macho.has_dyld_chained_fixups:
            return None
        command = self._macho.dyld_chained_fixups
        start = self._start + command.data_offset
        try:
            return ChainedFixups(
                self._bytes[start : start + command.data_size], self._bytes, self._macho.imagebase, self.segments,
                self.byteorder,
            )  # fmt: skip
        except GoinspectError as error:
            self.warnings.append(f"pointers cannot be resolved: {error.message}")
            return None

    def _relative_addend(self, vaddr: int) -> int | None:
        return self._fixups.target(vaddr) if self._fixups else None

    def _relocated_words(self, vaddr: int, size: int) -> Iterator[tuple[int, int]]:
        return self._fixups.rebases(vaddr, vaddr + size) if self._fixups else iter(())

    def _relocated_to(self, addend: int) -> Iterator[int]:
        if self._fixups:
            yield from self._fixups.pointers_to(
                addend, lambda needle: self.find(needle, writable=True, align=self.ptrsize)
            )

    def symbols(self) -> Iterator[Symbol]:
        """The symbol table. C's leading underscore is taken off, where the linker put one before Go's names, too."""
        with guarded("Mach-O symbol"):
            rows = [row for symbol in self._macho.symbols if (row := self._symbol(symbol)) is not None]
        # Go's linker adds the underscore since 1.14; before that "_rt0_amd64_darwin" is a whole name.
        plain = any(row.name == "runtime.text" for row in rows)
        for row in rows:
            bare = plain and row.section
            yield row if bare or not row.name.startswith("_") else row._replace(name=row.name[1:])

    def _symbol(self, symbol: Any) -> Symbol | None:
        raw, index, name = symbol.raw_type, symbol.numberof_sections, text(symbol.name)
        if raw & _N_STAB or not name:
            return None
        binding = "global" if raw & _N_EXT else "local"
        if raw & _N_TYPE != _N_SECT or not 0 < index < len(self.sections):
            return Symbol(name, symbol.value, 0, "notype", binding, 0, "symtab")
        kind = "function" if self.sections[index].flags & 4 else "object"
        return Symbol(name, symbol.value, 0, kind, binding, index, "symtab")

    def build_id(self) -> str:
        return ""

    def linkage(self) -> Linkage:
        with guarded("Mach-O"):
            libraries = tuple(_name(library) for library in self._macho.libraries)
            pie = bool(int(self._macho.header.flags) & _MH_PIE)
            loader = _name(self._macho.dylinker) if self._macho.has_dylinker else None
        return Linkage(loader, libraries, bool(libraries), pie)

    def symbol_tables(self) -> tuple[SymbolTable, ...]:
        with guarded("Mach-O symbol"):
            if not self._macho.has_symbol_command:
                return ()
            command = self._macho.symbol_command
            count, entry = command.numberof_symbols, 16 if self.ptrsize == 8 else 12
            imports = 0
            if self._macho.has_dynamic_symbol_command:
                imports = self._macho.dynamic_symbol_command.nb_undefined_symbols
            return (SymbolTable(
                "symtab", self._start + command.symbol_offset, count * entry, count,
                self._start + command.strings_offset, command.strings_size, max(count - imports, 0),
            ),)  # fmt: skip


def _name(command: Any) -> str:
    """The name in a load command; LIEF has none to give that is no UTF-8."""
    try:
        return text(command.name)
    except UnicodeDecodeError:
        return "(a name that is no UTF-8)"
