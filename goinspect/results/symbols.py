"""What `goinspect symbols` lists."""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "SymbolList",
    "SymbolRow",
]


class SymbolRow(NamedTuple):
    """A symbol, merged from every table that knows it."""

    name: str
    address: int
    size: int | None
    size_exact: bool  # False: bounded by the next function's entry, padding included
    kind: str
    sources: tuple[str, ...]
    section: str | None
    package: str | None
    file: str | None
    line: int | None


class SymbolList(NamedTuple):
    """`goinspect symbols BIN`."""

    binary: str
    rows: tuple[SymbolRow, ...]
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.symbols/1"
