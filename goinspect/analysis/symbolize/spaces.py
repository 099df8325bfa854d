"""Where addresses come from: a living process, saved maps, a core file, or a binary itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from goinspect.analysis.recordings.finder import BinaryFinder
from goinspect.analysis.recordings.kallsyms import Functions, read_kallsyms
from goinspect.analysis.recordings.machine import this_machine
from goinspect.analysis.symbolize.files import MappedFiles
from goinspect.binary import Binary
from goinspect.errors import FileError, GoinspectError, MalformedError, QueryError
from goinspect.model import Mapping
from goinspect.objfile import map_file
from goinspect.objfile.memory.core import CoreImage
from goinspect.profiles.procmaps import mappings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.analysis.recordings.machine import Machine

__all__ = ["Source", "Space", "open_space"]

_LIVING = re.compile(r"/proc/([1-9][0-9]*)/maps")


class Source(NamedTuple):
    """What addresses belong to: `pid`, `maps` or `core`; without these, to the one binary.

    Attributes:
        pid: a process that lives.
        maps: a saved /proc/PID/maps.
        core: a core file.
        binaries: files to use where their build ID or name is that of a mapping.
        symfs: a copy of the file system of the machine.
        kallsyms: symbols of the kernel.
    """

    pid: int | None = None
    maps: str | None = None
    core: str | None = None
    binaries: Sequence[str] = ()
    symfs: str | None = None
    kallsyms: str | None = None


class Space(NamedTuple):
    """An address space with its files.

    Attributes:
        mappings: what is mapped where.
        files: opens these.
        binary: whose own addresses they are, where there are no mappings.
        memory: of a core file: what can be read of it, in the addresses of the process.
        kernel: functions of the kernel.
        warnings: what was wrong with the text of the mappings.
    """

    mappings: tuple[Mapping, ...]
    files: MappedFiles
    binary: Binary | None = None
    memory: Binary | None = None
    kernel: Functions | None = None
    warnings: tuple[str, ...] = ()


def open_space(source: Source, machine: Machine | None = None) -> Space:
    """Read what tells where files are mapped.

    Raises:
        QueryError: `source` names none of these, or several.
        FileError: there is no such process or file, or it may not be read.
        GoinspectError: it is not what it is said to be.
    """
    machine = machine or this_machine()
    asked = [name for name in ("pid", "maps", "core") if getattr(source, name) is not None]
    if len(asked) > 1:
        raise QueryError(f"--{asked[0]} and --{asked[1]} exclude each other")
    kernel = _kernel(source, machine)
    if source.pid is not None:
        return _of_process(source, source.pid, machine, kernel)
    if source.maps is not None and (living := _LIVING.fullmatch(source.maps)):
        return _of_process(source, int(living[1]), machine, kernel)
    if source.maps is not None:
        return _of_maps(source, source.maps, machine, kernel)
    if source.core is not None:
        return _of_core(source, source.core, machine, kernel)
    if len(source.binaries) != 1:
        raise QueryError("addresses of what? --pid, --maps, --core, or one --binary")
    files = MappedFiles(BinaryFinder(machine=machine))
    return Space((), files, binary=Binary(source.binaries[0]), kernel=kernel)


def _of_process(source: Source, pid: int, machine: Machine, kernel: Functions | None) -> Space:
    process = machine.process(pid)
    try:
        text = (process / "maps").read_bytes()
    except ProcessLookupError:
        raise FileError("has ended", path=f"process {pid}") from None
    except FileNotFoundError:
        raise FileError("there is no such process", path=f"process {pid}") from None
    except OSError as error:
        raise FileError(
            f"its mappings cannot be read: {error.strerror}; that takes root or the right to trace it",
            path=f"process {pid}",
        ) from None
    if not text:
        raise FileError("maps nothing: a kernel thread, or a process that has ended", path=f"process {pid}")
    finder = BinaryFinder(source.binaries, symfs=source.symfs, machine=machine, same_kernel=lambda: True)
    return Space(
        mappings_of(text, f"process {pid}", pid=pid)[0], MappedFiles(finder, process=process), kernel=kernel
    )


def _of_maps(source: Source, path: str, machine: Machine, kernel: Functions | None) -> Space:
    text = map_file(path, "a saved /proc/PID/maps")[:]
    near = str(Path(path).parent)
    finder = BinaryFinder(source.binaries, symfs=source.symfs, near=near, machine=machine)
    mappings, warnings = mappings_of(text, path)
    return Space(mappings, MappedFiles(finder), kernel=kernel, warnings=tuple(warnings))


def _of_core(source: Source, path: str, machine: Machine, kernel: Functions | None) -> Space:
    memory = Binary(path)
    image = memory.image
    if not isinstance(image, CoreImage):
        raise MalformedError(f"is {image.container}, expected a core file", path=path)
    near = str(Path(path).parent)
    finder = BinaryFinder(source.binaries, symfs=source.symfs, near=near, machine=machine)
    mappings = tuple(
        Mapping(file.start, file.end, file.file_offset, file.name)
        for file in image.files
        if file.start < file.end
    )
    return Space(mappings, MappedFiles(finder, same=image.is_same), memory=memory, kernel=kernel)


def _kernel(source: Source, machine: Machine) -> Functions | None:
    """Symbols of the kernel: those given, else of a living process those of the kernel that runs."""
    path = source.kallsyms
    if path is None and source.pid is None:
        return None
    try:
        found = read_kallsyms(map_file(path or machine.kallsyms, "a kallsyms table")[:])
    except (GoinspectError, ValueError) as error:
        if path is None:
            return None
        if isinstance(error, GoinspectError):
            raise
        raise MalformedError(f"{error.args[0]!r} is no line of a kallsyms table", path=path) from None
    return found if len(found.addresses) and int(found.addresses[-1]) else None
