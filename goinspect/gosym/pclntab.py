"""PclnTable: one gopclntab, decoded one function at a time in plain Python over a memoryview.

Nothing is decoded until it is asked for, so that a single lookup in a table of 140,000 functions costs
microseconds. `goinspect.gosym.bulk.table` answers the same questions for many PCs at once with numpy.

Field names are those of src/runtime/symtab.go. Every count and offset comes from the file and is checked by Reader.
"""

from __future__ import annotations

import struct
import sys
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from goinspect._reader import Reader
from goinspect.errors import GoinspectError, MalformedError
from goinspect.gosym import pcvalue
from goinspect.gosym.layout import ARGS_UNKNOWN, header_layout
from goinspect.gosym.textmap import TextMap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from goinspect._reader import ByteOrder
    from goinspect.gosym.layout import HeaderLayout, Release

__all__ = ["Func", "Header", "PclnTable", "parse_header"]

_NO_CU = 0xFFFFFFFF
_MAX_NFUNC = 1 << 26
_MAX_VALUES = 1 << 12  # pc-value tables kept decoded


class Header(NamedTuple):
    """The header of a pclntab. Offsets are from the table's first byte; -1 where the generation has none."""

    layout: HeaderLayout
    byteorder: ByteOrder
    quantum: int  # pc deltas are multiples of it: 1, 2 or 4
    ptrsize: int
    nfunc: int
    nfiles: int
    text_start: int
    funcnametab: int
    cutab: int
    filetab: int
    pctab: int
    functab: int

    @property
    def field_size(self) -> int:
        """Width of one functab field: an address before Go 1.18, since then a u32 offset from text."""
        return self.layout.entry_size or self.ptrsize

    @property
    def functab_size(self) -> int:
        """Bytes of the lookup array: nfunc pairs and the sentinel."""
        return (2 * self.nfunc + 1) * self.field_size


class Func(NamedTuple):
    """One ``_func`` record, with addresses resolved. Sizes in bytes."""

    number: int  # in functab
    entry: int
    end: int  # entry of the next function: padding included
    record: int  # offset of the record from the table's first byte
    name_off: int
    args: int | None
    pcsp: int
    pcfile: int
    pcln: int
    npcdata: int
    nfuncdata: int
    func_id: int
    flag: int
    cu_offset: int
    start_line: int | None
    deferreturn: int  # offset from the entry of the call that runs deferred functions; 0: none (Go 1.12+)
    tail: int  # offset of the pcdata array from the table's first byte

    def record_end(self, header: Header) -> int:
        """Offset behind the record's arrays, from the table's first byte."""
        funcdata = self.tail + 4 * self.npcdata
        if header.layout.entry_size:
            return funcdata + 4 * self.nfuncdata
        width = header.ptrsize
        return (funcdata + width - 1 & -width) + width * self.nfuncdata if self.nfuncdata else funcdata


def parse_header(
    data: memoryview, origin: int = 0, assumed: tuple[HeaderLayout, ByteOrder] | None = None
) -> Header:
    """Read the header at the start of `data`; with `assumed`, whatever its magic is.

    Raises:
        MalformedError: magic, quantum, pointer size or the order of the parts is not that of any generation.
        TruncatedError: `data` ends inside the header or the functab.
    """
    probe = Reader(data, what="gopclntab header", origin=origin)
    magic_bytes = bytes(probe.view(0, 8))
    layout, byteorder = assumed or _known_magic(magic_bytes, origin)
    quantum, ptrsize = magic_bytes[6], magic_bytes[7]
    if magic_bytes[4:6] != b"\0\0" or quantum not in (1, 2, 4) or ptrsize not in (4, 8):
        raise MalformedError(
            f"gopclntab header {magic_bytes.hex(' ')}: quantum or pointer size invalid", offset=origin
        )
    reader = Reader(data, byteorder, ptrsize, what="gopclntab header", origin=origin)
    words = {name: reader.uptr(8 + i * ptrsize) for i, name in enumerate(layout.words)}
    if layout.has_cutab:
        header = _separate_parts(layout, byteorder, quantum, ptrsize, words)
    else:
        header = _joined_parts(layout, reader, quantum, words["nfunc"])
    _check(header, len(data), origin)
    return header


