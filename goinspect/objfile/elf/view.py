"""A header-only view of an ELF file over mmap: program headers, section headers, nothing more at opening.

Importing lief costs half a second and 50 MB; a PC lookup or a flame graph must not pay for it. The view reads the
fixed parts of the format (System V gABI chapters 4 and 5), for both classes and both byte orders. Where the headers
are not what the specification says it raises, and `goinspect.objfile` hands the file to LIEF.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from goinspect._reader import Reader
from goinspect.errors import MalformedError
from goinspect.model import Section, Segment, Symbol
from goinspect.objfile.elf import const as elf
from goinspect.objfile.elf.notes import notes
from goinspect.objfile.image import MAX_OVERLAP, MappedImage, holds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goinspect._reader import ByteOrder
    from goinspect.objfile.facts import Linkage, RelocationTable, SymbolTable
    from goinspect.objfile.image import Buffer

__all__ = ["ElfView"]

# Field order of Phdr, Shdr and Sym differs between the classes; struct formats without byte order, and the
# positions of the fields we keep.
_PHDR = {
    64: ("IIQQQQQQ", (0, 1, 2, 3, 5, 6)),
    32: ("IIIIIIII", (0, 6, 1, 2, 4, 5)),
}  # type flags off vaddr filesz memsz
_SHDR = {64: "IIQQQQIIQQ", 32: "IIIIIIIIII"}  # name type flags addr offset size link info addralign entsize
_SYM = {64: ("IBBHQQ", (0, 1, 3, 4, 5)), 32: ("IIIBBH", (0, 3, 5, 1, 2))}  # name info shndx value size
_PN_XNUM = _SHN_XINDEX = 0xFFFF
_MAX_HEADERS = 1 << 16
_MAX_PROGRAM_HEADERS = 1 << 20
_MAX_NOTES = 1 << 16
_NT_GNU_BUILD_ID = 3
_MAX_NAME = 1 << 10  # of a section
_MAX_TOLD = 4  # sections named in a warning


class ElfView(MappedImage):
    """An ELF file by its headers.

    Raises:
        TruncatedError: the ELF header or the program headers reach past the end of the file.
        MalformedError: the headers contradict the specification.
    """

    container = "ELF"

    def __init__(self, path: str, mapped: Buffer) -> None:
        super().__init__(path, mapped)
        ident = Reader(self._bytes, what="ELF header")
        bits = {1: 32, 2: 64}.get(ident.u8(4))
        orders: dict[int, ByteOrder] = {1: "little", 2: "big"}
        order = orders.get(ident.u8(5))
        if bits is None or order is None:
            raise MalformedError(f"ELF class {ident.u8(4)}, data {ident.u8(5)}; 1 or 2 expected", offset=4)
        self.bits = bits
        self.byteorder = order
        self.ptrsize = bits // 8
        self._mark = "<" if order == "little" else ">"
        self._reader = Reader(self._bytes, order, self.ptrsize, what="ELF file")
        self._parse_header()

    def _parse_header(self) -> None:
        word = self.ptrsize
        head = Reader(self._bytes, self.byteorder, word, what="ELF header")
        self.machine = head.u16(18)
        self.arch = elf.goarch(self.machine, self.bits, self.byteorder)
        self.type = elf.TYPES.get(head.u16(16), f"type-{head.u16(16)}")
        self.entry = head.uptr(24)
        phoff, shoff = head.uptr(24 + word), head.uptr(24 + 2 * word)
        counts = 24 + 3 * word + 6  # behind e_flags and e_ehsize
        phentsize, phnum, shentsize, shnum, shstrndx = (head.u16(counts + 2 * i) for i in range(5))
        if phoff == 0:  # no table, whatever the count says: Go's objects for 32-bit MIPS say 1
            phnum = 0
        if phnum == _PN_XNUM:  # the count is in section header 0: core files with many mappings
            phnum = next(self._table("section header", shoff, shentsize, 1, _SHDR[self.bits]))[7]
            if phnum > _MAX_PROGRAM_HEADERS:
                raise MalformedError(f"{phnum} program headers", offset=shoff)
        self.segments = self._parse_segments(phoff, phentsize, phnum)
        self.sections = self._parse_sections(shoff, shentsize, shnum, shstrndx)
        self._check_extent()

    def _table(self, what: str, offset: int, entsize: int, count: int, fmt: str) -> Iterator[tuple[int, ...]]:
        layout = struct.Struct(self._mark + fmt)
        if count and entsize != layout.size:
            raise MalformedError(f"{what} of {entsize} bytes, {layout.size} expected", offset=offset)
        return layout.iter_unpack(
            Reader(self._bytes, self.byteorder, self.ptrsize, what=what).view(offset, count * entsize)
        )

    def _parse_segments(self, offset: int, entsize: int, count: int) -> tuple[Segment, ...]:
        fmt, order = _PHDR[self.bits]
        self._phdrs = [
            tuple(row[i] for i in order) for row in self._table("program header", offset, entsize, count, fmt)
        ]
        return tuple(
            Segment(
                vaddr, memsz, off, min(filesz, memsz),
                bool(flags & elf.PF_R), bool(flags & elf.PF_W), bool(flags & elf.PF_X),
            )
            for kind, flags, off, vaddr, filesz, memsz in self._phdrs
            if kind == elf.PT_LOAD
        )  # fmt: skip

    def _parse_sections(self, offset: int, entsize: int, count: int, strndx: int) -> tuple[Section, ...]:
        self._section_rows: list[tuple[int, ...]] = []  # as in the file, for what Section does not have
        if offset == 0 or (count == 0 and strndx == 0):
            return ()
        if offset + entsize * count > len(self._bytes):
            self.warnings.append(
                f"section headers at {offset:#x} lie past the end of the file ({len(self._bytes):#x} bytes): truncated?"
            )
            return ()
        if count == 0:  # more than 0xff00 sections: the count is in header 0
            count = next(self._table("section header", offset, entsize, 1, _SHDR[self.bits]))[5]
            if count > _MAX_HEADERS:
                raise MalformedError(f"{count} sections", offset=offset)
        rows = list(self._table("section header", offset, entsize, count, _SHDR[self.bits]))
        self._section_rows = rows
        if strndx == _SHN_XINDEX and rows:  # the number is in header 0, too
            strndx = rows[0][6]
        if strndx >= len(rows):
            self.warnings.append(f"section name table {strndx} does not exist: sections ignored")
            self._section_rows = []
            return ()
        names = self._slice(rows[strndx][4], rows[strndx][5])
        return tuple(self._section(row, names) for row in rows)

    def _slice(self, offset: int, size: int) -> bytes:
        return bytes(self._bytes[offset : offset + size])

    def _section(self, row: tuple[int, ...], names: bytes) -> Section:
        name, kind, flags, vaddr, offset, size, link, _info, _align, entsize = row
        end = names.find(b"\0", name, name + _MAX_NAME)
        text = (
            names[name:end].decode("utf-8", "backslashreplace") if 0 <= name < len(names) and end >= 0 else ""
        )
        return Section(
            text, vaddr, size, offset, 0 if kind == elf.SHT_NOBITS else size, flags, kind, link, entsize
        )

    def _check_extent(self) -> None:
        end = max((s.file_offset + s.file_size for s in self.segments), default=0)
        if end > len(self._bytes):
            self.warnings.append(
                f"truncated: segments reach to {end:#x}, the file ends at {len(self._bytes):#x}"
            )
            return
        outside = [
            section.name
            for section in self.sections
            if section.file_size
            and section.type
            and section.file_offset + section.file_size > len(self._bytes)
        ]
        if outside:
            self.warnings.append(
                f"truncated: {_listed(outside)} beyond the file, which ends at {len(self._bytes):#x}"
            )

    def _relocation_tables(self) -> Iterator[tuple[int, int, bool]]:
        """(file offset, end, has addends) of every dynamic relocation table."""
        found = False
        for section in self.sections:
            if section.type in (elf.SHT_RELA, elf.SHT_REL) and section.flags & elf.SHF_ALLOC:
                found = True
                yield (
                    section.file_offset,
                    section.file_offset + section.file_size,
                    section.type == elf.SHT_RELA,
                )
        if not found:
            yield from self._dynamic_relocations()

    def _dynamic_relocations(self) -> Iterator[tuple[int, int, bool]]:
        """The same from PT_DYNAMIC (DT_RELA 7, DT_RELASZ 8, DT_REL 17, DT_RELSZ 18), for files without sections."""
        for kind, _flags, offset, _vaddr, filesz, _memsz in self._phdrs:
            if kind != elf.PT_DYNAMIC:
                continue
            data = self._slice(offset, filesz)
            pair = struct.Struct(self._mark + ("QQ" if self.bits == 64 else "II"))
            tags = dict(pair.iter_unpack(data[: len(data) // pair.size * pair.size]))
            for table, size, addends in ((7, 8, True), (17, 18, False)):
                if tags.get(table) and tags.get(size):
                    start, _ = self._file_range(tags[table])
                    yield start, start + tags[size], addends

    def _relocations(self, needle: bytes, at: int) -> Iterator[tuple[int, ...]]:
        """RELATIVE relocations (with addend) one of whose words, at byte `at` of the entry, is `needle`."""
        layout = struct.Struct(self._mark + ("QQq" if self.bits == 64 else "IIi"))
        relative = elf.RELATIVE.get(self.machine)
        type_mask = 0xFFFFFFFF if self.bits == 64 else 0xFF
        for table_start, table_end, addends in self._relocation_tables():
            start, end = (min(at_file, len(self._bytes)) for at_file in (table_start, table_end))
            hit = self._map.find(needle, start, end) if addends else -1
            while hit >= 0:
                entry = hit - at
                if entry >= start and (entry - start) % layout.size == 0 and entry + layout.size <= end:
                    row = layout.unpack_from(self._bytes, entry)
                    if row[1] & type_mask == relative:
                        yield row
                hit = self._map.find(needle, hit + 1, end)

    def _relative_addend(self, vaddr: int) -> int | None:
        if self.type != "dyn":
            return None
        for row in self._relocations(vaddr.to_bytes(self.ptrsize, self.byteorder), 0):
            return int(row[2])
        return None

    def _relocated_to(self, addend: int) -> Iterator[int]:
        if self.type == "dyn":
            for row in self._relocations(addend.to_bytes(self.ptrsize, self.byteorder), 2 * self.ptrsize):
                yield row[0]

    def _relocated_words(self, vaddr: int, size: int) -> Iterator[tuple[int, int]]:
        if self.type != "dyn":
            return
        layout = struct.Struct(self._mark + ("QQq" if self.bits == 64 else "IIi"))
        relative, mask, limit = (
            elf.RELATIVE.get(self.machine),
            0xFFFFFFFF if self.bits == 64 else 0xFF,
            vaddr + size,
        )
        left = MAX_OVERLAP * len(self._bytes)
        for start, end, addends in self._relocation_tables():
            data = self._bytes[min(start, len(self._bytes)) : end] if addends else b""
            left -= len(data)
            if left < 0:
                break
            for place, info, addend in layout.iter_unpack(data[: len(data) // layout.size * layout.size]):
                if vaddr <= place < limit and info & mask == relative and addend:
                    yield place, addend
        yield from self.symbolic_words(vaddr, max(0, size))

    def symbolic_words(self, vaddr: int, size: int) -> Iterator[tuple[int, int]]:
        wanted = elf.ABSOLUTE.get(self.machine, ())
        table = next((section for section in self.sections if section.type == elf.SHT_DYNSYM), None)
        if self.type != "dyn" or table is None:
            return
        values = list(self._symbol_values(table))
        shift, mask = (32, 0xFFFFFFFF) if self.bits == 64 else (8, 0xFF)
        for start, end, addends in self._relocation_tables():
            layout = struct.Struct(
                self._mark
                + ("QQ" if self.bits == 64 else "II")
                + ("" if not addends else "q" if self.bits == 64 else "i")
            )
            data = self._bytes[min(start, len(self._bytes)) : end]
            for place, info, *addend in layout.iter_unpack(data[: len(data) // layout.size * layout.size]):
                number = info >> shift
                if vaddr <= place < vaddr + size and info & mask in wanted and number < len(values):
                    value, section = values[number]
                    if section:  # an undefined one has its value from elsewhere
                        yield place, value + (addend[0] if addend else 0) & (1 << self.bits) - 1

    def symbols(self) -> Iterator[Symbol]:
        for section, source in self.symbol_sections():
            yield from self._symbols(section, source)

    def symbols_holding(self, addresses: Sequence[int]) -> Iterator[Symbol]:
        if type(self) is not ElfView:  # objects have addresses of their own
            yield from super().symbols_holding(addresses)
            return
        for section, source in self.symbol_sections():
            yield from self._symbols(section, source, addresses)

    def symbol_sections(self) -> Iterator[tuple[Section, str]]:
        """The sections that hold symbol tables, with "symtab" or "dynsym"; sound files have one of each at most."""
        left, seen = len(self._bytes), set[int]()
        for kind, source in ((elf.SHT_SYMTAB, "symtab"), (elf.SHT_DYNSYM, "dynsym")):
            for section in self.sections:
                if section.type == kind and section.file_offset not in seen:
                    seen.add(section.file_offset)
                    left -= len(self._bytes[section.file_offset : section.file_offset + section.file_size])
                    if left < 0:
                        self.warnings.append("symbol tables overlap: the rest is left out")
                        return
                    yield section, source

    def _symbol_values(self, section: Section) -> Iterator[tuple[int, int]]:
        """(value, section index) of every symbol of a symbol table."""
        fmt, (_, _, shndx, value, _) = _SYM[self.bits]
        layout = struct.Struct(self._mark + fmt)
        data = self.data(section)
        for row in layout.iter_unpack(data[: len(data) // layout.size * layout.size]):
            yield row[value], row[shndx]

    def _symbols(self, section: Section, source: str, held: Sequence[int] | None = None) -> Iterator[Symbol]:
        fmt, order = _SYM[self.bits]
        layout = struct.Struct(self._mark + fmt)
        data = self.data(section)
        if not 0 < section.link < len(self.sections):
            self.warnings.append(f"{section.name}: its string table {section.link} does not exist")
            return
        names = bytes(self.data(self.sections[section.link]))
        name_i, info_i, shndx_i, value_i, size_i = order
        kinds, bindings, find = elf.SYMBOL_KINDS, elf.SYMBOL_BINDINGS, names.find
        left = MAX_OVERLAP * len(names)
        for row in layout.iter_unpack(data[: len(data) // layout.size * layout.size]):
            if held is not None and not holds(held, row[value_i], row[size_i]):
                continue
            name, info = row[name_i], row[info_i]
            end = find(b"\0", name) if name else 0
            if end < 0:
                end = len(names)
            left -= end - name if end > name else 0
            if left < 0:
                self.warnings.append(
                    f"{section.name}: names overlap in the string table: the rest is left out"
                )
                return
            text = names[name:end].decode("utf-8", "backslashreplace") if name else ""
            yield Symbol(
                text, row[value_i], row[size_i],
                kinds.get(info & 15, "notype"), bindings.get(info >> 4, "local"), row[shndx_i], source,
            )  # fmt: skip

    def note_ranges(self) -> list[tuple[int, int]]:
        """(file offset, size) of every PT_NOTE."""
        return [(offset, filesz) for kind, _, offset, _, filesz, _ in self._phdrs if kind == elf.PT_NOTE]

    def program_ranges(self, kind: int) -> list[tuple[int, int]]:
        """(file offset, size) of the program headers of a type."""
        return [(offset, filesz) for found, _, offset, _, filesz, _ in self._phdrs if found == kind]

    def notes(self) -> Iterator[tuple[bytes, int, memoryview]]:
        # Go's internal linker covers only .note.go.buildid with PT_NOTE, so the sections come first.
        places = [(s.file_offset, s.file_size) for s in self.sections if s.type == elf.SHT_NOTE]
        for offset, size in dict.fromkeys((*places, *self.note_ranges())):
            yield from notes(self._bytes[offset : offset + min(size, _MAX_NOTES)], self.byteorder)

    def build_id(self) -> str:
        for owner, kind, descriptor in self.notes():
            if (owner, kind) == (b"GNU\0", _NT_GNU_BUILD_ID):
                return descriptor.hex()
        return ""

    def linkage(self) -> Linkage:
        from goinspect.objfile.elf import facts as elffacts  # no lookup needs it

        return elffacts.linkage(self)

    def symbol_tables(self) -> tuple[SymbolTable, ...]:
        from goinspect.objfile.elf import facts as elffacts  # no lookup needs it

        return elffacts.symbol_tables(self)

    def relocation_tables(self) -> tuple[RelocationTable, ...]:
        from goinspect.objfile.elf import facts as elffacts  # no lookup needs it

        return elffacts.relocation_tables(self)


def _listed(sections: list[str]) -> str:
    """Sections by the names that are known, a few of them."""
    shown = [name for name in sections[:_MAX_TOLD] if name]
    if not shown:  # the table of names is beyond the file, too
        return f"{len(sections)} sections" if len(sections) > 1 else "a section"
    more = f" and {len(sections) - len(shown)} more" if len(sections) > len(shown) else ""
    return f"section{'s' if len(sections) > 1 else ''} {', '.join(shown)}{more}"
