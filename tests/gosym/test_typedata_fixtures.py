"""Types and itabs of real binaries, stripped ones too, against the DWARF and the symbols of their twins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import goinspect
from goinspect.gosym.types.data import TypeData, read_types, summarize_types
from goinspect.gosym.types.kinds import KINDS
from scripts.fixtures.matrix.builds import BUNDLED
from tests.conftest import BUILDS, oracle_rows
from tests.gosym.test_matrix import unpacked
from tests.gosym.test_typedata import opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# The number of a type declared in a function is in no type data.
NUMBER = re.compile("\u00b7[0-9]+")
WITH_DWARF = {"exe": "exe", "stripped": "exe", "pie": "pie", "piestripped": "pie"}


def types_of(path: Path) -> TypeData:
    binary = goinspect.open(path)
    found = read_types(binary.image, binary.go)
    assert found is not None
    return found


def twin(build: str) -> str:
    release, _, mode = build.rpartition("-")
    return f"{release}-{WITH_DWARF[mode]}"


def test_types_equal_dwarf(build: str, workload: Path) -> None:
    found = types_of(workload)
    ours = {one.vaddr: one for one in found.types}
    rows = oracle_rows(twin(build), "types")
    assert len(rows) > 500
    assert found.warnings == ()
    for vaddr, kind, size, name in rows:
        one = ours[int(vaddr, 16)]
        assert one.name == NUMBER.sub("", name)
        assert not int(kind) or one.kind == KINDS[int(kind) & 31]
        assert not int(size) or one.size == int(size) or one.kind == "func"


def test_itabs_equal_symbols(build: str, workload: Path) -> None:
    found = types_of(workload)
    rows = {
        (int(row[0], 16), int(row[1]), row[3])
        for row in oracle_rows(twin(build), "nm")
        if row[3].startswith("go:itab.")
    }
    ours = {(itab.vaddr, itab.size, itab.name) for itab in found.itabs}
    assert len(ours) > 5
    assert not rows or ours == rows  # Go 1.27 gives them no symbols


def test_summary_counts_what_is_read(workload: Path) -> None:
    binary = goinspect.open(workload)
    found, summary = read_types(binary.image, binary.go), summarize_types(binary.image, binary.go)
    assert found is not None
    assert summary is not None
    assert (summary.address, summary.bytes, summary.listed, summary.itabs, summary.found_by) == (
        found.address, found.bytes, found.listed, len(found.itabs), found.found_by,
    )  # fmt: skip
    assert 0 < summary.listed < len(found.types)


@pytest.mark.parametrize("name", sorted(build.name for build in BUNDLED))
def test_every_platform_and_mode(name: str, unpacked: Callable[[str], Path]) -> None:
    """What the program's source says, and what every runtime has."""
    build = next(build for build in BUNDLED if build.name == name)
    found = types_of(unpacked(name) / "workload")
    word = 4 if build.goarch in ("386", "arm", "mips") else 8
    named = {one.name: one for one in found.types}
    assert found.warnings == ()
    for text, package, kind, size in (
        ("main.square", "main", "struct", word), ("main.shape", "main", "interface", 2 * word),
        ("error", "", "interface", 2 * word), ("runtime.errorString", "runtime", "string", 2 * word),
        ("*main.square", "", "ptr", word), ("int", "", "int", word), ("runtime.g", "runtime", "struct", None),
        ("[]uint8", "", "slice", 3 * word), ("func()", "", "func", word),
    ):  # fmt: skip
        one = named[text]
        assert (one.package, one.kind, one.named) == (
            package,
            kind,
            bool(package) or text in ("error", "int"),
        )
        assert size is None or one.size == size
    assert ("main.shape", "*main.labelled") in {(itab.interface, itab.type) for itab in found.itabs}


def test_pie_and_executable_have_the_same_types(unpacked: Callable[[str], Path]) -> None:
    for series in ("1.15", "1.19", "1.24", "1.27"):
        first, other = (
            types_of(unpacked(f"go{series}-linux-amd64{mode}") / "workload") for mode in ("", "-pie")
        )
        names = {one.name for one in first.types}
        assert len(names ^ {one.name for one in other.types}) < len(names) / 100


@pytest.mark.parametrize("build", [name for name in BUILDS if name.endswith("stripped")])
def test_damaged_moduledata_of_a_real_file(build: str, fixture_file: Callable[[str, str], Path]) -> None:
    path = fixture_file(build, "workload")
    binary = goinspect.open(path)
    module, sound = binary.go, types_of(path)
    assert module.moduledata is not None
    for index in range(25, 60):
        image, other = opened(path.read_bytes(), (1, int(build[4:6])))
        other.moduledata._image = image
        other.moduledata.vaddr = module.moduledata.vaddr + 8 * (index - 40)
        found = read_types(image, other)
        assert found is not None
        # Shifted by two or four words it is as Go 1.18 or 1.16 has it.
        vaddrs = {one.vaddr for one in found.types}
        assert vaddrs in (set(), {one.vaddr for one in sound.types})
        assert found.warnings or index == 40


__all__ = ["unpacked"]
