"""PE files (Windows): headers and COFF symbols through LIEF, bytes from the mapped file.

Addresses are those of the preferred image base; words that the loader may have to rebase are right there as they
stand. Sources: "PE Format" of the Windows documentation, src/cmd/link/internal/ld/pe.go.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from goinspect._reader import Reader
from goinspect.errors import GoinspectError, MalformedError
from goinspect.model import Section, Segment, Symbol
from goinspect.objfile.claims import check_pe
from goinspect.objfile.facts import Linkage, RelocationTable, SymbolTable
from goinspect.objfile.image import MappedImage
from goinspect.objfile.liefcall import guarded, load_lief, number, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect._reader import ByteOrder
    from goinspect.objfile.image import Buffer

__all__ = ["PeImage"]

# IMAGE_FILE_MACHINE_* -> GOARCH, width of a pointer.
_MACHINES = {
    0x8664: ("amd64", 8),
    0x14C: ("386", 4),
    0xAA64: ("arm64", 8),
    0x1C0: ("arm", 4),
    0x1C4: ("arm", 4),
}
_PE32, _PE32_PLUS = 0x10B, 0x20B
_FILE_DLL = 0x2000
_DLL_DYNAMIC_BASE, _IMPORT_TABLE = 0x40, 1
_COFF_SYMBOL = 18
_MAX_LIBRARIES, _MAX_NAME = 1 << 10, 1 << 10
_SCN_UNINITIALIZED, _SCN_EXECUTE, _SCN_READ, _SCN_WRITE = 0x80, 0x20000000, 0x40000000, 0x80000000
_SYM_EXTERNAL, _SYM_STATIC, _SYM_FUNCTION, _SYM_FILE, _SYM_SECTION = 2, 3, 101, 103, 104


class PeImage(MappedImage):
    """A PE executable or DLL. Each section is a segment.

    Raises:
        MalformedError: no PE file, or one whose headers LIEF cannot read.
    """

    container = "PE"
    byteorder: ByteOrder = "little"

    def __init__(self, path: str, mapped: Buffer) -> None:
        super().__init__(path, mapped)
        at = int.from_bytes(self._bytes[0x3C:0x40], "little")
        if bytes(self._bytes[at : at + 4]) != b"PE\0\0":
            raise MalformedError("starts with MZ but has no PE header: a DOS program?", offset=0x3C)
        check_pe(self._bytes)
        with guarded("PE"):
            self._pe = self._parse()
            self._read_headers()
        end = max((s.file_offset + s.file_size for s in self.segments), default=0)
        if end > len(self._bytes):
            self.warnings.append(
                f"truncated: sections reach to {end:#x}, the file ends at {len(self._bytes):#x}"
            )

    def _parse(self) -> Any:
        lief = load_lief()
        config = lief.PE.ParserConfig()
        config.parse_signature = config.parse_exports = config.parse_imports = config.parse_rsrc = False
        config.parse_reloc = config.parse_exceptions = config.parse_arm64x_binary = False
        binary = lief.PE.parse(self.path, config)
        if binary is None:
            raise MalformedError("PE headers cannot be read")
        return binary

    def _read_headers(self) -> None:
        header, optional = self._pe.header, self._pe.optional_header
        machine = number(header.machine)
        self.arch, self.ptrsize = _MACHINES.get(machine, (f"machine-{machine}", 0))
        if not self.ptrsize:
            magic = number(optional.magic)
            if magic not in (_PE32, _PE32_PLUS):
                raise MalformedError(f"PE optional header of kind {magic:#x}, expected 0x10b or 0x20b")
            self.ptrsize = 8 if magic == _PE32_PLUS else 4
        self.type = "dyn" if number(header.characteristics) & _FILE_DLL else "exec"
        self._base = base = optional.imagebase
        self.entry = base + optional.addressof_entrypoint if optional.addressof_entrypoint else 0
        rows = [self._section(section, base) for section in self._pe.sections]
        self.segments = tuple(segment for _, segment in rows)
        # Symbols count sections from 1.
        self.sections = (Section("", 0, 0, 0, 0, 0, 0), *(section for section, _ in rows))

    def _section(self, section: Any, base: int) -> tuple[Section, Segment]:
        flags = number(section.characteristics)
        vaddr, raw = base + section.virtual_address, section.sizeof_raw_data
        size = section.virtual_size or raw
        held = 0 if flags & _SCN_UNINITIALIZED and not raw else min(raw, size)
        readable, writable, executable = (bool(flags & bit) for bit in (_SCN_READ, _SCN_WRITE, _SCN_EXECUTE))
        offset = section.pointerto_raw_data
        return (
            Section(
                self._name(section),
                vaddr,
                size,
                offset,
                held,
                2 | writable | executable << 2,
                1 if held else 8,
            ),
            Segment(vaddr, size, offset, held, readable, writable, executable),
        )

    def _name(self, section: Any) -> str:
        """The section's name; "/123" is an offset into the string table."""
        string = section.coff_string
        return text(string.string if string is not None else section.name)

    def symbols(self) -> Iterator[Symbol]:
        """The COFF symbol table, where there is one: it knows no sizes."""
        with guarded("PE symbol"):
            rows = [row for symbol in self._pe.symbols if (row := self._symbol(symbol)) is not None]
        yield from rows

    def _symbol(self, symbol: Any) -> Symbol | None:
        storage, index, name = number(symbol.storage_class), symbol.section_idx, text(symbol.name)
        if storage in (_SYM_FUNCTION, _SYM_FILE, _SYM_SECTION) or not name or index < -1:
            return None
        binding = "global" if storage == _SYM_EXTERNAL else "local"
        if not 0 < index < len(self.sections):  # 0: undefined, -1: not an address
            return Symbol(name, symbol.value, 0, "notype", binding, 0, "symtab")
        section = self.sections[index]
        if storage == _SYM_STATIC and symbol.value == 0 and name == section.name:
            return None
        kind = "function" if section.flags & 4 else "object"
        return Symbol(name, section.vaddr + symbol.value, 0, kind, binding, index, "symtab")

    def build_id(self) -> str:
        return ""

    def linkage(self) -> Linkage:
        with guarded("PE"):
            pie = bool(number(self._pe.optional_header.dll_characteristics) & _DLL_DYNAMIC_BASE)
            imports = [d for d in self._pe.data_directories if number(d.type) == _IMPORT_TABLE]
            places = [d.rva + self._base for d in imports if d.rva and d.size]
        return Linkage(None, tuple(self._libraries(places[0])) if places else (), bool(places), pie)

    def _libraries(self, vaddr: int) -> Iterator[str]:
        """Names of the import directory's DLLs: descriptors of five u32 each, the fourth leads to the name."""
        with suppress(GoinspectError):
            rows = Reader(self.tail(vaddr), what="import directory", origin=vaddr)
            for index in range(_MAX_LIBRARIES):
                name = rows.u32(20 * index + 12)
                if not name:
                    return
                view = self.tail(self._base + name)
                yield Reader(view, what="DLL name").cstr(0, _MAX_NAME).decode("utf-8", "backslashreplace")

    def symbol_tables(self) -> tuple[SymbolTable, ...]:
        with guarded("PE"):
            offset, count = self._pe.header.pointerto_symbol_table, self._pe.header.numberof_symbols
        if not offset or not count:
            return ()
        strings = offset + count * _COFF_SYMBOL
        size = int.from_bytes(self._bytes[strings : strings + 4], "little")
        return (SymbolTable("symtab", offset, count * _COFF_SYMBOL, count, strings, size),)

    def relocation_tables(self) -> tuple[RelocationTable, ...]:
        return tuple(
            RelocationTable(section.name, section.file_offset, section.file_size, self._count_bases(section))
            for section in self.sections
            if section.name == ".reloc"
        )

    def _count_bases(self, section: Section) -> int:
        """Entries of the base relocation blocks: u32 page, u32 size of the block, u16 each; 0 is padding."""
        data, at, count = Reader(self.data(section), what="base relocations"), 0, 0
        with suppress(GoinspectError):
            while (size := data.u32(at + 4)) > 8:
                entries = bytes(data.view(at + 8, size - 8))[1::2]
                count += len(entries) - entries.count(0)
                at += size
        return count
