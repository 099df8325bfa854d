"""Profiles: a table of readers. `open_profile` finds the one that knows the first bytes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from goinspect.errors import UnrecognizedFormatError
from goinspect.objfile import map_file

if TYPE_CHECKING:
    from goinspect.profiles.base import Profile

__all__ = ["open_profile"]

# What people may mean to give us that cannot be read as a profile, by its first bytes.
_KNOWN_OTHERS = (
    (b"\x7fELF", "an ELF executable, not a recording of one"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"\xfd7zXZ", "xz data"),
)


def open_profile(path: str | os.PathLike[str]) -> Profile:
    """Read a profile, whatever its format.

    Raises:
        FileError: it cannot be read.
        UnrecognizedFormatError: no reader knows it.
        TruncatedError, MalformedError, UnsupportedError: as the reader of its format says.
    """
    from goinspect.profiles import perfdata  # numpy comes with it

    name = os.fspath(path)
    if (Path(name) / "data").is_file():  # a recording of perf record --threads: its reader says so
        return perfdata.read(name)
    with map_file(name, "a perf.data recording") as mapped:
        head = mapped[:64]
    if perfdata.sniff(head) is not False:
        return perfdata.read(name)
    found = next((f"is {what}" for magic, what in _KNOWN_OTHERS if head.startswith(magic)), None)
    if found is None:
        readable = head[:8].isascii() and head[:8].decode().isprintable()
        found = f"starts with {head[:8].decode()!r}" if readable else f"starts with {head[:8].hex(' ')}"
    raise UnrecognizedFormatError(f"{found}, expected a perf.data recording (PERFILE2)", path=name, offset=0)
