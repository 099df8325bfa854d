"""Direct calls and jumps of whole texts at once, by numpy, where an encoding shows them.

Fixed-width encodings show each one. On x86 the byte of an opcode may also be a part of another instruction: what is
found there is a call or a jump only if its target makes sense, which the caller knows (`goinspect.analysis.calls`).
Encodings: Intel SDM vol. 2, CALL rel32 (E8), JMP rel32 (E9) and Jcc rel32 (0F 80 to 0F 8F); Arm ARM, BL and B (A64),
BL and B (A32); Power ISA, I-form branches; RISC-V ISA, JAL and AUIPC with JALR; z/Architecture, BRASL and BRCL;
MIPS64, JAL and J.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["Branches", "direct_branches", "shows_branches"]

_PIECE = 1 << 18  # bytes looked at at once: temporaries stay in the cache
_WIDEST = 8  # bytes of an instruction, or of a pair of them


class Branches(NamedTuple):
    """Direct calls and jumps in the order of their addresses."""

    site: NDArray[np.uint64]  # where the instruction is
    after: NDArray[np.uint64]  # behind it: the return address of a call
    target: NDArray[np.uint64]
    call: NDArray[np.bool_]

    def where(self, rows: NDArray[np.bool_]) -> Branches:
        """Those where `rows` is True."""
        at = np.flatnonzero(rows)
        return Branches(self.site[at], self.after[at], self.target[at], self.call[at])

    @staticmethod
    def none() -> Branches:
        """No branch at all."""
        nothing = np.empty(0, dtype=np.uint64)
        return Branches(nothing, nothing, nothing, np.empty(0, dtype=np.bool_))


def shows_branches(arch: str) -> bool:
    """Can the branches of this architecture (a GOARCH) be found by `direct_branches`?"""
    return arch in _FINDERS


def direct_branches(code: memoryview, vaddr: int, arch: str, byteorder: str = "little") -> Branches:
    """Every direct call and jump in `code`, whose first byte is at `vaddr`; none where `shows_branches` says no."""
    found = _FINDERS.get(arch)
    parts = []
    if found is not None:
        data = np.frombuffer(code, dtype=np.uint8)
        parts = [found(piece, vaddr + at, byteorder) for at, piece in _pieces(data)]
    if not parts:
        return Branches.none()
    return Branches(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _pieces(data: NDArray[np.uint8]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Pieces that begin `_PIECE` apart, with what an instruction that begins at the end of one may need."""
    for at in range(0, len(data), _PIECE):
        yield at, data[at : at + _PIECE + _WIDEST - 1]


def _x86(data: NDArray[np.uint8], vaddr: int, _byteorder: str) -> Branches:
    last = max(min(len(data) - 4, _PIECE), 0)
    begin = data[:last]
    looks = begin == 0x0F
    looks &= data[1 : last + 1] & 0xF0 == 0x80
    looks |= begin & 0xFE == 0xE8
    at = np.flatnonzero(looks)
    if len(at) and data[at[-1]] == 0x0F and at[-1] + 6 > len(data):
        at = at[:-1]
    opcode = data[at]
    length = 6 - (opcode != 0x0F)
    first = at + length - 4
    relative = np.zeros(len(at), dtype=np.uint32)
    for byte in range(4):
        relative |= data[first + byte].astype(np.uint32) << np.uint32(8 * byte)
    site = np.uint64(vaddr) + at.astype(np.uint64)
    after = site + length.astype(np.uint64)
    return Branches(site, after, after + _signed(relative), opcode == 0xE8)


def _x86_32(data: NDArray[np.uint8], vaddr: int, byteorder: str) -> Branches:
    found = _x86(data, vaddr, byteorder)
    return found._replace(target=found.target & np.uint64(0xFFFF_FFFF))


def _signed(values: NDArray[np.uint32]) -> NDArray[np.uint64]:
    return values.view(np.int32).astype(np.int64).view(np.uint64)


def _words(
    data: NDArray[np.uint8], vaddr: int, byteorder: str
) -> tuple[NDArray[np.uint32], NDArray[np.uint64]]:
    """Whole instructions of four bytes in a piece, and their addresses."""
    count = min(len(data), _PIECE) // 4
    words = data[: 4 * count].view("<u4" if byteorder == "little" else ">u4").astype(np.uint32)
    return words, np.uint64(vaddr) + np.arange(count, dtype=np.uint64) * np.uint64(4)


def _field(words: NDArray[Any], bits: int, scale: int) -> NDArray[np.uint64]:
    """The signed number in the lowest `bits` bits, times a power of two."""
    moved = (words.astype(np.uint32) << np.uint32(32 - bits)).view(np.int32) >> np.int32(32 - bits)
    return (moved.astype(np.int64) << scale).view(np.uint64)


def _fixed(
    words: NDArray[np.uint32],
    sites: NDArray[np.uint64],
    calls: NDArray[np.bool_],
    jumps: NDArray[np.bool_],
    offset: Callable[[NDArray[np.uint32]], NDArray[np.uint64]],
) -> Branches:
    rows = np.flatnonzero(calls | jumps)
    site = sites[rows]
    return Branches(site, site + np.uint64(4), site + offset(words[rows]), calls[rows])


