"""Registers of x86 by the names that capstone gives them: how Go calls them, and how wide the general ones are."""

from __future__ import annotations

__all__ = ["GO_REGISTERS", "WIDTHS"]


def _go_registers() -> dict[str, str]:
    out = {"rip": "IP", "eip": "IP", "ip": "IP", "st": "F0"}
    for name in ("ax", "bx", "cx", "dx"):
        letter = name[0]
        out |= {letter + half: (letter + half).upper() for half in "lh"}
        out |= dict.fromkeys((name, "e" + name, "r" + name), name.upper())
    for name in ("sp", "bp", "si", "di"):
        out |= dict.fromkeys((name, "e" + name, "r" + name, name + "l"), name.upper())
    for number in range(8, 32):
        out |= dict.fromkeys((f"r{number}{size}" for size in ("", "d", "w", "b")), f"R{number}")
    for number in range(32):
        out |= {f"{kind}mm{number}": f"{kind.upper()}{number}" for kind in "xyz"}
    for number in range(16):
        out |= {f"{kind}{number}": f"{kind.upper()}{number}" for kind in ("cr", "dr")}
    for number in range(8):
        out |= {f"mm{number}": f"M{number}", f"st({number})": f"F{number}", f"k{number}": f"K{number}"}
    return out | {f"{name}s": f"{name.upper()}S" for name in "cdefgs"}


def _widths() -> dict[str, int]:
    out = {
        name: size
        for names, size in (
            ("al bl cl dl ah bh ch dh spl bpl sil dil", 8),
            ("ax bx cx dx sp bp si di", 16),
            ("eax ebx ecx edx esp ebp esi edi", 32),
            ("rax rbx rcx rdx rsp rbp rsi rdi", 64),
        )
        for name in names.split()
    }
    for number in range(8, 16):
        out |= {f"r{number}{letter}": size for letter, size in (("b", 8), ("w", 16), ("d", 32), ("", 64))}
    return out


GO_REGISTERS = _go_registers()
WIDTHS = _widths()
