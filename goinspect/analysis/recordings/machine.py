"""This machine, as far as it may know something of a recording: its files, its kernel, its processes, perf's cache.

Everything that `analysis` takes from the machine it runs on, and not from what it was given, goes through `Machine`: an
answer that needs more than the recording and its files says here where it looked.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import NamedTuple

__all__ = ["Machine", "this_machine"]


class Machine(NamedTuple):
    """A machine whose files lie below `root`.

    Attributes:
        root: "/" of its file system, with its /proc and /sys.
        node: its host name, as perf records it.
        release: of its kernel, as ``uname -r`` prints it.
        caches: directories in which perf keeps files by build ID.
    """

    root: Path
    node: str = ""
    release: str = ""
    caches: tuple[Path, ...] = ()

    def path(self, absolute: str) -> Path:
        """Where a file of this machine lies."""
        return self.root / absolute.lstrip("/")

    def process(self, pid: int | str) -> Path:
        """What /proc tells of a process; it need not live."""
        return self.path(f"/proc/{pid}")

    @property
    def kallsyms(self) -> Path:
        """The symbols of the running kernel."""
        return self.path("/proc/kallsyms")


def this_machine() -> Machine:
    """The machine that goinspect runs on."""
    directory, home = os.environ.get("PERF_BUILDID_DIR"), os.environ.get("HOME")
    caches = [Path(directory)] if directory else []
    if home:
        caches.append(Path(home) / ".debug")
    return Machine(Path("/"), platform.node(), platform.release(), tuple(caches))
