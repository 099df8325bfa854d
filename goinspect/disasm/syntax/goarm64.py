"""Go's syntax of arm64 instructions, as `go tool objdump` prints it: made of Arm's, which capstone writes.

Operands stand the other way round; loads and stores are moves; the width of registers is a letter of the name. What
Go's disassembler cannot decode it prints as "?"; here it is written by the same rules. They are those of GoSyntax of
golang.org/x/arch/arm64/arm64asm.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goinspect.disasm.instruction import UNKNOWN
from goinspect.disasm.syntax.arm64operands import fits_a_move, operands_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect.disasm.syntax.arm64operands import Operand
    from goinspect.disasm.syntax.names import Names

__all__ = ["write"]

_FLOATS = {"b": "B", "h": "H", "s": "S", "d": "D", "q": "Q"}
_LOADS = {"LDRB": "MOVBU", "LDRH": "MOVHU", "LDRSW": "MOVW"}
_STORES = {"STRB": "MOVB", "STURB": "MOVB", "STRH": "MOVH", "STURH": "MOVH"}
_SIGNED = {"LDRSB": "MOVB", "LDRSH": "MOVH"}
_BY_WIDTH = frozenset(("FADD", "FSUB", "FMUL", "FNMUL", "FDIV", "FMAX", "FMIN", "FMAXNM", "FMINNM", "FCSEL", "FMADD",
                       "FMSUB", "FNMADD", "FNMSUB", "FCMP", "FCMPE", "FCCMP", "FCCMPE"))  # fmt: skip
_BY_SECOND = frozenset(
    ("FABS", "FNEG", "FSQRT", "FRINTN", "FRINTP", "FRINTM", "FRINTZ", "FRINTA", "FRINTX", "FRINTI")
)
_NO_SUFFIX = re.compile(
    r"AES(D|E|IMC|MC)|CRC32(C?[BHWX])|LDARB|LDARH|LDAXRB|LDAXRH|LDTRH|LDXRB|LDXRH|SHA1(C|H|M|P|SU0|SU1)|SHA256(H2?|SU0|SU1)"
)
_BITS = frozenset(("BFI", "BFXIL", "SBFIZ", "SBFX", "UBFIZ", "UBFX"))
_PRODUCTS = frozenset(("MADD", "MSUB", "SMADDL", "SMSUBL", "UMADDL", "UMSUBL"))
_JUMPS = frozenset(("B", "BL", "CBZ", "CBNZ", "TBZ", "TBNZ"))
_CARRY = {"HS": "CS", "LO": "CC"}
_ATOMIC = re.compile(r"(LDADD|LDCLR|LDEOR|LDSET|LD[SU]MAX|LD[SU]MIN|SWP|CAS)(A?L?)([BH]?)")
_BYTES = frozenset(("LDRB", "LDRSB", "STRB"))
_INDEXED = re.compile(r"LDRS?[BHW]?|STR[BH]?|STUR[BH]?|(LD|ST)[1-4]R?")


def write(code: bytes, address: int, mnemonic: str, operands: str, names: Names) -> str:
    """One instruction.

    Args:
        code: its four bytes.
        address: where it is.
        mnemonic: Arm's, as capstone has it.
        operands: likewise.
        names: of addresses.
    """
    op = mnemonic.upper()
    found = operands_of(operands, op in _BYTES)
    if op.startswith("B."):
        return f"B{_CARRY.get(op[2:], op[2:])} {_place(found[-1].number, address, names)}"
    if mnemonic == "udf" and not any(code):
        return UNKNOWN  # between functions
    if op in _WHOLE:
        return _WHOLE[op](op, code, address, found, names)
    if (match := _ATOMIC.fullmatch(op)) is not None and len(found) == 3:
        return _atomic(match, found)
    texts = [_text(op, operand, found) for operand in found]
    if op == "MOV" and found[1].kind == "imm" and code[3] & 0x7F == 0x32 and fits_a_move(operands):
        return f"ORR{_narrow(found[0])} {texts[1]}, ZR, {texts[0]}"
    if op in _JUMPS:
        texts[-1] = _place(found[-1].number, address, names)
    elif op.startswith("LDR") and found[-1].kind == "imm":
        texts[-1] = _place(found[-1].number, address, names)
        if texts[-1].endswith("(SB)") and found[0].kind in ("w", "x"):
            texts[-1] = f"${texts[-1]}"
    name = _RENAMED.get(op, _otherwise)(op, found, texts)
    if _INDEXED.fullmatch(op):
        name += next((operand.mode for operand in found if operand.kind == "mem"), "")
    if len(found) > 3 and found[3].kind == "cond":
        if found[2].kind in ("imm", "shifted"):
            texts[0], texts[2] = texts[2], texts[0]
        else:
            texts[1], texts[2] = texts[2], texts[1]
    texts.reverse()
    return f"{name} {', '.join(texts)}" if texts else name


# --- operands ---


def _text(op: str, operand: Operand, found: tuple[Operand, ...]) -> str:
    if operand.kind == "imm":
        narrow = found[0].kind in ("w", "wsp")
        number = operand.number & 0xFFFFFFFF if narrow else operand.number
        return f"${number - (1 << 64) if number >> 63 == 1 else number}"
    if operand.kind in _FLOATS:
        return f"{'F' if op.startswith('F') or op.endswith('CVTF') else 'V'}{operand.text}"
    return operand.text


def _place(vaddr: int, address: int, names: Names) -> str:
    found = names(vaddr)
    return f"{found[0]}(SB)" if found and found[1] == vaddr else f"{_quotient(vaddr - address)}(PC)"


def _quotient(distance: int) -> int:
    return int(distance / 4)  # to 0, as Go divides


def _narrow(operand: Operand) -> str:
    return "W" if operand.kind in ("w", "wsp") else ""


# --- names that depend on operands; they may put the texts into another order ---


def _otherwise(op: str, found: tuple[Operand, ...], _texts: list[str]) -> str:
    if not found or _NO_SUFFIX.fullmatch(op):
        return op
    if found[0].kind == "v" or (found[0].kind in _FLOATS and not op.startswith("F")):
        return "V" + op
    return op + _narrow(found[0])


def _move(_op: str, found: tuple[Operand, ...], _texts: list[str]) -> str:
    if any(operand.kind == "v" for operand in found):
        return "VMOV"
    return "MOVW" if _narrow(found[0]) else "MOVD"


def _load(_op: str, found: tuple[Operand, ...], texts: list[str]) -> str:
    return _moved(found[0], texts, "MOVWU")


def _moved(register: Operand, texts: list[str], narrow: str) -> str:
    if register.kind in _FLOATS:
        texts[0] = f"F{register.text}"
        return "FMOV" + _FLOATS.get(register.kind, "")
    return narrow if _narrow(register) else "MOVD"


def _load_part(op: str, _found: tuple[Operand, ...], _texts: list[str]) -> str:
    return _LOADS[op]


def _load_signed(op: str, found: tuple[Operand, ...], _texts: list[str]) -> str:
    return _SIGNED[op] + _narrow(found[0])


def _store(_op: str, found: tuple[Operand, ...], texts: list[str]) -> str:
    name = _moved(found[0], texts, "MOVW")
    texts[:2] = texts[1::-1]
    return name


def _store_part(op: str, _found: tuple[Operand, ...], texts: list[str]) -> str:
    texts[:2] = texts[1::-1]
    return _STORES[op]


def _store_release(op: str, found: tuple[Operand, ...], texts: list[str]) -> str:
    texts[:2] = texts[1::-1]
    return op + (_narrow(found[0]) if op == "STLR" else "")


def _store_exclusive(op: str, found: tuple[Operand, ...], texts: list[str]) -> str:
    texts[1:3] = texts[2:0:-1]
    return op + (_narrow(found[1]) if op.endswith("R") else "")


def _test(op: str, found: tuple[Operand, ...], texts: list[str]) -> str:
    if op.startswith("CB"):
        texts[:2] = texts[1::-1]
        return op + _narrow(found[0])
    texts[:3] = texts[2], texts[0], texts[1]
    return op


def _product(op: str, found: tuple[Operand, ...], texts: list[str]) -> str:
    texts[2:4] = texts[3:1:-1]
    return op + _narrow(found[0])


def _bits(op: str, found: tuple[Operand, ...], texts: list[str]) -> str:
    texts[1:4] = texts[3], texts[1], texts[2]
    return op + _narrow(found[0])


def _by_width(op: str, found: tuple[Operand, ...], texts: list[str]) -> str:
    if op.startswith("FCCMP"):
        texts[:2] = texts[1::-1]
    elif texts[-1] == "#0.0":
        texts[-1] = "$(0.0)"
    elif op.endswith(("MADD", "MSUB")):
        texts[2:4] = texts[3:1:-1]
    if found[0].kind == "v":
        return op
    return op + (_FLOATS.get(found[0].kind, "") if found[0].kind in "sd" else "")


def _by_second(op: str, found: tuple[Operand, ...], _texts: list[str]) -> str:
    return op + (_FLOATS.get(found[1].kind, "") if found[1].kind in ("s", "d") else "")


def _conversion(op: str, found: tuple[Operand, ...], _texts: list[str]) -> str:
    if len(found) > 2:
        return op
    both = ("h", "s", "d") if op == "FCVT" else ("s", "d")
    return op + "".join(
        _FLOATS.get(operand.kind, "") if operand.kind in both else "" if op == "FCVT" else _narrow(operand)
        for operand in (found[1], found[0])
    )


def _float_move(op: str, found: tuple[Operand, ...], texts: list[str]) -> str:
    if texts[-1].startswith("#"):
        texts[-1] = f"${float(texts[-1][1:]):f}".rstrip("0")
    return op + next((_FLOATS.get(operand.kind, "") for operand in found if operand.kind in ("s", "d")), "")


def _vectors(op: str, _found: tuple[Operand, ...], texts: list[str]) -> str:
    if op == "ST1":
        texts[:2] = texts[1::-1]
    return "V" + op


_RENAMED: dict[str, Callable[[str, tuple[Operand, ...], list[str]], str]] = {
    "MOV": _move, "UMOV": lambda *_: "VMOV", "LDR": _load, "LDUR": _load, "STR": _store, "STUR": _store,
    "STLR": _store_release, "STLRB": _store_release, "STLRH": _store_release, "CBZ": _test, "CBNZ": _test, "TBZ": _test,
    "TBNZ": _test, "FMOV": _float_move, "LD1": _vectors, "ST1": _vectors,
    **dict.fromkeys(_LOADS, _load_part), **dict.fromkeys(_SIGNED, _load_signed), **dict.fromkeys(_STORES, _store_part),
    **dict.fromkeys(("STLXR", "STXR", "STLXRB", "STLXRH", "STXRB", "STXRH"), _store_exclusive),
    **dict.fromkeys(_PRODUCTS, _product), **dict.fromkeys(_BITS, _bits), **dict.fromkeys(_BY_WIDTH, _by_width),
    **dict.fromkeys(_BY_SECOND, _by_second),
    **dict.fromkeys(("FCVT", "FCVTZS", "FCVTZU", "SCVTF", "UCVTF"), _conversion),
}  # fmt: skip


# --- instructions that are written in a way of their own ---


def _call(op: str, _code: bytes, address: int, found: tuple[Operand, ...], names: Names) -> str:
    place = f"({found[0].text})" if op.endswith("R") else _place(found[0].number, address, names)
    return f"{'CALL' if op.startswith('BL') else 'JMP'} {place}"


def _return(_op: str, _code: bytes, _address: int, found: tuple[Operand, ...], _names: Names) -> str:
    return f"RET {found[0].text}" if found and found[0].text != "R30" else "RET"


def _address(op: str, _code: bytes, address: int, found: tuple[Operand, ...], _names: Names) -> str:
    base = address >> 12 << 12 if op == "ADRP" else address
    return f"{op} {found[1].number - base}(PC), {found[0].text}"


def _pair(op: str, _code: bytes, _address: int, found: tuple[Operand, ...], _names: Names) -> str:
    first, second, memory = found[-3:]
    letter = "F" if first.kind in _FLOATS else ""
    both = f"({letter}{first.text}, {letter}{second.text})"
    name = letter + op + (_FLOATS.get(first.kind, "") if letter else _narrow(first))
    if op.startswith("ST") and len(found) == 4:  # the exclusive ones say whether they did
        return f"{name} {both}, {memory.text}, {found[0].text}"
    name += memory.mode
    return f"{name} {both}, {memory.text}" if op.startswith("ST") else f"{name} {memory.text}, {both}"


def _atomic(match: re.Match[str], found: tuple[Operand, ...]) -> str:
    """As Go's assembler has them; its disassembler has not."""
    kind, order, size = match.groups()
    name = kind.replace("LDSET", "LDOR") + order + (size or _narrow(found[0]) or "D")
    return f"{name} {found[0].text}, {found[2].text}, {found[1].text}"


