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
from goinspect.render.pprof.samples import Located, combined, encoded
from goinspect.render.pprof.tables import Strings, tables
from goinspect.render.sampletypes import sample_types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from goinspect.render.outputs import DrawOptions
    from goinspect.render.pprof.locations import Locations
    from goinspect.results.flame import FlameProfile
    from goinspect.results.places import ProfileFacts
    from goinspect.results.stacks import Label, Stacks, Tag

__all__ = ["packed", "render"]

_BLOCK = 1 << 13  # samples at once
_LEVEL = 1  # what Go's own profiles are compressed with
_VALUES, _LABELS = 2, 3
_NUMERIC = ("pid", "tid")


def render(profile: FlameProfile, options: DrawOptions) -> bytes:
    """The profile, compressed; the same stacks give the same bytes."""
    if profile.difference is not None:
        from goinspect.render.difference.pprof import render_both

        return render_both(profile, profile.difference, options)
    values = _values(profile)
    return packed(
        profile.stacks, values, lambda strings: header(profile, strings, options.maker), profile.facts
    )


def packed(
    stacks: Stacks,
    values: list[NDArray[np.int64]],
    head: Callable[[Strings], bytes],
    facts: ProfileFacts | None = None,
) -> bytes:
    """Stacks with these values, behind what `head` says of them; `facts`: of the pprof profile that they are from."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)  # gzip, without a time
    return b"".join([*map(packer.compress, _parts(stacks, values, head, facts)), packer.flush()])


def _parts(
    stacks: Stacks,
    values: list[NDArray[np.int64]],
    head: Callable[[Strings], bytes],
    facts: ProfileFacts | None,
) -> Iterator[bytes]:
    strings = Strings()
    yield head(strings)
    locator = Locator(stacks)
    blocks = [
        Located(*locator.block(low, min(low + _BLOCK, len(stacks)))) for low in range(0, len(stacks), _BLOCK)
    ]
    found = locator.found()
    number = _renumbered(blocks, found)
    # What stands above the stacks of a pprof profile comes from its labels, which are all there.
    labels = {name: label for name, label in stacks.labels.items() if label.tags or facts is None}
    tails, tail = _tails(labels, values, strings)
    yield from encoded(blocks, number, tails, tail)
    yield from tables(stacks, facts, found._replace(number=number[found.number]), strings)
    yield strings.encoded()


def _renumbered(blocks: list[Located], found: Locations) -> NDArray[np.int64]:
    """New numbers of locations, from 1 on: the more often one occurs, the fewer bytes it takes."""
    often = np.zeros(int(found.number.max(initial=0)) + 1, dtype=np.int64)
    for block in blocks:
        often += np.bincount(block.numbers, minlength=len(often))
    number = np.zeros(len(often), dtype=np.int64)
    number[found.number[np.argsort(-often[found.number], kind="stable")]] = np.arange(
        1, len(found.number) + 1
    )
    return number


def _tails(
    labels: dict[str, Label], values: list[NDArray[np.int64]], strings: Strings
) -> tuple[wire.Column, NDArray[np.int64]]:
    """What stands behind the locations of samples, values and labels, and which of these each sample has."""
    tail, first = combined(
        [*(label.row.astype(np.int64) for label in labels.values()), *values], len(values[0])
    )
    pairs = np.stack([column[first] for column in values], axis=1)
    numbers = wire.grouped(wire.varints(pairs.reshape(-1)), np.full(len(first), len(values)))
    texts = [wire.taken(_label(name, label, strings), label.row[first]) for name, label in labels.items()]
    return wire.joined(wire.nested(_VALUES, numbers), *texts), tail


def _values(profile: FlameProfile) -> list[NDArray[np.int64]]:
    stacks = profile.stacks
    columns = [*(weight.values for weight in stacks.weights), stacks.samples]  # SAMPLES is the last
    return [columns[kind.of].astype(np.int64) // kind.scale for kind in sample_types(profile)]


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
