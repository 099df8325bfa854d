"""Instructions with what can be said of each: `goinspect disasm`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.analysis.disasm.code import Code
from goinspect.analysis.disasm.contents import Contents
from goinspect.analysis.disasm.naming import Naming
from goinspect.analysis.disasm.pieces import find_pieces
from goinspect.analysis.disasm.sources import source_lines
from goinspect.disasm import default_syntax, writer
from goinspect.errors import GoinspectError, QueryError
from goinspect.results.disasm import Disassembly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from goinspect.analysis.disasm.pieces import Piece
    from goinspect.binary import Binary
    from goinspect.disasm import Instruction
    from goinspect.disasm.syntax.names import Names
    from goinspect.results.disasm import FunctionCode

__all__ = ["answers", "disassemble"]


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
    try:
        return _disassemble(binary, queries, syntax, folders)
    except GoinspectError as error:
        raise error.about(binary.path) from None


def _disassemble(
    binary: Binary, queries: Sequence[str], syntax: str | None, folders: Sequence[str]
) -> Disassembly:
    arch, go = binary.image.arch, binary.go
    syntax = syntax or default_syntax(arch)
    write = writer(arch, syntax)
    warnings: dict[str, None] = {}
    found = [_pieces(binary, query, warnings) for query in queries]
    codes = [(view, [Code(view, piece, warnings) for piece in pieces]) for view, pieces in found]
    functions: list[FunctionCode] = []
    for view in binary.views:
        functions += answers(view, [code for other, some in codes if other is view for code in some], write)
    sources = source_lines(_places(functions), folders, go.build_info) if folders else None
    if sources and all(source.text is None for source in sources):
        warnings[f"no source of this code is below {', '.join(folders)}"] = None
    told = (*binary.warnings, *warnings)
    return Disassembly(binary.path, go.go_version, arch, syntax, tuple(functions), sources, told)


def answers(
    binary: Binary, codes: Sequence[Code], write: Callable[[Instruction, Names], str]
) -> list[FunctionCode]:
    """Code of one file, written; what one function needs named is looked for together with what the others need."""
    naming = Naming(binary, {address for code in codes for address in code.addresses()})
    contents = Contents(binary)
    return [code.answer(write, naming, contents) for code in codes]


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
