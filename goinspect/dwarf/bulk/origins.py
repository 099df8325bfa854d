"""Names of the entries that others leave theirs to: abstract instances of inlined functions (DWARF 5, section 3.3.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.dwarf import constants as dw
from goinspect.dwarf.bulk.decode import Bytes, OddError, Section, decode
from goinspect.dwarf.bulk.rows import Group, names_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.dwarf.info.entries import Entries

__all__ = ["origin_names"]

_NAMES = frozenset((dw.DW_AT_LINKAGE_NAME, dw.DW_AT_MIPS_LINKAGE_NAME, dw.DW_AT_NAME))
_MORE = frozenset((dw.DW_AT_ABSTRACT_ORIGIN, dw.DW_AT_SPECIFICATION))
_FEW = 16  # entries for which columns are not worth it


def origin_names(entries: Entries, offsets: NDArray[np.int64]) -> dict[int, str]:
    """The names of entries at sorted offsets; without those that refer to other entries, or are damaged, or odd."""
    known: dict[int, str] = {}
    units = entries.units
    if len(offsets) < _FEW or not units:
        return known
    section = Section(entries.data)
    begins = np.array([unit.header.offset for unit in units], dtype=np.int64)
    firsts = np.array([unit.header.first for unit in units], dtype=np.int64)
    ends = np.array([unit.header.end for unit in units], dtype=np.int64)
    tables = list({id(unit.table): unit.table for unit in units}.values())
    numbers = {id(table): number for number, table in enumerate(tables)}
    table_of = np.array([numbers[id(unit.table)] for unit in units], dtype=np.int64)
    unit = np.searchsorted(begins, offsets, side="right") - 1
    inside = (unit >= 0) & (offsets >= firsts[unit]) & (offsets < ends[unit])
    offsets, unit = offsets[inside], unit[inside]
    for number in sorted(set(table_of[unit].tolist())):
        table = tables[number]
        mine = table_of[unit] == number
        starts, owner = offsets[mine], unit[mine]
        short = section.byte(starts) < 0x80
        starts, owner = starts[short], owner[short]
        codes = section.byte(starts)
        for code in sorted(set(codes.tolist())):
            abbrev = table.entries.get(code)
            if abbrev is None or not _NAMES & abbrev.forms.keys() or _MORE & abbrev.forms.keys():
                continue
            these = codes == code
            group = Group(section, units, table, abbrev, starts[these], starts[these] + 1, owner[these])
            try:
                columns, end = decode(section, group.attributes, abbrev, table.encoding, _NAMES)
            except OddError:
                continue
            if not any(isinstance(column, Bytes) for column in columns.values()):
                continue
            if (end > ends[group.unit]).any() or not entries.may_read(int((end - group.offset).sum())):
                continue
            known.update(zip(group.offset.tolist(), names_of(group, columns), strict=True))
    return known
