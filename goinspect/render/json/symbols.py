"""Symbols as JSON: the rows are written one a line, for there may be a hundred thousand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goinspect.results.symbols import SizeGroups, SymbolList, SymbolRow

__all__ = ["render", "render_groups"]

_encode = json.JSONEncoder().encode


def render(symbols: SymbolList) -> str:
    """`goinspect symbols BIN --json`."""
    return _document(
        {"schema": symbols.schema, "binary": symbols.binary}, map(_row, symbols.rows), symbols.warnings
    )


def _row(row: SymbolRow) -> str:
    fields: dict[str, Any] = row._asdict()
    fields["address"] = None if row.address is None else hex(row.address)
    return _encode(fields)


def render_groups(groups: SizeGroups) -> str:
    """`goinspect symbols BIN --by package --json`."""
    head = {
        "schema": groups.schema,
        "binary": groups.binary,
        "by": groups.by,
        "size_exact": groups.size_exact,
        "total": {name: value for name, value in groups.total._asdict().items() if name != "name"},
    }
    return _document(head, (_encode(row._asdict()) for row in groups.rows), groups.warnings)


def _document(head: dict[str, Any], rows: Iterable[str], warnings: tuple[str, ...]) -> str:
    start = json.dumps(head, indent=1)[:-2]
    body = ",\n  ".join(rows)
    listed = f"[\n  {body}\n ]" if body else "[]"
    return f'{start},\n "rows": {listed},\n "warnings": {_encode(list(warnings))}\n}}\n'
