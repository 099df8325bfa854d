"""Static libraries (ar archives): the member that holds Go's tables. ``go build -buildmode=c-archive`` calls it go.o.

Both ways of writing long names are read: GNU's ("/123" into the member "//") and BSD's ("#1/20", in front of the
data). Source: ar(5) of FreeBSD and the GNU binutils documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import GoinspectError, MalformedError, NotGoError, TruncatedError, UnsupportedError
from goinspect.objfile.coffobj import MACHINES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goinspect.objfile.image import Buffer, Image

__all__ = ["Member", "members", "open_archive"]

_HEADER = 60
_TABLES = (".gopclntab", ".data.rel.ro.gopclntab", "__gopclntab")
_PACKAGE = ("__.PKGDEF", "_go_.o")
_SHOWN, _MAX_NAME = 5, 255
_SYMBOL_TABLES = ("/", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED", "__.SYMDEF_64")
_OBJECTS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa", *MACHINES)


class Member(NamedTuple):
    """A file in an archive, its bytes at `file_offset`."""

    name: str
    file_offset: int
    size: int


def members(data: memoryview) -> Iterator[Member]:
    """The members of an archive, symbol and name tables left out.

    Raises:
        MalformedError: a header that is none.
        TruncatedError: a member reaches past the end of the file.
    """
    at, long_names = 8, b""
    while at + 1 < len(data):
        header = bytes(data[at : at + _HEADER])
        if len(header) < _HEADER:
            raise TruncatedError("archive ends inside the header of a member", offset=at)
        number = header[48:58].strip()
        if header[58:] != b"`\n" or not number.isdigit():
            raise MalformedError("no header of an archive member", offset=at)
        start, size = at + _HEADER, int(number)
        if start + size > len(data):
            raise TruncatedError(f"member of {size} bytes, {len(data) - start} left", offset=start)
        at = start + size + size % 2
        name = header[:16].rstrip(b" ").decode("utf-8", "backslashreplace")
        if name == "//":
            long_names = bytes(data[start : start + size])
            continue
        if name.startswith("#1/") and name[3:].isdecimal() and int(name[3:]) <= size:
            length = int(name[3:])
            name = (
                bytes(data[start : start + min(length, _MAX_NAME)])
                .rstrip(b"\0")
                .decode("utf-8", "backslashreplace")
            )
            start, size = start + length, size - length
        elif name.startswith("/") and name[1:].isdecimal():
            place = int(name[1:])
            name = (
                long_names[place : place + _MAX_NAME].partition(b"\n")[0].decode("utf-8", "backslashreplace")
            )
        if name not in _SYMBOL_TABLES:
            yield Member(name.rstrip("/"), start, size)


def open_archive(
    path: str, mapped: Buffer, arch: str | None, opener: Callable[[str, Buffer, str | None], Image]
) -> Image:
    """The first member that has a gopclntab, opened by `opener` from a copy of its bytes.

    Raises:
        NotGoError: no member has one.
        UnsupportedError: a thin archive, or one of the go command's own.
    """
    view = memoryview(mapped)
    if bytes(view[:8]) == b"!<thin>\n":
        raise UnsupportedError(
            "thin archive, which holds only names of its members: open the Go object itself"
        )
    names, count, package = list[str](), 0, False
    for member in members(view):
        count += 1
        package = package or member.name in _PACKAGE
        if len(names) < _SHOWN:
            names.append(member.name)
        data = bytes(view[member.file_offset : member.file_offset + member.size])
        if not data.startswith(_OBJECTS) or not (member.name == "go.o" or b"gopclntab" in data):
            continue
        try:
            image = opener(f"{path}({member.name})", data, arch)
        except GoinspectError as error:
            if member.name == "go.o":
                raise error.about(f"{path}({member.name})") from None
            continue
        # Windows has no section of its own for the table: there the name of the member tells.
        if image.container == "COFF" or any(image.section(name) is not None for name in _TABLES):
            return image
    if package:
        raise UnsupportedError("Go package archive, not linked yet: has no gopclntab")
    shown = ", ".join(names) + (f" and {count - _SHOWN} more" if count > _SHOWN else "")
    raise NotGoError(f"archive without a Go object: none of its members ({shown or 'none'}) has a gopclntab")
