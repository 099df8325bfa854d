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
from goinspect.render.pprof.locations import Locator
from goinspect.render.pprof.tables import Strings, tables
from goinspect.render.sampletypes import sample_types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile
    from goinspect.results.stacks import Label, Stacks

__all__ = ["packed", "render"]

_BLOCK = 1 << 13  # samples encoded at once
_LEVEL = 1  # what Go's own profiles are compressed with
_SAMPLE, _LOCATIONS, _VALUES, _LABELS = 2, 1, 2, 3
_NUMERIC = ("pid", "tid")


def render(profile: FlameProfile, options: DrawOptions) -> bytes:
    """The profile, compressed; the same stacks give the same bytes."""
    return packed(profile.stacks, _values(profile), lambda strings: header(profile, strings, options.maker))


def packed(stacks: Stacks, values: list[NDArray[np.int64]], head: Callable[[Strings], bytes]) -> bytes:
    """Stacks with these values, behind what `head` says of them."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)  # gzip, without a time
    return b"".join([*map(packer.compress, _parts(stacks, values, head)), packer.flush()])


def _parts(
    stacks: Stacks, values: list[NDArray[np.int64]], head: Callable[[Strings], bytes]
) -> Iterator[bytes]:
    strings, locator = Strings(), Locator(stacks)
    yield head(strings)
    yield from _samples(stacks, locator, values, strings)
    yield from tables(stacks, locator.found(), strings)
    yield strings.encoded()


def _values(profile: FlameProfile) -> list[NDArray[np.int64]]:
    stacks = profile.stacks
    columns = [*(weight.values for weight in stacks.weights), stacks.samples]  # SAMPLES is the last
    return [columns[kind.of].astype(np.int64) for kind in sample_types(profile)]


def _samples(
    stacks: Stacks, locator: Locator, values: list[NDArray[np.int64]], strings: Strings
) -> Iterator[bytes]:
    labels = [(_label(name, label, strings), label.row) for name, label in stacks.labels.items()]
    # Leaf first: all of a block backwards, its stacks with it.
    for end in range(len(stacks), 0, -_BLOCK):
        rows = slice(max(end - _BLOCK, 0), end)
        counts, location = locator.block(rows.start, end)
        ids = wire.grouped(wire.varints(location[::-1]), counts[::-1])
        pairs = np.stack([column[rows][::-1] for column in values], axis=1)
        numbers = wire.grouped(wire.varints(pairs.reshape(-1)), np.full(len(counts), len(values)))
        body = wire.joined(
            wire.nested(_LOCATIONS, ids),
            wire.nested(_VALUES, numbers),
            *(wire.taken(text, row[rows][::-1]) for text, row in labels),
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
