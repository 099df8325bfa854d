"""The text of instructions in the syntax that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.disasm.architectures import architecture
from goinspect.disasm.instruction import UNKNOWN
from goinspect.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goinspect.disasm.architectures import Architecture
    from goinspect.disasm.instruction import Instruction
    from goinspect.disasm.syntax.names import Names

__all__ = ["SYNTAXES", "default_syntax", "writer"]

GO, GNU, INTEL, ATT = "go", "gnu", "intel", "att"
SYNTAXES = (GO, INTEL, ATT, GNU)
_OF_FAMILY = {"x86": SYNTAXES, "arm64": (GO, GNU)}


def default_syntax(architecture_name: str) -> str:
    """Go's where there is a writer for it, else GNU's. Raises UnsupportedError as `decode`."""
    return _syntaxes(architecture(architecture_name))[0]


def _syntaxes(row: Architecture) -> tuple[str, ...]:
    return _OF_FAMILY.get(row.family, (GNU,))


def writer(architecture_name: str, syntax: str) -> Callable[[Instruction, Names], str]:
    """A function that writes one instruction.

    Raises:
        UnsupportedError: capstone cannot decode the architecture, or its code is not written in that syntax.
    """
    row = architecture(architecture_name)
    syntaxes = _syntaxes(row)
    if syntax not in syntaxes:
        raise UnsupportedError(
            f"code for {row.name} is not written in {syntax} syntax: {' or '.join(syntaxes)}"
        )
    if row.family == "x86":
        return _x86(row, syntax)
    return _arm64(syntax) if row.family == "arm64" else _plain


def _plain(instruction: Instruction, _names: Names) -> str:
    return instruction.text


def _x86(row: Architecture, syntax: str) -> Callable[[Instruction, Names], str]:
    if syntax == INTEL:
        return _plain
    if syntax == GO:
        from goinspect.disasm.syntax import gox86

        def go(one: Instruction, names: Names) -> str:
            if one.mnemonic == UNKNOWN:
                return UNKNOWN
            return gox86.write(one.code, one.address, one.mnemonic, one.operands, row.bits, names)

        return go
    if syntax == GNU:
        from goinspect.disasm.syntax import gnux86

        def gnu(one: Instruction, _names: Names) -> str:
            if one.mnemonic == UNKNOWN:
                return UNKNOWN
            return gnux86.write(one.code, one.mnemonic, one.operands, row.bits)

        return gnu
    from goinspect.disasm.engine import raw_instructions

    def att(one: Instruction, _names: Names) -> str:
        _, _, mnemonic, operands = next(raw_instructions(row, one.code, one.address, att=True))
        return f"{mnemonic} {operands}".rstrip()

    return att


def _arm64(syntax: str) -> Callable[[Instruction, Names], str]:
    if syntax == GNU:
        from goinspect.disasm.syntax import gnuarm64

        def gnu(one: Instruction, _names: Names) -> str:
            return gnuarm64.write(one.code, one.address, one.mnemonic, one.operands)

        return gnu
    from goinspect.disasm.syntax import goarm64

    def go(one: Instruction, names: Names) -> str:
        if one.mnemonic == UNKNOWN:
            return UNKNOWN
        return goarm64.write(one.code, one.address, one.mnemonic, one.operands, names)

    return go
