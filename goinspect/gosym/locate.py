"""Where the gopclntab is: by section name, else by looking for something that has its structure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import NotGoError, TruncatedError
from goinspect.gosym.layout import HEADERS
from goinspect.gosym.pclntab import looks_like_pclntab

if TYPE_CHECKING:
    from goinspect.objfile.image import Image

__all__ = ["Place", "locate"]

# Internally linked PIE up to Go 1.25 has the second name; external linkers merge it away, then only the scan helps.
_UPX_WITHIN = 4096  # the packer's mark stands behind the program headers
_SECTIONS = (".gopclntab", ".data.rel.ro.gopclntab", "__gopclntab")


class Place(NamedTuple):
    """A gopclntab in an image."""

    vaddr: int
    data: memoryview  # from its first byte to the end of its section or segment
    found_by: str


def locate(image: Image) -> Place:
    """Find the table.

    Raises:
        NotGoError: there is none; says so if the file is packed.
        TruncatedError: the file ends before it.
    """
    for name in _SECTIONS:
        section = image.section(name)
        if section is not None:
            data = image.data(section)
            if len(data) < section.size:
                raise TruncatedError(
                    f"section {name} has {section.size:#x} bytes, {len(data):#x} of them are in the file",
                    path=image.path, offset=section.file_offset,
                )  # fmt: skip
            return Place(section.vaddr, data, f"section {name}")
    place = _scan(image)
    if place is not None:
        return place
    cut = next((warning for warning in image.warnings if "truncated" in warning), None)
    if cut is not None:
        raise TruncatedError(f"no gopclntab in what is left of the file ({cut})", path=image.path)
    raise NotGoError(_why_not(image), path=image.path)


def _scan(image: Image) -> Place | None:
    for row in HEADERS:
        needle = row.magic.to_bytes(4, image.byteorder) + b"\0\0"
        for vaddr in image.find(needle, align=4):
            data = image.tail(vaddr)
            if len(data) > 8 and data[7] == image.ptrsize and looks_like_pclntab(data, vaddr):
                return Place(vaddr, data, "scan of the segments")
    return None


def _why_not(image: Image) -> str:
    first = min((segment.vaddr for segment in image.segments), default=0)
    if next(image.find(b"UPX!"), first + _UPX_WITHIN) - first < _UPX_WITHIN:
        return "packed by UPX: no gopclntab until it is unpacked with `upx -d`"
    if image.section(".go_export") is not None:
        return "built by gccgo, which writes no gopclntab"
    return "no gopclntab in its sections or segments: not a Go executable?"
