"""The text of ``/proc/PID/maps`` and ``smaps`` (proc(5)), from a process or saved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from goinspect._words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Raw", "in_order", "looks_like_maps", "parse_maps"]

_TOP = 1 << 64
_HEAD = re.compile(
    rb"([0-9a-fA-F]{1,32})-([0-9a-fA-F]{1,32}) ([-r][-w][-xS][-ps]) ([0-9a-fA-F]{1,32}) ([0-9a-fA-F]+:[0-9a-fA-F]+) (\d{1,30})(?:[ \t]+([^\n]*?))?\r?"
)
_FIELD = re.compile(rb"[A-Za-z_]\w*:[^\n]*")
_SIZES = {
    b"Rss",
    b"AnonHugePages",
    b"Shared_Hugetlb",
    b"Private_Hugetlb",
    b"FilePmdMapped",
    b"ShmemPmdMapped",
}


class Raw(NamedTuple):
    """A mapping as the kernel tells it; ``resident`` and ``huge`` are None where only smaps would tell."""

    start: int
    end: int
    permissions: str
    offset: int
    device: str
    inode: int
    path: str
    resident: int | None = None
    huge: int | None = None


def looks_like_maps(head: bytes) -> bool:
    """Does a file that begins so hold mappings?"""
    lines = head.lstrip(b"\xef\xbb\xbf\r\n\t ").split(b"\n", 2)
    return any(_HEAD.fullmatch(line) for line in lines[:2])


def parse_maps(text: bytes) -> tuple[list[Raw], list[str]]:
    """The mappings in order of address, and what was wrong with the text."""
    rows: list[Raw] = []
    odd = 0
    sizes: dict[bytes, int] = {}
    for line in text.split(b"\n"):
        match = _HEAD.fullmatch(line)
        if match is None:
            name, colon, value = line.partition(b":")
            if colon and name in _SIZES:
                sizes[name] = _kilobytes(value)
            elif line.strip() and not _FIELD.fullmatch(line):
                odd += 1
            continue
        if sizes:
            rows[-1:] = _sized(rows[-1:], sizes)
            sizes = {}
        start, end, permissions, offset, device, inode, path = match.groups(b"")
        rows.append(
            Raw(
                int(start, 16), int(end, 16), permissions.decode(), int(offset, 16), device.decode(), int(inode),
                path.decode("utf-8", "surrogateescape"),
            )
        )  # fmt: skip
    if sizes:
        rows[-1:] = _sized(rows[-1:], sizes)
    kept, warnings = in_order(rows)
    if odd:
        warnings.append(f"{counted(odd, 'line')} of the text cannot be understood")
    return kept, warnings


def _kilobytes(value: bytes) -> int:
    digits = value.split(None, 1)[:1]
    return int(digits[0]) << 10 if digits and digits[0].isdigit() and len(digits[0]) < 20 else 0


def _sized(rows: list[Raw], sizes: dict[bytes, int]) -> list[Raw]:
    resident = sizes.pop(b"Rss", None)
    hugetlb = sizes.get(b"Shared_Hugetlb", 0) + sizes.get(b"Private_Hugetlb", 0)
    if resident is not None:
        resident += hugetlb  # which Rss leaves out
    return [row._replace(resident=resident, huge=sum(sizes.values())) for row in rows]


def in_order(rows: Iterable[Raw]) -> tuple[list[Raw], list[str]]:
    """Mappings by address; those of impossible ranges are left out."""
    given = list(rows)
    possible = [row for row in given if row.start < row.end <= _TOP and row.offset < _TOP]
    kept = sorted(possible, key=lambda row: row[:2])
    warnings = []
    if len(kept) < len(given):
        warnings.append(f"{counted(len(given) - len(kept), 'mapping')} of impossible ranges left out")
    overlaps, end = 0, 0
    for row in kept:
        overlaps += row.start < end
        end = max(end, row.end)
    if overlaps:
        warnings.append(f"{counted(overlaps, 'mapping')} overlap others, which no process has")
    return kept, warnings
