"""The processes of this machine that are Go programs: what `goinspect ps` answers."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from goinspect.analysis.processes.procfs import DELETED, check_proc, exe_state
from goinspect.analysis.processes.programs import facts_of
from goinspect.analysis.recordings.machine import this_machine
from goinspect.binary import Binary
from goinspect.errors import GoinspectError
from goinspect.results.processes.ps import GoProcess, ProcessList

if TYPE_CHECKING:
    from pathlib import Path

    from goinspect.results.processes.maps import FileFacts


__all__ = ["list_processes"]

_ASKED = (
    "pid",
    "ppid",
    "name",
    "username",
    "num_threads",
    "create_time",
    "cpu_times",
    "memory_info",
    "cmdline",
    "status",
)
_KTHREADD = 2


class _Readable(NamedTuple):
    """What one executable turned out to be: None of no Go program."""

    program: FileFacts | None


def list_processes() -> ProcessList:
    """All that one may see now. Those that end meanwhile are left out.

    Raises:
        UnsupportedError: this system has no /proc.
    """
    check_proc(this_machine())
    import psutil  # 20 ms that only this needs

    found: list[GoProcess] = []
    others = unreadable = 0
    known: dict[tuple[int, int], _Readable] = {}
    now = time.time()
    for process in psutil.process_iter(list(_ASKED), ad_value=None):
        info = process.info
        if _has_no_program(info, psutil.STATUS_ZOMBIE):
            others += 1
            continue
        directory = this_machine().process(info["pid"])
        try:
            link = str((directory / "exe").readlink())
            program = _program(directory, known)
        except (FileNotFoundError, ProcessLookupError):  # it has ended, or is the kernel's
            continue
        except (OSError, GoinspectError):
            unreadable += os.path.lexists(directory / "exe")  # else it has ended meanwhile
            continue
        if program is None:
            others += 1
        else:
            found.append(_row(info, directory, link, program, now))
    return ProcessList(tuple(found), others, unreadable, tuple(_hidden()))


def _has_no_program(info: dict[str, Any], zombie: str) -> bool:
    kernel = _KTHREADD in (info["pid"], info["ppid"]) and not info["cmdline"]
    return kernel or info["status"] == zombie


def _program(directory: Path, known: dict[tuple[int, int], _Readable]) -> FileFacts | None:
    """What the executable is, read once however many processes run it."""
    status = (directory / "exe").stat()
    key = status.st_dev, status.st_ino
    if key not in known:
        try:
            program = facts_of(Binary(directory / "exe"))
        except GoinspectError:
            if not os.access(directory / "exe", os.R_OK):
                raise
            known[key] = _Readable(None)  # a script of the kernel's binfmt_misc, or a format of its own
        else:
            known[key] = _Readable(program if program.go else None)
    return known[key].program


def _row(info: dict[str, Any], directory: Path, link: str, program: FileFacts, now: float) -> GoProcess:
    times, memory, born = info["cpu_times"], info["memory_info"], info["create_time"]
    used = times.user + times.system if times else None
    age = max(0.0, now - born) if born else None
    return GoProcess(
        info["pid"], info["ppid"], info["username"], info["num_threads"], age, used,
        100 * used / age if used is not None and age else None, memory.rss if memory else None,
        link.removesuffix(DELETED), exe_state(directory, link), tuple(info["cmdline"] or ()), program.go_version,
        program.module, program.module_version, program.main_package, program.pie, program.stripped,
    )  # fmt: skip


def _hidden() -> list[str]:
    """Whether /proc shows the processes of others."""
    try:
        mounts = this_machine().path("/proc/self/mounts").read_bytes().decode("utf-8", "replace").split("\n")
    except OSError:
        return []
    rows = [line.split() for line in mounts]
    options = next((row[3].split(",") for row in rows if len(row) > 3 and row[1:3] == ["/proc", "proc"]), [])
    hiding = next(
        (one for one in options if one.startswith("hidepid=") and one not in ("hidepid=0", "hidepid=off")), ""
    )
    if not hiding or os.geteuid() == 0:
        return []
    return [f"/proc is mounted with {hiding}: processes of other users may be missing"]
