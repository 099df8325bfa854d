"""The code that places lie in: whole functions, or the parts into which the function was inlined."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from goinspect.analysis.disasm.code import Code
from goinspect.analysis.disasm.listing import answers
from goinspect.analysis.disasm.pieces import Piece
from goinspect.analysis.pcln.frames import frames_at
from goinspect.analysis.pcln.linetable import starts_of
from goinspect.disasm import default_syntax, writer
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from goinspect.analysis.annotate.places import Place
    from goinspect.analysis.stacks.taken import Taken
    from goinspect.binary import Binary
    from goinspect.gosym.pclntab import Func
    from goinspect.model import Frame
    from goinspect.results.disasm import CodeRow, FunctionCode

__all__ = ["Codes", "Line", "Shown"]

# What asks the kernel for something: the bytes of the instruction, by architecture.
_SYSTEM_CALLS: dict[str, Callable[[bytes], bool]] = {
    "amd64": lambda code: code in (b"\x0f\x05", b"\x0f\x34"),
    "386": lambda code: code in (b"\xcd\x80", b"\x0f\x34"),
    "arm64": lambda code: len(code) == 4 and code[0] & 0x1F == 1 and code[3] == 0xD4 and not code[2] & 0xE0,
}


class Line(NamedTuple):
    """A line of a function, or of a call inlined into it."""

    function: str
    file: str
    line: int


class Shown(NamedTuple):
    """Code of one file, and the number of its first instruction."""

    binary: Binary
    syntax: str
    code: FunctionCode
    first: int


class Codes:
    """All code of a function that has samples, its instructions numbered.

    Args:
        name: of the function; None: whichever function the places are in, whole.
        places: where its samples are.
        taken: the samples; has the files that places number.
        syntax: of instructions; None: that of each architecture.
        inlines: whether inlined calls have frames of their own.
        part: which ranges of addresses to show of a function, by the number of its file; None: all of it.

    Attributes:
        shown: what was decoded.
        count: of instructions.
        warnings: what was odd.
        physical: lines that are, somewhere, of a function that is not inlined there.
    """

    def __init__(
        self,
        name: str | None,
        places: Iterable[Place],
        taken: Taken,
        *,
        syntax: str | None,
        inlines: bool,
        part: Callable[[int, Piece], tuple[tuple[int, int], ...] | None] | None = None,
    ) -> None:
        self._name, self._inlines = name, inlines
        self._binaries, self._natives = taken.table.binaries, taken.natives
        self.warnings: dict[str, None] = {}
        self.shown: list[Shown] = []
        self.physical: set[Line] = set()
        self.count = 0
        self._at: dict[tuple[int, int], int] = {}  # file, entry -> number in shown
        self._held: dict[tuple[int, int], tuple[int, int] | None] = {}  # file, address -> where it is shown
        found: dict[int, dict[int, Piece]] = {}
        for place in places:
            for address in place.addresses if place.file >= 0 else ():
                self._add(place, address, found.setdefault(place.file, {}))
        for file, pieces in sorted(found.items()):
            every = [pieces[entry] for entry in sorted(pieces)]
            if part is not None:
                every = [one._replace(parts=part(file, one)) for one in every]
            self._decode(file, every, syntax)
        self._starts = [[row.pc for row in shown.code.rows] for shown in self.shown]

    # --- which code ---

    def _add(self, place: Place, address: int, pieces: dict[int, Piece]) -> None:
        """The function that holds an address, as a piece of code."""
        key = place.file, address
        if key in self._held:
            return
        try:
            piece, at = self._piece(place, address)
        except GoinspectError as error:
            self.warnings[f"{error.about(self._binaries[place.file].path)}: its code is not all shown"] = None
            piece = None
        if piece is None:
            self._held[key] = None
            return
        self._held[key] = piece.entry, at
        pieces.setdefault(piece.entry, piece)

    def _piece(self, place: Place, address: int) -> tuple[Piece | None, int]:
        """And the address in it: what stands one before an entry was made of it, where nothing was called."""
        binary = self._binaries[place.file]
        func = None
        if binary.go_or_none is not None:
            func, after = binary.function_at(address), binary.function_at(address + 1)
            if after is not None and after.entry == address + 1:
                table = binary.go.table
                if func is None or table.name(func) != place.physical == table.name(after):
                    func, address = after, address + 1
        if func is not None:
            return self._go_piece(binary, func, place.physical), address
        natives = self._natives(binary) if self._natives else binary.native
        symbol = natives.find(address)
        if symbol is None:
            return None, address
        starts = natives.starts
        following = next(iter(starts[bisect_right(starts, address) :]), None)
        end = symbol.vaddr + symbol.size if symbol.size else following or address + 1
        return Piece(
            self._name or symbol.name, None, symbol.name, symbol.vaddr, max(end, address + 1), None, ()
        ), address

    def _go_piece(self, binary: Binary, func: Func, physical: str) -> Piece:
        parts = None
        if self._name is not None and physical != self._name:
            damaged: set[int] = set()
            starts = starts_of(binary, func, damaged)
            ranges = zip(starts, [*starts[1:], func.end], strict=True)
            parts = tuple(
                (start, end)
                for start, end in ranges
                if any(frame.function == self._name for frame in frames_at(binary, func, start, damaged))
            )
        return Piece(self._name or physical, func, None, func.entry, func.end, parts, ())

    def _decode(self, file: int, pieces: list[Piece], syntax: str | None) -> None:
        binary = self._binaries[file]
        spelled = syntax or default_syntax(binary.image.arch)
        write = writer(binary.image.arch, spelled)
        codes = [Code(binary, piece, self.warnings) for piece in pieces]
        for code in answers(binary, codes, write):
            self._at[file, code.entry] = len(self.shown)
            self.shown.append(Shown(binary, spelled, code, self.count))
            self.count += len(code.rows)

    # --- where is what ---

    def code_of(self, place: Place) -> int | None:
        """Which of `shown` has the place."""
        for address in place.addresses if place.file >= 0 else ():
            held = self._held.get((place.file, address))
            if held is not None:
                return self._at[place.file, held[0]]
        return None

    def instructions(self, place: Place) -> list[int]:
        """The numbers of instructions of which the place is one; none where one of them is not known."""
        out = [self._instruction(place, address) for address in place.addresses]
        return [] if None in out else sorted({number for number in out if number is not None})

    def address(self, number: int) -> int:
        """Of an instruction."""
        at = bisect_right([shown.first for shown in self.shown], number) - 1
        return self._starts[at][number - self.shown[at].first]

    def _instruction(self, place: Place, address: int) -> int | None:
        held = self._held.get((place.file, address))
        if held is None:
            return None
        number = self._at[place.file, held[0]]
        shown, starts, at = self.shown[number], self._starts[number], held[1]
        row = bisect_right(starts, at) - 1
        rows = shown.code.rows
        if place.below and _is_behind_system_call(rows, row, at, shown.binary.image.arch):
            row -= 1
        elif row < 0 or at >= rows[row].pc + len(rows[row].code):
            return None
        return shown.first + row

    def lines(self) -> list[tuple[Line, ...]]:
        """Of each instruction: its lines in the function, the innermost first."""
        return [self._lines(row.frames or ()) for shown in self.shown for row in shown.code.rows]

    def _lines(self, frames: tuple[Frame, ...]) -> tuple[Line, ...]:
        if not self._inlines:
            frames = frames[-1:]
        depth = max((depth for depth, frame in enumerate(frames) if frame.function == self._name), default=-1)
        return tuple(
            self._line(Line(frame.function, frame.file, frame.line), inlined=frame.inlined)
            for frame in frames[: depth + 1]
            if frame.file is not None and frame.line is not None
        )

    def _line(self, line: Line, *, inlined: bool) -> Line:
        if not inlined:
            self.physical.add(line)
        return line


def _is_behind_system_call(rows: tuple[CodeRow, ...], row: int, address: int, arch: str) -> bool:
    """Whether `row` begins at the address, and what stands in front of it calls the kernel."""
    check = _SYSTEM_CALLS.get(arch)
    if check is None or row < 1 or rows[row].pc != address:
        return False
    before = rows[row - 1]
    return before.pc + len(before.code) == address and check(before.code)
