"""Strings that the linker was told to set (``-X main.version=v1.2.3``), by what the file has kept of that.

The build settings have the linker's flags, unless -trimpath left them out. The linker also makes a symbol for the bytes of
each: ``main.version.str``, where a symbol table was kept. DWARF has the variables only; there its bytes tell that the linker
made them: they end with a NUL, while the compiler's stand one behind the other (on s390x at even addresses, so that there
a string of odd length may be either's, and is left out). Variables of Go's own packages, some of
which the go command sets in every program, are left out unless the flags name them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from goinspect.errors import GoinspectError
from goinspect.gosym.buildinfo.info import go_string, string_data
from goinspect.gosym.buildinfo.linkerflags import path_to_prefix, strings_set
from goinspect.gosym.naming.names import package_of
from goinspect.gosym.naming.origins import Origins
from goinspect.model import FrameKind
from goinspect.results.info import LinkerString

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from goinspect.binary import Binary
    from goinspect.gosym.buildinfo.text import BuildInfo
    from goinspect.objfile.image import Image

__all__ = ["find", "is_version"]

_FLAGS: Final = "-ldflags"
_STR = b".str\0"
_OF_GO = b"runtime."  # in any table that lists Go's symbols: of functions and of variables, or of neither
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NO_VERSIONS = ("conversion", "inversion", "subversion", "diversion", "reversion")
_OF_OTHERS = {
    "go",
    "golang",
    "goversion",
    "date",
    "time",
}  # the version is not the program's, or the name a date's
_LONGEST_NAME = 1 << 10
_LONGEST = 1 << 16  # bytes of a string found in DWARF
_ALIGNED = {"s390x": 2}  # bytes that the compiler's strings are aligned to
_SHOWN = 80  # characters of a value in a warning


class _Found(NamedTuple):
    """Where the variables lie that were looked for, by their symbols, and which of them the linker set. Addresses."""

    where: str  # "symbol table" or "DWARF"
    variables: dict[str, int]
    made: tuple[str, ...]


def find(
    binary: Binary, info: BuildInfo | None, go_version: str | None
) -> tuple[tuple[LinkerString, ...], list[str]]:
    """The strings, and warnings. Nothing for a file that is not Go's.

    Args:
        binary: the file.
        info: its build information.
        go_version: what is known of it otherwise.
    """
    warnings = list[str]()
    if info is None and go_version is None:
        return (), warnings
    told = {_in_plugin(name, info): (name, value) for name, value in _told(info, warnings).items()}
    found = None
    try:
        found = _look(binary, info, told.keys(), Origins(info, go_version))
    except GoinspectError as error:
        warnings.append(f"where the variables lie that the linker set is not known: {error.message}")
    rows = [_checked(binary.image, symbol, *told[symbol], found, warnings) for symbol in told]
    for symbol in sorted(set(found.made) - told.keys()) if found else ():
        value = _text(binary.image, found.variables[symbol]) if found else None
        if found and value is not None:
            rows.append(_row(_name(symbol), value, found.where, in_file=True))
    return tuple(rows), warnings


def is_version(name: str) -> bool:
    """Whether a variable's name says that it is the program's version: ``main.version``, ``main.gitVersion``, ``main.appver``."""
    words = [word.lower() for word in _WORDS.findall(name.rpartition(".")[2])]
    return _OF_OTHERS.isdisjoint(words) and any(
        word in ("ver", "semver") or (word.endswith("version") and word not in _NO_VERSIONS) for word in words
    )


def _row(name: str, value: str, found_in: str, *, in_file: bool | None) -> LinkerString:
    return LinkerString(name, value, is_version(name), found_in, in_file)


def _told(info: BuildInfo | None, warnings: list[str]) -> dict[str, str]:
    """What the build settings say."""
    try:
        return strings_set(info.settings.get(_FLAGS, "")) if info else {}
    except GoinspectError as error:
        warnings.append(f"setting {_FLAGS}: {error.message}")
        return {}


def _in_plugin(name: str, info: BuildInfo | None) -> str:
    """The symbol of a variable that the flags name. The main package of a plugin is called by its path."""
    is_plugin = info is not None and info.settings.get("-buildmode") == "plugin"
    package, _, variable = name.rpartition(".")
    return _symbol(f"{info.path}.{variable}" if info and is_plugin and package == "main" else name)


def _checked(
    image: Image, symbol: str, name: str, value: str, found: _Found | None, warnings: list[str]
) -> LinkerString:
    """A string of the settings, and whether the file has it."""
    if found is None:
        return _row(name, value, _FLAGS, in_file=None)
    held = _text(image, found.variables[symbol]) if symbol in found.variables else None
    if held is not None and held != value:
        warnings.append(f"{name} is not what the build settings say: {held[:_SHOWN]!r}")
    return _row(name, value, _FLAGS, in_file=held == value)


def _text(image: Image, address: int) -> str | None:
    try:
        return go_string(image, address).decode("utf-8", "replace")
    except GoinspectError:
        return None


def _symbol(name: str) -> str:
    package, _, variable = name.rpartition(".")
    return f"{path_to_prefix(package)}.{variable}"


def _name(symbol: str) -> str:
    return f"{package_of(symbol)}.{symbol.rpartition('.')[2]}"


def _is_own(symbol: str, origins: Origins) -> bool:
    """Is it a variable of the application?"""
    package = package_of(symbol)
    return (
        bool(package)
        and _symbol(_name(symbol)) == symbol
        and origins.of_package(package).kind == FrameKind.USER
    )


# --- where they lie ---


def _look(
    binary: Binary, info: BuildInfo | None, wanted: AbstractSet[str], origins: Origins
) -> _Found | None:
    """What a symbol table says, else DWARF; None where neither lists variables."""
    image = binary.image
    strings = [
        bytes(image.file_bytes(table.strings_offset, table.strings_size))
        for table in image.symbol_tables()
        if table.source != "dynsym"
    ]
    if any(_OF_GO in data for data in strings):
        made = {symbol for data in strings for symbol in _made(data) if _is_own(symbol, origins)}
        return _in_symbols(image, wanted, made) if wanted or made else None
    # The go command since 1.18 tells the flags, where there were any and paths are not trimmed.
    settled = info is not None and bool(info.settings) and info.settings.get("-trimpath") != "true"
    if settled and not wanted:
        return None
    return _in_dwarf(binary, wanted, origins, discover=not settled)


def _made(strings: bytes) -> Iterator[str]:
    """Symbols of variables for which the linker may have made bytes."""
    at = strings.find(_STR)
    while at >= 0:
        start = strings.rfind(b"\0", 0, at) + 1
        if at - start <= _LONGEST_NAME:
            yield strings[start:at].decode("utf-8", "backslashreplace").removeprefix("_")
        at = strings.find(_STR, at + 1)


def _in_symbols(image: Image, wanted: AbstractSet[str], made: AbstractSet[str]) -> _Found:
    variables, texts = dict[str, int](), dict[str, int]()
    suffix = _STR[:-1].decode()
    for symbol in image.symbols():
        name = symbol.name.removeprefix("_")
        if symbol.kind == "function" or not symbol.section:
            continue
        if name in wanted or name in made:
            variables[name] = symbol.vaddr
        elif name.endswith(suffix) and name.removesuffix(suffix) in made:
            texts[name.removesuffix(suffix)] = symbol.vaddr
    pointing = (
        name for name in texts if name in variables and string_data(image, variables[name]) == texts[name]
    )
    return _Found("symbol table", variables, tuple(pointing))


def _in_dwarf(binary: Binary, wanted: AbstractSet[str], origins: Origins, *, discover: bool) -> _Found | None:
    known = binary.read_dwarf()
    if known is None:
        return None
    rows = known.variables
    width = 2 * binary.image.ptrsize
    variables, made = dict[str, int](), list[str]()
    for name, address, size in zip(rows.name, rows.address, rows.size, strict=True):
        if size != width or not (name in wanted or (discover and _is_own(name, origins))):
            continue
        variables[name] = address
        if discover and name not in wanted and _ends_with_nul(binary.image, address):
            made.append(name)
    return _Found("DWARF", variables, tuple(made))


def _ends_with_nul(image: Image, header: int) -> bool:
    """Whether it is the header of a string whose bytes end as the linker makes them."""
    try:
        start, size = string_data(image, header), image.read_pointer(header + image.ptrsize)
        told = 0 < size <= _LONGEST and size % _ALIGNED.get(image.arch, 1) == 0
        return told and image.read(start + size, 1)[0] == 0 and bool(image.read(start, size))
    except GoinspectError:
        return False
