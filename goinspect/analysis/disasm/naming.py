"""Names of addresses that instructions lead to or take."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goinspect.binary import Binary

__all__ = ["Naming"]

# The linker's marks, which hold nothing, and would hide what does (as `go tool objdump` has it).
_MARKS = frozenset(("runtime.text", "runtime.etext", "text", "etext", "_text", "_etext"))


class Naming:
    """The symbols that hold some addresses: of the symbol table as far as there is one, else the functions of gopclntab.

    Args:
        binary: whose addresses they are.
        addresses: those that may be asked for; of others only functions of gopclntab are known.
    """

    def __init__(self, binary: Binary, addresses: Iterable[int]) -> None:
        self._binary = binary
        rows = [
            (symbol.vaddr, symbol.vaddr + symbol.size, symbol.name)
            for symbol in binary.image.symbols_holding(sorted(set(addresses)))
            if symbol.name and symbol.vaddr and symbol.section and symbol.name not in _MARKS
        ]
        rows.sort(key=lambda row: row[:2])
        self._rows = rows
        self._starts = [row[0] for row in rows]

    def symbol(self, vaddr: int) -> tuple[str, int] | None:
        """The name and the start of what holds `vaddr`."""
        at = bisect_right(self._starts, vaddr) - 1
        if at >= 0 and vaddr < self._rows[at][1]:
            start, _, name = self._rows[at]
            return name, start
        return self._function(vaddr)

    def _function(self, vaddr: int) -> tuple[str, int] | None:
        binary = self._binary
        try:
            func = binary.function_at(vaddr)
            return None if func is None else (binary.go.table.name(func), func.entry)
        except GoinspectError:
            return None

    def place(self, vaddr: int) -> str | None:
        """``name`` or ``name+0x1c``."""
        found = self.symbol(vaddr)
        if found is None:
            return None
        name, start = found
        return name if start == vaddr else f"{name}+{vaddr - start:#x}"
