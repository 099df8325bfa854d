"""Go's syntax of x86 instructions, as `go tool objdump` prints it: made of Intel's, which capstone writes.

Operands stand the other way round, those of CMP do not; the size of an operand is a letter behind some names; names of
registers do not tell their size. What Go's disassembler cannot decode (AVX for the most part), it prints as "?" a
byte at a time; here it is written by the same rules. They are those of GoSyntax of golang.org/x/arch/x86/x86asm.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from goinspect.disasm.syntax.x86registers import GO_REGISTERS, WIDTHS

if TYPE_CHECKING:
    from goinspect.disasm.syntax.names import Names

__all__ = ["write"]

_SUFFIXED = frozenset((
    "ADC", "ADD", "AND", "BSF", "BSR", "BT", "BTC", "BTR", "BTS", "CMP", "CMPXCHG", "CVTSI2SD", "CVTSI2SS", "CVTSD2SI",
    "CVTSS2SI", "CVTTSD2SI", "CVTTSS2SI", "DEC", "DIV", "FLDENV", "FRSTOR", "IDIV", "IMUL", "IN", "INC", "LEA", "MOV",
    "MOVNTI", "MUL", "NEG", "NOP", "NOT", "OR", "OUT", "POP", "POPA", "POPCNT", "PUSH", "PUSHA", "RCL", "RCR", "ROL",
    "ROR", "SAR", "SBB", "SHL", "SHLD", "SHR", "SHRD", "SUB", "TEST", "XADD", "XCHG", "XOR",
))  # fmt: skip
_LETTERS = {8: "B", 16: "W", 32: "L", 64: "Q"}
_SIZES = {"byte": 8, "word": 16, "dword": 32, "qword": 64}
# What Go's disassembler calls otherwise than capstone does.
_NAMES = {
    "movabs": "MOV", "sal": "SHL", "int1": "ICEBP", "retf": "LRET", "retfq": "LRET", "wait": "FWAIT", "xlat": "XLATB",
    "pushal": "PUSHAD", "popal": "POPAD", "pushaw": "PUSHA", "popaw": "POPA",
}  # fmt: skip
_PREFIXES = {
    "lock": "LOCK ", "rep": "REP; ", "repe": "REP; ", "repz": "REP; ", "repne": "REPNE; ", "repnz": "REPNE; ",
    "xrelease": "REP; ", "xacquire": "REPNE; ", "bnd": "REPNE; ",
}  # fmt: skip
_STRINGS = re.compile(r"(MOVS|STOS|LODS|SCAS|CMPS|INS|OUTS)[BWDQ]|XLATB")
_PREDICATES = ("eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord")
_COMPARE = re.compile(rf"cmp({'|'.join(_PREDICATES)})([ps][sd])")
_MEMORY = re.compile(r"(?:([a-z]+) ptr )?(?:([c-gs]s):)?\[([^\]]+)\]")
_TERM = re.compile(
    r"(?:(?P<index>[a-z][a-z0-9]*)\*(?P<scale>[1248])|(?P<number>0x[0-9a-f]+|[0-9]+)|(?P<base>[a-z][a-z0-9]*))"
)
_NUMBER = re.compile(r"-?(0x[0-9a-f]+|[0-9]+)")
_RELATIVE = re.compile(r"J[A-Z]+|CALL|LOOP[A-Z]*|XBEGIN")
_LEGACY = frozenset(bytes.fromhex("666726 2e363e6465f0f2f3"))


class _Memory(NamedTuple):
    size: int  # bits; 0: not told
    segment: str  # as Go calls it; "" for none
    displacement: int
    base: str
    scaled: str  # the index
    scale: int


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
    wide = _data_size(code, bits)
    memory = next((m for m in map(_memory, arguments) if m is not None), None)
    texts = [
        _argument(text, op, wide, bits, names, arguments)
        if (place := _memory(text)) is None
        else _memory_text(place, op, address, code, names)
        for text in arguments
    ]
    if op != "CMP":
        texts.reverse()
    lead = "".join(_PREFIXES.get(prefix, "") for prefix in sorted(prefixes, key=lambda p: p == "lock"))
    name = op + _suffix(op, arguments, memory, wide)
    return f"{lead}{name} {', '.join(texts)}" if texts else lead + name


def _op(word: str, operands: str) -> tuple[str, list[str]]:
    arguments = _split(operands)
    if word in ("movsd", "cmpsd") and "xmm" in operands:
        return word.upper() + "_XMM", arguments
    match = _COMPARE.fullmatch(word)
    if match is not None:
        name = "CMP" + match[2].upper() + ("_XMM" if match[2] == "sd" else "")
        return name, [*arguments, str(_PREDICATES.index(match[1]))]
    return _NAMES.get(word, word.upper()), arguments


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


def _split(operands: str) -> list[str]:
    return list(_split_cached(operands))


def _data_size(code: bytes, bits: int) -> int:
    """Bits of an operand, as the prefixes have it."""
    at, narrow = 0, False
    while at < len(code) - 1 and code[at] in _LEGACY:
        narrow |= code[at] == 0x66
        at += 1
    if bits == 64 and code[at] & 0xF8 == 0x48:
        return 64
    return 16 if narrow else 32


def _suffix(op: str, arguments: list[str], memory: _Memory | None, wide: int) -> str:
    if op not in _SUFFIXED:
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
    if not _NUMBER.fullmatch(text):
        return text.upper()
    number = int(text, 0)
    if _RELATIVE.fullmatch(op):
        found = names(number)
        return f"{found[0]}(SB)" if found and found[1] == number else f"{number:#x}"
    value = _signed(number, op, wide, arguments)
    if op in ("MOV", "PUSH") and wide == 32 and (found := names(value)) is not None:
        return f"${found[0]}{_offset(value - found[1])}(SB)"
    if bits == 32:
        return f"${value & 0xFFFFFFFF:#x}"
    return f"${value:#x}" if -(1 << 31) <= value < 1 << 31 else f"${value & (1 << 64) - 1:#x}"


def _offset(number: int) -> str:
    return f"{number:+d}" if number else ""


def _signed(number: int, op: str, wide: int, arguments: list[str]) -> int:
    """An immediate as Go's disassembler reads it: with a sign where it is added to, or compared with, a longer operand."""
    if op not in _SUFFIXED or op in ("IN", "OUT"):
        return number & (0xFFFF if op in ("RET", "LRET", "ENTER") else 0xFF)
    size = wide
    if (width := _width(arguments[0])) in (8, 16):
        if width == 8:
            return number & 0xFF
        size = 16
    number &= (1 << size) - 1
    return number - (1 << size) if number >> size - 1 else number


