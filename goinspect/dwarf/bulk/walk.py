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
    from collections.abc import Callable, Mapping

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
_CODE = rb"[\x80-\xff]*+[\x00-\x7f]"
_ENTRY, _NAME, _DAMAGE = 1, 2, 3  # groups: what may be a symbol, its name, what is none of all these


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
        named = {code: one for code, one in table.entries.items() if one.role and begins_with_name(one)}
        others = {code: one for code, one in table.entries.items() if code not in named}
        skipped = _alternatives(table.entries, skip_source, table.encoding)
        found = _alternatives(others, symbol_source, table.encoding)
        with_name = _alternatives(named, symbol_source, table.encoding)
        if len(table.entries) > _MAX_ALTERNATIVES or not (found or with_name):
            raise ValueError("no pattern")
        named_so = b"(?=%b([^\\x00]*+))(?:%b)" % (_CODE, b"|".join(with_name))
        found.insert(0, named_so if with_name else b"(?!)()")
        skip = b"(?:" + b"|".join((rb"\x00+", *skipped)) + b")"
        # Behind a run: an entry that may be a symbol, or more of the same, or the end, or what makes no sense.
        more = b"" if _RUN == b"*+" else b"(?=" + skip + b")|"
        source = b"%b%b(?:(%b)|%b\\Z|([\\s\\S]+))" % (skip, _RUN, b"|".join(found), more)
        if len(source) > _MAX_SOURCE:
            raise ValueError("no pattern")
        self._pattern = re.compile(source, re.DOTALL)

    def find(self, data: bytes, first: int, end: int) -> Found | None:
        """The entries in [first, end) that have a role; None where not all of it follows the patterns."""
        starts: list[int] = []
        names: list[bytes] = []
        matches = self._pattern.finditer(data, first, end)
        for match in islice(matches, MOST):
            start = match.start(_ENTRY)
            if start >= 0:
                starts.append(start)
                names.append(match[_NAME] or b"")
            elif match.lastindex == _DAMAGE:
                return None
        return None if next(matches, None) is not None or len(starts) >= MOST else Found(starts, names)


def _alternatives(
    entries: Mapping[int, Abbrev],
    source_of: Callable[[Abbrev, Encoding], bytes | None],
    encoding: Encoding,
) -> list[bytes]:
    """A pattern for each list of forms, behind any of the codes that have it."""
    codes: dict[bytes, list[bytes]] = {}
    for code, abbrev in entries.items():
        source = source_of(abbrev, encoding)
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
