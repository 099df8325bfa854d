"""What `goinspect calls` answers: edges of the call graph around functions, with the places of the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from goinspect.model import Frame

__all__ = [
    "CALL",
    "INLINED",
    "TAIL_JUMP",
    "CallEdge",
    "CallReport",
    "CallSite",
    "CalledFunction",
    "IndirectCall",
]

CALL, TAIL_JUMP, INLINED = "call", "tail jump", "inlined"


class CallSite(NamedTuple):
    """A call or jump. ``frames``: innermost first, the last is the function that holds it; None outside of Go's functions.

    Of an inlined call ``pc`` is where its code begins, and the frames are those of the call, not of what is called.
    """

    pc: int
    frames: tuple[Frame, ...] | None

    @property
    def file(self) -> str | None:
        """Of the innermost frame."""
        return self.frames[0].file if self.frames else None

    @property
    def line(self) -> int | None:
        """Of the innermost frame."""
        return self.frames[0].line if self.frames else None


class CallEdge(NamedTuple):
    """Who calls whom. ``depth`` is 1 for calls of, and by, the functions that were asked for."""

    caller: str
    caller_entry: int
    callee: str
    callee_entry: int
    kind: str  # "call"; "tail jump": the callee returns to the caller's caller; "inlined": there is no call any more
    depth: int
    sites: tuple[CallSite, ...]


class IndirectCall(NamedTuple):
    """A call through a register or memory: to whom, is not known."""

    site: CallSite
    text: str  # the instruction


class CalledFunction(NamedTuple):
    """A function that was asked for."""

    function: str
    entry: int
    end: int  # behind its last instruction and padding
    file: str | None
    address_taken: bool | None  # may be called through a pointer; None: not asked
    indirect: tuple[IndirectCall, ...] | None  # None: not asked


class CallReport(NamedTuple):
    """`goinspect calls BIN FUNC`. ``callers`` and ``callees`` are None where they were not asked for."""

    binary: str
    go_version: str | None
    arch: str
    query: str
    depth: int
    functions: tuple[CalledFunction, ...]
    callers: tuple[CallEdge, ...] | None
    callees: tuple[CallEdge, ...] | None
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.calls/1"
