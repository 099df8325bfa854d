"""Debug sections by their short name ("info", "abbrev", ...), unpacked when they are compressed.

ELF and PE name them ``.debug_info``, Mach-O ``__debug_info`` (names end after 16 bytes), XCOFF ``.dwinfo``. With a z
before the d they are packed in GNU's old way: "ZLIB", the size as a big-endian u64, a zlib stream (Go 1.11-1.18; PE and
Mach-O to this day). Since Go 1.19 ELF sections have SHF_COMPRESSED instead and start with a Chdr (System V gABI, chapter
4, "Section Compression"). What does not get smaller is left unpacked under its plain name.

A compressed section says itself how big it is. It is believed up to `MAX_RATIO` times what is in the file (and
`SPARE`, for small ones) and, all sections together, `MAX_UNPACKED` bytes: sound debug information shrinks to a third, location lists to a tenth.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

from goinspect._reader import Reader
from goinspect._zstd import load_zstd
from goinspect.errors import MalformedError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect.model import Section
    from goinspect.objfile.image import Image

__all__ = ["MAX_RATIO", "MAX_UNPACKED", "DebugSection", "debug_sections", "find_section", "unpack"]

MAX_RATIO: Final = 64
SPARE: Final = 1 << 20
MAX_UNPACKED: Final = 1 << 30

_PREFIXES = ((".debug_", False), (".zdebug_", True), ("__debug_", False), ("__zdebug_", True))
_MACHO_NAME = 16
# src/cmd/link/internal/ld/xcoff.go
_XCOFF = {"info": ".dwinfo", "abbrev": ".dwabrev", "line": ".dwline", "str": ".dwstr", "ranges": ".dwrnges"}
_SHF_COMPRESSED = 0x800
_KINDS = {1: "zlib", 2: "zstd"}  # ELFCOMPRESS_ZLIB, ELFCOMPRESS_ZSTD


class DebugSection(NamedTuple):
    """A debug section: what its header says, nothing unpacked."""

    section: Section
    compression: str  # "none", "zlib", "zlib-gnu", "zstd", or "kind-N"
    header: int  # bytes before the packed data
    unpacked: int  # bytes, as the header says


def debug_sections(image: Image) -> tuple[DebugSection, ...]:
    """Every debug section of the file.

    Raises:
        TruncatedError: a compressed one has no room for its header.
    """
    if image.container == "XCOFF":
        return tuple(
            _describe(image, section, packed=False)
            for section in image.sections
            if section.name.startswith(".dw")
        )
    return tuple(
        _describe(image, section, packed)
        for section in image.sections
        for prefix, packed in _PREFIXES
        if section.name.startswith(prefix)
    )


def find_section(image: Image, name: str) -> DebugSection | None:
    """The section of that short name; None when there is none, or nothing in it.

    Raises as `debug_sections`.
    """
    if image.container == "XCOFF":
        section = image.section(_XCOFF.get(name, ""))
        return _describe(image, section, packed=False) if section is not None and section.file_size else None
    for prefix, packed in _PREFIXES:
        full = prefix + name
        section = image.section(full[:_MACHO_NAME] if prefix.startswith("__") else full)
        if section is not None and section.file_size:
            return _describe(image, section, packed)
    return None


def _describe(image: Image, section: Section, packed: bool) -> DebugSection:
    data = image.data(section)
    if packed:
        if bytes(data[:4]) != b"ZLIB":
            return DebugSection(section, "none", 0, len(data))
        return DebugSection(section, "zlib-gnu", 12, Reader(data, "big", what=section.name).u64(4))
    if image.container != "ELF" or not section.flags & _SHF_COMPRESSED:
        return DebugSection(section, "none", 0, len(data))
    wide = image.ptrsize == 8
    reader = Reader(data, image.byteorder, image.ptrsize, what=f"{section.name}: compression header")
    kind, size = reader.u32(0), reader.uptr(8 if wide else 4)
    return DebugSection(section, _KINDS.get(kind, f"kind-{kind}"), 24 if wide else 12, size)


def unpack(image: Image, found: DebugSection, limit: int | None = None) -> bytes | memoryview:
    """The bytes of a debug section, all of them or the first `limit`.

    Raises:
        MalformedError: the stream is damaged, or the section claims to be bigger than this module believes.
        UnsupportedError: it is compressed in a way that this Python cannot undo.
    """
    data, name = image.data(found.section), found.section.name
    if found.compression == "none":
        return data if limit is None else data[:limit]
    packed = data[found.header :]
    if found.unpacked > min(MAX_RATIO * len(packed) + SPARE, MAX_UNPACKED):
        raise MalformedError(f"{name}: {len(packed)} bytes that claim to unpack to {found.unpacked}")
    size = found.unpacked if limit is None else min(limit, found.unpacked)
    if found.compression not in _UNPACKERS:
        raise UnsupportedError(f"{name}: compression {found.compression} is not known")
    unpacked = _UNPACKERS[found.compression](packed, size, name)
    if len(unpacked) != size:
        raise MalformedError(f"{name}: unpacks to {len(unpacked)} bytes, {size} expected")
    return unpacked


def _unzlib(packed: memoryview, size: int, name: str) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, size) if size else b""
    except zlib.error as error:
        raise MalformedError(f"{name}: {error}") from None


def _unzstd(packed: memoryview, size: int, name: str) -> bytes:
    zstd = load_zstd()
    try:
        return bytes(zstd.ZstdDecompressor().decompress(packed, size)) if size else b""
    except (zstd.ZstdError, EOFError) as error:
        raise MalformedError(f"{name}: {error}") from None


_UNPACKERS: Final[dict[str, Callable[[memoryview, int, str], bytes]]] = {
    "zlib": _unzlib,
    "zlib-gnu": _unzlib,
    "zstd": _unzstd,
}
