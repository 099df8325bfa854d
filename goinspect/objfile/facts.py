"""What a container says of itself beyond segments and sections: its loader, and where its tables lie in the file."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Linkage", "RelocationTable", "SymbolTable"]


class Linkage(NamedTuple):
    """How the file is to be loaded."""

    interpreter: str | None = None  # PT_INTERP
    libraries: tuple[str, ...] = ()  # shared libraries it needs
    dynamic: bool = False  # has what a dynamic linker reads
    pie: bool | None = None  # marked as position-independent executable; None: the container has no such mark


class SymbolTable(NamedTuple):
    """A symbol table of the container, with its strings. File offsets and sizes in bytes."""

    source: str  # as Symbol.source
    file_offset: int
    size: int
    entries: int | None  # the empty first one of ELF left out
    strings_offset: int
    strings_size: int
    defined: int | None = None  # entries that are not imports, where that costs nothing to know


class RelocationTable(NamedTuple):
    """Relocations that the loader applies."""

    name: str
    file_offset: int
    size: int
    entries: int | None
