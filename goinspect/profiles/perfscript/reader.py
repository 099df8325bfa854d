"""The text of ``perf script``, read from front to end: only distinct frames and columns of numbers are kept."""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING

import numpy as np

from goinspect._words import be, counted
from goinspect.errors import GoinspectError, MalformedError, UnsupportedError
from goinspect.profiles.perfscript.fields import FieldReader, Fields
from goinspect.profiles.perfscript.grammar import Header, frame_behind, is_frame, parse_header, parse_range
from goinspect.profiles.perfscript.profile import Columns, build
from goinspect.profiles.pieces import parse_file

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from goinspect.profiles.base import Profile

__all__ = ["parse", "read"]

_MAX_LINE = 1 << 20  # bytes; what is longer is dropped
_MAX_FRAMES = 1 << 21  # distinct lines, each of which costs some hundred bytes
_MAX_OTHERS = 1 << 16  # further lines that are remembered
_MAX_NAMES = 1 << 16  # of events; of threads it is 16 times that
_MAX_RANGES = 1 << 18
_MAX_NESTED = 1000  # inlined calls at one place
_MAX_TOTAL = 1 << 63
_REMEMBERED = 32 << 20  # bytes of call chains
_TRIED = 1 << 13  # samples, after which it is known whether chains repeat: one in four has to
_LINE_FEED = 10
_HASH = 0x23  # "#"; less are all blanks
_INLINED = b"(inlined)"
_LOST = re.compile(rb" lost (\d{1,18})")
_METADATA = {
    b"hostname": "hostname", b"os release": "os_release", b"arch": "arch", b"cmdline": "cmdline",
    b"perf version": "perf_version",
}  # fmt: skip
_ANONYMOUS = Header(None, None, None, None, 0, None, None, "", b"")


def read(path: str | os.PathLike[str]) -> Profile:
    """Read a file.

    Raises:
        FileError: it cannot be read.
        MalformedError: it holds no sample, or weights too large to add up.
        UnsupportedError: it has more than 2 million distinct frames.
    """
    return parse_file(path, parse)


def parse(chunks: Iterable[bytes], path: str) -> Profile:
    """Read text in pieces of any size. Raises what `read` does."""
    text = _Text()
    try:
        rest = b""
        for chunk in chunks:
            rest = text.add(rest + chunk)
        text.finish(rest)
        if not text.columns.starts:
            raise MalformedError("holds no sample of perf script")
        return build(text.columns, path)
    except GoinspectError as error:
        raise error.about(path) from error


class _NotAFrameError(Exception):
    """A line that begins something else."""


class _InlinedError(Exception):
    """A line that is only part of a frame."""


class _Frames(dict[bytes, int]):
    """Numbers of frames by their lines, in the order they come; -1 of lines that only add to a frame.

    The lines of inlined calls and of the function that they are in are one key. The frame on the line of a sample
    begins with a line feed: there perf prints other addresses.
    """

    count = 0

    def __missing__(self, line: bytes) -> int:
        if b"\n" in line or is_frame(line):
            if self.count >= _MAX_FRAMES:
                raise UnsupportedError(f"more than {_MAX_FRAMES:,} distinct frames are not handled")
            if line.endswith(_INLINED) and b"\n" not in line:
                raise _InlinedError
            self[line] = number = self.count
            self.count += 1
            return number
        if not line[:1].isspace() or _is_header(line):
            raise _NotAFrameError
        if len(self) - self.count < _MAX_OTHERS:
            self[line] = -1  # file and line of -F srcline, registers
        return -1


def _address(line: bytes) -> bytes:
    return line.split(None, 1)[0]


def _is_header(line: bytes) -> bool:
    header = parse_header(line)
    return header is not None and (header.record != "" or header.event is not None or header.time > 0)


