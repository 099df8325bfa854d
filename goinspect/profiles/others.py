"""What people may mean to give us that cannot be read as a profile, by its first bytes; and what to do with it."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

__all__ = ["Other", "other_of"]

_PROTO = "`go tool pprof -proto FILE > FILE.pb.gz` writes it anew"


class Other(NamedTuple):
    """A format. `certain`: whatever a reader of text may see in it, it is that."""

    what: str
    certain: bool


def _words(size: int, order: Literal["little", "big"]) -> bytes:
    """The header of a CPU profile of gperftools: 0, 3, 0, the period, 0 (docs/cpuprofile-fileformat.html there)."""
    zero, three = (re.escape(number.to_bytes(size, order)) for number in (0, 3))
    return zero + three + zero + b".{%d}" % size + zero


_ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")
_GPERFTOOLS = b"|".join(_words(size, order) for size in (8, 4) for order in _ORDERS)
_TABLE = tuple(
    (re.compile(pattern, re.DOTALL), Other(what, certain))
    for pattern, what, certain in (
        (rb"\x7fELF", "is an ELF executable, not a recording of one", False),
        (
            rb"[0-9a-f]{8,16}-[0-9a-f]{8,16} [r-][w-][x-][ps] [0-9a-f]{8,} ",
            "is the memory map of a process, not a recording of one (perf record -g -p PID makes one)",
            False,
        ),
        (
            rb"[0-9a-f]{8,16} [A-Za-z] [^\s;]+[\t\n]",
            "is a list of kernel symbols, which belongs behind --kallsyms",
            False,
        ),
        (_GPERFTOOLS, f"is a CPU profile in the old binary format of gperftools ({_PROTO})", True),
        (
            rb"heap ?profile: *\d+:",
            f"is a heap profile in an old text format of pprof ({_PROTO}; debug=0 in a URL)",
            True,
        ),
        (
            rb"\S{1,40} profile: total \d+\s",
            f"is a profile in an old text format of pprof ({_PROTO}; debug=0 in a URL)",
            True,
        ),
        (
            rb"--- (?:[\w ]{0,20}z \d+ ---|mutex:|contention:|Memory map:)",
            f"is a profile in an old text format of pprof ({_PROTO})",
            True,
        ),
        (
            rb"goroutine \d+ [^\n;]{0,60}\[[^\n\]]{1,80}\](?: \S+)?:\r?\n",
            "is a dump of goroutine stacks, which weigh nothing (debug=0 gives a profile)",
            True,
        ),
        (rb"PeriodType: ", "is the text of `go tool pprof -raw`: give the profile that it was made of", True),
        (
            rb"Showing nodes accounting for |Active filters:\n|File: [^\n]*\n(?:[\w ]+: [^\n]*\n)*?Type: |[ \w.-]{1,40}: Total [^\n]* \(",
            "is a report of `go tool pprof`: give the profile that it was made of",
            True,
        ),
        (rb"(?:strict )?digraph ", "is a graph for Graphviz: give the profile that it was made of", True),
        (
            rb"(?:# callgrind format|version: 1\ncreator:|positions: |events: )",
            "is a profile of callgrind, which is not read",
            True,
        ),
        (
            rb"\s*<(?:!DOCTYPE|\?xml|html|svg)",
            "is a page or a picture: give the profile that it was made of",
            True,
        ),
        (
            rb"go 1\.\d+ trace\0",
            "is an execution trace of Go (`go tool trace -pprof=sched` makes profiles of it)",
            True,
        ),
        (
            rb"mode: (?:set|count|atomic)\r?\n",
            "is a coverage profile of Go: it tells what ran, not for how long",
            True,
        ),
        (rb"FLR\0", "is a recording of Java Flight Recorder, which is not read", True),
        (rb"PK\x03\x04", "is a zip archive: unpack it", True),
        (
            rb"\s*\{\s*\"",
            "is JSON, as of speedscope, the Firefox Profiler or Chrome, which is not read",
            False,
        ),
    )
)


def other_of(head: bytes) -> Other | None:
    """What these first bytes are."""
    return next((other for pattern, other in _TABLE if pattern.match(head)), None)
