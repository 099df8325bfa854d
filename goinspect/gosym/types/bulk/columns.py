"""Types and itabs of a module as columns: read in bulk where all of it makes sense."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.gosym.types.bulk.data import OddError
from goinspect.gosym.types.bulk.descriptors import BulkReader, Columns
from goinspect.gosym.types.bulk.naming import full_names, packages_of
from goinspect.gosym.types.descriptors import TypeReader
from goinspect.gosym.types.itabs import Itab, itab_head
from goinspect.gosym.types.kinds import INTERFACE
from goinspect.gosym.types.strays import strays_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.gosym.types.descriptors import Descriptor
    from goinspect.gosym.types.itabs import ItabPlace
    from goinspect.gosym.types.places import TypePlaces

__all__ = ["TypeColumns", "columns_of", "read_bulk"]


class TypeColumns(NamedTuple):
    """Types in order of their addresses, and itabs."""

    name: list[str]
    vaddr: NDArray[np.uint64]
    extent: NDArray[np.int64]  # bytes of the descriptor
    kind: NDArray[np.int64]
    size: NDArray[np.uint64]
    named: NDArray[np.bool_]
    package: list[str]
    itabs: list[Itab]


def columns_of(types: Sequence[Descriptor], names: list[str], itabs: list[Itab]) -> TypeColumns:
    """The same of descriptors that were read one by one."""
    return TypeColumns(
        names,
        np.array([one.vaddr for one in types], dtype=np.uint64),
        np.array([one.extent for one in types], dtype=np.int64),
        np.array([one.kind for one in types], dtype=np.int64),
        np.array([one.size for one in types], dtype=np.uint64),
        np.array([one.named for one in types], dtype=np.bool_),
        [one.package for one in types],
        itabs,
    )


def read_bulk(places: TypePlaces, itabs: Sequence[ItabPlace], budget: int) -> TypeColumns | None:
    """All types, as reading them one by one finds them; None where something makes no sense, or is rare.

    Args:
        places: where they are.
        itabs: the itabs of the module.
        budget: how many characters all names together may have.
    """
    if not isinstance(places.reader, TypeReader) or places.memory.ptrsize != places.reader.word:
        return None
    try:
        return _read(places, BulkReader(places.reader), itabs, budget)
    except (OddError, RecursionError):
        return None


def _read(places: TypePlaces, reader: BulkReader, itabs: Sequence[ItabPlace], budget: int) -> TypeColumns:
    joined = [vaddr for itab in itabs for vaddr in (itab.interface, itab.type)]
    all_listed = places.listed()
    if min(all_listed, default=0) < reader.base:
        raise OddError
    listed = np.array(all_listed, dtype=np.uint64)
    found = reader.follow(np.concatenate((listed, np.array(joined, dtype=np.uint64))))
    if not found or not all(map(reader.holds, listed.tolist())):
        raise OddError
    between = _strays(reader, Columns.joined(found))
    found += reader.follow(np.array([one.vaddr for one in between], dtype=np.uint64))
    types = Columns.joined(found)
    if int(types.extent.sum()) > places.bytes:
        raise OddError
    packages = packages_of(reader, types)
    names = full_names(reader, types, packages, budget, between)
    paths, index = packages
    vaddrs = types.at.astype(np.uint64) + np.uint64(reader.base)
    return TypeColumns(
        names, vaddrs, types.extent, types.kind, types.size, types.named, [paths[number] for number in index.tolist()],
        _itabs(places, reader, types, names, itabs),
    )  # fmt: skip


def _strays(reader: BulkReader, known: Columns) -> list[Descriptor]:
    """Descriptors between those that are known, in gaps that have room for one."""
    start, end = (known.at + known.extent)[:-1], known.at[1:]
    room = end - start >= reader.header
    gaps = zip((start[room] + reader.base).tolist(), (end[room] + reader.base).tolist(), strict=True)
    return list(strays_between(reader.reader, gaps, reader.holds))


def _itabs(
    places: TypePlaces, reader: BulkReader, types: Columns, names: list[str], itabs: Sequence[ItabPlace]
) -> list[Itab]:
    """Itabs in order, with names and sizes."""
    order = sorted(set(itabs))
    if not order:
        return []
    interface, concrete = (
        np.array([place[at] for place in order], dtype=np.uint64) - np.uint64(reader.base) for at in (1, 2)
    )
    of, by = (
        np.minimum(np.searchsorted(types.at, at.astype(np.int64)), len(types.at) - 1)
        for at in (interface, concrete)
    )
    there = (types.at[of] == interface.astype(np.int64)) & (types.at[by] == concrete.astype(np.int64))
    methods = np.zeros(len(order), dtype=np.int64)
    behind = types.at[of] + reader.header
    real = types.kind[of] == INTERFACE
    methods[real] = reader.arrays.counts(behind[real] + 2 * reader.word)
    # The number of fields of a struct, if it is none.
    if (there & ~real).any():
        raise OddError
    head, mark = itab_head(places.layout, reader.word), places.layout.mark
    sizes = head + np.maximum(methods, 1) * reader.word
    rows = zip(order, there.tolist(), sizes.tolist(), of.tolist(), by.tolist(), strict=True)
    return [
        Itab(place.vaddr, size, names[first], names[second], f"go{mark}itab.{names[second]},{names[first]}")
        for place, known, size, first, second in rows
        if known
    ]
