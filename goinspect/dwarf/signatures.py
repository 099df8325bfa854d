"""Parameters and results of one function, and places of fields in structs, as DWARF tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect.dwarf import constants as dw
from goinspect.dwarf.info.entries import Entries
from goinspect.dwarf.info.resolve import origin
from goinspect.dwarf.sections import find_section
from goinspect.errors import GoinspectError
from goinspect.shapes import Shape, array, complex_number, scalar, struct, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goinspect.dwarf.info.entries import Entry
    from goinspect.dwarf.info.unit import Unit
    from goinspect.objfile.image import Image

__all__ = ["Parameter", "Signatures"]

_MAX_DEPTH = 32  # types within types
_MAX_FIELDS = 1 << 12
_MAX_SIZE = 1 << 40


class Parameter(NamedTuple):
    """A receiver, parameter or result. ``shape`` is None where its type cannot be told."""

    name: str
    result: bool
    shape: Shape | None


class Signatures:
    """What is asked of the debug information of one file, entry by entry.

    Args:
        image: the file.

    Raises:
        GoinspectError: the debug information is missing, damaged at its beginning, or compressed in a way that this
            Python cannot undo.
    """

    def __init__(self, image: Image) -> None:
        self._entries = Entries(image)
        self._units = list(self._entries.walk())
        self._word = image.ptrsize
        self._shapes: dict[int, Shape | None] = {}
        self._starts: dict[int, dict[int, int]] = {}

    @staticmethod
    def of(image: Image) -> Signatures | None:
        """None where the file has no debug information that can be read."""
        try:
            return None if find_section(image, "info") is None or image.type == "rel" else Signatures(image)
        except GoinspectError:
            return None

    def parameters(self, entry: int, package: str) -> tuple[Parameter, ...] | None:
        """Those of the function that begins at an address, in order; None where DWARF does not know it.

        Args:
            entry: vaddr.
            package: whose unit is looked at first.
        """
        for unit in sorted(self._units, key=lambda unit: unit.name != package):
            if unit.language not in (dw.LANG_GO, 0):
                continue
            place = self._functions_of(unit).get(entry)
            function = self._entries.at(place) if place is not None else None
            if function is not None:
                return tuple(self._parameters(function))
        return None

    def _functions_of(self, unit: Unit) -> dict[int, int]:
        """Where the functions of a unit begin -> offsets of their entries."""
        key = unit.header.offset
        if key not in self._starts:
            self._starts[key] = {
                start: found.offset
                for found in self._entries.symbols(unit)
                if found.abbrev.role == "function" and (start := self._start(found)) is not None
            }
        return self._starts[key]

    @staticmethod
    def _start(found: Entry) -> int | None:
        start = found.unit.address(found.values, found.forms, dw.DW_AT_LOW_PC)
        if start is None:
            extent = found.unit.first_range(found.values, found.forms)
            start = extent[0] if extent else None
        return start

    def _parameters(self, function: Entry) -> Iterator[Parameter]:
        """Of the concrete function; of an abstract one, those that the concrete one leaves out, as well."""
        place = origin(function)
        abstract = self._entries.at(place) if place is not None else None
        for child in self._entries.children(abstract or function):
            if child.abbrev.tag != dw.DW_TAG_FORMAL_PARAMETER:
                continue
            unit, values, forms = child.unit, child.values, child.forms
            name = unit.text(values, forms, dw.DW_AT_NAME) or ""
            type_at = unit.reference(values, forms, dw.DW_AT_TYPE)
            yield Parameter(
                name, bool(values.get(dw.DW_AT_VARIABLE_PARAMETER)), self._shape(type_at, _MAX_DEPTH)
            )

    # --- types ---

    def _shape(self, offset: int | None, depth: int) -> Shape | None:
        if offset is None or depth <= 0:
            return None
        if offset not in self._shapes:
            self._shapes[offset] = None  # for a type that contains itself
            try:
                found = self._entries.at(offset)
                self._shapes[offset] = None if found is None else self._made(found, depth)
            except GoinspectError:
                return None
        return self._shapes[offset]

    def _made(self, found: Entry, depth: int) -> Shape | None:
        unit, values, forms, tag = found.unit, found.values, found.forms, found.abbrev.tag
        name = unit.text(values, forms, dw.DW_AT_NAME) or "?"
        size = values.get(dw.DW_AT_BYTE_SIZE)
        inner = unit.reference(values, forms, dw.DW_AT_TYPE)
        if tag in dw.POINTER_TAGS or tag == dw.DW_TAG_SUBROUTINE_TYPE:
            return scalar(name, self._word, self._word, "pointer")
        if tag in dw.ALIAS_TAGS:
            shape = self._shape(inner, depth - 1)
            named = dw.DW_AT_GO_DICT_INDEX not in values  # else it is a type parameter
            return shape._replace(type=name) if shape is not None and named else shape
        if tag == dw.DW_TAG_ARRAY_TYPE:
            element, count = self._shape(inner, depth - 1), self._entries.dimensions(found)
            return None if element is None or count is None else array(name, element, count)
        if not isinstance(size, int) or not 0 <= size <= _MAX_SIZE:
            return None
        if tag == dw.DW_TAG_BASE_TYPE:
            return self._base(name, size, values.get(dw.DW_AT_ENCODING))
        return self._struct(name, size, found, depth) if tag == dw.DW_TAG_STRUCTURE_TYPE else None

    def _base(self, name: str, size: int, encoding: object) -> Shape:
        if encoding == dw.DW_ATE_COMPLEX_FLOAT:
            return complex_number(name, size, self._word)
        return scalar(name, size, self._word, _KINDS.get(encoding, "uint"))

    def _struct(self, name: str, size: int, found: Entry, depth: int) -> Shape | None:
        known = _OF_WORDS.get(found.values.get(dw.DW_AT_GO_KIND))
        if known is not None:
            return words(name, known, self._word)
        fields = []
        for field, _, type_at in self._members(found):
            shape = self._shape(type_at, depth - 1)
            if shape is None:
                return None
            fields.append((field, shape))
        return struct(name, size, fields)

    def _members(self, found: Entry) -> Iterator[tuple[str, int | None, int | None]]:
        """(name, offset, type) of the fields of a struct."""
        left = _MAX_FIELDS
        for child in self._entries.children(found):
            if child.abbrev.tag != dw.DW_TAG_MEMBER:
                continue
            left -= 1
            if left < 0:
                return
            unit, values, forms = child.unit, child.values, child.forms
            place = values.get(dw.DW_AT_DATA_MEMBER_LOCATION)
            yield (
                unit.text(values, forms, dw.DW_AT_NAME) or "_",
                place if isinstance(place, int) else None,
                unit.reference(values, forms, dw.DW_AT_TYPE),
            )

    def fields(self, wanted: Sequence[str]) -> dict[str, dict[str, int]]:
        """Offsets of fields of the structs of those names, as far as they are there."""
        left, out = set(wanted), dict[str, dict[str, int]]()
        for unit in self._in_order():
            for found in self._entries.symbols(unit):
                if found.abbrev.tag != dw.DW_TAG_STRUCTURE_TYPE:
                    continue
                name = unit.text(found.values, found.forms, dw.DW_AT_NAME)
                if name in left:
                    left.discard(name)
                    out[name] = {
                        field: place for field, place, _ in self._members(found) if place is not None
                    }
                    if not left:
                        return out
        return out

    def _in_order(self) -> list[Unit]:
        return sorted(self._units, key=lambda unit: unit.name != "runtime")


_OF_WORDS: dict[object, str] = {dw.GO_KINDS.index(kind): kind for kind in ("string", "slice")}
_KINDS: dict[object, str] = {dw.DW_ATE_BOOLEAN: "bool", dw.DW_ATE_FLOAT: "float", dw.DW_ATE_SIGNED: "int"}
