"""Itabs: for a type and an interface that it satisfies, the functions that a call through the interface goes to.

An itab is the addresses of interface and type, a hash, and an address for each method of the interface, at least one
in any case. Source: src/internal/abi/iface.go (before Go 1.23 src/runtime/runtime2.go), ``itablinks`` and
``itaboffset`` of src/runtime/symtab.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goinspect.gosym.layout import TypeLayout
    from goinspect.gosym.types.memory import TypeMemory

__all__ = ["Itab", "ItabPlace", "adjoining_itabs", "itab_head", "itab_size", "linked_itabs"]

_MAX_ITABS = 1 << 22


class Itab(NamedTuple):
    """One itab. `name` is the symbol that the linker gives it, or would give it."""

    vaddr: int
    size: int
    interface: str
    type: str
    name: str


class ItabPlace(NamedTuple):
    """Where an itab is, and the addresses of the descriptors it joins."""

    vaddr: int
    interface: int
    type: int


def itab_head(layout: TypeLayout, ptrsize: int) -> int:
    """Bytes of an itab before its methods."""
    words, more = layout.itab
    return words * ptrsize + -(-more // ptrsize) * ptrsize


def linked_itabs(memory: TypeMemory, itablinks: int, count: int) -> Iterator[ItabPlace]:
    """The itabs that a list of pointers leads to (Go 1.7-1.26).

    Raises:
        MalformedError, TruncatedError: the list or an itab is not in the file.
    """
    if count > _MAX_ITABS:
        raise MalformedError(f"{count} itabs")
    vaddrs = memory.words(itablinks, count)
    for vaddr, (interface, concrete) in zip(vaddrs, memory.pairs(vaddrs), strict=True):
        yield ItabPlace(vaddr, interface, concrete)


def adjoining_itabs(
    memory: TypeMemory, start: int, size: int, layout: TypeLayout, methods: Callable[[int], int | None]
) -> Iterator[ItabPlace]:
    """The itabs that follow each other in [start, start + size) (Go 1.27); `methods` counts those of an interface.

    Raises:
        MalformedError, TruncatedError: they do not end with the range, or are not in the file.
    """
    at, end = start, start + size
    while at < end:
        interface, concrete = memory.words(at, 2)
        count = methods(interface)
        if count is None:
            raise MalformedError(f"the itab at {at:#x} is of no interface")
        yield ItabPlace(at, interface, concrete)
        at += itab_size(layout, memory.ptrsize, count)


def itab_size(layout: TypeLayout, ptrsize: int, methods: int) -> int:
    """Bytes of an itab of an interface with so many methods."""
    return itab_head(layout, ptrsize) + max(1, methods) * ptrsize
