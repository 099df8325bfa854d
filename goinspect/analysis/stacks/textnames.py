"""Names that came with a profile: which are Go's, and the frames that they make."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from goinspect._ragged import distinct
from goinspect.analysis.recordings.callsites import Agreement
from goinspect.gosym.naming.framekinds import frame_kind
from goinspect.gosym.naming.names import plain_name
from goinspect.gosym.naming.origins import Origins
from goinspect.model import FrameKind
from goinspect.profiles.base import KIND_KERNEL
from goinspect.results.stacks import StackFrame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from goinspect.binary import Binary
    from goinspect.profiles.base import Locations, Profile

__all__ = ["PrintedNames", "is_go_evidence", "looks_go"]

_MOST = 1 << 12  # locations of a file whose names are compared
# Which no program but a Go program has. "main.py" and its like are files of another language.
_GO_EVIDENCE = re.compile(
    r"(?:runtime\.(?:[a-z]\w*|\(\*\w+\)\.\w+)|main\.(?!(?:py|js|ts|rb|c|cc|cpp|rs|java)\b)[\w(])"
)
_GO_NAME = re.compile(r"(?:[\w.~%-]+/)*[\w~%-]+\.[\w(·]|_rt0_|type:|go:")


def is_go_evidence(name: str) -> bool:
    """Does the name show that the program is one of Go?"""
    return _GO_EVIDENCE.match(name) is not None


def looks_go(name: str) -> bool:
    """May it be the name of a Go function, in a program of Go?"""
    head = name.partition("[")[0]
    return _GO_NAME.match(head) is not None and "::" not in head and " " not in head


class NamesAgreement(Agreement):
    """Of `total` distinct names `wrong` are others in the file."""

    __slots__ = ()

    @property
    def fails(self) -> bool:
        """Has it other names for most of them?"""
        enough = 8
        return self.total >= enough and self.wrong * 2 > self.total

    def __str__(self) -> str:
        return f"{self.wrong:,} of {self.total:,} recorded places have other names in it"


class PrintedNames:
    """What a profile calls its locations."""

    def __init__(self, profile: Profile) -> None:
        self._names = profile.names
        self._mappings = profile.mappings
        self._of_profile = profile.locations.name
        self._origins = Origins(None)
        self._places = profile.places
        self._go = [any(map(is_go_evidence, names)) for names in self._names]
        if self._places:
            self._go = [
                go or any(place.file.endswith(".go") for place in places)
                for go, places in zip(self._go, self._places, strict=True)
            ]
        self._frames: dict[tuple[str, str, bool, bool, bool], StackFrame] = {}

    @property
    def exist(self) -> bool:
        """Is it a profile of names at all?"""
        return self._of_profile is not None

    def known(self, locations: Locations) -> NDArray[np.bool_]:
        """Which locations have a name."""
        if locations.name is None:
            return np.zeros(len(locations.mapping), dtype=np.bool_)
        return np.asarray(locations.name >= 0)

    def suffice(self, rows: NDArray[np.int64], locations: Locations) -> bool:
        """Is there nothing that the file of these locations could add? Only of Go it could."""
        if locations.name is None or not len(rows) or (locations.name[rows] < 0).any():
            return False
        return not any(self._go[name] for name in distinct(locations.name[rows]).tolist())

    def frames(
        self, rows: NDArray[np.int64], locations: Locations, *, lines: bool
    ) -> Iterable[tuple[int, tuple[StackFrame, ...]]]:
        """The frames of each location, all of which have names: the physical function first."""
        if locations.name is None:
            return
        made: dict[tuple[int, int], tuple[StackFrame, ...]] = {}
        numbers, names = locations.mapping[rows], locations.name[rows]
        go = {number: not self._all_other(names[numbers == number]) for number in distinct(numbers).tolist()}
        for row, number, name in zip(rows.tolist(), numbers.tolist(), names.tolist(), strict=True):
            frames = made.get((number, name))
            if frames is None:
                file = self._mappings[number].path if number >= 0 else ""
                kernel = locations.kind[row] == KIND_KERNEL
                frames = tuple(
                    self._frame(text, file, kernel=kernel, go=go[number], inlined=depth > 0)
                    for depth, text in enumerate(self._names[name])
                )
                if lines and self._places:
                    frames = tuple(
                        frame._replace(file=place.file, line=place.line, start_line=place.start_line)
                        for frame, place in zip(frames, self._places[name], strict=True)
                    )
                made[number, name] = frames
            yield row, frames

    def agreement(
        self, binary: Binary, rows: NDArray[np.int64], vaddrs: NDArray[np.uint64]
    ) -> NamesAgreement:
        """Does a file of Go call these locations of the profile what they are called here?"""
        if self._of_profile is None or binary.go_or_none is None:
            return NamesAgreement()
        numbers = self._of_profile[rows]
        vaddrs, numbers = vaddrs[numbers >= 0][:_MOST], numbers[numbers >= 0][:_MOST]
        found = binary.bulk_frames(vaddrs, inlines=False, lines=False)
        start, function = found.start.tolist(), found.function.tolist()
        wrong = 0
        for row, number in enumerate(numbers.tolist()):
            name = found.names[function[start[row + 1] - 1]] if start[row] < start[row + 1] else ""
            wrong += _stem(plain_name(self._names[number][0])) != _stem(name)
        return NamesAgreement(len(numbers), wrong)

    def _all_other(self, names: NDArray[np.int32]) -> bool:
        return not any(self._go[name] for name in distinct(names).tolist())

    def _frame(self, name: str, file: str, *, kernel: bool, go: bool, inlined: bool) -> StackFrame:
        key = name, file, kernel, go, inlined
        frame = self._frames.get(key)
        if frame is None:
            frame = self._frames[key] = self._made(*key)
        return frame

    def _made(self, name: str, file: str, kernel: bool, go: bool, inlined: bool) -> StackFrame:
        if kernel:
            return StackFrame(name, FrameKind.KERNEL, _module(file), inlined)
        if go and looks_go(name):
            name = plain_name(name)
            kind, package = frame_kind(name, self._origins)
            return StackFrame(name, kind, package, inlined)
        return StackFrame(name, FrameKind.NATIVE, PurePosixPath(file).name, inlined)


def _module(file: str) -> str:
    """The part of the kernel that perf names: "[nf_tables]", ".../nf_tables.ko.xz", "[kernel.kallsyms]"."""
    name = PurePosixPath(file).name.strip("[]")
    if name.startswith("bpf_prog_"):
        return "bpf"
    module = name.partition(".ko")[0]
    return "kernel" if not name or name.startswith(("kernel", "guest.kernel", "vmlinu")) else module


def _stem(name: str) -> str:
    """Without type arguments, of which gopclntab before Go 1.21 has none."""
    head, bracket, rest = name.partition("[")
    return head + rest.rpartition("]")[2] if bracket else head
