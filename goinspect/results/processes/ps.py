"""What `goinspect ps` answers: the processes that are Go programs."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["GoProcess", "ProcessList"]


class GoProcess(NamedTuple):
    """A process of a Go program. None is "not known" in every field; `exe_state` as in `maps.Process`."""

    pid: int
    ppid: int | None
    user: str | None
    threads: int | None
    age: float | None  # seconds
    cpu_seconds: float | None
    cpu_percent: float | None  # of one processor, over its whole life
    rss: int | None  # bytes
    exe: str
    exe_state: str
    command: tuple[str, ...]
    go_version: str | None
    module: str | None
    module_version: str | None
    main_package: str | None
    pie: bool | None
    stripped: str


class ProcessList(NamedTuple):
    """`goinspect ps`. ``others`` are no Go programs, ``unreadable`` may not be looked at."""

    processes: tuple[GoProcess, ...]
    others: int
    unreadable: int
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.ps/1"
