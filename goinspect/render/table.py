"""Results as tables for people (through tabulate), as CSV, and in the shape of ``go tool nm``."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from goinspect.render.text import escape_terminal, human_weight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.results.flame import EventSummary, FlameProfile
    from goinspect.results.symbols import SymbolList, SymbolRow

__all__ = [
    "render_events",
    "render_nm",
    "render_symbols",
    "render_symbols_csv",
    "render_top",
]


def _table(headers: Sequence[str], rows: list[list[Any]], align: Sequence[str]) -> str:
    from tabulate import tabulate  # 0.1 s

    if not rows:
        return "  ".join(headers) + "\n"
    # Numbers are already text: tabulate must neither parse nor reformat untrusted names.
    return tabulate(rows, headers=headers, tablefmt="plain", colalign=align, disable_numparse=True) + "\n"


def _where(file: str | None, line: int | None) -> str:
    return "?" if file is None else escape_terminal(file) + (f":{line}" if line else "")


def render_symbols(symbols: SymbolList) -> str:
    """One symbol a row. A size with "<" is bounded by the next function, not exact."""
    rows = [
        [
            hex(row.address), _size(row), row.kind, "+".join(row.sources), row.section or "-",
            escape_terminal(row.name), _where(row.file, row.line) if row.file else "",
        ]
        for row in symbols.rows
    ]  # fmt: skip
    return _table(
        ["address", "size", "kind", "sources", "section", "name", "file:line"], rows,
        ["left", "right", "left", "left", "left", "left", "left"],
    )  # fmt: skip


def _size(row: SymbolRow) -> str:
    if row.size is None:
        return "?"
    return f"{row.size}" if row.size_exact or row.kind != "function" else f"<={row.size}"


def render_symbols_csv(symbols: SymbolList) -> str:
    """RFC 4180, with a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["name", "address", "size", "size_exact", "kind", "sources", "section", "package", "file", "line"]
    )
    for row in symbols.rows:
        writer.writerow([
            row.name, hex(row.address), row.size, row.size_exact, row.kind, "+".join(row.sources), row.section,
            row.package, row.file, row.line,
        ])  # fmt: skip
    return out.getvalue()


_NM = {"function": "T", "variable": "D", "tls": "D", "notype": "U"}
_READ_ONLY = frozenset({".rodata", ".gopclntab", ".typelink", ".itablink", ".go.type", ".go.func"})


def render_nm(symbols: SymbolList) -> str:
    """As ``go tool nm -size`` prints: address, size, code, name."""
    out: list[str] = []
    for row in symbols.rows:
        code = _NM[row.kind]
        if row.section and code in "DU":
            code = "R" if row.section in _READ_ONLY else "B" if "bss" in row.section else "D"
        out.append(f"{row.address:8x} {row.size or 0:10d} {code} {escape_terminal(row.name)}\n")
    return "".join(out)


def render_events(events: tuple[EventSummary, ...]) -> str:
    """The events of a recording."""
    rows = [[escape_terminal(e.name), f"{e.samples:,}", human_weight(e.weight, e.unit)] for e in events]
    return _table(["event", "samples", "weight"], rows, ["left", "right", "right"])


def render_top(profile: FlameProfile, limit: int = 40) -> str:
    """Functions by their own weight, with what they and their callees took; recursion counted once."""
    table = profile.stacks
    own: dict[str, int] = {}
    total: dict[str, int] = {}
    names = [frame.name for frame in table.frames]
    starts, flat = table.stacks.start.tolist(), table.stacks.frames.tolist()
    for i, weight in enumerate(table.stacks.weight.tolist()):
        stack = [names[frame] for frame in flat[starts[i] : starts[i + 1]]]
        if stack:
            own[stack[-1]] = own.get(stack[-1], 0) + weight
        for name in set(stack):
            total[name] = total.get(name, 0) + weight
    whole = max(profile.totals.weight, 1)
    ranked = sorted(total, key=lambda name: (-own.get(name, 0), -total[name], name))[:limit]
    rows = [
        [
            human_weight(own.get(name, 0), profile.unit), f"{own.get(name, 0) / whole:.1%}",
            human_weight(total[name], profile.unit), f"{total[name] / whole:.1%}", escape_terminal(name),
        ]
        for name in ranked
    ]  # fmt: skip
    return _table(
        ["own", "own %", "total", "total %", "function"], rows, ["right", "right", "right", "right", "left"]
    )
