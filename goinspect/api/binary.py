"""Executable: a Go binary with everything that can be asked of it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, overload

from goinspect.binary import Binary

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence
    from types import TracebackType
    from typing import Self

    from goinspect.api.symbols import Symbols
    from goinspect.results.calls import CallReport
    from goinspect.results.disasm import Disassembly
    from goinspect.results.functions import FunctionList, FunctionRow, FunctionRows, InlinedList, SizeReport
    from goinspect.results.info import Info
    from goinspect.results.lines import LineReport, LineTable
    from goinspect.results.probe import ProbeReport

__all__ = ["Executable", "Functions"]


class Functions:
    """The functions of gopclntab in order of address: by number, by slice, or by name."""

    def __init__(self, rows: FunctionRows) -> None:
        self.rows = rows

    @cached_property
    def _by_name(self) -> dict[str, int]:
        return {name: number for number, name in reversed(list(enumerate(self.rows.name)))}

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[FunctionRow]:
        return (self.rows[number] for number in range(len(self.rows)))

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @overload
    def __getitem__(self, which: int | str) -> FunctionRow: ...
    @overload
    def __getitem__(self, which: slice) -> tuple[FunctionRow, ...]: ...
    def __getitem__(self, which: int | str | slice) -> FunctionRow | tuple[FunctionRow, ...]:
        """Raises KeyError for a name, IndexError for a number that there is not."""
        if isinstance(which, str):
            return self.rows[self._by_name[which]]
        return self.rows[which]

    def __repr__(self) -> str:
        return f"<{len(self):,} functions>"


class Executable(Binary):
    """A binary: `Binary`, which reads headers only, with the answers that the commands give.

        with goinspect.open("./server") as binary:
            binary.info.go_version
            binary.functions["main.main"].entry

    Leaving the ``with`` block, or `close`, forgets what was read of the file.
    """

    @cached_property
    def info(self) -> Info:
        """What the file is: what `goinspect info` shows."""
        from goinspect.analysis.builds.overview import describe

        return describe(self)

    @cached_property
    def functions(self) -> Functions:
        """The functions of gopclntab. Raises NotGoError where there is none."""
        from goinspect.analysis.pcln.functions import list_functions
        from goinspect.results.functions import FunctionRows

        return Functions(FunctionRows.of(list_functions(self).rows))

    def symbols(
        self,
        kind: str | None = None,
        *,
        source: str | None = None,
        pattern: str | None = None,
        sort: str = "address",
        limit: int | None = None,
    ) -> Symbols:
        """Functions, variables, types and itabs from every table of the file: what `goinspect symbols` lists.

        Args:
            kind: "function", "variable", "type", …
            source: a table that must know them: "symtab", "gopclntab", "dwarf", …
            pattern: a regular expression that names must contain.
            sort: "address", "name" or "size".
            limit: at most that many.

        Raises:
            QueryError: the pattern is no regular expression.
        """
        from goinspect.api.symbols import SymbolQuery, Symbols

        return Symbols.of(self, SymbolQuery(kind, source, pattern, sort, limit))

    def lookup(self, queries: Sequence[str], *, inlines: bool = True) -> LineReport:
        """Frames of addresses, functions, ``func+offset`` and ``file:line``: what `goinspect pcln BIN QUERY…` answers.

        Raises:
            QueryError: a query is none of these, or there is no such function or place.
            NotGoError: the file has no gopclntab; so the methods below.
        """
        from goinspect.analysis.pcln.frames import resolve

        return resolve(self, queries, inlines=inlines)

    def line_table(self, *functions: str, inlines: bool = True) -> LineTable:
        """The line tables of functions, by name or by an address within. Raises QueryError where there is none."""
        from goinspect.analysis.pcln.linetable import line_table

        return line_table(self, functions, inlines=inlines)

    def list_functions(self, *, rows: bool = True) -> FunctionList:
        """The functions with the header of their table; without `rows` the header alone."""
        from goinspect.analysis.pcln.functions import list_functions

        return list_functions(self, rows=rows)

    def list_inlined_only(self) -> InlinedList:
        """The functions that exist only inlined into others."""
        from goinspect.analysis.pcln.functions import list_inlined_only

        return list_inlined_only(self)

    def table_sizes(self, *, by_package: bool = False) -> SizeReport:
        """What the bytes of gopclntab are spent on, by function or by package."""
        from goinspect.analysis.pcln.sizes import list_sizes

        return list_sizes(self, by_package=by_package)

    def disasm(
        self,
        *queries: str,
        syntax: Literal["go", "intel", "att", "gnu"] | None = None,
        source: Sequence[str | os.PathLike[str]] = (),
    ) -> Disassembly:
        """Machine code of functions, with what stands at addresses: what `goinspect disasm BIN QUERY…` shows.

        Args:
            queries: functions, addresses in them, ranges ``0x…-0x…`` or places ``file:line``.
            syntax: in which instructions are written; None: Go's, where there is a writer for the architecture.
            source: directories whose lines are told with the instructions.

        Raises:
            QueryError: a query means nothing in this file.
            UnsupportedError: code for the architecture cannot be decoded, or not be written so.
            NotGoError: the file has no gopclntab.
        """
        from goinspect.analysis.disasm.listing import disassemble

        return disassemble(self, queries, syntax=syntax, folders=[str(folder) for folder in source])

    def calls(
        self, function: str, *, callers: bool = True, callees: bool = True, depth: int = 1
    ) -> CallReport:
        """Who calls a function, and whom it calls: what `goinspect calls BIN FUNC` shows.

        Args:
            function: its name, or an address in it.
            callers: look for callers.
            callees: look for callees.
            depth: how many calls to follow from there.

        Raises:
            QueryError: there is no such function, or it exists only inlined.
            UnsupportedError: code for the architecture cannot be decoded.
            NotGoError: the file has no gopclntab.
        """
        from goinspect.analysis.calls.report import call_report

        return call_report(self, function, callers=callers, callees=callees, depth=depth)

    def probe(self, *functions: str) -> ProbeReport:
        """Where to put uprobes, and what is in registers there: what `goinspect probe BIN FUNC…` shows.

        Args:
            functions: names, or addresses in them.

        Raises:
            QueryError: there is no such function, or it exists only inlined.
            UnsupportedError: code for the architecture cannot be decoded.
            NotGoError: the file has no gopclntab.
        """
        from goinspect.analysis.probe.report import probe_report

        return probe_report(self, functions)

    def close(self) -> None:
        """Forget what was read: the file is unmapped when nothing else refers to it."""
        for name in ("go", "go_or_none", "views", "bulk", "native", "info", "functions", "image"):
            self.__dict__.pop(name, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if "image" not in self.__dict__:
            return f"<{self.path}, closed>"
        go = self.go_or_none
        what = f"Go {go.go_version.removeprefix('go')}" if go and go.go_version else self.image.container
        return f"<{self.path}: {what}, {self.image.arch}>"
