"""Call frame information in ``.eh_frame``: where the frames of C code are, which keep no frame pointers.

Facts: DWARF 5, section 6.4 (CFA instructions); Linux Standard Base, "Exception Frames" (augmentations, pointer
encodings) and ``.eh_frame_hdr`` with its sorted table of functions. What only a DWARF expression tells is left out.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

from goinspect._reader import Reader
from goinspect.errors import GoinspectError, MalformedError

if TYPE_CHECKING:
    from goinspect.objfile.image import Image

__all__ = ["CallFrames", "FrameRow"]

_PCREL_SDATA4, _DATAREL_SDATA4, _UDATA4 = 0x1B, 0x3B, 0x03
_SIZES: Final = {0x00: (8, False), 0x03: (4, False), 0x04: (8, False), 0x0B: (4, True), 0x0C: (8, True)}
_PCREL, _INDIRECT = 0x10, 0x80
_MAX_ENTRY = 1 << 16  # bytes of an entry
_MAX_STATES = 64
_MAX_SIGNED = 10  # bytes of a signed LEB128 number
_MASK = (1 << 64) - 1


class _Machine(NamedTuple):
    """DWARF's numbers of registers."""

    sp: int
    fp: int


_MACHINES: Final = {"amd64": _Machine(7, 6), "arm64": _Machine(31, 29)}


class FrameRow(NamedTuple):
    """How a frame is left from ``start`` on: the CFA is SP (or the frame pointer) + ``offset``.

    ``ra_at`` and ``fp_at`` are where the return address and the caller's frame pointer are, from the CFA; None: still
    in their registers. ``root``: there is no caller. ``known``: False where something else would be needed.
    """

    start: int
    by_fp: bool = False
    offset: int = 0
    ra_at: int | None = None
    fp_at: int | None = None
    root: bool = False
    known: bool = True


class _Cie(NamedTuple):
    code_factor: int
    data_factor: int
    ra: int
    encoding: int
    augmented: bool
    signal: bool
    program: memoryview


class _State(NamedTuple):
    """A row in the making. Registers: offset from the CFA, None: unchanged, "?": an expression, "-": there is none."""

    register: int = -1
    offset: int = 0
    ra: int | str | None = None
    fp: int | str | None = None


