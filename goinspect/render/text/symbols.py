"""Symbols as text: a table for people, CSV, the shape of ``go tool nm``, folded stacks of sizes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from goinspect.render.text.columns import column_pieces, escape_all, write_columns
from goinspect.render.values import escape_terminal
from goinspect.results.symbols import KINDS, source_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from goinspect.results.symbols import SizeGroups, SymbolList, SymbolRows

__all__ = ["render_csv", "render_groups", "render_groups_csv", "render_nm", "render_table"]

_FUNCTION, _TYPE, _UNDEFINED = KINDS.index("function"), KINDS.index("type"), KINDS.index("undefined")
_NM = "%8x %10d %s %s\n"
_SETS = ["+".join(source_names(bits)) for bits in range(1 << 6)]


def render_table(symbols: SymbolList) -> Iterator[str]:
    """Piece by piece, for there may be a hundred thousand lines: one symbol a row. A size with "<=" is bounded by the next symbol, not exact; "?": not known."""
    rows = symbols.rows
    files = [*escape_all(rows.files), ""]
    places = [
        f"{files[file]}:{line}" if line else files[file]
        for file, line in zip(rows.file.tolist(), rows.line.tolist(), strict=True)
    ]
    columns = [
        _addresses(rows),
        _sizes(rows),
        [KINDS[kind] for kind in rows.kind.tolist()],
        [_SETS[bits] for bits in rows.sources.tolist()],
        _named(rows.sections, rows.section),
        escape_all(rows.name),
        places,
    ]
    return column_pieces(
        ["address", "size", "kind", "sources", "section", "name", "file:line"], columns, "lrlllll"
    )


def _addresses(rows: SymbolRows) -> list[str]:
    """A type that only DWARF knows has no descriptor, and no address."""
    return [
        hex(address) if address or kind != _TYPE else "-"
        for address, kind in zip(rows.address.tolist(), rows.kind.tolist(), strict=True)
    ]


def _sizes(rows: SymbolRows) -> list[str]:
    return [
        "?" if size < 0 else f"{size}" if exact or kind != _FUNCTION or not size else f"<={size}"
        for size, exact, kind in zip(
            rows.size.tolist(), rows.size_exact.tolist(), rows.kind.tolist(), strict=True
        )
    ]


def _named(texts: Sequence[str], index: NDArray[np.int32]) -> list[str]:
    shown = [*escape_all(texts), "-"]
    return [shown[number] or "-" for number in index.tolist()]


def render_csv(symbols: SymbolList) -> str:
    """RFC 4180, with a header line. Names are escaped as everywhere: a row is a line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([
        "name", "address", "size", "size_exact", "kind", "sources", "section", "package", "receiver", "module",
        "file", "line", "symbol",
    ])  # fmt: skip
    writer.writerows(
        (
            escape_terminal(row.name), "" if row.address is None else hex(row.address), row.size, row.size_exact, row.kind,
            "+".join(row.sources), *_safe(row.section, row.package, row.receiver, row.module, row.file), row.line,
            *_safe(row.symbol),
        )
        for row in symbols.rows
    )  # fmt: skip
    return out.getvalue()


def _safe(*texts: str | None) -> Iterator[str | None]:
    return (text and escape_terminal(text) for text in texts)


def render_nm(symbols: SymbolList) -> str:
    """As ``go tool nm -size`` prints: address, size, letter, name as the symbol table spells it."""
    rows = symbols.rows
    names = escape_all(rows.name)
    for row, text in rows.symbol.items():
        names[row] = escape_terminal(text)
    count = len(names)
    cells: list[object] = [None] * (4 * count)
    cells[0::4], cells[1::4], cells[2::4], cells[3::4] = (
        rows.address.tolist(), rows.size.tolist(), rows.letter.tolist(), names,
    )  # fmt: skip
    if not (rows.kind == _UNDEFINED).any():
        return _NM * count % tuple(cells)  # all at once: a quarter quicker than line by line
    lines = (_NM * count % tuple(cells)).splitlines(keepends=True)
    for row in (rows.kind == _UNDEFINED).nonzero()[0].tolist():
        lines[row] = f"{'':8} {int(rows.size[row]):10d} U {names[row]}\n"
    return "".join(lines)


def render_groups(groups: SizeGroups) -> str:
    """One group a row, largest first, and their sum. What is in .bss is no part of the bytes: the file has none for it."""
    rows, whole = (*groups.rows, groups.total), groups.total.size
    names = [name or "-" for name in escape_all([row.name for row in rows])]
    columns = [[f"{row[at]:,}" for row in rows] for at in range(1, 7)]
    shares = [f"{row.size / whole:.1%}" if whole else "-" for row in rows]
    heads = ["symbols", "functions", "variables", "types", "bytes", "share", "bss", groups.by]
    return write_columns(heads, [*columns[:5], shares, columns[5], names], "rrrrrrrl")


def render_groups_csv(groups: SizeGroups) -> str:
    """RFC 4180, with a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([groups.by, "symbols", "functions", "variables", "types", "bytes", "bss"])
    writer.writerows((escape_terminal(row.name), *row[1:]) for row in groups.rows)
    return out.getvalue()
