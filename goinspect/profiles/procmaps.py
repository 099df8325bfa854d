"""Saved /proc/PID/maps and smaps: the address space of a process as text (proc_pid_maps(5))."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goinspect.errors import UnrecognizedFormatError
from goinspect.maps import ANONYMOUS
from goinspect.model import Mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["parse_maps"]

_LINE = re.compile(
    rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-])([w-])([x-])([ps-]) ([0-9a-f]{1,16}) [0-9a-f]+:[0-9a-f]+ "
    rb"([0-9]{1,20})(?:[ \t]+([^\n]*))?$",
    re.MULTILINE,
)
_SHOWN = 40  # bytes of what is no such text


def parse_maps(data: bytes, name: str, *, pid: int = -1) -> tuple[Mapping, ...]:
    """The mappings of a process in the order of the text; lines of other kinds, as in smaps, are passed over.

    Args:
        data: the text.
        name: what messages call it.
        pid: of the process, where it lives.

    Raises:
        UnrecognizedFormatError: no line tells a mapping.
    """
    found = tuple(_mappings(data, pid))
    if not found:
        head = data[:_SHOWN].decode("utf-8", "backslashreplace").partition("\n")[0]
        raise UnrecognizedFormatError(
            f"starts with {head!r}, expected lines of /proc/PID/maps: 'start-end permissions offset device inode path'",
            path=name,
        )
    return found


def _mappings(data: bytes, pid: int) -> Iterator[Mapping]:
    for start, end, _, _, executable, _, offset, inode, path in _LINE.findall(data):
        first, last = int(start, 16), int(end, 16)
        if first < last:
            # The kernel writes a line feed in a path as \012.
            text = path.rstrip(b"\r").replace(b"\\012", b"\n").decode("utf-8", "surrogateescape")
            yield Mapping(
                first, last, int(offset, 16), text or ANONYMOUS[0], pid=pid, executable=executable == b"x",
                inode=int(inode),
            )  # fmt: skip
