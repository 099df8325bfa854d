"""IndirectCalls: where functions call through a register or memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import flat_ranges
from goinspect.disasm import CALL
from goinspect.disasm.x86lengths import opcodes
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from goinspect.analysis.calls.functions import Functions
    from goinspect.disasm.branches import Branches
    from goinspect.objfile.image import Image

__all__ = ["LARGEST", "IndirectCalls"]

LARGEST = 1 << 18  # bytes of a function that is decoded
_PATIENCE = (
    1 << 24
)  # bytes that are decoded in all: functions of a damaged file may be any number of large ones
_BITS = {"amd64": 64, "386": 32}


class IndirectCalls:
    """The return addresses of the calls whose target is not in the code; each function is looked at once.

    Args:
        image: the file.
        functions: its functions.
        branches: gives the direct branches of all of them, in the order of their addresses.
    """

    def __init__(self, image: Image, functions: Functions, branches: Callable[[], Branches]) -> None:
        self._image, self._functions, self._branches = image, functions, branches
        self._patience = _PATIENCE
        self._known: dict[int, tuple[int, ...]] = {}

    def of(self, number: int) -> tuple[int, ...]:
        """Those of one function."""
        if number not in self._known:
            self.look_up((number,))
        return self._known[number]

    def look_up(self, numbers: Iterable[int]) -> None:
        """Be ready to answer for these functions: of many at once it takes a fraction of the time."""
        wanted = []
        for number in numbers:
            if number not in self._known:
                self._known[number] = ()
                if self.may_decode(int(self._functions.ends[number] - self._functions.starts[number])):
                    wanted.append(number)
        if self._image.arch in _BITS:
            self._in_bulk(np.array(wanted, dtype=np.int64))
            return
        for number in wanted:
            self._known[number] = self._decoded(number)

    def may_decode(self, size: int) -> bool:
        """Is there any patience left for a function of so many bytes?"""
        if size > LARGEST or size > self._patience:
            return False
        self._patience -= size
        return True

    def _decoded(self, number: int) -> tuple[int, ...]:
        from goinspect.disasm import decode  # capstone and what belongs to it

        try:
            code = self._functions.code(number)
        except GoinspectError:  # the file ends before it
            return ()
        # A call returns behind the instruction that follows it.
        slot = 4 if self._image.arch.startswith("mips") else 0
        return tuple(
            one.end + slot
            for one in decode(code, int(self._functions.starts[number]), self._image.arch)
            if one.kind == CALL and one.target is None
        )

    def _in_bulk(self, numbers: NDArray[np.int64]) -> None:
        starts, ends = self._functions.starts[numbers], self._functions.ends[numbers]
        for segment in self._image.segments:
            low = np.uint64(segment.vaddr)
            here = (starts >= low) & (starts - low < np.uint64(segment.file_size))
            if not segment.executable or not here.any():
                continue
            try:
                code = self._image.tail(segment.vaddr)[: segment.file_size]
            except GoinspectError:
                continue
            data = np.frombuffer(code, dtype=np.uint8)
            first = (starts[here] - low).astype(np.int64)
            size = np.minimum((ends[here] - starts[here]).astype(np.int64), len(data) - first)
            row, after = self._x86(data, segment.vaddr, first, size)
            bounds = np.searchsorted(row, np.arange(len(first) + 1)).tolist()
            found = (after + segment.vaddr).tolist()
            for i, number in enumerate(numbers[here].tolist()):
                self._known[number] = tuple(found[bounds[i] : bounds[i + 1]])

    def _x86(
        self, data: NDArray[np.uint8], vaddr: int, first: NDArray[np.int64], size: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What looks like FF /2 and is one: decoding from behind the direct branch before it comes upon it.

        Returns:
            Which function, and the place behind the call.
        """
        size = np.maximum(size - 1, 0)  # a ModRM byte follows
        at = flat_ranges(first, size)
        looks = np.flatnonzero(data[at] == 0xFF)
        looks = looks[data[at[looks] + 1] & 0x38 == 0x10]
        at, row = at[looks], np.searchsorted(np.cumsum(size), looks, side="right")
        branches = self._branches()
        before = np.searchsorted(branches.site, at.astype(np.uint64) + np.uint64(vaddr), side="right") - 1
        behind = np.full(len(at), -1, dtype=np.int64)
        some = before >= 0
        behind[some] = (branches.after[before[some]] - np.uint64(vaddr)).view(np.int64)
        own = behind <= at  # else a part of that branch
        at, row, begin = at[own], row[own], np.maximum(behind[own], first[row[own]])
        ways, which = np.unique(begin, return_inverse=True)
        stops = np.zeros(len(ways), dtype=np.int64)
        np.maximum.at(stops, which, at)
        real = opcodes(data, ways, stops, _BITS[self._image.arch])[at]
        at, row = at[real], row[real]
        return row, at + _length(data, at)


def _length(data: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bytes of the opcode at each place with its ModRM byte and what that says follows (Intel SDM vol. 2, table 2-2)."""
    padded = np.minimum(at + 2, len(data) - 1)
    modrm = data[at + 1]
    mode, memory = modrm >> 6, modrm & 7
    indexed = (memory == 4) & (mode < 3)
    base = np.where(indexed, data[padded] & 7, memory)
    displacement = np.where(mode == 1, 1, np.where((mode == 2) | ((mode == 0) & (base == 5)), 4, 0))
    return np.asarray(2 + indexed + displacement, dtype=np.int64)
