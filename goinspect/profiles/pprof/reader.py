"""A file of a pprof profile, which is read whole: the names of its first sample may stand at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.errors import GoinspectError, UnsupportedError
from goinspect.profiles.pieces import parse_file
from goinspect.profiles.pprof.message import read_message
from goinspect.profiles.pprof.profile import build

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from goinspect.profiles.base import Profile

__all__ = ["parse", "read"]

_MAX_SIZE = 1 << 29  # bytes, unpacked: the columns made of it take ten times as much


def read(path: str | os.PathLike[str]) -> Profile:
    """Read a file that is not compressed.

    Raises:
        FileError: it cannot be read.
        TruncatedError, MalformedError: it is cut off, or is no profile.
        UnsupportedError: it is larger than what is handled.
    """
    return parse_file(path, parse)


def parse(chunks: Iterable[bytes], path: str) -> Profile:
    """Read a profile in pieces of any size. Raises what `read` does."""
    try:
        data = bytearray()
        for chunk in chunks:
            data += chunk
            if len(data) > _MAX_SIZE:
                raise UnsupportedError(f"a pprof profile of more than {_MAX_SIZE >> 20} MiB is not handled")
        return build(read_message(data), path)
    except GoinspectError as error:
        raise error.about(path) from error
