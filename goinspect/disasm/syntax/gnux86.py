"""GNU's syntax of x86 instructions (AT&T's), as `go tool objdump -gnu` prints it: made of Intel's, which capstone writes.

A name has a letter for the size of operands only where no register tells it. The rules are those of GNUSyntax of
golang.org/x/arch/x86/x86asm, which follow binutils, for what Go's compiler and assembler write.
"""

from __future__ import annotations

import re

from goinspect.disasm.syntax.x86operands import (
    NUMBER,
    STRINGS,
    Memory,
    data_size,
    displacement_of,
    memory_of,
    signed,
    split,
)
from goinspect.disasm.syntax.x86registers import WIDTHS

__all__ = ["write"]

_NAMES = {
    "cbw": "cbtw", "cdq": "cltd", "cwd": "cwtd", "cwde": "cwtl", "cqo": "cqto", "movabs": "mov", "sal": "shl",
    "int1": "icebp", "retf": "lret", "retfq": "lret", "wait": "fwait", "pushal": "pusha", "popal": "popa", "xlatb": "xlat",
    "cmpsd": "cmpsl", "movsd": "movsl", "insd": "insl", "outsd": "outsl",
    "pushfd": "pushf", "popfd": "popf",
}  # fmt: skip
_BARE = re.compile(
    r"set[a-z]+|cmpxchg8b|fldcw|fnstcw|fnstsw|ldmxcsr|stmxcsr|lldt|lmsw|ltr|sldt|smsw|str|verr|verw|pclmul.*|lgdt|lidt|prefetch.*|invlpg|clflush.*"
)
_ACROSS = frozenset(("call", "jmp", "ret", "lret", "leave", "enter", "lcall", "ljmp"))
_SHIFTS = frozenset(("shl", "shr", "rcl", "rcr", "rol", "ror", "sar"))
_FLOATS = re.compile(r"f(i?)[a-z0-9]+")
_LETTERS = {8: "b", 16: "w", 32: "l", 64: "q"}
_TELLING = re.compile(r"[cdefgs]s|[xy]?mm[0-9]+")
_RELATIVE = re.compile(r"j[a-z]+|call|loop[a-z]*|xbegin")
_PREFIXES = {"repe": "rep", "repz": "rep", "repne": "repn", "repnz": "repn", "notrack": ""}
_CARRYLESS = {0: "pclmullqlqdq", 1: "pclmulhqlqdq", 16: "pclmullqhqdq", 17: "pclmulhqhqdq"}


def write(code: bytes, mnemonic: str, operands: str, bits: int) -> str:
    """One instruction.

    Args:
        code: its bytes, which tell sizes that the text does not.
        mnemonic: Intel's, with prefixes.
        operands: Intel's.
        bits: 64 or 32.
    """
    *prefixes, word = mnemonic.split(" ")
    arguments = split(operands)
    op, arguments = _op(word, arguments, operands)
    wide = data_size(code, bits)
    texts = [_argument(text, op, wide, bits, code, arguments) for text in arguments]
    if op in _SHIFTS and len(texts) == 2 and texts[1] == "$0x1" and _shifts_by_one(code):
        texts.pop()
    if op != "enter":
        texts.reverse()
    lead = "".join(f"{known} " for prefix in prefixes if (known := _PREFIXES.get(prefix, prefix)))
    if op == "nop" and not arguments and wide == 16:
        lead += "data16 "
    star = "*" if op in ("call", "jmp") and not NUMBER.fullmatch(arguments[0]) else ""
    name = op.removesuffix("_xmm") + _suffix(op, code, arguments, bits)
    return f"{lead}{name} {star}{','.join(texts)}" if texts else lead + name


