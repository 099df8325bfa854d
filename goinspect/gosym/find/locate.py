"""Where the gopclntab is: by section, else by what has its structure, by symbol, or by what moduledata says."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import GoinspectError, NotGoError, TruncatedError
from goinspect.gosym.find.structure import fits, understand
from goinspect.gosym.layout import HEADERS
from goinspect.gosym.moduledata import is_described
from goinspect.gosym.pclntab import parse_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.gosym.pclntab import Header
    from goinspect.objfile.image import Image

__all__ = ["Place", "locate", "locate_all"]

# Internally linked PIE up to Go 1.25 has the second name; external linkers merge it away, then only the scan helps.
_SECTIONS = (".gopclntab", ".data.rel.ro.gopclntab", "__gopclntab")
# Other sections that only Go's linker makes; some survive external linking, and obfuscators keep them.
_GO_SECTIONS = frozenset({
    *_SECTIONS, ".go.buildinfo", ".go.module", ".go.type", ".go.func", ".go.fipsinfo", ".noptrdata", ".noptrbss",
    ".typelink", ".itablink", ".gosymtab", ".note.go.buildid", "__go_buildinfo", "__go_module", "__noptrdata",
    "__typelink", "__gosymtab",
})  # fmt: skip
_SYMBOLS = ("runtime.pclntab", "pclntab")  # the latter in Go 1.2 and 1.3
_UPX_WITHIN = 4096  # the packer's mark stands behind the program headers
_MAX_TABLES = 64
_MAX_PATTERNS = 1 << 18  # places that could be a header with a changed magic


class Place(NamedTuple):
    """A gopclntab in an image."""

    vaddr: int
    data: memoryview  # from its first byte to the end of its section or segment
    found_by: str
    header: Header
    warning: str = ""


def locate(image: Image) -> Place:
    """Find the table.

    Raises:
        NotGoError: there is none; says so if the file is packed.
        TruncatedError: the file ends before it.
        MalformedError: there is a section for it that holds something else.
    """
    found = next(_by_section(image), None)
    if found is None:
        found = _own(image, list(islice(_by_magic(image), _MAX_TABLES)))
    found = found or _by_symbol(image)
    if found is None and _may_hide_go(image):
        found = _by_pattern(image) or _by_moduledata(image)
    if found is None:
        raise _explanation(image)
    return found


def locate_all(image: Image) -> list[Place]:
    """All tables of a memory image, which may hold several modules.

    Raises:
        GoinspectError: as `locate`.
    """
    found = [place for place in islice(_by_magic(image), _MAX_TABLES) if _pointed_to(image, place)]
    return found or [locate(image)]


def _own(image: Image, candidates: list[Place]) -> Place | None:
    """A program may embed another one as data: its own table is the one that its moduledata points to."""
    if len(candidates) < 2:
        return next(iter(candidates), None)
    return next((place for place in candidates if _pointed_to(image, place)), candidates[0])


def _pointed_to(image: Image, place: Place) -> bool:
    return is_described(image, place.header, place.vaddr)


def _by_section(image: Image) -> Iterator[Place]:
    for name in _SECTIONS:
        section = image.section(name)
        if section is None:
            continue
        data = image.data(section)
        warning = ""
        if len(data) < section.size:
            warning = f"section {name} has {section.size:#x} bytes, {len(data):#x} of them are in the file"
        header = _readable(data, section.vaddr) or understand(data, section.vaddr)
        if header is not None:
            yield Place(section.vaddr, data, f"section {name}", header, warning)


def _readable(data: memoryview, vaddr: int) -> Header | None:
    """A header by its magic: in a section made for it that is enough, whatever became of the records."""
    try:
        return parse_header(data, vaddr)
    except GoinspectError:
        return None


def _by_magic(image: Image) -> Iterator[Place]:
    for row in HEADERS:
        needle = row.magic.to_bytes(4, image.byteorder) + b"\0\0"
        for vaddr in image.find(needle, align=4):
            place = _at(image, vaddr, "scan of the segments")
            if place is not None:
                yield place


def _at(image: Image, vaddr: int, found_by: str) -> Place | None:
    try:
        data = image.tail(vaddr)
    except GoinspectError:
        return None
    if len(data) < 8 or data[7] != image.ptrsize:
        return None
    header = understand(data, vaddr)
    return Place(vaddr, data, found_by, header) if header and header.byteorder == image.byteorder else None


def _by_symbol(image: Image) -> Place | None:
    for symbol in image.symbols():
        if symbol.name in _SYMBOLS and symbol.vaddr:
            try:
                data = image.tail(symbol.vaddr)
            except GoinspectError:
                continue
            header = _readable(data, symbol.vaddr) or understand(data, symbol.vaddr)
            if header is not None:
                return Place(symbol.vaddr, data, f"symbol {symbol.name}", header)
    return None


def _may_hide_go(image: Image) -> bool:
    """Whether to look closer: not at the C libraries of a profile, whose sections have nothing of Go's linker."""
    names = {section.name for section in image.sections} - {""}
    return not names or image.container == "PE" or not names.isdisjoint(_GO_SECTIONS)


