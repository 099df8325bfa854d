"""The functions of gopclntab and its header: `goinspect pcln BIN --functions`, `--inlined-only` and `--header`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.analysis.pcln.header import pclntab_info
from goinspect.gosym.layout import FLAG_ASM, FLAG_SPWRITE, FLAG_TOPFRAME
from goinspect.results.functions import FunctionList, FunctionRows, InlinedList

if TYPE_CHECKING:
    from goinspect.binary import Binary

__all__ = ["list_functions", "list_inlined_only"]

_FLAGS = ((FLAG_TOPFRAME, "TOPFRAME"), (FLAG_SPWRITE, "SPWRITE"), (FLAG_ASM, "ASM"))
_FLAG_SETS = tuple(tuple(text for bit, text in _FLAGS if value & bit) for value in range(256))


def list_functions(binary: Binary, *, rows: bool = True) -> FunctionList:
    """Every function of gopclntab in address order; with ``rows=False`` only the header."""
    warnings: list[str] = []
    found = _rows(binary, warnings) if rows else ()
    info = pclntab_info(binary)
    return FunctionList(binary.path, binary.go.go_version, info, found, (*binary.warnings, *warnings))


def _rows(binary: Binary, warnings: list[str]) -> FunctionRows:
    from goinspect.analysis.pcln.damage import count_damaged  # numpy
    from goinspect.gosym.bulk.listing import list_functions as decode

    listed = decode(binary.bulk)
    missing = int(binary.bulk.records.unreadable.sum())
    damaged = count_damaged(binary.bulk, listed.index) + missing
    if damaged:
        count = len(listed.index) + missing
        warnings.append(f"{damaged} of {count} functions cannot be read: the table is damaged")
    ids = binary.go.table.release.func_ids
    names = [ids[number] if number < len(ids) else str(number) for number in range(256)]
    return FunctionRows(
        listed.entry, listed.end, listed.name, listed.file, listed.files, listed.start_line, listed.frame_size,
        listed.args, listed.func_id, (None, *(names[1:] if ids else [None] * 255)), listed.flag, _FLAG_SETS,
        listed.inline_start, listed.inlined, listed.inlined_names, listed.deferreturn,
    )  # fmt: skip


def list_inlined_only(binary: Binary) -> InlinedList:
    """Functions that exist only where they were inlined, by name."""
    from goinspect.analysis.pcln.inlined import inlined_only  # numpy

    info = pclntab_info(binary)
    warnings = binary.warnings
    if binary.go.table.release.inline is None:
        warnings = (*warnings, "Go before 1.9 notes no inlined calls")
    return InlinedList(binary.path, binary.go.go_version, info, tuple(inlined_only(binary.bulk)), warnings)
