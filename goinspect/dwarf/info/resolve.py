"""What an entry says by referring to another one: its name, the size of its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect.dwarf import constants as dw
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from goinspect.dwarf.info.entries import Entries, Entry
    from goinspect.dwarf.info.files import FileNames

__all__ = ["Named", "Resolver", "origin", "own_name"]

_MAX_HOPS = 32  # from one entry to the next; sound chains of types have some ten
_MAX_SIZE = 1 << 62


class Named(NamedTuple):
    """What names an entry, as far as it is known."""

    name: str | None
    file: str | None
    line: int | None
    type: int | None  # offset of its entry


def own_name(entry: Entry) -> str | None:
    """The name an entry itself gives, as the symbol table has it."""
    unit, values, found = entry.unit, entry.values, entry.forms
    for attribute in (dw.DW_AT_LINKAGE_NAME, dw.DW_AT_MIPS_LINKAGE_NAME, dw.DW_AT_NAME):
        if attribute in values:
            return unit.text(values, found, attribute) or None
    return None


class Resolver:
    """Follows references, each entry once.

    Attributes:
        sizes: of types by the offset of their entries, filled in by whoever has read them already.
        aliases: the same for types that are as big as another one.
    """

    def __init__(self, entries: Entries, files: FileNames) -> None:
        self._entries, self._files = entries, files
        self._named: dict[int, Named] = {}
        self.sizes: dict[int, int | None] = {}
        self.aliases: dict[int, int] = {}

    def named(self, offset: int) -> Named:
        """What the entry at an offset says of itself, and what those say that it refers to."""
        if offset not in self._named:
            self._named[offset] = found = Named(None, None, None, None)
            trail: list[Entry] = []
            place: int | None = offset
            try:
                while place is not None and len(trail) < _MAX_HOPS:
                    entry = self._entries.at(place)
                    if entry is None:
                        break
                    trail.append(entry)
                    place = origin(entry)
                for entry in reversed(trail):
                    found = self._named_by(entry, found)
                self._named[offset] = found
            except GoinspectError as error:
                self._entries.damage.note(error)
        return self._named[offset]

    def _named_by(self, entry: Entry, other: Named) -> Named:
        number, line = entry.values.get(dw.DW_AT_DECL_FILE), entry.values.get(dw.DW_AT_DECL_LINE)
        return Named(
            own_name(entry) or other.name,
            (self._files.name(entry.unit, number) if isinstance(number, int) else None) or other.file,
            line if isinstance(line, int) else other.line,
            entry.unit.reference(entry.values, entry.forms, dw.DW_AT_TYPE) or other.type,
        )

    def size(self, offset: int | None, hops: int = 0) -> int | None:
        """Bytes of a value of the type at an offset, None where that is not known."""
        if offset is None or hops > _MAX_HOPS:
            return None
        if offset not in self.sizes:
            self.sizes[offset] = None  # for a type that contains itself
            if offset in self.aliases:
                self.sizes[offset] = self.size(self.aliases[offset], hops + 1)
            else:
                try:
                    self.sizes[offset] = self._measure(self._entries.at(offset), hops)
                except GoinspectError as error:
                    self._entries.damage.note(error)
        return self.sizes[offset]

    def _measure(self, entry: Entry | None, hops: int) -> int | None:
        if entry is None:
            return None
        size, tag = entry.values.get(dw.DW_AT_BYTE_SIZE), entry.abbrev.tag
        if isinstance(size, int):
            return size if 0 <= size <= _MAX_SIZE else None
        if tag in dw.POINTER_TAGS:
            return entry.unit.header.address_size
        element = self.size(entry.unit.reference(entry.values, entry.forms, dw.DW_AT_TYPE), hops + 1)
        if tag in dw.ALIAS_TAGS:
            return element
        if tag != dw.DW_TAG_ARRAY_TYPE or element is None:
            return None
        count = self._entries.dimensions(entry)
        return None if count is None or not 0 <= count * element <= _MAX_SIZE else count * element


def origin(entry: Entry) -> int | None:
    """The entry that says what this one leaves out."""
    for attribute in (dw.DW_AT_ABSTRACT_ORIGIN, dw.DW_AT_SPECIFICATION):
        if attribute in entry.values:
            return entry.unit.reference(entry.values, entry.forms, attribute)
    return None
