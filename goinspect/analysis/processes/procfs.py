"""What /proc tells of one process, as far as one may look (proc(5))."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from goinspect._paths import container_of, is_directory
from goinspect.errors import FileError, UnsupportedError
from goinspect.results.processes.maps import Process, Thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.analysis.recordings.machine import Machine

__all__ = ["DELETED", "check_proc", "exe_state", "read_process", "refused", "stack_pointers"]

DELETED = " (deleted)"
_HINT = "that takes root or the right to trace it"
_DENIED = (1, 13)
_GONE = (2, 3)


def check_proc(machine: Machine) -> None:
    """Raises UnsupportedError where there is no /proc as Linux has it."""
    if not is_directory(machine.process("self")):
        raise UnsupportedError("processes that run are read from /proc of Linux, which is not there")


def refused(what: str, error: OSError) -> str:
    """A line about what may not be read, or cannot."""
    hint = f"; {_HINT}" if error.errno in _DENIED else ""
    return f"{what}: {error.strerror or error}{hint}"


def read_process(directory: Path, warnings: list[str]) -> Process:
    """The process whose directory in /proc this is.

    Raises:
        FileError: there is none, or it has ended meanwhile.
    """
    try:
        status = dict(_pairs((directory / "status").read_bytes()))
    except OSError as error:
        if error.errno in _GONE:
            raise FileError(f"no process {directory.name}: it has ended, or never was") from None
        raise FileError(refused(f"process {directory.name} cannot be read", error)) from None
    threads = tuple(_threads(directory))
    exe, state = _exe(directory, warnings)
    cgroup, container = _cgroup(directory)
    main = threads[0] if threads else None
    inner = status.get("NSpid", "").split()
    if status.get("Tgid") != status.get("Pid"):
        warnings.append(f"{status.get('Pid')} is a thread of process {status.get('Tgid')}")
    known = [one.cpu_seconds for one in threads if one.cpu_seconds is not None]
    return Process(
        pid=_number(status.get("Tgid")), ppid=_number(status.get("PPid")), name=status.get("Name", ""),
        state=status.get("State", "")[:1] or (main.state if main else None),
        kernel_thread=status.get("Kthread") == "1" or (exe is None and "VmSize" not in status and status.get("State", "Z")[:1] != "Z"),
        threads=threads, command=_command(directory), exe=exe, exe_state=state,
        other_namespace=_other_namespace(directory), cgroup=cgroup, container=container,
        uid=_number(status.get("Uid", "").split("\t")[0]), cpu_seconds=sum(known) if known else None, namespace_pid=_number(inner[-1]) if len(inner) > 1 else None,
    )  # fmt: skip


def _pairs(text: bytes) -> Iterator[tuple[str, str]]:
    for line in text.decode("utf-8", "surrogateescape").split("\n"):
        name, _, value = line.partition(":")
        yield name, value.strip()


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _command(directory: Path) -> tuple[str, ...]:
    try:
        text = (directory / "cmdline").read_bytes()
    except OSError:
        return ()
    parts = text.decode("utf-8", "surrogateescape").removesuffix("\0").split("\0")
    return tuple(parts) if text else ()


def _threads(directory: Path) -> Iterator[Thread]:
    try:
        tids = sorted(int(path.name) for path in (directory / "task").iterdir() if path.name.isdigit())
    except OSError:
        return
    ticks = os.sysconf("SC_CLK_TCK")
    for tid in tids:
        try:
            stat = (directory / "task" / str(tid) / "stat").read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        head, _, tail = stat.rpartition(b")")
        fields = tail.split()
        if len(fields) < 37:
            continue
        name = head.partition(b"(")[2].decode("utf-8", "surrogateescape")
        used = (int(fields[11]) + int(fields[12])) / ticks
        yield Thread(tid, name, fields[0].decode("ascii", "replace"), int(fields[36]), used)


def stack_pointers(directory: Path, threads: tuple[Thread, ...]) -> dict[int, int]:
    """Where the stacks of threads that wait in the kernel end, by TID."""
    found = {}
    for thread in threads:
        try:
            fields = (directory / "task" / str(thread.tid) / "syscall").read_bytes().split()
            if len(fields) >= 3:  # else it is "running"
                found[thread.tid] = int(fields[-2], 16)
        except (OSError, ValueError):
            continue
    return found


def _exe(directory: Path, warnings: list[str]) -> tuple[str | None, str | None]:
    try:
        link = str((directory / "exe").readlink())
    except OSError as error:
        if error.errno in _DENIED:
            warnings.append(refused("its executable may not be looked at", error))
        return None, None
    return link.removesuffix(DELETED), exe_state(directory, link)


def exe_state(directory: Path, link: str) -> str:
    """What is now at the path that ``/proc/PID/exe`` shows."""
    if link.startswith("/memfd:"):
        return "memfd"
    try:
        running = (directory / "exe").stat()
        root = directory / "root"
        os.stat(root / ".")  # noqa: PTH116  # Path.stat would take the "." away
    except OSError:
        return "unknown"
    for path in dict.fromkeys((link, link.removesuffix(DELETED))):
        try:
            now = Path(f"{root}{path}").stat()
        except FileNotFoundError:
            continue
        except OSError:
            return "unknown"
        if (now.st_dev, now.st_ino) == (running.st_dev, running.st_ino):
            return "same"
        if path == link.removesuffix(DELETED):
            return "replaced"
    return "deleted"


def _other_namespace(directory: Path) -> bool | None:
    try:
        own, its = ((path / "ns/mnt").stat().st_ino for path in (Path(directory.parent, "self"), directory))
    except OSError:
        return None
    return own != its


def _cgroup(directory: Path) -> tuple[str | None, str | None]:
    """The path of its cgroup, that of version 2 where it says something, and the container that one names."""
    try:
        text = (directory / "cgroup").read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return None, None
    rows = [line.split(":", 2) for line in text.split("\n") if line.count(":") >= 2]
    rows.sort(key=lambda row: (row[2] == "/", row[0] != "0", row[0]))
    container = next((name for name in (container_of(row[2]) for row in rows) if name), None)
    return (rows[0][2] if rows else None), container