class CallFrames:
    """The frames of one image. Raises GoinspectError where the section is damaged."""

    def __init__(self, image: Image) -> None:
        self._machine = _MACHINES.get(image.arch)
        self._starts: list[int] = []
        self._entries: list[int] = []
        self._cies: dict[int, _Cie] = {}
        self._rows: dict[int, tuple[int, bool, list[FrameRow]]] = {}
        frames, header = image.section(".eh_frame"), image.section(".eh_frame_hdr")
        if self._machine is None or frames is None or header is None:
            return
        self._base = frames.vaddr
        self._reader = Reader(
            image.read(frames.vaddr, frames.file_size),
            image.byteorder,
            8,
            what=".eh_frame",
            origin=frames.vaddr,
        )
        table = Reader(
            image.read(header.vaddr, header.file_size),
            image.byteorder,
            8,
            what=".eh_frame_hdr",
            origin=header.vaddr,
        )
        if table.view(0, 4).tolist() != [1, _PCREL_SDATA4, _UDATA4, _DATAREL_SDATA4]:
            return
        count = table.u32(8)
        table.view(12, 8 * count)
        pairs = sorted((table.i32(12 + 8 * i), table.i32(16 + 8 * i)) for i in range(count))
        self._starts = [header.vaddr + start for start, _ in pairs]
        self._entries = [header.vaddr + entry - self._base for _, entry in pairs]

    def find(self, pc: int) -> tuple[FrameRow, bool] | None:
        """How the frame at `pc` is left, and whether a signal's frame is above it; None where nothing tells."""
        index = bisect_right(self._starts, pc) - 1
        if index < 0:
            return None
        if index not in self._rows:
            try:
                self._rows[index] = self._decode(self._entries[index])
            except GoinspectError:
                self._rows[index] = (0, False, [])
        end, signal, rows = self._rows[index]
        if pc >= end or not rows:
            return None
        row = rows[max(bisect_right(rows, pc, key=lambda row: row.start) - 1, 0)]
        return (row, signal) if row.known else None

    def _entry(self, at: int) -> tuple[int, int]:
        """Where the body of an entry starts and ends."""
        length = self._reader.u32(at)
        if not 4 <= length <= _MAX_ENTRY:
            raise MalformedError(f".eh_frame: an entry of {length} bytes", offset=self._base + at)
        self._reader.view(at, 4 + length)
        return at + 4, at + 4 + length

    def _decode(self, at: int) -> tuple[int, bool, list[FrameRow]]:
        body, end = self._entry(at)
        cie = self._cie(body - self._reader.u32(body))
        start, at = self._pointer(body + 4, cie.encoding)
        size, at = self._pointer(at, cie.encoding & 0x0F)
        if cie.augmented:
            skip, at = self._reader.uvarint(at)
            at += skip
        program = self._reader.view(at, max(end - at, 0))
        return start + size, cie.signal, _Run(cie, self._machine, start, program).rows()

    def _cie(self, at: int) -> _Cie:
        if at not in self._cies:
            self._cies[at] = self._read_cie(at)
        return self._cies[at]

    def _read_cie(self, at: int) -> _Cie:
        reader = self._reader
        body, end = self._entry(at)
        if reader.u32(body) != 0 or reader.u8(body + 4) not in (1, 3):
            raise MalformedError(".eh_frame: not a CIE", offset=self._base + at)
        text = reader.cstr(body + 5, 16).decode("ascii", "replace")
        place = body + 6 + len(text)
        code, place = reader.uvarint(place)
        data, place = _signed(reader, place)
        ra, place = reader.uvarint(place)
        encoding, signal = 0, False
        if text.startswith("z"):
            size, place = reader.uvarint(place)
            behind = place + size
            for letter in text[1:]:
                if letter == "R":
                    encoding = reader.u8(place)
                    place += 1
                elif letter == "L":
                    place += 1
                elif letter == "P":
                    _, place = self._pointer(place + 1, reader.u8(place) & ~_INDIRECT)
                elif letter == "S":
                    signal = True
                else:
                    break
            place = behind
        return _Cie(
            code, data, ra, encoding, text.startswith("z"), signal, reader.view(place, max(end - place, 0))
        )

    def _pointer(self, at: int, encoding: int) -> tuple[int, int]:
        form, applied = encoding & 0x0F, encoding & 0xF0
        if form not in _SIZES or applied not in (0, _PCREL):
            raise MalformedError(f".eh_frame: pointer encoding {encoding:#x}", offset=self._base + at)
        width, signed = _SIZES[form]
        value = int.from_bytes(self._reader.view(at, width), self._reader.byteorder, signed=signed)
        return (value + (self._base + at if applied else 0)) & _MASK, at + width


def _signed(reader: Reader, at: int) -> tuple[int, int]:
    """A signed LEB128 number and the offset behind it."""
    value = shift = 0
    for place in range(at, at + _MAX_SIGNED):
        byte = reader.u8(place)
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value - (1 << shift) if byte & 0x40 else value, place + 1
    raise MalformedError("LEB128 number of more than 64 bits", offset=reader.origin + at)


