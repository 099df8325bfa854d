"""WebAssembly: linear memory rebuilt from the data segments, function names from the custom section "name".

Go's linker writes the data as several segments and leaves out the runs of zeros between them, so that no table of it
is in one piece in the file. Sources: WebAssembly core specification, chapter 5 (binary format) and appendix "name
section"; src/cmd/link/internal/wasm/asm.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect._reader import Reader
from goinspect.errors import GoinspectError, MalformedError
from goinspect.model import Section, Segment, Symbol
from goinspect.objfile.facts import SymbolTable
from goinspect.objfile.pieces import Piece, PieceImage, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect._reader import ByteOrder
    from goinspect.objfile.image import Buffer

__all__ = ["FIRST_FUNCTION", "WasmImage"]

# A PC is (FIRST_FUNCTION + index among the module's own functions) << 16 | resume point: funcValueOffset in asm.go.
FIRST_FUNCTION = 0x1000
_PC_SHIFT = 16
_CUSTOM, _IMPORT, _CODE, _DATA = 0, 2, 10, 11
_NAME_FUNCTIONS = 1  # subsection of "name"
_I32_CONST, _I64_CONST, _END = 0x41, 0x42, 0x0B
_MEMORY_FACTOR, _MEMORY_SPARE = 4, 16 << 20


class _Data(NamedTuple):
    vaddr: int
    file_offset: int
    size: int


class WasmImage(PieceImage):
    """A WebAssembly module. Addresses of data are those of linear memory; addresses of functions are Go's PCs.

    The two spaces are separate and their numbers overlap: segment 0 is memory, segment 1 stands for the functions
    and has no bytes.

    Raises:
        TruncatedError: a section reaches past the end of the file.
        MalformedError: sections or segments contradict the specification, or ask for too much memory.
    """

    container = "wasm"
    arch = "wasm"
    byteorder: ByteOrder = "little"
    ptrsize = 8
    type = "exec"
    entry = 0

    def __init__(self, path: str, mapped: Buffer) -> None:
        super().__init__(path, mapped)
        self._reader = Reader(self._bytes, what="WebAssembly module")
        if self._reader.u32(4) != 1:
            raise MalformedError(f"WebAssembly version {self._reader.u32(4)}, expected 1", offset=4)
        self._parts = list(self._read_sections())
        self._imports = self._imported_functions()
        data = list(self._data_segments())
        low = min((d.vaddr for d in data), default=0)
        high = max((d.vaddr + d.size for d in data), default=0)
        limit = _MEMORY_FACTOR * len(self._bytes) + _MEMORY_SPARE
        if high > limit:
            raise MalformedError(f"data up to address {high:#x} in a file of {len(self._bytes):#x} bytes")
        first = FIRST_FUNCTION << _PC_SHIFT
        code = self._function_count() << _PC_SHIFT
        memory = Segment(low, high - low, 0, high - low, True, True, False)
        functions = Segment(first, code, 0, 0, True, False, True)
        self._set_pieces([
            Piece(memory, lambda: self._memory(data, low, high)),
            Piece(functions, lambda: Span(b"", 0, 0)),
        ], high - low)  # fmt: skip
        self.sections = (
            Section("", 0, 0, 0, 0, 0, 0),
            Section("code", first, code, 0, 0, 6, 8),
            Section("data", low, high - low, 0, high - low, 3, 1),
            *self._custom_sections(),
        )

    def _custom_sections(self) -> Iterator[Section]:
        """The custom sections, which are not in memory: "name", "producers" (the Go version), "go:buildid"."""
        for reader, start, end in self._section_reader(_CUSTOM):
            try:
                size, at = reader.uvarint(start)
                name = bytes(reader.view(at, size)).decode("utf-8", "backslashreplace")
            except GoinspectError:
                continue
            yield Section(name, 0, end - at - size, at + size, end - at - size, 0, 1)

    def data(self, section: Section) -> memoryview:
        if section.flags:
            return super().data(section)
        return self._bytes[section.file_offset : section.file_offset + section.file_size]

    def symbol_tables(self) -> tuple[SymbolTable, ...]:
        return tuple(
            SymbolTable("name section", section.file_offset, section.file_size, None, 0, 0)
            for section in self.sections
            if section.name == "name" and not section.flags
        )

    @property
    def file_parts(self) -> list[tuple[str, int, int]]:
        """(kind, file offset, size) of the sections as they lie in the file: "code", "data", "custom" or "other"."""
        kinds = {_CODE: "code", _DATA: "data", _CUSTOM: "custom"}
        return [(kinds.get(number, "other"), start, end - start) for number, start, end in self._parts]

    def _read_sections(self) -> Iterator[tuple[int, int, int]]:
        """(id, first byte, end) of every section."""
        at = 8
        while at < len(self._bytes):
            number = self._reader.u8(at)
            size, start = self._reader.uvarint(at + 1)
            if start + size > len(self._bytes):
                self.warnings.append(f"truncated: section {number} reaches to {start + size:#x}")
                return
            yield number, start, start + size
            at = start + size

    def _section_reader(self, kind: int) -> Iterator[tuple[Reader, int, int]]:
        for number, start, end in self._parts:
            if number == kind:
                yield Reader(self._bytes[:end], what=f"WebAssembly section {kind}"), start, end

    def _imported_functions(self) -> int:
        """How many functions are imported: they have the first indices."""
        found = 0
        for reader, start, end in self._section_reader(_IMPORT):
            count, at = reader.uvarint(start)
            if count > end - start:
                raise MalformedError(f"{count} imports in {end - start} bytes", offset=start)
            for _ in range(count):
                for _name in range(2):
                    size, at = reader.uvarint(at)
                    reader.view(at, size)
                    at += size
                kind = reader.u8(at)
                found += kind == 0
                at = _skip_import(reader, kind, at + 1)
        return found

    def _function_count(self) -> int:
        for reader, start, end in self._section_reader(_CODE):
            return min(reader.uvarint(start)[0], end - start)
        return 0

    def _data_segments(self) -> Iterator[_Data]:
        for reader, start, end in self._section_reader(_DATA):
            count, at = reader.uvarint(start)
            if count > end - start:
                raise MalformedError(f"{count} data segments in {end - start} bytes", offset=start)
            for _ in range(count):
                mode, at = reader.uvarint(at)
                if mode > 2:
                    raise MalformedError(f"data segment of kind {mode}, expected 0, 1 or 2", offset=at)
                if mode == 2:
                    memory, at = reader.uvarint(at)
                    if memory:
                        raise MalformedError(f"data segment of memory {memory}, expected 0", offset=at)
                vaddr = -1
                if mode != 1:  # 1: passive, not in memory at the start
                    vaddr, at = _constant(reader, at)
                size, at = reader.uvarint(at)
                reader.view(at, size)
                if vaddr >= 0:
                    yield _Data(vaddr, at, size)
                at += size

    def _memory(self, data: list[_Data], low: int, high: int) -> Span:
        memory = bytearray(high - low)
        for vaddr, file_offset, size in data:
            memory[vaddr - low : vaddr - low + size] = self._bytes[file_offset : file_offset + size]
        return Span(memory, 0, len(memory))

    def symbols(self) -> Iterator[Symbol]:
        try:
            for reader, start, end in self._section_reader(_CUSTOM):
                size, at = reader.uvarint(start)
                if bytes(reader.view(at, size)) == b"name":
                    yield from self._names(reader, at + size, end)
        except GoinspectError as error:
            self.warnings.append(f"name section: {error.message}")

    def _names(self, reader: Reader, at: int, end: int) -> Iterator[Symbol]:
        while at < end:
            kind = reader.u8(at)
            size, at = reader.uvarint(at + 1)
            stop = at + size
            if kind == _NAME_FUNCTIONS:
                count, at = reader.uvarint(at)
                for _ in range(min(count, size)):
                    index, at = reader.uvarint(at)
                    length, at = reader.uvarint(at)
                    name = bytes(reader.view(at, length)).decode("utf-8", "backslashreplace")
                    at += length
                    yield self._symbol(index, name)
            at = stop

    def _symbol(self, index: int, name: str) -> Symbol:
        own = index - self._imports
        vaddr, section = (FIRST_FUNCTION + own << _PC_SHIFT, 1) if own >= 0 else (0, 0)
        return Symbol(name, vaddr, 1 << _PC_SHIFT, "function", "local", section, "name section")


def _skip_import(reader: Reader, kind: int, at: int) -> int:
    """The offset behind the description of an import."""
    if kind == 0:  # function: type index
        return reader.uvarint(at)[1]
    if kind == 3:  # global: value type, mutability
        return at + 2
    if kind == 4:  # tag: attribute, type index
        return reader.uvarint(at + 1)[1]
    if kind not in (1, 2):
        raise MalformedError(f"import of kind {kind}, expected 0 to 4", offset=at)
    at += kind == 1  # table: element type, then limits as a memory has
    flags = reader.u8(at)
    _, at = reader.uvarint(at + 1)
    return reader.uvarint(at)[1] if flags & 1 else at


def _constant(reader: Reader, at: int) -> tuple[int, int]:
    """The address an active segment goes to, and the offset behind the expression; -1: not a constant."""
    code = reader.u8(at)
    if code not in (_I32_CONST, _I64_CONST):
        raise MalformedError(f"data segment placed by instruction {code:#x}, expected a constant", offset=at)
    value, behind = reader.uvarint(at + 1)
    used = 7 * (behind - at - 1)
    width = 32 if code == _I32_CONST else 64
    if value >> (used - 1) & 1 and used < 70:  # signed LEB128
        value -= 1 << used
    if reader.u8(behind) != _END:
        raise MalformedError("data segment placed by more than one instruction", offset=behind)
    return value % (1 << width), behind + 1
