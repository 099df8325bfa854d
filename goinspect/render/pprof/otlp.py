"""`--format otlp`: ProfilesData of OpenTelemetry's profiles signal, as opentelemetry/proto/profiles/v1development has it.

Written as in OTLP 1.45: tables whose first row is empty, one profile with one kind of value. Where the recording tells the wall
clock (perf record -k), every sample has its time; else the samples of a stack are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.render.pprof import wire
from goinspect.render.pprof.header import value_type
from goinspect.render.pprof.locations import Locator
from goinspect.render.pprof.tables import Mapped, Strings, function_columns, functions_of, lines_of
from goinspect.render.sampletypes import event_type, sample_types
from goinspect.render.values import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from goinspect.render.outputs import DrawOptions
    from goinspect.render.pprof.locations import Locations
    from goinspect.results.flame import FlameProfile
    from goinspect.results.stacks import Stacks

__all__ = ["render"]

_BLOCK = 1 << 13  # stacks at once
_MAPPINGS, _LOCATIONS, _FUNCTIONS, _LINKS, _STRINGS, _ATTRIBUTES, _STACKS = range(1, 8)
# Names of OpenTelemetry's semantic conventions.
_LABELS = {
    "process": "process.executable.name", "pid": "process.pid", "tid": "thread.id", "comm": "thread.name",
    "container": "container.id",
}  # fmt: skip
_BUILD_ID = "process.executable.build_id.gnu"


class _Attributes:
    """The table of attributes; number 0 is empty."""

    def __init__(self, strings: Strings) -> None:
        self._strings = strings
        self._numbers: dict[tuple[str, str], int] = {}

    def number(self, key: str, value: str) -> int:
        """Of this attribute."""
        return self._numbers.setdefault((key, value), len(self._numbers) + 1)

    def encoded(self) -> bytes:
        """KeyValueAndUnit of all."""
        rows = [wire.message(_ATTRIBUTES, b"")]
        for key, value in self._numbers:
            row = wire.number(1, self._strings.number(key)) + wire.message(2, _any(key, value))
            rows.append(wire.message(_ATTRIBUTES, row))
        return b"".join(rows)


def _any(key: str, value: str) -> bytes:
    """AnyValue: a number of what is one."""
    if key in ("process.pid", "thread.id") and value.isdecimal():
        return bytes((3 << 3,)) + wire.varints(np.array([int(value)], dtype=np.uint64)).data.tobytes()
    return wire.message(1, escape_terminal(value).encode("utf-8", "backslashreplace"))


def render(profile: FlameProfile, options: DrawOptions) -> bytes:
    """The message."""
    stacks, strings = profile.stacks, Strings()
    attributes = _Attributes(strings)
    locator = Locator(stacks)
    counts, location = _located(stacks, locator)
    found = locator.found()
    place = np.zeros(int(found.number.max(initial=0)) + 1, dtype=np.int32)
    place[found.number] = np.arange(1, len(found.number) + 1)
    table, number = _stack_table(counts, place[location])
    body = _profile(profile, number, attributes, strings)
    dictionary = b"".join(
        [*_tables(stacks, found, attributes, strings), table, attributes.encoded(), strings.encoded(_STRINGS)]
    )
    name, _, version = options.maker.partition(" ")
    scope = wire.message(1, name.encode()) + wire.message(2, version.encode())
    scoped = wire.message(1, scope) + wire.message(2, body)
    host = profile.metadata.get("hostname", "")
    resource = (
        b"" if not host else wire.message(1, wire.message(1, b"host.name") + wire.message(2, _any("", host)))
    )
    whole = wire.message(1, wire.message(1, resource) + wire.message(2, scoped))
    return whole + wire.message(2, dictionary)


def _located(stacks: Stacks, locator: Locator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many locations each stack has, and all of them, root first."""
    blocks = [locator.block(low, min(low + _BLOCK, len(stacks))) for low in range(0, len(stacks), _BLOCK)]
    nothing = np.empty(0, dtype=np.int64)
    return (
        np.concatenate([nothing, *(counts for counts, _ in blocks)]),
        np.concatenate([nothing, *(location for _, location in blocks)]),
    )