def _cache(op: str, _code: bytes, _address: int, found: tuple[Operand, ...], _names: Names) -> str:
    return f"{op} {', '.join(operand.text for operand in found)}"


def _barrier(op: str, code: bytes, _address: int, found: tuple[Operand, ...], _names: Names) -> str:
    if op == "ISB" and not found:
        return "ISB $15"
    return f"{op} ${code[1] & 15}"


def _system(op: str, code: bytes, _address: int, found: tuple[Operand, ...], _names: Names) -> str:
    word = int.from_bytes(code, "little")
    if op == "MRS":
        return f"MRS ${word >> 5 & 0x7FFF}, {found[0].text}"
    if len(found) < 2 or found[1].kind == "imm":
        return f"MSR ${found[-1].number}, {found[0].text}"
    fields = 2 + (word >> 19 & 1), word >> 16 & 7, word >> 12 & 15, word >> 8 & 15, word >> 5 & 7
    return "MSR {5}, S{0}_{1}_C{2}_C{3}_{4}".format(*fields, found[1].text)


_WHOLE: dict[str, Callable[[str, bytes, int, tuple[Operand, ...], Names], str]] = {
    "B": _call, "BL": _call, "BR": _call, "BLR": _call, "RET": _return, "ADR": _address, "ADRP": _address, "STP": _pair,
    "LDP": _pair, "LDXP": _pair, "LDAXP": _pair, "STXP": _pair, "STLXP": _pair, "DMB": _barrier, "DSB": _barrier,
    "DC": _cache, "IC": _cache, "TLBI": _cache, "AT": _cache, "ISB": _barrier, "CLREX": _barrier, "MRS": _system, "MSR": _system, "NOP": lambda *_: "NOOP",
}  # fmt: skip
