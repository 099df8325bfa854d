"""Image: what the rest of the package sees of an executable, whatever its container.

An image is cheap: headers only, bytes by reference. Addresses are ``vaddr`` (the file's own), never runtime ones.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_left
from itertools import zip_longest
from typing import TYPE_CHECKING, Protocol

from goinspect._reader import Reader
from goinspect.errors import MalformedError, TruncatedError
from goinspect.objfile.facts import Linkage

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator, Sequence

    from goinspect._reader import ByteOrder
    from goinspect.model import Section, Segment, Symbol
    from goinspect.objfile.facts import RelocationTable, SymbolTable

    Buffer = mmap.mmap | bytes | bytearray

__all__ = ["MAX_OVERLAP", "Image", "MappedImage", "holds"]

# How many times the bytes of a file may be part of something (segments, names): sound files hardly reach 2, and
# without a limit a small file can claim terabytes.
MAX_OVERLAP = 8


def holds(addresses: Sequence[int], start: int, size: int) -> bool:
    """Whether any of the sorted addresses is in [start, start + size)."""
    at = bisect_left(addresses, start)
    return at < len(addresses) and addresses[at] < start + size


class Image(Protocol):
    """An executable, shared object, relocatable file or memory image.

    What a container numbers or flags in its own way is given as ELF does it: ``Section.flags`` are SHF_WRITE 1,
    SHF_ALLOC 2 and SHF_EXECINSTR 4, ``sections[0]`` is an empty section where symbols count from 1.
    """

    path: str  # as given; a member of an archive is "lib.a(go.o)"
    container: (
        str  # "ELF", "PE", "Mach-O", "wasm", "XCOFF", "COFF", "ELF core", "process memory" or "gopclntab"
    )
    arch: str  # GOARCH where Go has a name for it, else "machine-N"; "" for a bare gopclntab
    byteorder: ByteOrder
    ptrsize: int
    type: str  # "exec", "dyn", "rel", "core", "raw" or "type-N"
    entry: int
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    warnings: list[str]

    def forget_pages(self) -> None:
        """Give back the memory that the file's bytes take where it is mapped; they are read again when needed."""

    def section(self, name: str) -> Section | None:
        """The first section of that name."""

    def data(self, section: Section) -> memoryview:
        """A section's bytes as far as the file has them; in a relocatable file with its relocations applied."""

    def tail(self, vaddr: int) -> memoryview:
        """The bytes from `vaddr` to the end of its file-backed segment (or section, where there are no segments).

        Raises:
            MalformedError: no segment maps the address.
            TruncatedError: the file ends before it.
        """

    def read(self, vaddr: int, size: int) -> memoryview:
        """Exactly `size` bytes at `vaddr`; errors as for `tail`."""

    def read_pointer(self, vaddr: int) -> int:
        """A pointer-sized word as the loader would leave it at load bias 0: relocations and fixups applied."""

    def relocated(self, vaddr: int, size: int) -> memoryview:
        """At most `size` bytes at `vaddr` with each pointer as `read_pointer` gives it; errors as for `tail`."""

    def find(self, needle: bytes, *, writable: bool | None = None, align: int = 1) -> Iterator[int]:
        """Addresses at which `needle` occurs in file-backed segments, lowest file offset first."""

    def pointers_to(self, vaddr: int) -> Iterator[int]:
        """Aligned addresses in writable memory whose word is `vaddr`, in the file or by relocation."""

    def symbolic_words(self, vaddr: int, size: int) -> Iterator[tuple[int, int]]:
        """(address, value) of words in [vaddr, vaddr + size) that a loader fills in from a symbol of this file."""

    def symbols(self) -> Iterator[Symbol]:
        """The container's own symbol tables (static, then dynamic); possibly none."""

    def symbols_holding(self, addresses: Sequence[int]) -> Iterator[Symbol]:
        """Those of `symbols` that hold any of the sorted addresses; one of unknown size reaches to the next one."""

    def build_id(self) -> str:
        """The GNU build ID in lower-case hex, "" when there is none."""

    @property
    def file_size(self) -> int:
        """Bytes of the file (of the member of an archive); 0 for the memory of a process."""

    def file_bytes(self, offset: int, size: int) -> memoryview:
        """Bytes of the file, as far as it has them."""

    def notes(self) -> Iterator[tuple[bytes, int, memoryview]]:
        """(owner with its NUL, type, descriptor) of ELF notes."""

    def linkage(self) -> Linkage:
        """What the loader is told."""

    def symbol_tables(self) -> tuple[SymbolTable, ...]:
        """Where the symbol tables lie in the file."""

    def relocation_tables(self) -> tuple[RelocationTable, ...]:
        """Where the relocations that the loader applies lie in the file."""


