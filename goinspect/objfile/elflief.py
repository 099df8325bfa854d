"""ELF through LIEF: for files whose headers the view refuses, and the view's oracle in the tests.

Only headers, dynamic relocations and (when asked) symbols come from LIEF; bytes come from the same mmap, because
LIEF copies a section each time it is asked for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goinspect.errors import MalformedError
from goinspect.model import Section, Segment, Symbol
from goinspect.objfile import elfconst as elf
from goinspect.objfile.image import MappedImage

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

__all__ = ["LiefElf"]


class LiefElf(MappedImage):
    """An ELF file as LIEF understands it.

    Raises:
        MalformedError: LIEF cannot make an ELF file of it either.
    """

    container = "ELF"

    def __init__(self, path: str, mapped: mmap.mmap) -> None:
        super().__init__(path, mapped)
        self._binary = binary = self._parse(symbols=False)
        header = binary.header
        self.bits = 64 if "64" in str(header.identity_class) else 32
        self.byteorder = "little" if "LSB" in str(header.identity_data) else "big"
        self.ptrsize = self.bits // 8
        self.machine = header.machine_type.value & 0xFFFF
        self.arch = elf.goarch(self.machine, self.bits, self.byteorder)
        self.type = elf.TYPES.get(header.file_type.value, f"type-{header.file_type.value}")
        self.entry = header.entrypoint
        self.segments = tuple(
            _segment(s) for s in binary.segments if s.type.value & 0xFFFFFFFF == elf.PT_LOAD
        )
        sections = list(binary.sections)
        self.sections = tuple(_section(s) for s in sections)

    def _parse(self, *, symbols: bool) -> Any:
        import lief  # 0.5 s of CPU and 50 MB: only files that need it pay

        lief.logging.disable()
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

    def _relative(self) -> dict[int, int]:
        wanted = elf.RELATIVE.get(self.machine)
        relocations = self._binary.dynamic_relocations if self.type == "dyn" else ()
        # LIEF numbers relocation types as architecture << 27 | type.
        return {r.address: r.addend for r in relocations if r.type.value & 0x7FFFFFF == wanted and r.addend}

    def symbols(self) -> Iterator[Symbol]:
        binary = self._parse(symbols=True)
        for source, symbols in (("symtab", binary.symtab_symbols), ("dynsym", binary.dynamic_symbols)):
            for symbol in symbols:
                yield Symbol(
                    str(symbol.name), symbol.value, symbol.size,
                    elf.SYMBOL_KINDS.get(symbol.type.value, "notype"),
                    elf.SYMBOL_BINDINGS.get(symbol.binding.value, "local"),
                    symbol.shndx, source,
                )  # fmt: skip

    def build_id(self) -> str:
        for note in self._binary.notes:
            if note.name == "GNU" and note.original_type == 3:
                return bytes(note.description).hex()
        return ""


def _segment(segment: Any) -> Segment:
    flags = segment.flags.value
    return Segment(
        segment.virtual_address, segment.virtual_size, segment.file_offset,
        min(segment.physical_size, segment.virtual_size),
        bool(flags & elf.PF_R), bool(flags & elf.PF_W), bool(flags & elf.PF_X),
    )  # fmt: skip


def _section(section: Any) -> Section:
    kind = section.type.value & 0xFFFFFFFF
    file_size = 0 if kind == elf.SHT_NOBITS else section.size
    return Section(
        str(section.name), section.virtual_address, section.size, section.file_offset, file_size,
        section.flags, kind, section.link, section.entry_size,
    )  # fmt: skip