class _Text:
    """What has been read so far."""

    def __init__(self) -> None:
        self.columns = Columns()
        self._frames = _Frames()
        self._fields = FieldReader()
        self._chains: dict[bytes, bytes] | None = {}  # frames by their lines
        self._room = _REMEMBERED
        self._events: dict[bytes, int] = {}
        self._comms: dict[bytes, int] = {}
        self._ranges: set[tuple[object, ...]] = set()
        self._open = False  # further frames belong to the last sample
        self._behind = False  # whose only frame stood on its own line
        self._total = 0
        self._strange = 0
        self._first_strange = b""
        self._pending: list[bytes] = []  # inlined calls whose function has not come yet
        self._waiting: Header | None = None
        self._single = b""  # the frame before, if it has no inlined calls

    def add(self, data: bytes) -> bytes:
        """Read what is complete of `data`; returns the rest."""
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        end = data.rfind(b"\n\n") + 2
        if end < 2:
            end = data.rfind(b"\n") + 1
            self._lines(data[:end].split(b"\n")[:-1])
        else:
            self._blocks(_split(data, end))
            if self._chains and len(self.columns.starts) > _TRIED and self._room > 0:
                self._chains = self._chains if 4 * len(self._chains) < 3 * len(self.columns.starts) else None
        rest = data[end:]
        return rest if len(rest) <= _MAX_LINE or b"\n" in rest else b""

    def finish(self, rest: bytes) -> None:
        """Read the last lines."""
        for block in rest.rstrip(b"\n").split(b"\n\n"):
            self._block(block)
        columns = self.columns
        columns.ends_at = len(columns.frames)
        columns.lines = [line for line, number in self._frames.items() if number >= 0]
        columns.events, columns.comms = list(self._events), list(self._comms)
        if self._strange:
            shown = self._first_strange[:40].decode("utf-8", "backslashreplace")
            columns.warnings.append(
                f"{counted(self._strange, 'line')} {be(self._strange)} no output of perf script and left out, the first is {shown!r}"
            )

    def _blocks(self, blocks: list[bytes]) -> None:
        """Many of `_block`. The loop is for samples of which all but the time is known, so most of those of any program."""
        columns, parse = self.columns, self._fields.parse
        start, event, comm, pid = (
            columns.starts.append,
            columns.event.append,
            columns.comm.append,
            columns.pid.append,
        )
        tid, cpu, moment, weight = (
            columns.tid.append,
            columns.cpu.append,
            columns.time.append,
            columns.weight.append,
        )
        frames, extend, total = columns.frames, columns.frames.frombytes, 0
        for block in blocks:
            head, _, lines = block.partition(b"\n")
            chain = self._chains.get(lines) if self._chains else None
            if chain is not None and not self._open and head and head[0] > _HASH:
                fields, time, period = parse(head)
                if fields.numbers is not None and period is not None:
                    start(len(frames))
                    extend(chain)
                    numbers = fields.numbers
                    event(numbers[0])
                    comm(numbers[1])
                    pid(numbers[2])
                    tid(numbers[3])
                    cpu(numbers[4])
                    moment(time)
                    weight(period)
                    total += period
                    continue
            self._block(block)
        self._add_weight(total)

    def _block(self, block: bytes) -> None:
        """What stands between blank lines: a sample and its frames, as a rule."""
        head, more, lines = block.partition(b"\n")
        if more and not self._open and not head[:1].isspace() and head[:1] != b"#":
            fields, time, period = self._fields.parse(head)
            if fields.header is not None and not fields.header.record:
                try:
                    chain = self._chains.get(lines) if self._chains is not None else None
                    if chain is None:
                        chain = self._chain(lines)
                except _NotAFrameError:
                    self._pending = []
                else:
                    self._begin(fields, time, period)
                    self.columns.frames.frombytes(chain)
                    self._open, self._single = False, b""
                    return
        self._lines(block.split(b"\n"))
        self._close()

    def _chain(self, text: bytes) -> bytes:
        """The numbers of the frames on these lines, as they are in a column."""
        chain = array("i", self._numbers(text.split(b"\n"))).tobytes()
        if self._chains is not None and self._room > 0:
            self._room -= len(text) + len(chain)
            self._chains[text] = chain
        return chain

    def _numbers(self, lines: list[bytes]) -> list[int]:
        try:
            return [*map(self._frames.__getitem__, lines)]
        except _InlinedError:
            pass
        out: list[int] = []
        self._single = b""
        for line in lines:
            self._frame(line, out)
        if self._pending:
            out.append(self._frames[b"\n".join((*self._pending, b""))])
            self._pending = []
        return out

    def _frame(self, line: bytes, out: list[int] | array[int]) -> None:
        """The frame that a line begins or ends."""
        if line.endswith(_INLINED) and is_frame(line):
            if not self._pending and self._single and _address(self._single) == _address(line):
                # perf takes an inlined call of its function's own name for that: its line has the file
                self._pending.append(self._single)
                out.pop()
            if len(self._pending) < _MAX_NESTED:
                self._pending.append(line)
            self._single = b""
            return
        number = self._frames[line]
        self._single = b""
        if number >= 0 and self._pending:
            number = self._frames[b"\n".join((*self._pending, line))]
            self._pending = []
        elif number >= 0:
            self._single = line
        out.append(number)

    def _lines(self, lines: list[bytes]) -> None:
        """Lines of any kind, one by one."""
        for line in lines:
            if not line or line.isspace():
                self._close()
            elif line.startswith(b"#"):
                self._comment(line)
            else:
                try:
                    self._line(line)
                except _NotAFrameError:
                    self._other(line)

    def _line(self, line: bytes) -> None:
        if line[:1].isspace() and is_frame(line):
            if not self._open:
                header = self._waiting or _ANONYMOUS
                self._begin(Fields(header), header.time, header.period)
                self._waiting = None
            elif self._behind:  # that was the address of the data: -F addr
                self.columns.frames.pop()
            self._behind = False
        self._frame(line, self.columns.frames)

    def _other(self, line: bytes) -> None:
        header = parse_header(line)
        if header is None:
            if not self._open:
                self._refuse(line)
            return
        self._close()
        if header.record:
            self._record(header)
            return
        if header.tid is None and header.event is None:  # a name, which means something if a frame follows
            self._waiting = header
            return
        self._begin(Fields(header), header.time, header.period)
        frame = frame_behind(header, line) if header.rest else None
        if frame is not None:
            self.columns.frames.append(self._frames[b"\n" + frame])
            self._behind = True

    def _close(self) -> None:
        if self._pending:
            self.columns.frames.append(self._frames[b"\n".join((*self._pending, b""))])
            self._pending = []
        if self._waiting is not None:
            self._refuse(self._waiting.comm or b"")
            self._waiting = None
        self._open, self._single = False, b""

    def _refuse(self, line: bytes) -> None:
        self._strange += 1
        self._first_strange = self._first_strange or line

    def _begin(self, fields: Fields, time: int, period: int | None) -> None:
        """A sample."""
        columns = self.columns
        event, comm, pid, tid, cpu = fields.numbers or self._number(fields)
        columns.starts.append(len(columns.frames))
        columns.event.append(event)
        columns.comm.append(comm)
        columns.pid.append(pid)
        columns.tid.append(tid)
        columns.cpu.append(cpu)
        columns.time.append(time)
        weight = 1 if period is None else period
        columns.unweighted += period is None
        self._add_weight(weight)
        columns.weight.append(weight)
        self._open, self._behind = True, False

    def _add_weight(self, weight: int) -> None:
        self._total += weight
        if self._total >= _MAX_TOTAL:
            raise MalformedError("the periods of the samples add up to more than 2^63")

    def _number(self, fields: Fields) -> tuple[int, int, int, int, int]:
        """Event, name of the thread, process, thread and processor."""
        header = fields.header or _ANONYMOUS
        fields.numbers = (
            _number(self._events, header.event or b"", _MAX_NAMES, "events"),
            -1
            if header.comm is None
            else _number(self._comms, header.comm, _MAX_NAMES << 4, "names of threads"),
            -1 if header.pid is None else _narrow(header.pid),
            -1 if header.tid is None else _narrow(header.tid),
            -1 if header.cpu is None else header.cpu,
        )
        return fields.numbers

    def _record(self, header: Header) -> None:
        columns = self.columns
        if header.record in ("MMAP", "MMAP2"):
            found = parse_range(header.rest)
            if found is not None and len(self._ranges) < _MAX_RANGES and found not in self._ranges:
                self._ranges.add(found)
                columns.ranges.append(found)
        elif header.record in ("LOST", "LOST_SAMPLES"):
            lost = _LOST.search(header.rest)
            columns.lost = min(columns.lost + (int(lost[1]) if lost else 0), _MAX_TOTAL)
        elif header.record == "THROTTLE":
            columns.throttled += 1

    def _comment(self, line: bytes) -> None:
        name, _, value = line[1:].partition(b":")
        key = _METADATA.get(name.strip())
        if key is not None:
            text = value.strip()[:1000].decode("utf-8", "backslashreplace")
            self.columns.metadata.setdefault(key, text)


def _split(data: bytes, end: int) -> list[bytes]:
    """What stands between blank lines before `end`, in a third of the time that bytes.split takes for that."""
    text = np.frombuffer(data, np.uint8, end) == _LINE_FEED
    stops = np.flatnonzero(text[1:] & text[:-1])
    if (stops[1:] - stops[:-1] == 1).any():  # more than two in a row
        return data[: end - 2].split(b"\n\n")
    begins = [0, *(stops[:-1] + 2).tolist()]
    return [data[begin:stop] for begin, stop in zip(begins, stops.tolist(), strict=True)]


def _number(known: dict[bytes, int], name: bytes, most: int, what: str) -> int:
    number = known.setdefault(name, len(known))
    if number >= most:
        raise UnsupportedError(f"more than {most:,} {what} are not handled")
    return number


def _narrow(number: int) -> int:
    return number if -(1 << 31) <= number < 1 << 31 else -1
