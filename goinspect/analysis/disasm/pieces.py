"""Queries to pieces of code: functions, ranges of addresses, lines of source."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from goinspect.analysis.pcln.names import FunctionNames
from goinspect.analysis.pcln.places import addresses
from goinspect.analysis.pcln.queries import Queries
from goinspect.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.binary import Binary
    from goinspect.gosym.pclntab import Func

__all__ = ["Piece", "find_pieces"]

_RANGE = re.compile(r"(?:0[xX])?([0-9a-fA-F]+)-(?:0[xX])?([0-9a-fA-F]+)")
_MOST = 1 << 20  # bytes of a range


class Piece(NamedTuple):
    """Code that was asked for: a function, or parts of it."""

    query: str
    func: Func | None  # of Go; None: see `name`
    name: str | None  # of code that is not Go's
    entry: int
    end: int
    parts: tuple[tuple[int, int], ...] | None  # ranges of addresses; None: all of it
    asked: tuple[int, ...]  # addresses of instructions


def find_pieces(binary: Binary, query: str, warnings: dict[str, None]) -> list[Piece]:
    """What a query means: several functions where it is the name, or a line, of several.

    Raises:
        QueryError: it means nothing in this file.
        NotGoError: there is no gopclntab.
    """
    match = _RANGE.fullmatch(query)
    if match is not None:
        return list(_of_range(binary, query, int(match[1], 16), int(match[2], 16)))
    if addresses([query]) is not None:
        return [_holding(binary, query, int(query, 16))]
    return list(_named(binary, query, warnings))


def _of_range(binary: Binary, query: str, start: int, end: int) -> Iterator[Piece]:
    if not start < end or end - start > _MOST:
        raise QueryError(f"{query!r} is no range of up to {_MOST:,} bytes", path=binary.path)
    at = start
    while at < end:
        piece = _around(binary, query, at)
        if piece is None:
            entry = _next_entry(binary, at, end)
            yield Piece(query, None, None, at, entry, ((at, entry),), ())
            at = entry
            continue
        yield piece._replace(parts=((at, min(end, piece.end)),))
        at = piece.end


def _next_entry(binary: Binary, at: int, end: int) -> int:
    """Where the next function of Go begins, behind an address that is in none."""
    first = binary.go.table.entry(0)
    return min(first, end) if at < first else end


def _holding(binary: Binary, query: str, pc: int) -> Piece:
    piece = _around(binary, query, pc)
    if piece is None:
        raise QueryError(f"no function holds {query}: give a range of addresses", path=binary.path)
    return piece._replace(asked=() if pc == piece.entry else (pc,))


def _around(binary: Binary, query: str, pc: int) -> Piece | None:
    """The function that holds `pc`: Go's, else one of the symbol table."""
    func = binary.function_at(pc)
    if func is not None and pc < func.end:
        return Piece(query, func, None, func.entry, func.end, None, ())
    symbol = binary.native.find(pc)
    if symbol is None:
        return None
    starts = binary.native.starts
    following = next(iter(starts[bisect_right(starts, pc) :]), pc + 1)
    end = symbol.vaddr + symbol.size if symbol.size else following
    return Piece(query, None, symbol.name, symbol.vaddr, max(end, pc + 1), None, ())


def _named(binary: Binary, query: str, warnings: dict[str, None]) -> Iterator[Piece]:
    """A function by name, one that exists only inlined, or a place in a source file."""
    native = _of_symbol_table(binary, query)
    if native is not None:
        yield native
        return
    queries = Queries(binary)
    places = queries.places([query])
    warnings |= dict.fromkeys(places.warnings)
    parts: dict[int, list[tuple[int, int]]] = {}
    asked: dict[int, list[int]] = {}
    table = binary.go.table
    for pc, end in zip(places.pcs, places.ends or [None] * len(places.pcs), strict=True):
        number = table.find(pc)
        if number is None:
            continue
        if end is None:
            asked.setdefault(number, []).append(pc)
        else:
            parts.setdefault(number, []).append((pc, end))
    for number in sorted({*parts, *asked}):
        func = table.func(number)
        if func is not None:
            pcs = tuple(pc for pc in asked.get(number, ()) if pc != func.entry)
            yield Piece(
                query,
                func,
                None,
                func.entry,
                func.end,
                tuple(parts[number]) if number in parts else None,
                pcs,
            )


def _of_symbol_table(binary: Binary, query: str) -> Piece | None:
    """A function that only the symbol table names: of C, which is looked for where Go has none of the name."""
    if "." in query or ":" in query or "+" in query or FunctionNames(binary.go.table).find(query):
        return None
    for start in binary.native.starts:
        symbol = binary.native.find(start)
        if symbol is not None and symbol.name == query:
            return _around(binary, query, start)
    return None
