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
    from goinspect.profiles.base import NamedStacks, Profile

__all__ = ["__version__", "open", "open_profile"]

__version__ = "0.1.0"


def open(  # reads as goinspect.open(), like gzip.open()
    path: str | os.PathLike[str],
    *,
    arch: str | None = None,
    raw: bool = False,
    text_start: int | None = None,
) -> Binary:
    """Open an executable, an object, a core file, a process's memory; only headers are read now.

    Args:
        path: of the file; ``/proc/PID/mem`` opens the memory of a process.
        arch: which slice of a universal Mach-O file, by GOARCH.
        raw: the file is a bare gopclntab.
        text_start: the address of ``runtime.text``, in place of the one that the file gives.

    Raises:
        goinspect.errors.GoinspectError: it cannot be read, or is no executable.
    """
    from goinspect.binary import Binary

    return Binary(path, arch=arch, raw=raw, text_start=text_start)


def open_profile(path: str | os.PathLike[str]) -> Profile | NamedStacks:
    """Read a recording (``perf.data``), whose addresses are normalised and not named yet, or folded stacks.

    Raises:
        goinspect.errors.GoinspectError: it cannot be read, or is no profile.
    """
    from goinspect.profiles import open_profile

    return open_profile(path)
