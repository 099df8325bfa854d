"""Locations told apart by their addresses, for formats that hold these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from goinspect._ragged import flat_ranges
from goinspect.analysis.recordings.finder import mapped_name
from goinspect.analysis.stacks.framing.expand import flattened
from goinspect.analysis.stacks.symboltable import HIDDEN_CALLER, SymbolTable
from goinspect.model import FrameKind
from goinspect.results.places import Module, Places, Program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.binary import Binary
    from goinspect.model import Mapping
    from goinspect.results.places import ProfileFacts

__all__ = ["Placed", "placed", "program_of"]

_KERNEL = "[kernel.kallsyms]"
_PAGE = 0xFFF


class Placed(NamedTuple):
    """A table with an expansion for each place: expansion i is at place i.

    ``marks``: the place of each frame of each expansion, one after another, -1: none; what is restored has one of its own.
    """

    table: SymbolTable
    places: Places
    marks: NDArray[np.int32]


def placed(table: SymbolTable, mappings: Sequence[Mapping], facts: ProfileFacts | None = None) -> Placed:
    """The table with its locations told apart by address; those of one address in a file are one, in whatever process."""
    modules, module = _modules(table, mappings, facts)
    address = np.where(table.file >= 0, table.vaddr, table.runtime_addr)
    columns = (module, table.expansion, address.view(np.int64), table.caller.view(np.int64))
    (module, expansion, address, caller), inverse = _distinct(columns)
    frames, lengths = flattened(table)
    begins = np.cumsum(lengths) - lengths
    at, sizes = begins[expansion], lengths[expansion]
    flat = frames[flat_ranges(at, sizes)]
    added_by = [frame.restored for frame in table.frames]
    restored = np.array(added_by, dtype=np.bool_)
    callers: dict[tuple[int, int, tuple[int, ...]], int] = {}
    known = np.full(len(caller), -1, dtype=np.int32)
    for row in np.flatnonzero(restored[frames[at]] if len(at) else at).tolist():
        above = tuple(frame for frame in table.expansions[expansion[row]] if added_by[frame])
        key = int(module[row]), int(caller[row]), above
        known[row] = len(caller) + callers.setdefault(key, len(callers))
    more = np.array([key[:2] for key in callers], dtype=np.int64).reshape(-1, 2)
    added = restored | np.array([frame.name == HIDDEN_CALLER for frame in table.frames], dtype=np.bool_)
    owner = np.repeat(np.arange(len(expansion), dtype=np.int32), sizes)
    return Placed(
        SymbolTable(
            frames=table.frames,
            expansions=[table.expansions[row] for row in expansion.tolist()],
            expansion=inverse.astype(np.int32),
            flags=table.flags,
        ),
        Places(
            modules,
            np.concatenate((module, more[:, 0])).astype(np.int32),
            np.concatenate((address, more[:, 1])).view(np.uint64),
        ),
        np.where(added[flat], known[owner], owner),
    )


def _distinct(columns: Sequence[NDArray[Any]]) -> tuple[list[NDArray[Any]], NDArray[np.int64]]:
    """The distinct rows of `columns`, and which each row is: by a hash, which is a tenth of the work, if it tells them apart."""
    odd = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93)
    mixed = np.zeros(len(columns[0]), dtype=np.uint64)
    for column, factor in zip(columns, odd, strict=True):
        mixed ^= column.astype(np.uint64) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    distinct, inverse = np.unique(mixed, return_inverse=True)
    first = np.empty(len(distinct), dtype=np.int64)
    first[inverse] = np.arange(
        len(mixed)
    )  # of equal ones any will do: to ask for the first one takes twice the time
    found = [column[first] for column in columns]
    if all((part[inverse] == column).all() for part, column in zip(found, columns, strict=True)):
        return found, inverse
    rows = np.stack([column.astype(np.int64) for column in columns])
    exact, inverse = np.unique(rows, axis=1, return_inverse=True)
    return [*exact], inverse.reshape(-1)


def _modules(
    table: SymbolTable, mappings: Sequence[Mapping], facts: ProfileFacts | None
) -> tuple[tuple[Module, ...], NDArray[np.int64]]:
    """The files of locations, and the row of each location's; of a file that was not looked into what was told of it."""
    ids: dict[Module, int] = {}
    told, nameless = (facts.placed, facts.nameless) if facts else ((), ())
    least = len(nameless) + 1
    stride = np.int64(len(mappings) + least)
    pair = (table.file + np.int64(1)) * stride + table.mapping + least
    there = np.zeros(int(stride) * (len(table.binaries) + 1), dtype=np.bool_)  # few: no need to sort them
    there[pair] = True
    keys, inverse = np.flatnonzero(there), (np.cumsum(there) - 1)[pair]
    number = []
    files: dict[int, Module] = {}
    for key in keys.tolist():
        file, row = key // int(stride) - 1, key % int(stride) - least
        mapping = mappings[row] if row >= 0 else None
        module: Module | None
        if file >= 0:
            if file not in files:
                files[file] = _of_file(table.binaries[file])
            module = files[file]._replace(path=mapped_name(mapping.path)) if mapping else files[file]
        else:
            module = _of_mapping(mapping)
        if file < 0 and facts is not None and row != -1:
            module = told[row] if row >= 0 else nameless[-2 - row]
        number.append(-1 if module is None else ids.setdefault(module, len(ids)))
    out = np.array(number, dtype=np.int64)[inverse] if number else np.empty(0, np.int64)
    if (out < 0).any():
        kernel = [table.frames[expansion[0]].kind == FrameKind.KERNEL for expansion in table.expansions]
        lost = (out < 0) & np.array(kernel, dtype=np.bool_)[table.expansion]
        if lost.any():
            out[lost] = ids.setdefault(Module(_KERNEL, "", 0, 0, 0, kernel=True), len(ids))
    return tuple(ids), out


def _of_file(binary: Binary) -> Module:
    image = binary.image
    code = [segment for segment in image.segments if segment.executable] or list(image.segments)
    first = min(code, key=lambda segment: segment.vaddr)
    return Module(
        binary.path,
        image.build_id(),
        first.vaddr & ~_PAGE,
        max(segment.vaddr + segment.mem_size for segment in code) + _PAGE & ~_PAGE,
        first.file_offset & ~_PAGE,
        placed=True,
        base=min((segment.vaddr for segment in image.segments), default=0) & ~_PAGE,
        program=program_of(binary),
    )


def program_of(binary: Binary) -> Program | None:
    """What a file says of itself; None where it is not Go's."""
    go = binary.go_or_none
    if go is None:
        return None
    info = go.build_info
    main = info.main if info else None
    return Program(
        (info.go_version if info else None) or "", main.path if main else "", info.path if info else ""
    )


def _of_mapping(mapping: Mapping | None) -> Module | None:
    if mapping is None:
        return None
    path = mapped_name(mapping.path)
    if mapping.kernel:
        path = _KERNEL if path.startswith("[kernel") else path
        return Module(path, mapping.build_id, mapping.start, mapping.end, 0, kernel=True, base=mapping.start)
    if mapping.end <= mapping.start:  # not told
        return Module(path, mapping.build_id, 0, 0, 0) if path else None
    return Module(path, mapping.build_id, mapping.start, mapping.end, mapping.pgoff)
