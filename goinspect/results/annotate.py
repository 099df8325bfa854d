"""What `goinspect annotate` answers: a function's samples beside its instructions and lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from goinspect.results.disasm import FunctionCode, SourceLine

__all__ = ["AnnotatedCode", "AnnotatedLine", "Annotation", "Cost", "Unplaced"]


class Cost(NamedTuple):
    """Weights in the unit of the event.

    ``own``: what ended there in the function itself; ``inlined``: in a call inlined into it; ``total``: what went through,
    these two and calls, each sample once.
    """

    own: int = 0
    inlined: int = 0
    total: int = 0

    @property
    def here(self) -> int:
        """What ended there, whichever call the code belongs to."""
        return self.own + self.inlined


class AnnotatedCode(NamedTuple):
    """A function with what its instructions cost, or the parts of one into which the function was inlined."""

    binary: str
    arch: str
    syntax: str
    code: FunctionCode
    cost: Cost
    costs: tuple[Cost, ...]  # of each row of `code`


class AnnotatedLine(NamedTuple):
    """A line of the function, or of a call inlined into it: ``own`` ended there, ``total`` went through, each sample once.

    ``inlined``: nowhere in the code that is shown is it of a function that has the code itself.
    """

    function: str
    file: str
    line: int
    inlined: bool
    own: int
    total: int


class Unplaced(NamedTuple):
    """What is of the function, and of none of its instructions.

    ``calls`` are the addresses of calls one of which was running, where it is not known which; empty: no instruction
    is known there.
    """

    binary: str | None
    function: str | None  # that has the calls
    calls: tuple[int, ...]
    cost: Cost


class Annotation(NamedTuple):
    """`goinspect annotate PROFILE [FUNC]`."""

    profile: str
    event: str
    unit: str
    weight: int  # of all samples that were chosen, this function's or not
    function: str
    samples: int  # that are in the function
    cost: Cost
    codes: tuple[AnnotatedCode, ...]  # what has most, first
    lines: tuple[AnnotatedLine, ...]
    unplaced: tuple[Unplaced, ...]
    sources: tuple[SourceLine, ...] | None  # None: not asked for
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.annotate/1"