class MappedImage:
    """The part of Image that needs nothing but headers and the mapped bytes; base of every opener's class."""

    path: str
    byteorder: ByteOrder
    ptrsize: int
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    warnings: list[str]

    def __init__(self, path: str, mapped: Buffer) -> None:
        self.path = path
        self._map = mapped
        self._bytes = memoryview(mapped)
        self.warnings = []

    def forget_pages(self) -> None:
        madvise = getattr(self._map, "madvise", None)
        if madvise is not None:
            import mmap

            madvise(mmap.MADV_DONTNEED)

    def section(self, name: str) -> Section | None:
        return next((section for section in self.sections if section.name == name), None)

    def data(self, section: Section) -> memoryview:
        return self._bytes[section.file_offset : section.file_offset + section.file_size]

    @property
    def file_size(self) -> int:
        return len(self._bytes)

    def file_bytes(self, offset: int, size: int) -> memoryview:
        return self._bytes[offset : offset + size]

    def symbols(self) -> Iterator[Symbol]:
        return iter(())

    def symbols_holding(self, addresses: Sequence[int]) -> Iterator[Symbol]:
        rows = sorted((row for row in self.symbols() if row.section and row.vaddr), key=lambda row: row.vaddr)
        for row, following in zip_longest(rows, rows[1:]):
            size = row.size or (following.vaddr - row.vaddr if following else 0)
            if holds(addresses, row.vaddr, size):
                yield row._replace(size=size)

    # Containers that know more say so.

    def notes(self) -> Iterator[tuple[bytes, int, memoryview]]:
        return iter(())

    def linkage(self) -> Linkage:
        return Linkage()

    def symbol_tables(self) -> tuple[SymbolTable, ...]:
        return ()

    def relocation_tables(self) -> tuple[RelocationTable, ...]:
        return ()

    def _file_range(self, vaddr: int) -> tuple[int, int]:
        """File offsets [start, end) that hold `vaddr` and what follows it."""
        for segment in self.segments:
            if segment.vaddr <= vaddr < segment.vaddr + segment.file_size:
                skip = vaddr - segment.vaddr
                return segment.file_offset + skip, segment.file_offset + segment.file_size
        if not self.segments:  # relocatable files have sections only
            for section in self.sections:
                if section.vaddr and section.vaddr <= vaddr < section.vaddr + section.file_size:
                    skip = vaddr - section.vaddr
                    return section.file_offset + skip, section.file_offset + section.file_size
        raise MalformedError(f"address {vaddr:#x} is in no file-backed segment", path=self.path)

    def tail(self, vaddr: int) -> memoryview:
        start, end = self._file_range(vaddr)
        if start >= len(self._bytes):
            raise TruncatedError(
                f"file ends at {len(self._bytes):#x}, address {vaddr:#x} expected",
                path=self.path,
                offset=start,
            )
        return self._bytes[start:end]

    def read(self, vaddr: int, size: int) -> memoryview:
        view = self.tail(vaddr)
        if len(view) < size:
            raise TruncatedError(
                f"{size} bytes expected at address {vaddr:#x}, {len(view)} left", path=self.path
            )
        return view[:size]

    # Containers whose words are right as they stand need no relocations; the others say which they have.

    def _relative_addend(self, _vaddr: int) -> int | None:
        """The addend of a RELATIVE relocation of the word at the address."""
        return None

    def _relocated_to(self, _addend: int) -> Iterator[int]:
        """Addresses whose RELATIVE relocation has that addend."""
        return iter(())

    def _relocated_words(self, _vaddr: int, _size: int) -> Iterator[tuple[int, int]]:
        """(address, value) of words in [vaddr, vaddr + size) that do not have their value in the file."""
        return iter(())

    def symbolic_words(self, _vaddr: int, _size: int) -> Iterator[tuple[int, int]]:
        return iter(())

    def read_pointer(self, vaddr: int) -> int:
        stored = Reader(self.read(vaddr, self.ptrsize), self.byteorder, self.ptrsize, what="pointer").uptr(0)
        # REL targets and some linkers keep the addend in place, others leave zeros there: formats agree on
        # "the relocation's addend when it has one, else the stored word".
        return self._relative_addend(vaddr) or stored

    def relocated(self, vaddr: int, size: int) -> memoryview:
        view = self.tail(vaddr)[:size]
        copy: bytearray | None = None
        pack = struct.Struct(("<" if self.byteorder == "little" else ">") + "IQ"[self.ptrsize == 8]).pack_into
        mask = (1 << 8 * self.ptrsize) - 1
        for place, value in self._relocated_words(vaddr, len(view) - self.ptrsize + 1):
            if copy is None:
                copy = bytearray(view)
            pack(copy, place - vaddr, value & mask)
        return view if copy is None else memoryview(copy)

    def find(self, needle: bytes, *, writable: bool | None = None, align: int = 1) -> Iterator[int]:
        left = MAX_OVERLAP * len(self._bytes)
        search = re.compile(re.escape(needle)).search  # twice as quick as the `find` of a map
        for segment in self.segments:
            if writable is not None and segment.writable != writable:
                continue
            start = min(segment.file_offset, len(self._bytes))
            end = min(start + segment.file_size, len(self._bytes))
            left -= end - start
            found = search(self._map, start, end) if left >= 0 else None
            while found is not None:
                at = found.start()
                vaddr = segment.vaddr + at - segment.file_offset
                if vaddr % align == 0:
                    yield vaddr
                found = search(self._map, at + 1, end)

    def pointers_to(self, vaddr: int) -> Iterator[int]:
        word = vaddr.to_bytes(self.ptrsize, self.byteorder)
        yield from self.find(word, writable=True, align=self.ptrsize)
        yield from self._relocated_to(vaddr)
