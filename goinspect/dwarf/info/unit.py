"""One unit, and what its numbers mean: strings, addresses and ranges that lie in other sections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from goinspect._reader import Reader
from goinspect.dwarf import constants as dw
from goinspect.dwarf.info import forms
from goinspect.dwarf.info.forms import Encoding, uleb
from goinspect.dwarf.sections import MAX_UNPACKED, find_section, unpack
from goinspect.errors import MalformedError
from goinspect.objfile.strtab import StringTable

if TYPE_CHECKING:
    from goinspect.dwarf.info.abbrevs import AbbrevTable, AbbrevTables
    from goinspect.dwarf.info.forms import Value
    from goinspect.dwarf.info.units import UnitHeader
    from goinspect.objfile.image import Image

__all__ = ["Sections", "Unit"]

_MAX_RANGE_STEPS = 64  # entries of a range list before its first range
# DW_RLE_*
_END, _BASE_X, _STARTX_ENDX, _STARTX_LENGTH, _OFFSET_PAIR, _BASE, _START_END, _START_LENGTH = range(8)


class Sections:
    """The debug sections of an image, each unpacked when it is first asked for."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self._readers: dict[str, Reader] = {}
        self._left = MAX_UNPACKED
        self._strings: dict[str, StringTable] = {}
        self._texts: dict[tuple[str, int], str] = {}

    def reader(self, name: str) -> Reader:
        """Bounded reads of a section by its short name.

        Raises:
            MalformedError: the file does not have it.
            GoinspectError: it cannot be unpacked.
        """
        if name not in self._readers:
            found = find_section(self.image, name)
            if found is None:
                raise MalformedError(f".debug_{name} is referred to, but not there")
            self._left -= 0 if found.compression == "none" else found.unpacked
            if self._left < 0:
                raise MalformedError(f"debug sections unpack to more than {MAX_UNPACKED} bytes")
            data = memoryview(unpack(self.image, found))
            self._readers[name] = Reader(
                data, self.image.byteorder, self.image.ptrsize, what=found.section.name
            )
        return self._readers[name]

    def text(self, name: str, offset: int) -> str:
        """A string of a string section. Raises as `reader`, and MalformedError for strings that overlap too much."""
        key = (name, offset)
        if key not in self._texts:
            if name not in self._strings:
                self._strings[name] = StringTable(self.reader(name).data)
            self._texts[key] = self._strings[name].text(offset)
        return self._texts[key]


