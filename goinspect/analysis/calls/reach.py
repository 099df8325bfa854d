"""Reach: where each call of a file may end, when what it calls may jump on to another function."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import flat_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.calls.graph import Edges

__all__ = ["Reach"]

_CHAIN = 4  # functions that jump on, one to the next
_MOST = 1 << 24  # calls with all that they may end in


class Reach:
    """The calls of a file by caller and by what they lead to, directly or by jumps; sorted, in columns.

    Args:
        edges: all direct calls and jumps.
        count: how many functions there are.
    """

    def __init__(self, edges: Edges, count: int) -> None:
        self._count = max(count, 1)
        calls, jumps = edges.branch.call, ~edges.branch.call
        order = np.argsort(edges.source[jumps], kind="stable")
        self._from, self._to = edges.source[jumps][order], edges.target[jumps][order]
        source, target, after = edges.source[calls], edges.target[calls], edges.branch.after[calls]
        parts = [(source, target, after)]
        for _ in range(_CHAIN):
            source, target, after = self._further(source, target, after)
            if not len(source) or sum(len(part[0]) for part in parts) + len(source) > _MOST:
                break
            parts.append((source, target, after))
        source, target, after = (np.concatenate(column) for column in zip(*parts, strict=True))
        key = source * self._count + target
        order = np.lexsort((after, key))
        self._key, self._after = key[order], after[order]
        backwards = target * self._count + source
        backwards.sort()
        self._backwards = backwards

    def _further(
        self, source: NDArray[np.int64], target: NDArray[np.int64], after: NDArray[np.uint64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]:
        """The same calls, led one jump further; those whose callee does not jump on are left out."""
        low = np.searchsorted(self._from, target)
        many = np.searchsorted(self._from, target, side="right") - low
        rows = np.repeat(np.arange(len(target)), many)
        return source[rows], self._to[flat_ranges(low, many)], after[rows]

    def sites(self, caller: int, callee: int) -> tuple[int, ...]:
        """Return addresses of the calls of one function that lead to another."""
        key = caller * self._count + callee
        low, high = np.searchsorted(self._key, (key, key + 1))
        return tuple(dict.fromkeys(self._after[low:high].tolist()))

    def all_sites(self, callers: NDArray[np.int64], callees: NDArray[np.int64]) -> list[tuple[int, ...]]:
        """`sites` of many pairs."""
        key = callers * self._count + callees
        low, high = (np.searchsorted(self._key, key, side=side) for side in ("left", "right"))
        many = high - low
        flat = self._after[flat_ranges(low, many)].tolist()
        ends = np.cumsum(many).tolist()
        return [tuple(dict.fromkeys(flat[begin:end])) for begin, end in itertools.pairwise([0, *ends])]

    def callers(self, callee: int) -> list[int]:
        """The functions with a call that leads to `callee`, in the order of their numbers."""
        low, high = np.searchsorted(self._backwards, (callee * self._count, (callee + 1) * self._count))
        return list(dict.fromkeys((self._backwards[low:high] % self._count).tolist()))

    def leads(self, number: int) -> list[int]:
        """The function, and those that it jumps on to, nearest first."""
        found, last = {number: None}, [number]
        for _ in range(_CHAIN):
            low = np.searchsorted(self._from, last)
            many = np.searchsorted(self._from, last, side="right") - low
            last = [one for one in self._to[flat_ranges(low, many)].tolist() if one not in found]
            found |= dict.fromkeys(last)
            if not last:
                break
        return list(found)
