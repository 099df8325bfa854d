"""Named addresses as text: a list of them, and any text with names put behind its addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from goinspect.render.values import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from goinspect.model import Frame
    from goinspect.results.processes.symbolize import SymbolizeReport, SymbolizeRow

    class Lookup(Protocol):
        """Names addresses."""

        def __call__(self, addresses: Sequence[int], *, callers: bool) -> Sequence[SymbolizeRow]:
            """A row for each."""


__all__ = ["annotated", "render_addr2line", "render_rows"]

_DIM, _BOLD, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"
_ADDRESS = re.compile(rb"0x([0-9a-fA-F]{3,16})(?![0-9A-Za-z_])")
_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_+-")
_CHUNK = 4096  # rows written at a time
_MOST_KNOWN = 1 << 18  # addresses whose names are kept
_LONGEST_LINE = 1 << 20
_TRACED = re.compile(rb" sp=0x[0-9a-f]+ pc=$")
_BEFORE = 32  # bytes before an address that tell what it is
_TRAPS = frozenset({"runtime.sigpanic", "runtime.sigpanic0", "runtime.asyncPreempt"})  # called by no call


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


def annotated(pieces: Iterable[bytes], lookup: Lookup, *, callers: bool = False) -> Iterator[bytes]:
    """Any text with ``<function file:line>`` behind each address that has a name; all else is as it was.

    The pcs of a traceback of Go (``fp=0x… sp=0x… pc=0x…``) are return addresses, but for that where the signal came.

    Args:
        pieces: of the text.
        lookup: what names addresses, and return addresses where that is told.
        callers: all of them are return addresses.
    """
    text = _Text(lookup, callers=callers)
    rest = b""
    for piece in pieces:
        # An address may reach over the end of a piece: what follows the last line feed waits for the next.
        end = piece.rfind(b"\n") + 1
        if not end and len(rest) < _LONGEST_LINE:
            rest += piece
            continue
        whole, rest = (rest + piece[:end], piece[end:]) if end else (rest + piece, b"")
        yield text.named(whole)
    if rest:
        yield text.named(rest)


class _Text:
    """Names addresses piece by piece, each once."""

    def __init__(self, lookup: Lookup, *, callers: bool) -> None:
        self._lookup, self._callers = lookup, callers
        self._known: dict[tuple[bytes, bool], SymbolizeRow] = {}
        self._interrupted = b""  # where a signal came, by the head of a traceback
        self._trapped = False  # is the next pc of a traceback where a signal came?

    def named(self, text: bytes) -> bytes:
        """A piece with names."""
        matches = [
            match
            for match in _ADDRESS.finditer(text)
            if not match.start() or text[match.start() - 1] not in _WORD
        ]
        if not matches:
            return text
        self._look_up(match[1] for match in matches)
        out: list[bytes] = []
        last = 0
        for match in matches:
            if name := _name(self._row(text, match)):
                out += (text[last : match.end()], name)
                last = match.end()
        out.append(text[last:])
        return b"".join(out)

    def _look_up(self, asked: Iterable[bytes]) -> None:
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        new = [digits for digits in dict.fromkeys(asked) if (digits, self._callers) not in self._known]
        rows = self._lookup([int(digits, 16) for digits in new], callers=self._callers)
        self._known.update(((digits, self._callers), row) for digits, row in zip(new, rows, strict=True))

    def _row(self, text: bytes, match: re.Match[bytes]) -> SymbolizeRow:
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        if before.endswith(b"PC="):
            self._interrupted = match[1]
        if not _TRACED.search(before):
            return self._known[match[1], self._callers]
        exact = self._trapped or match[1] == self._interrupted
        key = match[1], not exact
        if key not in self._known:
            self._known[key] = self._lookup([int(match[1], 16)], callers=not exact)[0]
        row = self._known[key]
        self._trapped = row.frames is not None and row.frames[-1].function in _TRAPS
        return row


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
