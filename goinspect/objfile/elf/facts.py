"""The dynamic section, the interpreter and table extents of an ELF file. Source: System V gABI, chapters 4 and 5."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Protocol

from goinspect.objfile.elf import const as elf
from goinspect.objfile.facts import Linkage, RelocationTable, SymbolTable

if TYPE_CHECKING:
    from goinspect._reader import ByteOrder
    from goinspect.model import Section, Segment

__all__ = ["linkage", "relocation_tables", "symbol_tables"]

_DT_NEEDED, _DT_PLTRELSZ, _DT_STRTAB, _DT_RELA, _DT_RELASZ, _DT_STRSZ = 1, 2, 5, 7, 8, 10
_DT_REL, _DT_RELSZ, _DT_PLTREL, _DT_JMPREL, _DT_RELRSZ, _DT_RELR, _DT_FLAGS_1 = (
    17,
    18,
    20,
    23,
    35,
    36,
    0x6FFFFFFB,
)
_DF_1_PIE = 0x08000000
_MAX_TAGS, _MAX_LIBRARIES, _MAX_TEXT = 1 << 12, 1 << 10, 1 << 12
_SYMBOL_SIZE = {32: 16, 64: 24}


class ElfHeaders(Protocol):
    """What is needed of an ELF image."""

    bits: int
    byteorder: ByteOrder
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]

    def program_ranges(self, kind: int) -> list[tuple[int, int]]:
        """(file offset, size) of the program headers of a type."""

    def file_bytes(self, offset: int, size: int) -> memoryview:
        """Bytes of the file, as far as it has them."""


def linkage(image: ElfHeaders) -> Linkage:
    """Interpreter, needed libraries, and whether DT_FLAGS_1 says PIE."""
    interpreter = next(
        (_text(image.file_bytes(offset, min(size, _MAX_TEXT))) for offset, size in image.program_ranges(elf.PT_INTERP)),
        None,
    )  # fmt: skip
    tags = _dynamic(image)
    first = dict(reversed(tags))
    start = _file_offset(image, first.get(_DT_STRTAB, 0))
    libraries = []
    if start is not None:
        strings = image.file_bytes(start, first.get(_DT_STRSZ, 0))
        wanted = [value for tag, value in tags if tag == _DT_NEEDED and value < len(strings)]
        libraries = [_text(strings[value : value + _MAX_TEXT]) for value in wanted[:_MAX_LIBRARIES]]
    # Older linkers write no DF_1_PIE: its absence says nothing.
    pie = True if first.get(_DT_FLAGS_1, 0) & _DF_1_PIE else None
    return Linkage(interpreter, tuple(libraries), bool(tags), pie)


def _text(view: memoryview) -> str:
    return bytes(view).split(b"\0", 1)[0].decode("utf-8", "backslashreplace")


def _dynamic(image: ElfHeaders) -> list[tuple[int, int]]:
    """(tag, value) of the dynamic section, up to DT_NULL."""
    pair = struct.Struct(("<" if image.byteorder == "little" else ">") + ("QQ" if image.bits == 64 else "II"))
    tags: list[tuple[int, int]] = []
    for offset, size in image.program_ranges(elf.PT_DYNAMIC)[:1]:
        view = image.file_bytes(offset, min(size, _MAX_TAGS * pair.size))
        for tag, value in pair.iter_unpack(view[: len(view) // pair.size * pair.size]):
            if tag == 0:
                break
            tags.append((tag, value))
    return tags


def _file_offset(image: ElfHeaders, vaddr: int) -> int | None:
    for segment in image.segments:
        if vaddr and segment.vaddr <= vaddr < segment.vaddr + segment.file_size:
            return segment.file_offset + vaddr - segment.vaddr
    return None


def symbol_tables(image: ElfHeaders) -> tuple[SymbolTable, ...]:
    """`.symtab` and `.dynsym` by their section headers."""
    found = []
    for kind, source in ((elf.SHT_SYMTAB, "symtab"), (elf.SHT_DYNSYM, "dynsym")):
        for section in image.sections:
            if section.type != kind:
                continue
            known = 0 < section.link < len(image.sections)
            strings = image.sections[section.link] if known else None
            count = max(section.file_size // _SYMBOL_SIZE[image.bits] - 1, 0)
            found.append(SymbolTable(
                source, section.file_offset, section.file_size, count,
                strings.file_offset if strings else 0, strings.file_size if strings else 0,
            ))  # fmt: skip
    return tuple(found)


def relocation_tables(image: ElfHeaders) -> tuple[RelocationTable, ...]:
    """Tables of the dynamic linker: by section, or by the dynamic section where there are none."""
    kinds = (elf.SHT_REL, elf.SHT_RELA, elf.SHT_RELR)
    found = [
        RelocationTable(s.name, s.file_offset, s.file_size, _count(image, s.type, s.file_offset, s.file_size))
        for s in image.sections
        if s.type in kinds and s.flags & elf.SHF_ALLOC
    ]
    return tuple(found or (_by_tags(image) if not image.sections else ()))


def _by_tags(image: ElfHeaders) -> list[RelocationTable]:
    tags = dict(reversed(_dynamic(image)))
    plt = elf.SHT_RELA if tags.get(_DT_PLTREL) == _DT_RELA else elf.SHT_REL
    found = []
    for name, at, size, kind in (
        ("DT_RELA", _DT_RELA, _DT_RELASZ, elf.SHT_RELA), ("DT_REL", _DT_REL, _DT_RELSZ, elf.SHT_REL),
        ("DT_JMPREL", _DT_JMPREL, _DT_PLTRELSZ, plt), ("DT_RELR", _DT_RELR, _DT_RELRSZ, elf.SHT_RELR),
    ):  # fmt: skip
        start = _file_offset(image, tags.get(at, 0))
        if start is not None and tags.get(size):
            held = len(image.file_bytes(start, tags[size]))
            found.append(RelocationTable(name, start, held, _count(image, kind, start, held)))
    return found


def _count(image: ElfHeaders, kind: int, offset: int, size: int) -> int:
    word = image.bits // 8
    if kind != elf.SHT_RELR:
        return size // ((3 if kind == elf.SHT_RELA else 2) * word)
    # RELR: an even word is an address, an odd one a bitmap of the words behind it.
    view = image.file_bytes(offset, size)
    mark = ("<" if image.byteorder == "little" else ">") + ("Q" if word == 8 else "I")
    words = struct.iter_unpack(mark, view[: len(view) // word * word])
    return sum(value.bit_count() - 1 if value & 1 else 1 for (value,) in words)
