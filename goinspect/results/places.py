"""Where the frames of stacks are, and when they were sampled: what formats for other tools tell beside names.

And what a pprof profile says of itself, for whoever writes it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "BinaryUse",
    "Module",
    "Places",
    "ProfileFacts",
    "Program",
    "Series",
    "SourceFile",
    "Span",
    "ValueType",
]


class Program(NamedTuple):
    """What a Go file says of itself; "" where it does not."""

    go_version: str  # "go1.27.3"
    module: str  # path of its main module
    package: str  # path of its main package


class Module(NamedTuple):
    """A file with code, or the kernel. Addresses [start, end) hold the file from `offset` on.

    Where the file is known, these are its own addresses (vaddr), which are the same in every process and run;
    else those of one process: ``placed`` tells that.
    """

    path: str  # as it was recorded
    build_id: str
    start: int
    end: int
    offset: int
    placed: bool = False
    kernel: bool = False
    base: int = 0  # its lowest address
    program: Program | None = None  # of a file of Go that is known


class BinaryUse(NamedTuple):
    """A file that was mapped, or the kernel, and what of the stacks is in it.

    ``found`` is the path that it was read from, "" where no file is used. ``own`` is the weight that ended in it, ``unnamed``
    what of that has no name.
    """

    path: str  # as it was recorded
    build_id: str  # as it was recorded
    found: str = ""
    go_version: str = ""
    module: str = ""  # its main module, with the version
    frames: int = 0
    named: int = 0
    own: int = 0
    unnamed: int = 0
    kernel: bool = False

    def and_also(self, other: BinaryUse) -> BinaryUse:
        """With what another profile has in it."""
        return self._replace(
            frames=self.frames + other.frames,
            named=self.named + other.named,
            own=self.own + other.own,
            unnamed=self.unnamed + other.unnamed,
        )


class SourceFile(NamedTuple):
    """A file of source by its path in the binary; ``text`` is None where it is not shown, and ``note`` says why.

    Lines that no function with frames is near are blank.
    """

    file: str
    text: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """Distinct addresses: lookup positions, which is 1 byte before a return address. Row i is place i."""

    modules: tuple[Module, ...]
    module: NDArray[np.int32]  # row in modules, -1: none holds the address
    address: NDArray[np.uint64]  # 0: not known, of a restored caller


class Series(NamedTuple):
    """The single samples of stacks, in time order; ``time`` is in ns of the recording's clock, 0 where not recorded."""

    stack: NDArray[np.int64]
    time: NDArray[np.uint64]
    weight: NDArray[np.uint64]
    cpu: NDArray[np.int32] | None = None  # -1 where not recorded; None: nowhere

    def where(self, rows: NDArray[np.bool_]) -> Series:
        """The samples of the stacks where `rows` is True, which become the only ones."""
        import numpy as np

        kept = rows[self.stack]
        number = np.cumsum(rows) - 1
        cpu = None if self.cpu is None else self.cpu[kept]
        return Series(number[self.stack[kept]], self.time[kept], self.weight[kept], cpu)


class Span(NamedTuple):
    """When samples were taken, and how often. ``period``: the weight that all of them have; 0 where not known."""

    begin: int = 0  # ns of the recording's clock
    end: int = 0
    wall: int = 0  # ns of the wall clock at `begin`, where the recording tells it
    period: int = 0


class ValueType(NamedTuple):
    """What a value of each sample is, as the profile calls it; weights made of it are ``scale`` times as large."""

    name: str
    unit: str
    scale: int = 1


class ProfileFacts(NamedTuple):
    """The fields of profile.proto that are not samples, as they are there.

    Attributes:
        types: of the values.
        shown: row of the one that is shown.
        default: name of the one to show, "" where the profile does not say.
        time: ns of the wall clock.
        duration: ns.
        period: the weight of a sample, in `period_type`.
        period_type: its name and unit.
        comments: free text.
        doc_url: a page about it.
        drop_frames: a regular expression, which has been applied.
        keep_frames: as well.
        mappings: all of them, in the profile's order.
        placed: of each row of `Profile.mappings`, which one it is.
        nameless: those with neither a name nor a build ID; the first is row -2 of `Locations.mapping`, and so on down.
    """

    types: tuple[ValueType, ...] = ()
    shown: int = 0
    default: str = ""
    time: int = 0
    duration: int = 0
    period: int = 0
    period_type: tuple[str, str] = ("", "")
    comments: tuple[str, ...] = ()
    doc_url: str = ""
    drop_frames: str = ""
    keep_frames: str = ""
    mappings: tuple[Module, ...] = ()
    placed: tuple[Module, ...] = ()
    nameless: tuple[Module, ...] = ()

    def and_also(self, other: ProfileFacts) -> ProfileFacts:
        """Of both profiles added up, as pprof merges them."""
        return self.without_places()._replace(
            time=min(filter(None, (self.time, other.time)), default=0),
            duration=self.duration + other.duration,
            period=max(self.period, other.period),
            comments=tuple(dict.fromkeys((*self.comments, *other.comments))),
            doc_url=self.doc_url or other.doc_url,
        )

    def without_places(self) -> ProfileFacts:
        """Of stacks whose addresses are not kept."""
        return self._replace(mappings=(), placed=(), nameless=())
