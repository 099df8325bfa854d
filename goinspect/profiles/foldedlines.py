"""Where lines of folded stacks have their frames and weights.

Stacks are sorted more often than not, and then most frames of a line are those of the line before it: these are found by
comparing bytes, and looked at no further.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import backward_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PADDING", "Frames", "frames_of", "whole_stacks"]

PADDING = 256  # bytes that are compared at once, and may be read behind the last line
_COMPARED = 16  # times so many bytes: longer beginnings are rare
_WORD = 8
_SOME = 64  # lines
_UNFILLED = 8  # times the frames, of a table with a column for each depth, which is not worth it
_DIGITS = 18
_LINE_FEED, _BLANK, _SEMICOLON, _ZERO, _HASH = b"\n ;0#"


class Frames(NamedTuple):
    """Where the frames of stacks are, leaf first, but for those that a stack begins with as the one before it does."""

    start: NDArray[np.int64]
    length: NDArray[np.int64]
    sizes: NDArray[np.int64]  # of the stacks
    known: NDArray[np.int64]  # frames of each stack, from its root on, that are those of the one before it
    weights: NDArray[np.int64]


def frames_of(text: NDArray[np.uint8]) -> Frames | None:
    """The frames of lines with `PADDING` zeros behind them; None where one is not just a stack and an integer."""
    lines = text[:-PADDING]
    ends = lines == _SEMICOLON
    ends |= lines == _LINE_FEED
    end = np.flatnonzero(ends)
    last = np.flatnonzero(text[end] == _LINE_FEED)
    line_end = end[last]
    line_start = np.append(0, line_end[:-1] + 1)
    found = _weights(text, line_end)
    if found is None:
        return None
    weights, blank = found
    if not ((text[blank] == _BLANK) & (text[line_start] > _HASH)).all():  # and so a stack is before the blank
        return None
    sizes = np.diff(last, prepend=-1)
    known = np.zeros_like(sizes)
    if len(sizes) * int(sizes.max()) <= _UNFILLED * len(end) and _are_sorted(text, line_start, line_end):
        alike = line_start + _alike(text, line_start, line_end, np.arange(len(line_start)))
        known = (np.searchsorted(end, alike) - (last + 1 - sizes)).clip(0, sizes)
    start = np.append(0, end[:-1] + 1)
    end[last] = blank
    sought = backward_ranges(last + 1, sizes - known)
    start = start[sought]
    return Frames(start, end[sought] - start, sizes, known, weights)


def _are_sorted(text: NDArray[np.uint8], line_start: NDArray[np.int64], line_end: NDArray[np.int64]) -> bool:
    """Do lines begin as those before them do, in a third of their bytes at least? Told by some of them."""
    some = np.linspace(0, len(line_start) - 1, _SOME).astype(np.int64)
    alike = _alike(text, line_start, line_end, some)
    return 3 * int(alike.sum()) >= int((line_end - line_start)[some].sum())


def _alike(
    text: NDArray[np.uint8],
    line_start: NDArray[np.int64],
    line_end: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Bytes that each of these lines begins with as the one before it does, in whole words."""
    at = np.lib.stride_tricks.as_strided(text[:PADDING].view(f"V{PADDING}"), (len(text) - PADDING + 1,), (1,))
    alike = np.zeros(len(rows), dtype=np.int64)
    here = np.flatnonzero(rows)  # none is before the first
    for begin in range(0, _COMPARED * PADDING, PADDING):
        mine, before = (
            at[line_start[lines] + begin].view(np.uint64) for lines in (rows[here], rows[here] - 1)
        )
        equal = (mine == before).reshape(len(here), PADDING // _WORD)
        words = equal.argmin(axis=1)
        whole = (words == 0) & equal[:, 0]
        alike[here] += np.where(whole, PADDING, _WORD * words)
        here = here[whole]
        here = here[line_start[rows[here]] + (begin + PADDING) < line_end[rows[here]]]
        if not len(here):
            break
    return alike


def whole_stacks(numbers: NDArray[np.int32], frames: Frames) -> NDArray[np.int32]:
    """The numbers of all frames of the stacks, of those that are not known from the one before."""
    sizes, known = frames.sizes, frames.known
    if not known.any():
        return numbers
    depth = int(sizes.max())
    end = np.arange(0, len(sizes) * depth, depth) + sizes
    place = np.zeros((len(sizes), depth), dtype=np.int32)  # of each line, root first
    place.reshape(-1)[backward_ranges(end, sizes - known)] = np.arange(len(numbers), dtype=np.int32)
    np.maximum.accumulate(place, axis=0, out=place)  # what comes later has a higher place
    return numbers[place.reshape(-1)[backward_ranges(end, sizes)]]


def _weights(
    text: NDArray[np.uint8], line_end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """The number that each line ends with, and where the character before it is; None where one has none."""
    weights = np.zeros(len(line_end), dtype=np.int64)
    place = line_end - 1
    rows, scale = np.arange(len(line_end)), 1
    for digits in range(_DIGITS + 1):
        digit = text[place[rows]] - np.uint8(_ZERO)
        is_digit = digit < 10
        if not digits and not is_digit.all():
            return None
        rows, digit = rows[is_digit], digit[is_digit]
        if not len(rows):
            return weights, place
        if digits < _DIGITS:
            weights[rows] += digit.astype(np.int64) * scale
            place[rows] -= 1
            scale *= 10
    return None
