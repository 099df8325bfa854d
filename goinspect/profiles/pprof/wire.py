"""Protobuf's wire format, many messages at a time: columns of fields instead of objects.

A message is a sequence of fields. A field is a tag, which is a number and a wire type (0: a varint, 1: 8 bytes, 2: a length
and so many bytes, 5: 4 bytes), and its value. A varint has 7 bits in each byte, the lowest first, and at most 10 bytes
(protobuf.dev/programming-guides/encoding). Fields of one number may stand anywhere, and a repeated number may be packed,
all values in one field. What has another wire type than is expected is passed over, as an unknown field is.
"""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from goinspect.errors import MalformedError, TruncatedError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["Fields", "Part", "Top", "fields_of", "packed", "split"]

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_MAX_FIELDS = 1 << 25  # of the outermost message: each costs 16 bytes
_MAX_NUMBER = 1 << 29
_FEW = 256  # messages that are quicker taken one by one
_BLOCK = 1 << 22  # bytes of packed numbers that are decoded at once
_MOST_PACKED = 1 << 26  # bytes of one packed field
_WORD = (1 << 64) - 1
_NONE = np.empty(0, dtype=np.int64)


class Part(NamedTuple):
    """Where the messages, strings or packed numbers of one field stand in the data."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]


class Top:
    """The fields of the outermost message, `data`."""

    def __init__(self, data: bytes | bytearray) -> None:
        self.data = data
        self._bounds: dict[int, array[int]] = {}
        self._numbers: dict[int, array[int]] = {}

    def bounds(self, number: int) -> array[int]:
        """Starts and ends of the fields with this number, in turn; to be added to."""
        return self._bounds.setdefault(number, array("q"))

    def numbers(self, number: int) -> array[int]:
        """The varints with this number; to be added to."""
        return self._numbers.setdefault(number, array("Q"))

    def present(self) -> list[int]:
        """The numbers of the fields that there are."""
        both = (*self._bounds.items(), *self._numbers.items())
        return [number for number, found in both if found]

    def part(self, number: int) -> Part:
        """Where the fields with this number stand."""
        bounds = self._bounds.get(number)
        if not bounds:
            return Part(_NONE, _NONE)
        both = np.frombuffer(bounds, dtype=np.int64)
        return Part(both[::2], both[1::2])

    def last(self, number: int) -> int:
        """The last varint with this number, 0 where there is none."""
        numbers = self._numbers.get(number)
        return numbers[-1] if numbers else 0


def split(data: bytes | bytearray, *, whole: bool = True) -> Top:
    """The fields of the outermost message.

    Args:
        data: the message.
        whole: it is all there; otherwise the field that it ends in is left out.

    Raises:
        TruncatedError: it ends within a field.
        MalformedError: that is no protobuf.
        UnsupportedError: there are too many fields.
    """
    top = Top(data)
    add = [top.bounds(number).append for number in range(16)]  # fields of one-byte tags
    at, size, most = 0, len(data), _MAX_FIELDS
    begin = 0
    try:
        while at < size:
            begin = at
            tag = data[at]
            at += 1
            if tag & 0x87 == BYTES and tag > 7:
                length = data[at]
                at += 1
                if length >= 0x80:
                    length, at = _varint(data, at - 1, size)
                end = at + length
                if end > size:
                    break
                append = add[tag >> 3]
                append(at)
                append(end)
                at = end
            else:
                at = _other(data, begin, size, top)
            most -= 1
            if most < 0:
                raise UnsupportedError(f"a message of more than {_MAX_FIELDS:,} fields is not handled")
        else:
            return top
    except (IndexError, TruncatedError):
        pass
    if not whole:
        return top
    raise TruncatedError(
        f"the profile is cut off: the field that begins here does not end in its {size:,} bytes", offset=begin
    )


def _other(data: bytes | bytearray, at: int, size: int, top: Top) -> int:
    """Where the field at `at` ends, whatever it is; it is noted."""
    begin = at
    tag, at = _varint(data, at, size)
    number, wire = tag >> 3, tag & 7
    if not 0 < number < _MAX_NUMBER:
        raise MalformedError(f"no protobuf: a field with the number {number}", offset=begin)
    value, end = _value(data, at, size, wire)
    if wire == BYTES:
        top.bounds(number).extend((value, end))
    elif wire == VARINT:
        top.numbers(number).append(value)
    return end


def _value(data: bytes | bytearray, at: int, size: int, wire: int) -> tuple[int, int]:
    """The value of a field (of bytes, where they begin), and where it ends."""
    if wire == VARINT:
        return _varint(data, at, size)
    if wire == BYTES:
        length, at = _varint(data, at, size)
        value, end = at, at + length
    elif wire in (FIXED64, FIXED32):
        value, end = 0, at + (8 if wire == FIXED64 else 4)
    else:
        raise MalformedError(f"no protobuf: a field of wire type {wire}", offset=at)
    if end > size:
        raise TruncatedError("a field of the profile reaches past the end of its message", offset=at)
    return value, end


def _varint(data: bytes | bytearray, at: int, size: int) -> tuple[int, int]:
    value = shift = 0
    for place in range(at, min(at + 10, size)):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _WORD, place + 1
        shift += 7
    if at + 10 > size:
        raise TruncatedError("a number of the profile reaches past the end of its message", offset=at)
    raise MalformedError("no protobuf: a varint of more than 10 bytes", offset=at)


class Fields:
    """The fields of many messages. ``count`` is that of the messages; row i of every column is a field."""

    def __init__(self, count: int, columns: Sequence[NDArray[Any]]) -> None:
        self.count = count
        self._owner, self._tag, self._value, self._end = columns

    def select(
        self, number: int, wire: int
    ) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
        """Message, value and end of the fields with a number and a wire type, in the order of messages."""
        rows = np.flatnonzero(self._tag == np.uint64(number << 3 | wire))
        owner = self._owner[rows]
        if len(owner) > 1 and (owner[1:] < owner[:-1]).any():
            order = np.argsort(owner, kind="stable")
            rows, owner = rows[order], owner[order]
        return owner, self._value[rows], self._end[rows]

    def number(self, number: int) -> NDArray[np.uint64]:
        """The last varint with this number in each message, 0 where there is none."""
        out = np.zeros(self.count, dtype=np.uint64)
        owner, value, _ = self.select(number, VARINT)
        out[owner] = value
        return out

    def holds_only(self, *numbers: int) -> bool:
        """Is there a field, and is each a varint with one of these numbers?"""
        return len(self._tag) > 0 and bool(
            np.isin(self._tag >> np.uint64(3), numbers).all() and not (self._tag & np.uint64(7)).any()
        )

    def part(self, number: int) -> tuple[NDArray[np.int64], Part]:
        """Message and place of the strings, messages or packed numbers of one field."""
        owner, start, end = self.select(number, BYTES)
        return owner, Part(start.astype(np.int64), end)


def fields_of(data: bytes | bytearray, part: Part) -> Fields:
    """The fields of all these messages: the first ones of all, then the second ones.

    Raises:
        TruncatedError: a field ends behind its message.
        MalformedError: that is no protobuf.
    """
    everything = np.frombuffer(data, dtype=np.uint8)
    rows = np.flatnonzero(part.start < part.end)
    at, ends = part.start[rows], part.end[rows]
    found: list[tuple[NDArray[Any], ...]] = []
    while len(rows) >= _FEW:
        tag, at = _varints(everything, at, ends)
        value, stop = _values(everything, tag, at, ends)
        found.append((rows, tag, value, stop))
        more = stop < ends
        rows, at, ends = rows[more], stop[more], ends[more]
    if len(rows):
        found.append(_one_by_one(data, rows, at, ends))
    if not found:
        nothing = np.empty(0, dtype=np.uint64)
        return Fields(len(part.start), (_NONE, nothing, nothing, _NONE))
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    return Fields(len(part.start), columns)


def _values(
    data: NDArray[np.uint8], tag: NDArray[np.uint64], at: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The value of a field of each message, and where it ends."""
    wire = tag & np.uint64(7)
    if (bad := (wire != VARINT) & (wire != BYTES) & (wire != FIXED64) & (wire != FIXED32) | (tag < 8)).any():
        row = int(np.flatnonzero(bad)[0])
        raise MalformedError(f"no protobuf: a field with the tag {int(tag[row])}", offset=int(at[row]))
    fixed = (wire == FIXED64) | (wire == FIXED32)
    if fixed.any():
        value, stop = np.zeros(len(at), dtype=np.uint64), at.copy()
        value[~fixed], stop[~fixed] = _varints(data, at[~fixed], ends[~fixed])
        stop[fixed] += np.where(wire[fixed] == FIXED64, 8, 4)
    else:
        value, stop = _varints(data, at, ends)
    sized = wire == BYTES
    if sized.any():
        room = ends[sized] - stop[sized]
        long = value[sized] > room.astype(np.uint64)
        length = np.where(long, 0, value[sized].astype(np.int64))
        value[sized] = stop[sized].astype(np.uint64)
        stop[sized] += np.where(long, room + 1, length)
    if (stop > ends).any():
        row = int(np.flatnonzero(stop > ends)[0])
        raise TruncatedError(
            "a field of the profile reaches past the end of its message", offset=int(at[row])
        )
    return value, stop


