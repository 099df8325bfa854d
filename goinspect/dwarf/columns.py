"""All that DWARF names as columns: found in bulk (`goinspect.dwarf.bulk`), entry by entry where that is not possible.

What refers to other entries is settled when all are known. Line tables are read for those files only that are asked for.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

from goinspect.dwarf import constants as dw
from goinspect.dwarf.bulk import rows as bulk
from goinspect.dwarf.bulk.decode import NONE, OddError, Section
from goinspect.dwarf.bulk.origins import origin_names
from goinspect.dwarf.bulk.rows import Group, Rows
from goinspect.dwarf.bulk.walk import Found, Walker, begins_with_name
from goinspect.dwarf.info.entries import Entries
from goinspect.dwarf.info.files import FileNames
from goinspect.dwarf.info.resolve import Resolver
from goinspect.dwarf.onebyone import OneByOne
from goinspect.errors import GoinspectError, MalformedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.dwarf.info.abbrevs import AbbrevTable
    from goinspect.dwarf.info.unit import Unit
    from goinspect.dwarf.records import DwarfUnit
    from goinspect.objfile.image import Image

__all__ = ["MAX_SYMBOLS", "DwarfColumns", "read_columns"]

MAX_SYMBOLS: Final = 1 << 21  # some 400 MB of rows; the biggest Go programs have 300,000
_OFTEN = 1 << 16  # bytes of the units of a table, above which a pattern is worth making
_MOST = 1 << 22  # entries that may be symbols: above that memory is better spent one by one
_MAX_HOPS = 32
_FARTHEST = 1 << 62  # more than any offset
_FEW = 1000  # references to follow, for which not all sizes have to be told
_ROLES: Final = {"function": bulk.functions, "variable": bulk.variables, "type": bulk.types}


class DwarfColumns:
    """Functions, variables and types.

    Attributes:
        functions, variables: with a name each, which may be that of their origin, and with sizes.
        types: named ones; a Go type that is described by two entries is here once.
    """

    def __init__(self, entries: Entries, functions: Rows, variables: Rows, types: Rows) -> None:
        self._entries, self._files = entries, FileNames()
        self._resolver = Resolver(entries, self._files)
        self.functions, self.variables, self.types = functions, variables, types
        self._settle()

    @property
    def units(self) -> list[DwarfUnit]:
        """The compilation units."""
        from goinspect.dwarf.records import DwarfUnit

        return [
            DwarfUnit(
                unit.name, dw.LANGUAGES.get(unit.language, f"language-{unit.language}"), unit.header.version
            )
            for unit in self._entries.units
        ]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be read so far."""
        return (*self._entries.damage.lines(), *self._files.damage.lines())

    def places(self, rows: Rows, wanted: Sequence[int]) -> list[tuple[str | None, int | None]]:
        """File and line of the declarations of some rows, None where they are not told."""
        out: list[tuple[str | None, int | None]] = [(None, None)] * len(wanted)
        index = np.array(wanted, dtype=np.int64)
        said = (rows.file[index] != NONE) | (rows.line[index] != NONE) | (rows.origin[index] != NONE)
        for at in np.flatnonzero(said).tolist():
            row = wanted[at]
            number, told, origin = int(rows.file[row]), int(rows.line[row]), int(rows.origin[row])
            unit = self._entries.units[int(rows.unit[row])]
            file = self._files.name(unit, number) if number != NONE else None
            line = told if told != NONE else None
            if origin != NONE and (file is None or line is None):
                other = self._resolver.named(origin)
                file, line = file or other.file, other.line if line is None else line
            out[at] = (file, line)
        return out

    # --- what refers to other entries ---

    def _settle(self) -> None:
        """Fill in what other entries say, and leave out rows that have no name even so."""
        types, variables = self.types, self.variables
        for rows in (self.functions, variables):
            self._name(rows)
        types.size = self._sizes_of_aliases()
        variables.size = self._sizes(variables.type)
        self.functions, self.variables = (self._with_names(rows) for rows in (self.functions, variables))
        types.size = self._sizes(types.offset)
        self.types = types.take(~self._twins(types))

    def _name(self, rows: Rows) -> None:
        lacking = np.array(
            [row for row in np.flatnonzero(rows.origin != NONE).tolist() if not rows.name[row]],
            dtype=np.int64,
        )
        known = origin_names(self._entries, distinct_of(rows.origin[lacking]))
        for row in lacking.tolist():
            place = int(rows.origin[row])
            rows.name[row] = known[place] if place in known else self._resolver.named(place).name or ""
        if rows is self.variables:
            rows.type = rows.type.copy()
            for row in np.flatnonzero((rows.type == NONE) & (rows.origin != NONE)).tolist():
                target = self._resolver.named(int(rows.origin[row])).type
                rows.type[row] = NONE if target is None else min(target, _FARTHEST)

    def _sizes_of_aliases(self) -> NDArray[np.int64]:
        """Bytes of a value of each type: those that are as big as another one follow it."""
        types = self.types
        size, target = types.size.copy(), types.type
        left = np.flatnonzero((size < 0) & (target != NONE))
        at = target[left]
        for _ in range(_MAX_HOPS):
            if not len(left):
                break
            row = self._row_of_type(at)
            sized = (row >= 0) & (types.size[row] >= 0)
            size[left[sized]] = types.size[row[sized]]
            further = (row >= 0) & ~sized & (target[row] != NONE)
            left, at = left[further], target[row[further]]
        return size

    def _row_of_type(self, offset: NDArray[np.int64]) -> NDArray[np.int64]:
        """The type whose entry is at each offset; -1 where none is."""
        known = self.types.offset
        if not len(known):
            return np.full(len(offset), -1, dtype=np.int64)
        place = np.minimum(np.searchsorted(known, offset), len(known) - 1)
        return np.where(known[place] == offset, place, -1)

    def _sizes(self, offset: NDArray[np.int64]) -> NDArray[np.int64]:
        """Bytes of a value of the type at each offset."""
        size = np.full(len(offset), -1, dtype=np.int64)
        row = self._row_of_type(offset)
        size[row >= 0] = self.types.size[row[row >= 0]]
        # What is left has no name, or its size from its dimensions.
        left = np.flatnonzero((size < 0) & (offset != NONE))
        if len(left) > _FEW:
            known = self.types.size >= 0
            pairs = zip(self.types.offset[known].tolist(), self.types.size[known].tolist(), strict=True)
            self._resolver.sizes.update(pairs)
        for at in left.tolist():
            found = self._resolver.size(int(offset[at]))
            size[at] = -1 if found is None else found
        return size

    def _twins(self, types: Rows) -> NDArray[np.bool_]:
        """Rows that only give a Go type the name it has anyway."""
        out = np.zeros(len(types), dtype=np.bool_)
        rows = np.flatnonzero(types.twin)
        other = self._row_of_type(types.type[rows])
        names = types.name
        for row, target in zip(rows.tolist(), other.tolist(), strict=True):
            out[row] = target >= 0 and names[row] == names[target]
        return out

    def _with_names(self, rows: Rows) -> Rows:
        if "" not in rows.name:
            return rows
        named = rows.named()
        self._entries.damage.note(f"{int((~named).sum())} functions or variables without a name are left out")
        return rows.take(named)


