"""Reach: where each call of a file may end, when what it calls may jump on to another function."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import capped, distinct, flat_ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.analysis.calls.graph import Edges

__all__ = ["Reach"]

_CHAIN = 4  # functions that jump on, one to the next
_MOST = 1 << 24  # calls, or functions that jump on, looked at for one question


class Reach:
    """The calls of a file, and what they lead to, directly or by jumps.

    Nothing is sorted but what is asked for: a file has a million calls, and a profile asks about a few thousand of them.

    Args:
        edges: all direct calls and jumps.
        count: how many functions there are.
    """

    def __init__(self, edges: Edges, count: int) -> None:
        self._count = max(count, 1)
        source = edges.source
        # Functions are numbered by address, mostly; those of symbol tables come behind.
        order = None if bool((source[1:] >= source[:-1]).all()) else np.argsort(source, kind="stable")
        everything = slice(None) if order is None else order
        self._source, self._target = source[everything], edges.target[everything]
        self._after, self._call = edges.branch.after[everything], edges.branch.call[everything]
        jumps = np.flatnonzero(~self._call)
        self._from, self._to = self._source[jumps], self._target[jumps]
        backwards = np.argsort(self._to, kind="stable")
        self._jumped_to, self._by = self._to[backwards], self._from[backwards]
        self._jump_on = frozenset(self._from.tolist())

    def _led(self, callees: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which callee, and a function that is it or jumps on to it."""
        which, function = np.arange(len(callees)), callees
        parts = [(which, function)]
        for _ in range(_CHAIN):
            low, high = (np.searchsorted(self._jumped_to, function, side=side) for side in ("left", "right"))
            many = capped(high - low, _MOST - sum(len(part[0]) for part in parts))
            which, function = np.repeat(which, many), self._by[flat_ranges(low, many)]
            if not len(which):
                break
            parts.append((which, function))
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def all_sites(self, callers: NDArray[np.int64], callees: NDArray[np.int64]) -> list[tuple[int, ...]]:
        """For each pair the return addresses of the calls of one function that lead to the other."""
        which, function = self._led(callees)
        caller = callers[which]
        low, high = (np.searchsorted(self._source, caller, side=side) for side in ("left", "right"))
        many = capped(high - low, _MOST)
        flat = flat_ranges(low, many)
        hit = (self._target[flat] == np.repeat(function, many)) & self._call[flat]
        pair, after = np.repeat(which, many)[hit], self._after[flat[hit]]
        order = np.lexsort((after, pair))
        after, pair = after[order], pair[order]
        again = (after[1:] == after[:-1]) & (pair[1:] == pair[:-1])  # it leads there in two ways
        single = np.flatnonzero(np.append(True, ~again)[: len(after)])
        found = tuple(after[single].tolist())
        ends = np.cumsum(np.bincount(pair[single], minlength=len(callers))).tolist()
        return [found[begin:end] for begin, end in itertools.pairwise([0, *ends])]

    def sites(self, caller: int, callee: int) -> tuple[int, ...]:
        """`all_sites` of one pair."""
        return self.all_sites(np.array([caller]), np.array([callee]))[0]

    def all_callers(self, callees: Sequence[int]) -> list[list[int]]:
        """For each callee the functions with a call that leads to it, in the order of their numbers."""
        which, function = self._led(np.array(callees, dtype=np.int64))
        wanted = np.zeros(self._count, dtype=np.bool_)
        wanted[function] = True
        rows = np.flatnonzero(wanted[self._target] & self._call)
        target, source = self._target[rows], self._source[rows]
        order = np.argsort(function, kind="stable")
        low, high = (np.searchsorted(function[order], target, side=side) for side in ("left", "right"))
        many = capped(high - low, _MOST)
        found = which[order][flat_ranges(low, many)] * self._count + np.repeat(source, many)
        callee, caller = np.divmod(distinct(found), self._count)
        ends = np.cumsum(np.bincount(callee, minlength=len(callees))).tolist()
        flat = caller.tolist()
        return [flat[begin:end] for begin, end in itertools.pairwise([0, *ends])]

    def leads(self, number: int) -> list[int]:
        """The function, and those that it jumps on to, nearest first."""
        if number not in self._jump_on:
            return [number]
        found, last = {number: None}, [number]
        for _ in range(_CHAIN):
            low = np.searchsorted(self._from, last)
            many = np.searchsorted(self._from, last, side="right") - low
            last = [one for one in self._to[flat_ranges(low, many)].tolist() if one not in found]
            found |= dict.fromkeys(last)
            if not last:
                break
        return list(found)
