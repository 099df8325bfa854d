"""What is at a path: for questions that must not fail, whoever asks and wherever the path leads."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

__all__ = [
    "container_of",
    "exists",
    "is_directory",
    "is_fifo",
    "is_regular",
    "is_special",
    "is_unsized",
    "is_url",
]

# The ID that a container engine puts into the path of a cgroup: docker-ID.scope, /docker/ID, cri-containerd-ID.scope,
# crio-ID.scope, libpod-ID.scope, /kubepods/…/ID; and the name that systemd and LXC give instead.
_CONTAINER_ID = re.compile(r"(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?(?:/|$)")
_CONTAINER_NAME = re.compile(r"/(?:lxc(?:\.payload)?[./]|machine\.slice/(?:systemd-nspawn@|machine-))([^/]+)")
_SHORT_ID = 12  # as engines show it


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


def container_of(path: str) -> str:
    """The container that the path of a cgroup names, "" for none; the innermost one."""
    ids = _CONTAINER_ID.findall(path)
    if ids:
        return str(ids[-1][:_SHORT_ID])
    named = _CONTAINER_NAME.search(path)
    return named[1].removesuffix(".scope").removesuffix(".service") if named else ""
