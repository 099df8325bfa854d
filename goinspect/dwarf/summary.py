"""What DWARF a file carries, from headers alone: nothing big is unpacked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect._reader import Reader
from goinspect.dwarf.info.units import unit_headers
from goinspect.dwarf.sections import debug_sections, find_section, unpack
from goinspect.errors import GoinspectError, TruncatedError

if TYPE_CHECKING:
    from goinspect.objfile.image import Image

__all__ = ["DwarfSummary", "summarize"]

_GLANCE = 1 << 16  # bytes of a compressed .debug_info that are unpacked


class DwarfSummary(NamedTuple):
    """The debug information of a file. Sizes in bytes.

    Attributes:
        versions: of its units, ascending. When ``units`` is None only those of the first units have been seen: Go's
            come first, of C code behind them there may be others. () where no unit can be read.
        compression: "none", "zlib" (SHF_COMPRESSED), "zlib-gnu" (``.zdebug_``), "zstd", or "kind-N".
        bytes: of all debug sections, in the file.
        unpacked_bytes: of all of them, as their headers say.
        units: how many; None where that is only known by unpacking ``.debug_info``.
    """

    versions: tuple[int, ...]
    compression: str
    bytes: int
    unpacked_bytes: int
    units: int | None


def summarize(image: Image) -> DwarfSummary | None:
    """The DWARF of a file, None when it has no ``.debug_info``. Damage is no error: what can be told is told.

    At most 64 kB are unpacked.
    """
    try:
        info, sections = find_section(image, "info"), debug_sections(image)
    except GoinspectError as error:
        image.warnings.append(f"debug sections: {error}")
        return None
    if info is None:
        return None
    packed = info.compression != "none" and info.unpacked > _GLANCE
    compression = next(
        (found.compression for found in (info, *sections) if found.compression != "none"), "none"
    )
    versions: set[int] = set()
    units = 0
    try:
        data = memoryview(unpack(image, info, _GLANCE if packed else None))
        reader = Reader(data, image.byteorder, image.ptrsize, what=info.section.name)
        for header in unit_headers(reader, info.unpacked):
            versions.add(header.version)
            units += 1
    except GoinspectError as error:
        if not (packed and isinstance(error, TruncatedError)):  # that is the end of what was unpacked
            image.warnings.append(f"DWARF: {error}")
    return DwarfSummary(
        tuple(sorted(versions)), compression, sum(found.section.file_size for found in sections),
        sum(found.unpacked for found in sections), None if packed else units,
    )  # fmt: skip
