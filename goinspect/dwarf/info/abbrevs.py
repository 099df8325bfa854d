"""Abbreviation tables: what the entries of a unit look like, and how to step over them fast.

An abbreviation lists the attributes of an entry with their forms (DWARF 5, section 7.5.3). Go's linker writes one table
of some 50 for a whole program and no DW_AT_sibling, so every entry has to be stepped over; a big program has millions
(for 1.2 million of them pyelftools takes 25 seconds, this package 1.4).
Each list of forms that is used often becomes a pattern of `re`, and a table that is used very often one more that runs
over all the entries nobody asks for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from goinspect.dwarf import constants as dw
from goinspect.dwarf.info import forms
from goinspect.dwarf.info.forms import form_pattern, read_form, uleb
from goinspect.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from goinspect.dwarf.info.forms import Encoding, Value

__all__ = ["Abbrev", "AbbrevTable", "AbbrevTables", "skip_source", "symbol_source"]

MAX_ATTRIBUTES: Final = 1 << 10  # of one abbreviation; the longest of GCC and clang have some 30
_OFTEN = 16  # entries after which a pattern is worth making: that takes as long as reading so many without
_VERY_OFTEN = 20_000  # the same of a table
_MAX_PATTERNS = 1 << 12
_MAX_SKIP_SOURCE = 1 << 16
_SKIP_RUN = 5_000  # entries in one match: bounds the memory that `re` keeps for it
_OVERLAP = 8  # times that bytes of the section may be read for one unit or another
_SPARE = 1 << 16
_MAX_ABBREVS = 1 << 18  # of all tables together: 250 MB of them; a thousand units of C have 100,000
_LIKE_ADDRESS = b"(?!.[\\x%02x\\x%02x\\x%02x])" % (dw.DW_OP_ADDR, dw.DW_OP_ADDRX, dw.DW_OP_GNU_ADDR_INDEX)

_WANTED: Final = frozenset((
    dw.DW_AT_LOCATION, dw.DW_AT_NAME, dw.DW_AT_BYTE_SIZE, dw.DW_AT_LOW_PC, dw.DW_AT_HIGH_PC, dw.DW_AT_ABSTRACT_ORIGIN,
    dw.DW_AT_DECL_FILE, dw.DW_AT_DECL_LINE, dw.DW_AT_SPECIFICATION, dw.DW_AT_TYPE, dw.DW_AT_RANGES,
    dw.DW_AT_LINKAGE_NAME, dw.DW_AT_MIPS_LINKAGE_NAME, dw.DW_AT_GO_KIND, dw.DW_AT_GO_RUNTIME_TYPE,
))  # fmt: skip

# Attributes of an entry by number: their values, and their forms.
Entry = tuple[dict[int, "Value"], dict[int, int], int]


class Abbrev:
    """One abbreviation.

    Attributes:
        tag: of the entries.
        role: "function", "variable" or "type" when they may be one that counts as a symbol, else "".
        constants: values that the abbreviation itself gives (DW_FORM_implicit_const).
    """

    __slots__ = (
        "_converters",
        "_keys",
        "_pattern",
        "_uses",
        "attributes",
        "children",
        "constants",
        "forms",
        "role",
        "tag",
    )

    def __init__(
        self, tag: int, children: bool, attributes: list[tuple[int, int]], constants: dict[int, int]
    ) -> None:
        self.tag, self.children, self.constants = tag, children, constants
        self.attributes = tuple(attributes)
        self.forms = dict(attributes)
        self.role = _role(tag, self.forms)
        self._uses = 0
        self._pattern: re.Pattern[bytes] | None = None
        self._keys: tuple[int, ...] = ()
        self._converters: tuple[Callable[[bytes], Value], ...] = ()

    def read(self, data: bytes | memoryview, at: int, end: int, encoding: Encoding) -> Entry:
        """The attributes of the entry whose code ends at `at`, and the offset behind it.

        Raises:
            GoinspectError: see `goinspect.dwarf.info.forms.read_form`.
        """
        values: dict[int, Value] = dict(self.constants)
        found = self.forms
        for attribute, form in self.attributes:
            actual, value, at = read_form(data, at, end, form, encoding)
            if form == forms.INDIRECT:
                found = found | {attribute: actual}
            if form != forms.IMPLICIT_CONST:
                values[attribute] = value
        return values, found, at

    def read_wanted(self, data: bytes | memoryview, at: int, end: int, table: AbbrevTable) -> Entry:
        """The same, at least of the attributes that symbols need; of no attributes where the role is "".

        Raises as `read`.
        """
        if self._pattern is None:
            self._uses += 1
            if self._uses == _OFTEN:
                self._compile(table)
        if self._pattern is not None:
            match = self._pattern.match(data, at, end)
            if match is not None:
                if not self.role:
                    return {}, self.forms, match.end()
                values: dict[int, Value] = {
                    key: convert(raw)
                    for key, convert, raw in zip(self._keys, self._converters, match.groups(), strict=True)
                }
                if self.constants:
                    values.update(self.constants)
                return values, self.forms, match.end()
        return self.read(data, at, end, table.encoding)

    def _compile(self, table: AbbrevTable) -> None:
        shape = tuple((form, self._wants(attribute, form)) for attribute, form in self.attributes)
        pattern = table.patterns.get(shape, table.encoding)
        if pattern is not None:
            self._keys = tuple(key for key, form in self.attributes if self._wants(key, form))
            self._converters = tuple(
                _converter(form, table.encoding) for key, form in self.attributes if self._wants(key, form)
            )
            self._pattern = pattern

    def _wants(self, attribute: int, form: int) -> bool:
        return bool(self.role) and attribute in _WANTED and form != forms.IMPLICIT_CONST

    def skip_source(self, code: int, encoding: Encoding) -> bytes | None:
        """`skip_source` of whole entries."""
        source = skip_source(self, encoding)
        return None if source is None else b"".join(b"\\x%02x" % byte for byte in _encode_uleb(code)) + source


def skip_source(abbrev: Abbrev, encoding: Encoding) -> bytes | None:
    """A pattern for attributes of entries that are no symbols; None when one of these decides that or has no pattern."""
    return _source(abbrev, encoding) if abbrev.role in ("", "variable") else None


def symbol_source(abbrev: Abbrev, encoding: Encoding) -> bytes | None:
    """A pattern for attributes of entries that may be symbols; for variables it fits all, and comes after `skip_source`."""
    return _source(abbrev, encoding, skipped=False) if abbrev.role else None


def _source(abbrev: Abbrev, encoding: Encoding, *, skipped: bool = True) -> bytes | None:
    source, fixed = b"", 0
    for attribute, form in abbrev.attributes:
        width = encoding.width(form)
        if width is not None:  # those that follow each other are as one
            fixed += width
            continue
        part = form_pattern(form, encoding)
        if part is None:
            return None
        local = skipped and attribute == dw.DW_AT_LOCATION and abbrev.role == "variable"
        source += _any(fixed) + (_LIKE_ADDRESS + part if local else part)
        fixed = 0
    return source + _any(fixed)


def _any(count: int) -> bytes:
    return b".{%d}" % count if count else b""


def _role(tag: int, found: dict[int, int]) -> str:
    if tag == dw.DW_TAG_SUBPROGRAM:
        return "function" if dw.DW_AT_LOW_PC in found or dw.DW_AT_RANGES in found else ""
    if tag == dw.DW_TAG_VARIABLE:
        located = found.get(dw.DW_AT_LOCATION)
        return "variable" if located in forms.BLOCKS or located == forms.INDIRECT else ""
    if tag in dw.TYPE_TAGS and dw.DW_AT_NAME in found:
        return "" if dw.DW_AT_DECLARATION in found or dw.DW_AT_GO_DICT_INDEX in found else "type"
    return ""


def _converter(form: int, encoding: Encoding) -> Callable[[bytes], Value]:
    """What makes a value of the bytes that a pattern found."""
    if form == forms.STRING:
        return lambda raw: raw[:-1]
    if form == forms.FLAG_PRESENT:
        return lambda _: 1
    width = encoding.width(form)
    order = encoding.byteorder
    if width == 1:
        return lambda raw: raw[0]
    if width is not None:
        return lambda raw: int.from_bytes(raw, order)
    if form in forms.BLOCKS:
        return lambda raw: raw[1:]
    if form == forms.SDATA:
        return lambda raw: forms.sleb(raw, 0, len(raw))[0]
    return lambda raw: raw[0] if len(raw) == 1 else uleb(raw, 0, len(raw))[0]


def _encode_uleb(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Patterns:
    """Compiled patterns by list of forms, shared by all tables: compilers use the same few again and again."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, Encoding], re.Pattern[bytes] | None] = {}

    def get(self, shape: tuple[tuple[int, bool], ...], encoding: Encoding) -> re.Pattern[bytes] | None:
        """The pattern for (form, wanted) of each attribute; None where there can be none."""
        key = (shape, encoding)
        if key not in self._known:
            if len(self._known) >= _MAX_PATTERNS:
                return None
            self._known[key] = self._make(shape, encoding)
        return self._known[key]

    def _make(self, shape: tuple[tuple[int, bool], ...], encoding: Encoding) -> re.Pattern[bytes] | None:
        source = b""
        for form, wanted in shape:
            part = form_pattern(form, encoding)
            if part is None:
                return None
            source += b"(" + part + b")" if wanted else part
        return re.compile(source, re.DOTALL) if len(source) <= _MAX_SKIP_SOURCE else None


