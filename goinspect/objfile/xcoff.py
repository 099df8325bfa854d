"""XCOFF files (AIX): section headers and the symbol table, for both widths.

Source: "XCOFF Object File Format" of the AIX documentation, src/cmd/link/internal/ld/xcoff.go.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from goinspect._reader import Reader
from goinspect.errors import GoinspectError, MalformedError
from goinspect.model import Section, Segment, Symbol
from goinspect.objfile.facts import SymbolTable
from goinspect.objfile.image import MappedImage
from goinspect.objfile.strtab import StringTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect._reader import ByteOrder
    from goinspect.objfile.image import Buffer

__all__ = ["XcoffImage"]

_MAGIC_64 = b"\x01\xf7"
_STYP_TEXT, _STYP_DATA, _STYP_BSS = 0x20, 0x40, 0x80
_SHARED_OBJECT = 0x2000  # F_SHROBJ
_C_EXT, _C_HIDEXT, _C_WEAKEXT = 2, 107, 111
_SYMBOL = 18


class XcoffImage(MappedImage):
    """An XCOFF executable or object. Its text, data and bss sections are its segments.

    Raises:
        TruncatedError: the file ends inside its headers.
    """

    container = "XCOFF"
    byteorder: ByteOrder = "big"

    def __init__(self, path: str, mapped: Buffer) -> None:
        super().__init__(path, mapped)
        wide = bytes(self._bytes[:2]) == _MAGIC_64
        self.ptrsize, self.arch = (8, "ppc64") if wide else (4, "ppc")
        head = self._reader = Reader(self._bytes, "big", self.ptrsize, what="XCOFF header")
        count, optional = head.u16(2), head.u16(16)
        flags = head.u16(18)
        self._symbols_at, self._symbol_count = head.uptr(8), head.u32(20 if wide else 12)
        self.type = "dyn" if flags & _SHARED_OBJECT else "exec" if optional else "rel"
        start = 24 if wide else 20
        layout = struct.Struct(">8s6QIII4x" if wide else ">8s6IHHI")
        rows = layout.iter_unpack(head.view(start + optional, count * layout.size))
        # Symbols count sections from 1.
        self.sections = (Section("", 0, 0, 0, 0, 0, 0), *(_section(row) for row in rows))
        self.segments = tuple(
            Segment(s.vaddr, s.size, s.file_offset, s.file_size, True, not s.flags & 4, bool(s.flags & 4))
            for s in self.sections
            if s.flags
        )
        self.entry = self._entry(start + (80 if wide else 16)) if optional >= (88 if wide else 20) else 0
        end = max((s.file_offset + s.file_size for s in self.segments), default=0)
        if end > len(self._bytes):
            self.warnings.append(
                f"truncated: sections reach to {end:#x}, the file ends at {len(self._bytes):#x}"
            )

    def _entry(self, at: int) -> int:
        """The first instruction: o_entry points to a function descriptor, whose first word does."""
        try:
            return self.read_pointer(self._reader.uptr(at))
        except GoinspectError:
            return 0

    def symbols(self) -> Iterator[Symbol]:
        wide, count = self.ptrsize == 8, self._symbol_count
        strings_at = self._symbols_at + count * _SYMBOL
        if not count or strings_at > len(self._bytes):
            return
        layout = struct.Struct(">QIhHBB" if wide else ">8sIhHBB")
        strings = StringTable(self._bytes[strings_at:])
        at = self._symbols_at
        while at + _SYMBOL <= strings_at:
            first, second, section, _kind, storage, auxiliaries = layout.unpack_from(self._bytes, at)
            at += _SYMBOL * (1 + auxiliaries)
            if storage not in (_C_EXT, _C_HIDEXT, _C_WEAKEXT) or not 0 < section < len(self.sections):
                continue
            vaddr, offset = (first, second) if wide else (second, int.from_bytes(first[4:], "big"))
            if not wide and first[:4] != b"\0\0\0\0":
                name = first.rstrip(b"\0").decode("utf-8", "backslashreplace")
            else:
                try:
                    name = strings.text(offset)
                except MalformedError as error:
                    self.warnings.append(f"symbols: {error.message}: the rest is left out")
                    return
            kind = "function" if self.sections[section].flags & 4 else "object"
            binding = "local" if storage == _C_HIDEXT else "weak" if storage == _C_WEAKEXT else "global"
            if name:
                yield Symbol(name, vaddr, 0, kind, binding, section, "symtab")

    def build_id(self) -> str:
        return ""

    def symbol_tables(self) -> tuple[SymbolTable, ...]:
        if not self._symbol_count:
            return ()
        size = self._symbol_count * _SYMBOL
        strings = self._symbols_at + size
        length = int.from_bytes(self._bytes[strings : strings + 4], "big")
        return (SymbolTable("symtab", self._symbols_at, size, self._symbol_count, strings, length),)


def _section(row: tuple[bytes | int, ...]) -> Section:
    name, _paddr, vaddr, size, offset, *_, styp = row
    flags = {_STYP_TEXT: 6, _STYP_DATA: 3, _STYP_BSS: 3}.get(int(styp) & 0xFFFF, 0)
    held = 0 if int(styp) & _STYP_BSS else int(size)
    text = bytes(name).rstrip(b"\0").decode("utf-8", "backslashreplace") if isinstance(name, bytes) else ""
    return Section(text, int(vaddr), int(size), int(offset), held, flags, 1 if held else 8)
