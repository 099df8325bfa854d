"""Instruction: what decoding gives."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BRANCH", "CALL", "JUMP", "OTHER", "RETURN", "UNKNOWN", "Instruction"]

CALL = "call"
JUMP = "jump"  # always taken
BRANCH = "branch"  # taken or not
RETURN = "return"
OTHER = "other"

UNKNOWN = "?"  # the text of bytes that are no instruction, as `go tool objdump` has it


class Instruction(NamedTuple):
    """One machine instruction. Addresses are vaddrs."""

    address: int
    code: bytes
    mnemonic: str  # as capstone has it, of Intel's syntax on x86: "mov"; "?": bytes that are no instruction
    operands: str  # likewise: "rax, qword ptr [rsp + 8]"
    kind: str  # CALL, JUMP, BRANCH, RETURN or OTHER
    target: int | None  # of a direct call, jump or branch
    reference: (
        int | None
    )  # address of an operand in memory that counts from the PC, or is put together of two halves
    text: str  # mnemonic and operands, in capstone's syntax; `writer` has others

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.code)

    @property
    def end(self) -> int:
        """Address behind it."""
        return self.address + len(self.code)
