"""Strings that code takes: which number is the length, and what is believed to be text."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

import goinspect
from goinspect.analysis.disasm.strings import length_of, text_at
from goinspect.disasm import ARCHITECTURES, decode
from tests.conftest import FIXTURES
from tests.examples import step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CALL = "e800000000"
LEA, BX, CX = "488d0501000000", "bb05000000", "b907000000"  # lea rax, [rip + 1]; mov ebx, 5; mov ecx, 7


@pytest.mark.parametrize(
    ("before", "after", "length"),
    [
        ("", BX, 5),  # the register behind RAX in the order of the ABI
        ("", CX + BX, 5),
        (BX, "", 5),
        (BX + CX + "90" * 9, "", 5),
        ("", CX, None),  # of another string
        ("", "4889c3" + BX, None),  # RBX has another value, too
        ("", BX + "4889c3", None),
        ("", "31c0" + BX, None),  # RAX has another one before the length is there
        ("", CALL + BX, None),
        ("", BX + "eb00", None),  # where paths join, registers are those that are free
        ("", BX + "c3", 5),
        (BX + "7500", "", None),  # of what was compared before
        ("", "bbffffff7f", None),  # no literal is so long
        ("", "bb00000000", None),
        ("", "", None),
        # mov [rsp + 8], rax and mov qword ptr [rsp + 16], 5: a string in memory
        ("", "488944240848c744241005000000", 5),
        ("48c744241005000000", "4889442408", 5),
        ("", "488944240848c744241805000000", None),  # not behind it
        ("", "48c744241005000000", None),
        (BX, "488944240848895c2410", 5),
        ("", "4889c24889d1" + CX, None),
        ("", "4889c3" + CX, None),
    ],
)
def test_lengths_on_amd64(before: str, after: str, length: int | None) -> None:
    code = list(decode(bytes.fromhex(before + LEA + after + CALL), 0x1000, "amd64"))
    at = next(number for number, one in enumerate(code) if one.mnemonic == "lea")
    assert length_of(code, at, "x86", 8) == length, [one.text for one in code]


def test_an_address_that_is_moved() -> None:
    """lea rdx, …; mov rax, rdx; mov ebx, 5"""
    code = list(decode(bytes.fromhex("488d15010000004889d0" + BX + CALL), 0x1000, "amd64"))
    assert length_of(code, 0, "x86", 8) == 5


@pytest.mark.parametrize(
    ("arch", "family", "code", "at", "length"),
    [
        ("arm64", "arm64", "0000009000900491a10080d2", 1, 5),  # adrp; add x0; mov x1, #5
        ("arm64", "arm64", "0000009000900491a10080d22100a0f2", 1, None),  # movk x1, #1, lsl #16
        ("arm64", "arm64", "0000009000900491a20080d2", 1, None),  # mov x2, #5
        ("arm64", "arm64", "a20080d20000009000900491e00b01a9", 2, 5),  # stp x0, x2, [sp, #0x10]
        ("riscv64", "riscv", "17c50700130505019545", 1, 5),  # auipc a0; addi a0; c.li a1, 5
        ("s390x", "s390x", "c02000000100a7390005", 0, 5),  # larl %r2; lghi %r3, 5
        (
            "s390x",
            "s390x",
            "c00000000100e30020080024e54820100005",
            0,
            5,
        ),  # stg %r0, 8(%r2); mvghi 0x10(%r2), 5
        ("mips", "mips", "3c03001224637fff24020005afa30004afa20008", 1, 5),
        ("mips", "mips", "3c03001224637fff24020005", 1, None),  # which register has it is no convention
        ("ppc64", "ppc64", "3c60000c3863001038800005", 1, 5),  # lis r3; addi r3; li r4, 5
        ("386", "x86", "8d0534120000890424c744240405000000", 0, 5),
    ],
)
def test_lengths_elsewhere(arch: str, family: str, code: str, at: int, length: int | None) -> None:
    calls = {"arm64": "00000094", "riscv": "ef000000", "s390x": "c0e500000000", "ppc64": "48000001"}
    instructions = list(decode(bytes.fromhex(code + calls.get(family, "")), 0x1000, arch))
    ptrsize = ARCHITECTURES[arch].bits // 8
    assert length_of(instructions, at, family, ptrsize) == length, [one.text for one in instructions]


def test_strings_of_a_program_do_not_overlap(fixture_file: Callable[[str, str], Path]) -> None:
    """The linker puts literals one behind the other: a wrong length would show as an overlap."""
    binary = goinspect.open(fixture_file("go1.27-exe", "workload"))
    found: set[tuple[int, int]] = set()
    for function in binary.functions[:: step()]:
        for row in binary.disasm(hex(function.entry)).functions[0].rows:
            if row.string and row.reference and row.text.startswith("LEAQ"):
                found.add((row.reference, len(row.string.encode())))
    ordered = sorted(found)
    texts = [(start, size) for start, size in ordered if bytes(binary.image.read(start, size)).isascii()]
    assert len(texts) > 500 // step()
    overlaps = [(a, b) for a, b in pairwise(texts) if a[0] + a[1] > b[0] and a[1] < 1024]
    assert overlaps == []


def test_what_is_text() -> None:
    image = goinspect.open(FIXTURES / "go1.27-piestripped" / "workload").image
    usage = next(image.find(b"usage: workload [milliseconds]\n"))
    assert text_at(image, usage, 31) == "usage: workload [milliseconds]\n"
    long = text_at(image, usage, 1 << 20)
    assert long is None or len(long) <= 1024
    assert text_at(image, 0x401000, 16) is None  # code
    assert text_at(image, 8, 16) is None  # nothing is there
