"""Protobuf messages by the hundred thousand, as columns of bytes: row i of every column is a part of message i.

Facts: the encoding page of protobuf.dev. A field is a tag (number << 3 | kind) and a varint (kind 0), or a tag, a length
and that many bytes (kind 2). A field that is 0 is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from goinspect._ragged import flat_ranges

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["Column", "field", "grouped", "joined", "message", "nested", "number", "taken", "texts", "varints"]


class Column(NamedTuple):
    """The bytes of all rows, one after another, and how many each has."""

    data: NDArray[np.uint8]
    sizes: NDArray[np.int64]


def varints(values: NDArray[Any]) -> Column:
    """A varint for each value; negative ones have ten bytes."""
    values = values.astype(np.uint64)
    sizes = np.ones(len(values), dtype=np.int64)
    most = int(values.max(initial=0))
    for bits in range(7, max(most.bit_length(), 1), 7):
        sizes += values >= np.uint64(1 << bits)
    ends = np.cumsum(sizes)
    data = np.empty(int(ends[-1]) if len(ends) else 0, dtype=np.uint8)
    at = ends - sizes
    low, more = np.uint64(0x7F), np.uint8(0x80)
    while len(values):
        rest = values >> np.uint64(7)
        data[at] = (values & low).astype(np.uint8) | np.where(rest > 0, more, np.uint8(0))
        going = np.flatnonzero(rest)
        values, at = rest[going], at[going] + 1
    return Column(data, sizes)


def field(tag: int, values: NDArray[Any]) -> Column:
    """Field `tag` with a varint; nothing where it is 0."""
    given = np.flatnonzero(values)
    body = varints(values[given])
    sizes = np.zeros(len(values), dtype=np.int64)
    sizes[given] = body.sizes + 1
    data = np.full(int(sizes.sum()), tag << 3, dtype=np.uint8)
    ends = np.cumsum(sizes[given])
    data[flat_ranges(ends - body.sizes, body.sizes)] = body.data
    return Column(data, sizes)


def nested(tag: int, bodies: Column) -> Column:
    """Field `tag` with a message, or packed numbers; nothing where these have no bytes."""
    given = bodies.sizes > 0
    lengths = varints(bodies.sizes[given])
    sizes = np.zeros(len(given), dtype=np.int64)
    sizes[given] = lengths.sizes
    tags = Column(np.full(int(given.sum()), tag << 3 | 2, dtype=np.uint8), given.astype(np.int64))
    return joined(tags, Column(lengths.data, sizes), bodies)


def joined(*columns: Column) -> Column:
    """Row by row, what all columns have."""
    total = sum(column.sizes for column in columns)
    sizes = np.asarray(total, dtype=np.int64)
    data = np.empty(int(sizes.sum()), dtype=np.uint8)
    at = np.cumsum(sizes) - sizes
    for column in columns:
        data[flat_ranges(at, column.sizes)] = column.data
        at = at + column.sizes
    return Column(data, sizes)


def grouped(column: Column, counts: NDArray[np.int64]) -> Column:
    """The first ``counts[0]`` rows made one, and so on."""
    ends = np.append(0, np.cumsum(column.sizes))[np.append(0, np.cumsum(counts))]
    return Column(column.data, np.diff(ends))


def taken(column: Column, rows: NDArray[Any]) -> Column:
    """These rows; nothing for -1."""
    starts = np.append(np.cumsum(column.sizes) - column.sizes, 0)
    sizes = np.append(column.sizes, 0)[rows]
    return Column(column.data[flat_ranges(starts[rows], sizes)], sizes)


def texts(strings: Iterable[str]) -> Column:
    """UTF-8."""
    encoded = [text.encode("utf-8", "backslashreplace") for text in strings]
    sizes = np.array([len(text) for text in encoded], dtype=np.int64)
    return Column(np.frombuffer(b"".join(encoded), dtype=np.uint8), sizes)


def number(tag: int, value: int) -> bytes:
    """Field `tag` of one message."""
    return field(tag, np.array([value & 0xFFFF_FFFF_FFFF_FFFF], dtype=np.uint64)).data.tobytes()


def message(tag: int, body: bytes) -> bytes:
    """Field `tag` of one message, with a message or text; also an empty one."""
    size = varints(np.array([len(body)])).data.tobytes()
    return bytes((tag << 3 | 2,)) + size + body
