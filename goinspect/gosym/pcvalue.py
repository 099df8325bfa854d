"""pc-value tables: how pctab says "from this pc on, the value is …". One table at a time, in plain Python.

A table is a sequence of (value delta, pc delta) pairs of unsigned LEB128 varints. Value deltas are zig-zag coded and
start from -1, pc deltas count in quanta and start from the function's entry; a value delta of 0 ends the table,
except in the first pair. Source: ``step`` and ``pcvalue`` in src/runtime/symtab.go, unchanged since Go 1.2.
`goinspect.gosym.bulk.table` decodes many tables at once.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from goinspect.errors import TruncatedError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NO_VALUE", "PcValues", "rows"]

NO_VALUE = -1
_PAST_THE_END, _TOO_LONG = -1, -2
_LAST_SHIFT = 28  # a varint has at most 5 bytes: 32-bit result


def rows(table: memoryview, offset: int, quantum: int) -> Iterator[tuple[int, int]]:
    """Yield (end, value): the value holds up to, not including, `end` bytes from the function's entry.

    Args:
        table: the buffer `offset` counts in.
        offset: start of the table; 0 means "no table" and yields nothing.
        quantum: bytes per unit of a pc delta.

    Raises:
        TruncatedError: the table runs past the end of the buffer.
    """
    if offset == 0:
        return
    at, value, pc = offset, NO_VALUE, 0
    while True:
        delta, at = _number(table, at)
        if at > 0 and not delta and pc:
            return
        step, at = _number(table, at) if at > 0 else (0, at)
        if at == _PAST_THE_END:
            raise TruncatedError(
                f"pc-value table at {offset:#x} runs past the end of its data", offset=len(table)
            )
        if at == _TOO_LONG:
            return
        value = _int32(value + ((delta >> 1) ^ -(delta & 1)))
        pc += step * quantum
        if pc > 0xFFFFFFFF:
            return
        yield pc, value


def _number(table: memoryview, at: int) -> tuple[int, int]:
    """An unsigned varint and the offset behind it: _PAST_THE_END or _TOO_LONG (for 32 bits) where there is none."""
    number = shift = 0
    size = len(table)
    while shift <= _LAST_SHIFT:
        if at >= size:
            return 0, _PAST_THE_END
        byte = table[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFFFFFF, at
        shift += 7
    return 0, _TOO_LONG


def _int32(value: int) -> int:
    return (value + 0x80000000 & 0xFFFFFFFF) - 0x80000000


class PcValues:
    """One table, decoded as far as it was asked for: looking an address up again costs no more decoding.

    Args:
        table: the buffer `offset` counts in.
        offset: start of the table; 0 means "no table".
        quantum: bytes per unit of a pc delta.
    """

    __slots__ = ("_at", "_ends", "_error", "_offset", "_open", "_quantum", "_table", "_values")

    def __init__(self, table: memoryview, offset: int, quantum: int) -> None:
        self._table, self._offset, self._quantum = table, offset, quantum
        self._at = offset
        self._open = offset != 0
        self._ends: list[int] = []  # in quanta
        self._values: list[int] = []
        self._error: TruncatedError | None = None  # what comes behind the last row

    def at(self, target: int) -> int:
        """The value at `target` bytes from the function's entry; NO_VALUE past the end. Raises TruncatedError."""
        wanted = target // self._quantum
        if target < 0:
            return NO_VALUE
        ends = self._ends
        if self._open and (not ends or ends[-1] <= wanted):
            self._extend(wanted)
        row = bisect_right(ends, wanted)
        if row < len(ends):
            return _int32(self._values[row])
        if self._error is not None:
            raise self._error
        return NO_VALUE

    def _extend(self, wanted: int) -> None:
        # As `rows`, written out for the numbers that nearly all are: value deltas of one or two bytes, pc deltas of
        # one. A lookup spends most of its time here.
        table, at, ends, values = self._table, self._at, self._ends, self._values
        value, pc = (values[-1], ends[-1]) if ends else (NO_VALUE, 0)
        last = len(table) - 3
        while at <= last:
            delta, step = table[at], table[at + 1]
            if delta < 0x80:
                behind = at + 2
            elif step < 0x80:
                delta, step, behind = delta & 0x7F | step << 7, table[at + 2], at + 3
            else:
                step = 0  # longer
            if not 0 < step < 0x80:
                delta, step, behind = _long_pair(table, at, first=not pc)
                if behind < 0:
                    break
            if not delta and pc:
                self._open = False
                return
            at = behind
            pc += step
            value += (delta >> 1) ^ -(delta & 1)
            ends.append(pc)
            values.append(value)
            if pc > wanted:
                self._at = at
                return
        self._finish()

    def _finish(self) -> None:
        """Near the end of the buffer, or where a number is none: as `rows` has it."""
        self._open = False
        self._ends.clear()
        self._values.clear()
        try:
            for end, value in rows(self._table, self._offset, self._quantum):
                self._ends.append(end // self._quantum)
                self._values.append(value)
        except TruncatedError as error:
            self._error = error


def _long_pair(table: memoryview, at: int, *, first: bool) -> tuple[int, int, int]:
    """The two numbers at `at` and the offset behind them, negative where `rows` must have a look; (0, 0, …): the end."""
    delta, at = _number(table, at)
    if at < 0 or (not delta and not first):
        return 0, 0, at
    step, at = _number(table, at)
    return delta, step, at