def _varints(
    data: NDArray[np.uint8], at: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The varints at these places, and where each ends."""
    if (at >= ends).any():
        row = int(np.flatnonzero(at >= ends)[0])
        raise TruncatedError(
            "a number of the profile reaches past the end of its message", offset=int(at[row])
        )
    byte = data[at]
    value = (byte & np.uint8(0x7F)).astype(np.uint64)
    after = at + 1
    more = np.flatnonzero(byte & np.uint8(0x80))
    shift = 7
    while len(more):
        place = after[more]
        if shift > 63:
            raise MalformedError("no protobuf: a varint of more than 10 bytes", offset=int(place[0]))
        if (place >= ends[more]).any():
            raise TruncatedError(
                "a number of the profile reaches past the end of its message", offset=int(place[0])
            )
        byte = data[place]
        value[more] |= (byte & np.uint8(0x7F)).astype(np.uint64) << np.uint64(shift)
        after[more] += 1
        more = more[byte >= 0x80]
        shift += 7
    return value, after


def _one_by_one(
    data: bytes | bytearray, rows: NDArray[np.int64], at: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[Any], ...]:
    owners, tags, values, stops = array("q"), array("Q"), array("Q"), array("q")
    for row, begin, end in zip(rows.tolist(), at.tolist(), ends.tolist(), strict=True):
        place = begin
        while place < end:
            tag, behind = _varint(data, place, end)
            if tag < 8:
                raise MalformedError(f"no protobuf: a field with the tag {tag}", offset=place)
            value, place = _value(data, behind, end, tag & 7)
            owners.append(row)
            tags.append(tag)
            values.append(value)
            stops.append(place)
    return (
        np.frombuffer(owners, np.int64), np.frombuffer(tags, np.uint64),
        np.frombuffer(values, np.uint64), np.frombuffer(stops, np.int64),
    )  # fmt: skip


def packed(data: bytes | bytearray, part: Part) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint64]]]:
    """Of packed numbers, some fields at a time: how many each holds, and the numbers.

    Raises:
        TruncatedError: a field ends within a number.
        MalformedError: that is no protobuf.
        UnsupportedError: a field is too long.
    """
    sizes = part.end - part.start
    if int(sizes.max(initial=0)) > _MOST_PACKED:
        raise UnsupportedError(f"a stack of more than {_MOST_PACKED >> 20} MiB is not handled")
    total = np.cumsum(sizes)
    marks = np.arange(0, int(total[-1]) if len(total) else 0, _BLOCK)
    cuts = sorted({0, *np.searchsorted(total, marks, side="right").tolist(), len(sizes)})
    for first, last in pairwise(cuts):
        starts, ends = part.start[first:last].tolist(), part.end[first:last].tolist()
        joined = b"".join([data[start:end] for start, end in zip(starts, ends, strict=True)])
        yield _unpacked(np.frombuffer(joined, np.uint8), sizes[first:last], part.start[first:last])


def _unpacked(
    block: NDArray[np.uint8], sizes: NDArray[np.int64], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    stops = np.cumsum(sizes)
    last = np.flatnonzero(block < 0x80)
    held = np.searchsorted(last, stops)
    some = sizes > 0
    open_ended = block[stops[some] - 1] >= 0x80
    if open_ended.any():
        where = int(offsets[some][np.flatnonzero(open_ended)[0]])
        raise TruncatedError("packed numbers end within a number", offset=where)
    first = np.append(0, last[:-1] + 1) if len(last) else last
    value = (block[first] & np.uint8(0x7F)).astype(np.uint64)
    longer = np.flatnonzero(last > first)
    place, shift = first[longer] + 1, 7
    while len(longer):
        if shift > 63:
            raise MalformedError("no protobuf: a varint of more than 10 bytes", offset=int(offsets[0]))
        value[longer] |= (block[place] & np.uint8(0x7F)).astype(np.uint64) << np.uint64(shift)
        more = last[longer] > place
        longer, place, shift = longer[more], place[more] + 1, shift + 7
    return np.diff(held, prepend=0), value
