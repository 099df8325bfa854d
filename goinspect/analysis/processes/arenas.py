"""Heap arenas of Go that have no names: aligned blocks of anonymous memory (src/runtime/malloc.go, heapArenaBytes)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.analysis.processes.text import Raw

__all__ = ["arenas_of"]

_WIDE, _NARROW = 64 << 20, 4 << 20  # of 64-bit and 32-bit Linux
_32_BITS = 1 << 32


def arenas_of(rows: Sequence[Raw]) -> set[int]:
    """The mappings that make whole arenas: side by side from one multiple of their size to another."""
    size = _WIDE if any(_32_BITS < row.end < 1 << 63 for row in rows) else _NARROW
    found: set[int] = set()
    run: list[int] = []
    for index, row in enumerate(rows):
        if not _is_private(row):
            continue
        if run and rows[run[-1]].end != row.start:
            run = []
        if not run and row.start % size:
            continue
        run.append(index)
        if row.end % size == 0:
            if any(rows[one].permissions[1] == "w" for one in run):
                found.update(run)
            run = []
    return found


def _is_private(row: Raw) -> bool:
    return not row.path and row.permissions in ("rw-p", "---p", "r--p")  # gdb calls what may not be read r--p