def _width(text: str) -> int:
    memory = _memory(text)
    return WIDTHS.get(text, 0) if memory is None else memory.size


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


# --- memory ---


@lru_cache(maxsize=1 << 12)
def _memory(text: str) -> _Memory | None:
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
    segment = GO_REGISTERS[match[2]] if match[2] else ""
    return _Memory(_SIZES.get(match[1] or "", 0), segment, displacement, base, scaled, scale)


def _memory_text(memory: _Memory, op: str, address: int, code: bytes, names: Names) -> str:
    displacement = memory.displacement
    if displacement < 0 and (memory.base in ("", "rip", "eip") or _mod(code) == 2):
        displacement &= (
            0xFFFFFFFF  # Go's disassembler takes those of four bytes for unsigned, and so finds no name
        )
    at = None
    if not memory.segment and not memory.scaled and displacement:
        if memory.base in ("rip", "eip"):
            at = displacement + address + len(code)
        elif not memory.base:
            at = displacement
    if at is not None and (found := names(at)) is not None:
        return f"{found[0]}{_offset(at - found[1])}(SB)"
    segment = memory.segment
    if not segment and _STRINGS.fullmatch(op):
        segment = "ES" if memory.base.endswith("di") else "DS"
    out = f"{segment}:" if segment else ""
    out += f"{displacement:#x}" if displacement else "0"
    if memory.base:
        out += f"({GO_REGISTERS.get(memory.base, memory.base.upper())})"
    if memory.scaled:
        out += f"({GO_REGISTERS.get(memory.scaled, memory.scaled.upper())}*{memory.scale})"
    return out
