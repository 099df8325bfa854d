"""A million bytes of folded stacks at a time: frames are told apart by numpy, and only new ones become objects.

A frame is found by a hash of its bytes, eight at once, and compared with the one it is taken for: what is answered is what
a dictionary would answer. Blocks that are not of the plain form are left to whoever reads them line by line.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.profiles.foldedlines import PADDING, frames_of, whole_stacks
from goinspect.profiles.intern import AddressInterner

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from goinspect.profiles.foldedlines import Frames

__all__ = ["Rows", "StackBlocks"]

_LEAST = 1 << 14  # bytes of a block that is worth it
_WORD = 8
_WORDS = 24  # of frames that are hashed; longer ones are rare
_MOST = 1 << 18  # distinct frames: a file with more has hardly any that repeat
_NEW = 4  # where more than one frame of so many is new, a dictionary is quicker
_MOST_SKIPPED = 64
_LINE_FEED = ord("\n")
_MULTIPLIER = np.uint64(0x9E37_79B9_7F4A_7C15)
_SHIFT = np.uint64(32)
_MASKS = np.array([(1 << 8 * count) - 1 for count in range(_WORD + 1)], dtype=np.uint64)  # of the first bytes


class Rows(NamedTuple):
    """The stacks of a block, a line each."""

    numbers: NDArray[np.int32]  # of frames, leaf first
    sizes: NDArray[np.int64]
    weights: NDArray[np.int64]


class StackBlocks:
    """Reads blocks of lines.

    Args:
        identify: gives the number of a frame, as the bytes it has in a column.
    """

    def __init__(self, identify: Callable[[bytes], bytes]) -> None:
        self._identify = identify
        self._hashes = AddressInterner()
        self._number = np.empty(0, dtype=np.int32)  # of each hash
        self._place = np.empty(0, dtype=np.int64)  # of its bytes among the words
        self._words = np.empty(0, dtype=np.uint64)  # eight bytes each
        self._skip = self._skipped = 0  # blocks that are not looked at; as many as were skipped the last time

    def read(self, padded: bytes) -> Rows | None:
        """The stacks of whole lines with `PADDING` zeros behind them; None where they have to be read one by one."""
        if self._skip:
            self._skip -= 1
            return None
        if len(padded) < _LEAST + PADDING:
            return None
        rows, known = None, len(self._hashes)
        if padded[-PADDING - 1] == _LINE_FEED and b"\r" not in padded and known < _MOST:
            text = np.frombuffer(padded, dtype=np.uint8)
            frames = frames_of(text)
            rows = None if frames is None else self._rows(padded, text, frames)
        if rows is None or _NEW * (len(self._hashes) - known) > len(rows.numbers):
            self._skipped = min(max(1, 2 * self._skipped), _MOST_SKIPPED)
            self._skip = max(self._skip, self._skipped)
        else:
            self._skipped = 0
        return rows

    def _rows(self, block: bytes, text: NDArray[np.uint8], frames: Frames) -> Rows | None:
        count = (frames.length + (_WORD - 1)) // _WORD
        most = min(int(count.max()), _WORDS)
        long = np.flatnonzero(count > _WORDS)
        count[long] = 0  # a place among the others, which is not looked at
        order = np.argsort((most - count).astype(np.uint8), kind="stable")  # most words first
        length = frames.length[order]
        having = len(count) - np.cumsum(np.bincount(count, minlength=most + 1))  # more than so many words
        words = _words(text, frames.start[order], length, having.tolist())
        hashes = length.astype(np.uint64) * _MULTIPLIER
        for word in words:
            some = hashes[: len(word)]
            some ^= word
            some *= _MULTIPLIER
            some ^= some >> _SHIFT
        known = len(self._hashes)
        ids = np.empty(len(order), dtype=np.int32)
        ids[order] = found = self._hashes.intern(length, hashes)
        first = _firsts(ids, known, len(self._hashes))
        texts = [_slice(block, frames, at) for at in (*first.tolist(), *long.tolist())]
        self._remember(texts[: len(first)])
        if not self._agree(found, words):
            self._skip = 1 << 62  # two frames with one hash: nobody has seen that who did not make them
            return None
        new = np.empty(len(texts), dtype=np.int32)
        for at in np.argsort(np.concatenate((first, long)), kind="stable").tolist():  # as they come
            new[at] = int.from_bytes(self._identify(texts[at]), sys.byteorder)
        self._number = np.concatenate((self._number, new[: len(first)]))
        numbers = self._number[ids]
        numbers[long] = new[len(first) :]
        return Rows(whole_stacks(numbers, frames), frames.sizes, frames.weights)

    def _remember(self, texts: list[bytes]) -> None:
        """The words of new frames, to compare others with."""
        padded = [text + bytes(-len(text) % _WORD) for text in texts]
        sizes = np.array([len(text) // _WORD for text in padded], dtype=np.int64)
        self._place = np.concatenate((self._place, len(self._words) + np.cumsum(sizes) - sizes))
        self._words = np.concatenate((self._words, np.frombuffer(b"".join(padded), dtype="<u8")))

    def _agree(self, ids: NDArray[np.int32], words: list[NDArray[np.uint64]]) -> bool:
        """Are frames what they were taken for? Of the same length they are."""
        place = self._place[ids]
        for word in words:
            here = place[: len(word)]
            if not np.array_equal(self._words[here], word):
                return False
            here += 1
        return True


def _firsts(ids: NDArray[np.int32], known: int, count: int) -> NDArray[np.int64]:
    """Where each of the ids from `known` to `count` comes first."""
    new = np.flatnonzero(ids >= known)[::-1]
    first = np.empty(count - known, dtype=np.int64)
    first[ids[new] - known] = new  # of several the last one stays
    return first


def _slice(block: bytes, frames: Frames, at: int) -> bytes:
    start = int(frames.start[at])
    return block[start : start + int(frames.length[at])]


def _words(
    text: NDArray[np.uint8], start: NDArray[np.int64], length: NDArray[np.int64], having: list[int]
) -> list[NDArray[np.uint64]]:
    """The first words of frames that have one, the second words of those that have two, and so on."""
    at = np.lib.stride_tricks.as_strided(text[:_WORD].view("<u8"), (len(text) - _WORD + 1,), (1,))
    out = []
    for number, count in enumerate(having[:-1]):
        word = at[start[:count]].astype(np.uint64, copy=False)
        last = slice(having[number + 1], count)
        word[last] &= _MASKS[length[last] - _WORD * number]
        out.append(word)
        start[:count] += _WORD
    return out
