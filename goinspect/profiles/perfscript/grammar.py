"""The lines that ``perf script`` prints, one at a time.

There is no specification; facts are those of tools/perf/builtin-script.c and util/evsel_fprintf.c of Linux, and what
perf 6.1 was seen to print. A sample is a line of fields, every one of which ``-F`` may leave out::

    COMM  PID/TID [CPU] MISC TIME: PERIOD EVENT: …

and either ``ADDRESS SYMBOL+0xOFFSET (FILE)`` behind it, or a call chain, leaf first, one such frame on each further
line. An inlined call has a line of its own, before that of the function it was inlined into, with ``(inlined)`` for a
file. Source lines and registers have lines of their own as well, which begin with blanks; so do Android's frames.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = [
    "Header", "Printed", "Range", "frame_behind", "is_frame", "parse_frame", "parse_header", "parse_range", "sniff",
]  # fmt: skip

_HEADER = re.compile(
    rb"""(?P<comm>.{0,64}?)
    (?:(?:^|\s++)(?:(?P<pid>-?\d{1,10})/)?(?P<tid>-?\d{1,10}))
    (?:\s++\[(?P<cpu>\d{1,6})\])?
    (?:\s++[KUHGgD]{1,8}(?=\s))?
    (?:\s++(?P<seconds>\d{1,10})\.(?P<fraction>\d{1,9}):)?
    (?:\s++(?P<period>\d{1,19})(?=\s))?
    (?:\s++(?P<event>\S{1,200}):(?=\s|$)(?:\s++(?P<rest>\S.*))?)?
    \s*+""",
    re.VERBOSE | re.DOTALL,
)
_EVENT = re.compile(rb"\s*(\S{1,200}):\s*")
_RECORD = re.compile(rb"PERF_RECORD_([A-Z0-9_]+)")
_COMM = re.compile(rb"\S.{0,14}\s*", re.DOTALL)  # TASK_COMM_LEN is 16
_FRAME = re.compile(rb"\s+([0-9a-f]{1,16})(?:\s(.*))?", re.DOTALL)
_WIDTH = 16  # of an address behind the fields of a sample: what is shorter is no address
_OFFSET = re.compile(r"\+0x[0-9a-f]{1,16}$")
_RANGE = re.compile(
    rb"PERF_RECORD_MMAP2? (-?\d{1,10})/(\d{1,10}): \[0x([0-9a-f]{1,16})\(0x([0-9a-f]{1,16})\) @ "
    rb"(0x[0-9a-f]{1,16}|0)(?: <([0-9a-f]{2,40})>| [^\]<]*)?\]: (\S+) (.*)",
    re.DOTALL,
)
_NANOSECONDS = 9  # digits
_LONGEST = 4096  # bytes of a line that are looked at for fields
_SNIFFED = 400  # lines
_ENOUGH = 3


class Header(NamedTuple):
    """The fields of a sample. None: not printed."""

    comm: bytes | None
    pid: int | None
    tid: int | None
    cpu: int | None
    time: int  # ns; 0 where not printed
    period: int | None
    event: bytes | None
    record: str  # of a line that is no sample: "MMAP2", "LOST", …
    rest: bytes  # behind the event


class Printed(NamedTuple):
    """A frame as it was printed."""

    address: int
    name: str  # "" where perf knew none
    file: str  # "" where none was printed, or perf knew none
    file_offset: int | None  # of the field dsoff
    inlined: bool


class Range(NamedTuple):
    """A PERF_RECORD_MMAP line of ``--show-mmap-events``."""

    start: int
    end: int
    pgoff: int
    path: str
    pid: int
    build_id: str
    executable: bool


def parse_header(line: bytes) -> Header | None:
    """The fields of a sample or another record; None where the line is neither.

    A line of a name alone, as of ``-F comm,ip``, is one.
    """
    found = _RECORD.search(line) if b"PERF_RECORD_" in line else None
    match = _HEADER.fullmatch((line[: found.start()] if found else line)[:_LONGEST])
    if match is None:
        return None if found else _header_without_thread(line)
    comm, pid, tid, cpu, seconds, fraction, period, event, rest = match.groups()
    time = 0
    if seconds:
        time = int(seconds) * 10**9 + int(fraction.ljust(_NANOSECONDS, b"0"))
    return Header(
        comm.strip() or None,
        None if pid is None else int(pid),
        int(tid),
        None if cpu is None else int(cpu),
        time,
        None if period is None else int(period),
        event,
        found[1].decode() if found else "",
        line[found.start() :] if found else rest or b"",
    )


def _header_without_thread(line: bytes) -> Header | None:
    event = _EVENT.fullmatch(line[:_LONGEST])
    if event is None and _COMM.fullmatch(line) is None:
        return None
    comm, name = (None, event[1]) if event else (line.strip(), None)
    return Header(comm, None, None, None, 0, None, name, "", b"")


def frame_behind(header: Header, line: bytes) -> bytes | None:
    """The frame on the line of its sample, as a line of its own; None where it has none, or something else."""
    match = _FRAME.fullmatch(b" " + header.rest)
    if match is None:
        return None
    before = line[: len(line) - len(header.rest)]
    blanks = len(before) - len(before.rstrip())
    return b"\t" + header.rest if blanks + len(match[1]) > _WIDTH else None


def is_frame(line: bytes) -> bool:
    """Is this a frame of a call chain? What tells it from fields with blanks before them is a tab, or the rest."""
    if _FRAME.fullmatch(line) is None:
        return False
    if line.startswith(b"\t"):
        return True
    header = parse_header(line)
    return header is None or not (header.time or header.event or header.record)


def parse_frame(line: bytes) -> Printed:
    """The frame on a line for which `is_frame` holds."""
    match = _FRAME.fullmatch(line)
    if match is None:
        return Printed(0, "", "", None, inlined=False)
    name, file = _split_file((match[2] or b"").decode("utf-8", "backslashreplace").strip())
    offset = None
    if "+0x" in file and (found := _OFFSET.search(file)):
        offset, file = int(found[0][1:], 16), file[: found.start()]
    inlined = file == "inlined"
    if "+0x" in name:
        name = _OFFSET.sub("", name)
    return Printed(
        int(match[1], 16),
        "" if name == "[unknown]" else name,
        "" if inlined or file == "[unknown]" else file,
        offset,
        inlined,
    )


def _split_file(text: str) -> tuple[str, str]:
    """Symbol and file of "symbol (file)"; both may hold blanks and parentheses."""
    if not text.endswith(")"):
        return text, ""
    at = text.rfind("(")
    if at >= 0 and text.find(")", at) == len(text) - 1:
        return _cut(text, at)
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] == ")") - (text[at] == "(")
        if depth == 0:
            break
    else:
        at = text.rfind(" (") + 1
    return _cut(text, at)


def _cut(text: str, at: int) -> tuple[str, str]:
    if text[at] != "(" or (at and text[at - 1] != " "):
        return text, ""
    return text[:at].rstrip(), text[at + 1 : -1]


def parse_range(text: bytes) -> Range | None:
    """What a PERF_RECORD_MMAP or MMAP2 line says; None where it does not say it."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    start = int(match[3], 16)
    path = match[8].decode("utf-8", "backslashreplace")
    build_id = (match[6] or b"").decode()
    return Range(
        start, start + int(match[4], 16), int(match[5], 16), path, int(match[1]), build_id, b"x" in match[7]
    )


def sniff(head: bytes) -> bool | None:
    """Are these the first lines of what perf script prints? None: too few of them to tell."""
    if b"\0" in head:
        return False
    if head.startswith((b"# ========", b"# captured on")):  # perf script --header
        return True
    lines = head.split(b"\n", _SNIFFED)
    whole = lines[: max(1, len(lines) - 1)]
    samples = frames = 0
    for line in whole:
        if not line.strip() or line.startswith(b"#"):
            continue
        if is_frame(line):
            frames += 1
        else:
            samples += _is_sample(line)
        if (frames and samples) or max(samples, frames) >= _ENOUGH:
            return True
    return True if samples else None if frames else False


def _is_sample(line: bytes) -> bool:
    header = parse_header(line)
    if header is None or header.tid is None:
        return False
    if header.record or (header.time and header.event):
        return True
    return header.event is not None and (not header.rest or frame_behind(header, line) is not None)
