"""Which program a recording is of: the Go program with most samples, by its module rather than its file."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import distinct
from goinspect.analysis.pgo.kinds import GO
from goinspect.analysis.stacks.framing.places import program_of
from goinspect.binary import Binary
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from goinspect.results.places import Module, Program
    from goinspect.results.stacks import Stacks

__all__ = ["Chosen", "busiest_files", "choose", "identity", "modules_of"]

_FILES = ("", "command-line-arguments")  # no path of a package: files were named


class Identity(NamedTuple):
    """What tells a program from others. ``kind``: "module", "package", or "file" where nothing better is known."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name or '?'}"


class Chosen(NamedTuple):
    """The program: which rows of `Places.modules` are files of it, the last entry for frames in no file."""

    identity: Identity
    rows: NDArray[np.bool_]
    modules: tuple[Module, ...]

    def is_of(self, other: Chosen) -> bool:
        """May both be of one program? Of a file that tells nothing of itself its name says so."""
        if self.identity == other.identity:
            return True
        for one, of in ((self, other), (other, self)):
            if one.identity.kind == "file" and one.identity.name in map(_base, of.modules):
                return True
        return False


def _base(module: Module) -> str:
    return PurePosixPath(module.path).name


def identity(program: Program | None, path: str) -> Identity:
    """Of a file."""
    if program is not None and program.module:
        return Identity("module", program.module)
    if program is not None and program.package not in _FILES:
        return Identity("package", program.package)
    return Identity("file", PurePosixPath(path).name)


def choose(stacks: Stacks, binaries: Sequence[str], first: Identity | None = None) -> Chosen | None:
    """The program that most samples are of, among those in `binaries` where these are Go's; None: there is none of Go.

    ``first`` is taken where there is any sample of it.
    """
    modules = () if stacks.places is None else stacks.places.modules
    found = [identity(module.program, module.path) for module in modules]
    found.append(Identity("file", ""))
    weights: Counter[Identity] = Counter()
    for row, count in enumerate(_samples(stacks, len(modules))):
        if count:
            weights[found[row]] += count
    if not weights:
        return None
    wanted = [one for one in map(_given, binaries) if one is not None and one in weights]
    if first is not None and first in weights:
        wanted = [first]
    best = max(wanted or [*weights], key=lambda one: (weights[one], one))
    rows = np.array([one == best for one in found], dtype=np.bool_)
    return Chosen(
        best, rows, tuple(module for module, own in zip(modules, rows.tolist(), strict=False) if own)
    )


def busiest_files(stacks: Stacks) -> list[Module]:
    """The files, other than the kernel, that samples have code of; those that most have, first."""
    modules = () if stacks.places is None else stacks.places.modules
    counts = _samples(stacks, len(modules), go=False)
    rows = [row for row, module in enumerate(modules) if not module.kernel and counts[row]]
    return [modules[row] for row in sorted(rows, key=lambda row: -counts[row])]


def _samples(stacks: Stacks, count: int, *, go: bool = True) -> list[int]:
    """How many samples have a function, of Go or at all, in each file; the last is for functions in no file."""
    wanted = np.array([not go or frame.kind in GO for frame in stacks.frames] or [False], dtype=np.bool_)
    owner = np.repeat(np.arange(len(stacks)), np.diff(stacks.start))
    pair = (owner * (count + 1) + modules_of(stacks) % (count + 1))[wanted[stacks.frame]]
    row, module = np.divmod(distinct(pair), count + 1)
    out = np.zeros(count + 1, dtype=np.int64)
    np.add.at(out, module, stacks.samples[row])
    return [int(number) for number in out]


def modules_of(stacks: Stacks) -> NDArray[np.int64]:
    """The file of each entry of ``frame``, -1 where none is known."""
    if stacks.places is None or stacks.place is None or not len(stacks.places.module):
        return np.full(len(stacks.frame), -1, dtype=np.int64)
    return np.where(stacks.place >= 0, stacks.places.module[stacks.place], -1).astype(np.int64)


def _given(path: str) -> Identity | None:
    """Of a file that was named by hand."""
    try:
        binary = Binary(path)
        go = binary.go_or_none
    except GoinspectError:  # an archive, or whatever else --binary may name
        return None
    if go is None:
        return None
    return identity(program_of(binary), path)
