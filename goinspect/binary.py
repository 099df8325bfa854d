"""Binary: an executable with everything goinspect can say about it, each part made when it is first asked for."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING

from goinspect.errors import GoinspectError
from goinspect.gosym import inline
from goinspect.gosym.module import GoModule, load, load_all
from goinspect.objfile import open_image
from goinspect.objfile.elf.const import SHF_EXECINSTR

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from goinspect.dwarf.columns import DwarfColumns
    from goinspect.dwarf.records import DwarfSymbols
    from goinspect.gosym.bulk.table import BulkTable, Frames
    from goinspect.gosym.pclntab import Func
    from goinspect.gosym.types.data import FoundTypes
    from goinspect.model import Frame, Section, Symbol

__all__ = ["Binary", "NativeSymbols"]

_MEMORY = ("core",)  # images of whole address spaces
_CODE = ("function", "ifunc")
_DWARF = (
    "debug_info",
    ".dwinfo",
)  # ends of the names that its entries are in: ".zdebug_info", "__debug_info"


class NativeSymbols:
    """Functions of the container's symbol tables, by address: for C code, and for Go code outside gopclntab."""

    def __init__(self, symbols: Sequence[Symbol], sections: Sequence[Section]) -> None:
        # Where code ends that has a symbol without a size: at the end of its section. Markers of the linker, such as
        # runtime.etext, stand right there and hold nothing.
        self._section_end = {
            number: section.vaddr + section.size
            for number, section in enumerate(sections)
            if section.flags & SHF_EXECINSTR
        }
        # At one address the sized, global, static-table name is the one a person would give.
        ranked = sorted(
            (s for s in symbols if s.kind in _CODE and s.section in self._section_end and s.name),
            key=lambda s: (s.vaddr, s.size == 0, s.binding == "local", s.source != "symtab", s.name),
        )
        by_address: dict[int, Symbol] = {}
        for symbol in ranked:
            by_address.setdefault(symbol.vaddr, symbol)
        self._symbols = list(by_address.values())
        self._starts = [symbol.vaddr for symbol in self._symbols]

    @property
    def starts(self) -> list[int]:
        """Where functions begin, in order."""
        return self._starts

    def find(self, vaddr: int) -> Symbol | None:
        """The function that holds `vaddr`; one of unknown size reaches to the next, or the end of its section."""
        index = bisect_right(self._starts, vaddr) - 1
        if index < 0:
            return None
        symbol = self._symbols[index]
        return symbol if vaddr < self._end(symbol) else None

    def ends(self) -> list[int]:
        """Where the functions of `starts` end; one of unknown size at most with the next."""
        following = [*self._starts[1:], 1 << 64]  # of none there is one
        last = self._section_end
        return [
            min(s.vaddr + s.size if s.size else last[s.section], after)
            for s, after in zip(self._symbols, following, strict=False)
        ]

    def _end(self, symbol: Symbol) -> int:
        return symbol.vaddr + symbol.size if symbol.size else self._section_end[symbol.section]


class Binary:
    """One executable file. Opening it reads headers only.

    Args:
        path: the file.
        arch: which slice of a universal Mach-O file, by GOARCH.
        raw: the file is a bare gopclntab.
        text_start: the address of ``runtime.text``, in place of the one that the file gives.

    Raises:
        GoinspectError: the file cannot be read as an executable (see `goinspect.objfile.open_image`).
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        arch: str | None = None,
        raw: bool = False,
        text_start: int | None = None,
    ) -> None:
        self.image = open_image(path, arch=arch, raw=raw)
        self.path = self.image.path
        self.why_not_go = ""
        self._text_start = text_start

    @cached_property
    def go(self) -> GoModule:
        """Its gopclntab. Raises NotGoError where there is none."""
        try:
            return load(self.image, text_start=self._text_start)
        except GoinspectError as error:
            raise error.about(self.path) from None

    @cached_property
    def views(self) -> tuple[Binary, ...]:
        """This binary once for each Go module: one, but for the memory of a process, which may have loaded plugins.

        Raises as `go`.
        """
        if self.image.type not in _MEMORY:
            return (self,)
        others = (module for module in load_all(self.image) if module.table.vaddr != self.go.table.vaddr)
        return (self, *(self._view(module) for module in others))

    def _view(self, module: GoModule) -> Binary:
        view = object.__new__(Binary)
        view.image, view.path, view._text_start = self.image, self.path, None
        view.go = module
        return view

    @cached_property
    def go_or_none(self) -> GoModule | None:
        """Its gopclntab, or None for a file that has no usable one: then `why_not_go` says why."""
        try:
            return self.go
        except GoinspectError as error:
            self.why_not_go = error.message
            return None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was odd about the file, as far as it has been looked at."""
        go = self.__dict__.get("go")
        return (*self.image.warnings, *(go.warnings if go else ()))

    @cached_property
    def bulk(self) -> BulkTable:
        """The numpy engine over `go`."""
        from goinspect.gosym.bulk.table import BulkTable  # numpy: 0.1 s that a single lookup must not pay

        return BulkTable(self.go.table)

    @cached_property
    def native(self) -> NativeSymbols:
        """Functions of the symbol tables."""
        return NativeSymbols(list(self.image.symbols()), self.image.sections)

    def read_type_columns(self) -> FoundTypes | None:
        """Go's own type data, read anew; None where there is none that can be read."""
        from goinspect.gosym.types.data import read_type_columns  # what only few commands need

        return read_type_columns(self.image, self.go) if self.go_or_none is not None else None

    def read_dwarf(self) -> DwarfSymbols | None:
        """What the debug information names, read anew; None where there is none. Raises as `goinspect.dwarf.read_symbols`."""
        if not self._has_dwarf:
            return None
        from goinspect.dwarf import read_symbols

        return read_symbols(self.image)

    def read_dwarf_columns(self) -> DwarfColumns | None:
        """The same as columns of numpy; raises as `read_dwarf`."""
        if not self._has_dwarf:
            return None
        from goinspect.dwarf import read_columns

        return read_columns(self.image)

    @property
    def _has_dwarf(self) -> bool:
        return any(section.name.endswith(_DWARF) for section in self.image.sections)

    def function_at(self, vaddr: int) -> Func | None:
        """The Go function that holds `vaddr`."""
        table = self.go.table
        index = table.find(vaddr)
        return None if index is None else table.func(index)

    def frames(self, vaddr: int) -> tuple[Frame, ...]:
        """The logical Go frames at `vaddr`, innermost first; () where no Go function holds it."""
        func = self.function_at(vaddr)
        return () if func is None else inline.expand(self.go.table, func, vaddr)

    def bulk_frames(self, vaddrs: NDArray[np.uint64], *, inlines: bool = True, lines: bool = True) -> Frames:
        """`frames` for many addresses at once."""
        return self.bulk.frames(vaddrs, inlines=inlines, lines=lines)
