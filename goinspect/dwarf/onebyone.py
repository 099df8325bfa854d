"""Functions, variables and types entry by entry: what `bulk.rows` does for many.

For units of which the abbreviations are used too little to be worth a pattern, and for damaged ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goinspect.dwarf import constants as dw
from goinspect.dwarf.bulk.decode import NONE
from goinspect.dwarf.bulk.rows import MAX_SIZE, TAG_WORDS, Rows
from goinspect.dwarf.info.resolve import origin, own_name

if TYPE_CHECKING:
    from goinspect.dwarf.info.entries import Entry

__all__ = ["OneByOne"]

_MOST = 1 << 62  # of a number that only looks things up


class OneByOne:
    """Rows as they come."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, list[Any]]] = {
            role: {name: [] for name in Rows.__dataclass_fields__}
            for role in ("function", "variable", "type")
        }
        self._add = {"function": self._function, "variable": self._variable, "type": self._type}

    def add(self, entry: Entry, number: int) -> None:
        """Enter what an entry of unit `number` says. Raises GoinspectError where it is damaged."""
        self._add[entry.abbrev.role](entry, number)

    def __len__(self) -> int:
        return sum(len(columns["name"]) for columns in self._rows.values())

    def rows(self, role: str) -> Rows:
        """Those of one role."""
        return Rows.of(**self._rows[role])

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
        self._row("function", entry, number, start, size if size and 0 < size <= MAX_SIZE else -1)

    def _variable(self, entry: Entry, number: int) -> None:
        location = entry.values.get(dw.DW_AT_LOCATION)
        start = entry.unit.static_address(location) if isinstance(location, bytes) else None
        if start is not None:
            self._row("variable", entry, number, start, -1)

    def _row(self, role: str, entry: Entry, number: int, start: int, size: int) -> None:
        """Enter a function or variable, unless it was removed by the linker: it has no address."""
        top = (1 << 8 * entry.unit.header.address_size) - 1
        if not 0 < start < top:
            return
        name, place, target = own_name(entry), origin(entry), None
        if role == "variable":
            if name is None and place is None:
                return  # clang describes string literals so
            target = entry.unit.reference(entry.values, entry.forms, dw.DW_AT_TYPE)
        self._append(
            role, entry, number, name=name or "", address=start, size=size, origin=place, type=target
        )

    def _type(self, entry: Entry, number: int) -> None:
        unit, values, found, tag = entry.unit, entry.values, entry.forms, entry.abbrev.tag
        name = unit.text(values, found, dw.DW_AT_NAME)
        if not name:
            return
        size, target, twin = values.get(dw.DW_AT_BYTE_SIZE), None, False
        if not (isinstance(size, int) and 0 <= size <= MAX_SIZE):
            size = unit.header.address_size if tag in dw.POINTER_TAGS else -1
            if tag in dw.ALIAS_TAGS:
                target = unit.reference(values, found, dw.DW_AT_TYPE)
                go = unit.language == dw.LANG_GO and dw.DW_AT_GO_KIND not in values
                twin = go and target is not None
        kind, place = values.get(dw.DW_AT_GO_KIND), values.get(dw.DW_AT_GO_RUNTIME_TYPE)
        kind = kind & dw.GO_KIND_MASK if isinstance(kind, int) else 0
        self._append(
            "type", entry, number, name=name, size=size, type=target, twin=twin,
            kind=kind if 0 < kind < len(dw.GO_KINDS) else TAG_WORDS[tag],
            address=place if isinstance(place, int) and 0 < place < 1 << 64 else 0,
        )  # fmt: skip

    def _append(self, role: str, entry: Entry, number: int, **given: Any) -> None:
        values = entry.values
        file, line = values.get(dw.DW_AT_DECL_FILE), values.get(dw.DW_AT_DECL_LINE)
        row = {
            "offset": entry.offset, "unit": number, "origin": None, "type": None, "kind": 0, "twin": False, "size": -1,
            "file": file if isinstance(file, int) else None, "line": line if isinstance(line, int) else None, **given,
        }  # fmt: skip
        for column, known in self._rows[role].items():
            value = row[column]
            known.append(
                NONE if value is None else max(-_MOST, min(value, _MOST)) if column in _BOUNDED else value
            )


_BOUNDED = frozenset(("file", "line", "origin", "type"))
