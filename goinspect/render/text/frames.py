"""Looked-up PCs as text: for people, and as ``go tool addr2line`` prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.text.columns import escape_all
from goinspect.results.lines import LineRows

if TYPE_CHECKING:
    from goinspect.results.lines import LineReport

__all__ = ["render_addr2line", "render_lines"]

# Rows written at a time: their pieces reuse the same memory.
_CHUNK = 4096
_DIM, _BOLD, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"


def render_lines(report: LineReport, *, color: bool = False) -> str:
    """A block per PC, innermost frame first; inlined calls are marked and lead to the function that holds them."""
    bold, dim, reset = (_BOLD, _DIM, _RESET) if color else ("", "", "")
    rows = LineRows.of(report.rows)
    names = [f"{bold}{name}{reset}" for name in escape_all(rows.names)] if color else escape_all(rows.names)
    files = [*escape_all(rows.files), "?"]  # -1: unknown
    marks = ("\n", f"  {dim}(inlined){reset}\n")
    unknown = f"  ?  {dim}?:0{reset}\n"
    width = _lead_width(rows)
    blank = " " * width
    out: list[str] = []
    for begin in range(0, len(rows), _CHUNK):
        start = rows.start[begin : begin + _CHUNK + 1]
        base = start[0]
        part = slice(base, start[-1])
        frames = [
            f"  {names[function]}  {files[file]}:{line}{marks[inlined]}"
            for function, file, line, inlined in zip(
                rows.function[part], rows.file[part], rows.line[part], rows.inlined[part], strict=True
            )
        ]
        out.append(
            "".join([
                lead + frames[first - base] if last - first == 1
                else lead + (blank.join(frames[first - base : last - base]) if last > first else unknown)
                for lead, first, last in zip(_leads(rows, begin, width), start, start[1:], strict=False)
            ])
        )  # fmt: skip
    return "".join(out)


def _lead_width(rows: LineRows) -> int:
    if rows.end is None:
        return len(hex(max(rows.pc, default=0)))
    return max(
        (
            len(f"{pc:#x}") + (len(f"{end:#x}") + 1 if end is not None else 0)
            for pc, end in zip(rows.pc, rows.end, strict=True)
        ),
        default=0,
    )


def _leads(rows: LineRows, begin: int, width: int) -> list[str]:
    pcs = rows.pc[begin : begin + _CHUNK]
    if rows.end is None:
        return [f"{pc:<#{width}x}" for pc in pcs]
    ends = rows.end[begin : begin + _CHUNK]
    return [
        (hex(pc) if end is None else f"{pc:#x}-{end:#x}").ljust(width)
        for pc, end in zip(pcs, ends, strict=True)
    ]


def render_addr2line(report: LineReport) -> str:
    """Function and file:line on two lines per PC: the outermost function, the innermost position, as Go prints them."""
    rows = LineRows.of(report.rows)
    names, files = escape_all(rows.names), escape_all(rows.files)
    functions = [names[number] for number in rows.function]
    places = [
        f"{files[file]}:{line}" if file >= 0 else ":-1"
        for file, line in zip(rows.file, rows.line, strict=True)
    ]
    return "".join(
        [
            f"{functions[last - 1]}\n{places[first]}\n" if last > first else "?\n?:0\n"
            for first, last in zip(rows.start, rows.start[1:], strict=False)
        ]
    )
