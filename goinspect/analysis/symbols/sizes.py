"""Bytes of symbols, summed: what `goinspect symbols BIN --by package` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.analysis.symbols.merge import FUNCTION, ITAB, TYPE
from goinspect.gosym.naming.origins import TOOLCHAIN
from goinspect.profiles.base import NamedStacks
from goinspect.results.symbols import KINDS, SizeGroup, SizeGroups, SizeStacks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from goinspect.results.symbols import SymbolList, SymbolRows

__all__ = ["counted", "group_names", "modules_of", "named_sizes", "size_stacks", "stacks_of", "sum_sizes"]

_NO_SECTION = "(no section)"
_MOST = 1 << 62  # bytes: only made-up sections of memory add up to more


def sum_sizes(symbols: SymbolList, by: str, *, sort: str = "size", limit: int | None = None) -> SizeGroups:
    """Sum the rows of a list by "package", "module", "section" or "kind".

    What lies within another symbol (a second name of the same code) is counted once.
    """
    rows = symbols.rows
    names, number = group_names(rows, by)
    bytes_ = np.where(counted(rows.address, rows.size, rows.size_exact), rows.size, 0)
    count = len(names)
    functions, types, bss = rows.kind == FUNCTION, np.isin(rows.kind, (TYPE, ITAB)), in_bss(rows)
    columns = [
        np.minimum(np.bincount(number, weights=np.where(mask, bytes_, 0), minlength=count), _MOST).astype(
            np.int64
        )
        for mask in (functions, ~functions & ~types & ~bss, types, bss)
    ]
    symbols_of = np.bincount(number, minlength=count)
    sums = zip(names, symbols_of.tolist(), *(column.tolist() for column in columns), strict=True)
    groups = [
        SizeGroup(name, held, code, data, types_of, code + data + types_of, memory)
        for name, held, code, data, types_of, memory in sums
        if held
    ]
    order = (lambda group: group.name) if sort == "name" else (lambda group: (-group.size, group.name))
    groups.sort(key=order)
    exact = bool(rows.size_exact[bytes_ > 0].all())
    held, code, data, types_of, memory = (int(symbols_of.sum()), *(int(column.sum()) for column in columns))
    total = SizeGroup("(all)", held, code, data, types_of, code + data + types_of, memory)
    return SizeGroups(symbols.binary, by, tuple(groups[:limit]), total, exact, symbols.warnings)


def in_bss(rows: SymbolRows) -> NDArray[np.bool_]:
    """Which rows are memory only: the file has no bytes for them."""
    return np.isin(rows.letter, ("B", "b"))


def group_names(rows: SymbolRows, by: str) -> tuple[list[str], NDArray[np.int64]]:
    """The groups, and the number of each row's."""
    if by == "kind":
        return list(KINDS), rows.kind.astype(np.int64)
    if by == "section":
        names = [*rows.sections, _NO_SECTION]
        return names, np.where(rows.section >= 0, rows.section, len(rows.sections)).astype(np.int64)
    if by == "module":
        names = [*rows.modules, TOOLCHAIN]
        return names, np.where(rows.module >= 0, rows.module, len(rows.modules)).astype(np.int64)
    # What has no package is told by what it is: (C), (assembly), (toolchain).
    names = [*rows.packages, *rows.modules, TOOLCHAIN]
    without = np.where(rows.module >= 0, rows.module + len(rows.packages), len(names) - 1)
    return names, np.where(rows.package >= 0, rows.package, without).astype(np.int64)


def counted(
    address: NDArray[np.uint64], size: NDArray[np.int64], exact: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which symbols count: of those that overlap, the first and largest one; none whose size is not known.

    A symbol that only reaches to the next one, and has others of a known size in it, is a mark: ``type:*`` in files of
    Windows, where the types that follow it have no symbols.
    """
    known = np.sort(address[exact & (size > 0)])
    inner = np.searchsorted(known, address, side="left")
    beyond = np.searchsorted(known, address + np.maximum(size, 0).astype(np.uint64), side="left")
    size = np.where(exact | (beyond == inner), size, 0)
    sized = np.flatnonzero(size > 0)
    start = address[sized]
    end = start + size[sized].astype(np.uint64)
    order = np.lexsort((-size[sized], start))
    reached = np.maximum.accumulate(np.append(np.uint64(0), end[order][:-1]))
    fresh = start[order] >= reached
    out = np.zeros(len(size), dtype=np.bool_)
    out[sized[order[fresh]]] = True
    return out


def size_stacks(symbols: SymbolList) -> SizeStacks:
    """Each symbol below the type it is a method of, and that below its package; data below its kind.

    What has no package stands below what it is instead: ``(C)``, ``(toolchain)``. Variables that the file has no bytes
    for are left out.
    """
    rows = symbols.rows
    counts = counted(rows.address, rows.size, rows.size_exact) & ~in_bss(rows)
    stacks = tuple(stacks_of(rows, rows.name, rows.size, counts))
    return SizeStacks(symbols.binary, stacks, symbols.warnings, modules_of(rows))


def modules_of(rows: SymbolRows) -> dict[str, str]:
    """Of packages, and of what stands in place of one."""
    pairs = set(zip(rows.package.tolist(), rows.module.tolist(), strict=True))
    packages, modules = [*rows.packages, ""], [*rows.modules, TOOLCHAIN]
    return {packages[package] or modules[module]: modules[module] for package, module in sorted(pairs)}


def stacks_of(
    rows: SymbolRows, names: Sequence[str], sizes: NDArray[np.int64], counts: NDArray[np.bool_]
) -> Iterator[tuple[tuple[str, ...], int]]:
    """Those that count, by these names, with these sizes."""
    packages, modules = [*rows.packages, ""], [*rows.modules, TOOLCHAIN]
    columns = zip(
        counts.tolist(), sizes.tolist(), rows.kind.tolist(), rows.package.tolist(), rows.module.tolist(), rows.receiver, names,
        strict=True,
    )  # fmt: skip
    for counts_, size, kind, package, module, receiver, name in columns:
        if counts_:
            own = packages[package]
            between = [f"{KINDS[kind]}s"] if kind != FUNCTION else [f"{own}.({receiver})"] if receiver else []
            yield (own or modules[module], *between, name), size


def named_sizes(stacks: SizeStacks) -> NamedStacks:
    """The stacks as those of a profile, whose weights are bytes."""
    names: dict[str, int] = {}
    frames = [names.setdefault(name, len(names)) for row, _ in stacks.rows for name in reversed(row)]
    start = np.cumsum([0, *(len(row) for row, _ in stacks.rows)])
    return NamedStacks(
        stacks.binary,
        tuple(names),
        start.astype(np.int64),
        np.array(frames, dtype=np.int32),
        np.array([size for _, size in stacks.rows], dtype=np.uint64),
        unit="bytes",
        subject="sizes",
        warnings=stacks.warnings,
    )
