"""Mappings summed by kind, and put together to what a picture shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.results.processes.maps import KINDS, Region, Total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.results.processes.maps import Image, MappingRow

__all__ = ["regions_of", "totals_of"]

_PLAIN = ("Go heap", "Go runtime", "stack", "heap", "thread stack", "shared memory", "file", "jit")


def totals_of(rows: Sequence[MappingRow]) -> tuple[Total, ...]:
    """One for each kind that there is."""
    by_kind: dict[str, list[MappingRow]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    return tuple(
        Total(kind, len(some), sum(row.size for row in some), _resident(some), sum(row.guess for row in some))
        for kind in KINDS
        if (some := by_kind.get(kind))
    )


def _resident(rows: Sequence[MappingRow]) -> int | None:
    known = [row.resident for row in rows if row.resident is not None]
    return sum(known) if len(known) == len(rows) else None


def regions_of(rows: Sequence[MappingRow], images: Sequence[Image]) -> tuple[Region, ...]:
    """Neighbours that are of one file, or of one kind, are one region."""
    groups: list[tuple[str, list[MappingRow]]] = []
    for row in rows:
        name = _name(row, images)
        if groups and groups[-1][0] == name and groups[-1][1][-1].end == row.start:
            groups[-1][1].append(row)
        else:
            groups.append((name, [row]))
    ends = [max(row.end for row in some) for _, some in groups]
    following = [some[0].start for _, some in groups[1:]]
    holes = [max(0, start - end) for start, end in zip(following, ends, strict=False)] + [0]
    return tuple(
        Region(
            some[0].start,
            end,
            name,
            name if name in KINDS else max(some, key=lambda row: row.size).kind,
            len(some),
            _resident(some),
            hole,
        )
        for (name, some), end, hole in zip(groups, ends, holes, strict=False)
    )


def _name(row: MappingRow, images: Sequence[Image]) -> str:
    if row.image is not None:
        return images[row.image].path.rpartition("/")[2]
    if row.kind == "reserved" and row.guess:
        return "Go runtime"
    if row.kind in _PLAIN or not row.path:
        return row.kind
    return row.path if row.path.startswith("[") else row.kind
