"""Registers of arguments are those that the compiler tells debuggers, as llvm-dwarfdump reads it."""

from __future__ import annotations

import lzma
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

import goinspect
from goinspect.analysis.probe.arguments import Arguments
from goinspect.gosym.abi.assign import assign
from goinspect.gosym.layout import FLAG_ASM
from goinspect.shapes import array, complex_number, scalar, struct, words
from tests.conftest import FIXTURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goinspect.analysis.probe.arguments import Signature
    from goinspect.results.probe import ProbeValue

# Numbers of registers in DWARF: System V ABI for AMD64, figure 3.36; DWARF for the Arm 64-bit Architecture, 4.1.
AMD64 = ("ax", "dx", "cx", "bx", "si", "di", "bp", "sp", *(f"r{n}" for n in range(8, 16)), "ra", *(f"xmm{n}" for n in range(16)))  # fmt: skip
ARM64 = tuple(f"r{n}" for n in range(32)) + tuple("?" for _ in range(32)) + tuple(f"v{n}" for n in range(32))
PIECE = re.compile(r"(?:DW_OP_reg(?:x 0x)?([0-9a-f]+) \w+)?(?:, )?DW_OP_piece 0x([0-9a-f]+)(?:, )?")


def parameters(build: str) -> Iterator[tuple[int, str, dict[str, str]]]:
    """Address and name of functions, and where their parameters are."""
    text = lzma.decompress((FIXTURES / "probed" / f"{build}.parameters.txt.xz").read_bytes()).decode()
    for line in text.splitlines():
        if not line.startswith("#"):
            start, name, *found = line.split("\t")
            yield int(start, 16), name, dict(one.split("=", 1) for one in found)


def wanted(location: str, registers: tuple[str, ...], cfa: int) -> list[str | None] | int | None:
    """The registers of the pieces (None: not told), or bytes above SP; None where nothing is said."""
    alone = re.fullmatch(r"DW_OP_reg(?:x 0x)?([0-9a-f]+) \w+", location)
    if alone is not None:
        return [registers[int(alone[1], 16 if "regx" in location else 10)]]
    if "DW_OP_reg" in location:
        return [
            registers[int(number, 16 if "regx" in location else 10)] if number else None
            for number, _ in PIECE.findall(location)
        ]
    match = re.match(r"DW_OP_call_frame_cfa$|DW_OP_fbreg \+(\d+)", location)
    return None if match is None else cfa + int(match[1] or 0)


def compare(
    signature: Signature, told: dict[str, str], registers: tuple[str, ...], cfa: int
) -> Iterator[str]:
    """What differs, and "register", "stack" for what does not."""
    values: dict[str, ProbeValue] = {value.name: value for value in signature.arguments or ()}
    for name, location in told.items():
        value, theirs = values.get(name), wanted(location, registers, cfa)
        if value is None or theirs is None:
            continue  # a result, or a place in the frame
        if isinstance(theirs, int):
            if value.stack is not None and value.size:  # else it is where a register may be saved
                yield "stack" if value.stack == theirs else f"{name} at {value.stack}, not {theirs}"
        else:
            ours = [part.register for part in value.parts]
            same = all(a is None or a == b for a, b in zip(theirs, ours, strict=False))
            yield "register" if same and len(theirs) <= len(ours) else f"{name}: {ours}, not {theirs}"


@pytest.mark.parametrize("build", ["go1.24-exe", "go1.27-exe"])
def test_as_debuggers_are_told(build: str, fixture_file: Callable[[str, str], Path]) -> None:
    binary = goinspect.open(fixture_file(build, "workload"))
    arguments = Arguments(binary)
    found: Counter[str] = Counter()
    for start, name, told in parameters(build):
        func = binary.function_at(start)
        assert func is not None
        assert func.entry == start
        signature = arguments.of(func, name)
        if signature.types_from is None:
            found["unknown"] += 1
            continue
        assert signature.types_from == "DWARF"
        if len(set(told.values())) < len(
            told
        ):  # two parameters in one register: one of them will be moved there
            found["impossible"] += 1
            continue
        for what in compare(signature, told, AMD64, 8):
            assert what in ("register", "stack"), f"{name}: {what}"
            found[what] += 1
    assert found["impossible"] < 5
    assert found["register"] > 2000
    assert found["stack"] > 5
    assert found["unknown"] == 0


@pytest.mark.parametrize(
    ("build", "registers", "cfa"), [("probed", AMD64, 8), ("go1.27-linux-arm64", ARM64, 0)]
)
def test_methods_of_stripped_files(
    build: str, registers: tuple[str, ...], cfa: int, probed: Path, matrix: Callable[[str], Path]
) -> None:
    """Types are from type data, which has no names: what is told of the parameters in order."""
    binary = goinspect.open(probed if build == "probed" else matrix(build))
    arguments = Arguments(binary)
    assert arguments.signatures is None
    found: Counter[str] = Counter()
    for start, name, told in parameters(build):
        func = binary.function_at(start)
        assert func is not None
        signature = arguments.of(func, name)
        if signature.types_from is None or len(told) < len(signature.arguments or ()):
            continue
        assert signature.types_from == "type data"
        named = dict(zip([value.name for value in signature.arguments or ()], told.values(), strict=False))
        for what in compare(signature, named, registers, cfa):
            assert what in ("register", "stack"), f"{name}: {what}"
            found[what] += 1
    assert found["register"] > 60


