"""Do the return addresses of a recording follow calls in a file? Those of the file that ran do; it is proof enough.

Where no build ID was recorded, nothing else tells the program that ran from one that was built later and has its
name. What a walk by frame pointers finds in code that keeps none (C, C++ and Rust, as most of it is compiled) are stale
words, some of which look like addresses: that they follow no call says nothing of the file. Encodings: Intel SDM vol. 2, CALL (E8, FF /2) and SYSCALL; Arm ARM, BL and BLR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect._ragged import distinct
from goinspect._words import counted
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.binary import Binary
    from goinspect.objfile.image import Image
    from goinspect.profiles.base import Profile

__all__ = ["Agreement", "CallCheck"]

_MOST = 1 << 12  # addresses of a file that are looked at
_BEFORE = 8  # bytes before a return address that may matter
_INDIRECT_LENGTHS = (2, 3, 4, 6, 7)  # of FF /2 with its operands
_QUANTUM = {"arm64": 4}
# The frame below these was interrupted: it called nothing. Below what they call it may be, too: at the entry of a
# function the frame-pointer walk passes over its caller.
_TRAPS = frozenset({
    "runtime.sigpanic", "runtime.sigpanic0", "runtime.asyncPreempt", "runtime.asyncPreempt2", "runtime.debugCallV2",
    "runtime.panicmem", "runtime.panicmemAddr", "runtime.panicdivide", "runtime.panicoverflow", "runtime.panicfloat",
})  # fmt: skip


class Agreement(NamedTuple):
    """Of `total` distinct return addresses `wrong` cannot be that in the file; and the same of those in Go functions.

    Go code keeps frame pointers, so that each of its return addresses is one. A walk through C code without them
    comes upon stale words: of the 279 distinct ones of a recording of GCC's cc1, 112 follow a call. In a file that did not
    run hardly any of them would.
    """

    total: int = 0
    wrong: int = 0
    go: int = 0
    go_wrong: int = 0

    @property
    def holds(self) -> bool:
        """Is it the file that ran, as far as can be told?"""
        few = 20
        allowed = max(1, self.go // 100) if self.go >= few else 0
        return not self.fails and self.go_wrong <= allowed

    @property
    def proves(self) -> bool:
        """Is its code certainly the code that ran?"""
        enough = 30
        return self.go >= enough and not self.go_wrong

    @property
    def suggests(self) -> bool:
        """Is there reason to believe that it is the file that ran?"""
        enough = 8
        return self.holds and (self.go >= enough or (self.total >= enough and self.wrong * 10 <= self.total))

    @property
    def fails(self) -> bool:
        """Is it certainly not the file that ran, as far as its own build ID does not say that it is?"""
        enough = 8
        if self.go >= enough:
            return self.contradicts
        return self.total >= enough and (self.total - self.wrong) * 5 < self.total

    @property
    def contradicts(self) -> bool:
        """Is it certainly not the file that ran, whatever else may say so? That only Go code can tell."""
        enough, sure = 8, 20
        most = self.go >= enough and self.go_wrong * 2 > self.go
        return most or (self.go >= sure and self.go_wrong * 20 > self.go)

    def __str__(self) -> str:
        if self.go_wrong:
            return f"{self.go_wrong:,} of {counted(self.go, 'recorded return address', 'recorded return addresses')} in Go functions follow no call in it"
        return f"{self.wrong:,} of {self.total:,} recorded return addresses follow no call in it"


class CallCheck:
    """The return addresses of one profile, ready to be looked for in files."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    def agreement(self, binary: Binary, rows: NDArray[np.int64], vaddrs: NDArray[np.uint64]) -> Agreement:
        """How far the file fits.

        Args:
            binary: the file in question.
            rows: locations of the profile that lie in it.
            vaddrs: where; one less than the return address where the location is not exact.
        """
        follow = _CHECKS.get(binary.image.arch)
        asked = np.flatnonzero(~self._profile.locations.exact[rows])
        if follow is None or not len(asked):
            return Agreement()
        if len(asked) > _MOST:
            asked = asked[np.linspace(0, len(asked) - 1, _MOST).astype(np.int64)]
        addresses = vaddrs[asked] + np.uint64(1)
        code = _Code(binary.image)
        before, inside = code.before(addresses)
        good = follow(before, addresses, code)
        rest = np.flatnonzero(inside & ~good)
        try:
            if len(rest):
                good[rest] = self._excused(binary, addresses[rest], rows[asked[rest]], _Rows(rows, vaddrs))
            go = _in_go(binary, addresses) & inside
        except GoinspectError:  # a damaged table says nothing
            return Agreement()
        bad = inside & ~good
        return Agreement(*(int(np.count_nonzero(part)) for part in (inside, bad, go, bad & go)))

    def _excused(
        self, binary: Binary, addresses: NDArray[np.uint64], wrong: NDArray[np.int64], rows: _Rows
    ) -> NDArray[np.bool_]:
        """Not called, but in place all the same: entries of functions, and what a signal interrupted.

        goexit and the restorer of signal handlers are put on the stack as if they had called.
        """
        if binary.go_or_none is None:
            return np.isin(addresses, np.array(binary.native.starts, dtype=np.uint64))
        entries = binary.bulk.entries
        quantum = np.uint64(_QUANTUM.get(binary.image.arch, 1))
        excused = np.isin(addresses, entries) | np.isin(addresses - quantum, entries)
        if not excused.all():
            excused |= np.isin(wrong, self._below_traps(binary, rows))
        return np.asarray(excused)

    def _below_traps(self, binary: Binary, rows: _Rows) -> NDArray[np.int32]:
        """Locations that stand directly below a trap in any stack."""
        profile = self._profile
        found = binary.bulk_frames(rows.vaddrs, inlines=False, lines=False)
        is_trap = np.array([name in _TRAPS for name in found.names] or [False])
        named = np.flatnonzero(np.diff(found.start))
        trap = np.zeros(len(profile.locations.exact), dtype=np.bool_)
        trap[rows.rows[named]] = is_trap[found.function[found.start[named]]]
        at = np.flatnonzero(trap[profile.frames]) + 1
        return distinct(profile.frames[at[at < len(profile.frames)]])


