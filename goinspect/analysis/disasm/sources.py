"""Lines of source files, by the paths that a binary has: they are untrusted, and nothing outside of the directories is read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from goinspect.results.disasm import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from goinspect.gosym.buildinfo.info import BuildInfo

__all__ = ["source_lines"]

_LARGEST = 1 << 24  # bytes of a file
_LONGEST = 1 << 10  # characters of a line
_ABSOLUTE = re.compile(r"/|[A-Za-z]:[\\/]")


def source_lines(
    places: Iterable[tuple[str, int]], folders: Sequence[str], info: BuildInfo | None
) -> tuple[SourceLine, ...]:
    """The text of each place; None where no file of that path is below one of the folders, or it has no such line."""
    tree = _Tree(folders, info)
    return tuple(SourceLine(file, line, tree.line(file, line)) for file, line in dict.fromkeys(places))


class _Tree:
    def __init__(self, folders: Sequence[str], info: BuildInfo | None) -> None:
        self._folders = [Path(os.path.realpath(folder)) for folder in folders]
        self._module = info.main.path if info is not None and info.main is not None else ""
        self._files: dict[str, list[str]] = {}

    def line(self, file: str, line: int) -> str | None:
        if file not in self._files:
            self._files[file] = self._read(file)
        lines = self._files[file]
        return lines[line - 1][:_LONGEST] if 0 < line <= len(lines) else None

    def _read(self, file: str) -> list[str]:
        for folder in self._folders:
            for relative in self._relative(file):
                try:
                    path = Path(os.path.realpath(folder / relative))
                    if path.is_relative_to(folder) and path.is_file() and path.stat().st_size <= _LARGEST:
                        text = path.read_text("utf-8", "backslashreplace")
                        return [line.rstrip("\r") for line in text.split("\n")]
                except (OSError, ValueError):
                    continue
        return []

    def _relative(self, file: str) -> Iterator[str]:
        """Where below a folder the file may be, the likeliest place first.

        With -trimpath paths begin with the module's or the package's import path. Others are of the machine of the build:
        there the folder may be any one on the way to the file, and the longest rest of the path that is there is taken.
        """
        if not _ABSOLUTE.match(file):
            yield file
            if self._module and file.startswith(self._module + "/"):
                yield file[len(self._module) + 1 :]
            yield f"src/{file}"
            return
        parts = re.split(r"[\\/]+", file)[1:]
        for start in range(len(parts)):
            yield "/".join(parts[start:])
