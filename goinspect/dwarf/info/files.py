"""File names by the numbers that DW_AT_decl_file gives: the headers of ``.debug_line`` (DWARF 5, section 6.2.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from goinspect.dwarf.damage import Damage
from goinspect.dwarf.info.forms import LEB_PATTERN, STRING, UDATA, Encoding, read_form, uleb
from goinspect.errors import GoinspectError, MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect._reader import Reader
    from goinspect.dwarf.info.forms import Value
    from goinspect.dwarf.info.unit import Unit

__all__ = ["FileNames"]

_DWARF64 = 0xFFFFFFFF
_PATH, _DIRECTORY_INDEX = 1, 2  # DW_LNCT_*
_MAX_NAME = 1 << 12
_NAME = re.compile(rb"([^\x00]{0,%d})\x00" % _MAX_NAME)
_OLD_FILE = re.compile(_NAME.pattern + b"(%b)" % LEB_PATTERN + LEB_PATTERN * 2)
# What Go's linker says of its lists: numbers of content and form. Thousands of tables are like that.
_GO_DIRECTORIES = ((_PATH, STRING),)
_GO_FILES = ((_PATH, STRING), (_DIRECTORY_INDEX, UDATA))
_GO_FILE = re.compile(_NAME.pattern + b"(%b)" % LEB_PATTERN)
_OVERLAP = 8  # as many times its own size may be read of the section, for tables that are shared in part
_SPARE = 1 << 16


class _Table(NamedTuple):
    """Names of one line table; number 0 of files and directories is there in every version."""

    directories: list[str]
    files: list[tuple[str, int]]


class FileNames:
    """Answers for all units; a table is read when it is first asked for.

    Attributes:
        damage: what was wrong with the tables that cannot be read.
    """

    def __init__(self) -> None:
        self._tables: dict[int, _Table | None] = {}
        self._names: dict[tuple[int, int], str | None] = {}
        self._left: int | None = None
        self.damage = Damage()

    def name(self, unit: Unit, number: int) -> str | None:
        """The file of that number, with its directory as far as it is known; None when there is none."""
        if unit.line_offset is None:
            return None
        key = (unit.line_offset, number)
        if key not in self._names:
            table = self._table(unit, unit.line_offset)
            self._names[key] = None if table is None else _join(table, number, unit.comp_dir)
        return self._names[key]

    def _table(self, unit: Unit, offset: int) -> _Table | None:
        if offset not in self._tables:
            try:
                self._tables[offset] = self._read(unit, unit.sections.reader("line"), offset)
            except GoinspectError as error:
                self._tables[offset] = None
                self.damage.note(error)
        return self._tables[offset]

    def _read(self, unit: Unit, reader: Reader, start: int) -> _Table:
        if self._left is None:
            self._left = _OVERLAP * reader.size + _SPARE
        length, at, wide = reader.u32(start), start + 4, 4
        if length == _DWARF64:
            length, at, wide = reader.u64(at), at + 8, 8
        end = min(at + length, reader.size)
        version = reader.u16(at)
        if not 2 <= version <= 5:
            raise MalformedError(f"DWARF line table of version {version}, 2 to 5 expected", offset=start)
        at += 4 if version >= 5 else 2  # sizes of addresses and segment selectors
        at += wide + (5 if version == 4 else 4)
        if version >= 5:
            at += 1
        opcode_base = reader.u8(at)
        at += max(opcode_base, 1)
        reader.view(start, max(0, at - start))
        if version < 5:
            table, at = _old_names(reader, at, end)
        else:
            encoding = Encoding(version, wide, reader.ptrsize, reader.byteorder)

            def text(form: int, value: Value) -> str:
                return unit.text({_PATH: value}, {_PATH: form}, _PATH) or ""

            table, at = _new_names(reader, at, end, encoding, text)
        self._left -= at - start + len(table.files) + len(table.directories)
        if self._left < 0:
            raise MalformedError("DWARF line tables overlap", offset=start)
        return table


def _old_names(reader: Reader, at: int, end: int) -> tuple[_Table, int]:
    """Until version 4: names with a NUL each, a file's followed by numbers of directory, time and size."""
    directories, files = [""], [("", 0)]
    while at < end and reader.u8(at):
        match = _match(_NAME, reader, at, end)
        directories.append(_text(match[1]))
        at = match.end()
    at += 1
    while at < end and reader.u8(at):
        match = _match(_OLD_FILE, reader, at, end)
        files.append((_text(match[1]), _number(match[2])))
        at = match.end()
    return _Table(directories, files), at


def _match(pattern: re.Pattern[bytes], reader: Reader, at: int, end: int) -> re.Match[bytes]:
    match = pattern.match(reader.data, at, end)
    if match is None:
        raise MalformedError("DWARF line table with a name that does not end", offset=at)
    return match


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _number(raw: bytes) -> int:
    return raw[0] if len(raw) == 1 else uleb(raw, 0, len(raw))[0]


def _new_names(
    reader: Reader, at: int, end: int, encoding: Encoding, text: Callable[[int, Value], str]
) -> tuple[_Table, int]:
    lists: list[list[tuple[str, int]]] = []
    for _ in range(2):  # directories, then files: the same layout
        pairs, formats = reader.u8(at), list[tuple[int, int]]()
        at += 1
        for _ in range(pairs):
            content, at = uleb(reader.data, at, end)
            form, at = uleb(reader.data, at, end)
            formats.append((content, form))
        count, at = uleb(reader.data, at, end)
        if count > end - at:  # each has a byte at least
            raise MalformedError(f"DWARF line table with {count} names", offset=at)
        rows: list[tuple[str, int]] = []
        quick = {_GO_DIRECTORIES: _NAME, _GO_FILES: _GO_FILE}.get(tuple(formats))
        for _ in range(count):
            if quick is not None:
                match = _match(quick, reader, at, end)
                rows.append((_text(match[1]), _number(match[2]) if quick is _GO_FILE else 0))
                at = match.end()
                continue
            name, directory = "", 0
            for content, wanted in formats:
                form, value, at = read_form(reader.data, at, end, wanted, encoding)
                if content == _PATH:
                    name = text(form, value)[:_MAX_NAME]
                elif content == _DIRECTORY_INDEX and isinstance(value, int):
                    directory = value
            rows.append((name, directory))
        lists.append(rows)
    return _Table([name for name, _ in lists[0]], lists[1]), at


def _join(table: _Table, number: int, comp_dir: str) -> str | None:
    if not 0 <= number < len(table.files):
        return None
    name, directory = table.files[number]
    if not name:
        return None
    if _complete(name):
        return name
    folder = table.directories[directory] if directory < len(table.directories) else ""
    if not _complete(folder) and folder != comp_dir:
        folder = "/".join(part for part in (comp_dir, folder) if part not in ("", "."))
    return f"{folder}/{name}" if folder not in ("", ".") else name


def _complete(name: str) -> bool:
    """Whether nothing belongs before a name: absolute, a drive of Windows, or ``<autogenerated>``."""
    return name[:1] in ("/", "\\", "<") or name[1:2] == ":"
