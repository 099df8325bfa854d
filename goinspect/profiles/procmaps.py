"""The text of ``/proc/PID/maps`` and ``smaps`` (proc(5)), from a process or saved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from goinspect._words import counted
from goinspect.errors import UnrecognizedFormatError
from goinspect.maps import ANONYMOUS
from goinspect.model import Mapping

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Raw", "in_order", "looks_like_maps", "mappings_of", "parse_maps"]

_TOP = 1 << 64
_SHOWN = 40  # bytes of what is no such text
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


def mappings_of(text: bytes, name: str, *, pid: int = -1) -> tuple[tuple[Mapping, ...], list[str]]:
    """What is mapped, and what was wrong with the text.

    Args:
        text: of maps or smaps.
        name: what messages call it.
        pid: of the process, where it lives.

    Raises:
        UnrecognizedFormatError: no line tells a mapping.
    """
    rows, warnings = parse_maps(text)
    if not rows:
        head = text[:_SHOWN].decode("utf-8", "backslashreplace").partition("\n")[0]
        raise UnrecognizedFormatError(
            f"starts with {head!r}, expected lines of /proc/PID/maps: 'start-end permissions offset device inode path'",
            path=name,
        )
    return tuple(_mapping(row, pid) for row in rows), warnings


def _mapping(row: Raw, pid: int) -> Mapping:
    path = row.path.replace("\\012", "\n")  # as the kernel writes a line feed
    return Mapping(
        row.start,
        row.end,
        row.offset,
        path or ANONYMOUS[0],
        pid=pid,
        executable=row.permissions[2] == "x",
        inode=row.inode,
    )


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
