"""A profile of profile.proto in columns: what its messages say, with nothing concluded from it.

Facts are those of github.com/google/pprof/proto/profile.proto and of that project's decoder (profile/encode.go). Text is a
number in the table of strings, ids are whatever the writer liked and need not be dense.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import LONGEST
from goinspect._words import be, counted
from goinspect.errors import MalformedError, UnsupportedError
from goinspect.profiles.pprof.facts import facts_of
from goinspect.profiles.pprof.wire import fields_of, packed, split
from goinspect.results.places import ValueType

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from goinspect.profiles.pprof.wire import Fields, Part, Top
    from goinspect.results.places import ProfileFacts

__all__ = ["Ids", "Labels", "Message", "Strings", "read_message"]

_MAX_TYPES = 1000  # sample types: the richest profiles have a dozen
_MAX_FRAMES = 1 << 27  # of all stacks together
_MAX_VALUES = 1 << 27


class Strings:
    """The table of strings; damaged numbers are "" and counted."""

    def __init__(self, data: bytes | bytearray, part: Part) -> None:
        self._data = data
        self._starts, self._ends = part.start.tolist(), part.end.tolist()
        self._known: dict[int, str] = {}
        self.missing = 0

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int) -> str:
        text = self._known.get(number)
        if text is None:
            if 0 <= number < len(self._starts):
                start = self._starts[number]
                text = self._data[start : min(self._ends[number], start + LONGEST)].decode(
                    "utf-8", "backslashreplace"
                )
            else:
                self.missing += 1
                text = ""
            self._known[number] = text
        return text


class Ids:
    """Rows of messages by the ids that they carry; of several with one id the first is meant."""

    def __init__(self, ids: NDArray[np.uint64]) -> None:
        count = len(ids)
        self._table: NDArray[np.int32] | None = None
        self.repeated = count - len(np.unique(ids)) if count else 0
        if not count or int(ids.max()) < 4 * count + 1024:
            self._table = np.full(int(ids.max(initial=np.uint64(0))) + 1, -1, dtype=np.int32)
            self._table[ids[::-1].astype(np.int64)] = np.arange(count, dtype=np.int32)[::-1]
            return
        self._order = np.argsort(ids, kind="stable").astype(np.int32)
        self._sorted = ids[self._order]

    def rows(self, wanted: NDArray[np.uint64]) -> NDArray[np.int32]:
        """The row of each id, -1 where there is none."""
        if self._table is not None:
            inside = wanted < np.uint64(len(self._table))
            return np.where(inside, self._table[np.where(inside, wanted, np.uint64(0)).astype(np.int64)], -1)
        place = np.minimum(np.searchsorted(self._sorted, wanted), len(self._sorted) - 1)
        return np.where(self._sorted[place] == wanted, self._order[place], -1).astype(np.int32)


class Labels(NamedTuple):
    """What samples are marked with, one row each; text and units are numbers of strings."""

    sample: NDArray[np.int64]
    key: NDArray[np.int64]
    text: NDArray[np.int64]  # 0: it is a number
    number: NDArray[np.int64]
    unit: NDArray[np.int64]


class Mappings(NamedTuple):
    """Files in memory, a row each."""

    start: NDArray[np.uint64]
    limit: NDArray[np.uint64]
    offset: NDArray[np.uint64]
    file: NDArray[np.int64]
    build_id: NDArray[np.int64]
    has_lines: NDArray[np.bool_]  # the writer named its locations, files and lines included


class Places(NamedTuple):
    """Locations, a row each; the lines of location i are rows ``first[i]`` to ``first[i + 1]``, the innermost first."""

    mapping: NDArray[np.int32]  # row in Mappings, -1: none
    address: NDArray[np.uint64]
    first: NDArray[np.int64]
    function: NDArray[np.int32]  # of each line: row in Functions, -1: none
    line: NDArray[np.int64]


class Functions(NamedTuple):
    """Functions, a row each; numbers of strings."""

    name: NDArray[np.int64]
    system_name: NDArray[np.int64]
    file: NDArray[np.int64]
    start_line: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of a profile. Stack i is ``frames[start[i]:start[i + 1]]``, leaf first, rows of `places`, -1: unknown."""

    strings: Strings
    types: tuple[ValueType, ...]
    values: NDArray[np.int64]  # a row for each type
    start: NDArray[np.int64]
    frames: NDArray[np.int32]
    labels: Labels
    mappings: Mappings
    places: Places
    functions: Functions
    facts: ProfileFacts
    warnings: tuple[str, ...]


def read_message(data: bytes | bytearray) -> Message:
    """The profile in `data`.

    Raises:
        TruncatedError: it is cut off.
        MalformedError: that is no profile.
        UnsupportedError: it is larger than what is handled.
    """
    top = split(data)
    strings = Strings(data, top.part(6))
    if not len(strings):
        raise MalformedError("no pprof profile: it has no table of strings")
    if strings[0]:
        raise MalformedError(f"no pprof profile: its first string is {strings[0][:40]!r}, not an empty one")
    _refuse_several(top)
    warnings: list[str] = []
    types = _types(fields_of(data, top.part(1)), strings)
    functions_message = fields_of(data, top.part(5))
    mappings_message = fields_of(data, top.part(3))
    function_ids = _ids(functions_message, "functions", warnings)
    mapping_ids = _ids(mappings_message, "mappings", warnings)
    locations_message = fields_of(data, top.part(4))
    location_ids = _ids(locations_message, "locations", warnings)
    places = _places(data, locations_message, mapping_ids, function_ids)
    samples = fields_of(data, top.part(2))
    labels = _labels(data, samples)
    values, kept = _values(data, samples, len(types), warnings)
    start, frames = _stacks(data, samples, location_ids.rows)
    if not kept.all():
        sizes = np.diff(start)
        frames = frames[np.repeat(kept, sizes)]
        start = np.append(0, np.cumsum(sizes[kept]))
        labels = _only(labels, kept)
    lost = int(np.count_nonzero(frames < 0))
    if lost:
        warnings.append(
            f"{counted(lost, 'frame')} {be(lost)} at a location that the profile does not have, shown as [unknown]"
        )
    return Message(
        strings, types, values, start, frames, labels, _mappings(mappings_message), places,
        _functions(functions_message), facts_of(top, fields_of(data, top.part(11)), strings), tuple(warnings),
    )  # fmt: skip


