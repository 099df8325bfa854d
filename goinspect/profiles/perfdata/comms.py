"""CommTable: what every thread was called at every time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CommTable"]

_IDLE = "swapper"


class CommTable:
    """Thread names over time. Feed it in time order, then `lookup` whole columns.

    A name holds from its time on; the first one of a thread also for what came before. A thread that was never
    named is called ``:tid``, as perf does, or `unnamed`.
    """

    def __init__(self, unnamed: str | None = None) -> None:
        self._unnamed = unnamed
        self._names: dict[str, int] = {}
        self._changes: dict[int, list[tuple[int, int]]] = {}

    def rename(self, tid: int, name: str, at: int = 0) -> None:
        """A thread is called `name` from `at` on."""
        self._note(tid, self._names.setdefault(name, len(self._names)), at)

    def fork(self, tid: int, parent: int, at: int = 0) -> None:
        """A new thread has its parent's name."""
        known = self._changes.get(parent)
        if known:
            self._note(tid, known[-1][1], at)

    def _default(self, tid: int) -> str:
        if self._unnamed is not None:
            return self._unnamed
        return _IDLE if tid == 0 else f":{tid}"

    def _note(self, tid: int, name: int, at: int) -> None:
        changes = self._changes.setdefault(tid, [])
        if not changes or changes[-1][1] != name:
            changes.append((at, name))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, as `lookup` numbers them."""
        return tuple(self._names)

    def lookup(self, tids: NDArray[np.int32], times: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The row in `names` of each thread's name at each time."""
        present, inverse = _distinct(tids)
        for tid in present.tolist():
            if tid not in self._changes:
                self.rename(tid, self._default(tid))
        single = np.array([self._changes[tid][0][1] for tid in present.tolist()], dtype=np.int32)
        rows = single[inverse]
        changed = np.array([len(self._changes[tid]) > 1 for tid in present.tolist()], dtype=np.bool_)
        several = np.flatnonzero(changed[inverse])
        if len(several):
            rows[several] = self._rows_of_changing(tids[several], times[several])
        return rows

    def _rows_of_changing(self, tids: NDArray[np.int32], times: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Names of threads that had several: one binary search in (thread, time) pairs made into single numbers."""
        entries = [
            (tid, at if number else 0, name)
            for tid in sorted(_distinct(tids)[0].tolist())
            for number, (at, name) in enumerate(self._changes[tid])
        ]
        starts = np.array([entry[1] for entry in entries], dtype=np.uint64)
        ranked = distinct(starts)
        keys = np.array([entry[0] for entry in entries], dtype=np.int64) << 32
        keys |= np.searchsorted(ranked, starts, side="right")
        wanted = tids.astype(np.int64) << 32 | np.searchsorted(ranked, times, side="right")
        names = np.array([entry[2] for entry in entries], dtype=np.int32)
        return names[np.searchsorted(keys, wanted, side="right") - 1]


def _distinct(tids: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """np.unique with inverse, but sorting only where the thread changes from one sample to the next."""
    if not len(tids):
        return tids, np.empty(0, dtype=np.intp)
    change = np.append(True, tids[1:] != tids[:-1])
    heads = np.flatnonzero(change)
    present, inverse = np.unique(tids[heads], return_inverse=True)
    return present, np.repeat(inverse, np.diff(np.append(heads, len(tids))))
