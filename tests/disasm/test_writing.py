"""Writers of syntaxes: for any code, and for what fixtures do not hold."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.disasm import ARCHITECTURES, SYNTAXES, decode, default_syntax, writer
from goinspect.disasm.syntax.names import no_names
from goinspect.errors import UnsupportedError

OF = {"amd64": SYNTAXES, "386": SYNTAXES, "arm64": ("go", "gnu")}
WRITERS = [(name, syntax) for name in ARCHITECTURES for syntax in OF.get(name, ("gnu",))]


@pytest.mark.parametrize(("name", "syntax"), WRITERS)
@given(code=st.binary(max_size=120))
def test_any_code_is_written(name: str, syntax: str, code: bytes) -> None:
    write = writer(name, syntax)
    for instruction in decode(code, 0x401000, name):
        text = write(instruction, no_names)
        assert text.isprintable()
        assert text.strip() == text != ""


@pytest.mark.parametrize(("name", "syntax"), WRITERS)
def test_much_code_is_written(name: str, syntax: str) -> None:
    """As above, of what hypothesis hardly comes upon: 40,000 words, the same each time."""
    write = writer(name, syntax)
    code = random.Random(7).randbytes(160_000)
    texts = [
        write(instruction, lambda vaddr: ("x", vaddr & -16)) for instruction in decode(code, 0x401000, name)
    ]
    assert all(texts)
    assert len(set(texts)) > 1000


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_syntaxes_that_there_are(name: str) -> None:
    assert default_syntax(name) == ("go" if name in OF else "gnu")
    for syntax in set(SYNTAXES) - set(OF.get(name, ("gnu",))):
        with pytest.raises(UnsupportedError, match=f"code for {name} is not written in {syntax} syntax: "):
            writer(name, syntax)


def named(vaddr: int) -> tuple[str, int] | None:
    return ("main.x", 0x2000) if 0x2000 <= vaddr < 0x2010 else None


# What Go's assembler, or its manual, says of instructions that its disassembler does not know, or that are in no fixture.
SPELLED = [
    ("amd64", "go", "c5fe6f16", "VMOVDQU 0(SI), Y2"),
    ("amd64", "go", "62f1fe486f08", "VMOVDQU64 0(AX), Z1"),
    ("amd64", "go", "c4637bf0e11b", "RORX $0x1b, CX, R12"),
    ("amd64", "go", "f20fc2c101", "CMPSD_XMM $0x1, X1, X0"),
    ("amd64", "go", "488b05f90f0000", "MOVQ main.x(SB), AX"),
    ("amd64", "go", "488b0501100000", "MOVQ main.x+8(SB), AX"),
    ("amd64", "go", "e8fb0f0000", "CALL main.x(SB)"),
    ("amd64", "go", "e8ff0f0000", "CALL 0x2004"),
    ("amd64", "go", "f3c3", "REP; RET"),
    ("amd64", "go", "c8100000", "ENTER $0x0, $0x10"),
    ("amd64", "go", "c20800", "RET $0x8"),
    ("amd64", "gnu", "6690", "data16 nop"),
    ("amd64", "gnu", "d1e0", "shl %eax"),
    ("amd64", "gnu", "c1e002", "shl $0x2,%eax"),
    ("amd64", "gnu", "0fb607", "movzbl (%rdi),%eax"),
    ("amd64", "gnu", "f348ab", "rep stos %rax,%es:(%rdi)"),
    ("amd64", "gnu", "ffd0", "call *%rax"),
    ("386", "go", "83c0ff", "ADDL $0xffffffff, AX"),
    ("386", "go", "b800200000", "MOVL $main.x(SB), AX"),
    ("arm64", "go", "a600e4f8", "LDADDALD R4, (R5), R6"),
    ("arm64", "go", "41fcfb88", "CASALW R27, (R2), R1"),
    ("arm64", "go", "0230e138", "LDORALB R1, (R0), R2"),
    ("arm64", "go", "00040094", "CALL main.x(SB)"),
    ("arm64", "go", "00000000", "?"),
    ("arm64", "gnu", "00040094", "bl .+0x1000"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "syntax", "code", "text"), SPELLED)
def test_spelling(name: str, syntax: str, code: str, text: str) -> None:
    (instruction,) = decode(bytes.fromhex(code), 0x1000, name)
    assert writer(name, syntax)(instruction, named) == text
