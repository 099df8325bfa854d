"""What samples refer to: mappings, locations, functions, strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.model import FrameKind
from goinspect.render.pprof import wire
from goinspect.render.values import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from goinspect.render.pprof.locations import Locations
    from goinspect.results.places import Module, ProfileFacts
    from goinspect.results.stacks import StackFrame, Stacks

__all__ = ["Mapped", "Strings", "function_columns", "functions_of", "lines_of", "tables"]

_MAPPING, _LOCATION, _FUNCTION, _STRING = 3, 4, 5, 6
_MANGLED = ("_Z", "_R")  # C++ and Rust: pprof makes them readable, from the system name


class Strings:
    """The string table; number 0 is "". Untrusted text is made safe for terminals."""

    def __init__(self) -> None:
        self._numbers = {"": 0}

    def number(self, text: str) -> int:
        """Of this text."""
        return self._numbers.setdefault(text, len(self._numbers))

    def encoded(self, tag: int = _STRING) -> bytes:
        """All of them, in fields called `tag`."""
        first, *others = (escape_terminal(text) for text in self._numbers)
        body = wire.nested(tag, wire.texts(others)).data.tobytes()
        return wire.message(tag, first.encode()) + body


def tables(
    stacks: Stacks, facts: ProfileFacts | None, located: Locations, strings: Strings
) -> Iterator[bytes]:
    """Mappings, locations and functions; `facts`: of the pprof profile that the stacks are from."""
    known = Mapped.of(stacks, located, facts)
    yield _mappings(known, strings)
    functions, function = functions_of(stacks.frames)
    yield _locations(stacks, located, known, function, bare=facts is not None)
    yield _function_table(functions, strings)


class Mapped(NamedTuple):
    """The modules that locations are in, the main binary first, and for each location its mapping's number, 0: none.

    ``flags``: of each module, whether there are names, files, lines and inlined calls in it.
    """

    modules: list[Module]
    flags: NDArray[np.bool_]
    mapping: NDArray[np.int64]
    address: NDArray[np.uint64]

    @classmethod
    def of(cls, stacks: Stacks, located: Locations, facts: ProfileFacts | None = None) -> Mapped:
        """Where these locations are. What a profile told of its mappings stays, in its order, whatever is in them."""
        places, row = stacks.places, located.place
        known = places.modules if places else ()
        told = dict.fromkeys(facts.mappings if facts else ())
        modules = [*known, *(module for module in told if module not in known)]
        at = np.full(len(row), -1, dtype=np.int64)
        address = np.zeros(len(row), dtype=np.uint64)
        if places is not None and len(places.module):
            at = np.where(row >= 0, places.module[row], -1)
            address = np.where(row >= 0, places.address[row], np.uint64(0))
        # The main binary: the program with most locations.
        weight = np.bincount(at[at >= 0], minlength=len(modules))
        place = {module: nth for nth, module in enumerate(told)}
        order = sorted(
            range(len(modules)),
            key=lambda i: (
                not (modules[i].placed and weight[i]),
                place.get(modules[i], len(place)),
                modules[i].kernel,
                -weight[i],
                i,
            ),
        )
        order = [i for i in order if weight[i] or modules[i] in place]
        number = np.zeros(len(modules) + 1, dtype=np.int64)
        number[order] = np.arange(1, len(order) + 1)
        mapping = number[at]
        return cls(
            [modules[i] for i in order], _flags(stacks, located, mapping, len(order)), mapping, address
        )


def _flags(stacks: Stacks, located: Locations, mapping: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    facts = np.array(
        [(row.kind != FrameKind.UNKNOWN, bool(row.file), row.line > 0, row.inlined) for row in stacks.frames],
        dtype=np.bool_,
    ).reshape(-1, 4)[located.frames]
    owner = np.repeat(mapping, np.diff(located.start))
    columns = [np.bincount(owner[facts[:, i]], minlength=count + 1)[1:] > 0 for i in range(4)]
    return np.stack(columns, axis=1)


def _mappings(known: Mapped, strings: Strings) -> bytes:
    out = []
    for number, module in enumerate(known.modules, 1):
        facts = (
            number, module.start, module.end, module.offset, strings.number(module.path),
            strings.number(module.build_id), *known.flags[number - 1].tolist(),
        )  # fmt: skip
        body = b"".join(wire.number(tag, value) for tag, value in enumerate(facts, 1))
        out.append(wire.message(_MAPPING, body))
    return b"".join(out)


class _Function(NamedTuple):
    name: str
    file: str
    start_line: int


def functions_of(frames: tuple[StackFrame, ...]) -> tuple[dict[_Function, int], NDArray[np.int64]]:
    """The functions, and the number of each frame's."""
    ids: dict[_Function, int] = {}
    number = [
        ids.setdefault(_Function(frame.name, frame.file, frame.start_line), len(ids) + 1) for frame in frames
    ]
    return ids, np.array(number, dtype=np.int64)


