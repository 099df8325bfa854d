"""The source of frames, for whoever reads the report without it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from goinspect.analysis.disasm.sources import SourceTree
from goinspect.results.places import SourceFile

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from goinspect.binary import Binary
    from goinspect.results.stacks import StackFrame, Stacks

__all__ = ["MOST", "sources"]

MOST: Final = 6_000_000  # characters of all files
_LARGEST: Final = 1_500_000  # of one
_AHEAD, _BEHIND = 3, 60  # lines around a function: it ends behind the last one that has a frame
_MADE = re.compile(r"-range\d|\.init$|\.map\.init\.\d+$")  # begin elsewhere: at loops, variables and packages
_BEGINS = re.compile(r"\bfunc\b|\bTEXT\b")  # how functions begin, in Go and in its assembly

_NOT_FOUND = "no file of this path is below the directories that were given"
_ANOTHER = "the file of this path is not what was built: no function begins where it did"
_CHANGED = "not all functions begin where they did: the file may have been changed since the build"
_NO_ROOM = "left out: the source of hotter functions takes the room that there is"


class _Function(NamedTuple):
    """Lines of a function in a file: where it begins, 0 where that is not known, and the first and the last with frames."""

    begin: int
    first: int
    last: int


def sources(
    stacks: Stacks, binaries: Sequence[Binary], folders: Sequence[str], warnings: list[str]
) -> tuple[SourceFile, ...]:
    """The files that frames are in, those of the hottest frames first, as far as they are below `folders`."""
    tree = SourceTree(folders, _main_modules(binaries))
    functions = _functions(stacks.frames)
    out, room = list[SourceFile](), MOST
    for file in _hottest_first(stacks, functions):
        found = _find(tree, file, functions[file])
        size = len(found.text or "")
        if size > min(room, _LARGEST):
            found, size = SourceFile(file, None, _NO_ROOM), 0
        room -= size
        out.append(found)
    if out and all(one.text is None for one in out):
        warnings.append(f"no source of the frames is below {', '.join(folders)}")
    return tuple(out)


def _functions(frames: Sequence[StackFrame]) -> dict[str, list[_Function]]:
    """Files with lines, and the functions that have lines there.

    A line may be of another file than its function: what the compiler moved, and left without a trace of the call that
    it was inlined for. Most lines of a function are in its own file.
    """
    lines: dict[tuple[str, int], dict[str, list[int]]] = {}
    for frame in frames:
        if frame.file and frame.line:
            here = lines.setdefault((frame.name, frame.start_line), {})
            here.setdefault(frame.file, []).append(frame.line)
            if frame.wrapper or _MADE.search(frame.name):
                here.setdefault("", [])
    out: dict[str, list[_Function]] = {}
    for (_, begin), files in lines.items():
        known = begin > 0 and "" not in files
        own = max(files, key=lambda file: len(files[file])) if known else ""
        for file, some in files.items():
            if file:
                begins = begin if file == own else 0
                out.setdefault(file, []).append(_Function(begins, min(some), max(some)))
    return out


def _main_modules(binaries: Sequence[Binary]) -> list[str]:
    infos = [binary.go.build_info for binary in binaries if binary.go_or_none is not None]
    return list(dict.fromkeys(info.main.path for info in infos if info and info.main and info.main.path))


def _hottest_first(stacks: Stacks, files: Collection[str]) -> list[str]:
    """Files by the weight that went through their frames."""
    own = np.zeros(len(stacks.frames), dtype=np.float64)
    np.add.at(own, stacks.frame, np.repeat(stacks.weight.astype(np.float64), np.diff(stacks.start)))
    weight = dict.fromkeys(files, 0.0)
    for frame, here in zip(stacks.frames, own.tolist(), strict=True):
        if frame.file in weight:
            weight[frame.file] += here
    return sorted(files, key=lambda file: (-weight[file], file))


def _find(tree: SourceTree, file: str, functions: Sequence[_Function]) -> SourceFile:
    """The file whose functions begin where those of the binary do; lines that no function is near are left blank."""
    note = _NOT_FOUND
    begins = {function.begin for function in functions} - {0}
    for lines in tree.texts(file):
        fits = sum(line <= len(lines) and bool(_BEGINS.search(lines[line - 1])) for line in begins)
        if fits or not begins:
            kept = {number for function in functions for number in _around(function, lines)}
            text = "\n".join(line if number in kept else "" for number, line in enumerate(lines, 1))
            return SourceFile(file, text.rstrip("\n"), "" if fits == len(begins) else _CHANGED)
        note = _ANOTHER
    return SourceFile(file, None, note)


def _around(function: _Function, lines: Sequence[str]) -> range:
    """The lines of a function, as far as it can be told where it ends: at the first line that closes something."""
    first = min(function.begin or function.first, function.first) - _AHEAD
    end = next(
        (
            at
            for at in range(function.last, function.last + _BEHIND)
            if "".join(lines[at - 1 : at]).startswith("}")
        ),
        None,
    )
    return range(max(first, 1), (end or function.last + _AHEAD) + 1)
