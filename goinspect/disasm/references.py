"""Addresses of data that instructions name: relative to the PC, or put together by two instructions that follow each other.

Of pairs the second one has the reference: the page of ADRP, or the upper half of LUI, is the address of nothing. Where
halves may make a number as well (PPC64, MIPS), it may be no address at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect.disasm.engine import Raw

__all__ = ["Half", "finder"]

_ALL64, _ALL32 = (1 << 64) - 1, (1 << 32) - 1
_HEX = r"(0x[0-9a-f]+|[0-9]+)"


class Half(NamedTuple):
    """What the instruction before left in a register: a page, or the upper half of an address."""

    register: str
    value: int


def finder(family: str, bits: int) -> Callable[[int, Raw, Half | None], tuple[int | None, Half | None]]:
    """A function of (address, instruction, half before it) that gives (reference, half for the next)."""
    if family == "x86":
        return _x86_64 if bits == 64 else _x86_32
    return {"arm64": _arm64, "arm": _arm, "riscv": _riscv, "ppc64": _halves_ppc, "s390x": _s390x, "mips": _halves_mips}[
        family
    ]  # fmt: skip


# --- operands that count from the PC ---

_RIP = re.compile(r"\[[re]ip(?: ([+-]) " + _HEX + r")?\]")
_ABSOLUTE = re.compile(r"(?<![a-z]s:)\[" + _HEX + r"\]")


def _x86_64(address: int, raw: Raw, _half: Half | None) -> tuple[int | None, Half | None]:
    match = _RIP.search(raw[3])
    if match is None:
        return None, None
    displacement = int(match[2], 0) if match[2] else 0
    return (address + raw[1] + (-displacement if match[1] == "-" else displacement)) & _ALL64, None


def _x86_32(_address: int, raw: Raw, _half: Half | None) -> tuple[int | None, Half | None]:
    match = _ABSOLUTE.search(raw[3])
    return (int(match[1], 0) & _ALL32 if match else None), None


_PC = re.compile(r"\[pc(?:, #(-?)" + _HEX + r")?\]")


def _arm(address: int, raw: Raw, _half: Half | None) -> tuple[int | None, Half | None]:
    """The place in the literal pool: PC is the address of the instruction and 8."""
    match = _PC.search(raw[3])
    if match is None:
        return None, None
    displacement = int(match[2], 0) if match[2] else 0
    return (address + 8 + (-displacement if match[1] else displacement)) & _ALL32, None


_RELATIVE_LONG = re.compile(
    r"(la|l|lg|lgf|llgf|lh|lgh|llh|llgh|st|stg|sth|c|cg|cl|clg|cgf|clgf|ch|cgh|clh|clgh|ex|pfd)rl"
)


def _s390x(_address: int, raw: Raw, _half: Half | None) -> tuple[int | None, Half | None]:
    """Instructions of the form "relative long"; capstone has added the address already."""
    if not _RELATIVE_LONG.fullmatch(raw[2]):
        return None, None
    return _number(raw[3].rpartition(", ")[2]), None


# --- halves ---

_ARM64_MEMORY = re.compile(r"\[(x[0-9]+)(?:, #" + _HEX + r")?\]$")


def _arm64(_address: int, raw: Raw, half: Half | None) -> tuple[int | None, Half | None]:
    mnemonic, operands = raw[2], raw[3]
    if mnemonic in ("adrp", "adr"):
        register, _, value = operands.partition(", #")
        page = _number(value)
        if page is None:  # of SVE
            return None, None
        return (page & _ALL64, None) if mnemonic == "adr" else (None, Half(register, page & _ALL64))
    if mnemonic.startswith(("ldr", "prfm")) and ", #" in operands and "[" not in operands:
        return _number(operands.rpartition("#")[2]), None
    if half is None:
        return None, None
    if mnemonic == "add":
        parts = operands.split(", ")
        if len(parts) == 3 and parts[1] == half.register and parts[2][0] == "#":
            return half.value + int(parts[2][1:], 0) & _ALL64, None
        return None, None
    match = _ARM64_MEMORY.search(operands) if mnemonic.startswith(("ld", "st")) else None
    if match is None or match[1] != half.register:
        return None, None
    return half.value + int(match[2] or "0", 0) & _ALL64, None


_BASED = re.compile(r"(-?" + _HEX + r")?\(([$a-z0-9]+)\)")


def _second(
    raw: Raw, half: Half | None, adds: tuple[str, ...], loads: re.Pattern[str], mask: int
) -> int | None:
    """The lower half, added or as the displacement of a load or store."""
    if half is None:
        return None
    if raw[2] in adds:
        parts = raw[3].split(", ")
        number = _number(parts[-1])
        return half.value + number & mask if parts[-2:-1] == [half.register] and number is not None else None
    if loads.fullmatch(raw[2]) and (match := _BASED.search(raw[3])) and match[3] == half.register:
        return half.value + int(match[1] or "0", 0) & mask
    return None


_RISCV_LOADS = re.compile(r"(c\.)?f?[ls][bhwd]u?")


def _riscv(address: int, raw: Raw, half: Half | None) -> tuple[int | None, Half | None]:
    if raw[2] == "auipc":
        register, _, value = raw[3].partition(", ")
        upper = (_number(value) or 0) << 12
        return None, Half(register, address + (upper - (1 << 32) if upper >> 31 else upper) & _ALL64)
    return _second(raw, half, ("addi", "c.addi", "jalr"), _RISCV_LOADS, _ALL64), None


_PPC_LOADS = re.compile(r"(l|st)(bz|hz|ha|wz|wa|d|b|h|w|fd|fs|fiw[az]x?)u?")
_MIPS_LOADS = re.compile(r"(l|s)(b|h|w|d|bu|hu|wu|wc1|dc1|l|c|ld|cd)")


def _halves_ppc(_address: int, raw: Raw, half: Half | None) -> tuple[int | None, Half | None]:
    if raw[2] == "lis":
        register, _, value = raw[3].partition(", ")
        return None, Half(register, (_number(value) or 0) << 16 & _ALL64)
    return _second(raw, half, ("addi",), _PPC_LOADS, _ALL64), None


def _halves_mips(_address: int, raw: Raw, half: Half | None) -> tuple[int | None, Half | None]:
    if raw[2] == "lui":
        register, _, value = raw[3].partition(", ")
        return None, Half(register, (_number(value) or 0) << 16)
    if half is not None and raw[2] == "daddu" and raw[3] == f"{half.register}, {half.register}, $gp":
        return None, half  # Go for MIPS64 counts from SB, which is 0
    return _second(raw, half, ("addiu", "daddiu"), _MIPS_LOADS, _ALL32), None


def _number(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None
