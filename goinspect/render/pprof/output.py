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
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from goinspect.render.outputs import DrawOptions
    from goinspect.results.flame import FlameProfile
    from goinspect.results.stacks import Label, Tag

__all__ = ["render"]

_BLOCK = 1 << 13  # samples encoded at once
_LEVEL = 1  # what Go's own profiles are compressed with
_SAMPLE, _LOCATIONS, _VALUES, _LABELS = 2, 1, 2, 3
_NUMERIC = ("pid", "tid")


def render(profile: FlameProfile, options: DrawOptions) -> bytes:
    """The profile, compressed; the same stacks give the same bytes."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)  # gzip, without a time
    return b"".join([*map(packer.compress, _parts(profile, options.maker)), packer.flush()])


def _parts(profile: FlameProfile, maker: str) -> Iterator[bytes]:
    stacks, strings = profile.stacks, Strings()
    locator = Locator(stacks)
    yield header(profile, strings, maker)
    yield from _samples(profile, locator, _values(profile), strings)
    yield from tables(profile, locator.found(), strings)
    yield strings.encoded()


def _values(profile: FlameProfile) -> list[NDArray[np.int64]]:
    stacks = profile.stacks
    columns = [*(weight.values for weight in stacks.weights), stacks.samples]  # SAMPLES is the last
    return [columns[kind.of].astype(np.int64) // kind.scale for kind in sample_types(profile)]


def _samples(
    profile: FlameProfile, locator: Locator, values: list[NDArray[np.int64]], strings: Strings
) -> Iterator[bytes]:
    stacks = profile.stacks
    # What stands above the stacks of a pprof profile comes from its labels, which are all there.
    labels = [
        (_label(name, label, strings), label.row)
        for name, label in stacks.labels.items()
        if label.tags or profile.facts is None
    ]
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
    if label.tags:
        return _tags(name, label.tags, strings)
    key = np.full(len(label.values), strings.number(name))
    if name in _NUMERIC and all(value.isdecimal() for value in label.values):
        value = wire.field(3, np.array([int(value) for value in label.values], dtype=np.uint64))
    else:
        value = wire.field(2, np.array([strings.number(value) for value in label.values], dtype=np.int64))
    return wire.nested(_LABELS, wire.joined(wire.field(1, key), value))


def _tags(name: str, tags: tuple[tuple[Tag, ...], ...], strings: Strings) -> wire.Column:
    """The same of labels as a profile had them, of which a sample may have several of one name."""
    flat = [tag for row in tags for tag in row]
    columns = [
        [strings.number(name)] * len(flat), [strings.number(tag.text) for tag in flat],
        [tag.number for tag in flat], [strings.number(tag.unit) for tag in flat],
    ]  # fmt: skip
    fields = [
        wire.field(number, np.array(column, dtype=np.int64)) for number, column in enumerate(columns, 1)
    ]
    return wire.grouped(wire.nested(_LABELS, wire.joined(*fields)), np.array([len(row) for row in tags]))
