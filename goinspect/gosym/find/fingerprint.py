"""Which Go release wrote a table that no build information speaks for, as far as its layout depends on it.

The magic says the generation. Within it, the releases differ in what the records themselves show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.errors import GoinspectError
from goinspect.gosym import inline
from goinspect.gosym.layout import release_for, sample
from goinspect.gosym.pclntab import PclnTable

if TYPE_CHECKING:
    from goinspect.gosym.layout import Release, Version
    from goinspect.gosym.pclntab import Header
    from goinspect.objfile.image import Image

__all__ = ["guess_release"]

_LEGACY_FRAME = 0x01234567  # what Go 1.5-1.10 write in place of the frame size
_RECORDS = 4000  # looked at for fields that only some functions have
# A function that every program has, and its funcID from a release on.
_KNOWN_IDS = (("runtime.systemstack_switch", (((1, 25), 22), ((1, 22), 21), ((1, 20), 20))),)


def guess_release(image: Image, header: Header, data: memoryview, vaddr: int) -> Release:
    """The row that applies, from the structure of the records."""
    generation = header.layout.generation
    if generation == "1.2":
        return release_for(_old(image, header, data, vaddr))
    if generation == "1.16":
        return release_for((1, 17) if _has_flags(header, data, vaddr) else (1, 16))
    if generation == "1.18":
        return release_for((1, 18))
    return release_for(_current(image, header, data, vaddr))


def _current(image: Image, header: Header, data: memoryview, vaddr: int) -> Version:
    if any(image.section(name) is not None for name in (".go.type", ".data.rel.ro.go.type", "__go_type")):
        return (1, 27)
    if image.section(".go.module") is not None or image.section("__go_module") is not None:
        return (1, 26)
    if header.text_start == 0 and not _word_is_relocated(image, header, vaddr):
        return (1, 26)
    table = PclnTable(data, header, release_for((1, 20)), vaddr=vaddr)
    for name, ids in _KNOWN_IDS:
        func_id = _func_id(table, name)
        for version, number in ids:
            if func_id == number:
                return version
    return (1, 22)


def _word_is_relocated(image: Image, header: Header, vaddr: int) -> bool:
    """Whether the loader fills in textStart: then the 0 in the file is none."""
    try:
        return image.read_pointer(vaddr + 8 + 2 * header.ptrsize) != 0
    except GoinspectError:
        return False


def _func_id(table: PclnTable, name: str) -> int | None:
    wanted = name.encode() + b"\0"
    at = bytes(table.data[table.header.funcnametab : table.header.cutab]).find(b"\0" + wanted)
    if at < 0:
        return None
    for index in range(table.nfunc):
        func = table.func(index)
        if func is not None and func.name_off == at + 1:
            return func.func_id
    return None


def _has_flags(header: Header, data: memoryview, vaddr: int) -> bool:
    """Go 1.17 marks assembly functions and the tops of stacks, of which there are always some."""
    table = PclnTable(data, header, release_for((1, 17)), vaddr=vaddr)
    funcs = (table.func(index) for index in sample(header.nfunc, _RECORDS))
    return any(func.flag for func in funcs if func is not None)


def _old(image: Image, header: Header, data: memoryview, vaddr: int) -> Version:
    """Go 1.2-1.15: three shapes of records, three of inline trees."""
    words = _frame_and_last(header, data)
    # Four bytes {funcID, 0, 0, nfuncdata} since 1.12, where until then the number nfuncdata stood.
    if any(last > 0xFF for _, last in words):
        return _with_ids(image, header, data, vaddr)
    frames = {frame for frame, _ in words} - {0}
    if frames <= {_LEGACY_FRAME}:
        return (1, 9)  # 1.5-1.8 differ by having no inline trees, which shows in each record
    return (1, 11) if max(frames) < 18 else (1, 2)


def _frame_and_last(header: Header, data: memoryview) -> list[tuple[int, int]]:
    table = PclnTable(data, header, release_for((1, 2)), vaddr=0)
    out: list[tuple[int, int]] = []
    for index in sample(header.nfunc, _RECORDS):
        func = table.func(index)
        if func is not None:
            out.append((table.word(func, "frame"), table.word(func, "nfuncdata")))
    return out


def _with_ids(image: Image, header: Header, data: memoryview, vaddr: int) -> Version:
    """Go 1.12-1.15: where the inline trees are, and one function."""
    if bytes(data).find(b"\0runtime.asyncPreempt\0") >= 0:
        return (1, 14)
    for version in ((1, 13), (1, 12)):
        table = PclnTable(data, header, release_for(version), vaddr=vaddr, tail=image.tail)
        if inline.trees_are_sound(table):
            return version
    return (1, 13)