def _refuse_several(top: Top) -> None:
    """Files put one behind the other are one message to protobuf, of tables that have nothing to do with each other."""
    strings = top.part(6)
    empty = np.flatnonzero(strings.start == strings.end)
    types = top.part(1).start
    if len(empty) > 1 and len(types) and types[0] < strings.start[0] < types[-1]:
        raise MalformedError(
            "several profiles, one behind the other: give them as files of their own to add them up",
            offset=int(types[-1]),
        )


def _texts(fields: Fields, number: int) -> NDArray[np.int64]:
    return fields.number(number).view(np.int64)


def _ids(fields: Fields, what: str, warnings: list[str]) -> Ids:
    ids = Ids(fields.number(1))
    if ids.repeated:
        warnings.append(f"{what}: {counted(ids.repeated, 'id')} of several, the first one is meant")
    return ids


def _types(fields: Fields, strings: Strings) -> tuple[ValueType, ...]:
    if fields.count > _MAX_TYPES:
        raise UnsupportedError(f"a profile of more than {_MAX_TYPES:,} sample types is not handled")
    if not fields.count:
        raise MalformedError("no pprof profile: it has no sample type")
    return tuple(
        ValueType(strings[name], strings[unit])
        for name, unit in zip(_texts(fields, 1).tolist(), _texts(fields, 2).tolist(), strict=True)
    )


# --- samples ---


def _repeated(
    data: bytes | bytearray,
    fields: Fields,
    number: int,
    most: int,
    narrow: Callable[[NDArray[np.uint64]], NDArray[np.generic]],
) -> tuple[NDArray[np.int64], NDArray[np.generic]]:
    """A repeated number of each message: how many it has, and all of them; packed, one by one, or both."""
    owner, part = fields.part(number)
    single, loose, _ = fields.select(number, 0)
    counts, pieces, total = [], [], 0
    for held, value in packed(data, part):
        total += len(value)
        if total > most:
            raise UnsupportedError(f"more than {most:,} numbers in the samples of a profile are not handled")
        counts.append(held)
        pieces.append(narrow(value))
    numbers = np.concatenate(pieces) if pieces else narrow(np.empty(0, dtype=np.uint64))
    holder = np.repeat(owner, np.concatenate(counts)) if counts else owner
    if len(single):  # no writer mixes both forms; what is packed comes first then
        order = np.argsort(np.append(holder, single), kind="stable")
        numbers = np.append(numbers, narrow(loose))[order]
        holder = np.append(holder, single)[order]
    return np.bincount(holder, minlength=fields.count).astype(np.int64), numbers


def _stacks(
    data: bytes | bytearray, samples: Fields, rows: Callable[[NDArray[np.uint64]], NDArray[np.int32]]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    counts, frames = _repeated(data, samples, 1, _MAX_FRAMES, rows)
    return np.append(0, np.cumsum(counts)), frames.astype(np.int32, copy=False)


def _values(
    data: bytes | bytearray, samples: Fields, types: int, warnings: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Which samples have a value of each type: pprof refuses the others; and their values, a row for each type."""
    counts, numbers = _repeated(data, samples, 2, _MAX_VALUES, lambda value: value.view(np.int64))
    good = counts == types
    wrong = int(np.count_nonzero(~good))
    if wrong:
        numbers = numbers[np.repeat(good, counts)]
    out = np.ascontiguousarray(numbers.reshape(-1, types).T)
    if wrong:
        warnings.append(
            f"{counted(wrong, 'sample')} {be(wrong)} left out: not {counted(types, 'value')}, one of each type"
        )
    return out, good


def _labels(data: bytes | bytearray, samples: Fields) -> Labels:
    owner, part = samples.part(3)
    fields = fields_of(data, part)
    return Labels(owner, *(_texts(fields, number) for number in (1, 2, 3, 4)))


def _only(labels: Labels, kept: NDArray[np.bool_]) -> Labels:
    """The labels of the samples that are kept, by their new rows."""
    rows = kept[labels.sample]
    number = np.cumsum(kept) - 1
    return Labels(number[labels.sample[rows]], *(column[rows] for column in labels[1:]))


# --- places ---


def _mappings(fields: Fields) -> Mappings:
    return Mappings(
        fields.number(2), fields.number(3), fields.number(4), _texts(fields, 5), _texts(fields, 6),
        (fields.number(7) != 0) & (fields.number(8) != 0) & (fields.number(9) != 0),
    )  # fmt: skip


def _places(data: bytes | bytearray, fields: Fields, mapping_ids: Ids, function_ids: Ids) -> Places:
    owner, part = fields.part(4)
    lines = fields_of(data, part)
    first = np.append(0, np.cumsum(np.bincount(owner, minlength=fields.count)))
    return Places(
        mapping_ids.rows(fields.number(2)), fields.number(3), first.astype(np.int64),
        function_ids.rows(lines.number(1)), _texts(lines, 2),
    )  # fmt: skip


def _functions(fields: Fields) -> Functions:
    return Functions(*(_texts(fields, number) for number in (2, 3, 4, 5)))
