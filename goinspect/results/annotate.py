"""What `goinspect annotate` answers, and the report of all: functions' samples beside their instructions and lines."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goinspect.results.disasm import FunctionCode, SourceLine
    from goinspect.results.places import BinaryUse, SourceFile

__all__ = ["AnnotatedCode", "AnnotatedLine", "Annotation", "Cost", "Details", "HotCode", "Unplaced"]


class Cost(NamedTuple):
    """Weights in the unit of the event.

    ``own``: what ended there in the function itself; ``inlined``: in a call inlined into it; ``total``: what went through,
    these two and calls, each sample once.
    """

    own: int = 0
    inlined: int = 0
    total: int = 0

    def plus(self, other: Cost) -> Cost:
        """Both."""
        return Cost(self.own + other.own, self.inlined + other.inlined, self.total + other.total)

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


class HotCode(NamedTuple):
    """A function that many samples ended in, whole or in part, with what its instructions cost.

    What ended at an instruction is ``own``, whichever inlined call it is of. ``unplaced``: the weight that went through the
    function, and of which no one instruction is known.
    """

    annotated: AnnotatedCode
    unplaced: int = 0

    def and_also(self, other: HotCode) -> HotCode:
        """The same function with what another profile says of it."""
        rows = {row.pc: row for one in (self, other) for row in one.annotated.code.rows}
        costs = dict.fromkeys(sorted(rows), Cost())
        for one in (self, other):
            for row, cost in zip(one.annotated.code.rows, one.annotated.costs, strict=True):
                costs[row.pc] = costs[row.pc].plus(cost)
        whole = self.annotated.code.whole or other.annotated.code.whole
        code = self.annotated.code._replace(rows=tuple(rows[pc] for pc in costs), whole=whole)
        return HotCode(
            self.annotated._replace(
                code=code, cost=self.annotated.cost.plus(other.annotated.cost), costs=tuple(costs.values())
            ),
            self.unplaced + other.unplaced,
        )


class Details(NamedTuple):
    """What the report tells beside the stacks.

    Attributes:
        binaries: what the stacks are in; what most ended in, first.
        modules: of packages, with their versions.
        codes: the hottest functions, the hottest first.
        codes_note: why there is none, where that is no matter of how many there are.
        sources: files of source of the frames; None: not asked for.
    """

    binaries: tuple[BinaryUse, ...] = ()
    modules: Mapping[str, str] = MappingProxyType({})
    codes: tuple[HotCode, ...] = ()
    codes_note: str = ""
    sources: tuple[SourceFile, ...] | None = None
