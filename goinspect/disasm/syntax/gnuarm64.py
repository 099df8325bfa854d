"""GNU's syntax of arm64 instructions as `go tool objdump -gnu` prints it: capstone's, with numbers written otherwise.

Places are distances from the instruction, displacements and counts are decimal, other numbers hexadecimal. The rules are
those of GNUSyntax of golang.org/x/arch/arm64/arm64asm.
"""

from __future__ import annotations

import re

from goinspect.disasm.instruction import UNKNOWN
from goinspect.disasm.syntax.arm64operands import fits_a_move

__all__ = ["write"]

_RELATIVE = re.compile(r"b|bl|b\..*|cbn?z|tbn?z|adrp?|ldr|ldrsw")
_NUMBER = re.compile(r"#(-?(?:0x[0-9a-f]+|[0-9]+))")
_PLACE = re.compile(r"#(-?(?:0x[0-9a-f]+|[0-9]+))$")
_MEMORY = re.compile(r"\[[^\]]*\](?:!|, #-?[0-9a-fx]+)?")
_INDEX = re.compile(r"\[(0x[0-9a-f]+)\]")
_FRACTION = re.compile(r"#(-?[0-9.]+)")
_COUNTED = re.compile(
    r"lsl|lsr|asr|ror|[us]bfx|[us]bfiz|bfi|bfxil|extr|tbn?z|[us]shl?l?.*|[us]shr.*|shl|sli|sri|ext|movi|mvni"
)
_SHIFT = re.compile(r"(lsl|lsr|asr|ror|msl|[us]xt[bhwx]) #(0x[0-9a-f]+|[0-9]+)")
_CARRY = {"hs": "cs", "lo": "cc"}
_CONDITION = re.compile(r", (hs|lo)$")
_ALL = (1 << 64) - 1
_MARK = "\0"  # stands for # in numbers that are written already
_LIST = re.compile(r"\{(v[0-9]+\.[0-9]*[bhsd])(?:, v[0-9.a-z]+)+, (v[0-9]+\.[0-9]*[bhsd])\}")


def write(code: bytes, address: int, mnemonic: str, operands: str) -> str:
    """One instruction; the arguments are those of capstone."""
    if mnemonic == "udf" and not any(code):
        return UNKNOWN  # between functions
    if mnemonic in ("mrs", "msr") and "#" not in operands:
        return _system(code, mnemonic, operands)
    if mnemonic.startswith("b."):
        mnemonic = f"b.{_CARRY.get(mnemonic[2:], mnemonic[2:])}"
    text = _CONDITION.sub(lambda match: f", {_CARRY[match[1]]}", operands)
    place = ""
    if _RELATIVE.fullmatch(mnemonic) and "[" not in text and (match := _PLACE.search(text)):
        base = address >> 12 << 12 if mnemonic == "adrp" else address
        place = f".+{int(match[1], 0) - base & _ALL:#x}"
        text = text[: match.start()]
    text = _LIST.sub(r"{\1-\2}", _MEMORY.sub(_memory, text))
    text = _INDEX.sub(lambda match: f"[{int(match[1], 0)}]", text)
    text = _SHIFT.sub(lambda match: f"{match[1]} {_MARK}{int(match[2], 0)}", text)
    if mnemonic == "mov" and code[3] & 0x7F == 0x32 and _NUMBER.search(text) and fits_a_move(text):
        mnemonic, text = "orr", text.replace(", ", f", {text[0]}zr, ")
    mask = 0xFFFFFFFF if text.startswith("w") else _ALL
    if mnemonic.startswith("f"):
        text = _FRACTION.sub(_fraction, text)
    elif _COUNTED.fullmatch(mnemonic):
        text = _NUMBER.sub(lambda match: f"#{int(match[1], 0)}", text)
    else:
        text = _NUMBER.sub(lambda match: f"#{int(match[1], 0) & mask:#x}", text)
    return f"{mnemonic} {text}{place}".rstrip().replace(_MARK, "#")


def _memory(match: re.Match[str]) -> str:
    return _NUMBER.sub(lambda number: f"{_MARK}{int(number[1], 0)}", match[0].replace(", ", ","))


def _fraction(match: re.Match[str]) -> str:
    value = float(match[1])
    return f"#{value:.18e}" if value else "#0"


def _system(code: bytes, mnemonic: str, operands: str) -> str:
    """System registers by their numbers."""
    word = int.from_bytes(code, "little")
    fields = 2 + (word >> 19 & 1), word >> 16 & 7, word >> 12 & 15, word >> 8 & 15, word >> 5 & 7
    name = "s{}_{}_c{}_c{}_{}".format(*fields)
    first, _, second = operands.partition(", ")
    return f"mrs {first}, {name}" if mnemonic == "mrs" else f"msr {name}, {second}"
