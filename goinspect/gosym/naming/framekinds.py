"""What a frame of Go code is, and so its colour: whose code, and of the runtime whether it is the garbage collector."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goinspect.gosym.naming.names import package_of
from goinspect.model import FrameKind

if TYPE_CHECKING:
    from goinspect.gosym.naming.origins import Origins

__all__ = ["frame_kind"]

_GC = re.compile(
    r"""^(?:runtime\.(?:\(\*(?:gc|sweep|scavenge|wbBuf|markBits|limiterEvent|pageAlloc\)\.scavenge)[^)]*\)\.|
    (?:gc|sweep|bgsweep|bgscavenge|markroot|scanobject|scanblock|scanstack|scanConservative|scanframe|greyobject|
       shade|wb|bulkBarrier|mark|drain|finishsweep|clearpools|forEachP|sweepone|deductSweepCredit|
       (?:mem|stack)?scan|tryDeferToSpanScan|spanSetScans)[A-Za-z0-9]*\b)
    |runtime\.\(\*spanInlineMarkBits\)|runtime\.\(\*mspan\)\.(?:typePointers|markBits|sweep|moveInline)
    |internal/runtime/gc\b)""",
    re.VERBOSE,
)
_RUNTIME = (
    "runtime/internal",
    "internal/runtime/",
)  # they belong to package runtime; runtime/pprof and its like do not


def frame_kind(name: str, origins: Origins) -> tuple[str, str]:
    """(FrameKind, package) of a function name of a binary.

    What has no package (assembly, what the compiler makes) counts as the runtime's.
    """
    package = package_of(name)
    kind = origins.of_package(package).kind if package else FrameKind.STDLIB
    if kind == FrameKind.STDLIB and (package in ("", "runtime") or package.startswith(_RUNTIME)):
        return (FrameKind.GC if _GC.match(name) else FrameKind.RUNTIME), package or "runtime"
    return kind, package
