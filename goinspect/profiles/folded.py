"""Reader of folded (collapsed) stacks: ``root;frame;…;leaf WEIGHT``, one stack a line.

The form that FlameGraph's stackcollapse scripts, inferno, async-profiler, py-spy and bpftrace scripts write. There is
no specification; its readers agree on this much: frames are separated by ``;`` and may hold spaces, the weight is the
last word (FlameGraph's flamegraph.pl takes digits and, behind a point, more digits), equal stacks are added up. Lines
that begin with ``# `` are comments, which flamegraph.pl and inferno pass over as well. A line with a second weight is
what difffolded.pl and inferno-diff-folded write: before and after.

goinspect writes the comment ``# goinspect SUBJECT unit=UNIT`` before all else where weights are no samples.
"""

from __future__ import annotations

import re
import sys
from array import array
from typing import TYPE_CHECKING

import numpy as np

from goinspect.errors import GoinspectError, MalformedError, UnsupportedError
from goinspect.profiles.base import NamedStacks
from goinspect.profiles.foldedblocks import StackBlocks
from goinspect.profiles.foldedlines import PADDING
from goinspect.profiles.pieces import parse_file

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["parse", "read", "sniff"]

_MAX_LINE = 1 << 24  # bytes; a thousand frames of C++ templates take less
_MAX_NAMES = 1 << 22  # distinct frames: each costs some 100 bytes, however short it is in the file
_MAX_TOTAL = 1 << 63
_SNIFFED = 1000  # lines
_DIGITS = 9  # of a decimal's fraction
_WIDTH = 4  # bytes of a frame's number
_BLOCK = 1 << 20  # bytes of lines that are read at once
_PIECE = 1 << 17  # where that is line by line: what is made of them stays in the cache
_AT_ONCE = 1 << 16  # frames of a line; of most lines that is all
_HASH = 0x23  # "#"; less are all blanks
_NUMBER = re.compile(rb"(\d{1,18})(?:\.(\d*))?")
_HEADER = re.compile(rb"# goinspect ([a-z]+)((?: [a-z]+=[!-~]{1,40}){0,8})")
_SECOND = re.compile(r"(.*\S)\s+\d+(?:\.\d*)?", re.DOTALL)
_BOM = b"\xef\xbb\xbf"


def sniff(head: bytes) -> bool | None:
    """Are these the first lines of folded stacks? None: no line is complete yet, or all are comments."""
    if b"\0" in head:
        return False
    *lines, rest = head.removeprefix(_BOM).split(b"\n", _SNIFFED)
    if not lines:
        return True if _split(rest) is not None else None if b";" in rest else False
    if _HEADER.fullmatch(lines[0].rstrip()):
        return True
    stacks = [line for line in lines if line.strip() and not _is_comment(line)]
    if not stacks:
        return _split(rest) is not None or None
    # Damaged lines are told and left out by the reader; prose ends its lines in a number now and then.
    return 2 * sum(_split(line) is not None for line in stacks) > len(stacks)


def read(path: str | os.PathLike[str]) -> NamedStacks:
    """Read a file.

    Raises:
        FileError: it cannot be read.
        MalformedError: no line of it is a folded stack, or the weights are too large to add up.
        UnsupportedError: it has more than 4 million distinct frames.
    """
    return parse_file(path, parse)


def parse(chunks: Iterable[bytes], path: str) -> NamedStacks:
    """Read folded stacks in pieces of any size; what is kept in memory is the result. Raises what `read` does."""
    lines = _Lines()
    try:
        ready: list[bytes | memoryview] = []  # whole lines
        rest: list[bytes | memoryview] = []  # of the last line
        size = 0
        for chunk in chunks:
            end = chunk.rfind(b"\n") + 1
            if end:
                ready += [*rest, memoryview(chunk)[:end]]
                rest = []
                size += end
            rest.append(memoryview(chunk)[end:])
            if size >= _BLOCK or lines.is_too_long(rest):
                lines.add(ready)
                ready, size = [], 0
                rest = lines.cut(rest)
        lines.add(ready)
        lines.add(rest, last=True)
        return lines.stacks(path)
    except GoinspectError as error:
        raise error.about(path) from error


def _is_comment(line: bytes) -> bool:
    return line.startswith((b"# ", b"#\n", b"#\r")) or line == b"#"


