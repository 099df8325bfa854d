"""The columns of a pprof profile as a Profile: its sample types are events, its labels may tell process and thread.

A location that names its functions is believed as it stands. One that does not is a place in a file, as in a recording:
``address - memory_start + file_offset`` of its mapping. The address of a caller is one less than the return address
already. Where a mapping spans everything, addresses are the file's own (GetBase of google/pprof).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.errors import MalformedError
from goinspect.model import Mapping
from goinspect.profiles.base import (
    KIND_GUEST,
    KIND_KERNEL,
    KIND_USER,
    UNPLACED,
    UNPLACED_ADDRESS,
    Event,
    Locations,
    Place,
    Profile,
    Totals,
    Values,
)
from goinspect.profiles.pprof.facts import in_words
from goinspect.profiles.pprof.labels import LabelTable
from goinspect.profiles.pprof.prune import dropped_functions, pruned, pruned_lines
from goinspect.results.places import Module

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.profiles.pprof.message import Mappings, Message
    from goinspect.results.places import ValueType

__all__ = ["build"]

_TOP = 1 << 64
_ALL = _TOP - 1
_KERNEL_HALF = 1 << 63
_MAX_TOTAL = 1 << 63
_MAX_LINE = (1 << 31) - 1
_BUILD_ID = re.compile(r"[0-9a-f]{8,64}")
_MODULE = (".ko", ".ko.gz", ".ko.xz", ".ko.zst")
# Units of time as ns, whatever they are called.
_TIMES = {
    "nanoseconds": 1, "nanosecond": 1, "ns": 1, "microseconds": 10**3, "microsecond": 10**3, "us": 10**3, "µs": 10**3,
    "milliseconds": 10**6, "millisecond": 10**6, "ms": 10**6, "seconds": 10**9, "second": 10**9, "s": 10**9,
}  # fmt: skip
_UNITS = {"byte": "bytes", "b": "bytes", "": "count"}
_SAMPLES = ("samples", "sample")
_EVENT, _SAMPLE = "_event", "_sample"  # of perf_to_profile: cycles_sample, cycles_event
# Labels by which recorders tell whose a sample is: Go programs' own are free text.
_PID = ("pid", "process_id", "process.pid")
_TID = ("tid", "thread_id", "thread.id")
_COMM = ("comm", "thread_name", "thread.name", "thread_comm")


def build(message: Message, path: str) -> Profile:
    """The profile that these columns say."""
    warnings = list(message.warnings)
    names = _Names(message, warnings)
    start, frames = message.start, message.frames
    if names.gone is not None:
        start, frames = pruned(start, frames, names.gone > 0, names.whole)
    locations, numbers, placed = _locations(message, names, start, frames)
    count = len(start) - 1
    events, types, values = _values(message)
    labels = LabelTable(message.labels, message.strings, count)
    who = _Who(labels, count)
    shown = values.columns[values.default]
    if message.strings.missing:
        warnings.append("some text is not in the profile's table of strings, and left empty")
    return Profile(
        path=path,
        events=events,
        event=np.full(count, values.default, dtype=np.uint16),
        pid=who.pid,
        tid=who.tid,
        cpu=who.number("cpu"),
        time=np.zeros(count, dtype=np.uint64),
        weight=np.maximum(shown, 0).astype(np.uint64),
        comm=who.comm,
        comms=who.comms,
        stack_start=start,
        frames=numbers,
        truncated=np.zeros(count, dtype=np.bool_),
        locations=locations,
        mappings=placed.mappings,
        totals=Totals(records=count),
        metadata=in_words(message.facts),
        warnings=tuple(warnings),
        names=names.names,
        cgroup=who.cgroup,
        cgroups=who.cgroups,
        values=values,
        labels=labels,
        places=names.places,
        facts=message.facts._replace(
            types=types, mappings=placed.told, placed=placed.placed, nameless=placed.nameless
        ),
    )


# --- values ---


def _values(message: Message) -> tuple[tuple[Event, ...], tuple[ValueType, ...], Values]:
    columns = message.values.reshape(len(message.types), -1).copy()
    events, types = [], []
    for row, kind in enumerate(message.types):
        name, unit, scale = _unit(kind)
        if _magnitude(columns[row]) * scale >= _MAX_TOTAL:
            raise MalformedError(f"the values of {name!r} add up to more than 2^63 {unit}")
        columns[row] *= scale
        events.append(Event(name, unit))
        types.append(kind._replace(scale=scale))
    names = [event.name for event in events]
    default = len(names) - 1
    if message.facts.default in names:
        default = names.index(message.facts.default)
    return (
        tuple(events),
        tuple(types),
        Values(columns, tuple(_counts(name, events) for name in names), default),
    )


def _unit(kind: ValueType) -> tuple[str, str, int]:
    name, unit = kind.name or "samples", kind.unit.lower()
    if unit in _TIMES:
        return name, "ns", _TIMES[unit]
    if name in _SAMPLES and unit in ("count", ""):
        return name, "samples", 1
    return name, _UNITS.get(unit, kind.unit), 1


def _magnitude(values: NDArray[np.int64]) -> int:
    """The sum without signs, whatever its size."""
    positive = np.where(values < 0, ~values, values).view(np.uint64)
    high, low = positive >> np.uint64(32), positive & np.uint64(0xFFFF_FFFF)
    return (int(high.sum()) << 32) + int(low.sum()) + int(np.count_nonzero(values < 0))


def _counts(name: str, events: list[Event]) -> int:
    """Which values say how many samples each row stands for."""
    partner = name.removesuffix(_EVENT) + _SAMPLE if name.endswith(_EVENT) else ""
    for row, event in enumerate(events):
        if event.unit == "samples" or (partner and event.name == partner and event.unit == "count"):
            return row
    return -1


# --- whose samples ---


class _Who:
    """Process, thread and name of each sample, as far as labels tell."""

    def __init__(self, labels: LabelTable, count: int) -> None:
        self._labels, self._count = labels, count
        self.pid, self.tid = self.number(*_PID), self.number(*_TID)
        self.comm, self.comms = self._text(*_COMM)
        cgroup, self.cgroups = self._text("cgroup")
        self.cgroup = cgroup if self.cgroups else None

    def number(self, *keys: str) -> NDArray[np.int32]:
        for key in keys:
            column = self._labels.numbers(key)
            if column is not None:
                return column
        return np.full(self._count, -1, dtype=np.int32)

    def _text(self, *keys: str) -> tuple[NDArray[np.int32], tuple[str, ...]]:
        for key in keys:
            label = self._labels.column(key)
            if label is not None:
                return label.row, label.values
        return np.full(self._count, -1, dtype=np.int32), ()


# --- names ---


class _Names:
    """What locations are called: the physical function first, then the calls inlined there, outermost first.

    Attributes:
        first: where the lines of each location begin, without those that were dropped.
        gone: how many lines of each location drop_frames takes; None: of none.
        whole: which locations it takes altogether; where they have to stay they do with all lines.
        name: of each location, its row in `names`, -1: it has none.
    """

    def __init__(self, message: Message, warnings: list[str]) -> None:
        functions, strings = message.functions, message.strings
        self._texts = [
            strings[name] or strings[system]
            for name, system in zip(functions.name.tolist(), functions.system_name.tolist(), strict=True)
        ]
        self._function, self._line = message.places.function, message.places.line
        self.first, self.gone = message.places.first, None
        self.whole = np.zeros(len(self.first) - 1, dtype=np.bool_)
        dropped = dropped_functions(
            self._texts, message.facts.drop_frames, message.facts.keep_frames, warnings
        )
        if dropped is not None and len(self._function):
            self.gone = pruned_lines(self.first, np.append(dropped, False)[self._function])
            self.whole = (self.gone > 0) & (self.gone == np.diff(self.first))
            self._leave_out(np.where(self.whole, 0, self.gone))
        self.name, self.names, self.places = self._made(message)

    def _leave_out(self, gone: NDArray[np.int64]) -> None:
        owner = np.repeat(np.arange(len(gone)), np.diff(self.first))
        stays = np.arange(len(owner)) >= self.first[owner] + gone[owner]
        self._function, self._line = self._function[stays], self._line[stays]
        self.first = np.append(0, np.cumsum(np.bincount(owner[stays], minlength=len(gone))))

    def _made(
        self, message: Message
    ) -> tuple[NDArray[np.int32], tuple[tuple[str, ...], ...], tuple[tuple[Place, ...], ...]]:
        """The name of each location; locations that are called the same have one."""
        functions, texts = message.functions, self._texts
        files = [message.strings[number] for number in functions.file.tolist()]
        starts = np.clip(functions.start_line, 0, _MAX_LINE).tolist()
        function, line = self._function.tolist(), np.clip(self._line, 0, _MAX_LINE).tolist()
        pairs = list(zip(function, line, strict=True))
        named = np.append(np.array([bool(text) for text in texts], dtype=np.bool_), False)[self._function]
        counts = np.diff(self.first)
        owner = np.repeat(np.arange(len(counts)), counts)
        some = np.bincount(owner[named], minlength=len(counts)) > 0
        ids: dict[tuple[tuple[int, int], ...], int] = {}
        out = np.full(len(counts), -1, dtype=np.int32)
        bounds = self.first.tolist()
        rows = np.flatnonzero(some).tolist()
        out[rows] = [ids.setdefault(tuple(pairs[bounds[row] : bounds[row + 1]]), len(ids)) for row in rows]
        frames: dict[tuple[int, int], tuple[str, Place]] = {}
        for pair in {pair for key in ids for pair in key}:
            number, at = pair
            known = number >= 0 and texts[number]
            frames[pair] = (
                (texts[number], Place(files[number], at, starts[number]))
                if known
                else ("[unknown]", Place("", 0, 0))
            )
        lists = [[frames[pair] for pair in reversed(key)] for key in ids]
        return (
            out,
            tuple(tuple(name for name, _ in parts) for parts in lists),
            tuple(tuple(place for _, place in parts) for parts in lists),
        )


# --- places ---


class _Placed(NamedTuple):
    """Where the mappings of a message are among those of the profile: as told, and for addresses outside of it."""

    mappings: tuple[Mapping, ...]
    placed: tuple[Module, ...]  # of each of them, what the message says
    nameless: tuple[Module, ...]
    told: tuple[Module, ...]  # all that the message says
    inside: NDArray[np.int32]
    outside: NDArray[np.int32]
    kind: NDArray[np.uint8]


def _mapped(message: Message) -> _Placed:
    told: Mappings = message.mappings
    out: list[Mapping] = []
    modules: list[Module] = []
    nameless: list[Module] = []
    every: list[Module] = []
    rows = []
    for start, limit, offset, file, build_id in zip(
        told.start.tolist(), told.limit.tolist(), told.offset.tolist(), told.file.tolist(), told.build_id.tolist(), strict=True
    ):  # fmt: skip
        name, identity = message.strings[file], message.strings[build_id]
        identity = identity if _BUILD_ID.fullmatch(identity) else ""
        path = name or (f"[build ID {identity}]" if identity else "")
        kind = _kind_of(path)
        inside = outside = len(out)
        exact = Module(name, message.strings[build_id], start, limit, offset, kernel=kind == KIND_KERNEL)
        every.append(exact)
        if not path:
            nameless.append(exact)
            inside = outside = -1 - len(nameless)
        elif kind != KIND_USER:
            out.append(Mapping(0, _TOP, 0, path, identity, kernel=kind == KIND_KERNEL))
        else:
            everything = not start and not offset and limit in (0, _ALL)
            places = [UNPLACED_ADDRESS if everything else UNPLACED]
            if start < limit and not everything:
                places.append((start, limit))
                inside += 1
            out += [
                Mapping(first, end, offset if end else 0, path, identity, identified=bool(identity))
                for first, end in places
            ]
        modules += [exact] * (len(out) - len(modules))
        rows.append((inside, outside, kind))
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return _Placed(
        tuple(out),
        tuple(modules),
        tuple(nameless),
        tuple(every),
        columns[0].astype(np.int32),
        columns[1].astype(np.int32),
        columns[2].astype(np.uint8),
    )


def _kind_of(path: str) -> int:
    if path.startswith("[guest"):
        return KIND_GUEST
    base = path.rpartition("/")[2]
    kernel = path.startswith("[kernel") or base.startswith("vmlinu") or base.endswith(_MODULE)
    return KIND_KERNEL if kernel else KIND_USER


def _locations(
    message: Message, names: _Names, start: NDArray[np.int64], frames: NDArray[np.int32]
) -> tuple[Locations, NDArray[np.int32], _Placed]:
    """The distinct places of the stacks, the place of each frame, and what is mapped.

    Behind all locations of the message stands one more, for frames at none of them.
    """
    places, placed, told = message.places, _mapped(message), message.mappings
    address = np.append(places.address, np.uint64(0))
    which = np.append(places.mapping, np.int32(-1))
    has = which >= 0
    own = np.where(has, which, 0) if len(told.start) else np.zeros(len(which), dtype=np.int32)
    low, high, offset = (
        np.append(column, np.uint64(0))[own] for column in (told.start, told.limit, told.offset)
    )
    inside, outside = (np.append(column, np.int32(-1))[own] for column in (placed.inside, placed.outside))
    within = has & (inside != outside) & (address >= low) & (address < high)
    nowhere = (address == 0) | (address == _ALL)  # Go writes the PC 0 less one
    mapping = np.where(has, np.where(within, inside, outside), -1).astype(np.int32)
    mapping[nowhere & (np.append(names.name, np.int32(-1)) < 0)] = -1
    kind = np.where(has, np.append(placed.kind, np.uint8(KIND_USER))[own], KIND_USER).astype(np.uint8)
    kind[(address >= _KERNEL_HALF) & (kind == KIND_USER) & ~nowhere] = KIND_KERNEL
    name = np.append(names.name, np.int32(-1))
    complete = (name >= 0) & (_has_source(message, names) | (has & np.append(told.has_lines, False)[own]))
    keys, number = _keyed(start, frames, kind)
    row, exact = keys >> 1, (keys & 1).astype(np.bool_)
    return (
        Locations(
            mapping=mapping[row],
            file_offset=np.where(
                mapping >= 0, np.where(within, address - low + offset, address), np.uint64(0)
            )[row],
            runtime_addr=address[row],
            kind=kind[row],
            exact=exact,
            name=name[row],
            complete=complete[row],
        ),
        number,
        placed,
    )


def _has_source(message: Message, names: _Names) -> NDArray[np.bool_]:
    """Of which locations does the profile know a line, or the calls inlined there?"""
    told = [len(places) > 1 or any(place.line for place in places) for places in names.places]
    found = np.append(np.array(told, dtype=np.bool_), False)[names.name]
    return np.append(found, False)


def _keyed(
    start: NDArray[np.int64], frames: NDArray[np.int32], kind: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The distinct (location, is it exact) that occur, in one number, and which of them each frame is.

    Exact are the innermost addresses, and the first of user code below the kernel's.
    """
    last = len(kind) - 1
    keys = np.where(frames < 0, last, frames) << np.int32(1)
    exact = np.zeros(len(frames), dtype=np.bool_)
    exact[start[:-1][np.diff(start) > 0]] = True
    kernel = kind[keys >> 1] == KIND_KERNEL
    if kernel.any():
        exact[1:] |= kernel[:-1] & ~kernel[1:]
    keys |= exact
    used = np.flatnonzero(np.bincount(keys, minlength=2 * len(kind)))
    number = np.zeros(2 * len(kind), dtype=np.int32)
    number[used] = np.arange(len(used))
    return used, number[keys]
