"""Where x86 instructions begin: a table that tells of two bytes how far it is to the next step of decoding.

What an instruction does is not asked, only how long it is, so that a table of 1 MB and a handful of states are the whole
decoder, which numpy runs over many places at once. Opcode maps: Intel SDM vol. 2, appendix A; VEX and EVEX, chapter 2.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["meets", "opcodes", "steps"]

# States: at the start of an instruction; behind prefixes, an operand-size prefix, REX.W; at the opcode of another map;
# at a SIB byte that may have a displacement, with so many bytes of an immediate behind it.
_START, _PREFIXED, _SHORT, _WIDE, _MAP2, _MAP38, _MAP3A = range(7)
_SIB = {0: 7, 1: 8, 2: 9, 4: 10}
_STATES = 11
_BEFORE_OPCODE = (_START, _PREFIXED, _SHORT, _WIDE)
_FARTHEST = 15  # bytes of a step
_ROWS, _STEPS = 1 << 15, 8  # decoded at once; between looks at which are done
_MOST_STEPS = 1 << 16  # of one piece of code
_FEW = 32  # pieces of code
_PREFIXES = frozenset((0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x67, 0xF0, 0xF2, 0xF3))
_MODRM = frozenset((
    *(row + column for row in range(0, 0x40, 8) for column in range(4)), 0x62, 0x63, 0x69, 0x6B, *range(0x80, 0x90),
    0xC0, 0xC1, 0xC4, 0xC5, 0xC6, 0xC7, *range(0xD0, 0xD4), *range(0xD8, 0xE0), 0xF6, 0xF7, 0xFE, 0xFF,
))  # fmt: skip
_NO_MODRM2 = frozenset((
    0x05, 0x06, 0x07, 0x08, 0x09, 0x0B, 0x0E, *range(0x30, 0x38), 0x77, *range(0x80, 0x90), 0xA0, 0xA1, 0xA2, 0xA8, 0xA9,
    0xAA, *range(0xC8, 0xD0), 0x04, 0x0A, 0x0C, 0x0F,
))  # fmt: skip
_BYTE2 = frozenset(
    (0x70, 0x71, 0x72, 0x73, 0xA4, 0xAC, 0xBA, 0xC2, 0xC4, 0xC5, 0xC6)
)  # with an immediate of a byte
_NOT_OF_64 = frozenset((
    0x06, 0x07, 0x0E, 0x16, 0x17, 0x1E, 0x1F, 0x27, 0x2F, 0x37, 0x3F, 0x60, 0x61, 0x82, 0x9A, 0xCE, 0xD4, 0xD5, 0xD6, 0xEA,
))  # fmt: skip
_BYTE = frozenset((
    *(row + 4 for row in range(0, 0x40, 8)), 0x6A, 0x6B, *range(0x70, 0x80), 0x80, 0x82, 0x83, 0xA8, *range(0xB0, 0xB8),
    0xC0, 0xC1, 0xC6, 0xCD, 0xD4, 0xD5, *range(0xE0, 0xE8), 0xEB,
))  # fmt: skip
_WORD = frozenset((  # two bytes behind an operand-size prefix, else four
    *(row + 5 for row in range(0, 0x40, 8)), 0x68, 0x69, 0x81, 0xA9, *range(0xB8, 0xC0), 0xC7,
))  # fmt: skip


@lru_cache(maxsize=2)
def steps(bits: int) -> NDArray[np.uint8]:
    """Index: state << 16 | byte << 8 | the byte behind it. Value: bytes to go on by << 4 | the next state."""
    table = np.full((_STATES, 256, 256), 1 << 4 | _START, dtype=np.uint8)
    for state in _BEFORE_OPCODE:
        for byte in range(256):
            table[state, byte] = _opcode(state, byte, bits)
    if bits == 64:
        table[_WIDE, 0xB8:0xC0] = 9 << 4  # MOV of 64 bits
    for byte in range(256):
        table[_MAP2, byte] = _second_map(byte)
        table[_MAP38, byte] = _with_modrm(0)
        table[_MAP3A, byte] = _with_modrm(1)
        for immediate, state in _SIB.items():
            table[state, byte] = (1 + immediate + (4 if byte & 7 == 5 else 0)) << 4 | _START
    return table.reshape(-1)


def _opcode(state: int, byte: int, bits: int) -> NDArray[np.uint8] | int:
    long = bits == 64
    prefixed = _prefix(state, byte, long=long)
    if prefixed is not None:
        return 1 << 4 | prefixed
    if byte in (0xC4, 0xC5, 0x62):
        return _vector(byte, long=long)
    if long and byte in _NOT_OF_64:
        return 1 << 4
    full = 2 if state == _SHORT else 4
    if byte in (0xF6, 0xF7):  # TEST has an immediate, the others of the group have none
        return _with_modrm(0, (0, 1), 1 if byte == 0xF6 else full)
    size = full if byte in _WORD else 1 if byte in _BYTE else _odd_size(state, byte, long=long)
    return _with_modrm(size) if byte in _MODRM else (1 + size) << 4


def _prefix(state: int, byte: int, *, long: bool) -> int | None:
    """The state behind a byte that is not the opcode yet; None: it is."""
    if byte == 0x0F:
        return _MAP2
    if byte in _PREFIXES:
        return state or _PREFIXED
    if byte == 0x66:
        return _WIDE if state == _WIDE else _SHORT
    if long and byte >> 4 == 4:
        return _WIDE if byte & 8 else state or _PREFIXED
    return None


def _odd_size(state: int, byte: int, *, long: bool) -> int:
    """Bytes behind opcodes that have neither a byte nor a whole operand."""
    if 0xA0 <= byte < 0xA4:
        return 8 if long else 4
    if byte in (0xE8, 0xE9):
        return 4 if long or state != _SHORT else 2
    if byte in (0x9A, 0xEA):
        return 4 if state == _SHORT else 6
    return {0xC2: 2, 0xCA: 2, 0xC8: 3}.get(byte, 0)


def _second_map(byte: int) -> NDArray[np.uint8] | int:
    if byte == 0x38:
        return 1 << 4 | _MAP38
    if byte == 0x3A:
        return 1 << 4 | _MAP3A
    if 0x80 <= byte < 0x90:
        return 5 << 4
    if byte in _NO_MODRM2:
        return 1 << 4
    return _with_modrm(1 if byte in _BYTE2 else 0)


@lru_cache(maxsize=32)
def _with_modrm(immediate: int, tests: tuple[int, ...] = (), test_size: int = 0) -> NDArray[np.uint8]:
    """An opcode with a ModRM byte: the row of its 256 values."""
    row = np.zeros(256, dtype=np.uint8)
    for modrm in range(256):
        mode, register, memory = modrm >> 6, modrm >> 3 & 7, modrm & 7
        size = test_size if register in tests else immediate
        if mode == 3:
            row[modrm] = (2 + size) << 4
        elif memory == 4 and mode == 0:
            row[modrm] = 2 << 4 | _SIB[size]
        else:
            displacement = {0: 4 if memory == 5 else 0, 1: 1, 2: 4}[mode]
            row[modrm] = (2 + (memory == 4) + displacement + size) << 4
    return row


def _vector(byte: int, *, long: bool) -> NDArray[np.uint8]:
    """VEX and EVEX, which name the map of the opcode behind them; in 32 bits with two set bits, else they are LES, LDS, BOUND."""
    row = np.array(_with_modrm(0))
    for second in range(256):
        if not long and second < 0xC0:
            continue
        if byte == 0xC5:
            row[second] = 2 << 4 | _MAP2
            continue
        maps = {1: _MAP2, 2: _MAP38, 3: _MAP3A, 5: _MAP38, 6: _MAP38}
        number = second & (7 if byte == 0x62 else 31)
        row[second] = (4 if byte == 0x62 else 3) << 4 | maps[number] if number in maps else 1 << 4
    return row


def meets(
    code: NDArray[np.uint8], starts: NDArray[np.int64], sites: NDArray[np.int64], bits: int
) -> NDArray[np.bool_]:
    """Does decoding that begins at each of `starts` come upon an instruction at the site, or one with a prefix there?

    Args:
        code: less than 2 GB; starts and sites count from its beginning, and no start is behind its site.
        starts: where to begin.
        sites: what is asked about.
        bits: 64 or 32.
    """
    table = steps(bits)
    out = np.zeros(len(sites), dtype=np.bool_)
    padded = np.concatenate((code[: int(sites.max(initial=-1)) + 1], np.zeros(_FARTHEST + 2, dtype=np.uint8)))
    for begin in range(0, len(sites), _ROWS):
        row = np.arange(begin, min(begin + _ROWS, len(sites)))
        at, site = starts[row].astype(np.int32), sites[row].astype(np.int32)
        state = np.zeros(len(row), dtype=np.int32)
        while len(row):
            for _ in range(_STEPS):
                key = state << np.int32(16) | padded.take(at).astype(np.int32) << np.int32(8)
                step = table.take(key | padded.take(at + 1))
                step *= at < site
                at += step >> 4
                state = np.where(step, step & 15, state).astype(np.int32)
            going = at < site
            done = ~going
            out[row[done]] = (at[done] == site[done]) & (state[done] <= _WIDE)
            row, at, site, state = row[going], at[going], site[going], state[going]
    return out


def opcodes(
    code: NDArray[np.uint8], starts: NDArray[np.int64], stops: NDArray[np.int64], bits: int
) -> NDArray[np.bool_]:
    """Where decoding from each of `starts` up to its stop comes upon an opcode: True at that byte, behind all prefixes.

    Args:
        code: less than 2 GB; starts and stops count from its beginning.
        starts: where instructions begin.
        stops: the last place that is of interest, for each.
        bits: 64 or 32.

    What lies further behind a start than instructions of 64 KB is not looked at.
    """
    table = steps(bits)
    out = np.zeros(len(code), dtype=np.bool_)
    last = int(stops.max(initial=-1))
    padded = np.concatenate((code[: last + 1], np.zeros(_FARTHEST + 2, dtype=np.uint8)))
    at, stop = starts.astype(np.int32), stops.astype(np.int32)
    state = np.zeros(len(at), dtype=np.int32)
    for number in range(_MOST_STEPS):
        if number % _STEPS == 0:
            going = at <= stop
            at, stop, state = at[going], stop[going], state[going]
            if len(at) <= _FEW:
                break
        out[at[(state <= _WIDE) & (at <= stop)]] = True
        key = state << np.int32(16) | padded.take(at).astype(np.int32) << np.int32(8)
        step = table.take(key | padded.take(at + 1))
        step *= at <= stop
        at += step >> 4
        state = np.where(step, step & 15, state).astype(np.int32)
    if len(at) <= _FEW:
        _few_opcodes(padded, (at.tolist(), stop.tolist(), state.tolist()), table.data, out)
    return out


def _few_opcodes(
    code: NDArray[np.uint8],
    rows: tuple[list[int], list[int], list[int]],
    table: memoryview,
    out: NDArray[np.bool_],
) -> None:
    """`opcodes` of so few starts that numpy takes longer for a step of all than Python for theirs."""
    data, found = code.data, []
    for begin, stop, first in zip(*rows, strict=True):
        at, state, end = begin, first, min(stop, begin + _FARTHEST * _MOST_STEPS)
        while at <= end:
            if state <= _WIDE:
                found.append(at)
            step = table[state << 16 | data[at] << 8 | data[at + 1]]
            at, state = at + (step >> 4), step & 15
    out[found] = True
