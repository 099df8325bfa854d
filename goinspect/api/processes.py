"""Processes: their memory, and which of them are Go programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.results.processes.maps import MapReport
    from goinspect.results.processes.ps import ProcessList

__all__ = ["go_processes", "memory_map"]


def memory_map(
    target: str | int,
    addresses: Sequence[str | int] = (),
    *,
    binaries: Sequence[str] = (),
    symfs: str | None = None,
    resident: bool | None = None,
) -> MapReport:
    """The memory of the process of this number, or that a file tells of. Raises GoinspectError."""
    from goinspect.analysis.processes.report import map_file_of, map_process

    wanted = [hex(address) if isinstance(address, int) else address for address in addresses]
    text = str(target)
    if text.isascii() and text.isdigit():
        return map_process(int(text), wanted, binaries=binaries, resident=resident)
    return map_file_of(text, wanted, binaries=binaries, symfs=symfs)


def go_processes() -> ProcessList:
    """The Go programs that run."""
    from goinspect.analysis.processes.listing import list_processes

    return list_processes()
