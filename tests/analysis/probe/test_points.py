"""Where probes go: returns as go tool objdump has them, the place behind the stack check, the goroutine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import goinspect
from goinspect.analysis.probe.points import behind_stack_check, exits, reached
from goinspect.disasm import CALL, decode
from goinspect.gosym import pcvalue
from goinspect.gosym.layout import goroutine_layout
from goinspect.results.probe import BODY, ENTRY, RETURN, TAIL_JUMP
from scripts.fixtures.matrix.builds import BUNDLED
from tests.conftest import BUILDS, FIXTURES
from tests.disasm.objdump import functions_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_VEX = {0xC4, 0xC5, 0x62}
MATRIX = sorted(
    b.name for b in BUNDLED if b.series in ("1.15", "1.27") and not b.name.endswith(("wasm", "carchive"))
)


@pytest.mark.parametrize("build", ["go1.24-exe", "go1.27-exe", "go1.27-linux-arm64", "go1.27-linux-386"])
def test_returns(build: str, fixture_file: Callable[[str, str], Path], matrix: Callable[[str], Path]) -> None:
    binary = goinspect.open(fixture_file(build, "workload") if build in BUILDS else matrix(build))
    theirs = {
        rows[0].address: [row.address for row in rows if re.match(r"RETF?\b", row.text)]
        for name, rows in functions_of(build)
        # Behind AVX, Go's tool is out of step.
        if not name.startswith("go:") and not any(row.code[0] in _VEX for row in rows)
    }
    functions = binary.probe(*map(hex, list(theirs)[::4])).functions
    count = 0
    for function in functions:
        ours = [point.vaddr for point in function.at(RETURN)]
        assert ours == theirs[function.entry], function.function
        assert function.points[0].kind == ENTRY
        for point in function.points:
            assert point.file_offset is not None
            assert binary.image.file_bytes(point.file_offset, 4) == binary.image.read(point.vaddr, 4)
        count += len(ours)
    assert count > 300


@pytest.mark.parametrize("name", MATRIX)
def test_the_place_behind_the_stack_check(name: str, matrix: Callable[[str], Path]) -> None:
    """Every function that calls runtime.morestack has one, and SP is still what it was at the entry, as gopclntab says."""
    binary = goinspect.open(matrix(name))
    table, arch = binary.go.table, binary.image.arch
    names = {
        table.entry(number): table.name(func) for number in range(table.nfunc) if (func := table.func(number))
    }
    found = 0
    for number in range(0, table.nfunc, 3):
        func = table.func(number)
        if func is None:
            continue
        code = list(decode(binary.image.read(func.entry, func.end - func.entry), func.entry, arch))
        grows = any(
            one.kind == CALL and names.get(one.target or 0, "").startswith("runtime.morestack")
            for one in code
        )
        body = behind_stack_check(code, lambda vaddr: names.get(vaddr, ""))
        assert (body is not None) == grows, names[func.entry]
        if body is not None:
            end, first = next(pcvalue.rows(table.pctab, func.pcsp, table.quantum))
            assert (first, body <= func.entry + end) == (0, True)
            found += 1
    assert found > 200


def test_ends_of_functions(probed: Path) -> None:
    def kinds(name: str) -> list[str]:
        (function,) = goinspect.open(probed).probe(name).functions
        return [point.kind for point in function.points]

    assert kinds("main.branchy") == [ENTRY, RETURN, RETURN, RETURN]
    assert kinds("main.recurse") == [ENTRY, BODY, RETURN]
    assert kinds("main.never") == [ENTRY, BODY]
    assert kinds("main.(*holder).Add") == [ENTRY, TAIL_JUMP]
    (wrapper,) = goinspect.open(probed).probe("main.(*holder).Add").functions
    assert wrapper.points[-1].target == "main.(*counter).Add"


@pytest.mark.parametrize(
    ("name", "register", "base", "offset", "word"),
    [
        ("go1.27-linux-amd64", "r14", "fs", -8, False),
        ("go1.27-linux-amd64-pie", "r14", "fs", -8, False),
        ("go1.27-linux-amd64-extpie", "r14", "fs", -8, False),
        ("go1.27-linux-amd64-cshared", "r14", "fs", None, True),
        ("go1.15-linux-amd64", None, "fs", -8, False),
        ("go1.27-linux-386", None, "gs:0", -4, False),
        ("go1.27-linux-arm64", "r28", "tpidr_el0", 16, False),
        ("go1.27-linux-riscv64", "s11", None, None, False),
        ("go1.27-linux-s390x", "r13", None, None, False),
        ("go1.19-linux-s390x", "r13", None, None, False),
        ("go1.27-windows-amd64", "r14", None, None, False),
    ],
)
def test_the_goroutine(
    name: str,
    register: str | None,
    base: str | None,
    offset: int | None,
    word: bool,
    matrix: Callable[[str], Path],
) -> None:
    report = goinspect.open(matrix(name)).probe("main.main")
    found = report.goroutine
    assert (found.register, found.tls_base, found.tls_offset, found.tls_word is not None) == (
        register,
        base,
        offset,
        word,
    )
    assert (
        (report.functions[0].abi == "ABIInternal")
        == (bool(report.integers))
        == ("go1.27" in name and "386" not in name)
    )


def test_fields_of_goroutines(matrix: Callable[[str], Path]) -> None:
    """As llvm-dwarfdump has them, of every release in tests/fixtures/probed/goroutines.tsv."""
    rows = (FIXTURES / "probed" / "goroutines.tsv").read_text().splitlines()[1:]
    assert len(rows) >= 16
    for row in rows:
        release, _, *fields = row.split("\t")
        theirs = {name: int(place) for name, _, place in (field.partition("=") for field in fields)}
        series = release.removeprefix("go").split(".")
        known = goroutine_layout((int(series[0]), int(series[1])))
        assert known is not None
        assert theirs == {
            "g.m": known.m,
            "g.goid": known.goid,
            "g.labels": known.labels,
            "m.curg": known.curg,
        }
    assert goroutine_layout((1, 18)) is None
    found = goinspect.open(matrix("go1.27-linux-amd64")).probe("main.main").goroutine
    assert (found.g_labels, found.labels_as, found.fields_from) == (352, "list", "Go 1.26")


@pytest.mark.parametrize("build", ["go1.24-exe", "go1.27-pie"])
def test_fields_by_dwarf(build: str, fixture_file: Callable[[str, str], Path]) -> None:
    found = goinspect.open(fixture_file(build, "workload")).probe("main.main").goroutine
    known = goroutine_layout((1, 24) if "1.24" in build else (1, 27))
    assert known is not None
    assert found.fields_from == "DWARF"
    assert (found.g_m, found.g_goid, found.g_labels, found.m_curg) == (
        known.m,
        known.goid,
        known.labels,
        known.curg,
    )


PIECES = st.binary(max_size=6) | st.sampled_from([
    b"\x76\xfe", b"\x76\x00", b"\xe8\x00\x00\x00\x00", b"\xeb\xf7", b"\xe9\xf1\xff\xff\xff", b"\xc3", b"\x0f\x86\xfa\xff\xff\xff",
])  # fmt: skip


@pytest.mark.parametrize("arch", ["amd64", "386", "arm64", "arm", "riscv64", "mips"])
@given(data=st.lists(PIECES, max_size=30).map(b"".join))
def test_code_of_any_kind(arch: str, data: bytes) -> None:
    """It ends, and what it finds is an instruction."""
    code = list(decode(data, 0x1000, arch))
    starts = {one.address for one in code} | {0x1000 + len(data)}
    assert behind_stack_check(code, lambda _: "runtime.morestack") in {None, *starts}
    left = exits(code, 0x1000, 0x1000 + len(data))
    assert {*left.returns, *(address for address, _ in left.tail_jumps)} <= starts
    assert [one.address for one in reached(code, (0x1000, 0x1004))] == sorted(
        {one.address for one in reached(code, (0x1004, 0x1000))}
    )
