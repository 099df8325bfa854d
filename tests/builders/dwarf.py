"""Writes DWARF: versions 2-5, both formats, both byte orders, every form, from a tree of entries."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.builders.varints import sleb, uleb

COMPILE_UNIT, SUBPROGRAM, VARIABLE, BASE_TYPE, TYPEDEF, STRUCTURE, POINTER, ARRAY, SUBRANGE = (
    0x11, 0x2E, 0x34, 0x24, 0x16, 0x13, 0x0F, 0x01, 0x21,
)  # fmt: skip
PARAMETER, MEMBER, CONST = 0x05, 0x0D, 0x26
LOCATION, NAME, BYTE_SIZE, STMT_LIST, LOW_PC, HIGH_PC, LANGUAGE = 0x02, 0x03, 0x0B, 0x10, 0x11, 0x12, 0x13
COMP_DIR, INLINE, ORIGIN, DECL_FILE, DECL_LINE, DECLARATION = 0x1B, 0x20, 0x31, 0x3A, 0x3B, 0x3C
SPECIFICATION, TYPE, RANGES, COUNT, UPPER_BOUND, LINKAGE_NAME = 0x47, 0x49, 0x55, 0x37, 0x2F, 0x6E
STR_OFFSETS_BASE, ADDR_BASE, RNGLISTS_BASE, GO_KIND, GO_RUNTIME_TYPE = 0x72, 0x73, 0x74, 0x2900, 0x2904

(ADDR, BLOCK2, BLOCK4, DATA2, DATA4, DATA8, STRING, BLOCK, BLOCK1, DATA1, FLAG, SDATA, STRP, UDATA, REF_ADDR, REF1, REF2,
 REF4, REF8, REF_UDATA, INDIRECT, SEC_OFFSET, EXPRLOC, FLAG_PRESENT, STRX, ADDRX, REF_SUP4, STRP_SUP, DATA16, LINE_STRP,
 REF_SIG8, IMPLICIT_CONST, LOCLISTX, RNGLISTX, REF_SUP8, STRX1, STRX2, STRX3, STRX4, ADDRX1, ADDRX2, ADDRX3, ADDRX4) = (
    0x01, *range(0x03, 0x2D),
)  # fmt: skip
FORM_SINCE = dict.fromkeys(range(ADDR, INDIRECT + 1), 2) | {
    SEC_OFFSET: 4, EXPRLOC: 4, FLAG_PRESENT: 4, REF_SIG8: 4,
}  # fmt: skip
REFERENCES = {REF_ADDR, REF1, REF2, REF4, REF8, REF_UDATA}
C, GO = 0x0C, 0x16
PADDED = 5  # bytes of a reference as LEB128, whose value is only known when everything has its place


@dataclass(eq=False)
class Die:
    """An entry. ``attributes`` are (attribute, form, value); a reference's value is another entry."""

    tag: int
    attributes: list[tuple[int, int, Any]] = field(default_factory=list)
    children: list[Die] = field(default_factory=list)
    place: int = 0


