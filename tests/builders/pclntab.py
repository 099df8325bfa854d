"""Writes gopclntab bytes of every generation, as the Go linker would: the counterpart the decoder is tested against.

All numbers here are written down from the format description a second time; nothing of goinspect.gosym is imported.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.builders.program import DROPPED, NONE32
from tests.builders.varints import uleb

if TYPE_CHECKING:
    from tests.builders.program import ByteOrder, Function, Version


@dataclass(frozen=True)
class Built:
    """What was written: the table, and where FUNCDATA are."""

    data: bytes
    vaddr: int
    text: int
    entries: list[int]  # one per function, and the end of the last
    gofunc: bytes | None  # Go 1.18+: FUNCDATA offsets count from its first byte
    funcdata_vaddr: int = 0  # before: FUNCDATA are addresses in this block
    funcdata: bytes = b""

    def funcdata_at(self, vaddr: int) -> bytes | None:
        """The bytes from `vaddr` on; None outside the block."""
        at = vaddr - self.funcdata_vaddr
        return self.funcdata[at:] if 0 <= at < len(self.funcdata) else None


def pcvalue(rows: list[tuple[int, int]], quantum: int) -> bytes:
    """Encode (end, value) rows; neighbours of equal value become one row."""
    out, value, begin = bytearray(), -1, 0
    merged: list[tuple[int, int]] = []
    for end, row_value in rows:
        if merged and merged[-1][1] == row_value:
            merged[-1] = (end, row_value)
        else:
            merged.append((end, row_value))
    for end, row_value in merged:
        delta = row_value - value
        out += uleb(2 * delta if delta >= 0 else -2 * delta - 1)
        assert (end - begin) % quantum == 0
        assert end > begin
        out += uleb((end - begin) // quantum)
        value, begin = row_value, end
    return bytes(out) + b"\0"


def magic(version: Version) -> int:
    if version < (1, 16):
        return 0xFFFFFFFB
    if version < (1, 18):
        return 0xFFFFFFFA
    return 0xFFFFFFF0 if version < (1, 20) else 0xFFFFFFF1


def inline_numbers(version: Version) -> tuple[int, int] | None:
    """(PCDATA_InlTreeIndex, FUNCDATA_InlTree)."""
    if version < (1, 9):
        return None
    if version < (1, 13):
        return 1, 2
    return (2, 4) if version < (1, 16) else (2, 3)


def build(
    functions: list[Function],
    version: Version,
    *,
    byteorder: ByteOrder = "little",
    ptrsize: int = 8,
    quantum: int = 1,
    vaddr: int = 0x500000,
    text: int = 0x401000,
) -> Built:
    """Write the table of a module whose functions lie one behind the other from `text` on."""
    writer = _Old if version < (1, 16) else _New
    return writer(functions, version, byteorder, ptrsize, quantum, vaddr, text).build()


class _Writer:
    def __init__(
        self,
        functions: list[Function],
        version: Version,
        byteorder: ByteOrder,
        ptrsize: int,
        quantum: int,
        vaddr: int,
        text: int,
    ) -> None:
        self.functions = functions
        self.version = version
        self.mark = "<" if byteorder == "little" else ">"
        self.ptrsize = ptrsize
        self.quantum = quantum
        self.vaddr = vaddr
        self.text = text
        self.entries = [text]
        for function in functions:
            self.entries.append(self.entries[-1] + (0 if function.hole else function.size))
        self.funcdata = bytearray(b"\x01\0\0\0\x02\0\0\0")  # something that is no inline tree comes first
        self.funcdata_vaddr = (vaddr + 0x200000) & ~7
        self.file_numbers: dict[str, int] = {}
        for function in functions:
            for _, file in function.files or ():
                if file is not None and file != DROPPED:
                    self.file_numbers.setdefault(file, len(self.file_numbers))
            for record in function.tree:
                if record.file is not None:
                    self.file_numbers.setdefault(record.file, len(self.file_numbers))

    def u32(self, *numbers: int) -> bytes:
        return b"".join(struct.pack(self.mark + "I", number & NONE32) for number in numbers)

    def ptr(self, *numbers: int) -> bytes:
        return b"".join(
            struct.pack(self.mark + ("Q" if self.ptrsize == 8 else "I"), number) for number in numbers
        )

    def first_eight(self) -> bytes:
        return self.u32(magic(self.version)) + bytes([0, 0, self.quantum, self.ptrsize])

    # To be filled in: where strings and pc-value tables go, and what number a file has.

    def name_off(self, name: str) -> int:
        raise NotImplementedError

    def table_off(self, rows: list[tuple[int, int]] | None) -> int:
        raise NotImplementedError

    def file_number(self, function: Function, file: str | None) -> int:
        raise NotImplementedError

    # --- the inline tree ---

    def tree(self, function: Function) -> bytes:
        out = b""
        for record in function.tree:
            name = self.name_off(record.name)
            file = self.file_number(function, record.file) if self.version < (1, 20) else 0
            if self.version < (1, 12):
                out += self.u32(record.parent, file, record.line, name)
            elif self.version < (1, 20):
                out += struct.pack(self.mark + "hBB", record.parent, record.func_id, 0)
                out += self.u32(file, record.line, name, record.parent_pc)
            else:
                out += bytes([record.func_id, 0, 0, 0]) + self.u32(name, record.parent_pc, record.start_line)
        return out

    def place_funcdata(self, data: bytes) -> int:
        """Put FUNCDATA somewhere; returns what stands in the array."""
        align = 4 if self.version >= (1, 18) else 8
        self.funcdata += bytes(-len(self.funcdata) % align)
        at = len(self.funcdata)
        self.funcdata += data
        return at if self.version >= (1, 18) else self.funcdata_vaddr + at

    # --- _func ---

    def record(self, function: Function, entry: int, at: int) -> bytes:
        """A ``_func`` with its arrays, to be put at `at` (aligned to the pointer size)."""
        version = self.version
        numbers = inline_numbers(version)
        pcdata: list[int] = []
        funcdata: list[int] = []
        absent = NONE32 if version >= (1, 18) else 0
        if function.files is not None:
            pcdata = [0, self.table_off([(function.size, -2)])][: 1 + (version >= (1, 13))]
            funcdata = [self.place_funcdata(b"\x07\0\0\0"), absent]
        if function.inlined is not None and numbers is not None:
            pcdata = [*pcdata, 0, 0, 0][: numbers[0]]
            pcdata.append(self.table_off(function.inlined))
            funcdata = [*funcdata, absent, absent, absent, absent][: numbers[1]]
            funcdata.append(self.place_funcdata(self.tree(function)))
        if version < (1, 5):
            third = 5 * self.ptrsize
        elif version < (1, 11):
            third = 0x01234567
        else:
            third = function.func_id if version < (1, 12) else function.deferreturn
        files = None
        if function.files is not None:
            files = [(end, self.file_number(function, file)) for end, file in function.files]
        out = self.u32(entry - self.text) if version >= (1, 18) else self.ptr(entry)
        out += self.u32(
            self.name_off(function.name), function.args, third,
            self.table_off(function.sp), self.table_off(files), self.table_off(function.lines), len(pcdata),
        )  # fmt: skip
        if version < (1, 12):
            out += self.u32(len(funcdata))
        else:
            if version >= (1, 16):
                out += self.u32(self.unit_start(function))
            if version >= (1, 20):
                out += self.u32(function.start_line)
            out += bytes([function.func_id, function.flag if version >= (1, 17) else 0, 0, len(funcdata)])
        out += self.u32(*pcdata)
        if version >= (1, 18):
            return out + self.u32(*funcdata)
        if funcdata:
            out += bytes(-(at + len(out)) % self.ptrsize)
        return out + self.ptr(*funcdata)

    def unit_start(self, function: Function) -> int:
        raise NotImplementedError

    def build(self) -> Built:
        raise NotImplementedError


class _Old(_Writer):
    """Go 1.2-1.15: header, functab, then records, tables and strings mixed; file table last; offsets from byte 0."""

    def build(self) -> Built:
        count, word = len(self.functions), self.ptrsize
        out = self.out = bytearray(8 + word + (2 * count + 1) * word + 4)
        out += bytes(-len(out) % word)
        self.seen: dict[bytes, int] = {}
        functab: list[int] = []
        for function, entry in zip(self.functions, self.entries, strict=False):
            if function.hole:
                functab += [entry, (1 << 8 * word) - 1]
                continue
            # The record must know where its tables are: build it once to have them placed, then for good.
            self.record(replace(function, tree=[], inlined=None), entry, 0)
            for record in function.tree:
                self.name_off(record.name)
            if function.inlined is not None:
                self.table_off(function.inlined)
            out += bytes(-len(out) % word)
            at = len(out)
            body = self.record(function, entry, at)
            assert len(out) == at, "placing a table twice"
            out += body
            functab += [entry, at]
        out += bytes(-len(out) % 4)
        places = {file: self.text_off(file) for file in self.file_numbers}
        out += bytes(-len(out) % 4)
        filetab = len(out)
        # Up to 1.7 the count leaves itself out.
        out += self.u32(len(places) + (self.version >= (1, 8)), *places.values())
        head = self.first_eight() + self.ptr(count, *functab, self.entries[-1]) + self.u32(filetab)
        out[: len(head)] = head
        return Built(
            bytes(out), self.vaddr, self.text, self.entries, None, self.funcdata_vaddr, bytes(self.funcdata)
        )

    def put(self, data: bytes) -> int:
        if data not in self.seen:
            self.seen[data] = len(self.out)
            self.out += data
        return self.seen[data]

    def text_off(self, text: str) -> int:
        return self.put(text.encode() + b"\0")

    name_off = text_off

    def table_off(self, rows: list[tuple[int, int]] | None) -> int:
        return 0 if rows is None else self.put(pcvalue(rows, self.quantum))

    def file_number(self, function: Function, file: str | None) -> int:
        if file == DROPPED:
            return 0
        return -1 if file is None else 1 + self.file_numbers[file]

    def unit_start(self, function: Function) -> int:
        raise AssertionError(function)


class _New(_Writer):
    """Go 1.16+: names, cutab, files and pc-value tables have regions of their own."""

    def build(self) -> Built:
        word = self.ptrsize
        offsets = self.version >= (1, 18)
        self.names, self.name_places = bytearray(), dict[str, int]()
        self.pctab, self.table_places = bytearray(b"\0"), dict[bytes, int]()
        self.filetab, file_places = bytearray(), dict[str, int]()
        for file in self.file_numbers:
            file_places[file] = len(self.filetab)
            self.filetab += file.encode() + b"\0"
        self._make_units(file_places)
        width = 4 if offsets else word
        records = bytearray((2 * len(self.functions) + 1) * width)
        records += bytes(-len(records) % word)
        functab: list[int] = []
        for function, entry in zip(self.functions, self.entries, strict=False):
            shown = entry - self.text if offsets else entry
            if function.hole:
                functab += [shown, (1 << 8 * width) - 1]
                continue
            records += bytes(-len(records) % word)
            functab += [shown, len(records)]
            self.name_off(function.name)  # that of the first function is at 0
            records += self.record(function, entry, len(records))
        end = self.entries[-1] - (self.text if offsets else 0)
        head = self.u32(*functab, end) if offsets else self.ptr(*functab, end)
        records[: len(head)] = head
        return self._join(records)

    def _join(self, records: bytearray) -> Built:
        word, version = self.ptrsize, self.version
        align = 32 if version < (1, 26) else word
        words = 7 if version < (1, 18) else 8
        out = bytearray(8 + words * word)
        places: list[int] = []
        cutab = self.u32(*self.cutab)
        for part in (self.names, cutab, self.filetab, self.pctab, records):
            out += bytes(-len(out) % align)
            places.append(len(out))
            out += part
            out += bytes(-len(out) % word)
        text_start = [self.text if version < (1, 26) else 0] if version >= (1, 18) else []
        head = self.first_eight() + self.ptr(
            len(self.functions), len(self.file_numbers), *text_start, *places
        )
        out[: len(head)] = head
        gofunc = bytes(self.funcdata) if version >= (1, 18) else None
        if version >= (1, 26):
            out += self.funcdata
            out += bytes(-len(out) % 4) + b"\0\0\0\0" + bytes(16)  # findfunctab: one bucket
        if gofunc is not None:
            return Built(bytes(out), self.vaddr, self.text, self.entries, gofunc)
        return Built(
            bytes(out), self.vaddr, self.text, self.entries, None, self.funcdata_vaddr, bytes(self.funcdata)
        )

    def _make_units(self, file_places: dict[str, int]) -> None:
        """cutab: of each unit the offsets of the files that it mentions, numbered in that order."""
        self.units: dict[int, dict[str, int]] = {}
        for function in self.functions:
            mentioned = [file for _, file in function.files or ()] + [record.file for record in function.tree]
            if mentioned:
                unit = self.units.setdefault(function.unit, {})
                for file in mentioned:
                    if file is not None:
                        unit.setdefault(file, len(unit))
        self.cutab: list[int] = []
        self.unit_starts: dict[int, int] = {}
        for number, unit in self.units.items():
            self.unit_starts[number] = len(self.cutab)
            self.cutab += [NONE32 if file == DROPPED else file_places[file] for file in unit]

    def name_off(self, name: str) -> int:
        if name not in self.name_places:
            self.name_places[name] = len(self.names)
            self.names += name.encode() + b"\0"
        return self.name_places[name]

    def table_off(self, rows: list[tuple[int, int]] | None) -> int:
        if rows is None:
            return 0
        data = pcvalue(rows, self.quantum)
        if data not in self.table_places:
            self.table_places[data] = len(self.pctab)
            self.pctab += data
        return self.table_places[data]

    def file_number(self, function: Function, file: str | None) -> int:
        return -1 if file is None else self.units[function.unit][file]

    def unit_start(self, function: Function) -> int:
        return self.unit_starts[function.unit] if function.files is not None else NONE32
