"""Bytes by package (module, section, kind) in several builds: what `goinspect compare` shows as what grew."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from goinspect.analysis.symbols.merge import FUNCTION, ITAB, NOTYPE, TLS, TYPE, VARIABLE
from goinspect.analysis.symbols.sizes import counted
from goinspect.analysis.symbols.where import in_file, modules_of, packages_of, section_numbers
from goinspect.results.compare import GroupRow, SizeTable
from goinspect.results.symbols import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.analysis.builds.differences import Build
    from goinspect.binary import Binary

__all__ = ["size_table"]

# Kinds that a build either knows all of, or none of.
_SORTS: Final = (((FUNCTION,), "functions"), ((VARIABLE, TLS, NOTYPE), "variables"), ((TYPE, ITAB), "types"))


def size_table(binaries: Sequence[Binary], builds: Sequence[Build], by: str) -> SizeTable:
    """Bytes of each group in each build, of those sorts of symbols that all builds know.

    Functions are measured with their padding in all builds when one of them knows them no better.
    """
    sorts = [
        (kinds, name) for kinds, name in _SORTS if all(np.isin(b.merger.kind, kinds).any() for b in builds)
    ]
    wanted = [kind for kinds, _ in sorts for kind in kinds]
    exact = all(_exact(build) for build in builds)
    sums = [
        _sums(binary, build, by, wanted, exact=exact) for binary, build in zip(binaries, builds, strict=True)
    ]
    names = dict.fromkeys(name for one in sums for name in one)
    rows = [GroupRow(name, tuple(one[name] for one in sums)) for name in names]
    rows.sort(key=lambda row: (-max(abs(size - row.bytes[0]) for size in row.bytes), -row.bytes[0], row.name))
    return SizeTable(by, tuple(name for _, name in sorts), tuple(rows), exact)


def _exact(build: Build) -> bool:
    functions = (build.merger.kind == FUNCTION) & (build.span > 0)
    return bool(build.merger.size_exact[functions].all())


def _sums(binary: Binary, build: Build, by: str, kinds: list[int], *, exact: bool) -> Counter[str]:
    merger = build.merger
    rows = build.order[np.isin(merger.kind[build.order], kinds)]
    rows = rows[in_file(binary.image.sections, merger, rows)]
    size = merger.size[rows]
    if not exact:
        size = np.where(build.span[rows] >= 0, build.span[rows], size)
    counts = counted(merger.address[rows], size, merger.size_exact[rows])
    rows, size = rows[counts], size[counts]
    sums: Counter[str] = Counter()
    for name, bytes_ in zip(_groups(binary, build, by, rows), size.tolist(), strict=True):
        sums[name] += bytes_
    return sums


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
