"""The entries of ``.debug_info``: all that may be symbols in order, or one by its offset."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from goinspect.dwarf import constants as dw
from goinspect.dwarf.damage import Damage
from goinspect.dwarf.info.abbrevs import AbbrevTables
from goinspect.dwarf.info.forms import uleb
from goinspect.dwarf.info.unit import Sections, Unit
from goinspect.dwarf.info.units import unit_headers
from goinspect.errors import GoinspectError, MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.dwarf.info.abbrevs import Abbrev
    from goinspect.dwarf.info.forms import Value
    from goinspect.objfile.image import Image

__all__ = ["Entries", "Entry"]

_OVERLAP = 8  # as many times its own size is read of the section for references
_SPARE = 1 << 20
_BATCH = 1 << 10
_MAX_DIMENSIONS = 16
_NO_CODE: Final = "DWARF abbreviation {} is not there"


class Entry(NamedTuple):
    """An entry with its attributes: values and forms by attribute number."""

    unit: Unit
    offset: int
    abbrev: Abbrev
    values: dict[int, Value]
    forms: dict[int, int]
    end: int


class Entries:
    """The entries of a file.

    Attributes:
        units: those seen so far, in order.
        damage: what could not be read.

    Raises:
        GoinspectError: ``.debug_info`` or ``.debug_abbrev`` cannot be unpacked, or is missing.
    """

    def __init__(self, image: Image) -> None:
        self.sections = Sections(image)
        self._reader = self.sections.reader("info")
        self._data = self._reader.data
        self._tables = AbbrevTables(self.sections.reader("abbrev").data)
        self._starts: list[int] = []
        self._left = _OVERLAP * len(self._data) + _SPARE
        self.units: list[Unit] = []
        self.damage = Damage()

    def walk(self) -> Iterator[Unit]:
        """Every unit whose first entry can be read."""
        headers = unit_headers(self._reader, self._reader.size)
        while True:
            try:
                header = next(headers, None)
                if header is None:
                    return
            except GoinspectError as error:  # without its length there is no next one
                self.damage.note(error)
                return
            try:
                unit = Unit(header, self.sections, self._tables)
            except GoinspectError as error:
                self.damage.note(error)
                continue
            self.units.append(unit)
            self._starts.append(header.offset)
            yield unit

    @cached_property
    def data(self) -> bytes:
        """``.debug_info``, copied unless it was unpacked."""
        known = self._data.obj
        return known if isinstance(known, bytes) and len(known) == len(self._data) else bytes(self._data)

    def bytes_by_table(self) -> Counter[int]:
        """How many bytes of units each abbreviation table has, as far as headers of units can be read."""
        found: Counter[int] = Counter()
        with suppress(GoinspectError):
            for header in unit_headers(self._reader, self._reader.size):
                found[header.abbrev_offset] += header.end - header.first
        return found

    def may_read(self, size: int) -> bool:
        """Whether entries of so many bytes, all together, may be read for references, which then counts."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def symbols(self, unit: Unit) -> Iterator[Entry]:
        """The entries of a unit that have a role (see `Abbrev.role`), with the attributes that symbols need.

        Damage ends a unit; it is noted, not raised.
        """
        try:
            yield from self._symbols(unit)
        except GoinspectError as error:
            self.damage.note(error)

    def _symbols(self, unit: Unit) -> Iterator[Entry]:
        data, table, at, end = self._data, unit.table, unit.first, unit.header.end
        known = table.entries.get
        steps = 0
        while at < end:
            if table.skip is not None:
                skipped = table.skip.match(data, at, end)
                at = skipped.end() if skipped else at
                if at >= end:
                    break
            steps += 1
            if steps == _BATCH:
                table.used(steps)
                steps = 0
            start = at
            code = data[at]
            at += 1
            if code >= 0x80:
                code, at = uleb(data, start, end)
            if not code:  # the end of somebody's children
                continue
            abbrev = known(code)
            if abbrev is None:
                raise MalformedError(_NO_CODE.format(code), offset=start)
            values, forms, at = abbrev.read_wanted(data, at, end, table)
            if abbrev.role:
                yield Entry(unit, start, abbrev, values, forms, at)
        table.used(steps)

    def at(self, offset: int) -> Entry | None:
        """The entry at an offset of the section, all its attributes; None where there is none.

        Raises:
            GoinspectError: it is damaged, or references lead to the same bytes far too often.
        """
        index = bisect_right(self._starts, offset) - 1
        if index < 0:
            return None
        return self._entry(self.units[index], offset)

    def _entry(self, unit: Unit, offset: int) -> Entry | None:
        end = unit.header.end
        if not unit.header.first <= offset < end:
            return None
        code, at = uleb(self._data, offset, end)
        if not code:
            return None
        abbrev = unit.table.entries.get(code)
        if abbrev is None:
            raise MalformedError(_NO_CODE.format(code), offset=offset)
        values, forms, at = abbrev.read(self._data, at, end, unit.encoding)
        self._left -= at - offset
        if self._left < 0:
            raise MalformedError("DWARF entries overlap", offset=offset)
        return Entry(unit, offset, abbrev, values, forms, at)

    def children(self, parent: Entry) -> Iterator[Entry]:
        """The entries right below one, all their attributes. Raises as `at`."""
        at, depth = parent.end, 1 if parent.abbrev.children else 0
        while depth and at < parent.unit.header.end:
            child = self._entry(parent.unit, at)
            if child is None:
                depth, at = depth - 1, at + 1
                continue
            if depth == 1:
                yield child
            depth, at = depth + child.abbrev.children, child.end

    def dimensions(self, array: Entry) -> int | None:
        """How many elements an array has by its subranges; None where that is not a number. Raises as `at`."""
        count, at = 1, array.end
        for _ in range(_MAX_DIMENSIONS if array.abbrev.children else 0):
            child = self._entry(array.unit, at)
            if child is None:
                return count if at > array.end else None
            if child.abbrev.tag != dw.DW_TAG_SUBRANGE_TYPE or child.abbrev.children:
                return None
            length, bound = child.values.get(dw.DW_AT_COUNT), child.values.get(dw.DW_AT_UPPER_BOUND)
            if isinstance(length, int) and child.forms[dw.DW_AT_COUNT] not in _REFERENCES:
                count *= length
            elif isinstance(bound, int) and child.forms[dw.DW_AT_UPPER_BOUND] not in _REFERENCES:
                count *= bound + 1
            else:
                return None
            at = child.end
        return None


_REFERENCES: Final = frozenset(
    (0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x20)
)  # to a variable that has the length