def _op(word: str, arguments: list[str], operands: str) -> tuple[str, list[str]]:
    if word in ("movsx", "movzx"):
        sizes = [_width(text) for text in arguments[1::-1]]
        return word[:4] + "".join(_LETTERS.get(size, "") for size in sizes), arguments
    if word in ("movsd", "cmpsd") and "xmm" in operands:
        return word + "_xmm", arguments
    if word == "pclmulqdq" and NUMBER.fullmatch(arguments[-1]) and int(arguments[-1], 0) in _CARRYLESS:
        return _CARRYLESS[int(arguments[-1], 0)], arguments[:-1]
    if STRINGS.fullmatch(word.upper()) and word[:4] in ("lods", "scas", "stos"):
        return word[:4], arguments
    return _NAMES.get(word, word), arguments


def _shifts_by_one(code: bytes) -> bool:
    """The opcodes that have no count."""
    at = next((at for at, byte in enumerate(code) if byte & 0xF0 != 0x40 and byte not in b"\x66\xf0"), 0)
    return code[at] & 0xFE == 0xD0


def _width(text: str) -> int:
    memory = memory_of(text)
    return WIDTHS.get(text, 0) if memory is None else memory.size


def _suffix(op: str, code: bytes, arguments: list[str], bits: int) -> str:
    if (
        _is_string(op)
        or any(_tells(op, number, text) for number, text in enumerate(arguments))
        or _BARE.fullmatch(op)
    ):
        return ""
    if op in _ACROSS:
        return "q" if bits == 64 and code[:1] != b"\xeb" else ""
    if op in ("push", "pop"):
        return "q" if bits == 64 else "l" if "[" in arguments[0] else ""
    size = next((memory.size for text in arguments if (memory := memory_of(text))), 0)
    match = _FLOATS.fullmatch(op)
    if match is None:
        return _LETTERS.get(size, "")
    if op in ("fld", "fstp") and not size and any("[" in text for text in arguments):
        return "t"
    return {32: "l" if match[1] else "s", 64: "ll" if match[1] else "l"}.get(size, "")


def _tells(op: str, number: int, text: str) -> bool:
    """Is it a register that says how large the operands are?"""
    if op in _SHIFTS and number == 1:
        return False
    if op.startswith(("movz", "movs")) and len(op) == 6 and op != "movsxd":
        return True
    if op.startswith("cvtsi2") and text.startswith("xmm"):
        return False
    return text in WIDTHS or bool(_TELLING.fullmatch(text))


def _argument(text: str, op: str, wide: int, bits: int, code: bytes, arguments: list[str]) -> str:
    memory = memory_of(text)
    if memory is not None:
        return _memory(memory, op, code)
    if not NUMBER.fullmatch(text):
        if op in ("in", "out", "insb", "insw", "insl", "outsb", "outsw", "outsl") and text == "dx":
            return "(%dx)"
        return "%" + text
    number = int(text, 0)
    if _RELATIVE.fullmatch(op):
        return f"{number:#x}"
    if op == "mov" and code[0] & 0xF8 == 0x48 and code[1] & 0xF8 == 0xB8:  # the only one of eight bytes
        return f"${number - (1 << 64) if number >> 63 == 1 else number:#x}"
    value = signed(number, op.upper(), wide, arguments)
    return f"${value & 0xFFFFFFFF:#x}" if bits == 32 else f"${value:#x}"


def _is_string(op: str) -> bool:
    """Does it go from string to string, in segments of their own?"""
    return bool(STRINGS.fullmatch(op.upper())) or op in (
        "lods",
        "scas",
        "stos",
        "movsl",
        "cmpsl",
        "insl",
        "outsl",
        "xlat",
    )


def _memory(memory: Memory, op: str, code: bytes) -> str:
    segment = memory.segment
    if not segment and _is_string(op):
        segment = "es" if memory.base.endswith("di") else "ds"
    displacement = displacement_of(memory, code)
    out = f"%{segment}:" if segment else ""
    if displacement:
        out += f"{displacement:#x}"
    if not memory.base and not memory.scaled:
        return out or "0x0"
    base = f"%{memory.base}" if memory.base else ""
    if not memory.scaled:
        return f"{out}({base})"
    return f"{out}({base},%{memory.scaled}" + (f",{memory.scale})" if memory.scale > 1 else ")")
