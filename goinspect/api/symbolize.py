"""Addresses to names: what `goinspect symbolize` asks for."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from goinspect.analysis.symbolize.names import Names, symbolize
from goinspect.analysis.symbolize.spaces import Source, open_space
from goinspect.analysis.symbolize.stacks import name_stacks
from goinspect.errors import UnrecognizedFormatError
from goinspect.objfile import map_file
from goinspect.profiles.rawstacks import stacks_reader
from goinspect.results.processes.symbolize import SymbolizeReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.profiles.base import NamedStacks
    from goinspect.results.processes.symbolize import RawStack, SymbolizeRow

__all__ = ["Named", "Source", "stacks_reader", "symbolize", "traced_stacks"]

_HEAD = 1 << 16


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


def traced_stacks(path: str, source: Source) -> NamedStacks:
    """The stacks of a tracer's output with names, to be drawn; "-" is stdin.

    Raises:
        UnrecognizedFormatError: it is no output of a tracer that is known.
        GoinspectError: it, or what the addresses belong to, cannot be read.
    """
    from goinspect.profiles import folded
    from goinspect.render.symbolized.folded import render_folded

    name = "stdin" if path == "-" else path
    data = sys.stdin.buffer.read() if path == "-" else map_file(path, "stacks of addresses")[:]
    reader = stacks_reader(data[:_HEAD])
    if reader is None:
        raise UnrecognizedFormatError(
            "has no stacks of addresses, expected the output of bpftrace, bpftool, bcc or JSON lines",
            path=name,
        )
    report = Named(source).stacks(reader(data))
    stacks = folded.parse([render_folded(report.stacks or ()).encode("utf-8", "backslashreplace")], name)
    return replace(stacks, warnings=(*report.warnings, *stacks.warnings))