def _arm64(data: NDArray[np.uint8], vaddr: int, byteorder: str) -> Branches:
    words, sites = _words(data, vaddr, "little")  # instructions are, in either byte order
    kind = words >> np.uint32(26)
    return _fixed(words, sites, kind == 0b100101, kind == 0b000101, lambda found: _field(found, 26, 2))


def _arm(data: NDArray[np.uint8], vaddr: int, byteorder: str) -> Branches:
    words, sites = _words(data, vaddr, byteorder)
    kind = words >> np.uint32(24)
    usual = kind >> np.uint32(4) != 0xF
    eight = np.uint64(8)  # the program counter is two instructions ahead
    return _fixed(
        words, sites, usual & (kind & 15 == 0xB), usual & (kind & 15 == 0xA),
        lambda found: _field(found, 24, 2) + eight,
    )  # fmt: skip


def _power(data: NDArray[np.uint8], vaddr: int, byteorder: str) -> Branches:
    words, sites = _words(data, vaddr, byteorder)
    relative = (words >> np.uint32(26) == 18) & (words & 2 == 0)
    linked = words & 1 == 1
    return _fixed(
        words, sites, relative & linked, relative & ~linked,
        lambda found: _field(found & np.uint32(0xFFFF_FFFC), 26, 0),
    )  # fmt: skip


def _riscv64(data: NDArray[np.uint8], vaddr: int, _byteorder: str) -> Branches:
    """JAL, and AUIPC with a JALR behind it of the same register; ``site`` is that of the one that jumps.

    Instructions are 2 or 4 bytes long, so that one may begin in the middle of another one that is none.
    """
    half = data[: len(data) & ~1].view("<u2").astype(np.uint32)
    words = half[:-1] | half[1:] << np.uint32(16)
    sites = np.uint64(vaddr) + np.arange(len(words), dtype=np.uint64) * np.uint64(2)
    destination = words >> np.uint32(7) & 31
    link = np.isin(destination, (0, 1, 5))  # 0: a jump; 1, 5: where calls put their return addresses
    within = np.arange(len(words)) < _PIECE // 2
    near = np.flatnonzero(within & (words & 0x7F == 0x6F) & (link))
    bits = words[near]
    offset = (
        (bits >> np.uint32(31) << np.uint32(20)) | (bits >> np.uint32(12) & 0xFF) << np.uint32(12)
        | (bits >> np.uint32(20) & 1) << np.uint32(11) | (bits >> np.uint32(21) & 0x3FF) << np.uint32(1)
    )  # fmt: skip
    auipc, jalr = words[:-2], words[2:]
    pair = (auipc & 0x7F == 0x17) & (jalr & 0x707F == 0x67) & (jalr >> np.uint32(15) & 31 == destination[:-2])
    first = np.flatnonzero(within[:-2] & pair & link[2:])
    high = _signed(words[first] & np.uint32(0xFFFF_F000))
    low = (words[first + 2].view(np.int32) >> np.int32(20)).astype(np.int64).view(np.uint64)
    site = np.concatenate((sites[near], sites[first + 2]))
    target = np.concatenate((sites[near] + _field(offset, 21, 0), sites[first] + high + low))
    order = np.argsort(site, kind="stable")
    call = destination[np.concatenate((near, first + 2))] > 0
    return Branches(site[order], site[order] + np.uint64(4), target[order], call[order])


def _s390x(data: NDArray[np.uint8], vaddr: int, _byteorder: str) -> Branches:
    """BRASL (C0 r5) and BRCL (C0 m4); instructions are 2, 4 or 6 bytes long."""
    last = len(data) - 6 if len(data) < _PIECE + _WIDEST - 1 else _PIECE - 2
    at = np.arange(0, max(last + 1, 0), 2)
    second = data[at + 1]
    at = at[(data[at] == 0xC0) & ((second & 15 == 5) | (second == 0xF4))]
    half = np.zeros(len(at), dtype=np.uint32)
    for byte in range(4):
        half = half << np.uint32(8) | data[at + 2 + byte]
    site = np.uint64(vaddr) + at.astype(np.uint64)
    return Branches(site, site + np.uint64(6), site + (_signed(half) << np.uint64(1)), data[at + 1] & 15 == 5)


def _mips(data: NDArray[np.uint8], vaddr: int, byteorder: str) -> Branches:
    """JAL and J, within the 256 MB of the instruction behind them; a call returns behind its delay slot."""
    words, sites = _words(data, vaddr, byteorder)
    kind = words >> np.uint32(26)
    rows = np.flatnonzero((kind == 3) | (kind == 2))
    site = sites[rows]
    region = (site + np.uint64(4)) & ~np.uint64(0x0FFF_FFFF)
    target = region | (words[rows] & np.uint32(0x03FF_FFFF)).astype(np.uint64) << np.uint64(2)
    return Branches(site, site + np.uint64(8), target, kind[rows] == 3)


_FINDERS: dict[str, Callable[[NDArray[np.uint8], int, str], Branches]] = {
    "amd64": _x86, "386": _x86_32, "arm64": _arm64, "arm": _arm, "ppc64": _power, "ppc64le": _power,
    "riscv64": _riscv64, "s390x": _s390x, "mips": _mips, "mipsle": _mips, "mips64": _mips, "mips64le": _mips,
}  # fmt: skip
