"""Looked-up PCs as text: for people, and as ``go tool addr2line`` prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.render.text import escape_terminal

if TYPE_CHECKING:
    from goinspect.model import Frame
    from goinspect.results import LineReport

__all__ = ["render_addr2line", "render_lines"]

_DIM, _BOLD, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"


def _place(frame: Frame) -> str:
    return f"{escape_terminal(frame.file)}:{frame.line}" if frame.file is not None else "?:0"


def render_lines(report: LineReport, *, color: bool = False) -> str:
    """A block per PC, innermost frame first; inlined calls are marked and lead to the function that holds them."""
    bold, dim, reset = (_BOLD, _DIM, _RESET) if color else ("", "", "")
    width = max((len(hex(row.pc)) for row in report.rows), default=0)
    out: list[str] = []
    for row in report.rows:
        lead = f"{hex(row.pc):<{width}}"
        if row.frames is None:
            out.append(f"{lead}  ?  {dim}?:0{reset}")
            continue
        for frame in row.frames:
            name = f"{bold}{escape_terminal(frame.function)}{reset}"
            mark = f"  {dim}(inlined){reset}" if frame.inlined else ""
            out.append(f"{lead}  {name}  {_place(frame)}{mark}")
            lead = " " * width
    return "".join(line + "\n" for line in out)


def render_addr2line(report: LineReport) -> str:
    """Function and file:line on two lines per PC: the outermost function, the innermost position, as Go prints them."""
    out: list[str] = []
    for row in report.rows:
        if row.frames is None:
            out.append("?\n?:0\n")
            continue
        inner = row.frames[0]
        place = f"{escape_terminal(inner.file)}:{inner.line}" if inner.file is not None else ":-1"
        out.append(f"{escape_terminal(row.function or '?')}\n{place}\n")
    return "".join(out)
