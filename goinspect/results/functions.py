"""What `goinspect pcln` says of functions: lists, sizes, and what exists only inlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from goinspect.results.lines import PclntabInfo

__all__ = [
    "FunctionList",
    "FunctionRow",
    "FunctionRows",
    "InlinedList",
    "InlinedRow",
    "SizePart",
    "SizeReport",
    "SizeRow",
]


_T = TypeVar("_T")


def _numbered(values: Iterable[_T]) -> dict[_T, int]:
    """Distinct values, numbered as they come."""
    numbers: dict[_T, int] = {}
    for value in values:
        numbers.setdefault(value, len(numbers))
    return numbers


class FunctionRow(NamedTuple):
    """A function of gopclntab. `end` is the next function's entry: padding belongs to the row."""

    entry: int
    end: int
    name: str
    file: str | None
    start_line: int | None
    frame_size: int | None
    args_size: int | None
    func_id: str | None
    flags: tuple[str, ...]
    inlined: tuple[str, ...]
    deferreturn: int | None = None  # address of the call that runs deferred functions, where it has any


@dataclass(frozen=True, slots=True, eq=False)
class FunctionRows(Sequence[FunctionRow]):
    """Rows of a FunctionList as columns. -1: unknown (``start_line``: 0).

    ``file`` indexes ``files``, ``func_id`` indexes ``func_ids``, ``flag`` indexes ``flag_sets``; the names inlined into
    function i are ``inlined_names`` of ``inlined[inline_start[i]:inline_start[i + 1]]``.
    """

    entry: NDArray[np.uint64]
    end: NDArray[np.uint64]
    name: list[str]
    file: NDArray[np.int32]
    files: list[str]
    start_line: NDArray[np.int32]
    frame_size: NDArray[np.int64]
    args_size: NDArray[np.int64]
    func_id: NDArray[np.uint8]
    func_ids: tuple[str | None, ...]
    flag: NDArray[np.uint8]
    flag_sets: tuple[tuple[str, ...], ...]
    inline_start: NDArray[np.int64]
    inlined: NDArray[np.int32]
    inlined_names: list[str]
    deferreturn: NDArray[np.int64]  # offset from the entry; 0: none

    @classmethod
    def of(cls, rows: Iterable[FunctionRow]) -> FunctionRows:
        """The columns of `rows`: themselves, if they are columns already."""
        if isinstance(rows, FunctionRows):
            return rows
        import numpy as np

        rows = list(rows)
        files = _numbered(row.file for row in rows if row.file is not None)
        ids = _numbered(row.func_id for row in rows)
        flags = _numbered(row.flags for row in rows)
        names = _numbered(name for row in rows for name in row.inlined)
        return cls(
            np.array([row.entry for row in rows], dtype=np.uint64),
            np.array([row.end for row in rows], dtype=np.uint64),
            [row.name for row in rows],
            np.array([-1 if row.file is None else files[row.file] for row in rows], dtype=np.int32),
            list(files),
            np.array([row.start_line or 0 for row in rows], dtype=np.int32),
            np.array([-1 if row.frame_size is None else row.frame_size for row in rows], dtype=np.int64),
            np.array([-1 if row.args_size is None else row.args_size for row in rows], dtype=np.int64),
            np.array([ids[row.func_id] for row in rows], dtype=np.uint8),
            tuple(ids),
            np.array([flags[row.flags] for row in rows], dtype=np.uint8),
            tuple(flags),
            np.cumsum([0, *(len(row.inlined) for row in rows)], dtype=np.int64),
            np.array([names[name] for row in rows for name in row.inlined], dtype=np.int32),
            list(names),
            np.array([(row.deferreturn or row.entry) - row.entry for row in rows], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.name)

    @overload
    def __getitem__(self, index: int) -> FunctionRow: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[FunctionRow, ...]: ...
    def __getitem__(self, index: int | slice) -> FunctionRow | tuple[FunctionRow, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        i = range(len(self))[index]
        inlined = self.inlined[self.inline_start[i] : self.inline_start[i + 1]].tolist()
        file, frame, args = int(self.file[i]), int(self.frame_size[i]), int(self.args_size[i])
        return FunctionRow(
            int(self.entry[i]),
            int(self.end[i]),
            self.name[i],
            self.files[file] if file >= 0 else None,
            int(self.start_line[i]) or None,
            frame if frame >= 0 else None,
            args if args >= 0 else None,
            self.func_ids[self.func_id[i]],
            self.flag_sets[self.flag[i]],
            tuple(self.inlined_names[name] for name in inlined),
            int(self.entry[i]) + int(self.deferreturn[i]) if self.deferreturn[i] else None,
        )


class FunctionList(NamedTuple):
    """`goinspect pcln BIN --functions` (and `--header`, without rows)."""

    binary: str
    go_version: str | None
    pclntab: PclntabInfo
    rows: Sequence[FunctionRow]
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.pcln/1"


class InlinedRow(NamedTuple):
    """A function that exists only inlined; `functions` are those that hold its code."""

    name: str
    start_line: int | None
    sites: int  # records of inline trees: calls that were inlined
    ranges: int  # contiguous ranges of PCs that are its own, without what was inlined into it in turn
    bytes: int  # in these ranges
    functions: tuple[str, ...]


class InlinedList(NamedTuple):
    """`goinspect pcln BIN --inlined-only`."""

    binary: str
    go_version: str | None
    pclntab: PclntabInfo
    rows: tuple[InlinedRow, ...]
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.pcln/1"


class SizeRow(NamedTuple):
    """Bytes of gopclntab that a function, or the functions of a package, take.

    What functions share counts for the first of them (by address), so that rows add up.
    """

    name: str
    entry: int | None  # None: a package
    functions: int
    func: int  # the record without its two arrays
    pcsp: int
    pcfile: int
    pcln: int
    pcdata: int  # tables and the array that leads to them
    funcdata: int  # the array; since Go 1.26 also the inline tree, which lay outside of the table before
    names: int
    total: int


class SizePart(NamedTuple):
    """A part of gopclntab; `functions` of its bytes are in the rows."""

    name: str
    bytes: int
    functions: int


class SizeReport(NamedTuple):
    """`goinspect pcln BIN --sizes`, largest first; the parts add up to `size`."""

    binary: str
    go_version: str | None
    pclntab: PclntabInfo
    rows: tuple[SizeRow, ...]
    parts: tuple[SizePart, ...]
    size: int
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.pcln/1"