def _split(line: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Stack, whole and fractional digits of the weight; None when this is no folded stack."""
    stack, _, word = line.rstrip().replace(b"\t", b" ").rpartition(b" ")
    number = _NUMBER.fullmatch(word)
    stack = stack.strip()
    return (stack, number[1], number[2] or b"") if number and stack else None


class _Ids(dict[bytes, bytes]):
    """Numbers of names, in the order they come, as the bytes that they are in a column: joined, they are one."""

    def __missing__(self, name: bytes) -> bytes:
        if len(self) == _MAX_NAMES:
            raise UnsupportedError(
                f"folded stacks with more than {_MAX_NAMES:,} distinct frames are not handled"
            )
        self[name] = number = len(self).to_bytes(_WIDTH, sys.byteorder)
        return number


class _Lines:
    """What has been read so far."""

    def __init__(self) -> None:
        self.number = 0  # of lines
        self._ids = _Ids()
        self._blocks = StackBlocks(self._ids.__getitem__)
        self._frames = bytearray()  # int32
        self._sizes = array("q")
        self._weights = array("q")
        self._decimal_rows = array("q")
        self._fractions = array("q")  # in 1e-9
        self._malformed = 0
        self._first_malformed = ""
        self._too_long = False
        self._unit = self._subject = ""

    def cut(self, rest: list[bytes | memoryview]) -> list[bytes | memoryview]:
        """The beginning of a line whose end has not been read; not kept when it is too long to be one."""
        self._too_long |= self.is_too_long(rest)
        return [] if self._too_long else rest

    def is_too_long(self, rest: list[bytes | memoryview]) -> bool:
        """Is this no beginning of a line?"""
        return sum(map(len, rest)) > _MAX_LINE

    def add(self, parts: Sequence[bytes | memoryview], *, last: bool = False) -> None:
        """Lines, each with its end except the last of all."""
        padded = b"".join((*parts, bytes(PADDING)))
        if len(padded) == PADDING and not (last and self._too_long):
            return
        if not self.number:
            padded = padded.removeprefix(_BOM)
        rows = None if self._too_long else self._blocks.read(padded)
        if rows is not None:
            self._frames += rows.numbers.tobytes()
            self._sizes.frombytes(rows.sizes.tobytes())
            self._weights.frombytes(rows.weights.tobytes())
            self.number += len(rows.sizes)
            return
        block, begin = padded[:-PADDING], 0
        while len(block) - begin > _PIECE and (end := block.find(b"\n", begin + _PIECE) + 1):
            self._add_piece(block[begin:end], last=False)
            begin = end
        self._add_piece(block[begin:], last=last)

    def _add_piece(self, block: bytes, *, last: bool) -> None:
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        lines = block.split(b"\n")
        if not last or not lines[-1]:
            lines.pop()
        if self._too_long:  # the end of that line has come
            self._too_long = False
            self.number += 1
            self._refuse(b"", f"longer than {_MAX_LINE >> 20} MiB")
            lines = lines[1:]
        self._add_lines(lines)

    def _add_lines(self, lines: list[bytes]) -> None:
        size, append, identify = self._sizes.append, self._weights.append, self._ids.__getitem__
        columns: list[bytes] = []
        begin = self.number
        for number, line in enumerate(lines, begin + 1):
            stack, _, weight = line.rpartition(b" ")
            if weight.isdigit() and stack and len(weight) < 19 and line[0] > _HASH:
                leaf_first = stack.split(b";")
                append(int(weight))
            else:
                leaf_first = self._add_other(line, number)
                if not leaf_first:
                    continue
            leaf_first.reverse()
            size(len(leaf_first))
            if len(leaf_first) < _AT_ONCE:
                columns += map(identify, leaf_first)
                continue
            self._frames += b"".join(columns)
            columns = []
            for at in range(0, len(leaf_first), _AT_ONCE):
                self._frames += b"".join(map(identify, leaf_first[at : at + _AT_ONCE]))
        self._frames += b"".join(columns)
        self.number = begin + len(lines)

    def _add_other(self, line: bytes, number: int) -> list[bytes]:
        """A line that may be no stack and an integer. Adds its weight, and returns its frames; none where it is no stack."""
        self.number = number
        if _is_comment(line) or not line.strip():
            header = _HEADER.fullmatch(line.rstrip()) if not self._weights else None
            if header is not None and not self._subject:
                self._subject = header[1].decode()
                words = dict(word.split("=", 1) for word in header[2].decode().split())
                self._unit = words.get("unit", "")
            return []
        stack, _, weight = line.rpartition(b" ")
        if weight.isdigit() and len(weight) < 19 and stack and not stack.isspace() and line[0] != _HASH:
            self._weights.append(int(weight))
            return stack.split(b";")
        found = _split(line)
        if found is None:
            self._refuse(line, "no stack and weight")
            return []
        stack, whole, fraction = found
        if fraction.strip(b"0"):
            self._decimal_rows.append(len(self._weights))
            self._fractions.append(int(fraction[:_DIGITS].ljust(_DIGITS, b"0")))
        self._weights.append(int(whole))
        return stack.split(b";")

    def _refuse(self, line: bytes, why: str) -> None:
        self._malformed += 1
        if not self._first_malformed:
            shown = line[:60].decode("utf-8", "backslashreplace") + ("…" if len(line) > 60 else "")
            self._first_malformed = f"line {self.number}: {why}" + (f" in {shown!r}" if line else "")

    def stacks(self, path: str) -> NamedStacks:
        """All of it."""
        if not self._weights:
            what = self._first_malformed or "nothing but comments and empty lines"
            raise MalformedError(f"no folded stack (frame;frame WEIGHT) in it: {what}")
        warnings = []
        if self._malformed:
            warnings.append(
                f"{self._malformed:,} of {self.number:,} lines are left out as no folded stacks; {self._first_malformed}"
            )
        start = np.zeros(len(self._sizes) + 1, dtype=np.int64)
        np.cumsum(np.frombuffer(self._sizes, dtype=np.int64), out=start[1:])
        frames = np.frombuffer(self._frames, dtype=np.int32)
        names = [name.decode("utf-8", "backslashreplace").strip() for name in self._ids]
        weight, decimals = self._weight(warnings)
        frames = _one_column(names, start, frames, warnings)
        empty = [number for number, name in enumerate(names) if not name]
        unnamed = int(np.count_nonzero(np.isin(frames, empty))) if empty else 0
        if unnamed:
            warnings.append(f"frames without a name, shown as [unknown]: {unnamed:,}")
        return NamedStacks(
            path, tuple(names), start, frames, weight, decimals, self._unit, self._subject, tuple(warnings)
        )

    def _weight(self, warnings: list[str]) -> tuple[NDArray[np.uint64], int]:
        """Weights as integers, and the decimal places that are in them."""
        whole = np.frombuffer(self._weights, dtype=np.int64).astype(np.uint64)
        total = sum(self._weights) + len(self._fractions)
        if total >= _MAX_TOTAL:
            raise MalformedError(f"the weights add up to {total:,}, which is more than 2^63")
        if not self._fractions:
            return whole, 0
        fraction = np.frombuffer(self._fractions, dtype=np.int64).astype(np.uint64)
        places = 9 if (fraction % 1000).any() else 6 if (fraction % 1_000_000).any() else 3
        while total * 10**places >= _MAX_TOTAL:
            places -= 3
        dropped = np.uint64(10 ** (_DIGITS - places))
        if (fraction % dropped).any():
            warnings.append(f"weights are rounded down to {places} decimal places")
        whole *= np.uint64(10**places)
        whole[np.frombuffer(self._decimal_rows, dtype=np.int64)] += fraction // dropped
        return whole, places


def _one_column(
    names: list[str], start: NDArray[np.int64], frames: NDArray[np.int32], warnings: list[str]
) -> NDArray[np.int32]:
    """Frames without the first of two weights, which so far belongs to the leaf's name.

    A file of differences has it in every line; a name that ends in a number is a name.
    """
    first = start[:-1]
    leaves = np.flatnonzero(np.bincount(frames[first], minlength=len(names))).tolist()
    found = {leaf: _SECOND.fullmatch(names[leaf]) for leaf in leaves}
    if not all(found.values()):
        return frames
    ids = {name: number for number, name in enumerate(names)}
    renamed = np.arange(len(names), dtype=np.int32)
    for leaf, match in found.items():
        if match is not None:
            renamed[leaf] = number = ids.setdefault(match[1], len(names))
            if number == len(names):
                names.append(match[1])
    frames = frames.copy()
    frames[first] = renamed[frames[first]]
    warnings.append(
        "each line has two weights, before and after: the picture shows the second, no differences"
    )
    return frames