class _Run:
    """The instructions of an entry, carried out."""

    def __init__(self, cie: _Cie, machine: _Machine | None, start: int, program: memoryview) -> None:
        self._cie, self._machine, self._program = cie, machine or _MACHINES["amd64"], program
        self._state, self._initial = _State(), _State()
        self._location = start
        self._saved: list[_State] = []
        self._found: list[FrameRow] = []

    def rows(self) -> list[FrameRow]:
        """The rows in order of their places."""
        self._carry_out(self._cie.program)
        self._initial = self._state
        self._carry_out(self._program)
        self._note()
        return self._found

    def _note(self) -> None:
        state, machine = self._state, self._machine
        known = state.register in machine and state.ra != "?" and state.fp not in ("?", "-")
        row = FrameRow(
            self._location,
            state.register == machine.fp,
            state.offset,
            state.ra if isinstance(state.ra, int) else None,
            state.fp if isinstance(state.fp, int) else None,
            state.ra == "-",
            known or state.ra == "-",
        )
        if self._found and self._found[-1].start == row.start:
            self._found.pop()
        self._found.append(row)

    def _set(self, register: int, value: int | str | None) -> None:
        if register == self._cie.ra:
            self._state = self._state._replace(ra=value)
        elif register == self._machine.fp:
            self._state = self._state._replace(fp=value)

    def _carry_out(self, program: memoryview) -> None:
        reader = Reader(program, "little", 8, what="call frame instructions")
        at = 0
        while at < len(program):
            code = reader.u8(at)
            at += 1
            high, low = code & 0xC0, code & 0x3F
            if high == 0x40:
                self._advance(low)
            elif high == 0x80:
                value, at = reader.uvarint(at)
                self._set(low, value * self._cie.data_factor)
            elif high == 0xC0:
                self._restore(low)
            else:
                at = self._other(reader, code, at)

    def _advance(self, delta: int) -> None:
        self._note()
        self._location += delta * self._cie.code_factor

    def _restore(self, register: int) -> None:
        self._set(register, self._initial.ra if register == self._cie.ra else self._initial.fp)

    def _other(self, reader: Reader, code: int, at: int) -> int:
        """An instruction whose operands stand behind it; returns the place behind them."""
        if code in (0x02, 0x03, 0x04):  # advance_loc1, 2, 4
            width = 1 << (code - 2)
            self._advance(int.from_bytes(reader.view(at, width), "little"))
            return at + width
        if code == 0x0A:  # remember_state
            if len(self._saved) >= _MAX_STATES:
                raise MalformedError("call frame instructions: too many states", offset=at)
            self._saved.append(self._state)
            return at
        if code == 0x0B:  # restore_state
            if self._saved:
                self._state = self._saved.pop()
            return at
        if code in (0x00, 0x2D):  # nop, GNU_window_save (on arm64: the return address is signed)
            return at
        operands, at = self._operands(reader, code, at)
        self._apply(code, operands)
        return at

    def _operands(self, reader: Reader, code: int, at: int) -> tuple[list[int], int]:
        if code not in _OPERANDS:
            raise MalformedError(f"call frame instruction {code:#x}", offset=at)
        values = []
        for kind in _OPERANDS[code]:
            value, at = _signed(reader, at) if kind == "s" else reader.uvarint(at)
            if kind == "b":
                reader.view(at, value)
                at += value
            values.append(value)
        return values, at

    def _apply(self, code: int, operands: list[int]) -> None:
        factor = self._cie.data_factor
        match code, operands:
            case 0x0C, [register, offset]:
                self._state = self._state._replace(register=register, offset=offset)
            case 0x12, [register, offset]:
                self._state = self._state._replace(register=register, offset=offset * factor)
            case 0x0D, [register]:
                self._state = self._state._replace(register=register)
            case 0x0E, [offset]:
                self._state = self._state._replace(offset=offset)
            case 0x13, [offset]:
                self._state = self._state._replace(offset=offset * factor)
            case 0x0F, _:
                self._state = self._state._replace(register=-1)
            case ((0x05 | 0x11), [register, offset]):
                self._set(register, offset * factor)
            case 0x06, [register]:
                self._restore(register)
            case 0x07, [register]:
                self._set(register, "-")
            case 0x08, [register]:
                self._set(register, None)
            case ((0x09 | 0x10 | 0x14 | 0x15 | 0x16), [register, _]):
                self._set(register, "?")


# u: unsigned, s: signed LEB128, b: a block with its length.
_OPERANDS: Final = {
    0x05: "uu", 0x06: "u", 0x07: "u", 0x08: "u", 0x09: "uu", 0x0C: "uu", 0x0D: "u", 0x0E: "u", 0x0F: "b",
    0x10: "ub", 0x11: "us", 0x12: "us", 0x13: "s", 0x14: "uu", 0x15: "us", 0x16: "ub", 0x2E: "u",
}  # fmt: skip
