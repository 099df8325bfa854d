"""PCs and queries to frames, and the functions of gopclntab: what `goinspect pcln` answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goinspect.errors import GoinspectError, QueryError
from goinspect.gosym import inline
from goinspect.gosym.layout import FLAG_ASM, FLAG_SPWRITE, FLAG_TOPFRAME
from goinspect.model import Frame
from goinspect.results import FunctionList, FunctionRow, LineReport, LineRow, PclntabInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from goinspect.binary import Binary
    from goinspect.gosym.pclntab import Func, PclnTable

__all__ = ["list_functions", "pclntab_info", "resolve"]

_ADDRESS = re.compile(r"(?:0[xX])?[0-9a-fA-F]+")
_OFFSET = re.compile(r"(?P<name>.+?)\+(?P<offset>0[xX][0-9a-fA-F]+|\d+)")
# Importing numpy costs as much as some thousand lookups by the pure engine.
_BULK_FROM = 4000
_FLAGS = ((FLAG_TOPFRAME, "TOPFRAME"), (FLAG_SPWRITE, "SPWRITE"), (FLAG_ASM, "ASM"))


def pclntab_info(binary: Binary) -> PclntabInfo:
    """The header of the binary's gopclntab. Raises NotGoError."""
    go = binary.go
    header, table = go.header, go.table
    names = ("funcnametab", "cutab", "filetab", "pctab", "functab")
    parts = {name: getattr(header, name) for name in names}
    return PclntabInfo(
        generation=header.layout.generation,
        found_by=go.found_by,
        address=table.vaddr,
        text_start=table.text or table.entry(0),
        text_from=go.text_from,
        gofunc_from=go.gofunc_from or None,
        magic=header.layout.magic,
        byteorder=header.byteorder,
        quantum=header.quantum,
        ptrsize=header.ptrsize,
        nfunc=header.nfunc,
        nfiles=header.nfiles,
        size=len(table.data),
        parts={name: offset for name, offset in parts.items() if offset > 0},
    )


def resolve(binary: Binary, queries: Sequence[str], *, inlines: bool = True) -> LineReport:
    """Frames of each query: an address, ``func`` or ``func+offset``.

    Raises:
        QueryError: a query is no address and names no function.
        NotGoError: the binary has no gopclntab.
    """
    pcs = _addresses(binary, queries)
    rows = _bulk_rows if len(pcs) >= _BULK_FROM else _rows
    found = tuple(rows(binary, queries, pcs, inlines=inlines))
    return LineReport(binary.path, binary.go.go_version, pclntab_info(binary), found, binary.warnings)


def _addresses(binary: Binary, queries: Sequence[str]) -> list[int]:
    out = []
    names: dict[str, int] | None = None
    for query in queries:
        if _ADDRESS.fullmatch(query):
            out.append(int(query, 16))
            continue
        if names is None:
            names = _entries_by_name(binary.go.table)
        match = _OFFSET.fullmatch(query)
        name, offset = (
            (match["name"], int(match["offset"], 0)) if match and query not in names else (query, 0)
        )
        if name not in names:
            raise QueryError(
                f"{query!r} is neither a hexadecimal address nor a function of it", path=binary.path
            )
        out.append(names[name] + offset)
    return out


def _entries_by_name(table: PclnTable) -> dict[str, int]:
    names: dict[str, int] = {}
    for index in range(table.nfunc):
        func = table.func(index)
        if func is not None:
            names.setdefault(table.name(func), func.entry)
    return names


def _rows(binary: Binary, queries: Sequence[str], pcs: list[int], *, inlines: bool) -> Iterable[LineRow]:
    table = binary.go.table
    for query, pc in zip(queries, pcs, strict=True):
        func = binary.function_at(pc)
        if func is None:
            yield LineRow(pc, query, None, None, None)
        else:
            frames = inline.expand(table, func, pc) if inlines else inline.physical(table, func, pc)
            yield LineRow(pc, query, table.name(func), func.entry, frames)


def _bulk_rows(binary: Binary, queries: Sequence[str], pcs: list[int], *, inlines: bool) -> Iterable[LineRow]:
    import numpy as np  # 0.1 s: worth it for a batch only

    array = np.array([min(pc, (1 << 64) - 1) for pc in pcs], dtype=np.uint64)
    found = binary.bulk_frames(array, inlines=inlines)
    entries = binary.bulk.entries[binary.bulk.find(array)].tolist()
    frames = [
        Frame(found.names[f], found.files[file] if file >= 0 else None, line if file >= 0 else None, inlined)
        for f, file, line, inlined in zip(
            found.function.tolist(),
            found.file.tolist(),
            found.line.tolist(),
            found.inlined.tolist(),
            strict=True,
        )
    ]
    starts = found.start.tolist()
    for i, (query, pc) in enumerate(zip(queries, pcs, strict=True)):
        mine = tuple(frames[starts[i] : starts[i + 1]])
        if mine:
            yield LineRow(pc, query, mine[-1].function, entries[i], mine)
        else:
            yield LineRow(pc, query, None, None, None)


def list_functions(binary: Binary, *, rows: bool = True) -> FunctionList:
    """Every function of gopclntab in address order; with ``rows=False`` only the header."""
    table = binary.go.table
    warnings: list[str] = []
    found = tuple(_function_rows(table, warnings)) if rows else ()
    return FunctionList(
        binary.path, binary.go.go_version, pclntab_info(binary), found, (*binary.warnings, *warnings)
    )


def _function_rows(table: PclnTable, warnings: list[str]) -> Iterable[FunctionRow]:
    damaged = 0
    for index in range(table.nfunc):
        try:
            func = table.func(index)
            if func is not None:
                yield _function_row(table, func)
        except GoinspectError:
            damaged += 1
    if damaged:
        warnings.append(f"{damaged} of {table.nfunc} functions cannot be read: the table is damaged")


def _function_row(table: PclnTable, func: Func) -> FunctionRow:
    ids = table.release.func_ids
    name = ids[func.func_id] if func.func_id < len(ids) else str(func.func_id)
    return FunctionRow(
        entry=func.entry,
        end=func.end,
        name=table.name(func),
        file=inline.expand(table, func, func.entry)[-1].file,
        start_line=func.start_line or None,
        frame_size=table.frame_size(func),
        args_size=func.args,
        func_id=name if ids and func.func_id else None,
        flags=tuple(text for bit, text in _FLAGS if func.flag & bit),
        inlined=inline.inlined_names(table, func),
    )
