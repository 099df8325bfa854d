"""What `goinspect pcln` answers to PCs and queries: rows of frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, overload

from goinspect.model import Frame

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "LineReport",
    "LineRow",
    "LineRows",
    "LineTable",
    "PclntabInfo",
]


class PclntabInfo(NamedTuple):
    """A gopclntab: what it is and how it was found. Addresses are vaddrs, sizes bytes."""

    generation: str  # "1.2", "1.16", "1.18" or "1.20"
    found_by: str
    address: int
    text_start: int
    text_from: str
    gofunc_from: str | None
    magic: int
    byteorder: str
    quantum: int
    ptrsize: int
    nfunc: int
    nfiles: int
    size: int
    parts: dict[str, int]  # name -> offset from the table's first byte
    layout: str = ""  # "1.26": the oldest release that writes the same layout
    layout_from: str = ""  # how the release is known


class LineRow(NamedTuple):
    """A PC, or a range of them, and its frames, innermost first; None where no function holds it."""

    pc: int
    query: str  # as it was asked for
    function: str | None
    entry: int | None
    frames: tuple[Frame, ...] | None
    end: int | None = None  # of a range: these are the frames of every PC up to there


@dataclass(frozen=True, slots=True, eq=False)
class LineRows(Sequence[LineRow]):
    """Rows of a LineReport as columns: frames of row i are ``start[i]:start[i + 1]``, none where nothing was found.

    ``function`` and ``file`` index ``names`` and ``files`` (-1: unknown); ``line`` is 0 where it is unknown.
    """

    pc: list[int]
    end: list[int | None] | None  # None: every row is one PC
    query: Sequence[str]
    entry: list[int]  # of no meaning where nothing was found
    start: list[int]
    function: list[int]
    file: list[int]
    line: list[int]
    inlined: list[bool]
    names: list[str]
    files: list[str]

    @classmethod
    def of(cls, rows: Iterable[LineRow]) -> LineRows:
        """The columns of `rows`: themselves, if they are columns already."""
        if isinstance(rows, LineRows):
            return rows
        rows = list(rows)
        names: dict[str, int] = {}
        files: dict[str, int] = {}
        start = [0]
        columns: list[tuple[int, int, int, bool]] = []
        for row in rows:
            for name, path, line, inlined in row.frames or ():
                file = -1 if path is None else files.setdefault(path, len(files))
                columns.append((names.setdefault(name, len(names)), file, line or 0, inlined))
            start.append(len(columns))
        return cls(
            [row.pc for row in rows],
            [row.end for row in rows] if any(row.end is not None for row in rows) else None,
            [row.query for row in rows],
            [row.entry or 0 for row in rows],
            start,
            [column[0] for column in columns],
            [column[1] for column in columns],
            [column[2] for column in columns],
            [column[3] for column in columns],
            list(names),
            list(files),
        )

    def __len__(self) -> int:
        return len(self.pc)

    @overload
    def __getitem__(self, index: int) -> LineRow: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[LineRow, ...]: ...
    def __getitem__(self, index: int | slice) -> LineRow | tuple[LineRow, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        index = range(len(self))[index]
        end = self.end[index] if self.end is not None else None
        if self.start[index] == self.start[index + 1]:
            return LineRow(self.pc[index], self.query[index], None, None, None, end)
        frames = tuple(self._frame(i) for i in range(self.start[index], self.start[index + 1]))
        return LineRow(self.pc[index], self.query[index], frames[-1].function, self.entry[index], frames, end)

    def _frame(self, index: int) -> Frame:
        file = self.file[index]
        return Frame(
            self.names[self.function[index]],
            self.files[file] if file >= 0 else None,
            self.line[index] if file >= 0 else None,
            self.inlined[index],
        )


class LineReport(NamedTuple):
    """`goinspect pcln BIN PC…`."""

    binary: str
    go_version: str | None
    pclntab: PclntabInfo
    rows: Sequence[LineRow]
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.pcln/1"


class LineTable(NamedTuple):
    """`goinspect pcln BIN --lines FUNC`: ranges that cover the functions, each with the frames of all its PCs."""

    binary: str
    go_version: str | None
    pclntab: PclntabInfo
    rows: Sequence[LineRow]
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.pcln/1"
