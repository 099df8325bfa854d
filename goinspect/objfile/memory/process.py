"""The memory of a running process, by ``/proc/PID/mem`` and ``/proc/PID/maps`` (proc(5))."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import FileError, MalformedError
from goinspect.model import Section, Segment
from goinspect.objfile.elf import const as elf
from goinspect.objfile.pieces import Piece, PieceImage, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect._reader import ByteOrder
    from goinspect.model import Symbol

__all__ = ["ProcessImage", "open_process"]

_MAX_BYTES = 1 << 30  # of one mapping; a program's own file is far smaller
_CHUNK = 1 << 22
_PROBE = 64
_AT_ENTRY = 9


class _Mapping(NamedTuple):
    start: int
    end: int
    flags: str  # "r-xp"
    path: str
    file: tuple[str, str]  # device and inode


class ProcessImage(PieceImage):
    """A process. Addresses are runtime addresses; pointers in memory are relocated already.

    Segments are the readable mappings of the executable, then those of other ELF files that are mapped; each is read
    when it is first looked at. Anonymous memory is left out.

    Raises:
        FileError: the process is gone, or its memory may not be read.
        MalformedError: it maps no executable.
    """

    container = "process memory"
    type = "core"
    _adjoining_is_one = True

    def __init__(self, path: str) -> None:
        super().__init__(path, b"")
        self._directory = Path(path).parent
        mappings = [m for m in self._read_maps() if m.flags[:1] == "r" and m.path.startswith("/")]
        with_header = [m for m in mappings if self._probe(m.start)[:4] == b"\x7fELF"]
        programs = list(dict.fromkeys(m.file for m in with_header))
        if not programs:
            raise MalformedError("no executable is mapped: a kernel thread, or a process that has ended")
        main = self._main(programs)
        programs.sort(key=lambda file: file != main)
        self._read_ident(next(m for m in with_header if m.file == programs[0]))
        self.entry = self._read_entry()
        self.sections: tuple[Section, ...] = ()
        pieces = [self._piece(m) for file in programs for m in mappings if m.file == file]
        self._set_pieces(pieces, sum(piece.segment.file_size for piece in pieces))

    def _failed(self, error: OSError) -> FileError:
        reason = error.strerror or str(error)
        hint = (
            "; reading another process takes root or the right to trace it" if error.errno in (1, 13) else ""
        )
        return FileError(f"cannot be read: {reason}, expected the memory of a process{hint}", path=self.path)

    def _read_maps(self) -> Iterator[_Mapping]:
        try:
            text = (self._directory / "maps").read_bytes().decode("utf-8", "surrogateescape")
        except OSError as error:
            raise self._failed(error) from None
        for line in text.split("\n"):
            fields = line.split(None, 5)
            if len(fields) == 6:
                start, _, end = fields[0].partition("-")
                yield _Mapping(int(start, 16), int(end, 16), fields[1], fields[5], (fields[3], fields[4]))

    def _main(self, programs: list[tuple[str, str]]) -> tuple[str, str]:
        """Device and inode of the executable."""
        try:
            status = (self._directory / "exe").stat()
        except OSError:
            return programs[0]
        wanted = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}", str(status.st_ino)
        # Device numbers in maps differ from those of stat on some file systems (btrfs, overlay): the inode decides.
        return next(
            (p for p in programs if p == wanted),
            next((p for p in programs if p[1] == wanted[1]), programs[0]),
        )

    def _probe(self, address: int) -> bytes:
        return bytes(self._read_memory(address, _PROBE))

    def _read_ident(self, mapping: _Mapping) -> None:
        head = self._probe(mapping.start).ljust(_PROBE, b"\0")
        if head[4] not in (1, 2) or head[5] not in (1, 2):
            raise MalformedError(
                f"ELF class {head[4]}, data {head[5]}; 1 or 2 expected", offset=mapping.start
            )
        self.byteorder: ByteOrder = "little" if head[5] == 1 else "big"
        self.ptrsize = 4 * head[4]
        machine = struct.unpack_from("<H" if head[5] == 1 else ">H", head, 18)[0]
        self.arch = elf.goarch(machine, 8 * self.ptrsize, self.byteorder)

    def _read_entry(self) -> int:
        """AT_ENTRY of the auxiliary vector, 0 if that may not be read."""
        try:
            data = (self._directory / "auxv").read_bytes()
        except OSError:
            return 0
        mark, pair = "<" if self.byteorder == "little" else ">", "QQ" if self.ptrsize == 8 else "II"
        word = struct.Struct(mark + pair)
        rows = word.iter_unpack(data[: len(data) // word.size * word.size])
        return next((int(value) for kind, value in rows if kind == _AT_ENTRY), 0)

    def _piece(self, mapping: _Mapping) -> Piece:
        size = min(mapping.end - mapping.start, _MAX_BYTES)
        segment = Segment(
            mapping.start,
            mapping.end - mapping.start,
            mapping.start,
            size,
            True,
            "w" in mapping.flags,
            "x" in mapping.flags,
        )
        return Piece(segment, lambda: self._load(mapping.start, size))

    def _load(self, start: int, size: int) -> Span:
        data = self._read_memory(start, size)
        return Span(data, 0, len(data))

    def _read_memory(self, address: int, size: int) -> bytearray:
        """Up to `size` bytes; fewer where pages cannot be read (a mapping longer than its file is now)."""
        out = bytearray()
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise self._failed(error) from None
        try:
            while len(out) < size:
                chunk = os.pread(descriptor, min(_CHUNK, size - len(out)), address + len(out))
                if not chunk:
                    break
                out += chunk
        except OSError:  # what was read counts
            pass
        finally:
            os.close(descriptor)
        return out

    def symbols(self) -> Iterator[Symbol]:
        return iter(())


def open_process(path: str) -> ProcessImage:
    """The process whose ``/proc/PID/mem`` is `path`."""
    return ProcessImage(path)
