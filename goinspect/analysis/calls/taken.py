"""Functions that may be called through a pointer: those whose address is in data or in code.

Data holds function values, itabs and the tables of other runtimes as words; code makes pointers of its own (closures)
relative to the PC. Type data holds the methods that an interface or reflection may call, as offsets from the text
(src/internal/abi/type.go, Method.Ifn and Tfn); where there is none, every method counts as one of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from goinspect.analysis.calls.functions import Functions
    from goinspect.binary import Binary
    from goinspect.objfile.image import Image

__all__ = ["address_taken"]

_PIECE = 1 << 22  # words
_IN_CACHE = 1 << 18  # bytes looked at at once: temporaries stay in the cache


def _may_be_method(name: str) -> bool:
    """Does Go spell methods so? ``pkg.T.M``, ``pkg.(*T).M``: with two dots behind the path, or a receiver."""
    last = name.rpartition("/")[2].partition("[")[0]
    return ".(" in name or last.count(".") > 1


def address_taken(binary: Binary, functions: Functions) -> NDArray[np.bool_]:
    """For each function whether its address is found in data or made in code; errors in reading count as not."""
    image = binary.image
    found = [*_words(image), *_made(image)]
    methods = _in_type_data(binary)
    out = np.zeros(len(functions), dtype=np.bool_)
    if methods is None:
        out[[number for number in range(functions.go) if _may_be_method(functions.name(number))]] = True
    else:
        found.append(methods)
    for part in found:
        numbers = functions.entered(part)
        out[numbers[numbers >= 0]] = True
    return out


def _in_type_data(binary: Binary) -> NDArray[np.uint64] | None:
    """The functions of the methods that type data lists; None where there is no type data.

    Whatever looks like an entry of a method table counts: offsets of a name and of a type, then of two functions.
    """
    if binary.go_or_none is None:
        return np.empty(0, dtype=np.uint64)
    from goinspect.gosym.types.data import summarize_types  # few recordings ask for it

    try:
        types = summarize_types(binary.image, binary.go)
        if types is None or not types.bytes:
            return None
        data = binary.image.read(types.address, types.bytes & ~3)
    except GoinspectError:
        return None
    words = np.frombuffer(data, dtype=binary.bulk.records.u32).astype(np.uint64)
    size = np.uint64(types.bytes)
    text = binary.bulk.entries
    extent = text[-1] - text[0] if len(text) else np.uint64(0)
    name, kind, called, direct = words[:-3], words[1:-2], words[2:-1], words[3:]
    rows = (name > 0) & (name < size) & (kind < size) & (called < extent) & (direct < extent)
    found = np.concatenate((called[rows], direct[rows]))
    return np.asarray(binary.go.table.text_map.addresses(found))


def _words(image: Image) -> Iterator[NDArray[np.uint64]]:
    """The words of data that could be addresses of code, relocations applied."""
    code = [(s.vaddr, s.vaddr + s.file_size) for s in image.segments if s.executable]
    low, high = min((a for a, _ in code), default=0), max((b for _, b in code), default=0)
    dtype = np.dtype(f"{'<' if image.byteorder == 'little' else '>'}u{image.ptrsize}")
    for segment in image.segments:
        if not segment.file_size:
            continue
        try:
            data = image.relocated(segment.vaddr, segment.file_size)
        except GoinspectError:
            continue
        skip = -segment.vaddr % image.ptrsize
        count = max(len(data) - skip, 0) // image.ptrsize
        words = np.frombuffer(data, dtype=dtype, offset=skip if count else 0, count=count)
        for at in range(0, count, _PIECE):
            piece = words[at : at + _PIECE]
            yield piece[(piece >= low) & (piece < high)].astype(np.uint64)


def _made(image: Image) -> Iterator[NDArray[np.uint64]]:
    made = _MAKERS.get(image.arch)
    if made is None:
        return
    for segment in image.segments:
        if segment.executable and segment.file_size:
            try:
                code = np.frombuffer(image.tail(segment.vaddr)[: segment.file_size], dtype=np.uint8)
            except GoinspectError:
                continue
            yield made(code, segment.vaddr)


def _lea(code: NDArray[np.uint8], vaddr: int) -> NDArray[np.uint64]:
    """LEA r64, [RIP + disp32]: 8D /r with mod 0 and rm 5 (Intel SDM vol. 2)."""
    found = []
    for at in range(0, len(code), _IN_CACHE):
        piece = code[at : at + _IN_CACHE + 5]
        looks = piece[:-5] == 0x8D
        looks &= piece[1:-4] & 0xC7 == 0x05
        found.append(np.flatnonzero(looks) + at + 2)
    first = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
    relative = np.zeros(len(first), dtype=np.uint32)
    for byte in range(4):
        relative |= code[first + byte].astype(np.uint32) << np.uint32(8 * byte)
    after = np.uint64(vaddr) + (first + 4).astype(np.uint64)
    return np.asarray(after + relative.view(np.int32).astype(np.int64).view(np.uint64))


def _adrp(code: NDArray[np.uint8], vaddr: int) -> NDArray[np.uint64]:
    """ADRP and the ADD (immediate) behind it of the same register (Arm ARM, C6.2)."""
    words = code[: len(code) & ~3].view("<u4").astype(np.uint32)
    page, low = words[:-1], words[1:]
    rows = np.flatnonzero(
        (page & 0x9F00_0000 == 0x9000_0000)
        & (low & 0xFFC0_0000 == 0x9100_0000)
        & (low >> 5 & 31 == page & 31)
    )
    number = (page[rows] >> 5 & 0x7FFFF) << 2 | (page[rows] >> 29 & 3)
    pages = (number << np.uint32(11)).view(np.int32).astype(np.int64) >> 11
    base = (np.uint64(vaddr) + rows.astype(np.uint64) * np.uint64(4)) & ~np.uint64(0xFFF)
    return np.asarray(base + (pages << 12).view(np.uint64) + (low[rows] >> 10 & 0xFFF).astype(np.uint64))


_MAKERS = {"amd64": _lea, "arm64": _adrp}
