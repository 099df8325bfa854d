"""What `goinspect symbols` lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, overload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "GROUPINGS",
    "KINDS",
    "SORTS",
    "SOURCES",
    "SizeGroup",
    "SizeGroups",
    "SizeStacks",
    "SymbolList",
    "SymbolRow",
    "SymbolRows",
]

KINDS: Final = ("function", "variable", "tls", "notype", "type", "itab", "undefined")
# Tables that know symbols; "name section" is that of WebAssembly.
SOURCES: Final = ("symtab", "dynsym", "gopclntab", "dwarf", "typedata", "name section")
SORTS: Final = ("address", "name", "size")
_TYPE: Final = KINDS.index("type")
GROUPINGS: Final = ("package", "module", "section", "kind")


class SymbolRow(NamedTuple):
    """A symbol, merged from every table that knows it."""

    name: str  # as Go spells it, where gopclntab or type data know it
    address: int | None  # None: a type without a descriptor
    size: int | None  # bytes in the file or in memory; of a type: of its descriptor
    size_exact: bool  # False: bounded by the next symbol, padding included
    kind: str  # one of KINDS
    sources: tuple[str, ...]  # some of SOURCES
    section: str | None
    package: str | None  # import path
    receiver: str | None  # of a method: "T" or "*T"
    module: (
        str | None
    )  # path of the module that holds the package; "std"; "(C)" and the like for what is none
    file: str | None
    line: int | None
    symbol: str | None  # the name in the symbol table where that differs: "runtime.memmove.abi0"
    letter: str = "?"  # as nm has it: T, R, D, B, U; lower-case where it is local


@dataclass(frozen=True, slots=True, eq=False)
class SymbolRows(Sequence[SymbolRow]):
    """Rows of a SymbolList as columns, one element each; indices are -1 where the row has none."""

    name: list[str]
    address: NDArray[np.uint64]
    size: NDArray[np.int64]  # -1: unknown
    size_exact: NDArray[np.bool_]
    kind: NDArray[np.uint8]  # of KINDS
    sources: NDArray[np.uint8]  # bit i: SOURCES[i]
    section: NDArray[np.int32]  # of sections
    sections: tuple[str, ...]
    package: NDArray[np.int32]  # of packages
    packages: list[str]
    module: NDArray[np.int32]  # of modules
    modules: list[str]
    receiver: list[str]  # "": none
    file: NDArray[np.int32]  # of files
    files: list[str]
    line: NDArray[np.int32]  # 0: unknown
    symbol: dict[int, str]  # row -> its name in the symbol table, where that differs
    letter: NDArray[np.str_]

    @classmethod
    def of(cls, rows: Iterable[SymbolRow]) -> SymbolRows:
        """The columns of `rows`: themselves, if they are columns already."""
        if isinstance(rows, SymbolRows):
            return rows
        import numpy as np

        rows = list(rows)
        section, sections = _numbered([row.section for row in rows])
        package, packages = _numbered([row.package for row in rows])
        module, modules = _numbered([row.module for row in rows])
        file, files = _numbered([row.file for row in rows])
        return cls(
            [row.name for row in rows],
            np.array([row.address or 0 for row in rows], dtype=np.uint64),
            np.array([-1 if row.size is None else row.size for row in rows], dtype=np.int64),
            np.array([row.size_exact for row in rows], dtype=np.bool_),
            np.array([KINDS.index(row.kind) for row in rows], dtype=np.uint8),
            np.array([sum(1 << SOURCES.index(name) for name in row.sources) for row in rows], dtype=np.uint8),
            section, tuple(sections), package, packages, module, modules,
            [row.receiver or "" for row in rows],
            file, files,
            np.array([row.line or 0 for row in rows], dtype=np.int32),
            {at: row.symbol for at, row in enumerate(rows) if row.symbol is not None},
            np.array([row.letter for row in rows], dtype="<U1"),
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.name)

    @overload
    def __getitem__(self, index: int) -> SymbolRow: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[SymbolRow, ...]: ...
    def __getitem__(self, index: int | slice) -> SymbolRow | tuple[SymbolRow, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        i = range(len(self))[index]
        size, line, address = int(self.size[i]), int(self.line[i]), int(self.address[i])
        return SymbolRow(
            self.name[i],
            address if address or self.kind[i] != _TYPE else None,
            size if size >= 0 else None,
            bool(self.size_exact[i]),
            KINDS[self.kind[i]],
            source_names(int(self.sources[i])),
            _at(self.sections, int(self.section[i])),
            _at(self.packages, int(self.package[i])),
            self.receiver[i] or None,
            _at(self.modules, int(self.module[i])),
            _at(self.files, int(self.file[i])),
            line or None,
            self.symbol.get(i),
            str(self.letter[i]),
        )


def _numbered(texts: list[str | None]) -> tuple[NDArray[np.int32], list[str]]:
    """The number of each text among the distinct ones, -1 for None."""
    import numpy as np

    known: dict[str, int] = {}
    numbers = [-1 if text is None else known.setdefault(text, len(known)) for text in texts]
    return np.array(numbers, dtype=np.int32), list(known)


def _at(texts: Sequence[str], index: int) -> str | None:
    return texts[index] if index >= 0 else None


def source_names(bits: int) -> tuple[str, ...]:
    """The names behind the bits of `SymbolRows.sources`."""
    return tuple(name for number, name in enumerate(SOURCES) if bits >> number & 1)


class SymbolList(NamedTuple):
    """`goinspect symbols BIN`."""

    binary: str
    rows: SymbolRows
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.symbols/1"


class SizeGroup(NamedTuple):
    """Symbols of one package, module, section or kind, and their bytes."""

    name: str
    symbols: int
    functions: int  # bytes of functions
    variables: int
    types: int  # descriptors and itabs
    size: int  # all of these: what the file has bytes for
    bss: int  # bytes of variables that are zero at first, for which the file has none


class SizeGroups(NamedTuple):
    """`goinspect symbols BIN --by package`, largest first."""

    binary: str
    by: str  # one of GROUPINGS
    rows: tuple[SizeGroup, ...]
    total: SizeGroup  # of all groups, also those that are not in `rows`
    size_exact: bool  # False: some sizes are bounded by the next symbol, padding included
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.symbols/1"


class SizeStacks(NamedTuple):
    """`goinspect symbols BIN --format folded`: where bytes are, as (frames from the package on, bytes)."""

    binary: str
    rows: tuple[tuple[tuple[str, ...], int], ...]
    warnings: tuple[str, ...] = ()
    modules: Mapping[str, str] = MappingProxyType({})  # of what stands first in the frames
