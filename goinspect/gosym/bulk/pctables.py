"""Many pc-value tables at once, by numpy: what `goinspect.gosym.pcvalue` does for one.

The bytes of a table end at its first zero byte behind the first pair, so tables can be cut out without decoding them,
and varints can be decoded wherever they start. A table in which this does not hold (a zero that is not the end) is
left to `pcvalue`. Work goes in pieces that stay in the processor's cache.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import capped, distinct, flat_ranges
from goinspect.errors import GoinspectError
from goinspect.gosym import pcvalue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["PcTab", "PcTables", "Rows"]

_SPARE = 1 << 16
_PIECE = 1 << 17  # bytes of tables decoded at a time


class Rows(NamedTuple):
    """Rows of several tables, in order: `value` holds up to `end` bytes from the function's entry."""

    table: NDArray[np.int64]  # number of the table
    end: NDArray[np.int64]
    value: NDArray[np.int32]


class PcTab:
    """The bytes that pc-value tables lie in (before Go 1.16: the whole gopclntab)."""

    def __init__(self, data: memoryview, quantum: int) -> None:
        self._raw = data
        self._bytes = np.frombuffer(data, dtype=np.uint8)
        self._quantum = quantum
        self._zeros: NDArray[np.int64] | None = None
        self._patience = len(data) + _SPARE  # rows that the pure engine may decode in all

    def tables(self, offsets: NDArray[np.int64]) -> PcTables:
        """Decode the tables at `offsets` (0: none; repeated ones once)."""
        return PcTables(self, self.starts(offsets))

    @staticmethod
    def starts(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """The distinct tables among `offsets`, in order, without 0 (none)."""
        found: NDArray[np.int64] = distinct(offsets[offsets > 0])
        return found

    def extents(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Offset of the zero byte that should end each table at `starts`, which must be sorted; the size without one."""
        size = len(self._bytes)
        if self._zeros is None and len(starts) * 1024 < size:  # few tables: look for each one's end
            return np.array([self._find_zero(start + 1) for start in starts.tolist()], dtype=np.int64)
        if self._zeros is None:
            self._zeros = np.append(np.flatnonzero(self._bytes == 0), size)
        found = np.searchsorted(self._zeros, starts + 1)
        return self._zeros[np.minimum(found, len(self._zeros) - 1)]

    def _find_zero(self, start: int) -> int:
        step = 64
        while start < len(self._raw):
            at = bytes(self._raw[start : start + step]).find(0)
            if at >= 0:
                return start + at
            start, step = start + step, step * 4
        return len(self._raw)

    def pieces(self, starts: NDArray[np.int64]) -> Iterator[Rows]:
        """The rows of the tables at `starts` (sorted, each once), some tables at a time."""
        starts = np.minimum(starts, len(self._bytes))
        ends = self.extents(starts)
        # Sound tables do not overlap; those of a damaged file may all run to the same end.
        lengths = capped(np.maximum(ends - starts, 0), 2 * len(self._bytes) + _SPARE)
        ends = starts + lengths
        sizes = np.cumsum(lengths)
        first = 0
        while first < len(starts):
            before = int(sizes[first - 1]) if first else 0
            last = max(int(np.searchsorted(sizes, before + _PIECE, side="right")), first + 1)
            rows = self._decode(starts[first:last], ends[first:last])
            yield Rows(rows.table + first, rows.end, rows.value)
            first = last

    def _decode(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Rows:
        lengths = np.maximum(ends - starts, 0)
        data = self._bytes[flat_ranges(starts, lengths)]
        last = data < 0x80  # last byte of each varint
        tails = (np.cumsum(lengths) - 1)[lengths > 0]
        table_at = np.repeat(np.arange(len(starts), dtype=np.int32), lengths)
        # The zero behind belongs to a number that is longer than it need be, or the table is damaged: both must not
        # run on into the next.
        dangling = table_at[tails[~last[tails]]]
        last[tails] = True
        places = np.flatnonzero(last)
        number_table = table_at[places]
        numbers, sizes = _varints(data, places)
        counts = np.bincount(number_table, minlength=len(starts))
        bad = (counts & 1 == 1) | (counts == 0) | (ends >= len(self._bytes))
        bad[number_table[(sizes > 4) | (numbers >= 1 << 27)]] = True
        bad[dangling] = True
        if bad.any():
            keep = ~bad[number_table]
            number_table, numbers = number_table[keep], numbers[keep]
            counts = np.where(bad, 0, counts)
        rows = counts >> 1
        deltas = numbers[::2].astype(np.int64)
        steps = np.where(deltas & 1, -((deltas + 1) >> 1), deltas >> 1)
        value = (_restarting_sum(steps, rows) - 1).astype(np.int32)
        end = _restarting_sum(numbers[1::2].astype(np.int64) * self._quantum, rows)
        found = Rows(number_table[::2].astype(np.int64), end, value)
        return self._with_unusual(found, starts, np.flatnonzero(bad)) if bad.any() else found

    def _with_unusual(self, rows: Rows, starts: NDArray[np.int64], unusual: NDArray[np.int64]) -> Rows:
        """Add the tables that only the pure engine can decode."""
        extra: list[tuple[int, int, int]] = []
        for number in unusual.tolist():
            found: list[tuple[int, int, int]] = []
            decoded = pcvalue.rows(self._raw, int(starts[number]), self._quantum)
            try:
                found.extend((number, *row) for row in islice(decoded, self._patience))
                extra += found
            except GoinspectError:
                pass  # a table that runs out of its data has no values
            self._patience -= len(found)
        if not extra:
            return rows
        more = np.array(extra, dtype=np.int64)
        table, end = np.append(rows.table, more[:, 0]), np.append(rows.end, more[:, 1])
        order = np.lexsort((end, table))
        return Rows(table[order], end[order], np.append(rows.value, more[:, 2].astype(np.int32))[order])

    def first_values(self, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """The value of each table at the function's entry; -1 without a table."""
        numbers = np.zeros(len(offsets), dtype=np.int64)
        open_ = (offsets > 0) & (offsets < len(self._bytes))
        shift, at = 0, offsets.copy()
        while open_.any() and shift <= 28:
            byte = self._bytes[at[open_]].astype(np.int64)
            numbers[open_] |= (byte & 0x7F) << shift
            shift += 7
            at[open_] += 1
            goes_on = np.zeros_like(open_)
            goes_on[open_] = byte >= 0x80
            open_ = goes_on & (at < len(self._bytes))
        numbers &= 0xFFFFFFFF
        return np.where(numbers & 1, -((numbers + 1) >> 1), numbers >> 1) - 1


class PcTables:
    """Decoded tables, to be asked for values."""

    def __init__(self, pctab: PcTab, starts: NDArray[np.int64]) -> None:
        self.starts = starts
        keys: list[NDArray[np.int64]] = []
        values: list[NDArray[np.int32]] = []
        for rows in pctab.pieces(starts):
            keys.append((rows.table << 32) + rows.end)
            values.append(rows.value)
        self._keys = np.concatenate(keys) if keys else np.zeros(0, dtype=np.int64)
        self._values = np.concatenate(values) if values else np.zeros(0, dtype=np.int32)

    def lookup(self, offsets: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.int32]:
        """The value of table ``offsets[i]`` at ``targets[i]`` bytes from its function; -1 past the table's end."""
        if not len(self._keys):
            return np.full(len(offsets), pcvalue.NO_VALUE, dtype=np.int32)
        table = np.searchsorted(self.starts, offsets)
        row = np.searchsorted(self._keys, (table << 32) + targets, side="right")
        safe = np.minimum(row, len(self._keys) - 1)
        known = (offsets > 0) & (row < len(self._keys)) & (self._keys[safe] >> 32 == table)
        return np.where(known, self._values[safe], np.int32(pcvalue.NO_VALUE))

    def ends_within(
        self, offsets: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(i, row end) for every row of table ``offsets[i]`` that ends inside of ``begin[i]`` … ``end[i]``."""
        key = np.searchsorted(self.starts, offsets) << 32
        first = np.searchsorted(self._keys, key + begin, side="right")
        counts = np.searchsorted(self._keys, key + end, side="left") - first
        counts = np.where(offsets > 0, np.maximum(counts, 0), 0)
        owner = np.repeat(np.arange(len(offsets)), counts)
        return owner, self._keys[flat_ranges(first, counts)] & 0xFFFFFFFF


def _varints(
    data: NDArray[np.uint8], places: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The unsigned LEB128 numbers whose last bytes are at `places`, and their sizes in bytes."""
    sizes = np.diff(places, prepend=-1)
    numbers = data[places].astype(np.int64)
    for back in range(1, 5):  # all but one in a hundred numbers are a single byte
        longer = np.flatnonzero(sizes > back)
        if not len(longer):
            break
        numbers[longer] = (numbers[longer] << 7) | (data[places[longer] - back] & 0x7F)
    return numbers, sizes


def _restarting_sum(steps: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Running sums that start anew with each group; `counts` are the members of each."""
    total = np.cumsum(steps)
    if not len(total):
        return total
    first = np.cumsum(counts) - counts
    full = counts > 0
    before = total[first[full]] - steps[first[full]]
    total -= np.repeat(before, counts[full])
    return total
