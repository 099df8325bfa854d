"""What a Go symbol name says: its package, its receiver.

Grammar: ``import/path.Func``, ``import/path.(*T).Method``, ``….func1``, ``…[type arguments]``. Dots in the last
element of an import path are escaped as ``%2e``, so the package ends at the first dot behind the last slash, both
outside of brackets. Source: src/cmd/internal/objabi/path.go and src/debug/gosym/symtab.go (``PackageName``).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = [
    "NameParts",
    "enclosing",
    "is_closure",
    "package_of",
    "plain_name",
    "shortened",
    "split_name",
    "type_package",
]

_ESCAPE = re.compile(r"%([0-9a-f]{2})")
# Symbols the toolchain makes itself: type:.eq.T, go:buildid, and with a dot before Go 1.20.
_TOOLCHAIN = (
    "type:", "go:", "type..", "go.", "_rt0_", "_cgo", "x_cgo", "crosscall",
    "$f", "$i", "_.",  # constants; closures of functions that have no package themselves
)  # fmt: skip


@lru_cache(maxsize=1 << 16)
def package_of(name: str) -> str:
    """The import path a function belongs to; "" for symbols without one (assembly, C, toolchain)."""
    head = name.partition("[")[0]
    if head.startswith(_TOOLCHAIN):
        return ""
    dot = _package_end(head)
    if dot <= 0:
        return ""
    package = head[:dot]
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), package) if "%" in package else package


def _package_end(head: str) -> int:
    """Where the package ends in a name without type arguments, at a dot; -1: nowhere.

    Up to Go 1.8 a method value has another path in it: ``encoding/json.(*T).(encoding/json.encode)-fm``.
    """
    return head.find(".", head.rfind("/", 0, head.find("(") if "(" in head else None) + 1)


def type_package(name: str) -> str:
    """The import path of a type's package; "" for ``map[K]V``, ``func(T)`` and others that are composed of several.

    Pointers, slices and arrays count to what they point to or consist of.
    """
    name = _PREFIXES.sub("", name)
    head = name.partition("[")[0]
    # map.group[K]V and its like are made by the compiler, of no package.
    return package_of(name) if head and not head.startswith("map.") and not _COMPOSED.search(head) else ""


_PREFIXES = re.compile(r"^(?:\*|\[\d*\]|noalg\.)+")
_COMPOSED = re.compile(r"[\s*(){}<>,]")


class NameParts(NamedTuple):
    """The parts of a function's name; "" for what it does not have."""

    package: str  # import path
    receiver: str  # "T" or "*T", with its type arguments
    function: str  # the rest: "Method", "F.func1", "F[...]"


# What the compiler names closures and wrappers by: func1, 2, gowrap1, func1-range2, init.0.
_CLOSURE = re.compile(r"(?:func|gowrap|deferwrap|stkobj)?\d+(?:-\w+)*|func\d+.*|.*·.*")


def is_closure(part: str) -> bool:
    """Whether a component of a name is that of a closure or a wrapper."""
    return _CLOSURE.fullmatch(part) is not None


def enclosing(name: str, functions: Container[str] = ()) -> str:
    """The function that a closure or a wrapper was written in; the name itself of any other function.

    ``pkg.A.B.func1`` may be a closure of B that was inlined into A: it is one of A where `functions`, names of the same
    program, have A.
    """
    if not package_of(name):
        return name
    at = _package_end(name.partition("[")[0]) + 1
    package, parts = name[:at], _components(_BODY.sub("", name[at:]))
    outer = parts.copy()
    while len(outer) > 1 and is_closure(outer[-1]) and not (outer[-2] == "init" and outer[-1].isdecimal()):
        outer.pop()
    if not outer[-1]:  # glob..func1: of a variable
        return name
    inlined = len(outer) > 1 and outer != parts and package + outer[0] in functions
    return package + (outer[0] if inlined else ".".join(outer))


_BODY = re.compile(r"(?:-range\d+|-fm)+$")  # of a loop over a function; of a method's value


def _components(text: str) -> list[str]:
    """What dots outside of brackets divide."""
    parts, start, depth = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "[(") - (letter in ")]")
        if letter == "." and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def split_name(name: str, functions: Container[str] = ()) -> NameParts:
    """Package, receiver and the rest of a function's name.

    ``pkg.A.B`` may be a method B of type A, or B inlined into a closure of function A: a package has no type and
    function of one name, so `functions`, names of functions of the same binary, tell these apart.
    """
    package = package_of(name)
    head = name.partition("[")[0]
    rest = name[_package_end(head) + 1 :] if package else name
    if rest.startswith("("):
        end = _closing(rest)
        if rest[end : end + 1] == ".":
            return NameParts(package, rest[1 : end - 1], rest[end + 1 :])
    dot = _first_dot(rest)
    if not package or dot <= 0:
        return NameParts(package, "", rest)
    first, following = rest[:dot], rest[dot + 1 :]
    method = following[: _first_dot(following)] if _first_dot(following) > 0 else following
    if (
        not method
        or method.startswith(".")
        or is_closure(method)
        or first in ("init", "glob")
        or name[: len(name) - len(following) - 1] in functions
    ):
        return NameParts(package, "", rest)
    return NameParts(package, first, following)


def _closing(text: str) -> int:
    """Behind the parenthesis that closes the first one."""
    if "(" not in text[1:]:  # as nearly always
        return text.find(")") + 1 or len(text)
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return at + 1
    return len(text)


def _first_dot(text: str) -> int:
    """The first dot outside of brackets; -1: none."""
    dot, bracket = text.find("."), text.find("[")
    if bracket < 0 or dot < bracket:
        return dot
    depth = 0
    for at, letter in enumerate(text):
        if letter == "." and depth == 0:
            return at
        depth += (letter == "[") - (letter == "]")
    return -1


def plain_name(symbol: str) -> str:
    """A function's name in a symbol table without the ABI that the linker appends."""
    return symbol.removesuffix(".abi0").removesuffix(".abiinternal")


def shortened(name: str) -> str:
    """A name with its type arguments as gopclntab of Go 1.18-1.20 has them: ``[...]``."""
    first, last = name.find("["), name.rfind("]")
    return name if first < 0 or last < first else f"{name[:first]}[...]{name[last + 1 :]}"
