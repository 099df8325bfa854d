"""Addresses to names: what `goinspect symbolize` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.analysis.symbolize.names import Names, symbolize
from goinspect.analysis.symbolize.spaces import Source, open_space
from goinspect.analysis.symbolize.stacks import name_stacks
from goinspect.profiles.rawstacks import stacks_reader
from goinspect.results.process.symbolize import SymbolizeReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.results.process.symbolize import RawStack, SymbolizeRow

__all__ = ["Named", "Source", "stacks_reader", "symbolize"]


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

    def stacks(self, stacks: Sequence[RawStack]) -> SymbolizeReport:
        """Stacks as tracers count them, with names."""
        rows, named = name_stacks(self._names, stacks)
        return SymbolizeReport(rows, self.warnings, named)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be named so far, and why."""
        return self._names.warnings