def _in_go(binary: Binary, addresses: NDArray[np.uint64]) -> NDArray[np.bool_]:
    if binary.go_or_none is None:
        return np.zeros(len(addresses), dtype=np.bool_)
    return np.asarray(binary.bulk.find(addresses - np.uint64(1)) >= 0)


class _Rows(NamedTuple):
    """Locations in one file."""

    rows: NDArray[np.int64]
    vaddrs: NDArray[np.uint64]


class _Code:
    """The executable segments of a file as arrays."""

    def __init__(self, image: Image) -> None:
        self.parts: list[tuple[int, NDArray[np.uint8]]] = []
        for segment in image.segments:
            if segment.executable and segment.file_size:
                try:
                    data = image.tail(segment.vaddr)[: segment.file_size]
                except GoinspectError:  # the file ends before it
                    continue
                self.parts.append((segment.vaddr, np.frombuffer(data, dtype=np.uint8)))

    def before(self, addresses: NDArray[np.uint64]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """The `_BEFORE` bytes before each address, zeros where there are none; and which addresses are in code."""
        out = np.zeros((len(addresses), _BEFORE), dtype=np.uint8)
        inside = np.zeros(len(addresses), dtype=np.bool_)
        for vaddr, data in self.parts:
            here = np.flatnonzero(
                (addresses >= np.uint64(vaddr + _BEFORE)) & (addresses <= np.uint64(vaddr + len(data)))
            )
            index = (addresses[here] - np.uint64(vaddr)).astype(np.int64)
            out[here] = data[index[:, None] + np.arange(-_BEFORE, 0)]
            inside[here] = True
        return out, inside

    def holds(self, addresses: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which addresses are in code."""
        held = np.zeros(len(addresses), dtype=np.bool_)
        for vaddr, data in self.parts:
            held |= (addresses >= np.uint64(vaddr)) & (addresses < np.uint64(vaddr + len(data)))
        return held


def _follow_x86(before: NDArray[np.uint8], addresses: NDArray[np.uint64], code: _Code) -> NDArray[np.bool_]:
    """CALL rel32 into code, CALL r/m, or a system call."""
    relative = before[:, 4:].copy().view("<i4")[:, 0].astype(np.int64).astype(np.uint64)
    good = (before[:, 3] == 0xE8) & code.holds(addresses + relative)
    for length in _INDIRECT_LENGTHS:
        opcode, modrm = before[:, -length], before[:, 1 - length]
        sib = before[:, min(2 - length, -1)]
        good |= (opcode == 0xFF) & (modrm >> 3 & 7 == 2) & (_length(modrm, sib) == length)
    pair = before[:, -2].astype(np.uint16) << 8 | before[:, -1]
    return np.asarray(good | np.isin(pair, (0x0F05, 0x0F34, 0xCD80)))


def _length(modrm: NDArray[np.uint8], sib: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Bytes of an instruction with a one-byte opcode and this operand."""
    mod, rm = modrm >> 6, modrm & 7
    has_sib = (mod != 3) & (rm == 4)
    wide = (mod == 2) | ((mod == 0) & ((rm == 5) | (has_sib & (sib & 7 == 5))))
    size = 2 + has_sib.astype(np.int64) + (mod == 1) + np.where(wide, 4, 0)
    return np.asarray(size)


def _follow_arm64(before: NDArray[np.uint8], addresses: NDArray[np.uint64], code: _Code) -> NDArray[np.bool_]:
    """BL into code, BLR, or SVC."""
    word = before[:, 4:].copy().view("<u4")[:, 0]
    offset = (word & 0x03FF_FFFF).astype(np.int64)
    offset = np.where(offset >> 25, offset - (1 << 26), offset) * 4
    target = addresses - np.uint64(4) + offset.astype(np.uint64)
    direct = (word & 0xFC00_0000 == 0x9400_0000) & code.holds(target)
    indirect = (word & 0xFFFF_FC1F == 0xD63F_0000) | (word & 0xFEFF_F800 == 0xD63F_0800)
    return np.asarray(direct | indirect | (word & 0xFFE0_001F == 0xD400_0001))


_CHECKS = {"amd64": _follow_x86, "386": _follow_x86, "arm64": _follow_arm64}
