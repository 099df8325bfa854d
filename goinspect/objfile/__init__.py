"""Containers: the only package that imports lief. `open_image` finds the opener by the first bytes."""

from __future__ import annotations

import mmap
import os
import stat
from typing import TYPE_CHECKING, NoReturn

from goinspect.errors import (
    FileError,
    GoinspectError,
    MalformedError,
    UnrecognizedFormatError,
    UnsupportedError,
)
from goinspect.objfile.elfview import ElfView

if TYPE_CHECKING:
    from goinspect.objfile.image import Image

__all__ = ["map_file", "open_image"]


def map_file(path: str | os.PathLike[str], expected: str) -> mmap.mmap:
    """Map a regular file for reading; `expected` completes the error line ("an executable").

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
            if status.st_size == 0:
                raise FileError(f"is empty, expected {expected}", path=name)
            return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise FileError(f"cannot be read: {reason}, expected {expected}", path=name) from None


def _file_kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISCHR, "a character device"),
        (stat.S_ISBLK, "a block device"), (stat.S_ISSOCK, "a socket"),
    )  # fmt: skip
    return next((name for test, name in kinds if test(mode)), "not a regular file")


def _open_elf(path: str, mapped: mmap.mmap) -> Image:
    try:
        return ElfView(path, mapped)
    except GoinspectError as refused:
        from goinspect.objfile.elflief import LiefElf  # imports lief: only for headers the view cannot read

        try:
            image = LiefElf(path, mapped)
        except MalformedError:
            raise refused.about(path) from None
        if not image.segments and not image.sections:
            raise refused.about(path) from None
        image.warnings.append(f"{refused.message}: read through LIEF")
        return image


def _not_yet(container: str) -> NoReturn:
    raise UnsupportedError(f"{container} file; only ELF executables are read so far")


# First bytes -> opener. Tried in order.
_OPENERS = (
    (b"\x7fELF", _open_elf),
    (b"MZ", lambda _path, _map: _not_yet("PE (Windows)")),
    (b"\xcf\xfa\xed\xfe", lambda _path, _map: _not_yet("Mach-O (macOS)")),
    (b"\xce\xfa\xed\xfe", lambda _path, _map: _not_yet("Mach-O (macOS)")),
    (b"\xfe\xed\xfa", lambda _path, _map: _not_yet("Mach-O (macOS)")),
    (b"\xca\xfe\xba\xbe", lambda _path, _map: _not_yet("universal Mach-O (macOS)")),
    (b"\0asm", lambda _path, _map: _not_yet("WebAssembly")),
    (b"!<arch>\n", lambda _path, _map: _not_yet("static library (ar archive)")),
)


def open_image(path: str | os.PathLike[str]) -> Image:
    """Open an executable by its headers.

    Raises:
        FileError: it cannot be read.
        UnrecognizedFormatError: not an executable format.
        UnsupportedError: an executable format that is not handled.
        TruncatedError, MalformedError: its headers are damaged beyond use.
    """
    name = os.fspath(path)
    mapped = map_file(name, "an executable")
    head = mapped[:8]
    for magic, opener in _OPENERS:
        if head.startswith(magic):
            try:
                return opener(name, mapped)
            except GoinspectError as error:
                raise error.about(name) from None
    shown = "text" if head.isascii() and head.decode().isprintable() else "bytes"
    found = repr(head.decode()) if shown == "text" else head.hex(" ")
    raise UnrecognizedFormatError(f"starts with {found}, expected an ELF executable", path=name, offset=0)
