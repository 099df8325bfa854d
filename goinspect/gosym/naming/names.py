"""What a Go symbol name says: its package, and whose code that is.

Grammar: ``import/path.Func``, ``import/path.(*T).Method``, ``….func1``, ``…[type arguments]``. Dots in the last
element of an import path are escaped as ``%2e``, so the package ends at the first dot behind the last slash, both
outside of brackets. Source: src/cmd/internal/objabi/path.go and src/debug/gosym/symtab.go (``PackageName``).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from goinspect.model import FrameKind

if TYPE_CHECKING:
    from collections.abc import Container

    from goinspect.gosym.build.info import BuildInfo

__all__ = [
    "Classifier",
    "NameParts",
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

_GC = re.compile(
    r"""^(?:runtime\.(?:\(\*(?:gc|sweep|scavenge|wbBuf|markBits|limiterEvent|pageAlloc\)\.scavenge)[^)]*\)\.|
    (?:gc|sweep|bgsweep|bgscavenge|markroot|scanobject|scanblock|scanstack|scanConservative|scanframe|greyobject|
       shade|wb|bulkBarrier|mark|drain|finishsweep|clearpools|forEachP|sweepone|deductSweepCredit|
       (?:mem|stack)?scan|tryDeferToSpanScan|spanSetScans)[A-Za-z0-9]*\b)
    |runtime\.\(\*spanInlineMarkBits\)|runtime\.\(\*mspan\)\.(?:typePointers|markBits|sweep|moveInline)
    |internal/runtime/gc\b)""",
    re.VERBOSE,
)


@lru_cache(maxsize=1 << 16)
def package_of(name: str) -> str:
    """The import path a function belongs to; "" for symbols without one (assembly, C, toolchain)."""
    head = name.partition("[")[0]
    if head.startswith(_TOOLCHAIN):
        return ""
    dot = head.find(".", head.rfind("/") + 1)
    if dot <= 0:
        return ""
    package = head[:dot]
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), package) if "%" in package else package


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


def split_name(name: str, functions: Container[str] = ()) -> NameParts:
    """Package, receiver and the rest of a function's name.

    ``pkg.A.B`` may be a method B of type A, or B inlined into a closure of function A: a package has no type and
    function of one name, so `functions`, names of functions of the same binary, tell these apart.
    """
    package = package_of(name)
    head = name.partition("[")[0]
    rest = name[head.find(".", head.rfind("/") + 1) + 1 :] if package else name
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


class Classifier:
    """Tells user code, standard library, runtime and garbage collector apart, by rule and build info, not by a list.

    The standard library is what has no dot in the first element of its path and does not belong to a module named in
    the build information.
    """

    def __init__(self, build_info: BuildInfo | None) -> None:
        modules = [build_info.main, *build_info.deps] if build_info else []
        self._modules = tuple(module.path for module in modules if module is not None and module.path)

    def kind(self, name: str) -> tuple[str, str]:
        """(FrameKind, package) of a function name."""
        package = package_of(name)
        if package in ("", "runtime") or package.startswith(("runtime/", "internal/runtime/")):
            if package.startswith("runtime/") and not package.startswith("runtime/internal"):
                return FrameKind.STDLIB, package
            return (FrameKind.GC if _GC.match(name) else FrameKind.RUNTIME), package or "runtime"
        return (FrameKind.USER if self._is_user(package) else FrameKind.STDLIB), package

    def _is_user(self, package: str) -> bool:
        if package in ("main", "command-line-arguments") or "." in package.partition("/")[0]:
            # the standard library vendors golang.org/x under vendor/, whose first element has no dot
            return True
        return any(package == module or package.startswith(module + "/") for module in self._modules)
