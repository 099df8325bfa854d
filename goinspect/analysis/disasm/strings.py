"""Go strings that code takes: an address of read-only data, and the length as a number elsewhere in the code.

Strings have no end of their own and stand one behind the other, so that only the length says where one ends. It is in
the register that comes behind that of the address in Go's calling convention, or it is stored one word behind the address.
Any other number near it may be that of another string: it is not believed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from goinspect.disasm import CALL, JUMP, OTHER, RETURN
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from goinspect.disasm import Instruction
    from goinspect.objfile.image import Image

__all__ = ["LONGEST", "length_of", "text_at"]

LONGEST = 1 << 20  # bytes of a literal that is believed to be one
_SHOWN = 1 << 10
_FAR = 24  # instructions between the two
_NUMBER = r"#?(?P<number>0x[0-9a-f]+|[0-9]+)"
_LOADS = {  # of a number into a register
    "x86": re.compile(rf"mov (?P<to>[a-z0-9]+), {_NUMBER}"),
    "arm64": re.compile(rf"(?:mov|movz|orr) (?P<to>[wx][0-9]+), (?:[wx]zr, )?{_NUMBER}"),
    "arm": re.compile(rf"(?:mov|movw) (?P<to>[a-z0-9]+), {_NUMBER}"),
    "riscv": re.compile(rf"(?:c\.li|li|addi) (?P<to>[a-z0-9]+), (?:zero, )?{_NUMBER}"),
    "ppc64": re.compile(rf"li (?P<to>r[0-9]+), {_NUMBER}"),
    "s390x": re.compile(rf"lghi (?P<to>%r[0-9]+), {_NUMBER}"),
    "mips": re.compile(rf"d?addiu (?P<to>\$[a-z0-9]+), \$zero, {_NUMBER}"),
}
_MOVES = re.compile(r"(?:mov|c\.mv|mv|mr|lgr|move) (?P<to>[$%a-z0-9]+), (?P<of>[$%a-z0-9]+)")
_X86_STORE = re.compile(
    rf"mov [qd]?word ptr \[(?P<base>[a-z0-9]+)(?: \+ (?P<at>0x[0-9a-f]+|[0-9]+))?\], (?:(?P<of>[a-z][a-z0-9]*)|{_NUMBER})"
)
_ARM_STORE = re.compile(
    r"st(?:r|p|ur) (?P<of>[a-z0-9]+(?:, [a-z0-9]+)?), \[(?P<base>[a-z0-9]+)(?:, #(?P<at>0x[0-9a-f]+|[0-9]+))?\]"
)
_RISC_STORE = re.compile(
    r"(?:c\.)?(?:stg|std|stw|st|sd|sw|sdsp|swsp) (?P<of>[$%a-z0-9]+), (?P<at>0x[0-9a-f]+|[0-9]+)?\((?P<base>[$%a-z0-9]+)\)"
)
_S390X_NUMBER = re.compile(rf"mvg?hi (?P<at>0x[0-9a-f]+|[0-9]+)\((?P<base>%r[0-9]+)\), {_NUMBER}")
_FIRST = re.compile(r"[$%]?[a-z0-9]+")
# Integer arguments and results of Go's internal ABI, in order (src/cmd/compile/abi-internal.md).
_ORDER = {
    "x86": ("ax", "bx", "cx", "di", "si", "8", "9", "10", "11"),
    "arm64": tuple(map(str, range(16))),
    "riscv": (*(f"a{n}" for n in range(8)), *(f"s{n}" for n in (0, 1, 2, 3, 4, 5, 6, 7))),
    "ppc64": tuple(f"r{n}" for n in (*range(3, 11), *range(14, 18))),
    "s390x": tuple(f"%r{n}" for n in range(2, 10)),
}


class _Store(NamedTuple):
    base: str
    at: int
    register: str | None
    number: int | None


def length_of(instructions: Sequence[Instruction], at: int, family: str, ptrsize: int) -> int | None:
    """Length of the string whose address instruction `at` puts into a register; None where it is not certain."""
    first = _FIRST.match(instructions[at].operands)
    if first is None or family not in _LOADS:
        return None
    register = _register(first[0], family)
    if _is_base(instructions, at, first[0], family):
        return None
    length = _in_next_register(instructions, at, register, family)
    if length is None:
        length = _stored_behind(instructions, at, register, family, ptrsize)
    return length if length is not None and 0 < length <= LONGEST else None


def _is_base(instructions: Sequence[Instruction], at: int, name: str, family: str) -> bool:
    """Is a part of it loaded right there? Then numbers near it are offsets, as in a table of digits."""
    pattern = re.compile(rf"[\[(]{re.escape(name)}(?![a-z0-9])")
    for place in _following(instructions, at):
        one = instructions[place]
        if pattern.search(one.operands):
            return True
        if _changes(one, _register(name, family), family):
            return False
    return False


def _register(text: str, family: str) -> str:
    """The number or letters of a general register, whatever its width."""
    if family == "x86":
        return re.sub(r"^[er](?=[a-z0-9])|[dwb]$", "", text)
    return text[1:] if family == "arm64" and text[:1] in "wx" else text


def _following(instructions: Sequence[Instruction], at: int) -> Iterator[int]:
    """Places of the instructions behind one, as far as control goes on to them and nothing is called."""
    for place in range(at + 1, min(at + 1 + _FAR, len(instructions))):
        if instructions[place].kind != OTHER:
            return
        yield place


def _before(instructions: Sequence[Instruction], at: int) -> Iterator[int]:
    for place in range(at - 1, max(at - 1 - _FAR, -1), -1):
        if instructions[place].kind != OTHER:
            return
        yield place


def _loaded(one: Instruction, family: str) -> tuple[str, int] | None:
    """A register and the number that it gets."""
    match = _LOADS[family].fullmatch(one.text)
    return None if match is None else (_register(match["to"], family), int(match["number"], 0))


def _changes(one: Instruction, register: str, family: str) -> bool:
    """May it write to the register? Its first operand is the register then."""
    match = _FIRST.match(one.operands)
    return match is not None and _register(match[0], family) == register


def _value(instructions: Sequence[Instruction], at: int, register: str, family: str) -> int | None:
    """The number that a register has before instruction `at`, if it was loaded with one last."""
    for place in _before(instructions, at):
        one = instructions[place]
        if _changes(one, register, family):
            loaded = _loaded(one, family)
            return loaded[1] if loaded else None
    return None


def _in_next_register(instructions: Sequence[Instruction], at: int, register: str, family: str) -> int | None:
    order = _ORDER.get(family, ())
    if register not in order:  # it may be moved to where it is needed
        for place in _following(instructions, at):
            match = _MOVES.fullmatch(instructions[place].text)
            if (
                match
                and _register(match["of"], family) == register
                and _register(match["to"], family) in order
            ):
                return _in_next_register(instructions, place, _register(match["to"], family), family)
            if _changes(instructions[place], register, family):
                return None
        return None
    if register == order[-1]:
        return None
    if not _ends_in_call(instructions, at):
        return None
    wanted = order[order.index(register) + 1]
    changes = [
        place for place in _following(instructions, at) if _changes(instructions[place], wanted, family)
    ]
    if any(_changes(instructions[place], register, family) for place in _following(instructions, at)):
        return None
    if not changes:
        return _value(instructions, at, wanted, family)
    loaded = _loaded(instructions[changes[0]], family)
    return loaded[1] if loaded and len(changes) == 1 else None  # MOVK adds to what MOV has loaded


def _ends_in_call(instructions: Sequence[Instruction], at: int) -> bool:
    """Are registers used by the convention next? Where paths join, the compiler takes whichever are free."""
    for one in instructions[at + 1 : at + 1 + _FAR]:
        if one.kind != OTHER:
            return one.kind in (CALL, RETURN) or (one.kind == JUMP and one.target is None)
    return False


# --- in memory ---


def _stores(one: Instruction, family: str, ptrsize: int) -> Iterator[_Store]:
    pattern = _X86_STORE if family == "x86" else _ARM_STORE if family in ("arm", "arm64") else _RISC_STORE
    match = pattern.fullmatch(one.text)
    if match is None:
        match = _S390X_NUMBER.fullmatch(one.text) if family == "s390x" else None
        if match is not None:
            yield _Store(match["base"], int(match["at"], 0), None, int(match["number"], 0))
        return
    place = int(match["at"] or "0", 0)
    if match["of"] is None:
        yield _Store(match["base"], place, None, int(match["number"], 0))
        return
    for number, register in enumerate(match["of"].split(", ")):
        yield _Store(match["base"], place + number * ptrsize, _register(register, family), None)


def _stored_behind(
    instructions: Sequence[Instruction], at: int, register: str, family: str, ptrsize: int
) -> int | None:
    """The number that is stored one word behind the address, wherever the address is stored."""
    near = [*_following(instructions, at)]
    held = None
    for place in near:
        one = instructions[place]
        held = next((store for store in _stores(one, family, ptrsize) if store.register == register), None)
        if held is not None or _changes(one, register, family):
            break
    if held is None:
        return None
    for place in (*near, *_before(instructions, at)):
        for store in _stores(instructions[place], family, ptrsize):
            if (store.base, store.at) == (held.base, held.at + ptrsize):
                if store.register is None:
                    return store.number
                return _value(instructions, place, store.register, family)
    return None


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
