"""The direct calls of a file, and the jumps that leave a function as a call would: of one function, or of all.

A function that jumps to another one as its last deed (`runtime.cmpstring` to `cmpbody`, wrappers to what they wrap)
leaves its own caller as the caller of the other. What a function is called through (a register, memory) is not seen
here; where it does so is (`indirect`).
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.analysis.calls.indirect import LARGEST, IndirectCalls
from goinspect.analysis.calls.reach import Reach
from goinspect.disasm import BRANCH, CALL, JUMP
from goinspect.disasm.branches import Branches, direct_branches, shows_branches
from goinspect.disasm.x86lengths import meets
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from goinspect.analysis.calls.functions import Functions
    from goinspect.disasm import Instruction
    from goinspect.objfile.image import Image

__all__ = ["CallGraph", "Decoded", "Edges"]

_WHOLE = 1 << 22  # bytes of a function that are looked at
_PATIENCE = (
    1 << 24
)  # bytes that are decoded in all: functions of a damaged file may be any number of large ones
# PUSH RBP and MOV RBP, RSP, which need not follow each other. PACIASP or BTI; SUB SP; STP X29, X30; MOV or ADD X29, SP.
_PROLOGUES = {
    "amd64": re.compile(rb"(?s).{0,16}?\x55.{0,16}?\x48(\x89\xe5|\x8b\xec)"),
    "arm64": re.compile(rb"(?s)(?:....){0,3}\xfd\x7b.[\xa9\xa8](?:....){0,4}\xfd(?:\x03\x00\x91|..\x91)"),
}
_BITS = {"amd64": 64, "386": 32}
_REACHES = (40, 160)  # bytes before a branch where decoding begins
_FRAME_POINTERS = {"amd64": "bp", "arm64": "x29"}


class Edges:
    """Branches of a file between functions, in the order of their addresses.

    Attributes:
        branch: site, address behind it, target, and whether it is a call.
        source: the function that holds each one.
        target: the function that each one leads to.
    """

    def __init__(self, branch: Branches, source: NDArray[np.int64], target: NDArray[np.int64]) -> None:
        self.branch, self.source, self.target = branch, source, target


class Decoded(NamedTuple):
    """What the instructions of one function call."""

    edges: Edges
    indirect: tuple[Instruction, ...]  # calls through a register or memory


class CallGraph:
    """What calls what in one file, looked up where it is asked for.

    Args:
        image: the file.
        functions: its functions; all else in it is no code.
        exact: leave out what only looks like a branch on x86, one in a million, which takes twice as long.
    """

    def __init__(self, image: Image, functions: Functions, *, exact: bool = True) -> None:
        self.image, self.functions, self._exact = image, functions, exact
        self.possible = shows_branches(image.arch)
        self._edges: dict[int, Edges] = {}
        self._doubts = _PATIENCE
        self._everything: Edges | None = None

    def of(self, number: int) -> Edges:
        """The direct branches of a function to functions, itself included where it is called.

        On x86 one in a million is none: `everything` and `decoded` leave these out.
        """
        if number not in self._edges:
            start = int(self.functions.starts[number])
            found = direct_branches(
                memoryview(self._code(number)), start, self.image.arch, self.image.byteorder
            )
            self._edges[number] = self._between(found)
        return self._edges[number]

    def everything(self) -> Edges:
        """The direct branches of all functions.

        On x86 a byte within another instruction may look like a call, of which few lead to the start of a function: what
        decoding does not come upon is left out.
        """
        if self._everything is None:
            parts = []
            for segment in self.image.segments:
                if segment.executable and segment.file_size:
                    try:
                        code = self.image.tail(segment.vaddr)[: segment.file_size]
                    except GoinspectError:
                        continue
                    found = direct_branches(code, segment.vaddr, self.image.arch, self.image.byteorder)
                    edges = self._between(found)
                    parts.append(self._real(edges, code, segment.vaddr) if self._exact else edges)
            self._everything = _joined(parts) if parts else self._between(Branches.none())
        return self._everything

    def decoded(self, number: int) -> Decoded:
        """The same, and the calls whose target is not in the code, from one instruction to the next."""
        from goinspect.disasm import decode  # capstone and what belongs to it

        start = int(self.functions.starts[number])
        found = [
            one
            for one in decode(self._code(number), start, self.image.arch)
            if one.kind in (CALL, JUMP, BRANCH)
        ]
        direct = [one for one in found if one.target is not None]
        rows = Branches(
            np.array([one.address for one in direct], dtype=np.uint64),
            np.array([one.end for one in direct], dtype=np.uint64),
            np.array([one.target for one in direct], dtype=np.uint64),
            np.array([one.kind == CALL for one in direct], dtype=np.bool_),
        )
        indirect = (one for one in found if one.kind == CALL and one.target is None)
        return Decoded(self._between(rows), tuple(indirect))

    def _between(self, found: Branches) -> Edges:
        target = self.functions.entered(found.target)
        some = np.flatnonzero(target >= 0)
        source = self.functions.holding(found.site[some])
        real = (source >= 0) & (found.call[some] | (source != target[some]))
        some, source = some[real], source[real]
        columns = (column[some] for column in found)
        return Edges(Branches(*columns), source, target[some])

    def _real(self, edges: Edges, code: memoryview, vaddr: int) -> Edges:
        """Those where an instruction begins."""
        bits = _BITS.get(self.image.arch)
        if bits is None or not len(edges.source):
            return edges
        low = np.uint64(vaddr)
        site = (edges.branch.site - low).astype(np.int64)
        entry = (np.maximum(self.functions.starts[edges.source], low) - low).astype(np.int64)
        behind = (edges.branch.after - low).astype(np.int64)
        real = np.zeros(len(site), dtype=np.bool_)
        # Decoding that begins in the wrong place soon falls into step. What one attempt misses the next decides.
        for reach in _REACHES:
            left = np.flatnonzero(~real)
            start = np.maximum(site[left] - reach, entry[left])
            if len(left) == len(real):
                start[1:] = np.where(behind[:-1] <= site[1:], np.maximum(start[1:], behind[:-1]), start[1:])
            real[left] = meets(np.frombuffer(code, dtype=np.uint8), start, site[left], bits)
        starts: dict[int, frozenset[int] | None] = {}
        for row in np.flatnonzero(~real).tolist():
            number = int(edges.source[row])
            if number not in starts:
                starts[number] = self._addresses(number)
            known = starts[number]
            real[row] = known is None or int(edges.branch.site[row]) in known
        return Edges(edges.branch.where(real), edges.source[real], edges.target[real])

    def _addresses(self, number: int) -> frozenset[int] | None:
        """Of the instructions of a function; None where it is too large to decode it."""
        from goinspect.disasm import decode  # capstone and what belongs to it

        code = self._code(number)
        self._doubts -= len(code)
        if len(code) > LARGEST or self._doubts < 0:
            return None
        found = decode(code, int(self.functions.starts[number]), self.image.arch)
        return frozenset(one.address for one in found)

    @cached_property
    def reach(self) -> Reach:
        """Where all calls lead."""
        return Reach(self.everything(), len(self.functions))

    def called_before(self, afters: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The function that is called by the direct call right before each address; -1 where there is none."""
        room = 8  # bytes, which hold the call and are a multiple of all instructions
        window = np.zeros((len(afters), room), dtype=np.uint8)
        for segment in self.image.segments:
            if not segment.executable or segment.file_size < room:
                continue
            try:
                data = np.frombuffer(self.image.tail(segment.vaddr)[: segment.file_size], dtype=np.uint8)
            except GoinspectError:
                continue
            first = np.uint64(segment.vaddr)
            here = np.flatnonzero(
                (afters >= first + np.uint64(room)) & (afters <= first + np.uint64(len(data)))
            )
            at = (afters[here] - first).astype(np.int64)
            window[here] = data[at[:, None] + np.arange(-room, 0)]
        found = direct_branches(memoryview(window.tobytes()), 0, self.image.arch, self.image.byteorder)
        found = found.where(found.call & (found.after % np.uint64(room) == 0))
        row = (found.after // np.uint64(room)).astype(np.int64) - 1
        moved = afters[row] - found.after
        target = found.target + moved
        if self.image.arch.startswith("mips"):  # not relative: within the 256 MB of the instruction
            region = np.uint64(0x0FFF_FFFF)
            target = (found.site + moved + np.uint64(4)) & ~region | found.target & region
        out = np.full(len(afters), -1, dtype=np.int64)
        out[row] = self.functions.entered(target)
        return out

    @cached_property
    def indirect(self) -> IndirectCalls:
        """The calls through a register or memory."""
        return IndirectCalls(self.image, self.functions, lambda: self.everything().branch)

    def leads(self, number: int) -> list[int]:
        """The function, and those that it jumps on to, nearest first."""
        return self.reach.leads(number)

    def calls(self, caller: int, callee: int) -> tuple[int, ...]:
        """Return addresses of the direct calls in `caller` that lead to `callee`."""
        return self.reach.sites(caller, callee)

    def callers(self, callee: int) -> list[int]:
        """The functions with a direct call that leads to `callee`."""
        return self.reach.all_callers([callee])[0]

    def instructions(self, number: int) -> Iterator[Instruction]:
        """The instructions of a function; none of one that is too large."""
        from goinspect.disasm import decode  # capstone and what belongs to it

        code = self._code(number)
        if self.indirect.may_decode(len(code)):
            yield from decode(code, int(self.functions.starts[number]), self.image.arch)

    def sets_frame_up(self, number: int) -> bool:
        """Does the function begin by making the frame pointer its own, as a C compiler has it?"""
        mark = _PROLOGUES.get(self.image.arch)
        return mark is not None and mark.match(self._code(number)[:32]) is not None

    def uses_frame_pointer(self, number: int) -> bool:
        """Does any instruction of the function name the frame pointer?"""
        from goinspect.disasm import decode  # capstone and what belongs to it

        name = _FRAME_POINTERS.get(self.image.arch)
        code = self._code(number)
        if name is None or not self.indirect.may_decode(len(code)):
            return True
        start = int(self.functions.starts[number])
        return any(name in instruction.operands for instruction in decode(code, start, self.image.arch))

    def _code(self, number: int) -> bytes:
        try:
            return bytes(self.functions.code(number)[:_WHOLE])
        except GoinspectError:  # the file ends before it
            return b""


def _joined(parts: list[Edges]) -> Edges:
    branch = Branches(
        *(np.concatenate(column) for column in zip(*(part.branch for part in parts), strict=True))
    )
    return Edges(
        branch,
        np.concatenate([part.source for part in parts]),
        np.concatenate([part.target for part in parts]),
    )
