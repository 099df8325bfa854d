"""Containers: the only package that imports lief. `open_image` finds the opener by the first bytes.

What opens each container is imported when the first file of its kind is opened; ELF, the one that users wait for,
comes with the package.
"""

from __future__ import annotations

import errno
import mmap
import os
import re
import stat
from typing import TYPE_CHECKING, NoReturn

from goinspect.errors import (
    FileError,
    GoinspectError,
    MalformedError,
    UnrecognizedFormatError,
    UnsupportedError,
)
from goinspect.objfile.elf.view import ElfView

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect.objfile.image import Buffer, Image

__all__ = ["PROCESS_MEMORY", "canonical_arch", "map_file", "open_image"]

PROCESS_MEMORY = re.compile(r"/proc/(self|thread-self|[0-9]+)(/task/[0-9]+)?/mem")
_MOST_READ = 64 << 20
_ARCH_NAMES = {
    "x86_64": "amd64", "x64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386", "x86": "386", "powerpc64": "ppc64",
}  # fmt: skip


def canonical_arch(name: str | None) -> str | None:
    """GOARCH of an architecture as users write it; names that are not known stay as they are."""
    return _ARCH_NAMES.get(name.lower(), name.lower()) if name else None


def map_file(path: str | os.PathLike[str], expected: str) -> mmap.mmap:
    """Map a regular file for reading; `expected` completes the error line ("an executable").

    Files of the kernel's own (below /proc and /sys) have any size, such as 0, and cannot be mapped: they are read.

    Raises:
        FileError: it does not exist, is not a regular file, is empty or may not be read.
    """
    name = os.fspath(path)
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK)  # a FIFO without a writer must not hang us
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise FileError(f"is {_file_kind(status.st_mode)}, expected {expected}", path=name)
            if status.st_size:
                try:
                    return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
                except OSError as error:
                    if error.errno != errno.ENODEV:
                        raise
            return _read(descriptor, name, expected)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise FileError(f"cannot be read: {reason}, expected {expected}", path=name) from None


def _read(descriptor: int, name: str, expected: str) -> mmap.mmap:
    """What a file that cannot be mapped holds."""
    parts: list[bytes] = []
    left = _MOST_READ + 1
    while left and (part := os.read(descriptor, min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    if not parts:
        raise FileError(f"is empty, expected {expected}", path=name)
    if not left:
        raise FileError(
            f"cannot be mapped, and has more than {_MOST_READ >> 20} MB, expected {expected}", path=name
        )
    mapped = mmap.mmap(-1, _MOST_READ + 1 - left)
    mapped.write(b"".join(parts))
    return mapped


def _file_kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISCHR, "a character device"),
        (stat.S_ISBLK, "a block device"), (stat.S_ISSOCK, "a socket"),
    )  # fmt: skip
    return next((name for test, name in kinds if test(mode)), "not a regular file")


def _open_elf(path: str, mapped: Buffer, arch: str | None) -> Image:
    try:
        image = ElfView(path, mapped)
    except GoinspectError as refused:
        return _elf_by_lief(path, mapped, refused)
    if image.type == "rel":
        from goinspect.objfile.elf.relocatable import RelocatableElf

        return RelocatableElf(path, mapped)
    if image.type == "core":
        from goinspect.objfile.memory.core import CoreImage

        return CoreImage(path, mapped, image)
    return image


def _elf_by_lief(path: str, mapped: Buffer, refused: GoinspectError) -> Image:
    """An ELF file whose headers the view cannot read."""
    from goinspect.objfile.elf.bylief import LiefElf

    if not isinstance(mapped, mmap.mmap):  # a member of an archive: LIEF is given files
        raise refused
    try:
        image = LiefElf(path, mapped)
    except MalformedError:
        raise refused.about(path) from None
    if not image.segments and not image.sections:
        raise refused.about(path) from None
    image.warnings.append(f"{refused.message}: read through LIEF")
    return image


def _open_pe(path: str, mapped: Buffer, arch: str | None) -> Image:
    from goinspect.objfile.pe import PeImage

    return PeImage(path, mapped)


def _open_macho(path: str, mapped: Buffer, arch: str | None) -> Image:
    from goinspect.objfile.macho.opener import open_macho

    return open_macho(path, mapped, arch, _open_bytes)


def _open_wasm(path: str, mapped: Buffer, arch: str | None) -> Image:
    from goinspect.objfile.wasm import WasmImage

    return WasmImage(path, mapped)