class AbbrevTable:
    """The abbreviations of some units, by code."""

    def __init__(self, entries: dict[int, Abbrev], encoding: Encoding, patterns: Patterns) -> None:
        self.entries, self.encoding, self.patterns = entries, encoding, patterns
        self.skip: re.Pattern[bytes] | None = None  # matches any number of entries that are no symbols
        self._uses = 0

    def used(self, entries: int) -> None:
        """Tell how many entries were stepped over with this table, so that it can make itself faster."""
        self._uses += entries
        if self._uses >= _VERY_OFTEN and self.skip is None:
            self._uses = -(1 << 62)  # once is enough
            self.skip = self._make_skip()

    def _make_skip(self) -> re.Pattern[bytes] | None:
        sources = [abbrev.skip_source(code, self.encoding) for code, abbrev in self.entries.items()]
        known = [rb"\x00+", *(source for source in sources if source is not None)]
        source = b"(?:" + b"|".join(known) + b"){0,%d}" % _SKIP_RUN
        return re.compile(source, re.DOTALL) if len(source) <= _MAX_SKIP_SOURCE else None


class AbbrevTables:
    """The tables of ``.debug_abbrev``, each parsed once for a way of encoding."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = data
        self._left = _OVERLAP * len(data) + _SPARE
        self._abbrevs = 0
        self._known: dict[tuple[int, Encoding], AbbrevTable] = {}
        self._patterns = Patterns()

    def at(self, offset: int, encoding: Encoding) -> AbbrevTable:
        """The table at an offset.

        Raises:
            TruncatedError: it reaches past the end of the section.
            MalformedError: it contradicts the format, or tables overlap more than sound ones do.
        """
        key = (offset, encoding)
        if key not in self._known:
            self._known[key] = AbbrevTable(dict(self._parse(offset)), encoding, self._patterns)
        return self._known[key]

    def _parse(self, at: int) -> Iterable[tuple[int, Abbrev]]:
        data, end = self._data, len(self._data)
        while True:
            start = at
            code, at = uleb(data, at, end)
            if not code:
                return
            tag, at = uleb(data, at, end)
            children, at = uleb(data, at, end)
            attributes: list[tuple[int, int]] = []
            constants: dict[int, int] = {}
            while True:
                attribute, at = uleb(data, at, end)
                form, at = uleb(data, at, end)
                if form == forms.IMPLICIT_CONST:
                    constants[attribute], at = forms.sleb(data, at, end)
                if not attribute and not form:
                    break
                attributes.append((attribute, form))
                if len(attributes) > MAX_ATTRIBUTES:
                    raise MalformedError(f"DWARF abbreviation {code} has too many attributes", offset=start)
            self._left -= at - start
            self._abbrevs += 1
            if self._left < 0 or self._abbrevs > _MAX_ABBREVS:
                raise MalformedError("DWARF abbreviation tables overlap, or are far too many", offset=start)
            yield code, Abbrev(tag, bool(children), attributes, constants)
