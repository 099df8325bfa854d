"""The source of frames, for whoever reads the report without it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from goinspect.analysis.disasm.sources import SourceTree
from goinspect.results.places import SourceFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.binary import Binary
    from goinspect.results.stacks import Stacks

__all__ = ["MOST", "sources"]

MOST: Final = 6_000_000  # characters of all files
_LARGEST: Final = 1_500_000  # of one
_BEGINS = re.compile(r"\bfunc\b|\bTEXT\b")  # how functions begin, in Go and in its assembly

_NOT_FOUND = "no file of this path is below the directories that were given"
_ANOTHER = "the file of this path is not what was built: no function begins where it did"
_CHANGED = "not all functions begin where they did: the file may have been changed since the build"
_NO_ROOM = "left out: the source of hotter functions takes the room that there is"


def sources(
    stacks: Stacks, binaries: Sequence[Binary], folders: Sequence[str], warnings: list[str]
) -> tuple[SourceFile, ...]:
    """The files that frames are in, those of the hottest frames first, as far as they are below `folders`."""
    tree = SourceTree(folders, _main_modules(binaries))
    begins: dict[str, set[int]] = {}
    for frame in stacks.frames:
        if frame.file and frame.line:
            told = begins.setdefault(frame.file, set())
            if frame.start_line and not frame.wrapper and "-range" not in frame.name:
                told.add(frame.start_line)
    out, room = list[SourceFile](), MOST
    for file in _hottest_first(stacks, begins):
        found = _find(tree, file, begins[file])
        size = len(found.text or "")
        if size > min(room, _LARGEST):
            found, size = SourceFile(file, None, _NO_ROOM), 0
        room -= size
        out.append(found)
    if out and all(one.text is None for one in out):
        warnings.append(f"no source of the frames is below {', '.join(folders)}")
    return tuple(out)


def _main_modules(binaries: Sequence[Binary]) -> list[str]:
    infos = [binary.go.build_info for binary in binaries if binary.go_or_none is not None]
    return list(dict.fromkeys(info.main.path for info in infos if info and info.main and info.main.path))


def _hottest_first(stacks: Stacks, files: dict[str, set[int]]) -> list[str]:
    """Files by the weight that went through their frames."""
    own = np.zeros(len(stacks.frames), dtype=np.float64)
    np.add.at(own, stacks.frame, np.repeat(stacks.weight.astype(np.float64), np.diff(stacks.start)))
    weight = dict.fromkeys(files, 0.0)
    for frame, here in zip(stacks.frames, own.tolist(), strict=True):
        if frame.file in weight:
            weight[frame.file] += here
    return sorted(files, key=lambda file: (-weight[file], file))


def _find(tree: SourceTree, file: str, begins: set[int]) -> SourceFile:
    """The file whose functions begin where those of the binary do."""
    note = _NOT_FOUND
    for lines in tree.texts(file):
        fits = sum(0 < line <= len(lines) and bool(_BEGINS.search(lines[line - 1])) for line in begins)
        if fits or not begins:
            return SourceFile(file, "\n".join(lines), "" if fits == len(begins) else _CHANGED)
        note = _ANOTHER
    return SourceFile(file, None, note)
