"""Finding a gopclntab whose header was overwritten, through the shape of moduledata.

The linker writes slices as (pointer, length, capacity) with length equal to capacity, and the parts of the table in
one order. Source: ``type moduledata`` in src/runtime/symtab.go; the word numbers are the same from Go 1.16 on.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from goinspect.errors import GoinspectError
from goinspect.gosym.layout import HEADERS
from goinspect.gosym.pclntab import Header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from goinspect.objfile.image import Image

__all__ = ["described_tables"]

_SLICES = {"funcnametab": 1, "cutab": 4, "filetab": 7, "pctab": 10, "pclntable": 13, "ftab": 16}
_WORDS = 24  # looked at, from the start
_QUANTUM = {"amd64": (1,), "386": (1,), "wasm": (1,), "s390x": (2,), "riscv64": (4, 2)}


def described_tables(image: Image) -> Iterator[tuple[int, Header]]:
    """(vaddr, header as it must have been) for everything in the image that could be a moduledata of Go 1.16+."""
    mark = "<" if image.byteorder == "little" else ">"
    for segment in image.segments:
        if not segment.readable or not segment.file_size:
            continue
        try:
            data = image.tail(segment.vaddr)
        except GoinspectError:
            continue
        data = data[: len(data) // image.ptrsize * image.ptrsize]
        words = np.frombuffer(data, dtype=f"{mark}u{image.ptrsize}")
        for at in _shaped(words).tolist():
            yield from _headers(image, [int(word) for word in words[at : at + _WORDS]])


def _shaped(words: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Where slices of moduledata's kind begin."""
    count = len(words) - _WORDS
    if count <= 0:
        return np.zeros(0, dtype=np.intp)
    found = np.flatnonzero((words[2 : count + 2] == words[3 : count + 3]) & (words[2 : count + 2] != 0))
    for first in (4, 7, 10, 13, 16):
        found = found[
            (words[found + first + 1] == words[found + first + 2]) & (words[found + first + 1] != 0)
        ]
    for lower, upper in pairwise((0, 1, 4, 7, 10, 13)):
        found = found[words[found + lower] < words[found + upper]]
    same: NDArray[np.bool_] = words[found + 13] == words[found + 16]
    return found[same]


def _headers(image: Image, words: list[int]) -> Iterator[tuple[int, Header]]:
    base = words[0]
    offsets = {name: words[at] - base for name, at in _SLICES.items()}
    nfunc = words[_SLICES["ftab"] + 1] - 1
    if not 0 < nfunc < 1 << 24:
        return
    for layout in HEADERS:
        if not layout.has_cutab:
            continue
        for quantum in _QUANTUM.get(image.arch, (4,)):
            yield base, Header(
                layout, image.byteorder, quantum, image.ptrsize, nfunc, 0, 0, offsets["funcnametab"],
                offsets["cutab"], offsets["filetab"], offsets["pctab"], offsets["pclntable"],
            )  # fmt: skip
