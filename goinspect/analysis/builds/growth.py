"""Bytes by package (module, section, kind) in several builds: what `goinspect compare` shows as what grew."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from goinspect.analysis.builds.differences import matching_names
from goinspect.analysis.symbols.merge import FUNCTION, ITAB, NOTYPE, TLS, TYPE, VARIABLE
from goinspect.analysis.symbols.sizes import counted, stacks_of
from goinspect.analysis.symbols.sizes import modules_of as module_names
from goinspect.analysis.symbols.where import describe, in_file, modules_of, packages_of, section_numbers
from goinspect.results.compare import GroupRow, SizeTable
from goinspect.results.symbols import KINDS, SizeStacks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.analysis.builds.differences import Build
    from goinspect.binary import Binary

__all__ = ["size_sides", "size_table"]

# Kinds that a build either knows all of, or none of.
_SORTS: Final = (((FUNCTION,), "functions"), ((VARIABLE, TLS, NOTYPE), "variables"), ((TYPE, ITAB), "types"))


def size_table(binaries: Sequence[Binary], builds: Sequence[Build], by: str) -> SizeTable:
    """Bytes of each group in each build, of those sorts of symbols that all builds know.

    Functions are measured with their padding in all builds when one of them knows them no better.
    """
    sorts, exact = _known_to_all(builds), all(map(_exact, builds))
    sums = [
        _sums(binary, build, by, sorts, exact=exact) for binary, build in zip(binaries, builds, strict=True)
    ]
    names = dict.fromkeys(name for one in sums for name in one)
    rows = [GroupRow(name, tuple(one[name] for one in sums)) for name in names]
    rows.sort(key=lambda row: (-max(abs(size - row.bytes[0]) for size in row.bytes), -row.bytes[0], row.name))
    return SizeTable(by, tuple(name for _, name in sorts), tuple(rows), exact)


def _exact(build: Build) -> bool:
    functions = (build.merger.kind == FUNCTION) & (build.span > 0)
    return bool(build.merger.size_exact[functions].all())


def _known_to_all(builds: Sequence[Build]) -> list[tuple[tuple[int, ...], str]]:
    return [sort for sort in _SORTS if all(np.isin(build.merger.kind, sort[0]).any() for build in builds)]


def _measured(
    binary: Binary, build: Build, sorts: Sequence[tuple[tuple[int, ...], str]], *, exact: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of these sorts that count, and their bytes."""
    merger = build.merger
    rows = build.order[np.isin(merger.kind[build.order], [kind for kinds, _ in sorts for kind in kinds])]
    rows = rows[in_file(binary.image.sections, merger, rows)]
    size = merger.size[rows]
    if not exact:
        size = np.where(build.span[rows] >= 0, build.span[rows], size)
    counts = counted(merger.address[rows], size, merger.size_exact[rows])
    return rows[counts], size[counts]


def _sums(
    binary: Binary, build: Build, by: str, sorts: Sequence[tuple[tuple[int, ...], str]], *, exact: bool
) -> Counter[str]:
    rows, size = _measured(binary, build, sorts, exact=exact)
    sums: Counter[str] = Counter()
    for name, bytes_ in zip(_groups(binary, build, by, rows), size.tolist(), strict=True):
        sums[name] += bytes_
    return sums


def size_sides(binaries: Sequence[Binary], builds: Sequence[Build]) -> list[SizeStacks]:
    """Where the bytes of each build are, as `size_table` counts them; names are those that symbols of all have."""
    sorts, exact = _known_to_all(builds), all(map(_exact, builds))
    names = matching_names(builds)
    warnings = []
    if len(sorts) < len(_SORTS):
        known = " and ".join(name for _, name in sorts) or "no symbols"
        warnings.append(f"only {known} are compared: not every build names the others")
    sides = []
    for binary, build, own_names in zip(binaries, builds, names, strict=True):
        rows, size = _measured(binary, build, sorts, exact=exact)
        listed = describe(binary, build.merger, rows, places=False, owners=True)
        called = [own_names[row] for row in rows.tolist()]
        stacks = stacks_of(listed, called, size, np.ones(len(rows), dtype=np.bool_))
        told = [f"{binary.path}: {warning}" for warning in build.warnings]
        sides.append(SizeStacks(binary.path, tuple(stacks), (*told, *warnings), module_names(listed)))
        warnings = []
    return sides


def _groups(binary: Binary, build: Build, by: str, rows: NDArray[np.int64]) -> list[str]:
    merger = build.merger
    if by == "kind":
        return [KINDS[kind] for kind in merger.kind[rows].tolist()]
    if by == "section":
        names = [*(section.name for section in binary.image.sections), "(no section)"]
        return [names[number] for number in section_numbers(binary.image.sections, merger)[rows].tolist()]
    packages = packages_of(binary, merger, rows)
    modules = modules_of(binary, merger, rows, packages)
    return modules if by == "module" else [p or m for p, m in zip(packages, modules, strict=True)]
