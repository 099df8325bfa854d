"""Where a binary that a recording mapped may lie on this machine; only places, whether it is the one is for others."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.analysis.recordings.machine import Machine
    from goinspect.model import Mapping

__all__ = ["DELETED", "Places", "mapped_name"]

DELETED = " (deleted)"
_BUILD_ID = re.compile(r"[0-9a-f]{6,40}")
_DEBUG_ROOT = "usr/lib/debug"


def mapped_name(path: str) -> str:
    """The path a mapping names, without the kernel's " (deleted)"."""
    return path.removesuffix(DELETED)


class Places(NamedTuple):
    """The directories to look in.

    Attributes:
        machine: where everything else is looked for.
        symfs: a copy of the recorded machine's file system.
        near: the recording's own directory.
        same_machine: processes of this machine may be the recorded ones.
    """

    machine: Machine
    symfs: str | None = None
    near: str | None = None
    same_machine: bool = False

    def of_file(self, mapping: Mapping) -> Iterator[Path]:
        """Where the mapped file may be: as recorded, beside the recording, in caches, in the process's own root."""
        path = mapped_name(mapping.path)
        if path.startswith("/"):
            if self.symfs is not None:
                yield Path(self.symfs) / path.lstrip("/")
            yield self.machine.path(path)
            if self.near is not None:
                yield Path(self.near) / PurePosixPath(path).name
        yield from self.cached(mapping.build_id, "elf")
        if self.same_machine and mapping.pid > 0:
            yield from self._in_process(mapping, path)

    def of_symbols(self, build_id: str) -> Iterator[Path]:
        """Where debuggers keep the symbols of a file that has none itself."""
        if not _BUILD_ID.fullmatch(build_id):
            return
        name = f".build-id/{build_id[:2]}/{build_id[2:]}.debug"
        for root in (self.symfs, self.machine.root):
            if root is not None:
                yield Path(root) / _DEBUG_ROOT / name
        yield from self.cached(build_id, "debug")

    def cached(self, build_id: str, name: str) -> Iterator[Path]:
        """Where perf keeps the file of a build ID: "elf", "debug", "vdso" or "kallsyms"."""
        if _BUILD_ID.fullmatch(build_id):
            for root in self._caches():
                place = root / ".build-id" / build_id[:2] / build_id[2:]
                yield place / name
                if name != "debug":
                    yield place  # perf before 4.2

    def _caches(self) -> Iterator[Path]:
        if self.near is not None:
            yield Path(self.near) / ".debug"
            yield Path(self.near)  # an unpacked `perf archive`
        yield from self.machine.caches

    def _in_process(self, mapping: Mapping, path: str) -> Iterator[Path]:
        """What the process itself sees, while it lives: its file system, and the very file even when deleted."""
        process = self.machine.process(mapping.pid)
        yield process / "map_files" / f"{mapping.start:x}-{mapping.end:x}"
        if path.startswith("/"):
            yield process / "root" / path.lstrip("/")
