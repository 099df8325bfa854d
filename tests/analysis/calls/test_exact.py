"""The call graph of whole files: the decoder's, instruction by instruction, and that of `go tool objdump`."""

from __future__ import annotations

import re
import struct
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import goinspect
from goinspect.analysis.calls.functions import Functions
from goinspect.analysis.calls.graph import CallGraph
from goinspect.disasm import ARCHITECTURES, BRANCH, CALL, JUMP, decode
from goinspect.disasm.x86lengths import steps
from goinspect.model import Segment
from scripts.fixtures.matrix.builds import BUNDLED
from tests.conftest import FIXTURES
from tests.disasm.objdump import functions_of
from tests.examples import step as one_in
from tests.unpacked import unpack_tar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goinspect.analysis.calls.graph import Edges

# Of each release, and of each platform of the newest one; in go1.19-linux-amd64-pie and go1.27-linux-386 the operand of
# an instruction looks like a call to the start of a function.
MATRIX = sorted(
    build.name for build in BUNDLED
    if not build.name.endswith("wasm") and (build.series == "1.27" or build.name in ("go1.15-linux-386", "go1.19-linux-amd64-pie"))
)  # fmt: skip
LOOKS_LIKE_A_CALL = {"go1.19-linux-amd64-pie": 0x456422, "go1.27-linux-386": 0x80B705B}

Branch = tuple[int, int, bool]


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("matrix")

    def get(name: str) -> Path:
        if not (root / name).exists():
            unpack_tar(FIXTURES / "matrix" / f"{name.partition('-')[0]}.tar.xz", root, f"{name}/workload")
        return root / name / "workload"

    return get


def graph_of(path: Path) -> CallGraph:
    binary = goinspect.open(path)
    return CallGraph(binary.image, Functions(binary))


def branches(edges: Edges) -> set[Branch]:
    columns = edges.branch.site.tolist(), edges.branch.target.tolist(), edges.branch.call.tolist()
    return set(zip(*columns, strict=True))


def decoded(graph: CallGraph) -> Iterator[Branch]:
    """What capstone says, one function after the other."""
    functions = graph.functions
    for number in range(len(functions)):
        code = decode(functions.code(number), int(functions.starts[number]), graph.image.arch)
        found = [
            (one.address, one.target, one.kind == CALL)
            for one in code
            if one.kind in (CALL, JUMP, BRANCH) and one.target is not None
        ]
        entered = functions.entered(np.array([target for _, target, _ in found], dtype=np.uint64)).tolist()
        yield from (
            one for one, to in zip(found, entered, strict=True) if to >= 0 and (one[2] or to != number)
        )


@pytest.mark.parametrize("name", [name for name in MATRIX if "amd64" in name or "386" in name][:: one_in()])
def test_calls_through_registers_and_memory(name: str, matrix: Callable[[str], Path]) -> None:
    graph = graph_of(matrix(name))
    functions = graph.functions
    numbers = range(0, len(functions), one_in(3))
    graph.indirect.look_up(numbers)
    many = 0
    for number in numbers:
        code = decode(functions.code(number), int(functions.starts[number]), graph.image.arch)
        wanted = tuple(one.end for one in code if one.kind == CALL and one.target is None)
        assert graph.indirect.of(number) == wanted, functions.name(number)
        many += len(wanted)
    assert many


@pytest.mark.parametrize("name", MATRIX[:: one_in()])
def test_every_function_of_every_architecture(name: str, matrix: Callable[[str], Path]) -> None:
    graph = graph_of(matrix(name))
    found = branches(graph.everything())
    assert found == set(decoded(graph))
    assert len(found) > 7000
    assert {site for site, _, _ in found}.isdisjoint({LOOKS_LIKE_A_CALL.get(name)})


def test_all_architectures_are_compared() -> None:
    known = {name.split("-")[2] for name in MATRIX}
    assert known >= {"amd64", "386", "arm64", "arm", "riscv64", "s390x", "mips"}
    assert known <= set(ARCHITECTURES)


@pytest.mark.parametrize("build", ["go1.24-exe", "go1.27-exe"])
def test_as_go_tool_objdump_has_it(build: str, fixture_file: Callable[[str, str], Path]) -> None:
    compare_with_objdump(fixture_file(build, "workload"), build)


