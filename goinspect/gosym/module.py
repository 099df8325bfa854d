"""GoModule: a located, understood gopclntab, with the two bases it does not contain.

Names and lines need only the table and the *text base*; inlined frames need *gofunc* too. Each is taken from the
most trustworthy place there is, checked, and what could not be found costs only what depends on it, with a warning.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import GoinspectError, MalformedError
from goinspect.gosym.buildinfo.info import BuildInfo, find_build_version, parse_version, read_build_info
from goinspect.gosym.find.locate import locate, locate_all
from goinspect.gosym.inline import trees_are_sound
from goinspect.gosym.layout import RELEASES, release_for
from goinspect.gosym.moduledata import find_moduledata
from goinspect.gosym.pclntab import PclnTable
from goinspect.gosym.textmap import TextMap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.gosym.find.locate import Place
    from goinspect.gosym.layout import Release
    from goinspect.gosym.moduledata import Moduledata
    from goinspect.gosym.pclntab import Header
    from goinspect.objfile.image import Image

__all__ = ["GoModule", "load", "load_all"]

_WASM_SHIFT = 16  # on wasm an address is the function's number << 16 | the block in it

_MINPC_BEFORE = 2  # words: minpc, maxpc, text follow each other in every moduledata


class GoModule(NamedTuple):
    """One Go module (in the linker's sense) of an image, and how each part of it was found."""

    table: PclnTable
    build_info: BuildInfo | None
    go_version: str | None  # as the binary spells it ("go1.27.3"); None where it does not say
    release_from: str  # how it is known which release's layout applies
    found_by: str
    text_from: str
    gofunc_from: str  # "" when it was not found
    warnings: tuple[str, ...]
    moduledata: Moduledata | None = None  # None where the file has none (before Go 1.5), or none was found

    @property
    def header(self) -> Header:
        """The header of `table`."""
        return self.table.header


def load(image: Image, *, text_start: int | None = None) -> GoModule:
    """Find and understand the gopclntab of `image`; `text_start` overrides the text base found.

    Raises:
        NotGoError: there is no table.
        TruncatedError, MalformedError: there is one, but its header is damaged.
    """
    return _understand(image, locate(image), text_start)


def load_all(image: Image) -> tuple[GoModule, ...]:
    """Every module of an image: of a process's memory there may be several.

    Raises:
        GoinspectError: as `load`.
    """
    return tuple(_understand(image, place, None) for place in locate_all(image))


def _understand(image: Image, place: Place, text_start: int | None) -> GoModule:
    header = place.header
    place = _with_symbolic_words(image, place)
    build_info = read_build_info(image)
    version = build_info.go_version if build_info else find_build_version(image, header.layout.since)
    warnings = [place.warning] if place.warning else []
    release, release_from = _release(image, place, version, warnings)
    if build_info is None and version is not None:
        release_from = release_from.replace("build information", "runtime.buildVersion")
    module = find_moduledata(image, header, place.vaddr, release)
    text, text_from = _text(image, place, release, module, text_start, warnings)
    table = PclnTable(place.data, header, release, vaddr=place.vaddr, text=text, tail=image.tail)
    gofunc_from = _attach_gofunc(image, table, module, warnings)
    return GoModule(
        table,
        build_info,
        version,
        release_from,
        place.found_by,
        text_from,
        gofunc_from,
        tuple(warnings),
        module,
    )


def _with_symbolic_words(image: Image, place: Place) -> Place:
    """Addresses of exported functions, which a shared object up to Go 1.17 may leave to symbols' relocations."""
    if place.header.layout.entry_size:
        return place
    patched: bytearray | None = None
    for vaddr, value in image.symbolic_words(place.vaddr, len(place.data)):
        patched = patched or bytearray(place.data)
        at = vaddr - place.vaddr
        patched[at : at + image.ptrsize] = value.to_bytes(image.ptrsize, image.byteorder)[: len(patched) - at]
    return place if patched is None else place._replace(data=memoryview(patched))


def _release(image: Image, place: Place, text: str | None, warnings: list[str]) -> tuple[Release, str]:
    version = parse_version(text) if text else None
    if version is None:
        from goinspect.gosym.find.fingerprint import (
            guess_release,  # few binaries need it, and each lookup would wait
        )

        return guess_release(image, place.header, place.data, place.vaddr), "structure of the records"
    newest = RELEASES[-1].since
    if version > newest:
        warnings.append(
            f"Go {version[0]}.{version[1]} is newer than {newest[0]}.{newest[1]}, the newest known: read as that"
        )
    return release_for(max(version, place.header.layout.since)), "build information"


# --- text base ---


def _text(
    image: Image, place: Place, release: Release, module: Moduledata | None, given: int | None,
    warnings: list[str],
) -> tuple[TextMap, str]:  # fmt: skip
    """The map from functab offsets to addresses, and where its base was read: the first one that can be true."""
    if place.header.layout.entry_size == 0:
        if given is not None:
            warnings.append("--text-start is not used: up to Go 1.17 the table has addresses, not offsets")
        text, origin = TextMap(0), "absolute entries"
        _check_text(image, _probe(place, release, text), origin)
        return text, origin
    if given is not None:
        if image.segments:
            warnings.append(f"functions count from {given:#x} as --text-start says, whatever the file says")
        return TextMap(given), "--text-start"
    if not image.segments and not image.sections[1:] and place.header.text_start == 0:
        warnings.append(
            "no text base in a bare table: addresses count from runtime.text (--text-start sets it)"
        )
        return TextMap(0), "nothing: 0"
    refused: MalformedError | None = None
    for text, origin in _text_candidates(image, place, release, module):
        try:
            _check_text(image, _probe(place, release, text), origin)
        except MalformedError as error:
            refused = refused or error
            continue
        if origin == "section .text":
            warnings.append(
                "text base taken from section .text: wrong by the size of the C start-up code if there is any"
            )
        return text, origin
    raise refused or MalformedError(
        "a gopclntab, but no text base for it: no moduledata, symbol runtime.text or section .text "
        "(--text-start gives one; with 0, addresses count from it)",
        path=image.path,
    )


def _text_candidates(
    image: Image, place: Place, release: Release, module: Moduledata | None
) -> Iterator[tuple[TextMap, str]]:
    shift = _wasm_shift(place, release) if image.arch == "wasm" else 0
    if module is not None:
        with suppress(GoinspectError):
            text, minpc = module.text_map(release, shift=shift), module.word(release.md_text - _MINPC_BEFORE)
            if _probe(place, release, text).entry(0) == minpc:
                yield text, f"moduledata, found by {module.found_by}"
    if place.header.text_start:
        yield TextMap(place.header.text_start, shift=shift), "gopclntab header"
    for symbol in image.symbols():
        if symbol.name == "runtime.text":
            yield TextMap(symbol.vaddr, shift=shift), "symbol runtime.text"
            break
    section = image.section(".text") or image.section("__text")
    if section is not None:
        yield TextMap(section.vaddr), "section .text"


def _wasm_shift(place: Place, release: Release) -> int:
    """Since Go 1.25 functab has the function's number, before that its address."""
    return 0 if _probe(place, release, TextMap(0)).entry(0) >> _WASM_SHIFT else _WASM_SHIFT


def _probe(place: Place, release: Release, text: TextMap) -> PclnTable:
    return PclnTable(place.data, place.header, release, vaddr=place.vaddr, text=text)


def _check_text(image: Image, table: PclnTable, origin: str) -> None:
    """All functions must lie in executable memory: a wrong text base shifts every answer silently."""
    first, end = table.entry(0), table.entry(table.nfunc)
    code = [segment for segment in image.segments if segment.executable]
    if any(s.vaddr <= first < end <= s.vaddr + s.mem_size for s in code) or not code:
        return
    raise MalformedError(
        f"functions at {first:#x}..{end:#x} (text base from {origin}) are not in executable memory",
        path=image.path,
    )


# --- FUNCDATA ---


def _attach_gofunc(image: Image, table: PclnTable, module: Moduledata | None, warnings: list[str]) -> str:
    """Give `table` the bytes FUNCDATA offsets count from (Go 1.18+); returns where they were found."""
    if table.release.md_gofunc < 0:
        if trees_are_sound(table) is not False:
            return "absolute FUNCDATA"
        table.forget_trees()
        warnings.append(
            "no inlined frames: the addresses of FUNCDATA do not lead to inline trees in this file"
        )
        return ""
    for gofunc, origin in _gofunc_candidates(image, table, module):
        table.gofunc = gofunc
        if trees_are_sound(table) is not False:
            return origin
    table.forget_trees()
    warnings.append("no inlined frames: gofunc, which leads to them, was not found (unknown moduledata?)")
    return ""


def _records_end(table: PclnTable) -> int:
    try:
        return table.records_end()
    except GoinspectError:  # the last record is not there
        return len(table.data)


def _gofunc_candidates(
    image: Image, table: PclnTable, module: Moduledata | None
) -> Iterator[tuple[memoryview, str]]:
    release = table.release
    words = dict.fromkeys(
        (release.md_gofunc, *(row.md_gofunc for row in reversed(RELEASES) if row.md_gofunc >= 0))
    )
    if module is not None:
        for word in words:
            try:
                yield image.tail(module.word(word)), f"moduledata, found by {module.found_by}"
            except GoinspectError:
                continue
    if release.gofunc_follows_functab:
        end = _records_end(table)
        # The block has the alignment of its largest member.
        for align in (1, 2, 4):
            width = align * table.header.ptrsize
            at = (table.vaddr + end + width - 1 & -width) - table.vaddr
            if at <= len(table.data):
                yield table.data[at:], "end of functab"
    for symbol in image.symbols():
        if symbol.name in ("go:func.*", "go.func.*"):
            try:
                yield image.tail(symbol.vaddr), f"symbol {symbol.name}"
            except GoinspectError:
                return
