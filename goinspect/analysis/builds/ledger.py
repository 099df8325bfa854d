"""Which bytes of a file are spoken for: each counts once, for whoever asks first."""

from __future__ import annotations

from bisect import bisect_right

__all__ = ["Ledger"]


class Ledger:
    """Claims on the bytes [0, size) of a file."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._starts: list[int] = []  # of claimed ranges that neither overlap nor touch, ascending
        self._ends: list[int] = []

    def claim(self, offset: int, size: int) -> int:
        """Claim a range, as far as it lies in the file; returns how many of its bytes nobody had claimed."""
        start, end = max(offset, 0), min(offset + max(size, 0), self.size)
        if start >= end:
            return 0
        first = bisect_right(self._starts, start) - 1
        if first < 0 or self._ends[first] < start:
            first += 1
        last, taken = first, 0
        while last < len(self._starts) and self._starts[last] <= end:
            taken += max(min(self._ends[last], end) - max(self._starts[last], start), 0)
            last += 1
        if last > first:
            low, high = min(start, self._starts[first]), max(end, self._ends[last - 1])
        else:
            low, high = start, end
        self._starts[first:last], self._ends[first:last] = [low], [high]
        return end - start - taken

    @property
    def unclaimed(self) -> int:
        """Bytes that nobody has claimed."""
        return self.size - sum(end - start for start, end in zip(self._starts, self._ends, strict=True))
