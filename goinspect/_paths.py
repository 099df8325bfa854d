"""What is at a path: for questions that must not fail, whoever asks and wherever the path leads."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

__all__ = ["exists", "is_directory", "is_fifo", "is_regular", "is_special", "is_unsized", "is_url"]


def _mode(path: str | os.PathLike[str]) -> int:
    """Its st_mode; 0 where nothing is, or where one may not look."""
    try:
        return Path(path).stat().st_mode
    except (OSError, ValueError):
        return 0


def exists(path: str | os.PathLike[str]) -> bool:
    """Is anything there that one may know of?"""
    return _mode(path) != 0


def is_regular(path: str | os.PathLike[str]) -> bool:
    """Is it a plain file?"""
    return stat.S_ISREG(_mode(path))


def is_directory(path: str | os.PathLike[str]) -> bool:
    """Is it a directory?"""
    return stat.S_ISDIR(_mode(path))


def is_fifo(path: str | os.PathLike[str]) -> bool:
    """Is it a named pipe?"""
    return stat.S_ISFIFO(_mode(path))


def is_unsized(path: str | os.PathLike[str]) -> bool:
    """Is it a plain file of size 0? Those of the kernel, below /proc, hold something all the same."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and not status.st_size


def is_special(path: str | os.PathLike[str]) -> bool:
    """Is it a device, a pipe, /dev/stdout: something to write into, with nothing to rename over?"""
    mode = _mode(path)
    return bool(mode) and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def is_url(path: str) -> bool:
    """Is it the address of something on a server, and no file that is called so?"""
    return path.lower().startswith(("http://", "https://")) and not exists(path)
