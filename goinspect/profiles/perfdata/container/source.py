"""Where record bytes come from: buffers of 64-bit words that decoding works on.

A recording is a sequence of buffers. A plain file is one (a view of the mapped file); a decompressor or a directory
of per-CPU files would yield several. Decoding addresses words by one running index over all of them.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from goinspect._reader import ByteOrder

__all__ = ["Buffer", "Words", "map_file", "record_words", "releaser"]


class Buffer:
    """Consecutive records.

    Args:
        data: the bytes; never copied.
        byteorder: of the recording.
        origin: file offset of the first byte, for messages.
        release: tells the system that the pages read so far are not needed soon.

    Attributes:
        data: the bytes of the words.
        raw: all bytes, also those that do not fill a word at the end.
    """

    __slots__ = ("byteorder", "data", "origin", "raw", "release", "words")

    def __init__(
        self,
        data: memoryview,
        byteorder: ByteOrder,
        origin: int = 0,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        self.raw = data
        self.data = data[: len(data) & ~7]
        self.byteorder: ByteOrder = byteorder
        self.origin = origin
        self.release = release
        self.words: NDArray[np.uint64] = np.frombuffer(
            self.data, dtype="<u8" if byteorder == "little" else ">u8"
        )


class Words:
    """The words of all buffers under one index."""

    __slots__ = ("_bases", "buffers", "byteorder", "size")

    def __init__(self, buffers: Sequence[Buffer]) -> None:
        self.buffers = tuple(buffers)
        self.byteorder: ByteOrder = buffers[0].byteorder if buffers else "little"
        self._bases = np.cumsum([0] + [len(buffer.words) for buffer in buffers], dtype=np.int64)
        self.size = int(self._bases[-1])

    def base(self, buffer: int) -> int:
        """The running index of a buffer's first word."""
        return int(self._bases[buffer])

    def take(self, index: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The words at these places, in the byte order of this machine. The caller has bounded `index`."""
        if len(self.buffers) == 1:
            return _native(self.buffers[0].words.take(index))
        taken = np.empty(len(index), dtype=np.uint64)
        owner = (np.searchsorted(self._bases, index, side="right") - 1).astype(np.int32)
        order = np.argsort(owner, kind="stable")
        bounds = np.flatnonzero(np.diff(owner[order])) + 1
        ends: list[int] = [*bounds.tolist(), len(order)] if len(order) else []
        begin = 0
        for end in ends:
            here = order[begin:end]
            number = int(owner[here[0]])
            taken[here] = self.buffers[number].words.take(index[here] - self._bases[number])
            begin = end
        return taken

    def halves(self, values: NDArray[np.uint64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Split words that hold two 32-bit numbers into the first and the second as they stand in the file."""
        low = values.astype(np.uint32).view(np.int32)
        high = (values >> np.uint64(32)).astype(np.uint32).view(np.int32)
        return (low, high) if self.byteorder == "little" else (high, low)

    def release(self) -> None:
        """Let go of the pages read so far."""
        for buffer in self.buffers:
            buffer.release()


def _native(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return values if values.dtype.isnative else values.astype(np.uint64)


def record_words(words: Words, position: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sizes of records, header included."""
    headers = words.take(position)
    sizes = headers >> np.uint64(48) if words.byteorder == "little" else headers & np.uint64(0xFFFF)
    return (sizes >> np.uint64(3)).astype(np.int64)


def map_file(descriptor: int) -> mmap.mmap:
    """The whole of an open, non-empty regular file, read-only."""
    return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)


def releaser(mapped: mmap.mmap) -> Callable[[], None]:
    """Drop the mapped pages from this process: what has been decoded must not count as its memory."""
    advice = getattr(mmap, "MADV_DONTNEED", None)
    if advice is None:
        return lambda: None
    return lambda: mapped.madvise(advice)
