"""Heaps that have no names: aligned blocks of anonymous memory.

Go's are 64 MB on 64-bit systems and 4 MB on others, and in use by multiples of 4 MB (src/runtime/malloc.go
heapArenaBytes, mpagealloc.go pallocChunkBytes). Those of glibc's malloc for threads are 64 MB, too, in use from their
beginning by pages (malloc/arena.c HEAP_MAX_SIZE).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goinspect.profiles.procmaps import Raw

__all__ = ["Arenas", "arenas_of"]

_WIDE, _NARROW = 64 << 20, 4 << 20
_CHUNK = 4 << 20
_32_BITS = 1 << 32
# What may not be read is r--p in the core files of gdb.
_FREE, _USED = ("---p", "r--p"), "rw-p"


class Arenas(NamedTuple):
    """The mappings that make whole arenas of Go, and of malloc."""

    go: set[int]
    malloc: set[int]


def arenas_of(rows: Sequence[Raw]) -> Arenas:
    """What the mappings look like."""
    found = Arenas(set(), set())
    for run in _blocks(rows):
        if not any(rows[one].permissions == _USED for one in run):
            continue
        edges = [rows[one].end for one, after in pairwise(run) if _differ(rows[one], rows[after])]
        if not any(edge % _CHUNK for edge in edges):
            found.go.update(run)
        elif rows[run[0]].permissions == _USED:
            found.malloc.update(run)
    return found


def _blocks(rows: Sequence[Raw]) -> Iterator[list[int]]:
    """Mappings side by side from one multiple of the size of an arena to another."""
    size = _WIDE if any(_32_BITS < row.end < 1 << 63 for row in rows) else _NARROW
    run: list[int] = []
    for index, row in enumerate(rows):
        if row.path or row.permissions not in (*_FREE, _USED):
            run = []
            continue
        if run and rows[run[-1]].end != row.start:
            run = []
        if not run and row.start % size:
            continue
        run.append(index)
        if row.end % size == 0:
            yield run
            run = []


def _differ(row: Raw, other: Raw) -> bool:
    return (row.permissions == _USED) != (other.permissions == _USED)
