"""The text of build information: modules and settings, as the go command writes them and ``go version -m`` shows them.

One tab-separated line each: ``path``, ``mod`` and ``dep`` (path, version, sum), ``=>`` (what replaces the module of
the line before), ``build`` (key=value, either of them quoted as in Go source when it needs to be, Go 1.18+).
Source: ``ParseBuildInfo`` and ``BuildInfo.String`` in src/runtime/debug/mod.go.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BuildInfo", "Module", "format_module_text", "parse_module_text"]

_MAX_PROBLEMS = 8  # told one by one
_KEY_QUOTED, _VALUE_QUOTED = re.compile('[= \t\r\n"`]'), re.compile('[ \t\r\n"`]')
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`')
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\\"]))"
)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_NAMED = {character: "\\" + letter for letter, character in _LETTERS.items()}


class Module(NamedTuple):
    """A module of the build; ``replaced_by`` when a replace directive applied."""

    path: str
    version: str
    sum: str = ""
    replaced_by: Module | None = None


class BuildInfo(NamedTuple):
    """What the binary says of its build. Everything but ``go_version`` may be empty.

    ``setting_rows`` has the settings in their order, a key that occurs twice included; ``problems`` are lines that the
    go command would not accept.
    """

    go_version: str
    path: str = ""  # import path of the main package
    main: Module | None = None
    deps: tuple[Module, ...] = ()
    settings: Mapping[str, str] = MappingProxyType({})
    setting_rows: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()


class _Parser:
    def __init__(self) -> None:
        self.path = ""
        self.main: Module | None = None
        self.deps: list[Module] = []
        self.settings: list[tuple[str, str]] = []
        self._replaceable = ""  # "mod" or "dep": kind of the line before

    def line(self, line: str) -> str:
        """Take one line; returns what is wrong with it."""
        kind, tab, rest = line.partition("\t")
        if not tab or kind not in ("path", "mod", "dep", "=>", "build"):
            return ""  # the go command skips what it does not know
        if kind == "path":
            self.path = rest
            return ""
        return self._setting(rest) if kind == "build" else self._module(kind, rest.split("\t"))

    def _module(self, kind: str, values: list[str]) -> str:
        expected = (3,) if kind == "=>" else (2, 3)
        problem = "" if len(values) in expected else f"{len(values)} columns"
        path, version, checksum = (*values, "", "", "")[:3]
        module = Module(path, version, checksum)
        if kind == "mod":
            self.main = module
        elif kind == "dep":
            self.deps.append(module)
        elif self._replaceable == "mod" and self.main is not None:
            self.main = self.main._replace(replaced_by=module)
        elif self._replaceable == "dep":
            self.deps[-1] = self.deps[-1]._replace(replaced_by=module)
        else:
            problem = "a replacement of no module"
        self._replaceable = "" if kind == "=>" else kind
        return problem

    def _setting(self, text: str) -> str:
        match = _QUOTED.match(text)
        if match:
            key, rest = _unquoted(match[0]), text[match.end() :]
            equals, raw = rest[:1], rest[1:]
        else:
            plain, equals, raw = text.partition("=")
            key = plain if plain and not _KEY_QUOTED.search(plain) else None
        if equals != "=" or key is None:
            return "no key=value"
        value = _unquoted(raw) if raw[:1] in ('"', "`") else None if _VALUE_QUOTED.search(raw) else raw
        self.settings.append((key, raw if value is None else value))
        return "a value that is not quoted as it must be" if value is None else ""


def parse_module_text(go_version: str, text: str) -> BuildInfo:
    """The build information in `text`; lines that are malformed give what they can, and a problem."""
    parser, problems = _Parser(), list[str]()
    for number, line in enumerate(text.split("\n")[:-1], 1):
        problem = parser.line(line)
        if problem and len(problems) < _MAX_PROBLEMS:
            problems.append(f"build information, line {number}: {problem}")
    main = None if parser.main == Module("", "") else parser.main
    return BuildInfo(
        go_version, parser.path, main, tuple(parser.deps), MappingProxyType(dict(parser.settings)),
        tuple(parser.settings), tuple(problems),
    )  # fmt: skip


def format_module_text(info: BuildInfo) -> str:
    """The text again, as ``go version -m`` shows it below the version: lines with their newline."""
    lines = [f"path\t{info.path}"] if info.path else []
    lines += _module_lines("mod", info.main) if info.main else []
    for module in info.deps:
        lines += _module_lines("dep", module)
    for key, value in info.setting_rows:
        shown_key = _quote(key) if not key or _KEY_QUOTED.search(key) else key
        lines.append(f"build\t{shown_key}={_quote(value) if _VALUE_QUOTED.search(value) else value}")
    return "".join(f"{line}\n" for line in lines)


def _module_lines(word: str, module: Module) -> list[str]:
    if module.replaced_by is None:
        return [f"{word}\t{module.path}\t{module.version}\t{module.sum}"]
    # The blank line is part of what the go command prints behind a replacement.
    return [f"{word}\t{module.path}\t{module.version}", *_module_lines("=>", module.replaced_by), ""]


def _unquoted(text: str) -> str | None:
    """The value of a Go string literal, bytes that are no UTF-8 replaced; None if it is none."""
    if not _QUOTED.fullmatch(text):
        return None
    if text[0] == "`":
        return text[1:-1].replace("\r", "")
    out, at, body = bytearray(), 0, text[1:-1]
    while at < len(body):
        end = body.find("\\", at)
        end = len(body) if end < 0 else end
        out += body[at:end].encode("utf-8", "surrogateescape")
        if end == len(body):
            break
        match = _ESCAPE.match(body, end)
        value = None if match is None else _escaped(match)
        if match is None or value is None:
            return None
        out += value
        at = match.end()
    return out.decode("utf-8", "replace")


def _escaped(match: re.Match[str]) -> bytes | None:
    byte, short, long, octal, letter = match.groups()
    if letter:
        return _LETTERS[letter].encode()
    if byte or octal:
        number = int(byte, 16) if byte else int(octal, 8)
        return bytes((number,)) if number < 0x100 else None
    number = int(short or long, 16)
    return chr(number).encode() if number < 0x110000 and not 0xD800 <= number < 0xE000 else None


def _quote(text: str) -> str:
    """The text as a Go string literal."""
    return '"' + "".join(map(_quoted, text)) + '"'


def _quoted(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    if character.isprintable():
        return character
    number = ord(character)
    if number < 0x80:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
