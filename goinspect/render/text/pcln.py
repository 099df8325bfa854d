"""Answers of `goinspect pcln` other than looked-up PCs, as text: header, functions, line tables, sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.text.columns import escape_all, write_columns
from goinspect.render.values import escape_terminal, human_bytes
from goinspect.results.functions import FunctionList, FunctionRows, InlinedList, SizeRow
from goinspect.results.lines import LineRows, LineTable

if TYPE_CHECKING:
    from goinspect.results.functions import SizeReport
    from goinspect.results.lines import PclntabInfo

    Report = FunctionList | InlinedList | LineTable | SizeReport

__all__ = [
    "render",
    "render_functions",
    "render_header",
    "render_inlined",
    "render_line_table",
    "render_sizes",
]

_SHOWN = 3  # functions in a cell of a table; JSON has all of them


def render(report: Report) -> str:
    """Any of the answers; a list of functions without rows is the header."""
    if isinstance(report, FunctionList):
        if not report.rows:
            return render_header(report.pclntab, report.binary, report.go_version)
        return render_functions(report)
    if isinstance(report, LineTable):
        return render_line_table(report)
    return render_inlined(report) if isinstance(report, InlinedList) else render_sizes(report)


def render_header(info: PclntabInfo, binary: str, go_version: str | None) -> str:
    """The header of a gopclntab, one fact a line."""
    rows = [
        ("binary", escape_terminal(binary)),
        ("go version", escape_terminal(go_version or "unknown")),
        ("generation", f"{info.generation} (magic {info.magic:#x}, {info.byteorder} endian)"),
        ("layout", f"of Go {info.layout} and later (known by {info.layout_from})"),
        ("found by", info.found_by),
        ("address", hex(info.address)),
        ("size", f"{info.size} ({human_bytes(info.size)})"),
        ("quantum, pointer size", f"{info.quantum}, {info.ptrsize}"),
        ("functions", f"{info.nfunc}"),
        ("files", f"{info.nfiles}"),
        ("text start", f"{info.text_start:#x} (from {info.text_from})"),
        ("inline trees", f"from {info.gofunc_from}" if info.gofunc_from else "out of reach"),
        *((name, f"+{offset:#x}") for name, offset in info.parts.items()),
    ]
    width = max(len(name) for name, _ in rows)
    return "".join(f"{name:<{width}}  {value}\n" for name, value in rows)


def render_functions(functions: FunctionList) -> str:
    """One function a row, in address order."""
    heads = ["entry", "size", "frame", "inlined", "function", "file:line"]
    if not functions.rows:
        return write_columns(heads, [()] * 6, "lrrrll")
    rows = FunctionRows.of(functions.rows)
    files = [*escape_all(rows.files), "?"]  # -1: unknown
    counts = (rows.inline_start[1:] - rows.inline_start[:-1]).tolist()
    columns = [
        [hex(entry) for entry in rows.entry.tolist()],
        [str(size) for size in (rows.end - rows.entry).tolist()],
        [str(size) if size >= 0 else "?" for size in rows.frame_size.tolist()],
        [str(count) if count else "-" for count in counts],
        escape_all(rows.name),
        [
            f"{files[file]}:{line}" if line and file >= 0 else files[file]
            for file, line in zip(rows.file.tolist(), rows.start_line.tolist(), strict=True)
        ],
    ]
    return write_columns(heads, columns, "lrrrll")


def render_line_table(table: LineTable) -> str:
    """A range of PCs a row: from the entry on, how deep in inlined calls, where, and in whose code."""
    rows = LineRows.of(table.rows)
    names, files = escape_all(rows.names), [*escape_all(rows.files), "?"]
    inner = rows.start[:-1]
    columns = [
        [hex(pc) for pc in rows.pc],
        [hex(end or pc) for pc, end in zip(rows.pc, rows.end or [None] * len(rows), strict=True)],
        [f"+{pc - entry:#x}" for pc, entry in zip(rows.pc, rows.entry, strict=True)],
        [str(last - first - 1) for first, last in zip(rows.start, rows.start[1:], strict=False)],
        [names[rows.function[first]] for first in inner],
        [f"{files[rows.file[first]]}:{rows.line[first]}" for first in inner],
    ]
    return write_columns(["pc", "end", "offset", "depth", "function", "file:line"], columns, "llrrll")


def render_inlined(inlined: InlinedList) -> str:
    """A function that exists only inlined a row, with the first few functions that hold its code."""
    heads = ["sites", "ranges", "bytes", "line", "function", "in"]
    rows = inlined.rows
    columns = [
        [str(row.sites) for row in rows],
        [str(row.ranges) for row in rows],
        [str(row.bytes) for row in rows],
        [str(row.start_line or "?") for row in rows],
        escape_all([row.name for row in rows]),
        escape_all([_some(row.functions) for row in rows]),
    ]
    return write_columns(heads, columns, "rrrrll")


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def render_sizes(sizes: SizeReport) -> str:
    """Bytes of gopclntab: a function or a package a row, then a part of the table a row."""
    rows = sizes.rows
    packages = any(row.entry is None for row in rows)
    parts = SizeRow._fields[3:]
    heads = ["functions" if packages else "entry", *parts, "package" if packages else "function"]
    names, entries, functions, *sums = zip(*rows, strict=True) if rows else ((),) * len(SizeRow._fields)
    columns = [
        [str(count) for count in functions] if packages else [hex(entry) for entry in entries],
        *([str(number) for number in column] for column in sums),
        escape_all([name or "-" for name in names]),
    ]
    listed = write_columns(heads, columns, ("r" if packages else "l") + "r" * len(parts) + "l")
    whole = max(sizes.size, 1)
    total = [
        [f"{part.bytes:,}" for part in sizes.parts] + [f"{sizes.size:,}"],
        [f"{part.functions:,}" for part in sizes.parts]
        + [f"{sum(part.functions for part in sizes.parts):,}"],
        [f"{part.bytes / whole:.1%}" for part in sizes.parts] + ["100.0%"],
        [part.name for part in sizes.parts] + ["all"],
    ]
    summed = write_columns(["bytes", "of functions", "share", "part"], total, "rrrl")
    return f"{listed}\n{summed}\nWhat functions share counts for the first of them, by address.\n"
