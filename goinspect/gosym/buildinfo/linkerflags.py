"""What ``-ldflags`` of a build told the linker: the strings that ``-X`` set.

The text is taken apart as the go command and the linker do it. Sources: src/cmd/internal/quoted (``Split``),
src/cmd/go/internal/load/flag.go (``PerPackageFlag``), src/flag (``parseOne``), src/cmd/link/internal/ld/data.go
(``addstrdata1``), src/cmd/internal/objabi/path.go (``PathToPrefix``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from goinspect.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["path_to_prefix", "split_flags", "strings_set"]

_BLANKS, _WORD = re.compile(r"[ \t\r\n]*"), re.compile(r"[^ \t\r\n]+")
# Flags of the linker, of any release (`go tool link -h`). One that is unknown has a value if what follows is no flag.
_SWITCHES: Final = frozenset(
    ["V", "a", "asan", "aslr", "bindnow", "c", "checklinkname", "compressdwarf", "d", "debugnosplit", "dumpdep", "e", "f", "g", "go115newobj", "h", "linkshared", "msan", "n", "pruneweakmap", "race", "s", "u", "v", "w"]
)  # fmt: skip
_WITH_VALUE: Final = frozenset(
    ["B", "D", "E", "H", "I", "L", "R", "T", "X", "benchmark", "benchmarkprofile", "buildid", "buildmode", "capturehostobjs", "cpuprofile", "debugtextsize", "debugtramp", "extar", "extld", "extldflags", "fipso", "funcalign", "importcfg", "installsuffix", "k", "libgcc", "linkmode", "macos", "macsdk", "memprofile", "memprofilerate", "o", "pluginpath", "r", "randlayout", "strictdups", "tmpdir"]
)  # fmt: skip


def split_flags(text: str) -> list[str]:
    """The words of a flag that holds flags. A quote at the start of a word reaches to the next one; nothing is escaped.

    Raises:
        MalformedError: a quote is not closed.
    """
    words, at = list[str](), 0
    while True:
        blanks = _BLANKS.match(text, at)
        at = blanks.end() if blanks else at
        if text[at : at + 1] in ("'", '"'):
            end = text.find(text[at], at + 1)
            if end < 0:
                raise MalformedError(f"unterminated {text[at]} string")
            words.append(text[at + 1 : end])
            at = end + 1
        elif word := _WORD.match(text, at):
            words.append(word[0])
            at = word.end()
        else:
            return words


def strings_set(ldflags: str) -> dict[str, str]:
    """The values of ``-X`` in the setting ``-ldflags``, by the name of the variable as it is given: ``main.version``.

    Of a variable that is set twice the last value holds. What the linker would not accept is left out.

    Raises:
        MalformedError: a quote is not closed.
    """
    text = ldflags.strip()
    if text and not text.startswith("-"):  # [pattern=]flags
        text = text.partition("=")[2]
    found: dict[str, str] = {}
    for definition in _definitions(split_flags(text)):
        name, equals, value = definition.partition("=")
        if equals and "." in name:
            found[name] = value
    return found


def _definitions(words: list[str]) -> Iterator[str]:
    """The arguments of ``-X``."""
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--" or len(word) < 2 or word[0] != "-":
            return  # here the linker stops to look for flags
        name, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
        has_next = not equals and name not in _SWITCHES and at < len(words)
        if has_next and (name in _WITH_VALUE or not words[at].startswith("-")):
            value = words[at]
            at += 1
        if name == "X":
            yield value


def path_to_prefix(path: str) -> str:
    """An import path as symbols have it: dots of its last element and odd characters are escaped."""
    last = path.rfind("/")
    return "".join(
        "".join(f"%{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))
        if (letter == "." and at > last) or letter <= " " or letter in '%"' or letter >= "\x7f"
        else letter
        for at, letter in enumerate(path)
    )