def distinct_of(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sorted, each once."""
    ordered = np.sort(offsets)
    return ordered[np.append(True, np.diff(ordered) != 0)] if len(ordered) else ordered


def read_columns(image: Image) -> DwarfColumns:
    """What `goinspect.dwarf.read_symbols` tells, of an image that has ``.debug_info``; raises as it does."""
    with suppress(OddError):
        return _Collector(image, in_bulk=True).collect()
    return _Collector(image, in_bulk=False).collect()


class _Collector:
    """Rows of the units as they come: in bulk, or entry by entry."""

    def __init__(self, image: Image, *, in_bulk: bool) -> None:
        self._entries = Entries(image)
        self._one_by_one = OneByOne()
        self._walkers: dict[int, Walker | None] = {}
        self._bytes: Counter[tuple[int, int]] = Counter()  # of the units of each table
        self._in_bulk = in_bulk

    def collect(self) -> DwarfColumns:
        """All of it. Raises OddError where it takes one by one to tell what is wrong."""
        entries = self._entries
        found: list[tuple[AbbrevTable, int, Found]] = []
        often = entries.bytes_by_table() if self._in_bulk else {}
        count = 0
        for number, unit in enumerate(entries.walk()):
            entries_found = None
            if often.get(unit.header.abbrev_offset, 0) >= _OFTEN:
                entries_found = self._find(unit)
            if entries_found is None:
                self._enter_one_by_one(unit, number)
                continue
            count += len(entries_found.starts)
            if count > _MOST:
                raise OddError
            found.append((unit.table, number, entries_found))
        try:
            parts = self._in_bulk_rows(found)
        except GoinspectError:
            raise OddError from None
        if sum(len(part) for role in parts.values() for part in role) + len(self._one_by_one) > MAX_SYMBOLS:
            raise MalformedError(f"DWARF with more than {MAX_SYMBOLS} symbols")
        rows = (Rows.joined([*parts[role], self._one_by_one.rows(role)]) for role in _ROLES)
        return DwarfColumns(entries, *rows)

    def _find(self, unit: Unit) -> Found | None:
        key = id(unit.table)
        if key not in self._walkers:
            self._walkers[key] = None
            with suppress(ValueError):
                self._walkers[key] = Walker(unit.table)
        walker = self._walkers[key]
        return None if walker is None else walker.find(self._entries.data, unit.first, unit.header.end)

    def _enter_one_by_one(self, unit: Unit, number: int) -> None:
        rows, damage = self._one_by_one, self._entries.damage
        for entry in self._entries.symbols(unit):
            try:
                rows.add(entry, number)
            except GoinspectError as error:
                damage.note(f"entry at {entry.offset:#x}: {error.message}")
            if len(rows) > MAX_SYMBOLS:
                raise MalformedError(f"DWARF with more than {MAX_SYMBOLS} symbols")

    def _in_bulk_rows(self, found: list[tuple[AbbrevTable, int, Found]]) -> dict[str, list[Rows]]:
        """The rows of the entries found, by role."""
        section, units = Section(self._entries.data), self._entries.units
        parts: dict[str, list[Rows]] = {role: [] for role in _ROLES}
        for table in {id(table): table for table, _, _ in found}.values():
            mine = [(number, entries) for one, number, entries in found if one is table]
            starts = np.array(
                list(chain.from_iterable(entries.starts for _, entries in mine)), dtype=np.int64
            )
            names = list(chain.from_iterable(entries.names for _, entries in mine))
            unit = np.repeat([number for number, _ in mine], [len(entries.starts) for _, entries in mine])
            codes, attributes = section.leb(starts)
            for code in distinct_of(codes).tolist():
                abbrev = table.entries[code]
                these = np.flatnonzero(codes == code)
                known = None
                if begins_with_name(abbrev):
                    known = [names[row] for row in these.tolist()]
                group = Group(
                    section, units, table, abbrev, starts[these], attributes[these], unit[these], known
                )
                parts[abbrev.role].append(_ROLES[abbrev.role](group))
        return parts
