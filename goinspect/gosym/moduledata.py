"""moduledata: the linker's description of a module, of which we need the text base, textsectmap and gofunc.

Words are addressed by the indices of `goinspect.gosym.layout`. Source: ``type moduledata`` in src/runtime/symtab.go.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from goinspect.errors import GoinspectError
from goinspect.gosym.layout import RELEASES
from goinspect.gosym.textmap import TextMap, TextSection

if TYPE_CHECKING:
    from goinspect.gosym.layout import Release
    from goinspect.gosym.pclntab import Header
    from goinspect.objfile.image import Image

__all__ = ["Moduledata", "find_moduledata", "is_described"]

_MAX_CANDIDATES = 64
_MAX_SECTIONS = 1 << 12  # of text


class Moduledata:
    """A moduledata in an image; words are read when asked for, relocations applied."""

    def __init__(self, image: Image, vaddr: int, found_by: str) -> None:
        self._image = image
        self.vaddr = vaddr
        self.found_by = found_by

    def word(self, index: int) -> int:
        """Word `index` from the start. Raises MalformedError or TruncatedError where the file has none."""
        return self._image.read_pointer(self.vaddr + index * self._image.ptrsize)

    def text_map(self, release: Release, *, shift: int = 0) -> TextMap:
        """From functab offsets to addresses.

        Raises:
            GoinspectError: moduledata cannot be read, or its layout is not that of `release`.
        """
        text = self.word(release.md_text)
        return TextMap(text, self._text_sections(release, text), shift=shift)

    def _text_sections(self, release: Release, text: int) -> list[TextSection]:
        """textsectmap, which is known by what it holds: sections in order, the first at the start of the text."""
        if release.md_textsectmap < 0:
            return []
        rows = (release, *reversed(RELEASES))  # an unknown release may have it where another one has it
        for word in dict.fromkeys(row.md_textsectmap for row in rows if row.md_textsectmap >= 0):
            with suppress(GoinspectError):
                found = self._sections_at(self.word(word), self.word(word + 1), self.word(word + 2))
                if found and found[0].start == 0 and found[0].vaddr == text:
                    return found
        return []

    def _sections_at(self, vaddr: int, count: int, capacity: int) -> list[TextSection]:
        if not 1 <= count <= _MAX_SECTIONS or capacity != count:
            return []
        size = self._image.ptrsize
        words = [self._image.read_pointer(vaddr + i * size) for i in range(3 * count)]
        found = [TextSection(*words[i : i + 3]) for i in range(0, len(words), 3)]
        rising = all(a.end <= b.start and a.vaddr < b.vaddr for a, b in pairwise(found))
        return found if rising else []


def find_moduledata(image: Image, header: Header, table_vaddr: int, release: Release) -> Moduledata | None:
    """The moduledata whose first words describe this very table; None if nothing in the file does."""
    if release.md_pclntab < 0:
        return None
    section = image.section(".go.module") or image.section("__go_module")
    if section is not None and _describes(Moduledata(image, section.vaddr, ""), header, table_vaddr):
        return Moduledata(image, section.vaddr, f"section {section.name}")
    for vaddr in islice(image.pointers_to(table_vaddr), _MAX_CANDIDATES):
        candidate = Moduledata(image, vaddr, "the pointer to gopclntab")
        if _describes(candidate, header, table_vaddr):
            return candidate
    return None


def is_described(image: Image, header: Header, table_vaddr: int) -> bool:
    """Whether a moduledata of any release (Go 1.5+) describes this table."""
    places = islice(image.pointers_to(table_vaddr), _MAX_CANDIDATES)
    return any(_describes(Moduledata(image, vaddr, ""), header, table_vaddr) for vaddr in places)


def _describes(candidate: Moduledata, header: Header, table_vaddr: int) -> bool:
    """Whether the words behind the pointer to the table agree with the table's own header."""
    try:
        if candidate.word(0) != table_vaddr:
            return False
        if header.layout.has_cutab:  # pcHeader, then the slice funcnametab
            return candidate.word(1) == table_vaddr + header.funcnametab
        return candidate.word(3) == table_vaddr + header.functab  # the slice pclntable, then the slice ftab
    except GoinspectError:
        return False
