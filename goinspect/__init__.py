"""goinspect: inspect Go executables and name every frame of a profile.

    >>> import goinspect
    >>> binary = goinspect.open("./server")                     # doctest: +SKIP
    >>> for frame in binary.frames(0x4a1c2d):                   # doctest: +SKIP
    ...     print(frame.function, frame.file, frame.line, frame.inlined)

Heavy libraries (numpy, lief, capstone, tabulate) are imported when something needs them, never by this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from goinspect.binary import Binary
    from goinspect.profiles.base import Profile

__all__ = ["__version__", "open", "open_profile"]

__version__ = "0.1.0"


def open(path: str | os.PathLike[str]) -> Binary:  # reads as goinspect.open(), like gzip.open()
    """Open an executable or shared object; only its headers are read now.

    Raises:
        goinspect.errors.GoinspectError: it cannot be read, or is no executable.
    """
    from goinspect.binary import Binary

    return Binary(path)


def open_profile(path: str | os.PathLike[str]) -> Profile:
    """Read a recording (``perf.data``); addresses are normalised, nothing is named yet.

    Raises:
        goinspect.errors.GoinspectError: it cannot be read, or is no profile.
    """
    from goinspect.profiles import open_profile

    return open_profile(path)