def _numbers(view: memoryview, header: Header) -> Sequence[int]:
    """The functab as a flat sequence: entry, record, entry, record, …, end."""
    if header.byteorder != sys.byteorder:
        from array import array  # a copy of the functab, of binaries for other machines only

        swapped = array("I" if header.field_size == 4 else "Q")
        swapped.frombytes(view)
        swapped.byteswap()
        return swapped
    return view.cast("I") if header.field_size == 4 else view.cast("Q")


def _known_magic(head: bytes, origin: int) -> tuple[HeaderLayout, ByteOrder]:
    orders: tuple[ByteOrder, ByteOrder] = ("little", "big")
    for byteorder in orders:
        layout = header_layout(int.from_bytes(head[:4], byteorder))
        if layout is not None:
            return layout, byteorder
    raise MalformedError(f"gopclntab magic {head[:4].hex(' ')}: no known generation", offset=origin)


def _separate_parts(
    layout: HeaderLayout, byteorder: ByteOrder, quantum: int, ptrsize: int, words: dict[str, int]
) -> Header:
    return Header(
        layout, byteorder, quantum, ptrsize, words["nfunc"], words["nfiles"], words.get("text_start", 0),
        words["funcnametab"], words["cutab"], words["filetab"], words["pctab"], words["functab"],
    )  # fmt: skip


def _joined_parts(layout: HeaderLayout, reader: Reader, quantum: int, nfunc: int) -> Header:
    """Go 1.2-1.15: everything is relative to the table itself; behind the sentinel a u32 leads to the file table."""
    if nfunc > _MAX_NFUNC:
        raise MalformedError(f"gopclntab claims {nfunc} functions", offset=reader.origin + 8)
    functab = 8 + reader.ptrsize
    filetab = reader.u32(functab + (2 * nfunc + 1) * reader.ptrsize)
    nfiles = reader.u32(filetab)
    return Header(
        layout, reader.byteorder, quantum, reader.ptrsize, nfunc, nfiles, 0, 0, -1, filetab, 0, functab
    )


def _check(header: Header, size: int, origin: int) -> None:
    if not 0 < header.nfunc <= _MAX_NFUNC:
        raise MalformedError(f"gopclntab claims {header.nfunc} functions", offset=origin + 8)
    parts = (header.funcnametab, header.cutab, header.filetab, header.pctab, header.functab)
    if header.layout.has_cutab and not (parts[0] > 8 and list(parts) == sorted(parts)):
        raise MalformedError("gopclntab parts out of order: " + ", ".join(map(hex, parts)), offset=origin + 8)
    if header.functab & 3 or (header.cutab if header.layout.has_cutab else header.filetab) & 3:
        raise MalformedError(
            "gopclntab parts are not aligned: " + ", ".join(map(hex, parts)), offset=origin + 8
        )
    if header.functab + header.functab_size > size:
        raise MalformedError(
            f"gopclntab of {header.nfunc} functions needs {header.functab + header.functab_size:#x} bytes, {size:#x} are there",
            offset=origin,
        )


