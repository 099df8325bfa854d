"""Go strings that code takes: an address of read-only data, and near it the length as a number.

Strings have no end of their own and stand one behind the other, so that only the length says where one ends. The compiler
loads it next to the address: into the next register of Go's ABI, or beside it on the stack.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goinspect.disasm import OTHER
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goinspect.disasm import Instruction
    from goinspect.objfile.image import Image

__all__ = ["LONGEST", "length_near", "text_at"]

LONGEST = 1 << 20  # bytes of a literal that is believed to be one
_SHOWN = 1 << 10
_AFTER, _BEFORE = 6, 3  # instructions between the two
_NUMBER = r"#?(0x[0-9a-f]+|[0-9]+)"
_MOVES = {
    "x86": re.compile(rf"mov (?P<to>.+), {_NUMBER}"),
    "arm64": re.compile(rf"(?:mov|movz|orr) (?P<to>[wx][0-9]+), (?:[wx]zr, )?{_NUMBER}"),
    "arm": re.compile(rf"(?:mov|movw) (?P<to>r[0-9]+|sb|sl|fp), {_NUMBER}"),
    "riscv": re.compile(rf"(?:c\.li|li|addi) (?P<to>[a-z0-9]+), (?:zero, )?{_NUMBER}"),
    "ppc64": re.compile(rf"li (?P<to>r[0-9]+), {_NUMBER}"),
    "s390x": re.compile(rf"(?:lghi|mvghi|mvhi) (?P<to>.+), {_NUMBER}"),
    "mips": re.compile(rf"d?addiu (?P<to>\$[a-z0-9]+), \$zero, {_NUMBER}"),
}  # fmt: skip
_DESTINATION = re.compile(r"([$%a-z0-9]+)")
# Go's internal ABI: integer arguments and results, in order (src/cmd/compile/abi-internal.md).
_ORDER = {
    "x86": ("ax", "bx", "cx", "di", "si", "8", "9", "10", "11"),
    "arm64": tuple(map(str, range(16))),
    "riscv": ("a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1", *(f"s{n}" for n in range(2, 8))),
    "ppc64": tuple(f"r{n}" for n in (*range(3, 11), *range(14, 18))),
    "s390x": tuple(f"%r{n}" for n in range(2, 10)),
}


def length_near(instructions: Sequence[Instruction], at: int, family: str) -> list[int]:
    """Lengths that the string whose address instruction `at` makes may have, the likeliest first."""
    pattern = _MOVES.get(family)
    if pattern is None:
        return []
    following = _next_register(instructions[at].operands, family)
    ranked: list[tuple[bool, int, int]] = []
    for step in (*range(1, _AFTER + 1), *range(-1, -_BEFORE - 1, -1)):
        other = at + step
        if not 0 <= other < len(instructions):
            continue
        one = instructions[other]
        match = pattern.fullmatch(one.text)
        if match is None:
            continue
        if _cut(instructions, at, other):
            continue
        number = int(match[2], 0)
        if 0 < number <= LONGEST:
            fits = following is not None and _register(match["to"], family) == following
            ranked.append((not fits, abs(step) + (step < 0), number))
    return [number for _, _, number in sorted(ranked)]


def _cut(instructions: Sequence[Instruction], one: int, other: int) -> bool:
    """Does control leave between them?"""
    low, high = sorted((one, other))
    return any(instruction.kind != OTHER for instruction in instructions[low + 1 : high])


def _register(text: str, family: str) -> str:
    """The number or letters of a general register, whatever its width."""
    if family == "x86":
        return re.sub(r"^[er](?=[a-z0-9])|[dwb]$", "", text)
    return text[1:] if family == "arm64" else text


def _next_register(operands: str, family: str) -> str | None:
    match, order = _DESTINATION.match(operands), _ORDER.get(family, ())
    name = _register(match[1], family) if match else ""
    return order[order.index(name) + 1] if name in order[:-1] else None


def text_at(image: Image, vaddr: int, length: int) -> str | None:
    """A string of the image, cut where it is long; None where these bytes are no text."""
    try:
        data = bytes(image.read(vaddr, min(length, _SHOWN)))
    except GoinspectError:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if length <= _SHOWN or error.start < len(data) - 3:
            return None
        text = data[: error.start].decode("utf-8")
    return text if all(char.isprintable() or char in "\n\t\r\x1b" for char in text) else None
