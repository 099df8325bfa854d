"""The memory of a process, live or saved: what `goinspect maps` answers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from goinspect._words import counted
from goinspect.analysis.processes.explain import explain, parse_address
from goinspect.analysis.processes.images import Files, open_images
from goinspect.analysis.processes.kinds import classify
from goinspect.analysis.processes.procfs import DELETED, check_proc, read_process, refused, stack_pointers
from goinspect.analysis.processes.summary import regions_of, totals_of
from goinspect.analysis.recordings.machine import this_machine
from goinspect.analysis.recordings.vdso import vdso_of
from goinspect.binary import Binary
from goinspect.errors import FileError, GoinspectError, UnrecognizedFormatError
from goinspect.objfile import map_file
from goinspect.profiles.procmaps import looks_like_maps, parse_maps
from goinspect.results.processes.maps import MapReport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from goinspect.profiles.procmaps import Raw
    from goinspect.results.processes.maps import Process

__all__ = ["map_file_of", "map_process"]

_MOST_SIZED = 4000  # mappings of a process whose resident bytes are asked for: the kernel walks their pages
_HEAD = 1 << 12


def map_process(
    pid: int, addresses: Sequence[str] = (), *, binaries: Sequence[str] = (), resident: bool | None = None
) -> MapReport:
    """The memory of a process that runs.

    Args:
        pid: of it, or of one of its threads.
        addresses: hexadecimal, to explain.
        binaries: files to take for mapped ones of their names.
        resident: ask how much of each mapping is in memory; None: unless there are very many.

    Raises:
        FileError: there is no such process.
        UnsupportedError: this system has no /proc.
        QueryError: an address is none.
    """
    wanted = [parse_address(text) for text in addresses]
    machine = this_machine()
    check_proc(machine)
    directory = machine.process(pid)
    warnings: list[str] = []
    process = read_process(directory, warnings)
    source = str(directory / "maps")
    try:
        rows, odd = _read(directory, resident, warnings)
    except OSError as error:
        if error.errno in (2, 3):
            raise FileError(f"no process {pid}: it has ended meanwhile") from None
        warnings.append(refused("its mappings may not be read", error))
        return MapReport(source, process, (), (), (), (), denied=True, warnings=tuple(warnings))
    stacks = stack_pointers(directory, process.threads) if rows else {}
    files = Files(directory, _path_of(process), binaries)
    return _mapped(source, process, rows, files, [*warnings, *odd], wanted, stacks, str(directory / "mem"))


def map_file_of(
    path: str, addresses: Sequence[str] = (), *, binaries: Sequence[str] = (), symfs: str | None = None
) -> MapReport:
    """The memory that a saved ``/proc/PID/maps``, ``smaps`` or a core file tells of; raises as `map_process`.

    Raises:
        UnrecognizedFormatError: it is none of these.
    """
    wanted = [parse_address(text) for text in addresses]
    content = map_file(path, "a saved /proc/PID/maps, or a core file")
    process, memory = None, None
    pages: Mapping[str, bytes] = {}
    if content[:4] == b"\x7fELF":
        from goinspect.analysis.processes.corefile import read_core

        try:
            rows, process, pages, warnings = read_core(path)
        except GoinspectError as error:
            raise error.about(path) from None
        memory = path
    elif looks_like_maps(content[:_HEAD]):
        rows, warnings = parse_maps(content[:])
    else:
        raise UnrecognizedFormatError("is no saved /proc/PID/maps or smaps, and no core file", path=path)
    files = Files(None, None, binaries, symfs, pages)
    return _mapped(path, process, rows, files, warnings, wanted, {}, memory)


def _read(directory: Path, resident: bool | None, warnings: list[str]) -> tuple[list[Raw], list[str]]:
    text = (directory / "maps").read_bytes()
    count = text.count(b"\n")
    if resident is None and count > _MOST_SIZED:
        warnings.append(f"{counted(count, 'mapping')}: what is resident is not asked for (--resident does)")
        resident = False
    if resident is not False:
        try:
            return parse_maps((directory / "smaps").read_bytes())
        except OSError as error:
            warnings.append(refused("what is resident is not known", error))
    return parse_maps(text)


def _path_of(process: Process) -> str | None:
    if process.exe is None:
        return None
    return process.exe.removesuffix(DELETED)


def _mapped(
    source: str, process: Process | None, rows: Sequence[Raw], files: Files, warnings: list[str],
    addresses: Sequence[int], stacks: dict[int, int], memory: str | None,
) -> MapReport:  # fmt: skip
    opened = open_images(rows, files, warnings)
    images = [*opened.values()]
    main = next((one for one in images if one.image.path.removesuffix(DELETED) == files.exe), None)
    if main is None and images and process is None:
        main = images[0]
    is_go = (main or images[0]).image.facts.go if images else False
    found = classify(rows, opened, go=is_go or _says_go(rows), stacks=stacks)
    unknown = (one.image for one in images if one.image.why_not)
    warnings.extend(f"{image.path}: nothing is known of it: {image.why_not}" for image in unknown)

    @cache
    def opened_memory() -> Binary | None:
        try:
            return Binary(memory) if memory is not None else None
        except GoinspectError:
            return None

    @cache
    def opened_vdso() -> Binary | None:
        return vdso_of(files.directory) if files.directory is not None else None

    explained = tuple(explain(address, found, images, opened_memory, opened_vdso) for address in addresses)
    regions = regions_of(found, [one.image for one in images])
    return MapReport(
        source, process, tuple(one.image for one in images), tuple(found), totals_of(found), regions, explained,
        warnings=tuple(dict.fromkeys(warnings)),
    )  # fmt: skip


def _says_go(rows: Sequence[Raw]) -> bool:
    return any(row.path.startswith("[anon: Go:") for row in rows)
