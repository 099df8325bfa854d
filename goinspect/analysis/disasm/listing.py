"""Instructions with what can be said of each: `goinspect disasm`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from goinspect.analysis.disasm.contents import Contents
from goinspect.analysis.disasm.naming import Naming
from goinspect.analysis.disasm.pieces import find_pieces
from goinspect.analysis.disasm.sources import source_lines
from goinspect.analysis.disasm.strings import length_near, text_at
from goinspect.analysis.pcln.frames import frames_at
from goinspect.analysis.pcln.linetable import starts_of
from goinspect.disasm import ARCHITECTURES, CALL, decode, default_syntax, writer
from goinspect.errors import GoinspectError, QueryError
from goinspect.results.disasm import CodeRow, Disassembly, FunctionCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from goinspect.analysis.disasm.pieces import Piece
    from goinspect.binary import Binary
    from goinspect.disasm import Instruction
    from goinspect.disasm.syntax.names import Names
    from goinspect.model import Frame

__all__ = ["disassemble"]

_PADDING = {"x86": b"\xcc"}  # elsewhere zeros
_IMMEDIATE = re.compile(r"(?:mov|push) .*?(0x[0-9a-f]+)")
_FLOAT = re.compile(r"[a-z0-9]+(s[sd]) .*")  # scalar instructions of SSE


def disassemble(
    binary: Binary, queries: Sequence[str], *, syntax: str | None = None, folders: Sequence[str] = ()
) -> Disassembly:
    """The code that queries mean: functions, addresses in them, ranges of addresses, lines of source.

    Args:
        binary: has the code.
        queries: ``func``, an address, ``func+offset``, ``0x…-0x…`` or ``file:line``.
        syntax: "go", "gnu", of x86 also "intel" and "att"; None: Go's where there is a writer for it, else GNU's.
        folders: directories with the source.

    Raises:
        QueryError: a query means nothing in this file.
        NotGoError: the file has no gopclntab.
        UnsupportedError: the architecture cannot be decoded, or not be written so.
    """
    arch = binary.image.arch
    try:
        syntax = syntax or default_syntax(arch)
        write = writer(arch, syntax)
    except GoinspectError as error:
        raise error.about(binary.path) from None
    warnings: dict[str, None] = {}
    functions: list[FunctionCode] = []
    for query in queries:
        view, pieces = _pieces(binary, query, warnings)
        functions += [_Function(view, piece, warnings).code(write) for piece in pieces]
    sources = source_lines(_places(functions), folders, binary.go.build_info) if folders else None
    if sources and all(source.text is None for source in sources):
        warnings[f"no source of this code is below {', '.join(folders)}"] = None
    return Disassembly(
        binary.path,
        binary.go.go_version,
        arch,
        syntax,
        tuple(functions),
        sources,
        (*binary.warnings, *warnings),
    )


def _places(functions: Sequence[FunctionCode]) -> Iterator[tuple[str, int]]:
    """Of all frames of all instructions."""
    for function in functions:
        for row in function.rows:
            for frame in row.frames or ():
                if frame.file is not None and frame.line is not None:
                    yield frame.file, frame.line


def _pieces(binary: Binary, query: str, warnings: dict[str, None]) -> tuple[Binary, list[Piece]]:
    """What a query means, in the first module that knows."""
    refused: QueryError | None = None
    for view in binary.views:
        try:
            return view, find_pieces(view, query, warnings)
        except QueryError as error:
            refused = refused or error
    raise refused or QueryError(f"{query!r} is unknown", path=binary.path)


class _Reference(NamedTuple):
    name: str | None = None
    string: str | None = None


class _Function:
    """One piece of code."""

    def __init__(self, binary: Binary, piece: Piece, warnings: dict[str, None]) -> None:
        self._binary, self._piece = binary, piece
        self._family = ARCHITECTURES[binary.image.arch].family
        self._contents = Contents(binary)
        self._warnings = warnings
        data = self._read()
        self._all = list(decode(data, piece.entry, binary.image.arch))
        if piece.func is not None:
            self._drop_padding()
        self.end = self._all[-1].end if self._all else piece.entry
        self._naming = Naming(binary, self._addresses())

    def _read(self) -> bytes:
        piece, image = self._piece, self._binary.image
        data = bytes(image.tail(piece.entry)[: piece.end - piece.entry])
        if len(data) < piece.end - piece.entry:
            self._warnings[f"the file ends within the code at {piece.entry:#x}"] = None
        return data

    def _drop_padding(self) -> None:
        """Take off what the linker fills up with behind the last instruction, unless it was asked for."""
        padding = _PADDING.get(self._family, b"\0")
        wanted = max([start for start, _ in self._piece.parts or ()] + list(self._piece.asked), default=0)
        kept = len(self._all)
        while (
            kept > 1 and not self._all[kept - 1].code.strip(padding) and self._all[kept - 1].address > wanted
        ):
            kept -= 1
        if kept and self._all[kept - 1].address >= wanted:
            del self._all[kept:]

    def _addresses(self) -> set[int]:
        out = set()
        for one in self._all:
            out |= {address for address in (one.target, one.reference) if address is not None}
            if self._family == "x86" and (match := _IMMEDIATE.fullmatch(one.text)):
                out.add(int(match[1], 16))
        return out

    def code(self, write: Callable[[Instruction, Names], str]) -> FunctionCode:
        """The answer."""
        piece = self._piece
        shown = [number for number, one in enumerate(self._all) if self._is_shown(one)]
        labels = self._labels({self._all[number].address for number in shown})
        frames = self._frames()
        asked = {one.address for one in self._all if any(one.address <= pc < one.end for pc in piece.asked)}
        rows = []
        for number in shown:
            one = self._all[number]
            inside = labels.get(one.target) if one.target is not None else None
            named = self._reference(number)
            rows.append(
                CodeRow(
                    one.address, one.code, write(one, self._naming.symbol), one.kind, one.target,
                    self._outside(one.target), inside,
                    one.reference, named.name, named.string, one.address in asked, frames.get(one.address),
                )
            )  # fmt: skip
        table, func = self._binary.go.table, piece.func
        name = piece.name if func is None else table.name(func)
        file = None if func is None else table.position(func, func.entry)[0]
        return FunctionCode(piece.query, name, piece.entry, self.end, file, piece.parts is None, tuple(rows))

    def _outside(self, target: int | None) -> str | None:
        """The name of another function."""
        if target is None or self._piece.entry < target < self._piece.end:
            return None
        return self._naming.place(target)

    def _is_shown(self, one: Instruction) -> bool:
        parts = self._piece.parts
        return parts is None or any(start < one.end and one.address < end for start, end in parts)

    def _labels(self, starts: set[int]) -> dict[int, str]:
        """Targets of jumps that are shown themselves, numbered by address."""
        jumps = (one for one in self._all if one.address in starts and one.kind != CALL)
        targets = {one.target for one in jumps if one.target is not None and one.target in starts}
        return {target: f"L{number}" for number, target in enumerate(sorted(targets), 1)}

    def _frames(self) -> dict[int, tuple[Frame, ...]]:
        """Of each instruction: frames change only where a table of the function has another value."""
        func = self._piece.func
        if func is None:
            return {}
        damaged: set[int] = set()
        starts = starts_of(self._binary, func, damaged)
        out: dict[int, tuple[Frame, ...]] = {}
        following = 0
        frames: tuple[Frame, ...] = ()
        for one in self._all:
            while following < len(starts) and starts[following] <= one.address:
                frames = frames_at(self._binary, func, starts[following], damaged)
                following += 1
            out[one.address] = frames
        if damaged:
            self._warnings[f"damaged table: {damaged.pop():#x} is answered as far as it can be read"] = None
        return out

    # --- data ---

    def _reference(self, number: int) -> _Reference:
        one = self._all[number]
        vaddr = one.reference
        if vaddr is None:
            return _Reference()
        name = self._naming.place(vaddr) or self._contents.name(vaddr)
        if not self._contents.is_constant(vaddr):
            return _Reference(name)
        if self._makes_address(one) and (name is None or name.startswith("go:string.")):
            for length in length_near(self._all, number, self._family):
                text = text_at(self._binary.image, vaddr, length)
                if text is not None:
                    return _Reference(name, text)
            if name is None:
                return _Reference(None, self._contents.string_header(vaddr))
        if name is None and self._family == "x86" and (match := _FLOAT.fullmatch(one.text)):
            name = self._contents.number(vaddr, 8 if match[1] == "sd" else 4)
        return _Reference(name)

    def _makes_address(self, one: Instruction) -> bool:
        """Does it take the address, and not what is there?"""
        return one.mnemonic in ("lea", "add", "adr", "addi", "c.addi", "larl", "addiu", "daddiu")
