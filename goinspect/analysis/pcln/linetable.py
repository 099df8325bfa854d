"""The line table of a function: `goinspect pcln BIN --lines FUNC`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.analysis.pcln.frames import frames_at
from goinspect.analysis.pcln.header import pclntab_info
from goinspect.analysis.pcln.queries import Queries
from goinspect.errors import GoinspectError
from goinspect.gosym import pcvalue
from goinspect.results.lines import LineRow, LineRows, LineTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goinspect.binary import Binary
    from goinspect.gosym.pclntab import Func

__all__ = ["line_table", "starts_of"]


def line_table(binary: Binary, functions: Sequence[str], *, inlines: bool = True) -> LineTable:
    """Ranges of PCs that cover each function from its entry to the next one's, padding included.

    Args:
        binary: has the functions.
        functions: names, or addresses within; all functions of a name are answered.
        inlines: expand inlined calls.

    Raises:
        QueryError: there is no such function.
        NotGoError: the binary has no gopclntab.
    """
    queries = Queries(binary)
    damaged: set[int] = set()
    rows: list[LineRow] = []
    for function in functions:
        for number in queries.functions(function):
            rows += _rows(binary, function, number, damaged, inlines=inlines)
    warnings = [*binary.warnings, *queries.warnings]
    if damaged:
        warnings.append(f"damaged table: {len(damaged)} functions are answered as far as they can be read")
    info = pclntab_info(binary)
    return LineTable(binary.path, binary.go.go_version, info, LineRows.of(rows), tuple(warnings))


def _rows(binary: Binary, query: str, number: int, damaged: set[int], *, inlines: bool) -> Iterator[LineRow]:
    try:
        func = binary.go.table.func(number)
    except GoinspectError:
        damaged.add(number)
        return
    if func is None:
        return
    row: LineRow | None = None
    for pc in starts_of(binary, func, damaged):
        frames = frames_at(binary, func, pc, damaged, inlines=inlines)
        if row is not None and row.frames == frames:
            continue
        if row is not None:
            yield row._replace(end=pc)
        row = LineRow(pc, query, frames[-1].function, func.entry, frames)
    if row is not None:
        yield row._replace(end=func.end)


def starts_of(binary: Binary, func: Func, damaged: set[int]) -> list[int]:
    """Where any of the tables that frames depend on has a new value."""
    table = binary.go.table
    starts = {func.entry} if func.end > func.entry else set()
    for kind in ("pcfile", "pcln", "inline"):
        try:
            offset = (
                table.pcdata_offset(func, table.release.pcdata_inline)
                if kind == "inline"
                else getattr(func, kind)
            )
            for end, _ in pcvalue.rows(table.pctab, offset, table.quantum):
                if func.entry + end < func.end:
                    starts.add(func.entry + end)
        except GoinspectError:
            damaged.add(func.number)
    return sorted(starts)