class Unit:
    """A unit whose first entry has been read.

    Attributes:
        name: its source file, or the import path of a Go package.
        comp_dir: directory that relative file names count from.
        line_offset: of its line table in ``.debug_line``; None without one.
        range_base: what offsets in its range lists count from.
    """

    __slots__ = (
        "_addresses",
        "_bases",
        "comp_dir",
        "encoding",
        "first",
        "header",
        "language",
        "line_offset",
        "name",
        "range_base",
        "sections",
        "table",
    )

    def __init__(self, header: UnitHeader, sections: Sections, tables: AbbrevTables) -> None:
        self.header, self.sections = header, sections
        self.encoding = Encoding.of(header, sections.image.byteorder)
        self.table: AbbrevTable = tables.at(header.abbrev_offset, self.encoding)
        self.name = self.comp_dir = ""
        self.language = self.range_base = 0
        self.line_offset: int | None = None
        self._addresses: bytes | memoryview | None = None  # ``.debug_addr``
        # Tables of DWARF 5 start behind a header, which is where an index counts from when nothing else is said.
        base = 2 * header.offset_size
        self._bases = dict.fromkeys((dw.DW_AT_STR_OFFSETS_BASE, dw.DW_AT_ADDR_BASE), base)
        self._bases[dw.DW_AT_RNGLISTS_BASE] = base + 4
        self.first = header.first
        self._read_root()

    def _read_root(self) -> None:
        data, end = self.sections.reader("info").data, self.header.end
        if self.first >= end:
            return
        code, at = uleb(data, self.first, end)
        if not code:
            return
        abbrev = self.table.entries.get(code)
        if abbrev is None:
            raise MalformedError(f"DWARF abbreviation {code} is not there", offset=self.first)
        if abbrev.tag not in dw.UNIT_TAGS:
            return
        values, found, self.first = abbrev.read(data, at, end, self.encoding)
        for key in self._bases:
            self._bases[key] = _number(values.get(key), self._bases[key])
        self.language = _number(values.get(dw.DW_AT_LANGUAGE), 0)
        self.name = self.text(values, found, dw.DW_AT_NAME) or ""
        self.comp_dir = self.text(values, found, dw.DW_AT_COMP_DIR) or ""
        line = values.get(dw.DW_AT_STMT_LIST)
        self.line_offset = line if isinstance(line, int) else None
        self.range_base = self.address(values, found, dw.DW_AT_LOW_PC) or 0

    def text(self, values: dict[int, Value], found: dict[int, int], attribute: int) -> str | None:
        """A string attribute; None where there is none, or it lies in another file."""
        value = values.get(attribute)
        if value is None:
            return None
        if isinstance(value, bytes):
            return value.decode("utf-8", "backslashreplace")
        form = found[attribute]
        if form == forms.STRP:
            return self.sections.text("str", value)
        if form == forms.LINE_STRP:
            return self.sections.text("line_str", value)
        if form in forms.STRX:
            return self.sections.text("str", self._indexed("str_offsets", dw.DW_AT_STR_OFFSETS_BASE, value))
        return None

    def _indexed(self, section: str, base: int, index: int) -> int:
        reader, size = self.sections.reader(section), self.header.offset_size
        at = self._bases[base] + index * size
        return reader.u64(at) if size == 8 else reader.u32(at)

    def address(self, values: dict[int, Value], found: dict[int, int], attribute: int) -> int | None:
        """An attribute that is an address; None for anything else."""
        value = values.get(attribute)
        if not isinstance(value, int):
            return None
        form = found[attribute]
        if form == forms.ADDR:
            return value
        return self.indexed_address(value) if form in forms.ADDRX else None

    @property
    def addresses_at(self) -> int:
        """Where its addresses begin in ``.debug_addr``."""
        return self._bases[dw.DW_AT_ADDR_BASE]

    def indexed_address(self, index: int) -> int:
        """An address of ``.debug_addr``. Raises TruncatedError where there is none."""
        size = self.header.address_size
        at = self._bases[dw.DW_AT_ADDR_BASE] + index * size
        table = self._addresses
        if table is None:
            table = self._addresses = self.sections.reader("addr").data
        if 0 <= at <= len(table) - size:
            return int.from_bytes(table[at : at + size], self.encoding.byteorder)
        return self._word("addr", at)  # which says what is wrong

    def _word(self, section: str, at: int) -> int:
        """As many bytes as an address has."""
        size = self.header.address_size
        return int.from_bytes(self.sections.reader(section).view(at, size), self.encoding.byteorder)

    def reference(self, values: dict[int, Value], found: dict[int, int], attribute: int) -> int | None:
        """The offset in ``.debug_info`` of the entry that an attribute refers to; None for one in another file."""
        value = values.get(attribute)
        if not isinstance(value, int):
            return None
        form = found[attribute]
        if form in forms.UNIT_REFS:
            return self.header.offset + value
        return value if form == forms.REF_ADDR else None

    def static_address(self, location: bytes) -> int | None:
        """The address when the location is nothing but one."""
        size = self.header.address_size
        if not location:
            return None
        if location[0] == dw.DW_OP_ADDR:
            exact = len(location) == 1 + size
            return int.from_bytes(location[1:], self.encoding.byteorder) if exact else None
        if location[0] in (dw.DW_OP_ADDRX, dw.DW_OP_GNU_ADDR_INDEX):
            index, after = uleb(location, 1, len(location))
            return self.indexed_address(index) if after == len(location) else None
        return None

    def first_range(self, values: dict[int, Value], found: dict[int, int]) -> tuple[int, int] | None:
        """[start, end) of the first range that DW_AT_ranges lists; the others are parts split off, such as ``.cold``."""
        value = values.get(dw.DW_AT_RANGES)
        if not isinstance(value, int):
            return None
        if self.header.version < 5:
            return self._old_range(value)
        if found[dw.DW_AT_RANGES] == forms.RNGLISTX:
            value = self._bases[dw.DW_AT_RNGLISTS_BASE] + self._indexed(
                "rnglists", dw.DW_AT_RNGLISTS_BASE, value
            )
        return self._new_range(value)

    def _old_range(self, at: int) -> tuple[int, int] | None:
        """``.debug_ranges``: pairs of addresses (DWARF 4, section 2.17.3)."""
        size, base = self.header.address_size, self.range_base
        top = (1 << 8 * size) - 1
        for _ in range(_MAX_RANGE_STEPS):
            start, end, at = self._word("ranges", at), self._word("ranges", at + size), at + 2 * size
            if start == top:
                base = end
            elif start == end == 0:
                return None
            elif start < end:
                return base + start & top, base + end & top
        return None

    def _new_range(self, at: int) -> tuple[int, int] | None:
        """``.debug_rnglists``: entries with a kind each (DWARF 5, section 7.25)."""
        data, base = self.sections.reader("rnglists").data, self.range_base
        for _ in range(_MAX_RANGE_STEPS):
            kind, at = self.sections.reader("rnglists").u8(at), at + 1
            if kind == _END or kind > _START_LENGTH:
                return None
            numbers = []
            for part in _OPERANDS[kind]:
                if part == "a":
                    numbers.append(self._word("rnglists", at))
                    at += self.header.address_size
                else:
                    number, at = uleb(data, at, len(data))
                    numbers.append(self.indexed_address(number) if part == "x" else number)
            start, end = numbers[0], numbers[-1]
            if kind in (_BASE, _BASE_X):
                base = start
                continue
            if kind == _OFFSET_PAIR:
                start, end = base + start, base + end
            elif kind in (_START_LENGTH, _STARTX_LENGTH):
                end += start
            if start < end:
                return start, end
        return None


# What follows each kind of entry in a range list: a an address, x the index of one, n a number.
_OPERANDS: Final = ("", "x", "xx", "xn", "nn", "a", "aa", "an")


def _number(value: Value | None, default: int) -> int:
    return value if isinstance(value, int) else default
