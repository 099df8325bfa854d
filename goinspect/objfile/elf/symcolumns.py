"""Symbol tables as columns: for listings of a hundred thousand symbols, where an object for each takes too long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from goinspect._ragged import terminated
from goinspect.objfile.elf import const as elf
from goinspect.objfile.elf.view import ElfView
from goinspect.objfile.image import MAX_OVERLAP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from goinspect.model import Section, Symbol
    from goinspect.objfile.image import Image

__all__ = ["BINDINGS", "KINDS", "SymbolColumns", "symbol_columns"]

KINDS: Final = ("notype", "object", "function", "section", "file", "tls", "ifunc")
BINDINGS: Final = ("local", "global", "weak")

_SYM_DTYPE: Final = {
    64: [("name", "u4"), ("info", "u1"), ("other", "u1"), ("shndx", "u2"), ("value", "u8"), ("size", "u8")],
    32: [("name", "u4"), ("value", "u4"), ("size", "u4"), ("info", "u1"), ("other", "u1"), ("shndx", "u2")],
}
_KIND_OF: Final = np.array(
    [KINDS.index(elf.SYMBOL_KINDS.get(i, "notype")) for i in range(16)], dtype=np.uint8
)
_BINDING_OF: Final = np.array(
    [BINDINGS.index(elf.SYMBOL_BINDINGS.get(i, "local")) for i in range(16)], dtype=np.uint8
)


@dataclass(frozen=True, slots=True)
class SymbolColumns:
    """Entries of symbol tables in the order of the file, one element each in every column; cf. `model.Symbol`."""

    name: list[str]
    vaddr: NDArray[np.uint64]
    size: NDArray[np.int64]
    kind: NDArray[np.uint8]  # index of KINDS
    binding: NDArray[np.uint8]  # index of BINDINGS
    section: NDArray[np.int32]  # as the container counts; 0: undefined
    source: list[str]  # "symtab", "dynsym", …: of each run
    run: NDArray[np.uint8]  # index of `source`

    def __len__(self) -> int:
        return len(self.name)


def symbol_columns(image: Image) -> SymbolColumns:
    """The symbols of `image`, as ``image.symbols()`` has them."""
    # What is derived from it (objects) has addresses of its own.
    if type(image) is ElfView:
        return _of_elf(image)
    return _of_rows(image.symbols())


def _of_rows(symbols: Iterable[Symbol]) -> SymbolColumns:
    rows = list(symbols)
    sources = list(dict.fromkeys(row.source for row in rows))
    kinds = {name: number for number, name in enumerate(KINDS)}
    bindings = {name: number for number, name in enumerate(BINDINGS)}
    run = {source: number for number, source in enumerate(sources)}
    return SymbolColumns(
        [row.name for row in rows],
        np.array([row.vaddr & (1 << 64) - 1 for row in rows], dtype=np.uint64),
        np.array([min(row.size, (1 << 63) - 1) for row in rows], dtype=np.int64),
        np.array([kinds[row.kind] for row in rows], dtype=np.uint8),
        np.array([bindings[row.binding] for row in rows], dtype=np.uint8),
        np.array([row.section for row in rows], dtype=np.int32),
        sources,
        np.array([run[row.source] for row in rows], dtype=np.uint8),
    )


def _of_elf(image: ElfView) -> SymbolColumns:
    parts: list[SymbolColumns] = []
    for section, source in image.symbol_sections():
        parts.append(_of_section(image, section, source))
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return _of_rows(())
    sources = list(dict.fromkeys(source for part in parts for source in part.source))
    runs = [np.full(len(p), sources.index(p.source[0]) if p.source else 0, np.uint8) for p in parts]
    return SymbolColumns(
        [name for part in parts for name in part.name],
        np.concatenate([part.vaddr for part in parts]),
        np.concatenate([part.size for part in parts]),
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.binding for part in parts]),
        np.concatenate([part.section for part in parts]),
        sources,
        np.concatenate(runs),
    )


def _of_section(image: ElfView, section: Section, source: str) -> SymbolColumns:
    if not 0 < section.link < len(image.sections):
        image.warnings.append(f"{section.name}: its string table {section.link} does not exist")
        return _of_rows(())
    dtype = np.dtype(_SYM_DTYPE[image.bits]).newbyteorder("<" if image.byteorder == "little" else ">")
    data = image.data(section)
    rows = np.frombuffer(data, dtype=dtype, count=len(data) // dtype.itemsize)
    strings = image.data(image.sections[section.link])
    names, count = terminated(strings, rows["name"].astype(np.int64), MAX_OVERLAP * len(strings))
    if count < len(rows):
        image.warnings.append(f"{section.name}: names overlap in the string table: the rest is left out")
        rows = rows[:count]
    return SymbolColumns(
        names,
        rows["value"].astype(np.uint64),
        rows["size"].astype(np.int64),
        _KIND_OF[rows["info"] & 15],
        _BINDING_OF[rows["info"] >> 4],
        rows["shndx"].astype(np.int32),
        [source],
        np.zeros(len(rows), dtype=np.uint8),
    )
