"""Where the entries of a unit are that may be symbols: one regular expression steps over all of it.

An entry has no length of its own and Go writes no DW_AT_sibling, so every entry has to be stepped over (DWARF 5, section
7.5.3). One alternative for each list of forms does that in `re`, at 40 ns an entry. No repetition around alternatives is
possessive: Python 3.11.2 gets those wrong.
"""

from __future__ import annotations

import re
import sys
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from goinspect.dwarf import constants as dw
from goinspect.dwarf.info import forms
from goinspect.dwarf.info.abbrevs import skip_source, symbol_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect.dwarf.info.abbrevs import Abbrev, AbbrevTable
    from goinspect.dwarf.info.forms import Encoding

__all__ = ["MOST", "Found", "Walker", "begins_with_name"]

MOST: Final = (
    1 << 20
)  # matches in a unit, of which sound ones have 100,000: above that memory is spent one by one
# How often the alternatives are repeated. Possessive repetition keeps no memory, and is a quarter quicker, but wrong before
# Python 3.11.5 (gh-106052): there a bound is put to the memory.
_RUN: Final = b"*+" if sys.version_info >= (3, 11, 5) else b"{0,1000}"
_MAX_SOURCE = 1 << 16
_MAX_ALTERNATIVES = 1 << 9  # those of Go are 50, of a unit of C 100
_DAMAGE = 2  # group of what is none of them


class Found(NamedTuple):
    """Entries in order."""

    starts: list[int]
    names: list[bytes]  # of those that begin with it; b"" for others


def begins_with_name(abbrev: Abbrev) -> bool:
    """Whether the first attribute of entries is a string that names them."""
    return abbrev.attributes[:1] == ((dw.DW_AT_NAME, forms.STRING),)


class Walker:
    """The pattern for all units of one abbreviation table.

    Raises:
        ValueError: the table is too big for a pattern.
    """

    def __init__(self, table: AbbrevTable) -> None:
        skipped = _alternatives(table, skip_source)
        found = _alternatives(table, symbol_source)
        if len(table.entries) > _MAX_ALTERNATIVES or not found:
            raise ValueError("no pattern")
        skip = b"(?:" + b"|".join((rb"\x00+", *skipped)) + b")"
        # Behind a run: an entry that may be a symbol, or more of the same, or the end, or what makes no sense.
        more = b"" if _RUN == b"*+" else b"(?=" + skip + b")|"
        source = b"%b%b(?:(%b)|%b\\Z|([\\s\\S]+))" % (skip, _RUN, b"|".join(found), more)
        if len(source) > _MAX_SOURCE:
            raise ValueError("no pattern")
        self._pattern = re.compile(source, re.DOTALL)
        # Codes of one byte that a name follows at once.
        self._named = frozenset(
            code
            for code, abbrev in table.entries.items()
            if code < 0x80 and abbrev.role and begins_with_name(abbrev)
        )

    def find(self, data: bytes, first: int, end: int) -> Found | None:
        """The entries in [first, end) that have a role; None where not all of it follows the patterns."""
        matches = islice(self._pattern.finditer(data, first, end), MOST)
        starts = [start for match in matches if (start := match.start(1)) >= 0]
        if next(matches, None) is not None or len(starts) >= MOST:
            return None
        # What makes no sense goes from there to the end: behind the last entry.
        behind = self._pattern.finditer(data, starts[-1] if starts else first, end)
        if any(match.lastindex == _DAMAGE for match in behind):
            return None
        # The patterns have found the end of each name already; it is quickest to look again while the unit is in the cache.
        named, look = self._named, data.find
        ends = [look(b"\0", start) if data[start] in named else start for start in starts]
        return Found(starts, [data[start + 1 : stop] for start, stop in zip(starts, ends, strict=True)])


def _alternatives(table: AbbrevTable, source_of: Callable[[Abbrev, Encoding], bytes | None]) -> list[bytes]:
    """A pattern for each list of forms, behind any of the codes that have it."""
    codes: dict[bytes, list[bytes]] = {}
    for code, abbrev in table.entries.items():
        source = source_of(abbrev, table.encoding)
        if source is not None:
            codes.setdefault(source, []).append(_encoded(code))
    return [_one_of(known) + source for source, known in codes.items()]


def _one_of(codes: list[bytes]) -> bytes:
    if len(codes) == 1:
        return codes[0]
    short = [code for code in codes if len(code) == len(rb"\x00")]
    longer = [code for code in codes if len(code) > len(rb"\x00")]
    return b"(?:" + b"|".join([*([b"[" + b"".join(short) + b"]"] if short else []), *longer]) + b")"


def _encoded(code: int) -> bytes:
    """A code as LEB128, written for `re`."""
    out = b""
    while code > 0x7F:
        out += rb"\x%02x" % (code & 0x7F | 0x80)
        code >>= 7
    return out + rb"\x%02x" % code
