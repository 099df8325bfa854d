"""The process that a core file was made of: its mappings, threads and command (core(5), NT_PRSTATUS, NT_PRPSINFO)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import UnrecognizedFormatError
from goinspect.objfile import map_file
from goinspect.objfile.elf.notes import notes
from goinspect.objfile.elf.view import ElfView
from goinspect.objfile.memory.core import CoreImage
from goinspect.profiles.procmaps import Raw, in_order
from goinspect.results.processes.maps import Process, Thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goinspect.model import Segment
    from goinspect.objfile.image import Buffer

__all__ = ["Core", "read_core"]

_NT_PRSTATUS, _NT_PRPSINFO = 1, 3
_AT_RANDOM, _AT_SYSINFO_EHDR = 25, 33
_VSYSCALL = 0xFFFF_FFFF_FF60_0000  # of amd64
_MOST_THREADS = 1 << 16
# By size of a word: where pr_pid is in prstatus; where pr_pid, pr_fname and pr_psargs are in prpsinfo.
_STATUS = {8: 32, 4: 24}
_INFO = {8: (24, 40, 56), 4: (12, 28, 44)}


class Core(NamedTuple):
    """What a core file tells of a process."""

    rows: list[Raw]
    process: Process | None
    first_pages: Mapping[str, bytes]
    warnings: list[str]


def read_core(path: str) -> Core:
    """Mappings and process of a core file.

    Raises:
        GoinspectError: it cannot be read as one.
    """
    mapped = map_file(path, "a core file")
    view = ElfView(path, mapped)
    if view.type != "core":
        raise UnrecognizedFormatError(
            "is an ELF file, but no core file: nothing tells where it was mapped", path=path
        )
    rows = {segment.vaddr: _row(segment) for segment in view.segments if segment.mem_size}
    image = CoreImage(path, mapped, view)
    for file in image.files:
        row = rows.get(file.start)
        if row is None:
            row = Raw(file.start, file.end, "r--p", 0, "00:00", 0, "")
        rows[file.start] = row._replace(offset=file.file_offset, path=file.name)
    kept, warnings = in_order(rows.values())
    return Core(_with_kernels(kept, image.auxv), _process(view, mapped), image.first_pages, warnings)


def _row(segment: Segment) -> Raw:
    letters = zip("rwx", segment[4:7], strict=True)
    permissions = "".join(letter if allowed else "-" for letter, allowed in letters) + "p"
    return Raw(segment.vaddr, segment.vaddr + segment.mem_size, permissions, 0, "00:00", 0, "")


def _with_kernels(rows: list[Raw], auxv: Mapping[int, int]) -> list[Raw]:
    """With the names that /proc would have: what the auxiliary vector points to, and what lies at a fixed address."""
    known = {
        _VSYSCALL: "[vsyscall]",
        auxv.get(_AT_SYSINFO_EHDR, 0): "[vdso]",
        auxv.get(_AT_RANDOM, 0): "[stack]",
    }
    found = list(rows)
    for number, row in enumerate(found):
        name = next(
            (name for at, name in known.items() if at and row.start <= at < row.end and not row.path), None
        )
        if name is None:
            continue
        found[number] = row._replace(path=name)
        before = number - 1
        while (
            name == "[vdso]"
            and before >= 0
            and found[before].end == found[before + 1].start
            and _is_plain(found[before])
        ):
            found[before] = found[before]._replace(path="[vvar]")
            before -= 1
    return found


def _is_plain(row: Raw) -> bool:
    return row.permissions == "r--p" and not row.path


def _process(view: ElfView, mapped: Buffer) -> Process | None:
    word = struct.Struct("<II" if view.byteorder == "little" else ">II")
    tids: list[int] = []
    pid, name, command = None, "", ""
    data = memoryview(mapped)
    ppid = None
    for offset, size in view.note_ranges():
        for owner, kind, description in notes(data[offset : offset + size], view.byteorder):
            if owner != b"CORE\0":
                continue
            at = _STATUS[view.ptrsize]
            if kind == _NT_PRSTATUS and len(description) >= at + 8 and len(tids) < _MOST_THREADS:
                tids.append(word.unpack_from(description, at)[0])
            at, name_at, command_at = _INFO[view.ptrsize]
            if kind == _NT_PRPSINFO and len(description) >= command_at + 80:
                pid, ppid = word.unpack_from(description, at)
                name = _text(description[name_at : name_at + 16])
                command = _text(description[command_at : command_at + 80])
    if pid is None and not tids:
        return None
    threads = tuple(Thread(tid, "", None, None, None) for tid in tids)
    return Process(
        tids[0] if pid is None else pid, ppid, name, None, False, threads, (command,) if command else (), None, None, None, None, None,
        None, None,
    )  # fmt: skip


def _text(field: memoryview) -> str:
    return bytes(field).partition(b"\0")[0].decode("utf-8", "surrogateescape").rstrip()
