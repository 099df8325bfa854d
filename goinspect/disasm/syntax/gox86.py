"""Go's syntax of x86 instructions, as `go tool objdump` prints it: made of Intel's, which capstone writes.

Operands stand the other way round, those of CMP do not; the size of an operand is a letter behind some names; names of
registers do not tell their size. What Go's disassembler cannot decode (AVX for the most part), it prints as "?" a
byte at a time; here it is written by the same rules. They are those of GoSyntax of golang.org/x/arch/x86/x86asm.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goinspect.disasm.syntax.x86operands import (
    NUMBER,
    PREDICATES,
    STRINGS,
    SUFFIXED,
    data_size,
    displacement_of,
    memory_of,
    signed,
    split,
)
from goinspect.disasm.syntax.x86registers import GO_REGISTERS, WIDTHS

if TYPE_CHECKING:
    from goinspect.disasm.syntax.names import Names
    from goinspect.disasm.syntax.x86operands import Memory

__all__ = ["write"]

_LETTERS = {8: "B", 16: "W", 32: "L", 64: "Q"}
# What Go's disassembler calls otherwise than capstone does.
_NAMES = {
    "movabs": "MOV", "sal": "SHL", "int1": "ICEBP", "retf": "LRET", "retfq": "LRET", "wait": "FWAIT", "xlat": "XLATB",
    "pushal": "PUSHAD", "popal": "POPAD", "pushaw": "PUSHA", "popaw": "POPA",
}  # fmt: skip
_PREFIXES = {
    "lock": "LOCK ", "rep": "REP; ", "repe": "REP; ", "repz": "REP; ", "repne": "REPNE; ", "repnz": "REPNE; ",
    "xrelease": "REP; ", "xacquire": "REPNE; ", "bnd": "REPNE; ",
}  # fmt: skip
_COMPARE = re.compile(rf"cmp({'|'.join(PREDICATES)})([ps][sd])")
_RELATIVE = re.compile(r"J[A-Z]+|CALL|LOOP[A-Z]*|XBEGIN")


def write(code: bytes, address: int, mnemonic: str, operands: str, bits: int, names: Names) -> str:
    """One instruction.

    Args:
        code: its bytes, which tell sizes that the text does not.
        address: where it is.
        mnemonic: Intel's, with prefixes.
        operands: Intel's.
        bits: 64 or 32.
        names: of addresses.
    """
    *prefixes, word = mnemonic.split(" ")
    if word == "int3":
        word, operands = "int", "3"
    op, arguments = _op(word, operands)
    wide = data_size(code, bits)
    memory = next((m for m in map(memory_of, arguments) if m is not None), None)
    texts = [
        _argument(text, op, wide, bits, names, arguments)
        if (place := memory_of(text)) is None
        else _memory_text(place, op, address, code, names)
        for text in arguments
    ]
    if op != "CMP":
        texts.reverse()
    lead = "".join(_PREFIXES.get(prefix, "") for prefix in sorted(prefixes, key=lambda p: p == "lock"))
    name = op + _suffix(op, arguments, memory, wide)
    return f"{lead}{name} {', '.join(texts)}" if texts else lead + name


def _op(word: str, operands: str) -> tuple[str, list[str]]:
    arguments = split(operands)
    if word in ("movsd", "cmpsd") and "xmm" in operands:
        return word.upper() + "_XMM", arguments
    match = _COMPARE.fullmatch(word)
    if match is not None:
        name = "CMP" + match[2].upper() + ("_XMM" if match[2] == "sd" else "")
        return name, [*arguments, str(PREDICATES.index(match[1]))]
    return _NAMES.get(word, word.upper()), arguments


def _suffix(op: str, arguments: list[str], memory: Memory | None, wide: int) -> str:
    if op not in SUFFIXED:
        return ""
    if memory is not None and memory.size:
        return _LETTERS.get(memory.size, "")
    if len(arguments) == 1 and WIDTHS.get(arguments[0]) == 64:
        return "Q"
    return _LETTERS[wide]


def _argument(text: str, op: str, wide: int, bits: int, names: Names, arguments: list[str]) -> str:
    register = GO_REGISTERS.get(text)
    if register is not None:
        return register
    if not NUMBER.fullmatch(text):
        return text.upper()
    number = int(text, 0)
    if _RELATIVE.fullmatch(op):
        found = names(number)
        return f"{found[0]}(SB)" if found and found[1] == number else f"{number:#x}"
    value = signed(number, op, wide, arguments)
    if op in ("MOV", "PUSH") and wide == 32 and (found := names(value)) is not None:
        return f"${found[0]}{_offset(value - found[1])}(SB)"
    if bits == 32:
        return f"${value & 0xFFFFFFFF:#x}"
    return f"${value:#x}" if -(1 << 31) <= value < 1 << 31 else f"${value & (1 << 64) - 1:#x}"


def _offset(number: int) -> str:
    return f"{number:+d}" if number else ""


# --- memory ---


def _memory_text(memory: Memory, op: str, address: int, code: bytes, names: Names) -> str:
    displacement = displacement_of(memory, code)
    at = None
    if not memory.segment and not memory.scaled and displacement:
        if memory.base in ("rip", "eip"):
            at = displacement + address + len(code)
        elif not memory.base:
            at = displacement
    if at is not None and (found := names(at)) is not None:
        return f"{found[0]}{_offset(at - found[1])}(SB)"
    segment = memory.segment.upper()
    if not segment and STRINGS.fullmatch(op):
        segment = "ES" if memory.base.endswith("di") else "DS"
    out = f"{segment}:" if segment else ""
    out += f"{displacement:#x}" if displacement else "0"
    if memory.base:
        out += f"({GO_REGISTERS.get(memory.base, memory.base.upper())})"
    if memory.scaled:
        out += f"({GO_REGISTERS.get(memory.scaled, memory.scaled.upper())}*{memory.scale})"
    return out
