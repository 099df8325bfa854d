"""Every symbol a file names, merged from its symbol tables and gopclntab: what `goinspect symbols` lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goinspect.errors import QueryError
from goinspect.gosym.names import package_of
from goinspect.results.symbols import SymbolList, SymbolRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from goinspect.binary import Binary
    from goinspect.model import Section, Symbol

__all__ = ["SORTS", "list_symbols"]

_KINDS = {"function": "function", "ifunc": "function", "object": "variable", "tls": "tls", "notype": "notype"}
_ABI = (".abi0", ".abiinternal")

SORTS: dict[str, Callable[[SymbolRow], tuple[int | str, ...]]] = {
    "address": lambda row: (row.address, row.name),
    "name": lambda row: (row.name, row.address),
    "size": lambda row: (-(row.size or 0), row.address),
}


def list_symbols(
    binary: Binary, *, kind: str | None = None, source: str | None = None, pattern: str | None = None,
    sort: str = "address", limit: int | None = None,
) -> SymbolList:  # fmt: skip
    """The merged symbols of `binary`, filtered and in order.

    Args:
        binary: any executable, Go or not.
        kind: "function", "variable", "tls" or "notype".
        source: "symtab", "dynsym" or "gopclntab".
        pattern: a regular expression that the name must contain.
        sort: a key of SORTS.
        limit: at most that many rows.

    Raises:
        QueryError: `pattern` is no regular expression.
    """
    try:
        wanted = re.compile(pattern or "").search
    except re.error as error:
        raise QueryError(f"--filter {pattern!r} is no regular expression: {error}") from None
    rows = [
        row
        for row in _merged(binary)
        if (kind is None or row.kind == kind)
        and (source is None or source in row.sources)
        and wanted(row.name)
    ]
    rows.sort(key=SORTS[sort])
    warnings = list(binary.warnings)
    if binary.go_or_none is None:
        warnings.append("no gopclntab: only the container's own symbols are listed")
    return SymbolList(binary.path, tuple(rows[:limit] if limit is not None else rows), tuple(warnings))


def _merged(binary: Binary) -> Iterable[SymbolRow]:
    """Rows of gopclntab with the table entries that mean the same function, then the other table entries."""
    symbols = _table_symbols(binary)
    sections = _SectionIndex(binary.image.sections)
    go = binary.go_or_none
    if go is not None:
        yield from _go_functions(binary, symbols, sections)
    for group in symbols.values():
        for (name, _), same in group.items():
            yield _symbol_row(name, same, sections)


def _table_symbols(binary: Binary) -> dict[int, dict[tuple[str, str], list[Symbol]]]:
    """Entries of symtab and dynsym by address, then by (name, kind): both tables may have the same symbol."""
    out: dict[int, dict[tuple[str, str], list[Symbol]]] = {}
    for symbol in binary.image.symbols():
        kind = _KINDS.get(symbol.kind)
        if kind is not None and symbol.name and symbol.section:
            out.setdefault(symbol.vaddr, {}).setdefault((symbol.name, kind), []).append(symbol)
    return out


def _go_functions(
    binary: Binary, symbols: dict[int, dict[tuple[str, str], list[Symbol]]], sections: _SectionIndex
) -> Iterable[SymbolRow]:
    bulk, table = binary.bulk, binary.go.table
    entries = bulk.entries[:-1]
    found = binary.bulk_frames(entries)
    last = (found.start[1:] - 1).tolist()  # the physical function is the last frame of a PC
    function, file, line = found.function.tolist(), found.file.tolist(), found.line.tolist()
    ends = bulk.entries[1:].tolist()
    for index, (entry, end) in enumerate(zip(entries.tolist(), ends, strict=True)):
        row = last[index]
        if row < 0 or end == entry:  # a zero-size function shares its entry with the next one
            func = table.func(index)
            if func is None:
                continue
            yield SymbolRow(
                table.name(func), entry, 0, False, "function", ("gopclntab",), None, None, None, None
            )
            continue
        name = found.names[function[row]]
        same = _take_same(symbols.get(entry, {}), name)
        exact = next((s.size for s in same if s.size), None)
        yield SymbolRow(
            name, entry, end - entry if exact is None else exact, exact is not None, "function",
            (*dict.fromkeys(s.source for s in same), "gopclntab"), sections.name(entry), package_of(name) or None,
            found.files[file[row]] if file[row] >= 0 else None, line[row] or None,
        )  # fmt: skip


def _take_same(group: dict[tuple[str, str], list[Symbol]], name: str) -> list[Symbol]:
    """Remove and return the entries that mean the function `name` of gopclntab.

    The symbol tables add an ABI suffix and write "." for the middle dot; Go 1.18-1.20 shorten type arguments in
    gopclntab only.
    """
    taken: list[Symbol] = []
    for key in list(group):
        plain = key[0]
        for suffix in _ABI:
            plain = plain.removesuffix(suffix)
        if plain in (name, name.replace("·", ".")) or ("[...]" in name and _shortened(plain) == name):
            taken += group.pop(key)
    return taken


def _shortened(name: str) -> str:
    first, last = name.find("["), name.rfind("]")
    return name if first < 0 or last < first else f"{name[:first]}[...]{name[last + 1 :]}"


def _symbol_row(name: str, same: list[Symbol], sections: _SectionIndex) -> SymbolRow:
    symbol = same[0]
    kind = _KINDS[symbol.kind]
    return SymbolRow(
        name, symbol.vaddr, symbol.size, bool(symbol.size), kind, tuple(dict.fromkeys(s.source for s in same)),
        sections.name(symbol.vaddr), package_of(name) or None, None, None,
    )  # fmt: skip


class _SectionIndex:
    """Section of an address, for many addresses in few sections."""

    def __init__(self, sections: tuple[Section, ...]) -> None:
        self._ranges = [(s.vaddr, s.vaddr + s.size, s.name) for s in sections if s.vaddr and s.size]
        self._last = (1, 0, "")

    def name(self, vaddr: int) -> str | None:
        begin, end, name = self._last
        if begin <= vaddr < end:
            return name
        for candidate in self._ranges:
            if candidate[0] <= vaddr < candidate[1]:
                self._last = candidate
                return candidate[2]
        return None
