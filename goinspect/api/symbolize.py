"""Addresses to names: what `goinspect symbolize` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.analysis.symbolize.names import Names, symbolize
from goinspect.analysis.symbolize.spaces import Source, open_space
from goinspect.results.process.symbolize import SymbolizeReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.results.process.symbolize import SymbolizeRow

__all__ = ["Named", "Source", "symbolize"]


class Named:
    """An address space that is open: names any number of batches."""

    def __init__(self, source: Source, *, inlines: bool = True) -> None:
        self._names = Names(open_space(source), inlines=inlines)

    def rows(self, addresses: Sequence[int], *, callers: bool | Sequence[bool] = False) -> list[SymbolizeRow]:
        """A row for each address; of return addresses (`callers`) the calls before them."""
        return self._names.rows(addresses, callers=callers)

    def report(self, addresses: Sequence[int], *, callers: bool = False) -> SymbolizeReport:
        """The rows, and what could not be named."""
        rows = self.rows(addresses, callers=callers)
        return SymbolizeReport(rows, self.warnings)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be named so far, and why."""
        return self._names.warnings
