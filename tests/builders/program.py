"""A program to be written: its functions, and what was inlined into them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Version = tuple[int, int]
ByteOrder = Literal["little", "big"]
NONE32 = 0xFFFFFFFF
DROPPED = "\0dropped"  # as a file: the linker dropped it, so its cutab element is ^0 (Go 1.16+)


@dataclass(frozen=True)
class Inlined:
    """A record of an inline tree. ``parent_pc`` counts from the function's entry."""

    name: str
    parent_pc: int
    parent: int = -1
    file: str | None = None  # of the call
    line: int = 0
    func_id: int = 0
    start_line: int = 0


@dataclass(frozen=True)
class Function:
    """A function. Rows are (end in bytes from the entry, value), ends rising; None: no table at all."""

    name: str
    size: int  # up to the next entry, padding included
    files: list[tuple[int, str | None]] | None = None  # None as a value: -1
    lines: list[tuple[int, int]] | None = None
    sp: list[tuple[int, int]] | None = None
    inlined: list[tuple[int, int]] | None = None
    tree: list[Inlined] = field(default_factory=list)
    args: int = 0
    func_id: int = 0
    flag: int = 0
    start_line: int = 0
    deferreturn: int = 0
    unit: int = 0  # compilation unit, whose file numbers are its own
    hole: bool = False  # Go 1.14-1.17: the gap between two text sections
