"""What a Go symbol name says: its package, and whose code that is.

Grammar: ``import/path.Func``, ``import/path.(*T).Method``, ``….func1``, ``…[type arguments]``. Dots in the last
element of an import path are escaped as ``%2e``, so the package ends at the first dot behind the last slash, both
outside of brackets. Source: src/cmd/internal/objabi/path.go and src/debug/gosym/symtab.go (``PackageName``).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from goinspect.model import FrameKind

if TYPE_CHECKING:
    from goinspect.gosym.buildinfo import BuildInfo

__all__ = ["Classifier", "package_of"]

_ESCAPE = re.compile(r"%([0-9a-f]{2})")
# Symbols the toolchain makes itself: type:.eq.T, go:buildid, and with a dot before Go 1.20.
_TOOLCHAIN = ("type:", "go:", "type..", "go.", "_rt0_", "_cgo", "x_cgo", "crosscall")

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
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), head[:dot])


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
