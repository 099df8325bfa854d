"""The functions of a file by number: Go's first, in the order of functab, then those of its symbol tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.analysis.pcln.names import FunctionNames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.binary import Binary, NativeSymbols

__all__ = ["Functions"]

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
            if self.go:
                more = more[binary.bulk.find(more) < 0]
            found = [natives.end_at(vaddr) for vaddr in more.tolist()]
            starts = np.concatenate((starts, more))
            ends = np.concatenate((ends, np.array(found, dtype=np.uint64)))
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

    def entered(self, targets: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The function that begins at each address, or may be entered there: duffzero and duffcopy anywhere; else -1."""
        found = self.find(targets)
        at = found >= 0
        at[at] = self.starts[found[at]] == targets[at]
        for number in self._entered_anywhere():
            at |= found == number
        return np.where(at, found, -1)

    def _entered_anywhere(self) -> list[int]:
        if self._middles is None:
            self._middles = []
            if self.go:
                names = FunctionNames(self._binary.go.table)
                offsets = [offset for name in _DUFF for offset in names.exact(name)]
                known = self._binary.bulk.records.field(np.arange(self.go), "name_off")
                self._middles = np.flatnonzero(np.isin(known, offsets)).tolist()
        return self._middles

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
