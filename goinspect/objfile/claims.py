"""What a PE or Mach-O file claims to hold, added up before LIEF is given it.

LIEF copies every section, segment and name that a header describes. Headers that describe the same bytes thousands of
times would cost gigabytes; sound files describe theirs about once.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from goinspect._reader import Reader
from goinspect.errors import MalformedError
from goinspect.objfile.image import MAX_OVERLAP
from goinspect.objfile.strtab import StringTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect._reader import ByteOrder

__all__ = ["check_macho", "check_pe"]

_PE_SECTION, _COFF_SYMBOL = struct.Struct("<16xII16x"), struct.Struct("<II10x")
_LC_SEGMENT, _LC_SYMTAB, _LC_DYSYMTAB, _LC_SEGMENT_64 = 1, 2, 0xB, 0x19
_LC_DYLD_INFO = (0x22, 0x80000022)
# linkedit_data_command: code signature, split info, function starts, data in code, exports trie, chained fixups, …
_LC_LINKEDIT = (0x1D, 0x1E, 0x26, 0x29, 0x2B, 0x2E, 0x80000033, 0x80000034)


def check_pe(data: memoryview) -> None:
    """Raise MalformedError or TruncatedError for a PE file that claims many times its size."""
    reader = Reader(data, what="PE header")
    at = reader.u32(0x3C)
    rows = reader.view(at + 24 + reader.u16(at + 20), reader.u16(at + 6) * _PE_SECTION.size)
    _limit(sum(min(size, len(data)) for size, _ in _PE_SECTION.iter_unpack(rows)), data)
    symbols, count = reader.u32(at + 12), reader.u32(at + 16)
    table = data[symbols : symbols + count * _COFF_SYMBOL.size]
    strings = StringTable(data[symbols + count * _COFF_SYMBOL.size :])
    for zeros, offset in _COFF_SYMBOL.iter_unpack(
        table[: len(table) // _COFF_SYMBOL.size * _COFF_SYMBOL.size]
    ):
        if zeros == 0:
            strings.skip(offset)


def check_macho(data: memoryview) -> None:
    """The same for a Mach-O file or slice."""
    byteorder: ByteOrder = "big" if bytes(data[:1]) == b"\xfe" else "little"
    wide = bytes(data[:4]) in (b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf")
    reader = Reader(data, byteorder, 8 if wide else 4, what="Mach-O header")
    claimed = 0
    for command, at in _commands(reader, 32 if wide else 28):
        for claim in _claims(reader, command, at):
            claimed += min(claim, reader.size)
        _limit(claimed, data)
        if command == _LC_SYMTAB:
            _check_names(reader, at)


def _limit(claimed: int, data: memoryview) -> None:
    if claimed > MAX_OVERLAP * len(data):
        raise MalformedError(f"headers describe {claimed:#x} bytes, the file has {len(data):#x}")


def _commands(reader: Reader, at: int) -> Iterator[tuple[int, int]]:
    """(kind, offset) of the load commands."""
    for _ in range(reader.u32(16)):
        command, size = reader.u32(at), reader.u32(at + 4)
        if size < 8:
            raise MalformedError(f"load command of {size} bytes", offset=at)
        yield command, at
        at += size


def _claims(reader: Reader, command: int, at: int) -> Iterator[int]:
    """Sizes of the data that a load command describes."""
    if command in (_LC_SEGMENT, _LC_SEGMENT_64):
        wide = command == _LC_SEGMENT_64
        yield reader.u64(at + 48) if wide else reader.u32(at + 36)
        first, step, size_at = (72, 80, 40) if wide else (56, 68, 36)
        for section in range(min(reader.u32(at + (64 if wide else 48)), reader.size // step + 1)):
            where = at + first + section * step + size_at
            yield reader.u64(where) if wide else reader.u32(where)
    elif command == _LC_SYMTAB:
        yield reader.u32(at + 12) * 12
    elif command == _LC_DYSYMTAB:
        yield reader.u32(at + 60) * 4
    elif command in _LC_DYLD_INFO:
        yield from (reader.u32(at + 12 + 8 * i) for i in range(5))
    elif command in _LC_LINKEDIT:
        yield reader.u32(at + 12)


def _check_names(reader: Reader, at: int) -> None:
    symbols, count, start, size = (reader.u32(at + 8 + 4 * i) for i in range(4))
    mark = "<" if reader.byteorder == "little" else ">"
    layout = struct.Struct(mark + ("I12x" if reader.ptrsize == 8 else "I8x"))
    table = reader.data[symbols : symbols + count * layout.size]
    strings = StringTable(reader.data[start : start + size])
    for (offset,) in layout.iter_unpack(table[: len(table) // layout.size * layout.size]):
        strings.skip(offset)
