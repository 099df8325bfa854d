"""Named addresses as text: a list of them, and any text with names put behind its addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goinspect.render.values import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from goinspect.model import Frame
    from goinspect.results.process.symbolize import SymbolizeReport, SymbolizeRow

    Lookup = Callable[[Sequence[int]], Sequence[SymbolizeRow]]

__all__ = ["annotated", "render_addr2line", "render_rows"]

_DIM, _BOLD, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"
_ADDRESS = re.compile(rb"0x([0-9a-fA-F]{3,16})(?![0-9A-Za-z_])")
_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_+-")
_CHUNK = 4096  # rows written at a time
_MOST_KNOWN = 1 << 18  # addresses whose names are kept


def render_rows(report: SymbolizeReport, *, color: bool = False) -> Iterator[str]:
    """A block per address, innermost frame first; where there is no name, what is mapped there, and at which offset."""
    bold, dim, reset = (_BOLD, _DIM, _RESET) if color else ("", "", "")
    width = len(hex(max((row.address for row in report.rows), default=0)))
    blank = " " * width
    known: dict[int, str] = {}  # by identity: rows share the frames that are the same
    for begin in range(0, len(report.rows), _CHUNK):
        lines = []
        for row in report.rows[begin : begin + _CHUNK]:
            frames = row.frames
            told = known.get(id(frames)) if frames is not None else f"  ?  {dim}{_where(row)}{reset}\n"
            if told is None:
                told = known[id(frames)] = blank.join(
                    f"  {bold}{escape_terminal(frame.function)}{reset}  {_place(frame)}"
                    + (f"  {dim}(inlined){reset}\n" if frame.inlined else "\n")
                    for frame in frames or ()
                )
            lines.append(f"{row.address:<#{width}x}{told}")
        yield "".join(lines)


def render_addr2line(report: SymbolizeReport) -> Iterator[str]:
    """Function and file:line on two lines per address, as ``go tool addr2line`` prints them."""
    known: dict[int, str] = {}
    for begin in range(0, len(report.rows), _CHUNK):
        lines = []
        for row in report.rows[begin : begin + _CHUNK]:
            frames = row.frames
            told = known.get(id(frames)) if frames is not None else "?\n?:0\n"
            if told is None and frames is not None:
                told = f"{escape_terminal(frames[-1].function)}\n{_place(frames[0])}\n"
                known[id(frames)] = told
            lines.append(told or "")
        yield "".join(lines)


def annotated(pieces: Iterable[bytes], lookup: Lookup) -> Iterator[bytes]:
    """Any text with ``<function file:line>`` behind each address that has a name; all else is as it was.

    Args:
        pieces: of the text.
        lookup: what names addresses.
    """
    known: dict[bytes, bytes] = {}
    rest = b""
    for piece in pieces:
        # An address may reach over the end of a piece: what follows the last line feed waits for the next.
        end = piece.rfind(b"\n") + 1
        if not end and len(rest) < _MOST_KNOWN:
            rest += piece
            continue
        whole, rest = (rest + piece[:end], piece[end:]) if end else (rest + piece, b"")
        yield _named(whole, lookup, known)
    if rest:
        yield _named(rest, lookup, known)


def _named(text: bytes, lookup: Lookup, known: dict[bytes, bytes]) -> bytes:
    matches = [
        match
        for match in _ADDRESS.finditer(text)
        if not match.start() or text[match.start() - 1] not in _WORD
    ]
    if not matches:
        return text
    if len(known) > _MOST_KNOWN:
        known.clear()
    new = list(dict.fromkeys(match[1] for match in matches if match[1] not in known))
    rows = lookup([int(digits, 16) for digits in new])
    known.update((digits, _name(row)) for digits, row in zip(new, rows, strict=True))
    out: list[bytes] = []
    last = 0
    for match in matches:
        if name := known[match[1]]:
            out += (text[last : match.end()], name)
            last = match.end()
    out.append(text[last:])
    return b"".join(out)


def _name(row: SymbolizeRow) -> bytes:
    """``<inner x.go:3 in outer y.go:5>``; nothing where there is no name."""
    if row.frames is None:
        return b""
    told = " in ".join(f"{escape_terminal(frame.function)} {_place(frame)}".rstrip() for frame in row.frames)
    return f" <{told}>".encode("utf-8", "backslashreplace")


def _place(frame: Frame) -> str:
    return "?:0" if frame.file is None else f"{escape_terminal(frame.file)}:{frame.line}"


def _where(row: SymbolizeRow) -> str:
    if row.mapping is None:
        return "not mapped" if row.vaddr is None else "no function"
    offset = "" if row.file_offset is None else f"+{row.file_offset:#x}"
    return escape_terminal(row.mapping) + offset
