"""The parts of a file: what is there, where, how big, how it was found. Each byte counts for one part.

Go's own tables come first, wherever they lie: gopclntab may be a section of its own or a piece of ``.rodata``. Then
the container's tables, then sections by what their flags say. What is left is "other": headers, names of sections,
padding, and what was appended to the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect import dwarf
from goinspect.analysis.builds.ledger import Ledger
from goinspect.gosym.buildinfo.info import find_build_info, parse_version
from goinspect.gosym.extents import func_data_extent, moduledata_extent, table_extent
from goinspect.gosym.layout import type_layout
from goinspect.gosym.types.data import summarize_types
from goinspect.objfile.elf import const as elf
from goinspect.results.info import TableRow

if TYPE_CHECKING:
    from goinspect.gosym.module import GoModule
    from goinspect.model import Section
    from goinspect.objfile.image import Image

__all__ = ["list_tables"]

NAMES = (
    "code", "read-only data", "data", "symtab", "dynsym", "gopclntab", "go:func", "moduledata", "types", "itabs",
    "DWARF", "build info", "unwind", "relocations", "dynamic linking", "notes", "other",
)  # fmt: skip
_WITHOUT_FILE = ("ELF core", "process memory", "wasm")  # addresses lead to no place in a file
_DEBUG = (".debug_", ".zdebug_", "__debug_", "__zdebug_", ".dw", ".gdb_index")
_UNWIND = (".eh_frame", ".gcc_except_table", ".pdata", ".xdata", ".ARM.ex", "__unwind_info", "__eh_frame")
_READ_ONLY = (
    ".data.rel.ro",
    ".rodata",
    ".rdata",
    "__rodata",
    "__const",
    "__cstring",
    "__gosymtab",
    "__typelink",
    "__itablink",
)
_BUILD_INFO = (".go.buildinfo", "__go_buildinfo")
_LINKING = (".interp", ".dynamic", ".hash", ".gnu.hash", ".gnu.version", ".idata", ".edata", ".plt", ".got")
_TYPES = (".go.type", "__go_type")
_RELOCATIONS = (elf.SHT_REL, elf.SHT_RELA, elf.SHT_RELR)
_MAX_SHOWN = 6  # sections named in a row's detail


class _Part(NamedTuple):
    """A claim that a row makes: file offset and size."""

    offset: int
    size: int


class _Tables:
    def __init__(self, image: Image, go: GoModule | None) -> None:
        self._image = image
        self._go = go
        self._in_file = image.container not in _WITHOUT_FILE
        self._ledger = Ledger(image.file_size if self._in_file else 0)
        self._rows: dict[str, TableRow] = {}
        self.warnings: list[str] = []

    def rows(self) -> tuple[TableRow, ...]:
        """A row for every name, in order."""
        if self._go is not None:
            self._go_tables(self._go)
            self._types(self._go)
        build_info = find_build_info(self._image)
        if build_info is not None:
            self._go_table("build info", build_info.vaddr, build_info.size, None, "its magic", "")
        self._container_tables()
        self._sections()
        absent = {name: TableRow(name, False, 0, None, None, None) for name in NAMES}
        if self._in_file:
            left = self._ledger.unclaimed
            self._rows["other"] = TableRow(
                "other", left > 0, left, None, None, "what is left", "headers, names of sections, padding"
            )
        return tuple((absent | self._rows).values())

    # --- Go's tables ---

    def _go_tables(self, go: GoModule) -> None:
        inner = func_data_extent(go)
        extent = table_extent(self._image, go)
        generation = f"generation {go.header.layout.generation}, {go.header.nfiles} files"
        if extent.size is None:
            generation += "; where it ends is not known: counted with what it lies in"
        elif extent.how != "section header":
            generation += f"; its end is known by {extent.how}"
        self._go_table("gopclntab", extent.vaddr, extent.size, go.header.nfunc, go.found_by, generation)
        if inner is not None:
            self._rows["go:func"] = TableRow(
                "go:func", True, inner.size, None, inner.vaddr, inner.how, "inline trees and other FUNCDATA", "gopclntab"
            )  # fmt: skip
        moduledata = moduledata_extent(self._image, go)
        if moduledata is not None and go.moduledata is not None:
            detail = "" if moduledata.how == "section header" else f"its size is known by {moduledata.how}"
            self._go_table(
                "moduledata", moduledata.vaddr, moduledata.size, None, go.moduledata.found_by, detail
            )

    def _types(self, go: GoModule) -> None:
        found = summarize_types(self._image, go)
        if found is None:
            return
        self.warnings += found.warnings
        version = parse_version(go.go_version) if go.go_version else None
        layout = type_layout(version or go.table.release.since)
        if (
            layout is not None and layout.md_itabs >= 0
        ):  # Go 1.27+: nothing else lies between types and etypes
            detail, where = "counted: types that reflection may look for by name", "types"
            self._go_table("types", found.address, found.bytes, found.listed, found.found_by, detail)
        else:
            where = "read-only data"
            detail = f"somewhere in the {found.bytes} bytes from types to etypes; counted: typelinks"
            self._rows["types"] = TableRow(
                "types", True, None, found.listed, found.address, found.found_by, detail, where
            )
        if found.itabs:
            self._rows["itabs"] = TableRow("itabs", True, None, found.itabs, None, found.found_by, "", where)

    def _go_table(
        self, name: str, vaddr: int, size: int | None, count: int | None, found_by: str, detail: str
    ) -> None:
        if not self._in_file:
            within = "data" if self._image.container == "wasm" else "memory"
            self._rows[name] = TableRow(name, True, size, count, vaddr, found_by, detail, within)
            return
        offset = self._offset(vaddr)
        held = None if size is None or offset is None else self._ledger.claim(offset, size)
        self._rows[name] = TableRow(name, True, held, count, vaddr, found_by, detail)

    def _offset(self, vaddr: int) -> int | None:
        """Where in the file an address is."""
        for part in self._image.segments or self._image.sections:
            if part.vaddr <= vaddr < part.vaddr + part.file_size:
                return part.file_offset + vaddr - part.vaddr
        return None

    # --- the container's tables ---

    def _container_tables(self) -> None:
        image = self._image
        for table in image.symbol_tables():
            held = self._ledger.claim(table.file_offset, table.size)
            strings = self._ledger.claim(table.strings_offset, table.strings_size)
            detail = f"{strings} bytes of it are names" if strings else ""
            if table.defined is not None and table.defined != table.entries:
                detail += f", {(table.entries or 0) - table.defined} imports"
            name = "dynsym" if table.source == "dynsym" else "symtab"
            if not self._in_file:
                held, strings = table.size, 0
            before = self._rows.get(name)  # headers that are damaged may tell several
            held += strings + (before.bytes or 0 if before else 0)
            self._rows[name] = TableRow(
                name, True, held, table.entries, None, "headers of the container", detail
            )
        found = image.relocation_tables()
        if found:
            held = sum(self._ledger.claim(table.file_offset, table.size) for table in found)
            counts = [table.entries for table in found]
            count = None if None in counts else sum(number or 0 for number in counts)
            self._rows["relocations"] = TableRow(
                "relocations", True, held, count, None, "headers of the container",
                ", ".join(table.name for table in found[:_MAX_SHOWN]),
            )  # fmt: skip

    # --- sections ---

    def _sections(self) -> None:
        if self._image.container == "wasm":
            self._wasm_parts()
        elif not any(section.file_size for section in self._image.sections):
            self._segments()
        elif self._in_file:
            self._by_name()
        self._dwarf()
        self._notes()

    def _by_name(self) -> None:
        parts: dict[str, list[Section]] = {}
        for section in self._image.sections:
            if section.file_size:
                parts.setdefault(_kind(section), []).append(section)
        # Several kinds may share bytes (PE and its .symtab section): what is more telling claims first.
        for name in sorted(parts, key=NAMES.index, reverse=True):
            if name == "other":
                continue
            sizes = [self._ledger.claim(section.file_offset, section.file_size) for section in parts[name]]
            mine = [section for section, size in zip(parts[name], sizes, strict=True) if size]
            if name in self._rows:
                row = self._rows[name]
                self._rows[name] = row._replace(bytes=None if row.bytes is None else row.bytes + sum(sizes))
            elif mine:
                self._rows[name] = TableRow(
                    name, True, sum(sizes), None, mine[0].vaddr or None, "section headers", _names(mine)
                )

    def _segments(self) -> None:
        """No section headers: what a segment may be used for is all there is."""
        held: dict[str, int] = {}
        first: dict[str, int] = {}
        for segment in self._image.segments:
            name = "code" if segment.executable else "data" if segment.writable else "read-only data"
            held[name] = held.get(name, 0) + self._ledger.claim(segment.file_offset, segment.file_size)
            first.setdefault(name, segment.vaddr)
        for name, size in held.items():
            self._rows[name] = TableRow(
                name, True, size if self._in_file else None, None, first[name], "segments",
                "there are no section headers" if self._image.container == "ELF" else "",
            )  # fmt: skip

    def _wasm_parts(self) -> None:
        ledger = Ledger(self._image.file_size)
        for table in self._image.symbol_tables():
            ledger.claim(table.file_offset, table.size)
        for kind, offset, size in getattr(self._image, "file_parts", ()):
            if kind in ("code", "data"):
                held = ledger.claim(offset, size)
                self._rows[kind] = TableRow(kind, True, held, None, None, "sections")
        left = ledger.unclaimed
        self._rows["other"] = TableRow("other", left > 0, left, None, None, "what is left")

    def _dwarf(self) -> None:
        found = dwarf.summarize(self._image)
        if found is None:
            return
        versions = ", ".join(map(str, found.versions)) or "?"
        detail = f"version {versions}, compression {found.compression}"
        if found.unpacked_bytes != found.bytes:
            detail += f", {found.unpacked_bytes} bytes unpacked"
        row = self._rows.get("DWARF")
        held = row.bytes if row else found.bytes
        self._rows["DWARF"] = TableRow("DWARF", True, held, found.units, None, "section headers", detail)

    def _notes(self) -> None:
        count = sum(1 for _ in self._image.notes())
        row = self._rows.get("notes")
        if row is not None:
            self._rows["notes"] = row._replace(count=count)
        elif count:
            self._rows["notes"] = TableRow("notes", True, 0, count, None, "PT_NOTE")


def _kind(section: Section) -> str:
    """The row of a section, by its name where that says more than its flags."""
    name = section.name
    if name.startswith(_DEBUG):
        return "DWARF"
    for row, names in (
        ("unwind", _UNWIND), ("build info", _BUILD_INFO), ("dynamic linking", _LINKING), ("types", _TYPES),
    ):  # fmt: skip
        if name.startswith(names):
            return row
    if section.type == elf.SHT_NOTE:
        return "notes"
    if section.type in _RELOCATIONS or name == ".reloc":
        return "relocations"
    if not section.flags & elf.SHF_ALLOC:
        return "other"
    if section.flags & elf.SHF_EXECINSTR:
        return "code"
    writable = section.flags & elf.SHF_WRITE and not name.startswith(_READ_ONLY)
    return "data" if writable else "read-only data"


def _names(sections: list[Section]) -> str:
    names = [section.name or "(no name)" for section in sections]
    more = f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else ""
    return ", ".join(names[:_MAX_SHOWN]) + more


def list_tables(image: Image, go: GoModule | None) -> tuple[tuple[TableRow, ...], list[str]]:
    """The parts of `image`, one row for each of NAMES, and what was odd about them."""
    tables = _Tables(image, go)
    return tables.rows(), tables.warnings
