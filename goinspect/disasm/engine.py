"""capstone: handles, and runs of instructions as plain tuples. Nothing else imports it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from goinspect.disasm.architectures import unit_size
from goinspect.disasm.instruction import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.disasm.architectures import Architecture

__all__ = ["Raw", "raw_instructions"]

Raw = tuple[int, int, str, str]  # offset, size, mnemonic, operands

_PIECE = 1 << 12  # bytes decoded at a time: capstone makes 250 bytes of each instruction
_LONGEST = 16  # bytes of any instruction, at least


def raw_instructions(row: Architecture, code: bytes, vaddr: int, *, att: bool = False) -> Iterator[Raw]:
    """The instructions of `code`, without a gap: what cannot be decoded is one called "?".

    Args:
        row: the instruction set.
        code: any bytes.
        vaddr: address of the first one.
        att: in AT&T's syntax; x86 only.
    """
    engine = _engine(row, att=att)
    size, at = len(code), 0
    while at < size:
        last = at + _PIECE >= size
        piece = code[at : at + _PIECE]
        stop = len(piece) if last else _PIECE - _LONGEST
        done = 0
        for _, length, mnemonic, operands in engine.disasm_lite(piece, vaddr + at & _ALL):
            yield at + done, length, mnemonic, operands
            done += length
            if done >= stop:
                break
        if done < stop:  # capstone gave up
            length = unit_size(row, piece, done)
            yield at + done, length, UNKNOWN, ""
            done += length
        at += done


_ALL = (1 << 64) - 1


@lru_cache(maxsize=8)
def _engine(row: Architecture, *, att: bool) -> Any:
    import capstone  # 40 ms, most of it ctypes

    mode = 0
    for name in row.modes:
        mode |= getattr(capstone, f"CS_MODE_{name}")
    engine = capstone.Cs(getattr(capstone, f"CS_ARCH_{row.arch}"), mode)
    if att:
        engine.syntax = capstone.CS_OPT_SYNTAX_ATT
    return engine
