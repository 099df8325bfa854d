"""Which file is mapped: of a living process the very one, of saved maps the one that is known to be it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._paths import is_regular
from goinspect.analysis.recordings.places import DELETED, mapped_name
from goinspect.binary import Binary
from goinspect.errors import GoinspectError
from goinspect.model import Mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goinspect.analysis.recordings.finder import BinaryFinder
    from goinspect.analysis.symbolize.spaces import Space

__all__ = ["MappedFiles"]

_NO_FILE = ("[", "//anon")


class MappedFiles:
    """Opens the files of an address space, each once.

    Args:
        finder: what looks everywhere else.
        process: the directory of a living process in /proc.
        same: is the file at a path certainly the one that was mapped?
    """

    def __init__(
        self, finder: BinaryFinder, *, process: Path | None = None, same: Callable[[str], bool] | None = None
    ) -> None:
        self._finder, self._process, self._same = finder, process, same
        self._known: dict[tuple[str, int], Binary | None] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was not used, and why."""
        return tuple(self._finder.warnings)

    def find(self, mapping: Mapping) -> Binary | None:
        """The binary that is mapped; None where there is none, or none to be trusted."""
        key = mapping.path, mapping.inode
        if key not in self._known:
            self._known[key] = self._living(mapping) or self._finder.find(self._identified(mapping))
        return self._known[key]

    def with_build_id(self, build_id: str, space: Space) -> Binary | None:
        """The file with a build ID: one that is given, the binary itself, or one that is mapped."""
        wanted = Mapping(0, 1, 0, "", build_id, identified=True)
        found = self._finder.find(wanted)
        if found is not None:
            return found
        if space.binary is not None:
            return space.binary if space.binary.image.build_id() == build_id else None
        for mapping in space.mappings:
            binary = self.find(mapping) if mapping.executable and mapping.path.startswith("/") else None
            if binary is not None and binary.image.build_id() == build_id:
                return binary
        return None

    def native(self, binary: Binary, vaddr: int) -> str | None:
        """What the symbol tables of a file, or its separate symbols, call the function at an address."""
        symbol = self._finder.native(binary).find(vaddr)
        return None if symbol is None else symbol.name

    def _identified(self, mapping: Mapping) -> Mapping:
        """A file that still has the inode of the maps, at its path, is the one."""
        path = self._finder.places.machine.path(mapping.path)
        if mapping.path.startswith(_NO_FILE):
            return mapping
        if self._same is not None and self._same(mapping.path):
            return mapping._replace(identified=True)
        return mapping._replace(identified=_inode(path) == mapping.inode != 0)

    def _living(self, mapping: Mapping) -> Binary | None:
        if self._process is None or mapping.path.startswith(_NO_FILE):
            return None
        for place in self._of_process(self._process, mapping):
            try:
                return Binary(place)
            except GoinspectError:
                continue
        return None

    def _of_process(self, process: Path, mapping: Mapping) -> Iterator[Path]:
        """The mapping itself, which takes privileges; else files that have its inode."""
        itself = process / "map_files" / f"{mapping.start:x}-{mapping.end:x}"
        if is_regular(itself):
            yield itself
        exe = process / "exe"
        if _inode(exe) == mapping.inode:
            yield exe
        if mapping.path.startswith("/") and not mapping.path.endswith(DELETED):
            seen = process / "root" / mapped_name(mapping.path).lstrip("/")
            if _inode(seen) == mapping.inode:
                yield seen


def _inode(path: Path) -> int:
    """0: there is no such file, or one may not look."""
    try:
        return path.stat().st_ino
    except (OSError, ValueError):
        return 0
