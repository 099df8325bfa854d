"""What `goinspect disasm` answers: functions, or parts of them, as instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from goinspect.model import Frame

__all__ = ["CodeRow", "Disassembly", "FunctionCode", "SourceLine"]


class CodeRow(NamedTuple):
    """One instruction. Addresses are vaddrs.

    ``target_name`` names where a direct call or jump leads, outside of the function; ``label`` is what a target inside of
    it is called ("L1", in order of address). ``reference`` is the address of an operand in memory, ``reference_name`` the
    symbol, type or function there, and ``string`` the Go string that is taken from there, or as much of it as is shown.
    """

    pc: int
    code: bytes
    text: str  # in the syntax of the answer
    kind: str  # "call", "jump", "branch", "return" or "other"
    target: int | None
    target_name: str | None
    label: str | None
    reference: int | None
    reference_name: str | None
    string: str | None
    asked: bool  # the query was the address of this very instruction
    frames: tuple[Frame, ...] | None  # innermost first; None outside of Go's functions


class FunctionCode(NamedTuple):
    """A function, or those of its instructions that were asked for."""

    query: str
    function: str | None  # None: no function is known there
    entry: int
    end: int  # padding behind the last instruction left out, where the whole function was asked for
    file: str | None
    whole: bool
    rows: tuple[CodeRow, ...]

    def labels(self) -> dict[int, str]:
        """Addresses of targets inside of the function, and what they are called."""
        return {row.target: row.label for row in self.rows if row.label and row.target is not None}


class SourceLine(NamedTuple):
    """A line of source of which instructions are shown; ``text`` without its end, None where it was not found."""

    file: str
    line: int
    text: str | None


class Disassembly(NamedTuple):
    """`goinspect disasm BIN QUERY…`."""

    binary: str
    go_version: str | None
    arch: str
    syntax: str
    functions: tuple[FunctionCode, ...]
    sources: tuple[SourceLine, ...] | None  # None: not asked for
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.disasm/1"
