"""Opens Mach-O files: executables, objects, and slices of universal (fat) files.

Source: mach-o/fat.h of Apple's xnu.
"""

from __future__ import annotations

import platform
import struct
from typing import TYPE_CHECKING, NamedTuple

from goinspect._reader import Reader
from goinspect.errors import MalformedError, TruncatedError, UnrecognizedFormatError, UnsupportedError
from goinspect.objfile.claims import check_macho
from goinspect.objfile.liefcall import guarded, load_lief, number
from goinspect.objfile.macho.image import CPUS, MH_OBJECT, MachoImage
from goinspect.objfile.macho.objects import MachoObject

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect.objfile.image import Buffer, Image

__all__ = ["open_macho"]

_FAT = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
_MAX_SLICES = 40  # a Java class file starts with the same bytes; its version, 45 or more, stands there
_HEADER = 28


class _Slice(NamedTuple):
    cpu: int
    file_offset: int
    size: int


def open_macho(
    path: str, mapped: Buffer, arch: str | None, opener: Callable[[str, Buffer, str | None], Image]
) -> Image:
    """Open a Mach-O file; of a universal one the slice of `arch` (a GOARCH).

    Without `arch` that is the slice for this machine, else the first; a warning then names them all. A slice may be
    an archive, too, which `opener` opens.

    Raises:
        UnsupportedError: there is no such slice.
        UnrecognizedFormatError: a Java class file, which starts alike.
        TruncatedError, MalformedError: it is damaged beyond use.
    """
    if bytes(mapped[:4]) not in _FAT:
        # A member of an archive is no file of its own.
        return _parse(path, mapped, 0, bytes(mapped) if isinstance(mapped, (bytes, bytearray)) else None)
    slices = _slices(mapped)
    by_arch = {CPUS.get(row.cpu, f"machine-{row.cpu}"): row for row in reversed(slices)}
    names = ", ".join(reversed(by_arch))
    here = _this_machine()
    chosen = arch or (here if here in by_arch else list(by_arch)[-1])
    if chosen not in by_arch:
        raise UnsupportedError(f"universal file without {chosen}: it has {names}")
    image = _open_slice(path, mapped, by_arch[chosen], chosen, opener)
    if arch is None and len(by_arch) > 1:
        image.warnings.append(f"universal file with {names}: {chosen} is shown, choose with --arch")
    return image


def _slices(mapped: Buffer) -> list[_Slice]:
    """The architectures of a universal file: struct fat_arch or fat_arch_64, always big-endian."""
    reader = Reader(memoryview(mapped), "big", what="universal file")
    wide, count = bytes(mapped[:4]) == _FAT[1], reader.u32(4)
    if count > _MAX_SLICES:
        raise UnrecognizedFormatError(
            f"a Java class file or {count} slices, expected an executable", offset=4
        )
    if count == 0:
        raise MalformedError("universal file without slices", offset=4)
    layout = struct.Struct(">IIQQII" if wide else ">IIIII")
    return [_Slice(row[0], row[2], row[3]) for row in layout.iter_unpack(reader.view(8, count * layout.size))]


def _open_slice(
    path: str, mapped: Buffer, part: _Slice, arch: str, opener: Callable[[str, Buffer, str | None], Image]
) -> Image:
    start = part.file_offset
    data = bytes(mapped[start : start + part.size])
    if len(data) < _HEADER:
        raise TruncatedError(f"universal file: no slice at {start:#x}", offset=start)
    if data.startswith(b"!<arch>\n"):
        return opener(path, data, arch)
    return _parse(path, mapped, start, data)


def _parse(path: str, mapped: Buffer, start: int, data: bytes | None) -> MachoImage:
    """The Mach-O file at offset `start` of `mapped`; `data` are its bytes if it is not the whole file `path`.

    Raises:
        MalformedError: LIEF cannot read it.
    """
    lief = load_lief()
    config = lief.MachO.ParserConfig()
    config.parse_dyld_bindings = config.parse_dyld_exports = config.parse_dyld_rebases = False
    check_macho(memoryview(mapped if data is None else data))
    with guarded("Mach-O"):
        parsed = lief.MachO.parse(path if data is None else data, config)
        if parsed is None or not parsed.size:
            raise MalformedError("Mach-O headers cannot be read", offset=start)
        kind = MachoObject if number(parsed.at(0).header.file_type) == MH_OBJECT else MachoImage
        return kind(path, mapped, start, parsed)


def _this_machine() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64", "i686": "386"}.get(platform.machine(), platform.machine())
