"""Reader of pprof profiles: profile.proto, as Go programs and many other tools write it; loaded when there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.profiles.pprof.sniffing import sniff

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from goinspect.profiles.base import Profile

__all__ = ["parse", "read", "sniff"]


def read(path: str | os.PathLike[str]) -> Profile:
    """Read a file: see `reader.read`."""
    from goinspect.profiles.pprof import reader

    return reader.read(path)


def parse(chunks: Iterable[bytes], path: str) -> Profile:
    """Read what comes piece by piece: see `reader.parse`."""
    from goinspect.profiles.pprof import reader

    return reader.parse(chunks, path)
