"""Core files: the memory of a process that ended (ELF ET_CORE).

Linux leaves out of a core what it can find in files again: code and read-only data, so the gopclntab, too. The note
NT_FILE tells which file each range came from; its bytes are taken from there if the file is what was mapped. Sources:
core(5), fs/binfmt_elf.c of the Linux kernel (fill_files_note).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import GoinspectError
from goinspect.model import Section, Segment
from goinspect.objfile import map_file
from goinspect.objfile.elf.notes import notes
from goinspect.objfile.elf.view import ElfView
from goinspect.objfile.pieces import Piece, PieceImage, Span

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

    from goinspect.model import Symbol
    from goinspect.objfile.image import Buffer

__all__ = ["CoreImage", "MappedFile"]

_NT_FILE, _NT_AUXV = 0x46494C45, 6
_AT_ENTRY = 9
_MAX_FILES = 1 << 16  # a process may have that many mappings
_MAX_WARNINGS = 100
_ELF_MAGIC = b"\x7fELF"
_PAGE = 4096


class MappedFile(NamedTuple):
    """A range of memory that a file was mapped to: a row of NT_FILE."""

    start: int
    end: int
    file_offset: int
    name: str


class CoreImage(PieceImage):
    """A core file. Addresses are runtime addresses; pointers in it are relocated already.

    Segments are the mappings of files that are ELF files, the main executable's first. Anonymous memory is left out:
    whatever looks like a table there is a copy. A core without NT_FILE (other systems) has all its segments.
    ``files`` are the rows of NT_FILE, ``first_pages`` the first pages of ELF files that it holds, by path, and ``auxv`` the auxiliary vector.
    """

    container = "ELF core"
    type = "core"
    _adjoining_is_one = True

    def __init__(self, path: str, mapped: Buffer, view: ElfView) -> None:
        super().__init__(path, mapped)
        self.arch, self.byteorder, self.ptrsize = view.arch, view.byteorder, view.ptrsize
        self.warnings.extend(view.warnings)
        self.sections: tuple[Section, ...] = ()
        self._word = struct.Struct(
            ("<" if view.byteorder == "little" else ">") + ("Q" if view.ptrsize == 8 else "I")
        )
        files, self.auxv = self._read_notes(view)
        self.entry = self.auxv.get(_AT_ENTRY, 0)
        self.files = tuple(sorted(files))
        self._disk: dict[str, mmap.mmap | None] = {}
        self._why_not: dict[str, str] = {}
        self.first_pages: dict[str, bytes] = {}
        pieces = self._file_pieces(view.segments, files) if files else [
            self._dumped(segment) for segment in view.segments if segment.file_size
        ]  # fmt: skip
        self._set_pieces(pieces, len(self._bytes) + sum(len(disk) for disk in self._disk.values() if disk))

    def _read_notes(self, view: ElfView) -> tuple[list[MappedFile], dict[int, int]]:
        files, auxv = list[MappedFile](), dict[int, int]()
        left = len(self._bytes)
        for offset, size in view.note_ranges():
            left -= size
            if left < 0:
                break
            for owner, kind, description in notes(self._bytes[offset : offset + size], view.byteorder):
                if owner != b"CORE\0":
                    continue
                if kind == _NT_FILE:
                    files += self._read_files(description)
                elif kind == _NT_AUXV:
                    words = self._words(description)
                    auxv |= dict(zip(words[::2], words[1::2], strict=False))
        return files, auxv

    def _words(self, data: memoryview) -> list[int]:
        usable = data[: len(data) // self._word.size * self._word.size]
        return [value for (value,) in self._word.iter_unpack(usable)]

    def _read_files(self, data: memoryview) -> list[MappedFile]:
        """NT_FILE: count, page size, count times {start, end, offset in pages}, then the names."""
        size = self._word.size
        head = self._words(data[: 2 * size])
        if len(head) < 2:
            return []
        count, page = head
        rows = self._words(data[2 * size : (2 + 3 * min(count, _MAX_FILES)) * size])
        names = bytes(data[(2 + 3 * count) * size :]).split(b"\0") if count <= _MAX_FILES else []
        return [
            MappedFile(
                rows[3 * i], rows[3 * i + 1], rows[3 * i + 2] * page, name.decode("utf-8", "surrogateescape")
            )
            for i, name in enumerate(names[: len(rows) // 3])
        ]

    def _file_pieces(self, segments: tuple[Segment, ...], files: list[MappedFile]) -> list[Piece]:
        """The mappings of ELF files, those of the main executable first."""
        files.sort()
        by_start = {segment.vaddr: segment for segment in segments}
        # The first page has the ELF header and mostly the build ID: it tells whether the file is still the same.
        for segment, file in ((by_start.get(file.start), file) for file in files):
            if segment is not None and file.file_offset == 0 and not segment.writable:
                page = bytes(self._dumped(segment).load().view()[:_PAGE])
                if page.startswith(_ELF_MAGIC):
                    self.first_pages.setdefault(file.name, page)
        main = next((f.name for f in files if f.start <= self.entry < f.end), files[0].name)
        programs: dict[str, bool] = {main: True}
        for file in files:
            if file.name not in programs:
                programs[file.name] = self._is_elf(by_start.get(file.start), file)
        files.sort(key=lambda file: file.name != main)  # stable: by address within each file
        rows = (self._piece(by_start.get(file.start), file) for file in files if programs[file.name])
        return [piece for piece in rows if piece is not None]

    def _is_elf(self, segment: Segment | None, file: MappedFile) -> bool:
        if segment is not None and segment.file_size:
            return bytes(self._bytes[segment.file_offset : segment.file_offset + 4]) == _ELF_MAGIC
        return self._open(file.name) is not None

    def _dumped(self, segment: Segment) -> Piece:
        end = min(segment.file_offset + segment.file_size, len(self._bytes))
        start = min(segment.file_offset, end)
        return Piece(segment._replace(file_size=end - start), lambda: Span(self._map, start, end))

    def _piece(self, segment: Segment | None, file: MappedFile) -> Piece | None:
        """What is known of a mapping: from the core as far as it goes, else from the file."""
        size = file.end - file.start
        if segment is None:  # gdb's gcore leaves out the whole segment
            segment = Segment(file.start, size, 0, 0, *self._protection(file))
        dumped = self._dumped(segment)
        held = dumped.segment.file_size
        if held >= min(size, segment.mem_size) or (segment.writable and segment.file_size):
            return dumped
        disk, start = self._open(file.name), file.file_offset
        end = 0 if disk is None else min(start + size, len(disk))
        if disk is not None and end - start > held:
            sure = "" if file.name in self.first_pages else ", which may be another one now"
            self._warn(f"{file.name}: pages that the core does not hold are taken from this file{sure}")
            return Piece(segment._replace(file_size=end - start), lambda: Span(disk, start, end))
        self._warn(f"{file.name}: pages of it are not in the core, {self._why_not[file.name]}")
        return dumped if held else None

    def _protection(self, file: MappedFile) -> tuple[bool, bool, bool]:
        """Readable, writable, executable: as the file's program headers have it."""
        disk = self._open(file.name)
        try:
            segments = ElfView(file.name, disk).segments if disk is not None else ()
        except GoinspectError:
            segments = ()
        for segment in segments:
            if segment.file_offset <= file.file_offset < segment.file_offset + segment.file_size:
                return segment[4:7]
        return True, False, False

    def _open(self, name: str) -> mmap.mmap | None:
        """The file on disk, if it can be read, is an ELF file and the one that was mapped."""
        if name not in self._disk:
            self._disk[name], self._why_not[name] = None, "and the file is shorter than what was mapped"
            try:
                found = map_file(name, "a mapped file")
            except GoinspectError as error:
                self._why_not[name] = f"and the file {error.message.partition(', expected')[0]}"
            else:
                first_page = self.first_pages.get(name, _ELF_MAGIC)
                if found[: len(first_page)] == first_page:
                    self._disk[name] = found
                else:
                    self._why_not[name] = "and the file is another one now"
        return self._disk[name]

    def is_same(self, name: str) -> bool:
        """Is the file of that name certainly the one that was mapped? Its first page is."""
        return name in self.first_pages and self._open(name) is not None

    def _warn(self, message: str) -> None:
        if message not in self.warnings and len(self.warnings) < _MAX_WARNINGS:
            self.warnings.append(message)

    def symbols(self) -> Iterator[Symbol]:
        return iter(())
