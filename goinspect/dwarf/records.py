"""What DWARF says about the symbols of a file: parallel lists, one entry per function, variable or type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["DwarfFunctions", "DwarfSymbols", "DwarfTypes", "DwarfUnit", "DwarfVariables"]


class DwarfUnit(NamedTuple):
    """A compilation unit.

    Attributes:
        name: the import path of a Go package, the source file of others. The types of a Go program are all in the unit
            of package runtime, whichever package they are of.
        language: "Go", "C", "C++", "assembly", ... or "language-N".
    """

    name: str
    language: str
    version: int


@dataclass(frozen=True, slots=True)
class DwarfFunctions:
    """Functions that have code of their own: neither inlined instances nor abstract ones.

    ``name`` is that of the symbol table: the linkage name where there is one, for Go without ``.abi0``.
    ``address`` is a vaddr, ``size`` in bytes (None: not said), of the first range where there are several. ``unit`` is
    an index into `DwarfSymbols.units`, ``file`` and ``line`` are of the declaration.
    """

    name: list[str] = field(default_factory=list)
    address: list[int] = field(default_factory=list)
    size: list[int | None] = field(default_factory=list)
    unit: list[int] = field(default_factory=list)
    file: list[str | None] = field(default_factory=list)
    line: list[int | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DwarfVariables:
    """Variables at a fixed address. ``size`` is that of the type in bytes, None where that is not known."""

    name: list[str] = field(default_factory=list)
    address: list[int] = field(default_factory=list)
    size: list[int | None] = field(default_factory=list)
    unit: list[int] = field(default_factory=list)
    file: list[str | None] = field(default_factory=list)
    line: list[int | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DwarfTypes:
    """Named types. A Go type that is described by two entries (its name, what it is) is here once.

    ``kind`` is the name of its reflect.Kind, for types without one (those of C, those that Go's linker makes up for
    debuggers) the word of the tag: "structure", "typedef", "base", ... ``size`` is that of a value in bytes.
    ``runtime_type`` places the descriptor of a Go type, None when it has none: see `goinspect.dwarf.descriptors`.
    """

    name: list[str] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    size: list[int | None] = field(default_factory=list)
    runtime_type: list[int | None] = field(default_factory=list)
    unit: list[int] = field(default_factory=list)
    file: list[str | None] = field(default_factory=list)
    line: list[int | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DwarfSymbols:
    """All of it. ``warnings`` tells what could not be read: the rest is there."""

    units: list[DwarfUnit]
    functions: DwarfFunctions
    variables: DwarfVariables
    types: DwarfTypes
    warnings: tuple[str, ...]
