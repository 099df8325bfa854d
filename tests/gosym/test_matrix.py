"""Every kept build of tests/fixtures/matrix: containers, processors, releases and build modes, each against other tools.

What is compared, and which differences are known and why, is in tests/gosym/matrix.py and matrixpairs.py.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import goinspect
from goinspect.gosym.buildinfo.info import parse_version
from scripts.fixtures.matrix.builds import BUNDLED, twins
from tests.gosym import matrix, matrixpairs
from tests.unpacked import unpack_tar

if TYPE_CHECKING:
    from collections.abc import Callable

ARCHIVES = Path(__file__).parent.parent / "fixtures" / "matrix"
BUILDS = {build.name: build for build in BUNDLED}
PAIRS = [(first.name, other.name) for first, other in twins(list(BUNDLED))]
CONTAINERS = {"windows": "PE", "darwin": "Mach-O", "js": "wasm"}
BIG_ENDIAN = {"mips", "ppc64", "s390x"}
# (byte order, pointer size, quantum) are the header's; the quantum of riscv64 was 4 up to Go 1.25.
QUANTUM = {"386": 1, "amd64": 1, "wasm": 1, "s390x": 2, "riscv64": 2}
POINTER_4 = {"386", "arm", "mips"}


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Build name -> its directory; the archive of its Go series is unpacked once per worker."""
    root = tmp_path_factory.mktemp("matrix")
    done: set[str] = set()

    def get(name: str) -> Path:
        series = BUILDS[name].series
        if series not in done:
            unpack_tar(ARCHIVES / f"go{series}.tar.xz", root)
            done.add(series)
        return root / name

    return get


def grouped(names: list[str]) -> list[object]:
    """Parameters, those of one archive next to each other."""
    return [pytest.param(name, id=name) for name in sorted(names)]


@pytest.fixture(params=grouped(list(BUILDS)))
def build(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def directory(build: str, unpacked: Callable[[str], Path]) -> Path:
    return unpacked(build)


def test_archives_hold_what_is_said() -> None:
    assert {f"go{build.series}.tar.xz" for build in BUNDLED} == {p.name for p in ARCHIVES.glob("*.tar.xz")}
    assert len(BUILDS) == len(BUNDLED) > 30
    assert len(PAIRS) >= 11


def test_answers_equal_those_of_other_tools(build: str, directory: Path) -> None:
    outcome = matrix.compare(build, directory)
    assert outcome.differences == []
    counts = outcome.counts
    assert counts["names"] == counts["functions"] > 1000
    runnable = not build.endswith(("cshared", "carchive", "texts")) and not any(
        os in build for os in ("windows", "darwin")
    )
    assert (counts["callers"] > 1200) == runnable
    if "wasm" not in build:  # Go's tools and llvm-symbolizer do not read WebAssembly
        assert counts["addr2line"] == 1200
        assert counts["inlines"] > 950
        assert counts["of them inlined"] > 70


def test_what_is_said_of_the_file(build: str, directory: Path) -> None:
    wanted = BUILDS[build]
    binary = goinspect.open(directory / "workload")
    header = binary.go.header
    assert binary.image.container == CONTAINERS.get(wanted.goos, "ELF")
    assert binary.image.arch == wanted.goarch
    assert header.byteorder == binary.image.byteorder == ("big" if wanted.goarch in BIG_ENDIAN else "little")
    assert header.ptrsize == binary.image.ptrsize == (4 if wanted.goarch in POINTER_4 else 8)
    assert header.quantum == QUANTUM.get(wanted.goarch, 4)
    assert binary.go.go_version == f"go{wanted.release}"
    assert parse_version(binary.go.go_version) == wanted.version
    assert binary.go.table.release.since <= wanted.version
    assert binary.warnings == ()


def test_text_in_several_sections(unpacked: Callable[[str], Path]) -> None:
    table = goinspect.open(unpacked("go1.27-linux-arm-texts") / "workload").go.table
    sections = table.text_map.sections
    assert len(sections) >= 3
    for before, behind in itertools.pairwise(sections):
        gap = behind.vaddr - (before.vaddr + before.end - before.start)
        assert gap >= 0
        assert behind.start == before.end
        assert all(table.find(behind.vaddr - byte) is None for byte in range(1, gap + 1))
        index = table.find(behind.vaddr)
        assert index is not None
        assert table.entry(index) == behind.vaddr


@pytest.mark.parametrize(("first", "other"), PAIRS)
def test_build_modes_of_one_program_are_told_the_same(
    first: str, other: str, unpacked: Callable[[str], Path]
) -> None:
    outcome = matrixpairs.compare_builds(first, unpacked(first), other, unpacked(other))
    assert outcome.differences == []
    assert outcome.counts["functions of both"] > 800
    if other.endswith("-external"):  # the same code, elsewhere
        assert outcome.counts["told the same"] > 1200