class PclnTable:
    """Functions, files, lines and inline records of one module.

    Args:
        data: from the table's first byte to the end of its section or segment.
        vaddr: address of the first byte.
        text: address that function offsets count from (`moduledata.text`), or the map from offsets to addresses;
            unused before Go 1.18.
        gofunc: since Go 1.18 the bytes from `moduledata.gofunc` on, which FUNCDATA offsets count from; else None.
        tail: how to reach an address, for the FUNCDATA pointers before Go 1.18.
    """

    def __init__(
        self,
        data: memoryview,
        header: Header,
        release: Release,
        *,
        vaddr: int,
        text: int | TextMap = 0,
        gofunc: memoryview | None = None,
        tail: Callable[[int], memoryview] | None = None,
    ) -> None:
        self.data = data
        self.header = header
        self.release = release
        self.vaddr = vaddr
        text_map = text if isinstance(text, TextMap) else TextMap(text)
        self.text_map = text_map if header.layout.entry_size else TextMap(0)
        self.text = text_map.text
        self.gofunc = gofunc
        self._tail = tail
        self.nfunc = header.nfunc
        self.quantum = header.quantum
        self._reader = Reader(data, header.byteorder, header.ptrsize, what="gopclntab", origin=vaddr)
        has_parts = header.layout.has_cutab
        self.pctab = self._reader.view(header.pctab, header.functab - header.pctab) if has_parts else data
        self._functab = _numbers(self._reader.view(header.functab, header.functab_size), header)
        self._words = {name: i for i, name in enumerate(release.func)}
        self._has_ids = release.func[-1] == "ids"
        mark, entry = "<" if header.byteorder == "little" else ">", "I" if header.field_size == 4 else "Q"
        four = len(release.func) - self._has_ids
        self._record = struct.Struct(f"{mark}{entry}{four}I" + ("4B" if self._has_ids else ""))
        self._optional = (self._words.get("cu_offset", 0), self._words.get("start_line", 0))
        self._names: dict[int, str] = {}
        self._values: dict[int, pcvalue.PcValues] = {}

    # --- functab ---

    def _offset(self, index: int) -> int:
        return self._functab[2 * index]

    def entry(self, index: int) -> int:
        """Entry address of function `index`; of the sentinel (end of the text) for ``index == nfunc``."""
        return self.text_map.address(self._offset(index))

    def find(self, pc: int) -> int | None:
        """Index of the function that holds `pc`, as the runtime's ``findfunc``: the last entry <= pc."""
        offset = self.text_map.offset(pc)
        if offset is None or offset < self._functab[0] or offset >= self._functab[2 * self.nfunc]:
            return None
        return bisect_right(self._functab[::2], offset, 0, self.nfunc) - 1

    # --- _func ---

    def func(self, index: int) -> Func | None:
        """The record of function `index`; None for the hole entries that Go 1.14-1.17 puts between text sections."""
        header = self.header
        offset = self._functab[2 * index + 1]
        if offset == (1 << 8 * header.field_size) - 1:
            return None
        if offset & 3:
            raise MalformedError(
                f"_func of function {index} at odd offset {offset:#x}", offset=self.vaddr + header.functab
            )
        record = offset + (header.functab if header.layout.has_cutab else 0)
        tail = record + self._record.size
        _entry, *numbers = self._record.unpack(self._reader.view(record, self._record.size))
        if self._has_ids:
            func_id, flag, _, nfuncdata = numbers[-4:]
        else:
            nfuncdata, flag = numbers[-1], 0
            func_id = numbers[2] if self.release.func[2] == "func_id" else 0
        cu_offset, start_line = self._optional
        start = self._offset(index)
        return Func(
            index, self.text_map.address(start), self.text_map.end(start, self._offset(index + 1)), record,
            numbers[0], None if numbers[1] == ARGS_UNKNOWN else numbers[1], numbers[3], numbers[4], numbers[5],
            numbers[6], nfuncdata, func_id, flag if self.release.has_flag else 0,
            numbers[cu_offset] if cu_offset else _NO_CU, numbers[start_line] if start_line else None,
            numbers[2] if self._has_ids else 0, tail,
        )  # fmt: skip

    def records_end(self) -> int:
        """Offset behind the last ``_func`` with its arrays: since Go 1.26 go:func.* starts at the next aligned one."""
        func = self.func(self.nfunc - 1)
        return min(func.record_end(self.header) if func else len(self.data), len(self.data))

    def word(self, func: Func, name: str) -> int:
        """A 4-byte field of the record by its name in `Release.func`, unsigned."""
        return self._reader.u32(func.record + self.header.field_size + 4 * self._words[name])

    def record_entry(self, func: Func) -> int:
        """The entry as the record itself has it: an address before Go 1.18, since then an offset."""
        return self._reader.u32(func.record) if self.header.field_size == 4 else self._reader.u64(func.record)

    def name_at(self, name_off: int) -> str:
        """A name of funcnametab (before 1.16: of the table itself)."""
        name = self._names.get(name_off)
        if name is None:
            name = self._names[name_off] = self.string_at(max(self.header.funcnametab, 0) + name_off)
        return name

    def is_name(self, name_off: int) -> bool:
        """Whether a name begins there: since Go 1.16 names stand one behind the other in a region of their own."""
        base = max(self.header.funcnametab, 0)
        if not 0 <= name_off < len(self.data) - base:
            return False
        if not self.header.layout.has_cutab:
            return name_off > 0 and self.string_at(name_off).isprintable()
        return name_off == 0 or (base + name_off < self.header.cutab and self.data[base + name_off - 1] == 0)

    def string_at(self, offset: int) -> str:
        """The NUL-terminated text at `offset` from the table's first byte."""
        return self._reader.cstr(offset).decode("utf-8", "backslashreplace")

    def name(self, func: Func) -> str:
        """The function's full name."""
        return self.name_at(func.name_off)

    # --- positions ---

    def value_at(self, offset: int, target: int) -> int:
        """The value of the pc-value table at `offset`, `target` bytes from its function's entry; -1: none."""
        values = self._values.get(offset)
        if values is None:
            if len(self._values) >= _MAX_VALUES:
                self._values.clear()
            values = self._values[offset] = pcvalue.PcValues(self.pctab, offset, self.quantum)
        return values.at(target)

    def file_at(self, func: Func, number: int) -> str | None:
        """The path of a file number of `func`; None where the linker dropped the file."""
        reader, header = self._reader, self.header
        if number < 0:
            return None
        if not header.layout.has_cutab:
            # Number 0 is the count. Up to 1.7 the count is one too small: the last file equals it.
            if not 0 < number <= header.nfiles:
                return None
            return self.string_at(reader.u32(header.filetab + 4 * number))
        if func.cu_offset == _NO_CU:
            return None
        offset = reader.u32(header.cutab + 4 * (func.cu_offset + number))
        if offset == _NO_CU:
            return None
        return self.string_at(header.filetab + offset)

    def position(self, func: Func, pc: int) -> tuple[str | None, int | None]:
        """File and line of the instruction at `pc`, of the innermost inlined call; (None, None) in padding."""
        target = pc - func.entry
        line = self.value_at(func.pcln, target)
        path = self.file_at(func, self.value_at(func.pcfile, target))
        return (None, None) if line < 0 or path is None else (path, line)

    def frame_size(self, func: Func) -> int | None:
        """The largest stack depth of the function: bytes SP moves down from its value at entry."""
        values = [value for _, value in pcvalue.rows(self.pctab, func.pcsp, self.quantum)]
        return max(values) if values else None

    # --- PCDATA and FUNCDATA ---

    def pcdata_offset(self, func: Func, index: int) -> int:
        """Offset of a PCDATA table; 0: the function has none."""
        return self._reader.u32(func.tail + 4 * index) if 0 <= index < func.npcdata else 0

    def funcdata(self, func: Func, index: int) -> int | None:
        """FUNCDATA `index`: an offset from gofunc since Go 1.18, an address before; None: absent."""
        if not 0 <= index < func.nfuncdata:
            return None
        at = func.tail + 4 * func.npcdata
        if self.header.layout.entry_size:
            value = self._reader.u32(at + 4 * index)
            return None if value == 0xFFFFFFFF else value
        width = self.header.ptrsize
        at = at + width - 1 & ~(width - 1)  # the array of pointers is aligned, as the records are
        return self._reader.uptr(at + width * index) or None

    def funcdata_view(self, func: Func, index: int) -> memoryview | None:
        """The bytes from FUNCDATA `index` on; None where it is absent or out of reach."""
        value = self.funcdata(func, index)
        if value is None:
            return None
        if self.header.layout.entry_size:
            return None if self.gofunc is None else Reader(self.gofunc, what="go:func.*").tail(value)
        return None if self._tail is None else self._tail(value)

    def forget_trees(self) -> None:
        """Answer without inlined calls from now on: they are not where FUNCDATA say."""
        self.gofunc = self._tail = None

    def memory_at(self, vaddr: int) -> memoryview | None:
        """The bytes of the file from an address on; None where there are none."""
        try:
            return None if self._tail is None else self._tail(vaddr)
        except GoinspectError:
            return None
