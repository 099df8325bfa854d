"""Reader of what ``perf script`` prints; all but what its lines look like is loaded when there are some to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.profiles.perfscript.grammar import sniff

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from goinspect.profiles.base import Profile

__all__ = ["parse", "read", "sniff"]


def read(path: str | os.PathLike[str]) -> Profile:
    """Read a file: see `reader.read`."""
    from goinspect.profiles.perfscript import reader

    return reader.read(path)


def parse(chunks: Iterable[bytes], path: str) -> Profile:
    """Read text in pieces: see `reader.parse`."""
    from goinspect.profiles.perfscript import reader

    return reader.parse(chunks, path)
