"""Decoding: what must hold for any bytes, and what kinds, targets and references are, architecture by architecture."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.disasm import ARCHITECTURES, BRANCH, CALL, JUMP, OTHER, RETURN, decode
from goinspect.errors import UnsupportedError


@pytest.mark.parametrize("name", ARCHITECTURES)
@given(code=st.binary(max_size=200), vaddr=st.sampled_from([0, 0x401000, (1 << 64) - 64, (1 << 64) - 1]))
def test_any_bytes_are_covered_exactly(name: str, code: bytes, vaddr: int) -> None:
    at = vaddr
    for instruction in decode(code, vaddr, name):
        assert instruction.address == at
        assert instruction.size in ARCHITECTURES[name].sizes or instruction.text == "?"
        assert instruction.text.isprintable()
        at = instruction.end
    assert at == vaddr + len(code)
    assert b"".join(i.code for i in decode(code, vaddr, name)) == code


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_pieces_do_not_show(name: str) -> None:
    """Code is decoded piece by piece: the same instructions as of one that begins elsewhere."""
    nops = {"x86": bytes.fromhex("660f1f840000000000"), "s390x": bytes.fromhex("e3a0d0100004")}
    code = nops.get(ARCHITECTURES[name].family, bytes.fromhex("deadbeef")) * 4000
    whole = list(decode(code, 0x1000, name))
    skipped = whole[7].address - 0x1000
    assert [i.text for i in whole[7:]] == [i.text for i in decode(code[skipped:], 0x1000 + skipped, name)]


@pytest.mark.parametrize("name", ["loong64", "wasm", ""])
def test_what_capstone_does_not_know(name: str) -> None:
    with pytest.raises(UnsupportedError, match="cannot be disassembled: capstone decodes amd64, 386"):
        decode(b"", 0, name)


@pytest.mark.parametrize(
    ("name", "code", "size"),
    [("amd64", "06c3", 1), ("arm64", "00000000", 4), ("riscv64", "57f3320c", 4), ("s390x", "0000", 2)],
)
def test_what_is_no_instruction(name: str, code: str, size: int) -> None:
    first = next(decode(bytes.fromhex(code), 0x1000, name))
    assert (first.text, first.kind, first.size) == ("?", OTHER, size) or name == "arm64"


# Machine code that Go's assembler writes, and what its source says.
FLOWS = [
    ("amd64", "e857150700", CALL, 0x71000 + 0x155C),
    ("amd64", "ffd0", CALL, None),
    ("amd64", "ff1511000000", CALL, None),
    ("amd64", "eb0f", JUMP, 0x1011),
    ("amd64", "ff24ca", JUMP, None),
    ("amd64", "0f86c0000000", BRANCH, 0x10C6),
    ("amd64", "c3", RETURN, None),
    ("amd64", "90", OTHER, None),
    ("386", "e8fbffffff", CALL, 0x1000),
    ("arm64", "00040094", CALL, 0x2000),
    ("arm64", "00003fd6", CALL, None),
    ("arm64", "04000014", JUMP, 0x1010),
    ("arm64", "60031fd6", JUMP, None),
    ("arm64", "40000054", BRANCH, 0x1008),
    ("arm64", "e30ff8b7", BRANCH, 0x11FC),
    ("arm64", "c0035fd6", RETURN, None),
    ("arm", "020000ea", JUMP, 0x1010),
    ("arm", "0700000a", BRANCH, 0x1024),
    ("arm", "fe0300eb", CALL, 0x2000),
    ("arm", "30ff2fe1", CALL, None),
    ("arm", "0cf09de4", RETURN, None),
    ("arm", "00f08ee2", RETURN, None),
    ("riscv64", "6ff01fff", JUMP, 0xFF0),
    ("riscv64", "ef002000", CALL, 0x1002),
    ("riscv64", "e7800200", CALL, None),
    ("riscv64", "67800000", RETURN, None),
    ("riscv64", "63075502", BRANCH, 0x102E),
    ("riscv64", "8280", RETURN, None),
    ("ppc64le", "01000048", CALL, 0x1000),
    ("ppc64le", "e4ffff4b", JUMP, 0xFE4),
    ("ppc64le", "1c008241", BRANCH, 0x101C),
    ("ppc64le", "2000804e", RETURN, None),
    ("ppc64le", "2104804e", CALL, None),
    ("ppc64le", "2108804e", CALL, None),
    ("ppc64", "4e800020", RETURN, None),
    ("s390x", "c0e500000800", CALL, 0x2000),
    ("s390x", "07fe", RETURN, None),
    ("s390x", "0700", OTHER, None),
    ("s390x", "a7f4000a", JUMP, 0x1014),
    ("s390x", "c0f400000010", JUMP, 0x1020),
    ("s390x", "ec760019007c", BRANCH, 0x1032),
    ("mips", "0c000800", CALL, 0x2000),
    ("mips", "1000fff8", JUMP, 0xFE4),
    ("mips", "03e00008", RETURN, None),
    ("mips", "14200006", BRANCH, 0x101C),
    ("mipsle", "0800e003", RETURN, None),
    ("mips64le", "0008000c", CALL, 0x2000),
    ("mips64", "0c000800", CALL, 0x2000),
]


@pytest.mark.parametrize(("name", "code", "kind", "target"), FLOWS)
def test_kinds_and_targets(name: str, code: str, kind: str, target: int | None) -> None:
    (first,) = decode(bytes.fromhex(code), 0x1000, name)
    assert (first.kind, first.target) == (kind, target), first.text


REFERENCES = [
    ("amd64", "488d05f9ffffff", [0x1000]),  # lea rax, [rip - 7]
    ("amd64", "ff1511000000", [0x1017]),
    ("amd64", "64488b0425f8ffffff", [None]),
    ("386", "8d0534120000", [0x1234]),
    ("386", "658b0d00000000", [None]),
    ("arm64", "0000009000900491", [None, 0x1124]),  # adrp; add
    ("arm64", "1b000090610f40f9", [None, 0x1018]),  # adrp; ldr
    ("arm64", "1b000090810f40f9", [None, None]),  # of another register
    ("arm64", "4000000058000058"[:8], [None]),
    ("arm", "04009fe5", [0x100C]),
    ("riscv64", "17c3070003330301", [None, 0x7D010]),  # auipc; ld
    ("ppc64le", "0c00403d1000 4ae9", [None, 0xC0010]),  # lis; ld
    ("s390x", "c02000000100", [0x1200]),
    ("mips", "3c030012 24637fff", [None, 0x127FFF]),
]


@pytest.mark.parametrize(("name", "code", "references"), REFERENCES)
def test_references(name: str, code: str, references: list[int | None]) -> None:
    found = list(decode(bytes.fromhex(code), 0x1000, name))
    assert [i.reference for i in found] == references, [i.text for i in found]


def test_a_long_call_of_riscv() -> None:
    """AUIPC and JALR: the second one is the call."""
    upper, call = decode(bytes.fromhex("97100000e7800001"), 0x1000, "riscv64")
    assert (upper.kind, call.kind, call.target, call.reference) == (OTHER, CALL, 0x2010, None)
