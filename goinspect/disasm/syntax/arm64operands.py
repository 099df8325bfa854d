"""Operands of arm64 as capstone writes them, taken apart, and each as Go writes it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Operand", "fits_a_move", "operands_of"]

CONDITIONS = frozenset(
    ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al", "nv")
)


class Operand(NamedTuple):
    """One operand.

    ``kind``: "w" and "x" registers (with those that mean zero), "sp", "wsp", a scalar register "b", "h", "s", "d" or "q", "v" a
    vector or a list of them, "mem", "imm", "cond", or "" for a name.
    """

    kind: str
    text: str  # as Go writes it; of an immediate as capstone does
    number: int = 0  # of an immediate; of a register
    mode: str = ""  # of memory: ".W" where the base is changed before, ".P" behind


_GENERAL = re.compile(r"([wx])([0-9]{1,2}|zr)")
_SCALAR = re.compile(r"([bhsdq])([0-9]{1,2})")
_VECTOR = re.compile(r"v([0-9]{1,2})(?:\.([0-9]{0,2})([bhsdq]))?(?:\[(0x[0-9a-f]+|[0-9]+)\])?")
_NUMBER = re.compile(r"#(-?(?:0x[0-9a-f]+|[0-9]+))")
_MEMORY = re.compile(
    r"\[([a-z0-9]+)(?:, (#-?[0-9a-fx]+|[wx][a-z0-9]+)(?:, ([a-z]+)(?: #([0-9a-fx]+))?)?)?\](!)?"
)
_SPLIT = re.compile(r", (?![^\[{]*[\]}])")
_SHIFT = re.compile(r"(lsl|lsr|asr|ror|msl|[us]xt[bhwx])(?: #(0x[0-9a-f]+|[0-9]+))?")
_MARKS = {"lsl": "<<", "lsr": ">>", "asr": "->", "ror": "@>"}


@lru_cache(maxsize=1 << 13)
def operands_of(text: str, byte_index: bool = False) -> tuple[Operand, ...]:
    """Operands in capstone's order.

    Args:
        text: all of them.
        byte_index: an index into bytes, whose scale is shown where it is written although it is 0.
    """
    out: list[Operand] = []
    for part in _SPLIT.split(text) if text else ():
        shift = _SHIFT.fullmatch(part)
        if shift is not None and out:
            out[-1] = _shifted(out[-1], shift[1], int(shift[2] or "0", 0))
        elif out and out[-1].kind == "mem" and (part.startswith("#") or _GENERAL.fullmatch(part)):
            out[-1] = _after(out[-1], part)
        else:
            out.append(_operand(part, byte_index=byte_index))
    return tuple(out)


def fits_a_move(operands: str) -> bool:
    """Can one MOVZ or MOVN make the number? Then an ORR that makes it is no MOV (MoveWidePreferred in Arm's manual)."""
    match = _NUMBER.search(operands)
    number = int(match[1], 0) if match else 0
    size = 32 if operands.startswith("w") else 64
    return any(
        sum(value >> shift & 0xFFFF != 0 for shift in range(0, size, 16)) <= 1 for value in (number, ~number)
    )


def _operand(part: str, *, byte_index: bool) -> Operand:
    if match := _GENERAL.fullmatch(part):
        return Operand(
            match[1], "ZR" if match[2] == "zr" else f"R{match[2]}", 31 if match[2] == "zr" else int(match[2])
        )
    if part in ("sp", "wsp"):
        return Operand(part, "RSP", 31)
    if match := _NUMBER.fullmatch(part):
        return Operand("imm", part, int(match[1], 0))
    if match := _SCALAR.fullmatch(part):
        return Operand(match[1], match[2], int(match[2]))
    if match := _VECTOR.fullmatch(part):
        return Operand("v", _vector(match), int(match[1]))
    if part.startswith("{"):
        return _list(part)
    if part.startswith("["):
        return _memory(part, byte_index=byte_index)
    if part in CONDITIONS:
        return Operand("cond", part.upper())
    return Operand("", part.upper())


def _vector(match: re.Match[str]) -> str:
    arrangement = f".{match[3].upper()}{match[2]}" if match[3] else ""
    return f"V{match[1]}{arrangement}" + (f"[{int(match[4], 0)}]" if match[4] else "")


def _list(part: str) -> Operand:
    inside, _, index = part[1:].partition("}")
    texts = [_vector(match) for match in map(_VECTOR.fullmatch, inside.split(", ")) if match]
    index = f"[{int(index[1:-1], 0)}]" if index else ""
    return Operand("v", texts[0] + index if index and len(texts) == 1 else f"[{', '.join(texts)}]{index}")


def _register(name: str) -> str:
    if name in ("sp", "wsp"):
        return "RSP"
    return "ZR" if name.endswith("zr") else f"R{name[1:]}"


def _memory(part: str, *, byte_index: bool) -> Operand:
    match = _MEMORY.fullmatch(part)
    if match is None:
        return Operand("", part.upper())
    base, index, shift, amount, changed = match.groups()
    mode = ".W" if changed else ""
    if index is None:
        return Operand("mem", f"({_register(base)})", 0, mode)
    if index.startswith("#"):
        number = int(index[1:], 0)
        return Operand("mem", f"{number or ''}({_register(base)})", number, mode)
    name, scale = _register(index), int(amount or "0", 0)
    if shift and shift != "lsl":
        name += f".{shift.upper()}"
    if (scale and not byte_index) or (byte_index and amount is not None and shift == "lsl"):
        name += f"<<{scale}"
    return Operand("mem", f"({_register(base)})({name})", 0, mode)


def _after(memory: Operand, part: str) -> Operand:
    """Memory at a base that is changed afterwards, by a number or a register."""
    if part.startswith("#"):
        number = int(part[1:], 0)
        return memory._replace(text=f"{number or ''}{memory.text}", mode=".P")
    return memory._replace(text=f"{memory.text}({_register(part)})", mode=".P")


def _shifted(operand: Operand, shift: str, amount: int) -> Operand:
    if operand.kind == "imm":
        if shift != "lsl" or not amount:
            return operand
        return operand._replace(kind="shifted", text=f"$({operand.number}<<{amount})")
    mark = _MARKS.get(shift)
    if mark is not None:
        return operand._replace(text=f"{operand.text}{mark}{amount}")
    return operand._replace(text=f"{operand.text}.{shift.upper()}" + (f"<<{amount}" if amount else ""))
