"""Source files, by the paths that a binary has: they are untrusted, and nothing outside of the directories is read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from goinspect.results.disasm import SourceLine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from goinspect.gosym.buildinfo.info import BuildInfo

__all__ = ["LARGEST", "SourceTree", "source_lines"]

LARGEST: Final = 1 << 24  # bytes of a file
_LONGEST: Final = 1 << 10  # characters of a line
_ABSOLUTE = re.compile(r"/|[A-Za-z]:[\\/]")
_VERSIONED = re.compile(r"(?:.*/pkg/mod/)?([^@]+)@(v[^/]*)/(.+)", re.DOTALL)
_MODULE_LINE = re.compile(r'^module\s+"?([^\s"]+)', re.MULTILINE)


def source_lines(
    places: Iterable[tuple[str, int]], folders: Sequence[str], info: BuildInfo | None
) -> tuple[SourceLine, ...]:
    """The text of each place; None where no file of that path is below one of the folders, or it has no such line."""
    main = info.main.path if info is not None and info.main is not None else ""
    tree = SourceTree(folders, [main] if main else [])
    return tuple(SourceLine(file, line, tree.line(file, line)) for file, line in dict.fromkeys(places))


class SourceTree:
    """Directories with source.

    Args:
        folders: the directories.
        modules: paths of main modules, whose files may be there without them.
    """

    def __init__(self, folders: Sequence[str], modules: Collection[str]) -> None:
        self._folders = [Path(os.path.realpath(folder)) for folder in folders]
        self._modules = modules
        self._declared: dict[Path, str] = {}
        self._files: dict[str, list[str]] = {}

    def line(self, file: str, line: int) -> str | None:
        """A line of a file; None where it is not found, or has no such line."""
        if file not in self._files:
            self._files[file] = next(self.texts(file), [])
        lines = self._files[file]
        return lines[line - 1][:_LONGEST] if 0 < line <= len(lines) else None

    def texts(self, file: str) -> Iterator[list[str]]:
        """The lines of each file that may be meant, the likeliest first; bytes that are no UTF-8 are escaped."""
        for folder in self._folders:
            for relative in dict.fromkeys(self._relative(folder, file.replace("\\", "/"))):
                try:
                    path = Path(os.path.realpath(folder / relative))
                    if path.is_relative_to(folder) and path.is_file() and path.stat().st_size <= LARGEST:
                        text = path.read_text("utf-8", "backslashreplace")
                        yield [line.rstrip("\r") for line in text.split("\n")]
                except (OSError, ValueError):
                    continue

    def _relative(self, folder: Path, file: str) -> Iterator[str]:
        """Where below a folder the file may be, the likeliest place first.

        With -trimpath paths begin with the module's or the package's import path. Others are of the machine of the build:
        there the folder may be any one on the way to the file, and the longest rest of the path that is there is taken.
        Of another module's file, which has a version in its path, less than the module's path is no rest: unless the
        folder is that module.
        """
        versioned = _VERSIONED.fullmatch(file)
        if _ABSOLUTE.match(file):
            parts = re.split(r"/+", file)[1:]
            last = next((at for at, part in enumerate(parts) if "@v" in part), len(parts) - 1)
            for start in range(last + 1):
                yield "/".join(parts[start:])
        else:
            yield file
            for module in self._modules:
                if file.startswith(module + "/"):
                    yield file[len(module) + 1 :]
            yield f"src/{file}"
        if versioned is not None:
            yield from self._of_module(folder, *versioned.groups())

    def _of_module(self, folder: Path, module: str, version: str, rest: str) -> Iterator[str]:
        """The same of a file of a module cache, of vendored modules, and of the module itself."""
        module = re.sub("!([a-z])", lambda match: match[1].upper(), module)
        escaped = re.sub("[A-Z]", lambda match: f"!{match[0].lower()}", module)
        yield f"{escaped}@{version}/{rest}"
        yield f"pkg/mod/{escaped}@{version}/{rest}"
        yield f"vendor/{module}/{rest}"
        yield f"{module}/{rest}"
        if (
            folder.name
            in (
                f"{module.rpartition('/')[2]}@{version}",
                f"{escaped.rpartition('/')[2]}@{version}",
            )
            or self._declares(folder) == module
        ):
            yield rest

    def _declares(self, folder: Path) -> str:
        """The module that a folder's go.mod is of, or ""."""
        if folder not in self._declared:
            try:
                path = folder / "go.mod"
                text = path.read_text("utf-8", "replace") if path.stat().st_size <= LARGEST else ""
            except OSError:
                text = ""
            found = _MODULE_LINE.search(text)
            self._declared[folder] = found[1] if found else ""
        return self._declared[folder]
