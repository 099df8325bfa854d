"""The types a Go binary knows at run time, and its itabs: found through moduledata, stripped or not.

Up to Go 1.26 ``typelinks`` lists those types that reflection may look for by name; since 1.27 their descriptors come
first in ``types``. Others are reached from these: by elem, field, parameter, method, pointer, and from itabs; those that
only code refers to lie between them.
Source: src/runtime/{symtab,type}.go, src/cmd/link/internal/ld/{data,symtab}.go.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import GoinspectError
from goinspect.gosym.types.descriptors import TypeReader
from goinspect.gosym.types.itabs import Itab, itab_head, itab_size
from goinspect.gosym.types.kinds import INTERFACE, KINDS
from goinspect.gosym.types.names import TypeNames
from goinspect.gosym.types.places import find_places
from goinspect.gosym.types.strays import strays

if TYPE_CHECKING:
    from goinspect.gosym.layout import TypeLayout
    from goinspect.gosym.module import GoModule
    from goinspect.gosym.moduledata import Moduledata
    from goinspect.gosym.types.bulk.columns import TypeColumns
    from goinspect.gosym.types.descriptors import Descriptor
    from goinspect.gosym.types.descriptors_old import OldTypeReader
    from goinspect.gosym.types.itabs import ItabPlace
    from goinspect.gosym.types.places import TypePlaces
    from goinspect.objfile.image import Image

__all__ = [
    "FoundTypes",
    "GoType",
    "Itab",
    "TypeData",
    "TypeSummary",
    "method_slots",
    "read_type_columns",
    "read_types",
    "summarize_types",
]

_MAX_TEXT = (
    2,
    1 << 20,
)  # characters of all full names: for each byte of type data (real ones have 0.4), and more


class GoType(NamedTuple):
    """One type."""

    vaddr: int  # of the descriptor
    name: str  # as symbols and DWARF have it: "*net/http.Request", "struct { F uintptr; X0 *main.T }"
    package: str  # import path of a named type; "" for others, and for predeclared ones
    kind: str  # as reflect.Kind names it
    size: int  # bytes of a value
    descriptor_size: int  # bytes
    named: bool


class TypeSummary(NamedTuple):
    """Type data without looking at it."""

    address: int
    bytes: int  # from types to etypes; up to Go 1.26 other read-only data may follow the types
    listed: int  # types that reflection may look for
    itabs: int
    found_by: str
    warnings: tuple[str, ...] = ()


class TypeData(NamedTuple):
    """All types and itabs of a module, each sorted by address."""

    types: tuple[GoType, ...]
    itabs: tuple[Itab, ...]
    listed: int
    address: int
    bytes: int
    found_by: str
    warnings: tuple[str, ...]


class FoundTypes(NamedTuple):
    """The same, but types and itabs in columns."""

    rows: TypeColumns
    listed: int
    address: int
    bytes: int
    found_by: str
    warnings: tuple[str, ...]


def summarize_types(image: Image, module: GoModule) -> TypeSummary | None:
    """Where type data is and how much there is; None without moduledata, or when that does not lead to any."""
    places = (
        None if module.moduledata is None else find_places(image, module, module.moduledata, relocate=False)
    )
    if places is None:
        return None
    itabs = places.count_itabs()
    return TypeSummary(
        places.address, places.bytes, places.listed_count, itabs, places.found_by, tuple(places.warnings)
    )


def read_types(image: Image, module: GoModule) -> TypeData | None:
    """Every type and itab that the module's moduledata leads to; None without moduledata (before Go 1.5, or not found).

    Where it leads to no type data that makes sense, there are no types but a warning. Raises nothing.
    """
    found = read_type_columns(image, module)
    if found is None:
        return None
    rows = found.rows
    types = tuple(
        map(
            GoType, rows.vaddr.tolist(), rows.name, rows.package, [KINDS[kind] for kind in rows.kind.tolist()],
            rows.size.tolist(), rows.extent.tolist(), rows.named.tolist(),
        )
    )  # fmt: skip
    return TypeData(types, tuple(rows.itabs), *found[1:])


def read_type_columns(image: Image, module: GoModule) -> FoundTypes | None:
    """The same as columns of numpy."""
    if module.moduledata is None:
        return None
    # So many tuples are made, and no garbage, that looking for some would take a third of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _read(image, module, module.moduledata)
    finally:
        if collecting:
            gc.enable()


def _read(image: Image, module: GoModule, moduledata: Moduledata) -> FoundTypes:
    from goinspect.gosym.types.bulk.columns import columns_of, read_bulk  # numpy: a summary does without

    places = find_places(image, module, moduledata, relocate=True)
    if places is None:
        return FoundTypes(columns_of([], [], []), 0, 0, 0, f"moduledata, found by {moduledata.found_by}", (
            "no types: moduledata does not lead to type data of a known layout",
        ))  # fmt: skip
    warnings = places.warnings
    itabs = _itab_places(places, warnings)
    budget = _MAX_TEXT[0] * places.bytes + _MAX_TEXT[1]
    rows = read_bulk(places, itabs, budget)
    if rows is None:
        found = _reachable(places, itabs, warnings)
        names = TypeNames(found, places.layout, budget)
        full = _full_names(found, names, warnings)
        rows = columns_of(
            [found[vaddr] for vaddr in full],
            list(full.values()),
            _itabs(itabs, found, names, places.layout, image.ptrsize),
        )
    return FoundTypes(
        rows, places.listed_count, places.address, places.bytes, places.found_by, tuple(warnings)
    )


def method_slots(image: Image, module: GoModule) -> dict[str, frozenset[int]] | None:
    """For each name of a method of an interface: where in itabs its address may be, in bytes from their start.

    Of all interfaces that the type data leads to; None where these are not known.
    """
    if module.moduledata is None:
        return None
    places = find_places(image, module, module.moduledata, relocate=True)
    if places is None:
        return None
    warnings: list[str] = []
    found = _reachable(places, _itab_places(places, warnings), warnings)
    if warnings:
        return None
    head, slots = itab_head(places.layout, image.ptrsize), dict[str, set[int]]()
    for one in found.values():
        if one.kind == INTERFACE:
            for number, method in enumerate(one.parts):
                slots.setdefault(method.name, set()).add(head + number * image.ptrsize)
    return {name: frozenset(where) for name, where in slots.items()}


def _itab_places(places: TypePlaces, warnings: list[str]) -> list[ItabPlace]:
    found: list[ItabPlace] = []
    try:
        found.extend(places.itabs())
    except GoinspectError as error:
        warnings.append(f"itabs end early: {error.message}")
    return found


def _reachable(places: TypePlaces, itabs: list[ItabPlace], warnings: list[str]) -> dict[int, Descriptor]:
    """Every descriptor that others lead to, and those between them, by address."""
    reader = places.reader
    found: dict[int, Descriptor] = {}
    refused: set[int] = set()
    todo = [vaddr for itab in itabs for vaddr in (itab.interface, itab.type) if reader.offset(vaddr) >= 0]
    todo += places.listed()
    left = _follow(reader, todo, found, refused, places.bytes)
    if isinstance(reader, TypeReader) and left >= 0:
        left = _follow(reader, [one.vaddr for one in strays(reader, found)], found, refused, left)
    if left < 0:
        warnings.append("type descriptors overlap: the rest is left out")
    if refused:
        total = len(found) + len(refused)
        warnings.append(f"{len(refused)} of {total} type descriptors make no sense and are left out")
    return found


def _follow(
    reader: TypeReader | OldTypeReader,
    todo: list[int],
    found: dict[int, Descriptor],
    refused: set[int],
    left: int,
) -> int:
    """Read the descriptors at `todo` and those they lead to, of at most `left` bytes; returns what is left of them."""
    seen = {*todo, *found, *refused}
    while todo and left >= 0:
        vaddr = todo.pop()
        descriptor = None if vaddr in found else reader.read(vaddr)
        if descriptor is None:
            if vaddr not in found:
                refused.add(vaddr)
            continue
        left -= descriptor.extent
        found[vaddr] = descriptor
        leads_to = descriptor.elems + descriptor.others
        if descriptor.parts:
            leads_to += tuple([part.type for part in descriptor.parts])
        for other in leads_to:
            if other not in seen:
                seen.add(other)
                if reader.offset(other) >= 0:
                    todo.append(other)
    return left


def _full_names(found: dict[int, Descriptor], names: TypeNames, warnings: list[str]) -> dict[int, str]:
    """Names by address, in order."""
    full, short = {}, 0
    for vaddr in sorted(found):
        name = names.full(vaddr)
        short += name is None
        full[vaddr] = found[vaddr].text if name is None else name
    if short:
        warnings.append(
            f"{short} types keep names with short package names: not all of their parts are known"
        )
    return full


def _itabs(
    places: list[ItabPlace], found: dict[int, Descriptor], names: TypeNames, layout: TypeLayout, ptrsize: int
) -> list[Itab]:
    itabs = []
    for place in sorted(set(places)):
        interface, concrete = found.get(place.interface), found.get(place.type)
        if interface is None or concrete is None:
            continue
        of = names.full(interface.vaddr) or interface.text
        by = names.full(concrete.vaddr) or concrete.text
        size = itab_size(layout, ptrsize, len(interface.parts))
        itabs.append(Itab(place.vaddr, size, of, by, f"go{layout.mark}itab.{by},{of}"))
    return itabs
