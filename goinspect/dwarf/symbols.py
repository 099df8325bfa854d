"""Functions, variables and types of a file as its DWARF tells them.

Only entries that stand for something in the program count: subprograms with code of their own (no inlined instance, no
abstract one, no declaration), variables whose location is one fixed address, types that have a name. DWARF 2-5; split
debug information (``.dwo``, ``dwz``) and type units of DWARF 4 are not followed.
"""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any, Final

from goinspect.dwarf import constants as dw
from goinspect.dwarf.info.entries import Entries
from goinspect.dwarf.info.files import FileNames
from goinspect.dwarf.info.resolve import Resolver, origin, own_name
from goinspect.dwarf.records import DwarfFunctions, DwarfSymbols, DwarfUnit, DwarfVariables
from goinspect.dwarf.sections import find_section
from goinspect.dwarf.typerows import TypeRows
from goinspect.errors import GoinspectError, MalformedError

if TYPE_CHECKING:
    from goinspect.dwarf.info.entries import Entry
    from goinspect.objfile.image import Image

__all__ = ["read_symbols"]

MAX_SYMBOLS: Final = 1 << 21  # some 400 MB of rows; the biggest Go programs have 300,000
_MAX_SIZE = 1 << 62


def read_symbols(image: Image) -> DwarfSymbols | None:
    """Everything DWARF names, None when the file has no ``.debug_info``.

    None as well, and a warning of the image, for a relocatable file: what its debug sections refer to is only there when
    they have been relocated. Damage ends the unit it is in, and is told in ``warnings``.

    Raises:
        MalformedError: the sections contradict their headers or the format, or there are more than `MAX_SYMBOLS`.
        TruncatedError: a section ends within its own header.
        UnsupportedError: they are compressed in a way that this Python cannot undo.
    """
    if find_section(image, "info") is None:
        return None
    if image.type == "rel":
        image.warnings.append(
            "DWARF of relocatable files is not read: it needs relocations that are not applied"
        )
        return None
    return _Collector(image).collect()


class _Collector:
    """Rows as they come; what refers to something that may come later is settled at the end."""

    def __init__(self, image: Image) -> None:
        self.entries = Entries(image)
        self.files = FileNames()
        self.resolver = Resolver(self.entries, self.files)
        self.functions, self.variables = DwarfFunctions(), DwarfVariables()
        self.types = TypeRows(self.resolver, self.files)
        self.units: list[DwarfUnit] = []
        self.unsettled: list[tuple[DwarfFunctions | DwarfVariables, int, int]] = []
        self.variable_types: list[int | None] = []  # of each variable: offset of its type

    def collect(self) -> DwarfSymbols:
        add = {"function": self._function, "variable": self._variable, "type": self.types.add}
        entries = 0
        for unit in self.entries.walk():
            language = dw.LANGUAGES.get(unit.language, f"language-{unit.language}")
            self.units.append(DwarfUnit(unit.name, language, unit.header.version))
            number = len(self.units) - 1
            for entry in self.entries.symbols(unit):
                try:
                    add[entry.abbrev.role](entry, number)
                except GoinspectError as error:
                    self.entries.damage.note(f"entry at {entry.offset:#x}: {error.message}")
                entries += 1
                if entries > MAX_SYMBOLS and self._rows() > MAX_SYMBOLS:
                    raise MalformedError(f"DWARF with more than {MAX_SYMBOLS} symbols")
        self._settle()
        types = self.types.distinct()
        warnings = (*self.entries.damage.lines(), *self.files.damage.lines())
        return DwarfSymbols(self.units, self.functions, self.variables, types, warnings)

    def _rows(self) -> int:
        return len(self.functions.name) + len(self.variables.name) + len(self.types)

    def _function(self, entry: Entry, number: int) -> None:
        unit, values, found = entry.unit, entry.values, entry.forms
        if dw.DW_AT_DECLARATION in found:
            return
        start, size = unit.address(values, found, dw.DW_AT_LOW_PC), None
        if start is None:
            extent = unit.first_range(values, found)
            if extent is None:
                return
            start, size = extent[0], extent[1] - extent[0]
        else:
            high = values.get(dw.DW_AT_HIGH_PC)
            if isinstance(high, int):
                # An address until DWARF 3; since DWARF 4 a constant counts from the start.
                end = unit.address(values, found, dw.DW_AT_HIGH_PC)
                size = high if end is None else end - start
        self._row(self.functions, entry, number, start, size if size and 0 < size <= _MAX_SIZE else None)

    def _variable(self, entry: Entry, number: int) -> None:
        location = entry.values.get(dw.DW_AT_LOCATION)
        start = entry.unit.static_address(location) if isinstance(location, bytes) else None
        if start is not None and self._row(self.variables, entry, number, start, None):
            self.variable_types.append(entry.unit.reference(entry.values, entry.forms, dw.DW_AT_TYPE))

    def _row(
        self, rows: DwarfFunctions | DwarfVariables, entry: Entry, number: int, start: int, size: int | None
    ) -> bool:
        """Enter a function or variable; False for what is none, or was removed by the linker: it has no address."""
        top = (1 << 8 * entry.unit.header.address_size) - 1
        if not 0 < start < top:
            return False
        name, values, place = own_name(entry), entry.values, origin(entry)
        if name is None and place is None and rows is self.variables:
            return False  # clang describes string literals so
        file, line = values.get(dw.DW_AT_DECL_FILE), values.get(dw.DW_AT_DECL_LINE)
        if place is not None:
            self.unsettled.append((rows, len(rows.name), place))
        rows.name.append(name or "")
        rows.address.append(start)
        rows.size.append(size)
        rows.unit.append(number)
        rows.file.append(self.files.name(entry.unit, file) if isinstance(file, int) else None)
        rows.line.append(line if isinstance(line, int) else None)
        return True

    def _settle(self) -> None:
        """Fill in what other entries say, and leave out rows that have no name even so."""
        for rows, index, place in self.unsettled:
            found = self.resolver.named(place)
            rows.name[index] = rows.name[index] or found.name or ""
            rows.file[index] = rows.file[index] or found.file
            if rows.line[index] is None:
                rows.line[index] = found.line
            if rows is self.variables and self.variable_types[index] is None:
                self.variable_types[index] = found.type
        self.variables.size[:] = [self.resolver.size(offset) for offset in self.variable_types]
        for rows in (self.functions, self.variables):
            if "" in rows.name:
                self._leave_out_nameless(rows)

    def _leave_out_nameless(self, rows: DwarfFunctions | DwarfVariables) -> None:
        named = [bool(name) for name in rows.name]
        self.entries.damage.note(f"{named.count(False)} functions or variables without a name are left out")
        columns: list[list[Any]] = [rows.name, rows.address, rows.size, rows.unit, rows.file, rows.line]
        for column in columns:
            column[:] = compress(column, named)
