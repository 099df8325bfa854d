"""Profiles: a table of readers. `open_profile` finds the one that knows the first bytes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from goinspect.errors import UnrecognizedFormatError
from goinspect.objfile import map_file

if TYPE_CHECKING:
    from goinspect.profiles.base import Profile

__all__ = ["open_profile"]


def open_profile(path: str | os.PathLike[str]) -> Profile:
    """Read a profile, whatever its format.

    Raises:
        FileError: it cannot be read.
        UnrecognizedFormatError: no reader knows it.
        TruncatedError, MalformedError, UnsupportedError: as the reader of its format says.
    """
    from goinspect.profiles import perfdata  # numpy comes with it

    name = os.fspath(path)
    if os.path.isdir(name):  # noqa: PTH112  # a perf.data directory is named for what it is by its reader
        inside = os.path.join(name, "data")  # noqa: PTH118
        if os.path.isfile(inside):  # noqa: PTH113
            return perfdata.read(name)
    with map_file(name, "a perf.data recording") as mapped:
        head = mapped[:64]
    if perfdata.sniff(head) is not False:
        return perfdata.read(name)

    text = head[:8].isascii() and head[:8].decode().isprintable()
    found = repr(head[:8].decode()) if text else head[:8].hex(" ")
    raise UnrecognizedFormatError(
        f"starts with {found}, expected a perf.data recording (PERFILE2)", path=name, offset=0
    )
