"""Symbols as text: a table for people, CSV, the shape of ``go tool nm``, folded stacks of sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.text.columns import column_pieces, column_width, escape_all, write_columns
from goinspect.render.values import escape_terminal
from goinspect.results.symbols import KINDS, source_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.results.symbols import SizeGroups, SymbolList, SymbolRows

__all__ = ["render_csv", "render_groups", "render_groups_csv", "render_nm", "render_table"]

_FUNCTION, _TYPE, _UNDEFINED = KINDS.index("function"), KINDS.index("type"), KINDS.index("undefined")
_NM = "%8x %10d %s %s\n"
_SETS = ["+".join(source_names(bits)) for bits in range(1 << 6)]


def render_table(symbols: SymbolList) -> Iterator[str]:
    """Piece by piece, for there may be a hundred thousand lines: one symbol a row. A size with "<=" is bounded by the next symbol, not exact; "?": not known."""
    rows = symbols.rows
    files = [*escape_all(rows.files), ""]
    between_head, between = _kinds_and_where(rows)
    columns = [
        _addresses(rows), _sizes(rows), between, escape_all(rows.name), [files[file] for file in rows.file.tolist()],
    ]  # fmt: skip
    heads = ["address", "size", between_head, "name", "file:line"]
    return column_pieces(heads, columns, "lrlll", tails=_lines(rows))


def _addresses(rows: SymbolRows) -> list[str]:
    """A type that only DWARF knows has no descriptor, and no address."""
    cells = list(map(hex, rows.address.tolist()))
    for row in ((rows.address == 0) & (rows.kind == _TYPE)).nonzero()[0].tolist():
        cells[row] = "-"
    return cells


def _sizes(rows: SymbolRows) -> list[str]:
    cells = list(map(str, rows.size.tolist()))
    for row in (rows.size < 0).nonzero()[0].tolist():
        cells[row] = "?"
    for row in ((rows.size > 0) & ~rows.size_exact & (rows.kind == _FUNCTION)).nonzero()[0].tolist():
        cells[row] = "<=" + cells[row]
    return cells


def _kinds_and_where(rows: SymbolRows) -> tuple[str, list[str]]:
    """Kind, sources and section as one column: few differ in these, and a program has a hundred thousand symbols."""
    import numpy as np

    sections = [escaped or "-" for escaped in (*escape_all(rows.sections), "-")]
    # -1 is the last one.
    where = np.where(rows.section < 0, len(sections) - 1, rows.section).astype(np.int64)
    keys = (where << 16) + (rows.sources.astype(np.int64) << 8) + rows.kind
    ordered = np.sort(keys)
    known = ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered
    cells = [(KINDS[key & 0xFF], _SETS[key >> 8 & 0xFF], sections[key >> 16]) for key in known.tolist()]
    heads = ("kind", "sources", "section")
    widths = [column_width(head, [cell[at] for cell in cells]) for at, head in enumerate(heads)]
    texts = ["  ".join(map(str.ljust, cell, widths)) for cell in (heads, *cells)]
    index = np.searchsorted(known, keys) + 1
    return texts[0], [texts[number] for number in index.tolist()]


def _lines(rows: SymbolRows) -> list[str]:
    """What follows the file of each row: a colon and the line, or nothing where that is not known."""
    lines = rows.line.tolist()
    known = {line: f":{line}" for line in set(lines)}
    known[0] = ""
    return [known[line] for line in lines]


def render_csv(symbols: SymbolList) -> str:
    """RFC 4180, with a header line. Names are escaped as everywhere: a row is a line."""
    import csv  # 3 ms that the table does without
    import io

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
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([groups.by, "symbols", "functions", "variables", "types", "bytes", "bss"])
    writer.writerows((escape_terminal(row.name), *row[1:]) for row in groups.rows)
    return out.getvalue()
