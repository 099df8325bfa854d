"""profile.proto, as github.com/google/pprof/proto/profile.proto defines it.

Addresses are the file's own (vaddr), and mappings say so, where the file was found: profiles of several runs and processes
can be merged, and are disassembled with the file. Code of other files is at the addresses of its process. Restored
callers have the address of their call where only one is possible, else 0.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from goinspect.render.pprof import wire
from goinspect.render.pprof.header import header
from goinspect.render.pprof.locations import locate
from goinspect.render.pprof.tables import Strings, tables
from goinspect.render.sampletypes import sample_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from goinspect.render.outputs import DrawOptions
    from goinspect.render.pprof.locations import LocatedStacks
    from goinspect.results.flame import FlameProfile
    from goinspect.results.stacks import Label, Stacks

__all__ = ["render"]

_BLOCK = 1 << 15  # samples encoded at once
_LEVEL = 1  # what Go's own profiles are compressed with
_SAMPLE, _LOCATIONS, _VALUES, _LABELS = 2, 1, 2, 3
_NUMERIC = ("pid", "tid")


def render(profile: FlameProfile, options: DrawOptions) -> bytes:
    """The profile, compressed; the same stacks give the same bytes."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)  # gzip, without a time
    return b"".join([*map(packer.compress, _parts(profile, options.maker)), packer.flush()])


def _parts(profile: FlameProfile, maker: str) -> Iterator[bytes]:
    stacks, strings = profile.stacks, Strings()
    located = locate(stacks)
    yield header(profile, strings, maker)
    yield from _samples(stacks, located, _values(profile), strings)
    yield from tables(stacks, located, strings)
    yield strings.encoded()


def _values(profile: FlameProfile) -> list[NDArray[np.int64]]:
    stacks = profile.stacks
    columns = [*(weight.values for weight in stacks.weights), stacks.samples]  # SAMPLES is the last
    return [columns[kind.of].astype(np.int64) for kind in sample_types(profile)]


def _samples(
    stacks: Stacks, located: LocatedStacks, values: list[NDArray[np.int64]], strings: Strings
) -> Iterator[bytes]:
    labels = [(_label(name, label, strings), label.row) for name, label in stacks.labels.items()]
    for begin in range(0, len(stacks), _BLOCK):
        rows = slice(begin, min(begin + _BLOCK, len(stacks)))
        start = located.start[rows.start : rows.stop + 1]
        sizes = np.diff(start)
        # Leaf first: the whole block backwards, and its stacks in turn.
        backwards = located.location[start[0] : start[-1]][::-1]
        ids = wire.grouped(wire.varints(backwards + 1), sizes[::-1])
        ids = wire.taken(ids, np.arange(len(sizes) - 1, -1, -1))
        pairs = np.stack([column[rows] for column in values], axis=1)
        numbers = wire.grouped(wire.varints(pairs.reshape(-1)), np.full(len(sizes), len(values)))
        body = wire.joined(
            wire.nested(_LOCATIONS, ids),
            wire.nested(_VALUES, numbers),
            *(wire.taken(text, row[rows]) for text, row in labels),
        )
        yield wire.nested(_SAMPLE, body).data.tobytes()


def _label(name: str, label: Label, strings: Strings) -> wire.Column:
    """A Label for each of its values."""
    key = np.full(len(label.values), strings.number(name))
    if name in _NUMERIC and all(value.isdecimal() for value in label.values):
        value = wire.field(3, np.array([int(value) for value in label.values], dtype=np.uint64))
    else:
        value = wire.field(2, np.array([strings.number(value) for value in label.values], dtype=np.int64))
    return wire.nested(_LABELS, wire.joined(wire.field(1, key), value))