@dataclass
class Dwarf:
    """Debug information of one kind. ``units`` are their first entries; `write` gives sections by short name."""

    version: int = 4
    byteorder: Literal["little", "big"] = "little"
    address_size: int = 8
    wide: bool = False  # DWARF64
    units: list[Die] = field(default_factory=list)
    extra: dict[str, bytes] = field(default_factory=dict)
    first_code: int = 1

    def number(self, value: int, size: int) -> bytes:
        return (value & (1 << 8 * size) - 1).to_bytes(size, self.byteorder)

    def offset(self, value: int) -> bytes:
        return self.number(value, 8 if self.wide else 4)

    def address(self, value: int) -> bytes:
        return self.number(value, self.address_size)

    def length(self, body: bytes) -> bytes:
        return (b"\xff\xff\xff\xff" if self.wide else b"") + self.offset(len(body)) + body

    @property
    def index_base(self) -> int:
        """Where the tables of str_offsets and addr start: behind length, version and two bytes more."""
        return 16 if self.wide else 8

    def write(self) -> dict[str, bytes]:
        self._abbrevs: dict[tuple[Any, ...], int] = {}
        self._strings: dict[str, dict[bytes, int]] = {"str": {}, "line_str": {}}
        self._tables: dict[str, bytearray] = {"str": bytearray(b"\0"), "line_str": bytearray(b"\0")}
        self._string_index: list[int] = []
        self._addresses: list[int] = []
        for _ in range(2):  # the second time every entry knows its place
            self._addresses.clear()
            self._string_index.clear()
            info = b""
            for unit in self.units:
                info += self._unit(unit, len(info))
        sections = {"info": info, "abbrev": self._abbrev_table()}
        sections |= {name: bytes(table) for name, table in self._tables.items() if len(table) > 1}
        if self._string_index:
            body = self.number(5, 2) + bytes(2) + b"".join(map(self.offset, self._string_index))
            sections["str_offsets"] = self.length(body)
        if self._addresses:
            body = (
                self.number(5, 2)
                + bytes([self.address_size, 0])
                + b"".join(map(self.address, self._addresses))
            )
            sections["addr"] = self.length(body)
        return sections | self.extra

    def _unit(self, root: Die, at: int) -> bytes:
        size = bytes([self.address_size])
        head = self.number(self.version, 2)
        head += b"\x01" + size + self.offset(0) if self.version >= 5 else self.offset(0) + size
        self._start = at
        lead = (12 if self.wide else 4) + len(head)
        return self.length(head + self._die(root, at + lead))

    def _die(self, die: Die, at: int) -> bytes:
        die.place = at
        shape = (
            die.tag,
            bool(die.children),
            tuple((a, f, v if f == IMPLICIT_CONST else None) for a, f, v in die.attributes),
        )
        code = self._abbrevs.setdefault(shape, self.first_code + len(self._abbrevs))
        out = uleb(code)
        for _, form, value in die.attributes:
            out += self.form(form, value)
        for child in die.children:
            out += self._die(child, at + len(out))
        return out + (b"\0" if die.children else b"")

    def form(self, form: int, value: Any) -> bytes:
        if form in REFERENCES:
            return self._reference(form, value)
        sizes = {
            DATA1: 1,
            DATA2: 2,
            DATA4: 4,
            DATA8: 8,
            DATA16: 16,
            FLAG: 1,
            REF_SIG8: 8,
            REF_SUP4: 4,
            REF_SUP8: 8,
        }
        if form in sizes:
            return self.number(value, sizes[form])
        blocks = {BLOCK1: 1, BLOCK2: 2, BLOCK4: 4}
        if form in blocks:
            return self.number(len(value), blocks[form]) + value
        if form in (STRP, LINE_STRP):
            return self.offset(self._string("str" if form == STRP else "line_str", value))
        strx = {STRX: 0, STRX1: 1, STRX2: 2, STRX3: 3, STRX4: 4}
        if form in strx:
            self._string_index.append(self._string("str", value))
            return self._index(len(self._string_index) - 1, strx[form])
        addrx = {ADDRX: 0, ADDRX1: 1, ADDRX2: 2, ADDRX3: 3, ADDRX4: 4}
        if form in addrx:
            self._addresses.append(value)
            return self._index(len(self._addresses) - 1, addrx[form])
        if form == INDIRECT:
            return uleb(value[0]) + self.form(*value)
        return {
            ADDR: lambda: self.address(value),
            STRING: lambda: value.encode() + b"\0",
            BLOCK: lambda: uleb(len(value)) + value,
            EXPRLOC: lambda: uleb(len(value)) + value,
            SDATA: lambda: sleb(value),
            SEC_OFFSET: lambda: self.offset(value),
            STRP_SUP: lambda: self.offset(value),
            FLAG_PRESENT: lambda: b"",
            IMPLICIT_CONST: lambda: b"",
        }.get(form, lambda: uleb(value))()

    def _index(self, value: int, size: int) -> bytes:
        return self.number(value, size) if size else uleb(value)

    def _string(self, table: str, text: str) -> int:
        raw = text.encode()
        if raw not in self._strings[table]:
            self._strings[table][raw] = len(self._tables[table])
            self._tables[table] += raw + b"\0"
        return self._strings[table][raw]

    def _reference(self, form: int, target: Die | int) -> bytes:
        place = target.place if isinstance(target, Die) else target
        if form == REF_ADDR:
            return self.address(place) if self.version == 2 else self.offset(place)
        place = max(0, place - self._start)
        return uleb(place, PADDED) if form == REF_UDATA else self.number(place, 1 << form - REF1)

    def _abbrev_table(self) -> bytes:
        out = b""
        for (tag, children, attributes), code in self._abbrevs.items():
            out += uleb(code) + uleb(tag) + bytes([children])
            for attribute, form, constant in attributes:
                out += uleb(attribute) + uleb(form) + (sleb(constant) if form == IMPLICIT_CONST else b"")
            out += b"\0\0"
        return out + b"\0"


def address_of(dwarf: Dwarf, value: int) -> bytes:
    """DW_OP_addr."""
    return b"\x03" + dwarf.address(value)


def line_table(dwarf: Dwarf, directories: list[str], files: list[tuple[str, int]], version: int) -> bytes:
    """A line table without a program; in version 5 number 0 of both lists is the unit's own."""
    body = bytes([1, *([1] if version >= 4 else []), 1, 0xFB, 14, 3, 0, 1])
    if version >= 5:
        body += (
            bytes([1, 1, STRING])
            + uleb(len(directories))
            + b"".join(name.encode() + b"\0" for name in directories)
        )
        body += bytes([2, 1, STRING, 2, UDATA]) + uleb(len(files))
        body += b"".join(name.encode() + b"\0" + uleb(directory) for name, directory in files)
    else:
        body += b"".join(name.encode() + b"\0" for name in directories) + b"\0"
        body += (
            b"".join(name.encode() + b"\0" + uleb(directory) + b"\0\0" for name, directory in files) + b"\0"
        )
    head = dwarf.number(version, 2) + (bytes([dwarf.address_size, 0]) if version >= 5 else b"")
    return dwarf.length(head + dwarf.offset(len(body)) + body)


def chdr(dwarf: Dwarf, kind: int, size: int, bits: int = 64) -> bytes:
    """The header of a section with SHF_COMPRESSED."""
    mark = "<" if dwarf.byteorder == "little" else ">"
    return struct.pack(
        mark + ("IIQQ" if bits == 64 else "III"), *((kind, 0, size, 1) if bits == 64 else (kind, size, 1))
    )
