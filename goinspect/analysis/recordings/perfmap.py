"""Names that a JIT compiler tells: ``/tmp/perf-PID.map``, lines of "START SIZE name" with hexadecimal numbers.

Facts: tools/perf/Documentation/jit-interface.txt. As perf does, only files of root and of the user are believed.
"""

from __future__ import annotations

import os
import stat
from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goinspect.analysis.recordings.places import Places

__all__ = ["PerfMap", "find_perf_map"]

_MOST_BYTES = 512 << 20


class PerfMap:
    """Compiled functions by address. Where a place was used again, the later line counts."""

    def __init__(self, data: bytes) -> None:
        found: dict[int, tuple[int, str]] = {}
        for line in data.splitlines():
            fields = line.split(None, 2)
            try:
                start, size = int(fields[0], 16), int(fields[1], 16)
                name = fields[2].decode("utf-8", "backslashreplace").strip()
            except (ValueError, IndexError):
                continue
            if name and size > 0:
                found[start] = (start + size, name)
        self._starts = sorted(found)
        self._found = [found[start] for start in self._starts]

    def find(self, address: int) -> str | None:
        """The function at a runtime address."""
        index = bisect_right(self._starts, address) - 1
        if index < 0 or address >= self._found[index][0]:
            return None
        return self._found[index][1]


def find_perf_map(pid: int, places: Places, warn: Callable[[str], None]) -> PerfMap | None:
    """The map of a process; None where there is none to be believed."""
    for path in _candidates(pid, places):
        try:
            # Whoever may write to /tmp may put a pipe there: opening it must not wait.
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                about = os.fstat(file.fileno())
                if not stat.S_ISREG(about.st_mode):
                    continue
                if about.st_uid not in (0, os.geteuid()):
                    warn(f"{path}: not used: it belongs to another user")
                    continue
                return PerfMap(file.read(_MOST_BYTES))
        except (OSError, ValueError):
            continue
    return None


def _candidates(pid: int, places: Places) -> Iterator[Path]:
    name = f"perf-{pid}.map"
    if places.symfs is not None:
        yield Path(places.symfs) / "tmp" / name
    if places.near is not None:
        yield Path(places.near) / name
    if places.same_machine:
        root = places.machine.process(pid)
        yield root / "root" / "tmp" / f"perf-{_pid_inside(root, pid)}.map"
        yield places.machine.root / "tmp" / name  # the place that perf's JIT interface prescribes


def _pid_inside(process: Path, pid: int) -> int:
    """What the process calls itself in its own PID namespace: the last number of NSpid in /proc/PID/status."""
    try:
        for line in (process / "status").read_text("ascii", "replace").splitlines():
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    except (OSError, ValueError):
        pass
    return pid
