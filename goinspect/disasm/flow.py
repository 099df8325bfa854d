"""Which instructions call, jump, branch and return, and where to: by capstone's mnemonics and operands.

The text is read, not capstone's groups: groups call a tail jump a call on some architectures, and to ask for details
takes ten times as long.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from goinspect.disasm.instruction import BRANCH, CALL, JUMP, OTHER, RETURN

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FLOWS", "Flow"]


class Flow(NamedTuple):
    """The rules of one family: patterns that a whole mnemonic matches, tried in this order."""

    call: re.Pattern[str]
    jump: re.Pattern[str]
    branch: re.Pattern[str]
    returns: re.Pattern[str]
    special: Callable[[str, str, str], str]  # (kind so far, mnemonic, operands) -> kind
    relative: bool = False  # whether the number counts from the instruction

    def kind(self, mnemonic: str, operands: str) -> str:
        """One of the kinds of `goinspect.disasm.instruction`."""
        kind = OTHER
        if self.call.fullmatch(mnemonic):
            kind = CALL
        elif self.jump.fullmatch(mnemonic):
            kind = JUMP
        elif self.returns.fullmatch(mnemonic):
            kind = RETURN
        elif self.branch.fullmatch(mnemonic):
            kind = BRANCH
        return self.special(kind, mnemonic, operands)

    def target(self, kind: str, address: int, operands: str) -> int | None:
        """Where a direct call or jump leads: its last operand, when that is a number alone."""
        if kind in (OTHER, RETURN) or operands.startswith("pc, "):
            return None
        match = _NUMBER.fullmatch(operands.rpartition(", ")[2])
        if match is None:
            return None
        number = int(match[1], 0)
        return (address + number if self.relative else number) & _ALL


_ALL = (1 << 64) - 1
_NUMBER = re.compile(r"#?(-?(?:0x[0-9a-f]+|[0-9]+))")
_ARM_CONDITIONS = "eq|ne|hs|lo|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"
_ARM_ENDINGS = tuple(_ARM_CONDITIONS.split("|"))
_PPC_CONDITIONS = "lt|le|eq|ge|gt|nl|ne|ng|so|ns|un|nu|c|t|f|dn?z[tf]?"


def _plainly(kind: str, _mnemonic: str, _operands: str) -> str:
    return kind


def _arm(kind: str, mnemonic: str, operands: str) -> str:
    """Whatever writes PC jumps; through LR, or from the stack, it returns. With a condition, it may not."""
    if mnemonic.startswith("bx") and operands == "lr":
        return RETURN
    if kind != OTHER:
        return kind
    if mnemonic.startswith(("pop", "ldm")) and operands.endswith(("pc}", "pc} ^")):
        return RETURN
    first, _, rest = operands.partition(", ")
    if first != "pc" or not mnemonic.startswith(("mov", "ldr", "add", "sub")):
        return kind
    if rest.startswith(("lr", "[sp]")):
        return RETURN
    return BRANCH if mnemonic.endswith(_ARM_ENDINGS) else JUMP


def _s390x(kind: str, mnemonic: str, operands: str) -> str:
    if mnemonic in ("br", "bcr") and operands.endswith("%r14"):
        return RETURN if mnemonic == "br" else kind
    return OTHER if mnemonic == "bcr" and operands.startswith("0") else kind  # a condition that never holds


def _riscv(kind: str, mnemonic: str, operands: str) -> str:
    if mnemonic in ("c.jr", "jr") and operands in ("ra", "0(ra)"):
        return RETURN
    return JUMP if mnemonic in ("jal", "jalr") and operands.startswith("zero, ") else kind


def _mips(kind: str, mnemonic: str, operands: str) -> str:
    return RETURN if mnemonic.startswith("jr") and operands == "$ra" else kind


def _flow(
    call: str,
    jump: str,
    branch: str,
    returns: str,
    special: Callable[[str, str, str], str] = _plainly,
    *,
    relative: bool = False,
) -> Flow:
    return Flow(
        re.compile(call), re.compile(jump), re.compile(branch), re.compile(returns), special, relative
    )


_ROWS: dict[str, Callable[[], Flow]] = {
    # Prefixes (lock, rep, bnd, notrack) stand before the mnemonic, a word each.
    "x86": lambda: _flow(
        r"(.* )?l?call", r"(.* )?l?jmp", r"(.* )?(j[a-z]+|loop[a-z]*|xbegin)",
        r"(.* )?(ret|retf|retfq|iret|iretd|iretq|sysret|sysretq|sysexit|sysexitq)",
    ),
    "arm64": lambda: _flow(
        r"bl|blr|blra[ab]z?", r"b|br|bra[ab]z?", r"bc?\.[a-z]+|cbn?z|tbn?z", r"ret|reta[ab]|eret|ereta[ab]"
    ),
    "arm": lambda: _flow(
        rf"blx?({_ARM_CONDITIONS})?", r"bx?j?", rf"bx?j?({_ARM_CONDITIONS})|cbn?z", r"rfe[a-z]*", _arm
    ),
    "riscv": lambda: _flow(
        r"jal|jalr|c\.jal|c\.jalr|call|tail", r"j|jr|c\.j|c\.jr",
        r"(c\.)?b(eq|ne|lt|ge|ltu|geu|gt|le|gtu|leu|eqz|nez|lez|gez|ltz|gtz)", r"ret|[msu]ret", _riscv, relative=True,
    ),
    "ppc64": lambda: _flow(
        rf"b({_PPC_CONDITIONS})?(la?|lrl|ctrl)[+-]?", r"ba?|bctr", rf"b({_PPC_CONDITIONS})(a|ctr)?[+-]?",
        rf"b({_PPC_CONDITIONS})?lr[+-]?|h?rfid?",
    ),
    "s390x": lambda: _flow(
        r"brasl?|basr?|bras|jas|jasl|balr?", r"j|jg|b|br", r"j(g)?[a-z]+|br[cx][a-z]*|b[a-z]+r?|c[a-z]*j[a-z]*", r"lpswe?",
        _s390x,
    ),
    "mips": lambda: _flow(
        r"jal|jalr|jalx|bal|b[gl][et]zall?|jalr\.hb|balc|jialc", r"j|b|jr|jr\.hb|bc|jic",
        r"b(eq|ne|gt|ge|lt|le|c1|c2|nv|ov|z|nz)[a-z0-9.]*", r"eret|deret", _mips,
    ),
}  # fmt: skip


class _Flows(dict[str, Flow]):
    """Rows by family; their patterns are compiled when one is asked for."""

    def __missing__(self, family: str) -> Flow:
        self[family] = flow = _ROWS[family]()
        return flow


FLOWS = _Flows()
