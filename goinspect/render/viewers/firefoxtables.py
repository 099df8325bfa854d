"""The tables of frames, functions, libraries and strings of a Firefox profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from goinspect.render.values import escape_terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.results.places import Module
    from goinspect.results.stacks import Stacks

__all__ = ["Tables", "breakpad_id"]

_LIBRARY = 1  # ResourceTypeEnum


class _Item(NamedTuple):
    """A frame at a place: a row of a frame table, with all but its function."""

    function: tuple[str, str, int, int]  # name, file, first line, library
    address: int
    depth: int
    category: int
    line: int


class Tables:
    """What threads refer to. ``item`` is the row of what each entry of ``stacks.frame`` shows.

    Args:
        stacks: with places, or without.
        kinds: of frames, in the order of the categories.
    """

    def __init__(self, stacks: Stacks, kinds: Sequence[str]) -> None:
        self._strings: dict[str, int] = {}
        self._sources: dict[str, int] = {}
        self.libs = [_lib(module) for module in (stacks.places.modules if stacks.places else ())]
        depth = _inline_depths(stacks)
        place = np.full(len(stacks.frame), -1) if stacks.place is None else stacks.place
        top = int(depth.max(initial=0)) + 1
        key = ((place.astype(np.int64) + 1) * (len(stacks.frames) + 1) + stacks.frame) * top + depth
        keys, self.item = np.unique(key, return_inverse=True)
        self._items = [
            self._described(stacks, kinds, divmod(number // top, len(stacks.frames) + 1), number % top)
            for number in keys.tolist()
        ]

    def _described(self, stacks: Stacks, kinds: Sequence[str], at: tuple[int, int], depth: int) -> _Item:
        place, row = at
        frame, places = stacks.frames[row], stacks.places
        lib, address = -1, -1
        if places is not None and place:
            lib = int(places.module[place - 1])
            if lib >= 0 and places.address[place - 1]:
                address = _relative(places.modules[lib], int(places.address[place - 1]))
        name, file = escape_terminal(frame.name), escape_terminal(frame.file)
        function = name, file, frame.start_line, lib
        return _Item(function, address, depth, kinds.index(frame.kind), frame.line)

    def text(self, value: str) -> int:
        """The number of a string."""
        return self._strings.setdefault(value, len(self._strings))

    def _source(self, file: str) -> int | None:
        return self._sources.setdefault(file, len(self._sources)) if file else None

    def of_thread(self, parent: NDArray[np.int64], item: NDArray[np.int64]) -> dict[str, Any]:
        """The tables of a thread that has these nodes."""
        used, frame = np.unique(item, return_inverse=True)
        items = [self._items[row] for row in used.tolist()]
        functions: dict[tuple[str, str, int, int], int] = {}
        func = [functions.setdefault(row.function, len(functions)) for row in items]
        resources: dict[int, int] = {}
        resource = [
            resources.setdefault(lib, len(resources)) if lib >= 0 else -1 for _, _, _, lib in functions
        ]
        count = len(items)
        return {
            "stackTable": {
                "frame": frame.tolist(),
                "prefix": [row if row >= 0 else None for row in parent.tolist()],
                "length": len(frame),
            },
            "frameTable": {
                "address": [row.address for row in items],
                "inlineDepth": [row.depth for row in items],
                "category": [row.category for row in items],
                "subcategory": [0] * count,
                "func": func,
                "nativeSymbol": [None] * count,
                "innerWindowID": [0] * count,
                "line": [row.line or None for row in items],
                "column": [None] * count,
                "length": count,
            },
            "funcTable": {
                "name": [self.text(name) for name, _, _, _ in functions],
                "isJS": [False] * len(functions),
                "relevantForJS": [False] * len(functions),
                "resource": resource,
                "source": [self._source(file) for _, file, _, _ in functions],
                "lineNumber": [start or None for _, _, start, _ in functions],
                "columnNumber": [None] * len(functions),
                "length": len(functions),
            },
            "resourceTable": {
                "lib": list(resources),
                "name": [self.text(self.libs[lib]["name"]) for lib in resources],
                "host": [None] * len(resources),
                "type": [_LIBRARY] * len(resources),
                "length": len(resources),
            },
            "nativeSymbols": {"libIndex": [], "address": [], "name": [], "functionSize": [], "length": 0},
        }

    def shared(self) -> dict[str, Any]:
        """The strings and files of all threads."""
        files = [self.text(file) for file in self._sources]
        return {
            "stringArray": list(self._strings),
            "sources": {"uuid": [None] * len(files), "filename": files, "length": len(files)},
        }


def _inline_depths(stacks: Stacks) -> NDArray[np.int64]:
    """How many inlined calls each entry of ``stacks.frame`` is away from the function that holds its code."""
    inlined = np.array([frame.inlined for frame in stacks.frames], dtype=np.bool_)
    here = inlined[stacks.frame] if len(inlined) else np.empty(0, dtype=np.bool_)
    begins = ~here
    begins[stacks.start[np.flatnonzero(np.diff(stacks.start))]] = True
    at = np.arange(len(here))
    return at - np.maximum.accumulate(np.where(begins, at, 0))


def _relative(module: Module, address: int) -> int:
    """To where the file is loaded; of a file that was not found, its place in it."""
    if module.placed or module.kernel:
        return max(address - module.base, -1)
    return max(address - module.start + module.offset, -1)


def _lib(module: Module) -> dict[str, Any]:
    path = escape_terminal(module.path)
    name = path.rpartition("/")[2] or path
    return {
        "arch": "", "name": name, "path": path, "debugName": name, "debugPath": path,
        "breakpadId": breakpad_id(module.build_id), "codeId": module.build_id or None,
    }  # fmt: skip


def breakpad_id(build_id: str) -> str:
    """As Breakpad makes it of a build ID: its first 16 bytes as a GUID of little-endian fields, and an age of 0."""
    try:
        raw = bytes.fromhex(build_id)[:16].ljust(16, b"\0")
    except ValueError:  # of a damaged file
        return ""
    fields = raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]
    return fields.hex().upper() + "0" if build_id else ""
