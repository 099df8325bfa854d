"""Which files the stacks of a recording are in, and which modules their packages are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import flat_ranges
from goinspect.analysis.recordings.finder import mapped_name
from goinspect.analysis.stacks.symboltable import Flag
from goinspect.gosym.naming.origins import CMD, STD, origins_of
from goinspect.model import FrameKind
from goinspect.results.places import BinaryUse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.annotate.chosen import Chosen
    from goinspect.analysis.stacks.taken import Taken
    from goinspect.binary import Binary
    from goinspect.gosym.buildinfo.info import BuildInfo, Module

__all__ = ["binaries", "modules"]

_BLOCK = 1 << 22
_KERNEL = "[kernel.kallsyms]"
_GO = {FrameKind.USER, FrameKind.STDLIB, FrameKind.TOOLCHAIN, FrameKind.RUNTIME, FrameKind.GC}
_NOWHERE = "addresses outside of all mappings"


class _Key(NamedTuple):
    path: str
    build_id: str
    kernel: bool
    file: int  # number of the binary, -1: none


def binaries(chosen: Chosen) -> tuple[BinaryUse, ...]:
    """The files and the kernel, with what of the samples that were chosen is in each; what most ended in, first."""
    table = chosen.table
    count = _frames(chosen)
    named = (table.flags & np.uint8(Flag.NAMED)) > 0
    keys: dict[_Key, int] = {}
    files = len(table.binaries) + 1
    pair = np.maximum(table.mapping, -1).astype(np.int64) * files + table.file + 1
    pairs, inverse = np.unique(pair, return_inverse=True)
    places = [divmod(one, files) for one in pairs.tolist()]
    number = [keys.setdefault(_key(chosen.taken, row, file - 1), len(keys)) for row, file in places]
    group = np.array(number, dtype=np.int64)[inverse]

    def summed(values: NDArray[np.int64], rows: NDArray[np.bool_] | None = None) -> list[int]:
        out = np.zeros(len(keys), dtype=np.int64)
        np.add.at(out, group if rows is None else group[rows], values if rows is None else values[rows])
        found: list[int] = out.tolist()
        return found

    own = chosen.own.astype(np.int64)
    sums = zip(summed(count), summed(count, named), summed(own), summed(own, ~named), strict=True)
    uses = [_use(chosen.taken, key, *some) for key, some in zip(keys, sums, strict=True) if some[0]]
    return tuple(sorted(uses, key=lambda use: (-use.own, -use.frames, use.path, use.build_id)))


def _key(taken: Taken, mapping: int, file: int) -> _Key:
    if mapping < 0:
        return _Key("", "", kernel=False, file=file)
    mapped = taken.mappings[mapping]
    path = mapped_name(mapped.path)
    if mapped.kernel and path.startswith("[kernel"):
        path = _KERNEL
    return _Key(path, mapped.build_id, mapped.kernel, file)


def _use(taken: Taken, key: _Key, frames: int, named: int, own: int, unnamed: int) -> BinaryUse:
    binary = taken.table.binaries[key.file] if key.file >= 0 else None
    info = None if binary is None or binary.go_or_none is None else binary.go.build_info
    version = "" if binary is None or binary.go_or_none is None else binary.go.go_version
    return BinaryUse(
        key.path or (binary.path if binary else _NOWHERE),
        key.build_id,
        "" if binary is None else binary.path,
        version or "",
        _spelled(info.main) if info and info.main else "",
        frames,
        named,
        own,
        unnamed,
        key.kernel,
    )


def _frames(chosen: Chosen) -> NDArray[np.int64]:
    """How often each location is in the samples, as far as their stacks go."""
    samples, stop, size = chosen.taken.samples, chosen.stop, len(chosen.table.expansion)
    out = np.zeros(size, dtype=np.int64)
    for low in range(0, len(samples.frames), _BLOCK):  # counting makes a copy
        out += np.bincount(samples.frames[low : low + _BLOCK], minlength=size)
    out -= np.bincount(samples.frames[samples.patch_at], minlength=size)
    out += np.bincount(samples.patch, minlength=size)
    ends = samples.start[1:]
    cut = samples.locations(flat_ranges(stop, ends - stop))
    unwanted = ~chosen.wanted
    left = samples.locations(flat_ranges(samples.start[:-1][unwanted], (stop - samples.start[:-1])[unwanted]))
    out -= np.bincount(cut, minlength=size)
    out -= np.bincount(left, minlength=size)
    return out


def modules(taken: Taken) -> dict[str, str]:
    """The module of each package of Go, with its version; of packages of several programs that differ, all of them."""
    table = taken.table
    found: dict[str, dict[str, None]] = {}
    package = [frame.package if frame.kind in _GO else "" for frame in table.frames]
    for number, binary in enumerate(table.binaries):
        if binary.go_or_none is None:
            continue
        origins, versions = origins_of(binary.go), _versions(binary)
        here = np.unique(table.expansion[table.file == number]).tolist()
        for name in {package[row] for at in here for row in table.expansions[at]} - {""}:
            module = origins.of_package(name).module
            found.setdefault(name, {})[versions.get(module, module)] = None
    return {name: " or ".join(sorted(some)) for name, some in found.items()}


def _versions(binary: Binary) -> dict[str, str]:
    """Modules of a file as they are shown, by their paths."""
    info: BuildInfo | None = binary.go.build_info
    listed = [info.main, *info.deps] if info else []
    shown = {module.path: _spelled(module) for module in listed if module is not None}
    release = (binary.go.go_version or "").partition(" ")[0]
    return shown | {group: f"{group} {release}".strip() for group in (STD, CMD)}


def _spelled(module: Module) -> str:
    """``path version``, and what replaces it."""
    own = f"{module.path} {module.version}".strip()
    return own if module.replaced_by is None else f"{own} => {_spelled(module.replaced_by)}"
