"""What lies at an address of a process: mapping, place in the file, the file's own address, function, file and line."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from goinspect.analysis.pcln.frames import frames_at
from goinspect.errors import GoinspectError, QueryError
from goinspect.maps import vaddr_of
from goinspect.results.processes.maps import Explained

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goinspect.analysis.processes.images import Opened
    from goinspect.binary import Binary
    from goinspect.model import Frame, Segment
    from goinspect.results.processes.maps import MappingRow

__all__ = ["explain", "parse_address"]

_TOP = 1 << 64
_LOOKED_BACK = 64  # mappings, where they overlap


def parse_address(text: str) -> int:
    """An address, hexadecimal with or without 0x. Raises QueryError."""
    digits = text.strip().lower().removeprefix("0x").replace("`", "")
    if not digits or len(digits) > 16 or not all(letter in "0123456789abcdef" for letter in digits):
        raise QueryError(f"{text!r} is no hexadecimal address")
    return int(digits, 16)


def explain(
    address: int,
    rows: Sequence[MappingRow],
    opened: Sequence[Opened],
    memory: Callable[[], Binary | None],
    vdso: Callable[[], Binary | None],
) -> Explained:
    """What lies at `address`, as far as it can be told.

    Args:
        address: where.
        rows: the mappings in order.
        opened: the files that they are of.
        memory: opens the memory of the process, for code whose file is gone.
        vdso: opens the code that the kernel lends to it.
    """
    index = _holding(address, rows)
    if index is None:
        return Explained(address, None, None, None, None, None, None, (), tuple(_unmapped(address, rows)))
    row = rows[index]
    steps = [
        ("mapping", f"{row.start:#x}-{row.end:#x} {row.permissions} {row.path}".rstrip()),
        ("is", row.what + (" (a guess)" if row.guess else "")),
    ]
    if row.path == "[vdso]" and (image := vdso()) is not None:
        return _in_vdso(address, index, row, steps, image)
    if row.image is None or row.segment is None or row.kind == "bss":
        return _in_memory(address, index, row, steps, memory)
    file_offset = address - row.start + row.offset
    number = _segment(file_offset, row.segment, opened[row.image].segments)
    segment = opened[row.image].segments[number]
    vaddr = (file_offset - segment.file_offset + segment.vaddr) % _TOP
    steps += [
        ("file offset", f"{address:#x} - {row.start:#x} + {row.offset:#x} = {file_offset:#x}"),
        (
            "vaddr",
            f"{file_offset:#x} - {segment.file_offset:#x} + {segment.vaddr:#x} = {vaddr:#x} (segment {number})",
        ),
    ]
    binary = opened[row.image].binary
    name, entry, frames = (
        _named(binary, vaddr) if binary is not None and row.kind == "code" else (None, None, ())
    )
    steps += _told(name, entry, vaddr) if row.kind == "code" else ()
    return Explained(address, index, file_offset, number, vaddr, name, entry, frames, tuple(steps))


def _segment(file_offset: int, first: int, segments: Sequence[Segment]) -> int:
    """Of the segments that a mapping joins, the one with this byte."""
    delta = segments[first].vaddr - segments[first].file_offset
    for number, one in enumerate(segments):
        inside = one.file_offset <= file_offset < one.file_offset + one.file_size
        if inside and one.vaddr - one.file_offset == delta:
            return number
    return first


def _in_vdso(
    address: int, index: int, row: MappingRow, steps: list[tuple[str, str]], image: Binary
) -> Explained:
    """The mapping is the whole file, which the kernel holds."""
    file_offset = address - row.start
    vaddr = vaddr_of(file_offset, image.image.segments)
    if vaddr is None:
        return Explained(address, index, file_offset, None, None, None, None, (), tuple(steps))
    name, entry, frames = _named(image, vaddr)
    steps += [("vaddr", f"{address:#x} - {row.start:#x} = {vaddr:#x}"), *_told(name, entry, vaddr)]
    return Explained(address, index, file_offset, None, vaddr, name, entry, frames, tuple(steps))


def _in_memory(
    address: int,
    index: int,
    row: MappingRow,
    steps: list[tuple[str, str]],
    memory: Callable[[], Binary | None],
) -> Explained:
    """Of a mapping whose file cannot be read: the tables of the process's own memory tell, where it may be read."""
    offset = address - row.start + row.offset if row.inode or row.path.startswith("/") else None
    if offset is not None:
        steps.append(("file offset", f"{address:#x} - {row.start:#x} + {row.offset:#x} = {offset:#x}"))
    binary = memory() if row.kind == "code" else None
    name: str | None = None
    entry: int | None = None
    frames: tuple[Frame, ...] = ()
    if binary is not None:
        try:
            views = binary.views
        except GoinspectError:
            views = ()
        for view in views:
            name, entry, frames = _named(view, address)
            if name is not None:
                steps.append(("read from", "the memory of the process, whose tables have its own addresses"))
                steps += _told(name, entry, address)
                break
    vaddr = row.vaddr + address - row.start if row.vaddr is not None else None
    return Explained(address, index, offset, row.segment, vaddr, name, entry, frames, tuple(steps))


def _holding(address: int, rows: Sequence[MappingRow]) -> int | None:
    last = bisect_right(rows, address, key=lambda row: row.start) - 1
    for index in range(last, max(-1, last - _LOOKED_BACK), -1):
        if rows[index].start <= address < rows[index].end:
            return index
    return None


def _unmapped(address: int, rows: Sequence[MappingRow]) -> list[tuple[str, str]]:
    after = bisect_right(rows, address, key=lambda row: row.start)
    steps = [("mapping", "none: nothing is mapped there")]
    if after:
        row = rows[after - 1]
        steps.append(
            ("below", f"{row.start:#x}-{row.end:#x} {row.what}, ends {address - row.end:#x} bytes before")
        )
    if after < len(rows):
        row = rows[after]
        steps.append(
            ("above", f"{row.start:#x}-{row.end:#x} {row.what}, begins {row.start - address:#x} bytes behind")
        )
    return steps


def _named(binary: Binary, vaddr: int) -> tuple[str | None, int | None, tuple[Frame, ...]]:
    """Function, its entry and the frames; of code that is not Go's, what the symbol table has."""
    try:
        if binary.go_or_none is not None and (func := binary.function_at(vaddr)) is not None:
            frames = frames_at(binary, func, vaddr, set())
            return frames[-1].function, func.entry, frames
        symbol = binary.native.find(vaddr)
    except GoinspectError:
        return None, None, ()
    return (symbol.name, symbol.vaddr, ()) if symbol is not None else (None, None, ())


def _told(name: str | None, entry: int | None, vaddr: int) -> list[tuple[str, str]]:
    if name is None or entry is None:
        return [("function", "none is known there")]
    return [("function", f"{name} + {vaddr - entry:#x}")]
