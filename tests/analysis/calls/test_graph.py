"""Direct calls found in bulk against capstone, function by function; what may be called through a pointer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.analysis.calls.functions import Functions
from goinspect.analysis.calls.graph import CallGraph
from goinspect.analysis.calls.taken import address_taken
from goinspect.analysis.pcln.names import FunctionNames
from goinspect.binary import Binary
from goinspect.disasm import BRANCH, CALL, JUMP, decode
from goinspect.disasm.branches import direct_branches, shows_branches
from tests.examples import examples

ARCHES = ["amd64", "386", "arm64", "arm", "ppc64", "ppc64le", "riscv64", "s390x", "mips", "mipsle", "mips64", "mips64le"]  # fmt: skip


def graph_of(path):
    binary = Binary(path)
    functions = Functions(binary)
    return CallGraph(binary.image, functions)


def decoded(graph):
    """(site, function it leads to, is it a call) of what capstone finds; jumps within a function are none."""
    found = []
    for number in range(len(graph.functions)):
        start = int(graph.functions.starts[number])
        code = decode(graph.functions.code(number), start, graph.image.arch)
        found += [
            (one.address, one.target, one.kind == CALL, number)
            for one in code
            if one.target is not None and one.kind in (CALL, JUMP, BRANCH)
        ]
    targets = graph.functions.entered(np.array([row[1] for row in found], dtype=np.uint64)).tolist()
    return {
        (site, target, call)
        for (site, _, call, source), target in zip(found, targets, strict=True)
        if target >= 0 and (call or target != source)
    }


@pytest.mark.parametrize("build", ["go1.24-piestripped"])
def test_the_same_as_capstone(build, fixture_file):
    graph = graph_of(fixture_file(build, "workload"))
    edges = graph.everything()
    expected = decoded(graph)
    assert (
        set(zip(edges.branch.site.tolist(), edges.target.tolist(), edges.branch.call.tolist(), strict=True))
        == expected
    )
    assert len(expected) > 9000
    one_by_one = set()
    for number in range(len(graph.functions)):
        own = graph.of(number)
        one_by_one |= set(
            zip(own.branch.site.tolist(), own.target.tolist(), own.branch.call.tolist(), strict=True)
        )
    assert one_by_one == expected


def test_callers_and_callees(fixture_file):
    """As tests/fixtures/workload/main.go has them."""
    binary = Binary(fixture_file("go1.27-piestripped", "workload"))
    graph = CallGraph(binary.image, Functions(binary))
    names = FunctionNames(binary.go.table)

    def number(name):
        (found,) = names.find(name)
        return found

    def named(numbers):
        return {graph.functions.name(one) for one in numbers}

    assert {"main.outer", "main.middle", "main.inner", "main.recurse"} <= named(
        graph.callers(number("main.spin"))
    )
    assert named(graph.of(number("main.middle")).target.tolist()) == {
        "main.spin",
        "main.inner",
        "runtime.morestack_noctxt",
    }
    assert len(graph.calls(number("main.middle"), number("main.inner"))) == 2
    assert graph.calls(number("main.inner"), number("main.middle")) == ()
    # runtime.memequal goes on to memeqbody by a jump: who calls the one, calls the other.
    assert number("memeqbody") in graph.leads(number("runtime.memequal"))
    assert set(graph.callers(number("runtime.memequal"))) <= set(graph.callers(number("memeqbody")))
    taken = address_taken(binary, graph.functions)
    assert taken[number("main.main")]
    assert taken[number("runtime.mstart")] in (True, False)
    assert not taken[number("main.middle")]
    assert not taken[number("main.spin")]


@pytest.mark.parametrize("arch", ARCHES)
@given(code=st.binary(max_size=64), vaddr=st.sampled_from([0, 0x401000, 2**64 - 64]))
@examples(50)
def test_any_bytes(arch, code, vaddr):
    found = direct_branches(
        memoryview(code), vaddr, arch, "big" if arch in ("ppc64", "s390x", "mips", "mips64") else "little"
    )
    assert shows_branches(arch)
    assert len({len(column) for column in found}) == 1
    assert (np.diff(found.site.view(np.int64)) >= 0).all()


@pytest.mark.parametrize(
    ("arch", "code", "after", "target", "call"),
    [
        ("amd64", "e8 fb 0f 00 00", 5, 0x2000, True),
        ("amd64", "e9 fb ff ff ff", 5, 0x1000, False),
        ("amd64", "0f 84 fa 0f 00 00", 6, 0x2000, False),
        ("386", "e8 fb ef ff ff", 5, 0, True),
        ("arm64", "00 04 00 94", 4, 0x2000, True),
        ("arm64", "ff ff ff 17", 4, 0xFFC, False),
        ("arm", "fe 03 00 eb", 4, 0x2000, True),
        ("ppc64le", "01 10 00 48", 4, 0x2000, True),
        ("ppc64", "4b ff ff fc", 4, 0xFFC, False),
        ("riscv64", "ef 10 00 00", 4, 0x2000, True),
        ("s390x", "c0 e5 00 00 08 00", 6, 0x2000, True),
        ("s390x", "c0 f4 ff ff ff ff", 6, 0xFFE, False),
        ("mips", "0c 00 08 00", 8, 0x2000, True),
        ("mipsle", "00 08 00 08", 8, 0x2000, False),
    ],
)
def test_encodings(arch, code, after, target, call):
    data = bytes.fromhex(code)
    found = direct_branches(
        memoryview(data), 0x1000, arch, "big" if arch in ("ppc64", "s390x", "mips") else "little"
    )
    rows = list(
        zip(
            found.site.tolist(), found.after.tolist(), found.target.tolist(), found.call.tolist(), strict=True
        )
    )
    assert rows == [(0x1000, 0x1000 + after, target, call)]


def test_pieces_join(monkeypatch):
    """What lies across the border of two pieces is found once."""
    from goinspect.disasm import branches

    code = bytes.fromhex("90 e8 01 00 00 00 0f 85 02 00 00 00 e9 00 00 00 00 c3") * 40
    whole = direct_branches(memoryview(code), 0x1000, "amd64")
    fixed = bytes.fromhex("00 04 00 94 ff ff ff 17") * 40
    whole_fixed = direct_branches(memoryview(fixed), 0x1000, "arm64")
    for size in (4, 8, 12, 64):
        monkeypatch.setattr(branches, "_PIECE", size)
        for expected, data, arch in ((whole, code, "amd64"), (whole_fixed, fixed, "arm64")):
            found = direct_branches(memoryview(data), 0x1000, arch)
            assert [column.tolist() for column in found] == [column.tolist() for column in expected]
