"""The direct calls of a file, and the jumps that leave a function as a call would: of one function, or of all.

A function that jumps to another one as its last deed (`runtime.cmpstring` to `cmpbody`, wrappers to what they wrap)
leaves its own caller as the caller of the other. What a function is called through (a register, memory) is not seen
here; where it does so is (`indirect`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from goinspect.disasm import BRANCH, CALL, JUMP, decode
from goinspect.disasm.branches import Branches, direct_branches, shows_branches
from goinspect.disasm.x86lengths import meets
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from goinspect.analysis.calls.functions import Functions
    from goinspect.disasm import Instruction
    from goinspect.objfile.image import Image

__all__ = ["CallGraph", "Decoded", "Edges"]

_CHAIN = 4  # functions that jump on, one to the next
_LARGEST = 1 << 22  # bytes of a function that is decoded
_INDIRECT_X86 = 0xFF
_BITS = {"amd64": 64, "386": 32}
_REACHES = (40, 160)  # bytes before a branch where decoding begins
# ENDBR64, PUSH RBP; MOV RBP, RSP. PACIASP or BTI; SUB SP; STP X29, X30; MOV or ADD X29, SP.
_PROLOGUES = {
    "amd64": re.compile(rb"(?s)(\xf3\x0f\x1e\xfa)?\x55\x48(\x89\xe5|\x8b\xec)"),
    "arm64": re.compile(rb"(?s)(?:....){0,3}\xfd\x7b.[\xa9\xa8](?:....){0,4}\xfd(?:\x03\x00\x91|..\x91)"),
}
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
    """

    def __init__(self, image: Image, functions: Functions) -> None:
        self.image, self.functions = image, functions
        self.possible = shows_branches(image.arch)
        self._edges: dict[int, Edges] = {}
        self._indirect: dict[int, tuple[int, ...]] = {}
        self._leads: dict[int, frozenset[int]] = {}
        self._starts: dict[int, frozenset[int]] = {}
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
                    parts.append(self._real(self._between(found), code, segment.vaddr))
            self._everything = _joined(parts) if parts else self._between(Branches.none())
        return self._everything

    def decoded(self, number: int) -> Decoded:
        """The same, and the calls whose target is not in the code, from one instruction to the next."""
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
        found, target = found.where(target >= 0), target[target >= 0]
        source = self.functions.find(found.site)
        real = (source >= 0) & (found.call | (source != target))
        return Edges(found.where(real), source[real], target[real])

    def _real(self, edges: Edges, code: memoryview, vaddr: int) -> Edges:
        """Those where an instruction begins."""
        bits = _BITS.get(self.image.arch)
        if bits is None or not len(edges.source):
            return edges
        site = (edges.branch.site - np.uint64(vaddr)).astype(np.int64)
        low = np.uint64(vaddr)
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
        for row in np.flatnonzero(~real).tolist():
            number = int(edges.source[row])
            real[row] = int(edges.branch.site[row]) in self._addresses(number)
        return Edges(edges.branch.where(real), edges.source[real], edges.target[real])

    def _addresses(self, number: int) -> frozenset[int]:
        """Of the instructions of a function."""
        if number not in self._starts:
            start = int(self.functions.starts[number])
            found = decode(self._code(number), start, self.image.arch)
            self._starts[number] = frozenset(one.address for one in found)
        return self._starts[number]

    def call_before(self, after: int) -> int:
        """The function that is called by the direct call behind which `after` is; -1 where there is none."""
        number = int(self.functions.find(np.array([after - 1], dtype=np.uint64))[0])
        if number < 0:
            return -1
        edges = self.of(number)
        row = np.flatnonzero((edges.branch.after == np.uint64(after)) & edges.branch.call)
        return int(edges.target[row[0]]) if len(row) else -1

    def leads(self, number: int) -> frozenset[int]:
        """The function, and those that it jumps on to."""
        if number not in self._leads:
            found, last = {number}, [number]
            for _ in range(_CHAIN):
                last = [
                    other
                    for one in last
                    for other in self.of(one).target[~self.of(one).branch.call].tolist()
                    if other not in found
                ]
                found.update(last)
            self._leads[number] = frozenset(found)
        return self._leads[number]

    def calls(self, caller: int, callee: int) -> tuple[int, ...]:
        """Return addresses of the direct calls in `caller` that lead to `callee`."""
        edges = self.of(caller)
        return tuple(
            after
            for after, target, call in zip(
                edges.branch.after.tolist(), edges.target.tolist(), edges.branch.call.tolist(), strict=True
            )
            if call and callee in self.leads(target)
        )

    def callers(self, callee: int) -> tuple[int, ...]:
        """The functions with a direct call that leads to `callee`."""
        edges = self.everything()
        wanted, last = {callee}, [callee]
        jumps = ~edges.branch.call
        for _ in range(_CHAIN):
            found = np.unique(edges.source[jumps & np.isin(edges.target, last)])
            last = [number for number in found.tolist() if number not in wanted]
            if not last:
                break
            wanted.update(last)
        rows = edges.branch.call & np.isin(edges.target, list(wanted))
        return tuple(np.unique(edges.source[rows]).tolist())

    def indirect(self, number: int) -> tuple[int, ...]:
        """Return addresses of the calls of a function through a register or memory."""
        if number not in self._indirect:
            self._indirect[number] = self._decoded(number)
        return self._indirect[number]

    def sets_frame_up(self, number: int) -> bool:
        """Does the function begin by making the frame pointer its own, as a C compiler has it?"""
        mark = _PROLOGUES.get(self.image.arch)
        return mark is not None and mark.match(self._code(number)[:32]) is not None

    def uses_frame_pointer(self, number: int) -> bool:
        """Does any instruction of the function name the frame pointer?"""
        name = _FRAME_POINTERS.get(self.image.arch)
        code = self._code(number)
        if name is None or len(code) > _LARGEST:
            return True
        start = int(self.functions.starts[number])
        return any(name in instruction.operands for instruction in decode(code, start, self.image.arch))

    def _code(self, number: int) -> bytes:
        try:
            return bytes(self.functions.code(number)[: _LARGEST + 1])
        except GoinspectError:  # the file ends before it
            return b""

    def _decoded(self, number: int) -> tuple[int, ...]:
        code = self._code(number)
        if len(code) > _LARGEST or (self.image.arch in ("amd64", "386") and _INDIRECT_X86 not in code):
            return ()
        start = int(self.functions.starts[number])
        slot = (
            4 if self.image.arch.startswith("mips") else 0
        )  # a call returns behind the instruction that follows it
        return tuple(
            instruction.end + slot
            for instruction in decode(code, start, self.image.arch)
            if instruction.kind == CALL and instruction.target is None
        )


def _joined(parts: list[Edges]) -> Edges:
    branch = Branches(
        *(np.concatenate(column) for column in zip(*(part.branch for part in parts), strict=True))
    )
    return Edges(
        branch,
        np.concatenate([part.source for part in parts]),
        np.concatenate([part.target for part in parts]),
    )