def _locations(
    stacks: Stacks, located: Locations, known: Mapped, function: NDArray[np.int64], *, bare: bool
) -> bytes:
    body = wire.joined(
        wire.field(1, located.number),
        wire.field(2, known.mapping),
        wire.field(3, known.address),
        lines_of(stacks, located, known, function, 4, bare=bare),
    )
    return wire.nested(_LOCATION, body).data.tobytes()


def lines_of(
    stacks: Stacks,
    located: Locations,
    known: Mapped,
    function: NDArray[np.int64],
    tag: int,
    *,
    bare: bool = False,
) -> wire.Column:
    """The lines of each location, in fields called `tag`. `bare`: none where nothing is known, as in a pprof profile."""
    counts = np.diff(located.start)
    line = np.array([frame.line for frame in stacks.frames], dtype=np.int64)
    # Innermost first: all lines backwards, and the locations in turn.
    frames = located.frames[::-1]
    lines = wire.joined(wire.field(1, function[frames]), wire.field(2, line[frames]))
    lines = wire.grouped(wire.nested(tag, lines), counts[::-1])
    backwards = np.arange(len(counts) - 1, -1, -1)
    # Whoever has the file can name what is nameless here; of the vDSO and its like there is none.
    files = np.array([not module.path.startswith("[") for module in known.modules], dtype=np.bool_)
    unnamed = np.append(False, ~known.flags[:, 0] & files)[known.mapping]
    if bare:
        named = np.array([frame.kind != FrameKind.UNKNOWN for frame in stacks.frames], dtype=np.bool_)
        owner = np.repeat(np.arange(len(counts)), counts)
        unnamed |= np.bincount(owner[named[located.frames]], minlength=len(counts)) == 0
    return wire.taken(lines, np.where(unnamed, -1, backwards))


def _function_table(functions: dict[_Function, int], strings: Strings) -> bytes:
    number = wire.field(1, np.arange(1, len(functions) + 1))
    return wire.nested(
        _FUNCTION, wire.joined(number, *function_columns(functions, strings, 2))
    ).data.tobytes()


def function_columns(functions: dict[_Function, int], strings: Strings, first: int) -> list[wire.Column]:
    """Name, system name, file and first line, in fields from `first` on.

    Without a system name pprof takes the name as it is; with one it looks for C++ in Go's brackets.
    """
    names = np.array([strings.number(row.name) for row in functions], dtype=np.int64)
    mangled = np.array([row.name.startswith(_MANGLED) for row in functions], dtype=np.bool_)
    columns = (
        names,
        np.where(mangled, names, 0),
        np.array([strings.number(row.file) for row in functions], dtype=np.int64),
        np.array([row.start_line for row in functions], dtype=np.int64),
    )
    return [wire.field(tag, column) for tag, column in enumerate(columns, first)]