def _by_pattern(image: Image) -> Place | None:
    """A header whose magic was replaced: behind it stand two zeros, quantum and pointer size as ever."""
    for quantum in (1, 4, 2):
        needle = bytes((0, 0, quantum, image.ptrsize))
        for vaddr in islice(image.find(needle, align=4), _MAX_PATTERNS):
            if not _could_be_header(image, vaddr - 4):
                continue
            place = _at(image, vaddr - 4, "scan for its structure (the magic was changed)")
            if place is not None:
                return place
    return None


def _could_be_header(image: Image, vaddr: int) -> bool:
    """A quick look: the number of functions is neither nothing nor absurd, and 4 bytes stand before."""
    try:
        count = int.from_bytes(image.read(vaddr + 8, image.ptrsize), image.byteorder)
    except GoinspectError:
        return False
    return 16 <= count < 1 << 24


def _by_moduledata(image: Image) -> Place | None:
    """The whole header was overwritten: moduledata still has all that it said."""
    from goinspect.gosym.find.stomped import described_tables  # numpy: only for files that need it

    for vaddr, header in described_tables(image):
        try:
            data = image.tail(vaddr)
        except GoinspectError:
            continue
        if fits(data, header) and header.functab + header.functab_size <= len(data):
            return Place(vaddr, data, "moduledata (the header was overwritten)", header)
    return None


def _explanation(image: Image) -> GoinspectError:
    for name in _SECTIONS:
        section = image.section(name)
        if section is None:
            continue
        data = image.data(section)
        if len(data) < section.size:
            return TruncatedError(
                f"section {name} has {section.size:#x} bytes, {len(data):#x} of them are in the file",
                path=image.path, offset=section.file_offset,
            )  # fmt: skip
        try:
            parse_header(data, section.vaddr)
        except GoinspectError as error:
            return error
    cut = next((w for w in image.warnings if "truncated" in w or "not in the core" in w), None)
    if cut is not None:
        return TruncatedError(f"no gopclntab in what is left of the file ({cut})", path=image.path)
    return NotGoError(_why_not(image), path=image.path)


def _head(image: Image, vaddr: int) -> memoryview:
    try:
        return image.tail(vaddr)[:_UPX_WITHIN]
    except GoinspectError:
        return memoryview(b"")


def _why_not(image: Image) -> str:
    heads = [bytes(_head(image, segment.vaddr)) for segment in image.segments[:1]]
    packed = any(b"UPX!" in head for head in heads)
    if packed or image.section("UPX0") is not None or image.section("UPX1") is not None:
        return "packed by UPX: no gopclntab until it is unpacked with `upx -d`"
    if image.section(".go_export") is not None:
        return "built by gccgo, which writes no gopclntab"
    return "no gopclntab in its sections or segments: not a Go executable?"