def _open_archive(path: str, mapped: Buffer, arch: str | None) -> Image:
    from goinspect.objfile.archive import open_archive

    return open_archive(path, mapped, arch, _open_bytes)


def _open_coff(path: str, mapped: Buffer, arch: str | None) -> Image:
    from goinspect.objfile.coffobj import CoffObject

    return CoffObject(path, mapped)


def _open_xcoff(path: str, mapped: Buffer, arch: str | None) -> Image:
    from goinspect.objfile.xcoff import XcoffImage

    return XcoffImage(path, mapped)


def _plan9(path: str, mapped: Buffer, arch: str | None) -> NoReturn:
    raise UnsupportedError("Plan 9 a.out executable: not handled, only ELF, PE, Mach-O, XCOFF and wasm are")


# First bytes -> opener. Tried in order. Plan 9: 32-bit big-endian magics of a.out(6), used by Go's linker.
_OPENERS: tuple[tuple[bytes, Callable[[str, Buffer, str | None], Image]], ...] = (
    (b"\x7fELF", _open_elf),
    (b"MZ", _open_pe),
    (b"\xcf\xfa\xed\xfe", _open_macho),
    (b"\xce\xfa\xed\xfe", _open_macho),
    (b"\xfe\xed\xfa\xce", _open_macho),
    (b"\xfe\xed\xfa\xcf", _open_macho),
    (b"\xca\xfe\xba\xbe", _open_macho),
    (b"\xca\xfe\xba\xbf", _open_macho),
    (b"\0asm", _open_wasm),
    (b"!<arch>\n", _open_archive),
    (b"!<thin>\n", _open_archive),
    (b"\x01\xf7", _open_xcoff),
    (b"\x01\xdf", _open_xcoff),
    (b"\x64\x86", _open_coff),
    (b"\x4c\x01", _open_coff),
    (b"\x64\xaa", _open_coff),
    (b"\xc4\x01", _open_coff),
    (b"\0\0\x01\xeb", _plan9),  # 386
    (b"\0\0\x8a\x97", _plan9),  # amd64
    (b"\0\0\x06\x47", _plan9),  # arm
    (b"\0\0\x8c\x47", _plan9),  # arm64
)


def open_image(path: str | os.PathLike[str], *, arch: str | None = None, raw: bool = False) -> Image:
    """Open an executable, an object, an archive, a core file or a process's memory by its first bytes.

    Args:
        path: of the file; ``/proc/PID/mem`` opens the memory of a process.
        arch: GOARCH of the slice of a universal Mach-O file to open ("x86_64" and "aarch64" are understood, too);
            any other file must be of this architecture.
        raw: the file is a bare gopclntab; `arch` then tells whose.

    Raises:
        FileError: it cannot be read.
        UnrecognizedFormatError: not an executable format.
        UnsupportedError: an executable format that is not handled, or not of the architecture `arch`.
        TruncatedError, MalformedError: its headers are damaged beyond use.
        NotGoError: an archive without a Go object.
    """
    name = os.fspath(path)
    wanted = canonical_arch(arch)
    try:
        image = _open(name, wanted, raw=raw)
        if wanted and image.arch != wanted:
            if image.arch:
                raise UnsupportedError(f"{image.container} file of {image.arch}, {wanted} was asked for")
            image.arch = wanted
    except GoinspectError as error:
        raise error.about(name) from None
    return image


def _open(name: str, arch: str | None, *, raw: bool) -> Image:
    if not raw and PROCESS_MEMORY.fullmatch(name):
        from goinspect.objfile.memory.process import open_process

        return open_process(name)
    mapped = map_file(name, "a gopclntab" if raw else "an executable")
    if raw:
        from goinspect.objfile.bare import BareTable

        return BareTable(name, mapped)
    return _open_bytes(name, mapped, arch)


def _open_bytes(name: str, mapped: Buffer, arch: str | None) -> Image:
    head = bytes(mapped[:8])
    for magic, opener in _OPENERS:
        if head.startswith(magic):
            return opener(name, mapped, arch)
    shown = "text" if head.isascii() and head.decode().isprintable() else "bytes"
    found = repr(head.decode()) if shown == "text" else head.hex(" ")
    raise UnrecognizedFormatError(
        f"starts with {found}, expected an executable (ELF, PE, Mach-O, …)", path=name, offset=0
    )
