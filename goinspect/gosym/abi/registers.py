"""Which registers Go's calling convention uses (src/cmd/compile/abi-internal.md, src/internal/abi/abi_*.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from goinspect.gosym.layout import Version

__all__ = ["ARCHITECTURES", "Convention", "convention"]


class Convention(NamedTuple):
    """One architecture. Registers are named as the kernel's `struct pt_regs`, bpftrace and GNU's tools do, in lower case."""

    since: Version | None  # first release that passes arguments in registers; None: none does
    integers: tuple[str, ...]
    floats: tuple[str, ...]
    g: str | None  # the current goroutine, in Go code
    g_always: bool  # in assembly (ABI0), too, and before arguments were passed in registers
    context: str  # of closures
    stack: int  # where arguments on the stack begin: bytes above SP at the entry
    sp: str = "sp"


def _numbered(letter: str, *ranges: tuple[int, int]) -> tuple[str, ...]:
    return tuple(f"{letter}{number}" for first, last in ranges for number in range(first, last + 1))


_AMD64 = ("ax", "bx", "cx", "di", "si", "r8", "r9", "r10", "r11")
_PPC64 = Convention(
    (1, 18), _numbered("r", (3, 10), (14, 17)), _numbered("f", (1, 12)), "r30", True, "r11", 32, "r1"
)  # fmt: skip
_RISCV = ("a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7")
_RISCV_FLOATS = tuple(f"f{name}" for name in _RISCV)
_MIPS = Convention(None, (), (), "r30", True, "r22", 4, "r29")

ARCHITECTURES: Final = {
    "amd64": Convention((1, 17), _AMD64, _numbered("xmm", (0, 14)), "r14", False, "dx", 8),
    "386": Convention(None, (), (), None, False, "dx", 4),
    "arm64": Convention((1, 18), _numbered("r", (0, 15)), _numbered("v", (0, 15)), "r28", True, "r26", 8),
    "arm": Convention(None, (), (), "r10", True, "r7", 4),
    "ppc64": _PPC64, "ppc64le": _PPC64,
    "riscv64": Convention((1, 19), _RISCV, _RISCV_FLOATS, "s11", True, "s10", 8),
    "s390x": Convention((1, 26), _numbered("r", (2, 9)), _numbered("f", (0, 15)), "r13", True, "r12", 8, "r15"),
    "mips": _MIPS, "mipsle": _MIPS, "mips64": _MIPS._replace(stack=8), "mips64le": _MIPS._replace(stack=8),
}  # fmt: skip


def convention(arch: str) -> Convention | None:
    """Of a GOARCH; None for one that is not known."""
    return ARCHITECTURES.get(arch)
