"""What `goinspect info` says of a file."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Info", "InfoReport", "LinkerString", "ModuleRow", "TableRow", "Vcs"]


class ModuleRow(NamedTuple):
    """A module of the build. ``version`` is "" where the file does not say, as is ``sum``."""

    path: str
    version: str
    sum: str
    replaced_by: ModuleRow | None = None


class Vcs(NamedTuple):
    """The state of the source tree, as the go command found it."""

    system: str  # "git", "hg", …
    revision: str | None
    time: str | None  # RFC 3339
    modified: bool | None


class LinkerString(NamedTuple):
    """A string variable that the linker was told to set: ``-ldflags "-X main.version=v1.2.3"``."""

    name: str  # import path, dot, variable
    value: str
    version: bool  # the name says that it is a version
    found_in: str  # "-ldflags" (of the build settings), "symbol table" or "DWARF"
    in_file: bool | None  # the program has this variable, with this value; None: nothing tells where it lies


class TableRow(NamedTuple):
    """A part of the file. Every kind of part has its row, present or not, in the same order.

    Each byte of the file counts for one part only, the most specific one; the bytes of all rows whose ``within`` is
    None add up to the size of the file. A row with ``within`` is a part of that other part and is counted there.
    """

    name: str
    present: bool
    bytes: int | None  # in the file; None: its end is not known
    count: int | None  # type: ignore[assignment]  # entries: functions, symbols, …; hides the method of tuples
    address: int | None  # vaddr; None for what is not loaded
    found_by: str | None
    detail: str = ""
    within: str | None = None


class Info(NamedTuple):
    """One file. None is "not known" in every field, an empty text or tuple is "none".

    ``reasons`` tells for fields by name what in the file they were concluded from.
    """

    path: str
    container: str
    bits: int  # 32 or 64
    byteorder: str
    arch: str  # GOARCH
    os: str | None  # GOOS
    type: str  # "exec", "dyn", "rel", "core", …
    size: int  # bytes of the file
    entry: int
    go: bool | None  # linked by Go? None: packed, so that one cannot see
    packed: str | None  # "UPX"
    build_mode: (
        str | None
    )  # as go build -buildmode: "exe", "pie", "c-shared", "c-archive", "plugin", "shared"
    pie: bool | None  # can be loaded at any address
    linkmode: str | None  # "internal" or "external"
    stripped: str  # what was taken off: "no", "symbol table", "DWARF", "symbol table and DWARF"
    cgo: bool | None
    static: bool | None  # needs no shared library
    interpreter: str | None
    libraries: tuple[str, ...]
    trimpath: bool | None
    optimized: bool | None
    sanitizer: str | None  # "race", "msan", "asan"
    fips140: str | None
    pgo: str | None  # the profile, as -pgo had it
    go_version: str | None
    go_version_from: str | None
    go_build_id: str | None
    gnu_build_id: str | None
    main_package: str | None
    module: ModuleRow | None
    deps: tuple[ModuleRow, ...]
    settings: Mapping[str, str]
    vcs: Vcs | None
    tables: tuple[TableRow, ...]
    reasons: Mapping[str, str] = MappingProxyType({})
    build_info: str = ""  # as `go version -m` shows it, without the first line and indentation
    warnings: tuple[str, ...] = ()
    linker_strings: tuple[LinkerString, ...] = ()  # in the order of the flags, then by name

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.info/1"

    def table(self, name: str) -> TableRow | None:
        """The part of that name."""
        return next((row for row in self.tables if row.name == name), None)


class InfoReport(NamedTuple):
    """`goinspect info BIN…`: the files that could be read."""

    files: tuple[Info, ...]

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.info/1"
