"""Leaves whose caller a frame-pointer walk must have passed over.

The walk starts at the frame pointer of the interrupted function. Before that function has set it up, after it has put
its caller's back, or where it never sets one up, the register still belongs to the caller: the first return address
that the walk finds is the caller's own, and the caller itself is missing. gopclntab's pcsp table tells where a function
has no frame; the few instructions where it has one but the register is not its own are told by their encoding.

Facts: the prologue and epilogue of obj6.go and asm7/obj7.go in cmd/internal/obj; Intel SDM vol. 2 and Arm ARM for the
encodings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from goinspect.binary import Binary
    from goinspect.objfile.image import Image

__all__ = ["caller_hidden"]

_BEFORE, _FROM = 8, 8  # bytes before a PC and from it on that may matter
# Whoever calls these sets the frame pointer up for them.
_PREPARED = ("runtime.duffzero", "runtime.duffcopy")


def caller_hidden(binary: Binary, vaddrs: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """At which of these PCs, in Go functions, is the frame pointer the caller's?

    Where the architecture has no frame pointers that Go keeps: nowhere.
    """
    hidden = np.zeros(len(vaddrs), dtype=np.bool_)
    foreign = _FOREIGN.get(binary.image.arch)
    if foreign is None or not len(vaddrs):
        return hidden
    bulk = binary.bulk
    func = bulk.find(vaddrs)
    rows = np.flatnonzero(func >= 0)
    pcsp = bulk.records.field(func[rows], "pcsp")
    target = (vaddrs[rows] - bulk.entries[func[rows]]).astype(np.int64)
    depth = bulk.pctab.tables(pcsp).lookup(pcsp, target)
    hidden[rows] = (depth == 0) & ~_prepared(binary, func[rows])
    framed = rows[depth > 0]
    if len(framed):
        hidden[framed] = foreign(_code(binary.image, vaddrs[framed]))
    return hidden


def _prepared(binary: Binary, func: NDArray[np.int64]) -> NDArray[np.bool_]:
    numbers, inverse = np.unique(func, return_inverse=True)
    names = binary.bulk.names(binary.bulk.records.field(numbers, "name_off"))
    return np.array([name in _PREPARED for name in names], dtype=np.bool_)[inverse]


def _code(image: Image, vaddrs: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The bytes around each PC, one row each; zeros where there are none."""
    out = np.zeros((len(vaddrs), _BEFORE + _FROM), dtype=np.uint8)
    for segment in image.segments:
        if not segment.executable or segment.file_size < _BEFORE + _FROM:
            continue
        data = np.frombuffer(image.read(segment.vaddr, segment.file_size), dtype=np.uint8)
        first, last = segment.vaddr + _BEFORE, segment.vaddr + len(data) - _FROM
        here = np.flatnonzero((vaddrs >= np.uint64(first)) & (vaddrs <= np.uint64(last)))
        index = (vaddrs[here] - np.uint64(segment.vaddr)).astype(np.int64)
        out[here] = data[index[:, None] + np.arange(-_BEFORE, _FROM)]
    return out


def _starts(code: NDArray[np.uint8], at: int, pattern: bytes) -> NDArray[np.bool_]:
    return np.asarray((code[:, at : at + len(pattern)] == np.frombuffer(pattern, np.uint8)).all(axis=1))


def _foreign_amd64(code: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Setting up: MOVQ SP, BP; before Go 1.21 MOVQ BP, n(SP) and LEAQ n(SP), BP. Taken down: behind MOVQ n(SP), BP.

    Below the stack pointer (n < 0) it is set up for `_PREPARED`, and is the function's own.
    """
    out = _starts(code, _BEFORE, b"\x48\x89\xe5")
    for opcode in (b"\x48\x89", b"\x48\x8d"):
        for operand, sign in ((b"\x6c\x24", 4), (b"\xac\x24", 7)):
            out |= _starts(code, _BEFORE, opcode + operand) & (code[:, _BEFORE + sign] < 0x80)
    out |= _starts(code, _BEFORE - 5, b"\x48\x8b\x6c\x24")
    return np.asarray(out | _starts(code, _BEFORE - 8, b"\x48\x8b\xac\x24"))


def _foreign_arm64(code: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Setting up: MOVD R29, -8(RSP); SUB $8, RSP, R29. Taken down: behind MOVD or LDP of R29 from -8(RSP)."""
    words = code.view("<u4")
    here, before = words[:, _BEFORE // 4], words[:, _BEFORE // 4 - 1]
    return np.isin(here, (0xF81F83FD, 0xD10023FD)) | np.isin(before, (0xF85F83FD, 0xA97FFBFD))


_FOREIGN: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.bool_]]] = {
    "amd64": _foreign_amd64,
    "arm64": _foreign_arm64,
}