@pytest.mark.parametrize("build", ["go1.27-linux-arm64", "go1.27-linux-386"])
def test_as_go_tool_objdump_has_it_elsewhere(build: str, matrix: Callable[[str], Path]) -> None:
    compare_with_objdump(matrix(build), build)


def compare_with_objdump(path: Path, build: str) -> None:
    """Calls and jumps whose operand is a function, as Go's tool prints them, and those through registers and memory."""
    listed = list(functions_of(build))
    entries = {name: rows[0].address for name, rows in listed}
    theirs = set()
    indirect = {}
    for name, rows in listed:
        calls = [row for row in rows if re.match(r"(CALL|BL) ", row.text)]
        indirect[rows[0].address] = [
            row.address for row in calls if not re.search(r" (0x[0-9a-f]+|.*\(SB\))$", row.text)
        ]
        for row in rows:
            match = re.fullmatch(r"(CALL|BL|JMP|B|J[A-Z]+|B[A-Z]+) (.*?)([+-]\d+)?\(SB\)", row.text)
            if match is not None and match[2] in entries and (row in calls or match[2] != name):
                theirs.add((row.address, entries[match[2]] + int(match[3] or 0), row in calls))
        # Into the middle of a function: of runtime.duffzero and duffcopy, for less than all that they do.
        theirs |= {
            (row.address, int(row.text[5:], 16), True) for row in calls if row.text.startswith("CALL 0x")
        }
    graph = graph_of(path)
    ours = branches(graph.everything())
    assert ours == theirs
    assert len(ours) > 10_000
    starts = graph.functions.starts.tolist()
    assert {start: [one.address for one in graph.decoded(number).indirect]
            for number, start in enumerate(starts) if start in indirect} == indirect  # fmt: skip


@pytest.mark.parametrize("name", ["go1.27-linux-386", "go1.27-linux-amd64-external"])
def test_lengths_of_all_instructions(name: str, matrix: Callable[[str], Path]) -> None:
    graph = graph_of(matrix(name))
    functions, table = graph.functions, steps(64 if graph.image.arch == "amd64" else 32).tolist()
    for number in range(len(functions)):
        for one in decode(functions.code(number), int(functions.starts[number]), graph.image.arch):
            at = state = 0
            code = one.code + b"\0\0"
            while not at or state:
                step = table[state << 16 | code[at] << 8 | code[at + 1]]
                at, state = at + (step >> 4), step & 15
            assert at == one.size, one


class Memory:
    """An image that is nothing but code."""

    byteorder = "little"

    def __init__(self, code: bytes, arch: str) -> None:
        self.arch, self._code = arch, code
        self.segments = [
            Segment(0x1000, len(code), 0, len(code), readable=True, writable=False, executable=True)
        ]

    def tail(self, vaddr: int) -> memoryview:
        return memoryview(self._code)[vaddr - 0x1000 :]


class Starts:
    """A function every 16 bytes."""

    def __init__(self, size: int) -> None:
        self.starts = list(range(0x1000, 0x1000 + size, 16))

    def ends(self) -> list[int]:
        return [start + 16 for start in self.starts]


PIECES = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.sampled_from(
        [b"\xe8", b"\xe9", b"\x0f\x84", b"\x48\x8d\xac\xe8", b"\x66\xe8", b"\xc4", b"\x62", b"\xff\xd0"]
    ),
    st.integers(-20, 20).map(lambda step: b"\xe8" + struct.pack("<i", 16 * step - 5)),
)


@pytest.mark.parametrize("arch", ARCHITECTURES)
@given(code=st.lists(PIECES, max_size=60).map(b"".join))
def test_any_bytes_are_code(arch: str, code: bytes) -> None:
    image = Memory(code, arch)
    functions = Functions(SimpleNamespace(go_or_none=None, image=image), Starts(len(code)))
    graph = CallGraph(image, functions)
    found = branches(graph.everything())
    assert found <= {branch for number in range(len(functions)) for branch in branches(graph.of(number))}
    for number in range(len(functions)):
        graph.decoded(number)
