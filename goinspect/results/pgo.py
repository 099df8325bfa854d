"""What `goinspect pgo` answers: the calls that the compiler will take for hot, and what the profile lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from goinspect.results.stacks import Stacks

__all__ = ["NO_CODE", "CallEdge", "HotCheck", "PgoInput", "PgoProfile", "PgoReport", "Share"]

NO_CODE = "[other code]"  # stands between two functions of the program for frames that are none of its own


class CallEdge(NamedTuple):
    """A call as the Go compiler tells calls apart: by names and by lines from the caller's first one.

    ``offset``: None where the line of the call is not known.
    """

    caller: str
    offset: int | None
    callee: str
    weight: int = 0

    @property
    def key(self) -> tuple[str, int | None, str]:
        """What tells it apart."""
        return self[:3]


class Share(NamedTuple):
    """Samples of one kind."""

    what: str
    samples: int


class PgoInput(NamedTuple):
    """A recording, and the program that was taken from it."""

    path: str
    event: str
    binaries: tuple[str, ...]
    module: str  # "" where it is not known
    package: str
    go_versions: tuple[str, ...]
    samples: int
    taken: int


class HotCheck(NamedTuple):
    """Hot calls of another profile that are hot in this one, too. Weights are those of the other one."""

    path: str
    hot: int
    common: int
    weight: int
    common_weight: int
    missing: tuple[CallEdge, ...]  # heaviest first


class PgoReport(NamedTuple):
    """`goinspect pgo PROFILE…`.

    ``weight`` is that of all edges, ``with_lines`` of those whose line is known, ``hot`` are those that make up 99 % of
    `weight`: the compiler inlines and devirtualizes there. ``threshold`` is the share of the last one, in percent. ``left_out`` are
    samples without any frame of the program; of ``cut`` ones the innermost frames were left out, or the root is missing.
    """

    inputs: tuple[PgoInput, ...]
    unit: str
    samples: int
    taken: int
    weight: int
    with_lines: int
    edges: int
    hot: tuple[CallEdge, ...]
    threshold: float
    left_out: tuple[Share, ...]
    cut: tuple[Share, ...]
    check: HotCheck | None = None
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.pgo/1"


class PgoProfile(NamedTuple):
    """Stacks of one program, weighed by samples, and by ns of CPU time where all inputs tell it; and what is said of them."""

    stacks: Stacks
    report: PgoReport
    duration: int = 0  # ns
