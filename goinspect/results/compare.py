"""What `goinspect compare` says of several builds of a program. The first one is the base; columns are in that order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goinspect.results.info import Info

__all__ = [
    "AgainstBase",
    "ChangedSymbol",
    "Check",
    "Comparison",
    "GroupRow",
    "PartRow",
    "Shift",
    "SizeTable",
    "SymbolChanges",
    "Verdict",
    "WorksRow",
]


class PartRow(NamedTuple):
    """A part of the files, cf. `results.info.TableRow`: bytes in each file (None: not known), and entries."""

    name: str
    present: tuple[bool, ...]
    bytes: tuple[int | None, ...]
    entries: tuple[int | None, ...]
    within: str | None = None


class Verdict(NamedTuple):
    """Whether a tool can do its work with a build."""

    answer: str  # "yes", "partly" or "no"
    why: str  # the fact of the file that decides it


class WorksRow(NamedTuple):
    """What a tool can do with each build."""

    consumer: str
    per_binary: tuple[Verdict, ...]


class ChangedSymbol(NamedTuple):
    """A symbol that not every file has, or not with the same size. None: the file does not have it."""

    name: str
    kind: str
    package: str | None
    address: tuple[int | None, ...]
    size: tuple[int | None, ...]
    present: tuple[bool, ...]


class Shift(NamedTuple):
    """Symbols that moved by the same distance."""

    delta: int  # bytes; added to the address in the base
    symbols: int
    kinds: Mapping[str, int]


class AgainstBase(NamedTuple):
    """The symbols of one file against those of the base: counts, by kind."""

    path: str
    kept: Mapping[str, int]
    lost: Mapping[str, int]
    gained: Mapping[str, int]
    resized: int
    moved: int
    shifts: tuple[Shift, ...]  # by how many symbols moved by it; the first few
    distances: int  # different shifts in all
    sizes_exact: bool  # False: sizes were compared with the padding behind functions


class SymbolChanges(NamedTuple):
    """Symbols by name. `kept`: in every file."""

    kept: int
    lost: tuple[ChangedSymbol, ...]  # in the base, but not in all of the others
    gained: tuple[ChangedSymbol, ...]  # not in the base
    resized: tuple[ChangedSymbol, ...]
    against: tuple[AgainstBase, ...]  # one for each file but the base


class GroupRow(NamedTuple):
    """Bytes of one package, module, section or kind in each file."""

    name: str
    bytes: tuple[int, ...]


class SizeTable(NamedTuple):
    """Bytes by group, the largest change first. `kinds`: of which symbols; those that every file knows."""

    by: str
    kinds: tuple[str, ...]
    rows: tuple[GroupRow, ...]
    sizes_exact: bool


class Check(NamedTuple):
    """A condition that the caller set, and what came of it."""

    condition: str
    path: str
    failed: bool
    found: str


class Comparison(NamedTuple):
    """`goinspect compare BASE OTHER…`."""

    files: tuple[Info, ...]
    labels: tuple[str, ...]  # short names of the files
    parts: tuple[PartRow, ...]
    works: tuple[WorksRow, ...]
    symbols: SymbolChanges
    sizes: SizeTable
    checks: tuple[Check, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """Name and version of the JSON shape."""
        return "goinspect.compare/1"
