"""`goinspect ps` as a table, or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.render.processes.words import big
from goinspect.render.text.columns import escape_all, write_columns
from goinspect.render.values import escape_terminal

if TYPE_CHECKING:
    from goinspect.results.processes.ps import GoProcess, ProcessList

__all__ = ["render_json", "render_text"]

_HEADS = ("PID", "threads", "age", "CPU", "RSS", "Go", "module", "version", "build", "exe")


def render_text(result: ProcessList, pattern: str | None = None) -> str:
    """A row for each process that `pattern` left, and how many could not be looked at."""
    rows = result.processes
    columns = [
        [str(row.pid) for row in rows],
        ["-" if row.threads is None else str(row.threads) for row in rows],
        ["-" if row.age is None else _age(row.age) for row in rows],
        ["-" if row.cpu_percent is None else f"{row.cpu_percent:.1f} %" for row in rows],
        ["-" if row.rss is None else big(row.rss) for row in rows],
        escape_all([row.go_version or "-" for row in rows]),
        escape_all([row.module or row.main_package or "-" for row in rows]),
        escape_all([row.module_version or "-" for row in rows]),
        [_build(row) for row in rows],
        escape_all([row.exe + _became(row) for row in rows]),
    ]
    table = write_columns(_HEADS, columns, "rrrrrlllll") if rows else _nothing(pattern)
    if not result.unreadable:
        return table
    number = result.unreadable
    return f"{table}{counted(number, 'process', 'processes')} may not be looked at: that takes root, or being their user.\n"


def render_json(result: ProcessList) -> str:
    """The whole answer."""
    document = {
        "schema": result.schema, "processes": [row._asdict() for row in result.processes], "others": result.others,
        "unreadable": result.unreadable, "warnings": list(result.warnings),
    }  # fmt: skip
    return json.dumps(document, indent=1) + "\n"


def _nothing(pattern: str | None) -> str:
    if pattern is None:
        return "No Go program runs here that one may look at.\n"
    return f"No Go program that runs here has {escape_terminal(pattern)} in it.\n"


def _build(row: GoProcess) -> str:
    words = ["PIE"] if row.pie else []
    if row.stripped != "no":
        words.append("stripped" if "symbol table" in row.stripped else "no DWARF")
    return ", ".join(words) or "-"


def _became(row: GoProcess) -> str:
    return f" ({row.exe_state})" if row.exe_state in ("deleted", "replaced", "memfd") else ""


def _age(seconds: float) -> str:
    whole = int(seconds)
    for size, unit, smaller, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit} {rest} {part}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"
