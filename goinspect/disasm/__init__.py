"""Machine code to instructions: the only place that knows capstone, which is imported when something is decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect._lazy import offered
from goinspect.disasm.instruction import BRANCH, CALL, JUMP, OTHER, RETURN, UNKNOWN, Instruction

if TYPE_CHECKING:
    from goinspect.disasm.architectures import ARCHITECTURES
    from goinspect.disasm.decoder import decode
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

__getattr__ = offered(
    __name__,
    {
        "ARCHITECTURES": "architectures",
        "decode": "decoder",
        "SYNTAXES": "writing",
        "default_syntax": "writing",
        "writer": "writing",
    },
)