@pytest.mark.parametrize("build", ["go1.24-exe", "go1.24-pie", "go1.27-exe", "go1.27-pie"])
def test_sizes_are_those_of_gopclntab(build: str, fixture_file: Callable[[str, str], Path]) -> None:
    """Types of every function that is not assembly are found, and add up to the size that the linker wrote down."""
    binary = goinspect.open(fixture_file(build, "workload"))
    arguments = Arguments(binary)
    known: Counter[str] = Counter()
    table = binary.go.table
    for number in range(0, table.nfunc, 5):
        func = table.func(number)
        if func is not None and not func.flag & FLAG_ASM and not table.name(func).startswith("go:"):
            signature = arguments.of(func, table.name(func))
            known[signature.abi if signature.types_from == "DWARF" else f"unknown {table.name(func)}"] += 1
    assert set(known) <= {"ABIInternal", "ABI0"}
    assert known["ABIInternal"] > 300
    assert known["ABI0"] < 5


def test_a_function_that_assembly_calls(fixture_file: Callable[[str, str], Path]) -> None:
    """Compiled for ABI0: the sizes tell. Its wrapper for Go code has its name, too."""
    report = goinspect.open(fixture_file("go1.27-exe", "workload")).probe("internal/bytealg.countGeneric")
    (function,) = [one for one in report.functions if one.abi == "ABI0"]
    assert function.abi_from == "the symbol table"
    assert function.arguments is not None
    assert [(value.name, value.stack) for value in function.arguments] == [("b", 8), ("c", 32)]
    assert [part.stack for part in function.arguments[0].parts] == [8, 16, 24]


# --- the algorithm, by the example of abi-internal.md and its rules ---

INTEGERS, FLOATS = tuple(f"R{n}" for n in range(10)), tuple(f"F{n}" for n in range(3))
BYTE, WORD, FLOAT = (
    scalar("uint8", 1, 8, "uint"),
    scalar("uintptr", 8, 8, "uint"),
    scalar("float64", 8, 8, "float"),
)


def test_the_example() -> None:
    pair = array("[2]uintptr", WORD, 2)
    mixed = struct("struct { x uintptr; y [2]uintptr }", 24, [("x", WORD), ("y", pair)])
    frame = assign([BYTE, pair, BYTE], [mixed, words("string", "string", 8)], INTEGERS, FLOATS, 8)
    assert [(one.registers, one.stack) for one in frame.arguments] == [
        (("R0",), None),
        ((), 0),
        (("R1",), None),
    ]
    assert [(one.registers, one.stack) for one in frame.results] == [((), 16), (("R0", "R1"), None)]
    assert frame.size == 48


def test_what_does_not_fit() -> None:
    """A value goes to the stack whole, and leaves its registers to the next."""
    slices = [words("[]byte", "slice", 8)] * 4
    frame = assign([*slices, WORD], [], INTEGERS, FLOATS, 8)
    assert [one.stack for one in frame.arguments] == [None, None, None, 0, None]
    assert frame.arguments[4].registers == ("R9",)
    frame = assign(
        [complex_number("complex128", 16, 8), complex_number("complex128", 16, 8), FLOAT],
        [],
        INTEGERS,
        FLOATS,
        8,
    )
    assert [one.registers for one in frame.arguments] == [("F0", "F1"), (), ("F2",)]


def test_small_types() -> None:
    empty, lone = struct("struct {}", 0, []), array("[1]float64", FLOAT, 1)
    frame = assign([empty, lone, array("[0]int", WORD, 0)], [], INTEGERS, FLOATS, 8)
    assert [(one.registers, one.stack) for one in frame.arguments] == [((), 0), (("F0",), None), ((), 0)]
    inner = struct("inner", 16, [("a", BYTE), ("b", WORD)])
    outer = struct("outer", 24, [("c", BYTE), ("d", inner)])
    assert [(part.path, part.offset) for part in outer.parts or ()] == [(".c", 0), (".d.a", 8), (".d.b", 16)]
    assert scalar("int64", 8, 4, "int").align == 4
    assert [part.path for part in scalar("int64", 8, 4, "int").parts or ()] == [".low", ".high"]


def test_abi0() -> None:
    frame = assign([BYTE, WORD, BYTE], [BYTE], (), (), 8)
    assert [one.stack for one in (*frame.arguments, *frame.results)] == [0, 8, 16, 24]
    assert frame.size == 32
