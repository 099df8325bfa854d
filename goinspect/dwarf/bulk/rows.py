"""Functions, variables and types as columns: what `goinspect.dwarf.symbols` tells of an entry, of all entries at once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from goinspect.dwarf import constants as dw
from goinspect.dwarf.bulk.decode import NONE, Bytes, OddError, decode, numbers
from goinspect.dwarf.info import forms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.dwarf.bulk.decode import Section
    from goinspect.dwarf.info.abbrevs import Abbrev, AbbrevTable
    from goinspect.dwarf.info.unit import Unit

    Numbers = NDArray[np.int64]

__all__ = ["MAX_SIZE", "WORDS", "Group", "Rows", "functions", "names_of", "references", "types", "variables"]

MAX_SIZE = 1 << 62
WORDS = (*dw.GO_KINDS, *dw.TYPE_TAGS.values())  # `Rows.kind` is an index of it
TAG_WORDS = {tag: len(dw.GO_KINDS) + number for number, tag in enumerate(dw.TYPE_TAGS)}
_NAMES = (dw.DW_AT_LINKAGE_NAME, dw.DW_AT_MIPS_LINKAGE_NAME, dw.DW_AT_NAME)
_ORIGINS = (dw.DW_AT_ABSTRACT_ORIGIN, dw.DW_AT_SPECIFICATION)
_PLACE = (dw.DW_AT_DECL_FILE, dw.DW_AT_DECL_LINE)
_FUNCTION = frozenset((*_NAMES, *_ORIGINS, *_PLACE, dw.DW_AT_LOW_PC, dw.DW_AT_HIGH_PC, dw.DW_AT_RANGES))
_VARIABLE = frozenset((*_NAMES, *_ORIGINS, *_PLACE, dw.DW_AT_LOCATION, dw.DW_AT_TYPE))
_TYPE = frozenset((
    dw.DW_AT_NAME, *_PLACE, dw.DW_AT_BYTE_SIZE, dw.DW_AT_TYPE, dw.DW_AT_GO_KIND, dw.DW_AT_GO_RUNTIME_TYPE,
))  # fmt: skip


@dataclass(eq=False, repr=False)
class Rows:
    """Functions, variables or types. A number that is not there is `NONE`; ``size`` -1: not known."""

    name: list[str]
    offset: Numbers  # of the entry
    unit: Numbers
    address: NDArray[np.uint64]  # of a type: `DwarfTypes.runtime_type`, 0 for none
    size: Numbers
    file: Numbers  # number in the line table of its unit
    line: Numbers
    origin: Numbers  # offset of the entry that says more
    type: Numbers  # offset of the entry of its type; of a type: of one that is as big
    kind: Numbers  # of a type: index of WORDS
    twin: NDArray[np.bool_]  # a name that Go's linker gives to the type it refers to

    @classmethod
    def of(cls, name: list[str], **columns: Any) -> Rows:
        """Rows with the columns that are given: arrays, or one number for all."""
        count = len(name)
        made: list[Any] = [name]
        for field in fields(cls)[1:]:
            kind = np.uint64 if field.name == "address" else np.bool_ if field.name == "twin" else np.int64
            none = {"size": -1, "kind": 0, "twin": False, "address": 0}.get(field.name, NONE)
            made.append(np.broadcast_to(np.asarray(columns.get(field.name, none), dtype=kind), count))
        return cls(*made)

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """All rows, in the order of their entries."""
        parts = [part for part in parts if len(part)] or [cls.of([])]
        offset = np.concatenate([part.offset for part in parts])
        order = np.argsort(offset, kind="stable")
        names = [name for part in parts for name in part.name]
        columns = (
            np.concatenate([getattr(part, field.name) for part in parts])[order] for field in fields(cls)[1:]
        )
        return cls([names[row] for row in order.tolist()], *columns)

    def __len__(self) -> int:
        return len(self.name)

    def named(self) -> NDArray[np.bool_]:
        """Which of them have a name."""
        if "" not in self.name:
            return np.ones(len(self), dtype=np.bool_)
        return np.fromiter(map(bool, self.name), dtype=np.bool_, count=len(self))

    def take(self, rows: NDArray[Any]) -> Rows:
        """Some of them."""
        if rows.dtype == np.bool_ and rows.all():
            return self
        index = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        names = [self.name[row] for row in index.tolist()]
        return Rows(names, *(getattr(self, field.name)[index] for field in fields(self)[1:]))


class Group(NamedTuple):
    """Entries of one abbreviation."""

    section: Section
    units: Sequence[Unit]
    table: AbbrevTable
    abbrev: Abbrev
    offset: Numbers
    attributes: Numbers  # where those of each entry begin
    unit: Numbers  # index of `units`
    names: Sequence[bytes] | None = None  # the first attributes, where these are names

    def decode(self, wanted: frozenset[int]) -> dict[int, Any]:
        """The wanted attributes, as a `Column` each. Raises OddError as `decode`."""
        return decode(self.section, self.attributes, self.abbrev, self.table.encoding, wanted, self.names)[0]

    def of_units(self, what: Sequence[int]) -> Numbers:
        """A number of each unit, for each entry."""
        return np.array(what, dtype=np.int64)[self.unit]

    def take(self, kept: NDArray[np.bool_]) -> Group:
        """Some of the entries."""
        return self._replace(
            offset=self.offset[kept], attributes=self.attributes[kept], unit=self.unit[kept], names=None
        )


def functions(group: Group) -> Rows:
    """Subprograms with code of their own."""
    abbrev = group.abbrev
    if dw.DW_AT_DECLARATION in abbrev.forms:
        return Rows.of([])
    columns = group.decode(_FUNCTION)
    start = _addresses(group, columns, dw.DW_AT_LOW_PC)
    if start is None:
        start, size = _ranges(group, columns)
    else:
        size = _sizes(group, columns, start)
    return _rows(group, columns, start, size)


def variables(group: Group) -> Rows:
    """Variables at one fixed address."""
    columns = group.decode(_VARIABLE)
    location = columns[dw.DW_AT_LOCATION]
    if not isinstance(location, Bytes):
        raise OddError
    encoding, section = group.table.encoding, group.section
    width = encoding.address_size
    first = section.byte(location.start)
    filled = location.end > location.start
    plain = filled & (first == dw.DW_OP_ADDR) & (location.end - location.start == 1 + width)
    start = np.zeros(len(group.offset), dtype=np.uint64)
    start[plain] = section.number(location.start[plain] + 1, width, encoding.byteorder)
    indexed = filled & ((first == dw.DW_OP_ADDRX) | (first == dw.DW_OP_GNU_ADDR_INDEX))
    if indexed.any():
        index, end = section.leb(location.start[indexed] + 1)
        exact = end == location.end[indexed]
        rows = np.flatnonzero(indexed)[exact]
        start[rows] = _indexed(group, group.unit[rows], index[exact])
    rows = _rows(
        group,
        columns,
        start,
        np.full(len(start), -1, dtype=np.int64),
        references(group, columns, dw.DW_AT_TYPE),
    )
    return rows.take(rows.named() | (rows.origin != NONE))  # clang describes string literals without


def types(group: Group) -> Rows:
    """Types that have a name."""
    abbrev = group.abbrev
    columns = group.decode(_TYPE)
    names = names_of(group, columns, (dw.DW_AT_NAME,))
    size = _number(group, columns, dw.DW_AT_BYTE_SIZE)
    size = np.where((size >= 0) & (size <= MAX_SIZE), size, -1)
    target = np.full(len(names), NONE, dtype=np.int64)
    twin = np.zeros(len(names), dtype=np.bool_)
    if abbrev.tag in dw.POINTER_TAGS:
        size = np.where(size < 0, group.table.encoding.address_size, size)
    elif abbrev.tag in dw.ALIAS_TAGS:
        target = np.where(size < 0, references(group, columns, dw.DW_AT_TYPE), NONE)
        if dw.DW_AT_GO_KIND not in columns:
            go = group.of_units([unit.language for unit in group.units]) == dw.LANG_GO
            twin = go & (target != NONE)
    kind = _number(group, columns, dw.DW_AT_GO_KIND)
    kind = np.where(kind == NONE, 0, kind & dw.GO_KIND_MASK)
    kind = np.where((kind > 0) & (kind < len(dw.GO_KINDS)), kind, TAG_WORDS[abbrev.tag])
    place = columns.get(dw.DW_AT_GO_RUNTIME_TYPE, 0)
    if isinstance(place, Bytes) or (isinstance(place, int) and place < 0):
        place = 0
    rows = Rows.of(
        names, offset=group.offset, unit=group.unit, size=size, type=target, kind=kind, twin=twin,
        address=place,
        file=_number(group, columns, dw.DW_AT_DECL_FILE), line=_number(group, columns, dw.DW_AT_DECL_LINE),
    )  # fmt: skip
    return rows.take(rows.named())


# --- attributes ---


def _number(group: Group, columns: dict[int, Any], attribute: int) -> Numbers:
    """A number of each entry; NONE where there is none."""
    value: Any = columns.get(attribute)
    if value is None or isinstance(value, int | Bytes):
        return np.full(len(group.offset), value if isinstance(value, int) else NONE, dtype=np.int64)
    found: Numbers = (
        np.minimum(value, np.uint64(MAX_SIZE + 1)).astype(np.int64) if value.dtype == np.uint64 else value
    )
    return found


def references(group: Group, columns: dict[int, Any], attribute: int) -> Numbers:
    """The offset of the entry that an attribute refers to."""
    value = _number(group, columns, attribute)
    form = group.abbrev.forms.get(attribute)
    if form in forms.UNIT_REFS:
        return value + group.of_units([unit.header.offset for unit in group.units])
    return value if form == forms.REF_ADDR else np.full(len(value), NONE, dtype=np.int64)


def names_of(group: Group, columns: dict[int, Any], attributes: Sequence[int] = _NAMES) -> list[str]:
    """What the first of these attributes says that is there, "" without one."""
    attribute = next((one for one in attributes if one in columns), None)
    if attribute is None:
        return [""] * len(group.offset)
    value = columns[attribute]
    if isinstance(value, Bytes):
        return group.section.texts(value)
    form = {attribute: group.abbrev.forms[attribute]}
    return [
        group.units[unit].text({attribute: number}, form, attribute) or ""
        for unit, number in zip(group.unit.tolist(), _number(group, columns, attribute).tolist(), strict=True)
    ]


def _rows(
    group: Group,
    columns: dict[int, Any],
    start: NDArray[np.uint64],
    size: Numbers,
    of_type: Numbers | int = NONE,
) -> Rows:
    """Rows of what was not removed by the linker: that has no address."""
    kept = (start > 0) & (start < np.uint64((1 << 8 * group.table.encoding.address_size) - 1))
    if not kept.all():
        group, start, size = group.take(kept), start[kept], size[kept]
        columns = {key: _taken(value, kept) for key, value in columns.items()}
        of_type = of_type if isinstance(of_type, int) else of_type[kept]
    origin = next((one for one in _ORIGINS if one in columns), None)
    return Rows.of(
        names_of(group, columns), offset=group.offset, unit=group.unit, address=start, size=size, type=of_type,
        file=_number(group, columns, dw.DW_AT_DECL_FILE), line=_number(group, columns, dw.DW_AT_DECL_LINE),
        origin=NONE if origin is None else references(group, columns, origin),
    )  # fmt: skip


def _taken(value: Any, kept: NDArray[np.bool_]) -> Any:
    if isinstance(value, Bytes):
        known = None if value.known is None else list(compress(value.known, kept.tolist()))
        return Bytes(value.start[kept], value.end[kept], known)
    return value if isinstance(value, int) else value[kept]


def _addresses(group: Group, columns: dict[int, Any], attribute: int) -> NDArray[np.uint64] | None:
    """An attribute that is an address; None for anything else."""
    value, form = columns.get(attribute), group.abbrev.forms.get(attribute)
    if value is None or isinstance(value, (int, Bytes)):
        return None
    if form == forms.ADDR:
        found: NDArray[np.uint64] = value.astype(np.uint64)
        return found
    return _indexed(group, group.unit, value.astype(np.int64)) if form in forms.ADDRX else None


def _indexed(group: Group, unit: Numbers, index: Numbers) -> NDArray[np.uint64]:
    """Addresses of ``.debug_addr``. Raises OddError where there is none."""
    data = group.units[0].sections.reader("addr").data
    encoding = group.table.encoding
    bases = np.array([one.addresses_at for one in group.units], dtype=np.int64)
    at = bases[unit] + index * encoding.address_size
    if len(at) and not (int(at.min()) >= 0 and int(at.max()) <= len(data) - encoding.address_size):
        raise OddError
    return numbers(data, at, encoding.address_size, encoding.byteorder)


def _sizes(group: Group, columns: dict[int, Any], start: NDArray[np.uint64]) -> Numbers:
    """Bytes from DW_AT_high_pc: an address until DWARF 3; since DWARF 4 a constant counts from the start."""
    end = _addresses(group, columns, dw.DW_AT_HIGH_PC)
    if end is None:
        size = _number(group, columns, dw.DW_AT_HIGH_PC)
    else:
        size = np.where(end > start, np.minimum(end - start, np.uint64(MAX_SIZE + 1)), np.uint64(0)).astype(
            np.int64
        )
    return np.where((size > 0) & (size <= MAX_SIZE), size, -1)


def _ranges(group: Group, columns: dict[int, Any]) -> tuple[NDArray[np.uint64], Numbers]:
    """Start and size of the first range of each function; an address of 0 where there is none."""
    start, size = np.zeros(len(group.offset), dtype=np.uint64), np.full(len(group.offset), -1, dtype=np.int64)
    if isinstance(columns.get(dw.DW_AT_RANGES, 0), int | Bytes):
        return start, size
    found = {dw.DW_AT_RANGES: group.abbrev.forms[dw.DW_AT_RANGES]}
    for row, (unit, value) in enumerate(
        zip(group.unit.tolist(), columns[dw.DW_AT_RANGES].tolist(), strict=True)
    ):
        extent = group.units[unit].first_range({dw.DW_AT_RANGES: value}, found)
        if extent is not None and extent[0] < 1 << 64:
            length = extent[1] - extent[0]
            start[row], size[row] = extent[0], length if 0 < length <= MAX_SIZE else -1
    return start, size