def _stack_table(counts: NDArray[np.int64], location: NDArray[np.int32]) -> tuple[bytes, NDArray[np.int64]]:
    """The distinct stacks, leaf first, and the number of each: those of different threads may be equal."""
    numbers, rows, begin = {b"": 0}, [], 0
    for end in np.cumsum(counts).tolist():
        rows.append(numbers.setdefault(location[begin:end][::-1].tobytes(), len(numbers)))
        begin = end
    flat = np.frombuffer(b"".join(numbers), dtype=np.int32)
    sizes = np.array([len(stack) // 4 for stack in numbers], dtype=np.int64)
    body = wire.nested(1, wire.grouped(wire.varints(flat), sizes))
    return _with_empty(_STACKS, body), np.array(rows, dtype=np.int64)


def _with_empty(tag: int, bodies: wire.Column) -> bytes:
    """Messages of a table, those without bytes too."""
    lengths = wire.varints(bodies.sizes)
    tags = wire.Column(
        np.full(len(bodies.sizes), tag << 3 | 2, dtype=np.uint8), np.ones(len(bodies.sizes), dtype=np.int64)
    )
    return wire.joined(tags, lengths, bodies).data.tobytes()


def _profile(
    profile: FlameProfile, stack: NDArray[np.int64], attributes: _Attributes, strings: Strings
) -> bytes:
    span, kind = profile.span, sample_types(profile)[-1]
    unit = next((event.unit for event in profile.events if event.name == profile.event), "")
    period = b""
    if span.period and unit:
        of = value_type(event_type(profile.event, unit), strings)
        period = wire.message(5, of) + wire.number(6, span.period)
    return b"".join(
        [
            wire.message(1, value_type(kind, strings)),
            _samples(profile, stack, attributes),
            _fixed(3, span.wall) if span.wall else b"",
            wire.number(4, max(span.end - span.begin, 0) + bool(span.wall)),
            period,
        ]
    )


def _fixed(tag: int, value: int) -> bytes:
    return bytes((tag << 3 | 1,)) + value.to_bytes(8, "little")


def _samples(profile: FlameProfile, stack: NDArray[np.int64], attributes: _Attributes) -> bytes:
    """A sample for each stack; its values, and the times of these where the wall clock is known."""
    stacks, wall = profile.stacks, profile.span.wall
    labels = []
    for name, label in stacks.labels.items():
        key = _LABELS.get(name, f"goinspect.{name}")
        numbers = np.array([*(attributes.number(key, value) for value in label.values), 0], dtype=np.int64)
        labels.append(wire.taken(wire.varints(numbers), np.where(label.row < 0, -1, label.row)))
    packed = (
        wire.joined(*labels)
        if labels
        else wire.Column(np.empty(0, np.uint8), np.zeros(len(stacks), np.int64))
    )
    parts = [wire.field(1, stack), wire.nested(2, packed)]
    if wall and stacks.series is not None:
        order = np.argsort(stacks.series.stack, kind="stable")
        counts = np.bincount(stacks.series.stack, minlength=len(stacks))
        times = stacks.series.time[order] - np.uint64(profile.span.begin) + np.uint64(wall)
        eight = np.full(len(times), 8, dtype=np.int64)
        fixed = wire.Column(times.astype("<u8").view(np.uint8), eight)
        parts.append(wire.nested(4, wire.grouped(wire.varints(stacks.series.weight[order]), counts)))
        parts.append(wire.nested(5, wire.grouped(fixed, counts)))
    else:
        parts.append(wire.nested(4, wire.varints(stacks.weight)))
    return wire.nested(2, wire.joined(*parts)).data.tobytes()


def _tables(stacks: Stacks, found: Locations, attributes: _Attributes, strings: Strings) -> Iterator[bytes]:
    known = Mapped.of(stacks, found)
    yield wire.message(_MAPPINGS, b"")
    for module in known.modules:
        facts = module.start, module.end, module.offset, strings.number(module.path)
        body = b"".join(wire.number(tag, value) for tag, value in enumerate(facts, 1))
        if module.build_id:
            number = attributes.number(_BUILD_ID, module.build_id)
            body += wire.message(5, wire.varints(np.array([number])).data.tobytes())
        yield wire.message(_MAPPINGS, body)
    functions, function = functions_of(stacks.frames)
    lines = lines_of(stacks, found, known, function, 3)
    rows = wire.joined(wire.field(1, known.mapping), wire.field(2, known.address), lines)
    yield wire.message(_LOCATIONS, b"") + _with_empty(_LOCATIONS, rows)
    yield wire.message(_FUNCTIONS, b"")
    yield _with_empty(_FUNCTIONS, wire.joined(*function_columns(functions, strings, 1)))
    yield wire.message(_LINKS, b"")
