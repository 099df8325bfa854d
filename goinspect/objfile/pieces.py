"""Images whose memory is not one file's segments: core files, processes, relocatable objects, WebAssembly.

Each segment has a piece of bytes of its own, fetched when it is first looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import MalformedError, TruncatedError
from goinspect.objfile.image import MAX_OVERLAP, MappedImage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goinspect.model import Section, Segment
    from goinspect.objfile.image import Buffer

__all__ = ["Piece", "PieceImage", "Span"]


class Span(NamedTuple):
    """Bytes [start, end) of a buffer; `find` of the buffer works where a memoryview has none."""

    buffer: Buffer
    start: int
    end: int

    def view(self) -> memoryview:
        """The bytes, by reference."""
        return memoryview(self.buffer)[self.start : self.end]


class Piece(NamedTuple):
    """A segment and how to get its bytes: at most ``segment.file_size`` of them, from ``segment.vaddr`` on."""

    segment: Segment
    load: Callable[[], Span]


class PieceImage(MappedImage):
    """An image made of pieces. Subclasses call `_set_pieces`, and set what else the Image protocol asks for.

    Where `_adjoining_is_one` is set, `tail` goes on into the next pieces if they start where the last one ends: the
    kernel splits one segment of a file into several mappings when their protection differs.
    """

    _adjoining_is_one = False
    _pieces: tuple[Piece, ...] = ()

    def _set_pieces(self, pieces: list[Piece], available: int) -> None:
        """Take these pieces; `available` bytes are there to be in them.

        Raises:
            MalformedError: the pieces lay claim to many times as much, which would take for ever to search.
        """
        claimed = sum(piece.segment.file_size for piece in pieces)
        if claimed > MAX_OVERLAP * available:
            raise MalformedError(f"segments of {claimed:#x} bytes, {available:#x} are there")
        self._table_bytes_left = len(self._bytes)
        self._pieces = tuple(pieces)
        self._spans: dict[int, Span] = {}
        self._runs: dict[int, Span] = {}
        self.segments = tuple(piece.segment for piece in pieces)

    def _relocation_table(self, offset: int, size: int, entsize: int) -> memoryview:
        """A relocation table, in whole entries; all of them together are no longer than the file."""
        view = self._bytes[offset : offset + min(size, self._table_bytes_left)]
        self._table_bytes_left -= len(view)
        return view[: len(view) // entsize * entsize]

    def _span(self, index: int) -> Span:
        if index not in self._spans:
            self._spans[index] = self._pieces[index].load()
        return self._spans[index]

    def _place(self, vaddr: int) -> tuple[int, int]:
        """The piece that holds `vaddr`, and where in it."""
        for index, segment in enumerate(self.segments):
            if segment.vaddr <= vaddr < segment.vaddr + segment.file_size:
                span = self._span(index)
                if vaddr - segment.vaddr < span.end - span.start:
                    return index, vaddr - segment.vaddr
        raise MalformedError(f"address {vaddr:#x} is in no segment with bytes", path=self.path)

    def tail(self, vaddr: int) -> memoryview:
        index, skip = self._place(vaddr)
        return (self._run(index) if self._adjoining_is_one else self._span(index)).view()[skip:]

    def read(self, vaddr: int, size: int) -> memoryview:
        index, skip = self._place(vaddr)
        start, end = self._span(index)[1:]
        view = (
            self._span(index).view()[skip : skip + size] if skip + size <= end - start else self.tail(vaddr)
        )
        if len(view) < size:
            raise TruncatedError(
                f"{size} bytes expected at address {vaddr:#x}, {len(view)} left", path=self.path
            )
        return view[:size]

    def _run(self, first: int) -> Span:
        """Piece `first` and the data that adjoins it: by reference if it is in one place, else copied once."""
        if first in self._runs:
            return self._runs[first]
        spans = [self._span(first)]
        end = self.segments[first].vaddr + spans[0].end - spans[0].start
        for index in range(first + 1, len(self.segments)):
            segment = self.segments[index]
            if segment.vaddr != end or segment.executable or not segment.file_size:
                break
            spans.append(self._span(index))
            end += spans[-1].end - spans[-1].start
        run = spans[0]
        for span in spans[1:]:
            if span.buffer is run.buffer and span.start == run.end:
                run = run._replace(end=span.end)
            else:
                joined = b"".join(part.view() for part in spans)
                run = Span(joined, 0, len(joined))
                break
        self._runs[first] = run
        return run

    def data(self, section: Section) -> memoryview:
        if section.file_size == 0:
            return memoryview(b"")
        return self.tail(section.vaddr)[: section.file_size]

    def find(self, needle: bytes, *, writable: bool | None = None, align: int = 1) -> Iterator[int]:
        for index, segment in enumerate(self.segments):
            if (writable is not None and segment.writable != writable) or not segment.file_size:
                continue
            buffer, start, end = self._span(index)
            at = buffer.find(needle, start, end)
            while at >= 0:
                vaddr = segment.vaddr + at - start
                if vaddr % align == 0:
                    yield vaddr
                at = buffer.find(needle, at + 1, end)

    # Pieces hold relocated words already, whatever the container that a subclass also is says of relocations.
    def _relative_addend(self, vaddr: int) -> int | None:
        return None

    def _relocated_words(self, vaddr: int, size: int) -> Iterator[tuple[int, int]]:
        return iter(())

    def _relocated_to(self, addend: int) -> Iterator[int]:
        return iter(())

    def build_id(self) -> str:
        return ""
