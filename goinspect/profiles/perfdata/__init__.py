"""Reader of Linux ``perf.data`` recordings; all but its first bytes' meaning is loaded when there is one to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.profiles.perfdata.container.magic import sniff

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

    from goinspect.profiles.base import Profile

__all__ = ["parse", "read", "sniff"]


def read(path: str | os.PathLike[str], *, warn: Callable[[str], None] | None = None) -> Profile:
    """Read a file, or a directory of ``perf record --threads``: see `reader.read`."""
    from goinspect.profiles.perfdata import reader

    return reader.read(path, warn=warn)


def parse(pieces: Iterable[bytes], name: str, *, warn: Callable[[str], None] | None = None) -> Profile:
    """Read what comes piece by piece: see `reader.parse`."""
    from goinspect.profiles.perfdata import reader

    return reader.parse(pieces, name, warn=warn)
