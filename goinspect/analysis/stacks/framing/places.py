"""Locations told apart by their addresses, for formats that hold these."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.analysis.recordings.finder import mapped_name
from goinspect.analysis.stacks.symboltable import HIDDEN_CALLER, SymbolTable
from goinspect.model import FrameKind
from goinspect.results.places import Module, Places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.binary import Binary
    from goinspect.model import Mapping
    from goinspect.results.profiled import ProfileFacts

__all__ = ["Placed", "placed"]

_KERNEL = "[kernel.kallsyms]"
_PAGE = 0xFFF


class Placed(NamedTuple):
    """A table with an expansion for each place: expansion i is at place i, what is restored in it at ``caller[i]``."""

    table: SymbolTable
    places: Places
    caller: NDArray[np.int32]  # -1 where nothing is

    def of_frames(self, frame: NDArray[np.int32], expansion: NDArray[np.int32]) -> NDArray[np.int32]:
        """The place of each frame, by the expansion it is of; -1: none."""
        added = [frame.restored or frame.name == HIDDEN_CALLER for frame in self.table.frames]
        restored = np.array([*added, False], dtype=np.bool_)[frame]
        place = np.where(restored, self.caller[expansion], expansion) if len(self.caller) else expansion
        return np.where(expansion < 0, np.int32(-1), place).astype(np.int32)


def placed(table: SymbolTable, mappings: Sequence[Mapping], facts: ProfileFacts | None = None) -> Placed:
    """The table with its locations told apart by address; those of one address in a file are one, in whatever process."""
    modules, module = _modules(table, mappings, facts)
    address = np.where(table.file >= 0, table.vaddr, table.runtime_addr)
    rows = np.stack(
        (module, table.expansion.astype(np.int64), address.view(np.int64), table.caller.view(np.int64))
    )
    found, inverse = _distinct(rows)
    module, expansion, address, caller = found[0], found[1], found[2], found[3]
    expansions = [table.expansions[row] for row in expansion.tolist()]
    restored = [frame.restored for frame in table.frames]
    callers: dict[tuple[int, int, tuple[int, ...]], int] = {}
    known = np.full(len(caller), -1, dtype=np.int32)
    for row in np.flatnonzero(np.array([restored[e[0]] for e in table.expansions])[expansion]).tolist():
        above = tuple(frame for frame in expansions[row] if restored[frame])
        key = int(module[row]), int(caller[row]), above
        known[row] = len(caller) + callers.setdefault(key, len(callers))
    more = np.array([key[:2] for key in callers], dtype=np.int64).reshape(-1, 2)
    return Placed(
        SymbolTable(
            frames=table.frames,
            expansions=expansions,
            expansion=inverse.astype(np.int32),
            flags=table.flags,
        ),
        Places(
            modules,
            np.concatenate((module, more[:, 0])).astype(np.int32),
            np.concatenate((address, more[:, 1])).view(np.uint64),
        ),
        known,
    )


def _distinct(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct columns of `rows`, and which each one is: by a hash, which is a tenth of the work, if it tells them apart."""
    odd = np.array(
        [0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93], np.uint64
    )
    with np.errstate(over="ignore"):
        mixed = np.bitwise_xor.reduce(rows.view(np.uint64) * odd[:, None], axis=0)
        mixed ^= mixed >> np.uint64(31)
    _, first, inverse = np.unique(mixed, return_index=True, return_inverse=True)
    found = rows[:, first]
    if not (found[:, inverse] == rows).all():
        found, inverse = np.unique(rows, axis=1, return_inverse=True)
    return found, inverse.reshape(-1)


def _modules(
    table: SymbolTable, mappings: Sequence[Mapping], facts: ProfileFacts | None
) -> tuple[tuple[Module, ...], NDArray[np.int64]]:
    """The files of locations, and the row of each location's; of a file that was not looked into what was told of it."""
    ids: dict[Module, int] = {}
    told, nameless = (facts.placed, facts.nameless) if facts else ((), ())
    least = len(nameless) + 1
    stride = np.int64(len(mappings) + least)
    keys, inverse = np.unique(
        (table.file + np.int64(1)) * stride + table.mapping + least, return_inverse=True
    )
    number = []
    for key in keys.tolist():
        file, row = key // int(stride) - 1, key % int(stride) - least
        mapping = mappings[row] if row >= 0 else None
        module = _of_file(table.binaries[file], mapping) if file >= 0 else _of_mapping(mapping)
        if file < 0 and facts is not None and row != -1:
            module = told[row] if row >= 0 else nameless[-2 - row]
        number.append(-1 if module is None else ids.setdefault(module, len(ids)))
    out = np.array(number, dtype=np.int64)[inverse] if number else np.empty(0, np.int64)
    kernel = [table.frames[expansion[0]].kind == FrameKind.KERNEL for expansion in table.expansions]
    lost = (out < 0) & np.array(kernel, dtype=np.bool_)[table.expansion] if len(out) else out < 0
    if lost.any():
        out[lost] = ids.setdefault(Module(_KERNEL, "", 0, 0, 0, kernel=True), len(ids))
    return tuple(ids), out


def _of_file(binary: Binary, mapping: Mapping | None) -> Module:
    image = binary.image
    code = [segment for segment in image.segments if segment.executable] or list(image.segments)
    first = min(code, key=lambda segment: segment.vaddr)
    return Module(
        mapped_name(mapping.path) if mapping else binary.path,
        image.build_id(),
        first.vaddr & ~_PAGE,
        max(segment.vaddr + segment.mem_size for segment in code) + _PAGE & ~_PAGE,
        first.file_offset & ~_PAGE,
        placed=True,
        base=min((segment.vaddr for segment in image.segments), default=0) & ~_PAGE,
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
