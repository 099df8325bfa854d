"""Machine code to instructions: the only place that knows capstone, which is imported when something is decoded."""

from __future__ import annotations

from goinspect.disasm.architectures import ARCHITECTURES
from goinspect.disasm.decoder import decode
from goinspect.disasm.instruction import BRANCH, CALL, JUMP, OTHER, RETURN, UNKNOWN, Instruction
from goinspect.disasm.writing import SYNTAXES, default_syntax, writer

__all__ = [
    "ARCHITECTURES",
    "BRANCH",
    "CALL",
    "JUMP",
    "OTHER",
    "RETURN",
    "SYNTAXES",
    "UNKNOWN",
    "Instruction",
    "decode",
    "default_syntax",
    "writer",
]
