"""Where the tables of Go's linker end: no field of gopclntab says how long it is.

A section made for the table has its size; without one, moduledata tells (before Go 1.16 as the length of the slice
pclntable, since Go 1.26 as epclntab), and from Go 1.16 to 1.25 the last ``_func`` record is the last thing in it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import GoinspectError
from goinspect.gosym.buildinfo.info import parse_version
from goinspect.gosym.layout import moduledata_layout

if TYPE_CHECKING:
    from goinspect.gosym.layout import ModuledataLayout
    from goinspect.gosym.module import GoModule
    from goinspect.objfile.image import Image

__all__ = ["Extent", "func_data_extent", "moduledata_extent", "table_extent"]

_MODULEDATA_SECTIONS = (".go.module", "__go_module")
_FUNC_DATA = ("go:func.*", "go.func.*")
_END_SYMBOLS = ("runtime.epclntab", "epclntab")


class Extent(NamedTuple):
    """Bytes at an address; ``size`` None where no end is known. ``how`` tells what the end was known by."""

    vaddr: int
    size: int | None
    how: str


def _layout(go: GoModule) -> ModuledataLayout | None:
    version = parse_version(go.go_version) if go.go_version else None
    return moduledata_layout(max(version or go.table.release.since, go.header.layout.since))


def table_extent(image: Image, go: GoModule) -> Extent:
    """The gopclntab. Since Go 1.26 it includes go:func.* and findfunctab."""
    table, available = go.table, len(go.table.data)
    layout, moduledata = _layout(go), go.moduledata
    if go.found_by.startswith("section "):
        return Extent(table.vaddr, available, "section header")
    if layout is not None and moduledata is not None:
        with suppress(GoinspectError):
            size = 0
            if layout.md_epclntab >= 0:
                size = moduledata.word(layout.md_epclntab) - table.vaddr
            elif layout.md_table_len >= 0:
                size = moduledata.word(layout.md_table_len)
            if go.header.functab + go.header.functab_size <= size <= available:
                return Extent(table.vaddr, size, "moduledata")
    if go.header.layout.has_cutab and not table.release.gofunc_follows_functab:
        with suppress(GoinspectError):
            return Extent(table.vaddr, table.records_end(), "end of the last _func record")
    for symbol in image.symbols():
        if symbol.name in _END_SYMBOLS and 0 < symbol.vaddr - table.vaddr <= available:
            return Extent(table.vaddr, symbol.vaddr - table.vaddr, f"symbol {symbol.name}")
    return Extent(table.vaddr, None, "no end known")


def func_data_extent(go: GoModule) -> Extent | None:
    """go:func.*, which holds inline trees and other FUNCDATA, where it can be told apart: in tables of Go 1.26+."""
    layout, table = _layout(go), go.table
    if table.gofunc is None or layout is None or layout.md_findfunctab < 0 or go.moduledata is None:
        return None
    with suppress(GoinspectError):
        start = go.moduledata.word(table.release.md_gofunc)
        end = go.moduledata.word(layout.md_findfunctab)
        if table.vaddr < start <= end <= table.vaddr + len(table.data):
            return Extent(start, end - start, "moduledata: gofunc to findfunctab")
    return None


def moduledata_extent(image: Image, go: GoModule) -> Extent | None:
    """The moduledata that describes the table."""
    if go.moduledata is None:
        return None
    vaddr = go.moduledata.vaddr
    for name in _MODULEDATA_SECTIONS:
        section = image.section(name)
        if section is not None and section.vaddr == vaddr:
            return Extent(vaddr, section.size, "section header")
    layout = _layout(go)
    size = layout.words * image.ptrsize if layout else None
    return Extent(vaddr, size, "its fields in that release" if layout else "no end known")
