"""GoModule: a located, understood gopclntab, with the two bases it does not contain.

Names and lines need only the table and the *text base*; inlined frames need *gofunc* too. Each is taken from the
most trustworthy place there is, and what could not be found costs only what depends on it, with a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import GoinspectError, MalformedError
from goinspect.gosym.buildinfo import BuildInfo, parse_version, read_build_info
from goinspect.gosym.layout import RELEASES, release_for
from goinspect.gosym.locate import locate
from goinspect.gosym.moduledata import find_moduledata
from goinspect.gosym.pclntab import PclnTable, parse_header

if TYPE_CHECKING:
    from goinspect.gosym.layout import Release
    from goinspect.gosym.moduledata import Moduledata
    from goinspect.gosym.pclntab import Header
    from goinspect.objfile.image import Image

__all__ = ["GoModule", "load"]


class GoModule(NamedTuple):
    """One Go module (in the linker's sense) of an image, and how each part of it was found."""

    table: PclnTable
    build_info: BuildInfo | None
    found_by: str
    text_from: str
    gofunc_from: str  # "" when it was not found
    warnings: tuple[str, ...]

    @property
    def header(self) -> Header:
        """The header of `table`."""
        return self.table.header

    @property
    def go_version(self) -> str | None:
        """The release that built it, as the build information spells it ("go1.27.3")."""
        return self.build_info.go_version if self.build_info else None


def load(image: Image) -> GoModule:
    """Find and understand the gopclntab of `image`.

    Raises:
        NotGoError: there is no table.
        TruncatedError, MalformedError: there is one, but its header is damaged.
    """
    place = locate(image)
    header = parse_header(place.data, place.vaddr)
    build_info = read_build_info(image)
    warnings: list[str] = []
    release = _release(image, header, build_info, warnings)
    module = find_moduledata(image, header, place.vaddr, release)
    text, text_from = _text(image, header, release, module, warnings)
    table = PclnTable(place.data, header, release, vaddr=place.vaddr, text=text, tail=image.tail)
    _check_text(image, table, text_from)
    gofunc_from = _attach_gofunc(image, table, module, warnings)
    return GoModule(table, build_info, place.found_by, text_from, gofunc_from, tuple(warnings))


def _release(image: Image, header: Header, build_info: BuildInfo | None, warnings: list[str]) -> Release:
    version = parse_version(build_info.go_version) if build_info else None
    oldest = header.layout.since
    if version is None:
        guessed = _guess(image, header)
        return release_for(guessed)
    newest = RELEASES[-1].since
    if version > newest:
        warnings.append(
            f"Go {version[0]}.{version[1]} is newer than {newest[0]}.{newest[1]}, the newest known: read as that"
        )
    return release_for(max(version, oldest))


def _guess(image: Image, header: Header) -> tuple[int, int]:
    """A release whose layout rows apply, from what the file shows; the magic bounds it from below."""
    if header.layout.generation == "1.20":
        if image.section(".go.type") is not None or image.section(".data.rel.ro.go.type") is not None:
            return (1, 27)
        return (1, 26) if header.text_start == 0 or image.section(".go.module") is not None else (1, 25)
    return {"1.2": (1, 15), "1.16": (1, 17), "1.18": (1, 19)}[header.layout.generation]


def _text(
    image: Image, header: Header, release: Release, module: Moduledata | None, warnings: list[str]
) -> tuple[int, str]:
    """The address that function offsets count from, and where it was read."""
    if header.layout.entry_size == 0:
        return 0, "absolute entries"
    if module is not None:
        text = module.word(release.md_text)
        if text:
            return text, f"moduledata, found by {module.found_by}"
    if header.text_start:
        return header.text_start, "gopclntab header"
    for symbol in image.symbols():
        if symbol.name == "runtime.text":
            return symbol.vaddr, "symbol runtime.text"
    section = image.section(".text")
    if section is None:
        raise MalformedError(
            "no text base: no moduledata, no symbol runtime.text, no section .text", path=image.path
        )
    warnings.append(
        "text base taken from section .text: wrong by the size of the C start-up code if there is any"
    )
    return section.vaddr, "section .text"


def _check_text(image: Image, table: PclnTable, text_from: str) -> None:
    """All functions must lie in executable memory: a wrong text base shifts every answer silently."""
    first, end = table.entry(0), table.entry(table.nfunc)
    for segment in image.segments:
        if segment.executable and segment.vaddr <= first < end <= segment.vaddr + segment.mem_size:
            return
    if image.segments:
        raise MalformedError(
            f"functions at {first:#x}..{end:#x} (text base from {text_from}) are not in executable memory",
            path=image.path,
        )


def _attach_gofunc(image: Image, table: PclnTable, module: Moduledata | None, warnings: list[str]) -> str:
    """Give `table` the bytes FUNCDATA offsets count from (Go 1.18+); returns where they were found."""
    release = table.release
    if release.md_gofunc < 0:
        return "absolute FUNCDATA"
    try:
        if release.gofunc_follows_functab:
            offset = table.records_end()
            table.gofunc = table.data[offset:]
            return "end of functab"
        if module is not None:
            table.gofunc = image.tail(module.word(release.md_gofunc))
            return f"moduledata, found by {module.found_by}"
    except GoinspectError as error:
        warnings.append(f"no inlined frames: gofunc cannot be read ({error.message})")
        return ""
    for symbol in image.symbols():
        if symbol.name in ("go:func.*", "go.func.*"):
            table.gofunc = image.tail(symbol.vaddr)
            return f"symbol {symbol.name}"
    warnings.append("no inlined frames: moduledata, which leads to them, was not found")
    return ""
