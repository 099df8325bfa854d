"""Strings that code takes: which number is the length, and what is believed to be text."""

from __future__ import annotations

import pytest

import goinspect
from goinspect.analysis.disasm.strings import length_near, text_at
from goinspect.disasm import decode
from tests.conftest import FIXTURES

LEA, BX, CX = "488d0501000000", "bb05000000", "b907000000"  # lea rax, [rip + 1]; mov ebx, 5; mov ecx, 7


@pytest.mark.parametrize(
    ("before", "after", "lengths"),
    [
        ("", BX, [5]),  # the register behind RAX in the order of the ABI
        ("", CX + BX, [5, 7]),  # before one that is nearer
        (BX, "", [5]),
        ("", "48c744240805000000", [5]),  # mov qword ptr [rsp + 8], 5
        ("", "e800000000" + BX, []),  # behind a call
        ("", "bbffffff7f", []),  # no literal is so long
        ("", "bb00000000", []),
        ("", "", []),
        ("", "90" * 9 + BX, []),  # too far
    ],
)
def test_lengths_on_amd64(before: str, after: str, lengths: list[int]) -> None:
    code = list(decode(bytes.fromhex(before + LEA + after), 0x1000, "amd64"))
    at = next(number for number, one in enumerate(code) if one.mnemonic == "lea")
    assert length_near(code, at, "x86") == lengths


@pytest.mark.parametrize(
    ("arch", "family", "code", "at", "lengths"),
    [
        ("arm64", "arm64", "0000009000900491a10080d2", 1, [5]),  # adrp; add x0; mov x1, #5
        ("arm64", "arm64", "0000009000900491a20080d2e10340b2", 1, [1, 5]),  # mov x2, #5; orr x1, xzr, #1
        ("riscv64", "riscv", "17c30700130303019545", 1, [5]),  # auipc; addi; c.li a1, 5
        ("s390x", "s390x", "c02000000100a7390005", 0, [5]),  # larl %r2; lghi %r3, 5
        ("mips", "mips", "3c03001224637fff24020005", 1, [5]),
        ("ppc64", "ppc64", "3c60000c3863001038800005", 1, [5]),  # lis r3; addi r3; li r4, 5
    ],
)
def test_lengths_elsewhere(arch: str, family: str, code: str, at: int, lengths: list[int]) -> None:
    instructions = list(decode(bytes.fromhex(code), 0x1000, arch))
    assert length_near(instructions, at, family) == lengths, [one.text for one in instructions]


def test_what_is_text() -> None:
    image = goinspect.open(FIXTURES / "go1.27-piestripped" / "workload").image
    usage = next(image.find(b"usage: workload [milliseconds]\n"))
    assert text_at(image, usage, 31) == "usage: workload [milliseconds]\n"
    long = text_at(image, usage, 1 << 20)
    assert long is None or len(long) <= 1024
    assert text_at(image, 0x401000, 16) is None  # code
    assert text_at(image, 8, 16) is None  # nothing is there
