"""pc-value tables: how pctab says "from this pc on, the value is …". One table at a time, in plain Python.

A table is a sequence of (value delta, pc delta) pairs of unsigned LEB128 varints. Value deltas are zig-zag coded and
start from -1, pc deltas count in quanta and start from the function's entry; a value delta of 0 ends the table,
except in the first pair. Source: ``step`` and ``pcvalue`` in src/runtime/symtab.go, unchanged since Go 1.2.
`goinspect.gosym.bulk` decodes many tables at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.errors import TruncatedError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NO_VALUE", "pc_value", "rows"]

NO_VALUE = -1
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
    at, value, pc = offset, -1, 0
    size = len(table)
    while True:
        numbers = []
        for _ in (0, 1):
            number = shift = 0
            while True:
                if at >= size:
                    raise TruncatedError(
                        f"pc-value table at {offset:#x} runs past the end of its data", offset=at
                    )
                byte = table[at]
                at += 1
                number |= (byte & 0x7F) << shift
                if byte < 0x80:
                    break
                shift += 7
                if shift > _LAST_SHIFT:
                    return
            numbers.append(number & 0xFFFFFFFF)
            if number == 0 and not numbers[1:] and pc:
                return
        delta, pc_delta = numbers
        value += -(delta + 1 >> 1) if delta & 1 else delta >> 1
        value = (value + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        pc += pc_delta * quantum
        if pc > 0xFFFFFFFF:
            return
        yield pc, value


def pc_value(table: memoryview, offset: int, quantum: int, target: int) -> int:
    """The value at `target` bytes from the function's entry, or NO_VALUE where the table does not reach.

    Raises:
        TruncatedError: the table runs past the end of the buffer before it reaches `target`.
    """
    if offset == 0 or target < 0:
        return NO_VALUE
    # As `rows`, written out for single-byte numbers: a lookup spends most of its time here.
    wanted, value, pc, at = target // quantum, -1, 0, offset
    size = len(table)
    while at + 1 < size:
        delta, step = table[at], table[at + 1]
        if delta > 0x7F or step > 0x7F or not step:
            delta, step, at = _long_pair(table, at, first=not pc)
            if at < 0:
                break
        else:
            at += 2
        if not delta and pc:
            return NO_VALUE
        pc += step
        value += (delta >> 1) ^ -(delta & 1)
        if pc > wanted:
            return (value + 0x80000000 & 0xFFFFFFFF) - 0x80000000
    return next((value for end, value in rows(table, offset, quantum) if target < end), NO_VALUE)


def _long_pair(table: memoryview, at: int, *, first: bool) -> tuple[int, int, int]:
    """The two numbers at `at` and the offset behind them; -1 in place of that where `rows` must have a look."""
    size = len(table)
    numbers = []
    for _ in (0, 1):
        number = shift = 0
        while True:
            if at >= size or shift > _LAST_SHIFT:
                return 0, 0, -1
            byte = table[at]
            at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
        numbers.append(number & 0xFFFFFFFF)
        if not number and not first and len(numbers) == 1:
            return 0, 0, at  # the end: a delta of 0
    return numbers[0], numbers[1], at
