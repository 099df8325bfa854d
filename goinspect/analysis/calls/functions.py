"""The functions of a file by number: Go's first, in the order of functab, then those of its symbol tables."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from goinspect.analysis.pcln.names import FunctionNames

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from goinspect.binary import Binary, NativeSymbols

__all__ = ["Functions"]

_ALIGNED = 4  # bits
_DUFF = ("runtime.duffzero", "runtime.duffcopy")


class Functions:
    """Where functions begin and end.

    Args:
        binary: the file.
        natives: functions of its symbol tables, for what is not Go's; without them only Go functions are known.

    Attributes:
        go: how many are Go's.
        starts: vaddr of each one's first instruction.
        ends: vaddr behind each one.
    """

    def __init__(self, binary: Binary, natives: NativeSymbols | None = None) -> None:
        self._binary, self._natives = binary, natives
        self.go = 0
        starts = ends = np.empty(0, dtype=np.uint64)
        if binary.go_or_none is not None:
            records = binary.bulk.records
            self.go = len(records.present)
            starts, ends = records.entries[: self.go], records.ends[: self.go]
            ends = np.where(records.present, ends, starts)
        if natives is not None:
            more = np.array(natives.starts, dtype=np.uint64)
            until = np.array(natives.ends(), dtype=np.uint64)
            other = binary.bulk.find(more) < 0 if self.go else np.ones(len(more), dtype=np.bool_)
            starts = np.concatenate((starts, more[other]))
            ends = np.concatenate((ends, until[other]))
        self.starts: NDArray[np.uint64] = starts
        self.ends: NDArray[np.uint64] = ends
        self._order = np.argsort(starts, kind="stable")
        self._sorted = starts[self._order]
        self._middles: list[int] | None = None

    def __len__(self) -> int:
        return len(self.starts)

    def find(self, vaddrs: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The function that holds each address, -1 where none does."""
        if not len(self):
            return np.full(len(vaddrs), -1, dtype=np.int64)
        index = np.searchsorted(self._sorted, vaddrs, side="right") - 1
        found = self._order[np.maximum(index, 0)]
        return np.where((index >= 0) & (vaddrs < self.ends[found]), found, -1)

    def holding(self, ascending: NDArray[np.uint64]) -> NDArray[np.int64]:
        """`find` for addresses in order, of which there are more than functions."""
        if len(ascending) < len(self):
            return self.find(ascending)
        first = np.searchsorted(ascending, self._sorted)
        many = np.diff(np.append(first, len(ascending)))
        found = np.concatenate(
            (np.full(int(first[0]) if len(first) else len(ascending), -1), np.repeat(self._order, many))
        )
        held = found >= 0
        held[held] = ascending[held] < self.ends[found[held]]
        return np.where(held, found, -1)

    def entered(self, targets: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The function that begins at each address, or may be entered there: duffzero and duffcopy anywhere; else -1."""
        out = self._begun(targets)
        for number in self._entered_anywhere():
            out[(targets >= self.starts[number]) & (targets < self.ends[number])] = number
        return out

    def _begun(self, targets: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The function that begins at each address, else -1."""
        places = self._places
        if places is None:
            found = self.find(targets)
            at = found >= 0
            at[at] = self.starts[found[at]] == targets[at]
            return np.where(at, found, -1)
        relative = targets - self._sorted[0]
        out = np.full(len(targets), -1, dtype=np.int64)
        rows = np.flatnonzero(
            (relative < np.uint64(len(places) << _ALIGNED)) & (relative & np.uint64(15) == 0)
        )
        out[rows] = places[(relative[rows] >> np.uint64(_ALIGNED)).astype(np.int64)]
        return out

    @cached_property
    def _places(self) -> NDArray[np.int32] | None:
        """The number of the function at each 16 bytes, where functions begin only there: sooner than a search."""
        if not len(self):
            return None
        relative = self.starts - self._sorted[0]
        most = int(relative.max()) >> _ALIGNED
        if int(np.bitwise_or.reduce(relative)) & 15 or most > 1 << 26:
            return None
        places = np.full(most + 1, -1, dtype=np.int32)
        order = self._order[::-1]  # of several at one place, the first one in order
        places[(relative[order] >> np.uint64(_ALIGNED)).astype(np.int64)] = order
        held = self.ends > self.starts
        return np.where((places >= 0) & held[places], places, np.int32(-1))

    def _entered_anywhere(self) -> list[int]:
        if self._middles is None:
            self._middles = self.named(_DUFF)
        return self._middles

    def named(self, names: Iterable[str]) -> list[int]:
        """The Go functions that have one of these names."""
        if not self.go:
            return []
        table = FunctionNames(self._binary.go.table)
        offsets = [offset for name in names for offset in table.exact(name)]
        known = self._binary.bulk.records.field(np.arange(self.go), "name_off")
        return np.flatnonzero(np.isin(known, offsets)).tolist()

    def name(self, number: int) -> str:
        """As Go, or a symbol table, spells it."""
        if number < self.go:
            table = self._binary.go.table
            func = table.func(number)
            return table.name(func) if func else ""
        symbol = self._natives.find(int(self.starts[number])) if self._natives else None
        return symbol.name if symbol else ""

    def natives_called(self, name: str) -> list[int]:
        """Numbers of the functions that are not Go's and that a symbol table calls `name`."""
        return [number for number in range(self.go, len(self)) if self.name(number) == name]

    def code(self, number: int) -> memoryview:
        """The bytes, as far as the file has them."""
        start, end = int(self.starts[number]), int(self.ends[number])
        return self._binary.image.tail(start)[: max(end - start, 0)]
