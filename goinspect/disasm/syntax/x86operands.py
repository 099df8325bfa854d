"""Operands of x86 as Intel's syntax has them, taken apart, and what only the bytes of an instruction tell."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from goinspect.disasm.syntax.x86registers import WIDTHS

__all__ = [
    "NUMBER",
    "PREDICATES",
    "STRINGS",
    "SUFFIXED",
    "Memory",
    "data_size",
    "displacement_of",
    "memory_of",
    "signed",
    "split",
]

# Integer instructions whose operands may have several sizes.
SUFFIXED = frozenset((
    "ADC", "ADD", "AND", "BSF", "BSR", "BT", "BTC", "BTR", "BTS", "CMP", "CMPXCHG", "CVTSI2SD", "CVTSI2SS", "CVTSD2SI",
    "CVTSS2SI", "CVTTSD2SI", "CVTTSS2SI", "DEC", "DIV", "FLDENV", "FRSTOR", "IDIV", "IMUL", "IN", "INC", "LEA", "MOV",
    "MOVNTI", "MUL", "NEG", "NOP", "NOT", "OR", "OUT", "POP", "POPA", "POPCNT", "PUSH", "PUSHA", "RCL", "RCR", "ROL",
    "ROR", "SAR", "SBB", "SHL", "SHLD", "SHR", "SHRD", "SUB", "TEST", "XADD", "XCHG", "XOR",
))  # fmt: skip
_SIZES = {"byte": 8, "word": 16, "dword": 32, "qword": 64}
STRINGS = re.compile(r"(MOVS|STOS|LODS|SCAS|CMPS|INS|OUTS)[BWDQ]|XLATB")
PREDICATES = ("eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord")
_MEMORY = re.compile(r"(?:([a-z]+) ptr )?(?:([c-gs]s):)?\[([^\]]+)\]")
_TERM = re.compile(
    r"(?:(?P<index>[a-z][a-z0-9]*)\*(?P<scale>[1248])|(?P<number>0x[0-9a-f]+|[0-9]+)|(?P<base>[a-z][a-z0-9]*))"
)
NUMBER = re.compile(r"-?(0x[0-9a-f]+|[0-9]+)")
_LEGACY = frozenset(bytes.fromhex("66 67 26 2e 36 3e 64 65 f0 f2 f3"))


class Memory(NamedTuple):
    """An operand in memory; registers as Intel calls them, "" for none."""

    size: int  # bits; 0: not told
    segment: str  # "" for none
    displacement: int
    base: str
    scaled: str  # the index
    scale: int


@lru_cache(maxsize=1 << 12)
def _split_cached(operands: str) -> tuple[str, ...]:
    """Operands; a mask of AVX-512 becomes one of its own, as Go has it."""
    out: list[str] = []
    for operand in operands.split(", ") if operands else ():
        plain, _, mask = operand.partition(" {")
        out.append(plain)
        if mask.startswith("k"):
            out.append(mask[:2])
    return tuple(out)


def split(operands: str) -> list[str]:
    """The operands in Intel's order."""
    return list(_split_cached(operands))


def data_size(code: bytes, bits: int) -> int:
    """Bits of an operand, as the prefixes have it."""
    at, narrow = 0, False
    while at < len(code) - 1 and code[at] in _LEGACY:
        narrow |= code[at] == 0x66
        at += 1
    if bits == 64 and code[at] & 0xF8 == 0x48:
        return 64
    return 16 if narrow else 32


def signed(number: int, op: str, wide: int, arguments: list[str]) -> int:
    """An immediate as Go's disassembler reads it: with a sign where it is added to, or compared with, a longer operand."""
    if op not in SUFFIXED or op in ("IN", "OUT"):
        return number & (0xFFFF if op in ("RET", "LRET", "ENTER") else 0xFF)
    size = wide
    if (width := _width(arguments[0])) in (8, 16):
        if width == 8:
            return number & 0xFF
        size = 16
    number &= (1 << size) - 1
    return number - (1 << size) if number >> size - 1 else number


def _width(text: str) -> int:
    memory = memory_of(text)
    return WIDTHS.get(text, 0) if memory is None else memory.size


def displacement_of(memory: Memory, code: bytes) -> int:
    """As Go's disassembler reads it: those of four bytes it takes for unsigned."""
    number = memory.displacement
    if number < 0 and (memory.base in ("", "rip", "eip") or _mod(code) == 2):
        return number & 0xFFFFFFFF
    return number


def _mod(code: bytes) -> int:
    """The field ``mod`` of ModR/M: 1 says that the displacement is a byte, 2 that it is four."""
    at = 0
    while at < len(code) - 2 and code[at] in _LEGACY:
        at += 1
    if code[at] & 0xF0 == 0x40:
        at += 1
    lead = code[at]
    if lead == 0x0F:
        at += 2 if code[at + 1 : at + 2] in (b"\x38", b"\x3a") else 1
    else:
        at += {0xC5: 2, 0xC4: 3, 0x62: 4}.get(lead, 0)
    return code[at + 1] >> 6 if at + 1 < len(code) else 0


@lru_cache(maxsize=1 << 12)
def memory_of(text: str) -> Memory | None:
    """An operand in memory, or None where it is another one."""
    match = _MEMORY.fullmatch(text)
    if match is None:
        return None
    base, scaled, scale, displacement = "", "", 0, 0
    negative = False  # the number that follows
    for part in match[3].split(" "):
        if part in ("+", "-"):
            negative = part == "-"
            continue
        term = _TERM.fullmatch(part)
        if term is None:
            return None
        if term["number"]:
            displacement = -int(part, 0) if negative else int(part, 0)
        elif term["index"]:
            scaled, scale = term["index"], int(term["scale"])
        elif base:
            scaled, scale = part, 1
        else:
            base = part
    if displacement >> 63 == 1:
        displacement -= 1 << 64
    return Memory(_SIZES.get(match[1] or "", 0), match[2] or "", displacement, base, scaled, scale)
