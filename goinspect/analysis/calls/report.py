"""Callers and callees of functions, as far as direct calls lead: what `goinspect calls` answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.analysis.calls.functions import Functions
from goinspect.analysis.calls.graph import CallGraph
from goinspect.analysis.calls.inlined import inlined_callers
from goinspect.analysis.calls.sites import Sites
from goinspect.analysis.calls.taken import address_taken
from goinspect.analysis.pcln.queries import Queries
from goinspect.disasm import default_syntax, writer
from goinspect.errors import GoinspectError, QueryError
from goinspect.results.calls import (
    CALL,
    INLINED,
    TAIL_JUMP,
    CalledFunction,
    CallEdge,
    CallReport,
    IndirectCall,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from goinspect.analysis.calls.graph import Edges
    from goinspect.binary import Binary
    from goinspect.results.calls import CallSite

__all__ = ["MOST_EDGES", "call_report"]

MOST_EDGES = 20_000
_OTHER_CODE = 1 << 13  # bytes of executable segments that need be no code: headers, stubs of the linker


def call_report(
    binary: Binary, query: str, *, callers: bool = True, callees: bool = True, depth: int = 1
) -> CallReport:
    """Who calls the functions that `query` names, and whom they call.

    Args:
        binary: has the code.
        query: a function by name, or an address in it.
        callers: look for callers.
        callees: look for callees.
        depth: how many calls to follow from there.

    Raises:
        QueryError: there is no such function, or it exists only inlined.
        NotGoError: the file has no gopclntab.
        UnsupportedError: code for the architecture cannot be decoded.
    """
    try:
        default_syntax(binary.image.arch)
        return _Report(binary, query, depth).answer(callers=callers, callees=callees)
    except GoinspectError as error:
        raise error.about(binary.path) from None


class _Report:
    def __init__(self, binary: Binary, query: str, depth: int) -> None:
        self._main, self._query, self._depth = binary, query, depth
        self._warnings: dict[str, None] = {}
        self._binary, self._functions, self._roots = self._find(binary)
        self._graph = CallGraph(binary.image, self._functions)
        self._sites = Sites(self._binary, self._functions)
        self._left = MOST_EDGES

    def _find(self, binary: Binary) -> tuple[Binary, Functions, list[int]]:
        """The functions that the query means, in the first module that has any."""
        refused: QueryError | None = None
        for view in binary.views:
            functions = Functions(view, view.native if _has_other_code(view) else None)
            queries = Queries(view)
            try:
                found = queries.functions_with_code(self._query)
            except QueryError as error:
                refused = refused or error
                found = functions.natives_called(self._query)
            if found:
                self._warnings |= dict.fromkeys(queries.warnings)
                return view, functions, found
        raise refused or QueryError(f"no function is called {self._query!r}", path=binary.path)

    def answer(self, *, callers: bool, callees: bool) -> CallReport:
        binary, graph = self._binary, self._graph
        above = tuple(self._walk(self._callers)) if callers else None
        below = tuple(self._walk(self._callees)) if callees else None
        taken = address_taken(binary, self._functions) if callers else None
        write = writer(binary.image.arch, default_syntax(binary.image.arch))
        listed = []
        for number in self._roots:
            indirect = None
            if callees:
                found = graph.decoded(number).indirect
                sites = self._sites.at([one.address for one in found])
                indirect = tuple(
                    IndirectCall(site, write(one, self._holder))
                    for site, one in zip(sites, found, strict=True)
                )
            first = self._sites.at([int(self._functions.starts[number])])[0]
            listed.append(
                CalledFunction(
                    self._sites.name(number), first.pc, int(self._functions.ends[number]),
                    first.frames[-1].file if first.frames else None,
                    None if taken is None else bool(taken[number]), indirect,
                )
            )  # fmt: skip
        if self._sites.damaged:
            self._warnings["damaged table: places of calls are told as far as they can be read"] = None
        warnings = (*self._main.warnings, *self._warnings)
        return CallReport(
            self._main.path, self._main.go.go_version, binary.image.arch, self._query, self._depth,
            tuple(listed), above, below, warnings,
        )  # fmt: skip

    def _holder(self, vaddr: int) -> tuple[str, int] | None:
        number = int(self._functions.find(np.array([vaddr], dtype=np.uint64))[0])
        return None if number < 0 else (self._sites.name(number), int(self._functions.starts[number]))

    # --- the walk ---

    def _walk(self, step: Callable[[list[int], int], Iterator[tuple[int, CallEdge]]]) -> Iterator[CallEdge]:
        """Edges level by level; each function is followed once."""
        known, level = set(self._roots), list(self._roots)
        self._left = MOST_EDGES
        for depth in range(1, self._depth + 1):
            following: dict[int, None] = {}
            for number, edge in step(level, depth):
                if not self._left:
                    self._warnings[f"only the first {MOST_EDGES:,} edges are told"] = None
                    return
                self._left -= 1
                if number >= 0 and number not in known:
                    following[number] = None
                yield edge
            known.update(following)
            level = list(following)
            if not level:
                return

    def _callees(self, level: list[int], depth: int) -> Iterator[tuple[int, CallEdge]]:
        for number in level:
            for edge in self._between(self._graph.decoded(number).edges, None, depth):
                yield edge[1], edge[2]

    def _callers(self, level: list[int], depth: int) -> Iterator[tuple[int, CallEdge]]:
        edges = self._graph.everything()
        for source, _, edge in self._between(edges, np.isin(edges.target, level), depth):
            yield source, edge
        go = [number for number in level if number < self._functions.go]
        for source, target, sites in inlined_callers(self._binary, self._sites, go):
            yield source, self._named(source, target, INLINED, depth)._replace(sites=sites)

    def _between(
        self, edges: Edges, rows: NDArray[np.bool_] | None, depth: int
    ) -> Iterator[tuple[int, int, CallEdge]]:
        """(caller, callee, edge): branches of the same two functions and kind together, in the order of the first ones."""
        branch, source, target = edges.branch, edges.source, edges.target
        if rows is not None:
            branch, source, target = branch.where(rows), source[rows], target[rows]
        groups: dict[tuple[int, int, bool], list[CallSite]] = {}
        keys = zip(source.tolist(), target.tolist(), branch.call.tolist(), strict=True)
        for key, site in zip(keys, self._sites.at(branch.site.tolist()), strict=True):
            groups.setdefault(key, []).append(site)
        for (caller, callee, call), sites in groups.items():
            edge = self._named(caller, callee, CALL if call else TAIL_JUMP, depth)
            yield caller, callee, edge._replace(sites=tuple(sites))

    def _named(self, caller: int, callee: int, kind: str, depth: int) -> CallEdge:
        starts, name = self._functions.starts, self._sites.name
        return CallEdge(name(caller), int(starts[caller]), name(callee), int(starts[callee]), kind, depth, ())


def _has_other_code(binary: Binary) -> bool:
    """May there be code of C, which the symbol table may name? Go alone needs no libraries, on Linux."""
    if binary.image.linkage().libraries:
        return True
    entries = binary.bulk.entries
    extent = int(entries[-1]) - int(entries[0]) if len(entries) else 0
    return sum(one.file_size for one in binary.image.segments if one.executable) > extent + _OTHER_CODE
