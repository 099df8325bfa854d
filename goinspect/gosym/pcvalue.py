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
                if shift > 28:  # a varint has at most 5 bytes: 32-bit result
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
    """The value at `target` bytes from the function's entry, or NO_VALUE where the table does not reach."""
    for end, value in rows(table, offset, quantum):
        if target < end:
            return value
    return NO_VALUE
