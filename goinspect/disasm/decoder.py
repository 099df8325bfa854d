"""decode: bytes to instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.disasm.architectures import architecture
from goinspect.disasm.engine import raw_instructions
from goinspect.disasm.flow import FLOWS
from goinspect.disasm.instruction import CALL, JUMP, OTHER, UNKNOWN, Instruction
from goinspect.disasm.references import finder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.disasm.architectures import Architecture

__all__ = ["decode"]

_INDIRECT = ("jalr", "jr")  # of RISC-V: the second half of a long call; where it leads is no operand


def decode(code: bytes | memoryview, vaddr: int, architecture_name: str) -> Iterator[Instruction]:
    """The instructions of `code`, one behind the other, so that every byte belongs to exactly one.

    Bytes that are no instruction become one called "?", as long as an instruction is told to be there (x86: one byte),
    and decoding goes on behind it. Nothing that bytes can be raises.

    Args:
        code: the bytes of a function, or of any part of one; jumps into the middle of it are not followed.
        vaddr: address of the first byte.
        architecture_name: GOARCH, a key of `ARCHITECTURES`.

    Raises:
        UnsupportedError: capstone cannot decode the architecture.
    """
    row = architecture(architecture_name)
    return _decode(row, bytes(code), vaddr)


def _decode(row: Architecture, code: bytes, vaddr: int) -> Iterator[Instruction]:
    flow, find = FLOWS[row.family], finder(row.family, row.bits)
    half = None
    for raw in raw_instructions(row, code, vaddr):
        at, size, mnemonic, operands = raw
        if operands.startswith(", "):  # capstone 5 has no text for the unnamed operations of PRFM
            operands = f"#{code[at] & 31:#x}{operands}"
        if mnemonic == "bdnzlrl":
            mnemonic, operands = _branch_to_link(row, code[at : at + size], mnemonic, operands)
        address = vaddr + at
        kind = OTHER if mnemonic == UNKNOWN else flow.kind(mnemonic, operands)
        target = flow.target(kind, address, operands)
        reference, half = find(address, raw, half)
        if mnemonic in _INDIRECT:
            target, reference = (reference if kind in (CALL, JUMP) else None), None
        text = f"{mnemonic} {operands}" if operands else mnemonic
        yield Instruction(address, code[at : at + size], mnemonic, operands, kind, target, reference, text)


def _branch_to_link(row: Architecture, code: bytes, mnemonic: str, operands: str) -> tuple[str, str]:
    """What capstone 5 reads as BDNZLRL, with the next address for an operand: BCLRL, which Go uses for calls."""
    always = int.from_bytes(code, row.byteorder) >> 21 & 0b10100 == 0b10100
    return ("blrl", "") if always else (mnemonic, operands)
