"""Several builds of a program side by side: what each has, lost, moved, and what that means for other tools."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from goinspect.analysis.builds.differences import diff, read_build
from goinspect.analysis.builds.growth import size_table
from goinspect.analysis.builds.overview import describe
from goinspect.analysis.builds.works import judge
from goinspect.errors import QueryError
from goinspect.results.compare import Check, Comparison, PartRow, WorksRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.binary import Binary
    from goinspect.results.compare import SymbolChanges
    from goinspect.results.info import Info

__all__ = ["Condition", "compare", "parse_condition"]

_GREW = re.compile(r"grew=(\d+(?:\.\d+)?)(%|B|kB|KB|MB|GB|KiB|MiB|GiB|)", re.ASCII)
_LOST = re.compile(r"lost-symbols(?:=(\d+))?", re.ASCII)
_UNITS = {
    "": 1,
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
}


class Condition(NamedTuple):
    """What must not be true of a build, measured against the base."""

    text: str
    what: str  # "grew" or "lost-symbols"
    limit: float  # fails when more than that
    percent: bool = False


def parse_condition(text: str) -> Condition:
    """``grew=1%``, ``grew=64KiB``, ``lost-symbols``, ``lost-symbols=20``.

    Raises:
        QueryError: it is none of these.
    """
    if match := _GREW.fullmatch(text):
        unit = match[2]
        return Condition(text, "grew", float(match[1]) * _UNITS.get(unit, 1), unit == "%")
    if match := _LOST.fullmatch(text):
        return Condition(text, "lost-symbols", float(match[1] or 0))
    raise QueryError(
        f"{text!r} is no condition: grew=1%, grew=64KiB, lost-symbols or lost-symbols=20 expected"
    )


def compare(
    binaries: Sequence[Binary], *, by: str = "package", conditions: Sequence[Condition] = ()
) -> Comparison:
    """Compare two or more files; the first one is the base.

    Args:
        binaries: of Go or not.
        by: what sizes are summed by: "package", "module", "section" or "kind".
        conditions: what to check.
    """
    files = tuple(describe(binary) for binary in binaries)
    builds = [read_build(binary) for binary in binaries]
    symbols = diff(builds)
    verdicts = [
        judge(info, binary, build) for info, binary, build in zip(files, binaries, builds, strict=True)
    ]
    works = tuple(WorksRow(consumer, tuple(one[consumer] for one in verdicts)) for consumer in verdicts[0])
    warnings = [
        f"{info.path}: {warning}"
        for info, build in zip(files, builds, strict=True)
        for warning in dict.fromkeys((*info.warnings, *build.warnings))
    ]
    return Comparison(
        files, _labels([info.path for info in files]), tuple(_parts(files)), works, symbols,
        size_table(binaries, builds, by), tuple(_checks(files, symbols, conditions)), tuple(warnings),
    )  # fmt: skip


def _parts(files: Sequence[Info]) -> list[PartRow]:
    """The parts of any of the files, in the order that `info` has them."""
    size = PartRow("file", (True,) * len(files), tuple(info.size for info in files), (None,) * len(files))
    rows = [size]
    for first in files[0].tables:
        found = [info.table(first.name) for info in files]
        if any(row is not None and row.present for row in found):
            rows.append(
                PartRow(
                    first.name,
                    tuple(row is not None and row.present for row in found),
                    tuple(row.bytes if row is not None and row.present else 0 for row in found),
                    tuple(row.count if row is not None else None for row in found),
                    next((row.within for row in found if row is not None and row.present), None),
                )
            )
    return rows


def _labels(paths: list[str]) -> tuple[str, ...]:
    """Names as short as they can be and differ."""
    parts = [PurePath(path).parts for path in paths]
    for depth in range(1, max(map(len, parts), default=1) + 1):
        labels = tuple("/".join(part[-depth:]) for part in parts)
        if len(set(labels)) == len(set(paths)):
            return labels
    return tuple(paths)


def _checks(files: Sequence[Info], symbols: SymbolChanges, conditions: Sequence[Condition]) -> list[Check]:
    base, out = files[0], list[Check]()
    for condition in conditions:
        for info, against in zip(files[1:], symbols.against, strict=True):
            if condition.what == "grew":
                grew = info.size - base.size
                measured = 100 * grew / base.size if condition.percent else float(grew)
                share = f"{100 * grew / base.size:+.2f}%" if base.size else "-"
                found = f"{base.size:,} bytes became {info.size:,} ({share})"
            else:
                measured = float(sum(against.lost.values()))
                kinds = ", ".join(f"{count:,} {kind}" for kind, count in against.lost.items())
                found = f"{measured:,.0f} symbols lost" + (f" ({kinds})" if kinds else "")
            out.append(Check(condition.text, info.path, measured > condition.limit, found))
    return out
