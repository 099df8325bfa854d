"""Build information: the Go version, modules and settings that the linker leaves in ``.go.buildinfo`` (Go 1.13+).

Source: src/debug/buildinfo/buildinfo.go and src/cmd/link/internal/ld/data.go (``buildinfo``).
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from goinspect._reader import Reader
from goinspect.errors import GoinspectError
from goinspect.gosym.buildinfo.text import BuildInfo, Module, parse_module_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.objfile.image import Image

__all__ = [
    "BuildInfo",
    "Module",
    "find_build_info",
    "find_build_version",
    "go_string",
    "parse_version",
    "read_build_info",
    "string_data",
]

_MAGIC = b"\xff Go buildinf:"
_MAX_BLOBS = 64  # looked at
_SENTINEL = 16  # the module text stands between two 16-byte marks
_MAX_TEXT = 1 << 24
_MAX_VERSIONS = 512  # texts looked at
_MAX_VERSION = 80
_VERSION = re.compile(r"go1\.[0-9]{1,2}(?:\.[0-9]{1,2}|(?:rc|beta)[0-9])?(?: X:[a-z0-9,]+)?")


def parse_version(text: str) -> tuple[int, int] | None:
    """(1, 27) of "go1.27.3", "devel go1.28-abcdef …" or "go1.22.1 X:loopvar"; None where there is no number."""
    match = re.search(r"go(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


class Found(NamedTuple):
    """Build information and where it is: ``size`` bytes at ``vaddr``, texts that only pointers lead to left out."""

    info: BuildInfo
    vaddr: int
    size: int


def read_build_info(image: Image) -> BuildInfo | None:
    """The build information of `image`, or None where there is none that can be read."""
    found = find_build_info(image)
    return found.info if found else None


def find_build_info(image: Image) -> Found | None:
    """The same with its place."""
    for vaddr in _blobs(image):
        try:
            found = _decode(image, vaddr)
        except GoinspectError:
            continue
        if found is not None:
            return found
    return None


def _blobs(image: Image) -> Iterator[int]:
    section = image.section(".go.buildinfo") or image.section("__go_buildinfo")
    if section is not None and section.vaddr:
        yield section.vaddr
    # No section headers, or another linker put it elsewhere: Go's own puts it first in the first writable segment.
    yield from islice(image.find(_MAGIC, writable=True, align=16), _MAX_BLOBS)


def _decode(image: Image, vaddr: int) -> Found | None:
    reader = Reader(image.tail(vaddr), image.byteorder, image.ptrsize, what="build info", origin=vaddr)
    if bytes(reader.view(0, len(_MAGIC))) != _MAGIC:
        return None
    if reader.u8(15) & 2:  # Go 1.18+: both strings follow inline, each with a varint length
        size, at = reader.uvarint(32)
        version = bytes(reader.view(at, min(size, _MAX_TEXT)))
        size, at = reader.uvarint(at + size)
        modules = bytes(reader.view(at, min(size, _MAX_TEXT)))
        end = at + size
    else:
        end = 16 + 2 * image.ptrsize
        width = reader.u8(14)
        version, modules = (go_string(image, image.read_pointer(vaddr + 16 + i * width)) for i in (0, 1))
    info = _parse(version.decode("utf-8", "replace"), modules)
    return Found(info, vaddr, end) if info else None


def go_string(image: Image, header: int) -> bytes:
    """What the string variable at `header` holds when the program starts.

    Raises:
        MalformedError, TruncatedError: it, or what it points to, is not in the file.
    """
    if header == 0 or _is_zero(image, header):
        return b""
    data = string_data(image, header)
    size = Reader(
        image.read(header + image.ptrsize, image.ptrsize), image.byteorder, image.ptrsize, what="string"
    ).uptr(0)
    return bytes(image.read(data, size)) if data and 0 < size < _MAX_TEXT else b""


def string_data(image: Image, header: int) -> int:
    """Where the bytes of the string variable at `header` lie. Raises as `go_string`."""
    pointer = image.read_pointer(header)
    if pointer:
        return pointer
    # A plugin exports its variables, and the loader finds the bytes by their symbol.
    return next((value for vaddr, value in image.symbolic_words(header, image.ptrsize) if vaddr == header), 0)


def _is_zero(image: Image, vaddr: int) -> bool:
    """Whether an address is in memory that the file has no bytes for: an empty string may lie there."""
    return any(s.vaddr + s.file_size <= vaddr < s.vaddr + s.mem_size for s in image.segments)


def find_build_version(image: Image, oldest: tuple[int, int]) -> str | None:
    """``runtime.buildVersion`` without build information: by its symbol, else a string that a variable points to.

    A text that looks like a version may be anything, so it must be the whole of a string variable, the only one of
    its kind, and not older than `oldest`. Go 1.5+; earlier the version is no variable.
    """
    producers = image.section("producers") if image.container == "wasm" else None
    if producers is not None:
        match = re.search(rb"Go cmd/compile.(go1\.[0-9a-zA-Z.]+)", bytes(image.data(producers)))
        return match[1].decode() if match else None
    for symbol in image.symbols():
        if symbol.name == "runtime.buildVersion":
            try:
                return go_string(image, symbol.vaddr).decode("utf-8", "replace") or None
            except GoinspectError:
                return None
    found = {text for text in _version_variables(image) if (parse_version(text) or (0, 0)) >= oldest}
    exact = {text for text in found if text.count(".") > 1}
    return next(iter(exact)) if len(exact) == 1 else next(iter(found)) if len(found) == 1 else None


def _version_variables(image: Image) -> Iterator[str]:
    for vaddr in islice(image.find(b"go1.", writable=False), _MAX_VERSIONS):
        try:
            text = bytes(image.tail(vaddr)[:_MAX_VERSION]).decode("ascii", "replace")
            match = _VERSION.match(text)
            if match is None:
                continue
            for pointer in islice(image.pointers_to(vaddr), 4):
                size = int.from_bytes(image.read(pointer + image.ptrsize, image.ptrsize), image.byteorder)
                if size and _VERSION.fullmatch(text[:size]):
                    yield text[:size]
        except GoinspectError:
            continue


def _parse(version: str, modules: bytes) -> BuildInfo | None:
    if not version:
        return None
    framed = len(modules) >= 2 * _SENTINEL + 1 and modules[-_SENTINEL - 1] == ord("\n")
    text = modules[_SENTINEL:-_SENTINEL].decode("utf-8", "replace") if framed else ""
    return parse_module_text(version, text)
