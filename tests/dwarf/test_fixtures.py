"""Real binaries of Go 1.24 (DWARF 4) and 1.27 (DWARF 5): everything that llvm-dwarfdump says of them.

The oracle is written by ``scripts/checks/check_dwarf.py --write``; where llvm-dwarfdump is installed it is asked again.
"""

from __future__ import annotations

import lzma
import shutil
from collections import Counter
from pathlib import Path

import pytest

from goinspect.dwarf import read_columns, read_symbols, summarize
from goinspect.dwarf.descriptors import descriptors
from goinspect.objfile import open_image
from tests.dwarf.llvm import llvm_truth

ORACLE = Path(__file__).parent / "oracle"
BUILDS = ("go1.24-exe", "go1.27-pie")


def oracle(build, what):
    lines = lzma.decompress((ORACLE / f"{build}-{what}.txt.xz").read_bytes()).decode().split("\n")
    return Counter(tuple(line.split("\t")) for line in lines)


def rows(*columns):
    return Counter(
        tuple("-" if value is None else str(value) for value in row) for row in zip(*columns, strict=True)
    )


@pytest.mark.parametrize("build", BUILDS)
def test_everything_is_as_the_oracle_says(build, fixture_file):
    found = read_symbols(open_image(fixture_file(build, "workload")))
    functions, variables, types = found.functions, found.variables, found.types
    assert found.warnings == ()
    assert rows(functions.address, functions.size, functions.name) == oracle(build, "functions")
    assert rows(functions.address, functions.file, functions.line) == oracle(build, "declared")
    assert rows(variables.address, variables.size, variables.name) == oracle(build, "variables")
    assert rows(types.name, types.kind, types.size, types.runtime_type) == oracle(build, "types")
    assert {unit.language for unit in found.units} == {"Go"}
    assert {unit.version for unit in found.units} == {5 if "1.27" in build else 4}
    assert found.units[functions.unit[functions.name.index("main.main")]].name == "main"


@pytest.mark.skipif(shutil.which("llvm-dwarfdump") is None, reason="llvm-dwarfdump is not installed")
@pytest.mark.parametrize("build", BUILDS)
def test_the_oracle_says_it_still(build, fixture_file):
    truth = llvm_truth(fixture_file(build, "workload"))
    for what in ("functions", "variables", "types", "declared"):
        counted: Counter[tuple[str, ...]] = Counter()
        for row, count in getattr(truth, what).items():
            counted[tuple("-" if value is None else str(value) for value in row)] += count
        assert counted == oracle(build, what)


@pytest.mark.parametrize("build", ["go1.24-exe", "go1.24-pie", "go1.27-exe", "go1.27-pie"])
def test_functions_are_those_of_nm(build, fixture_file):
    """`go tool nm` says the same of them, but for the ABI it adds to some names."""
    functions = read_symbols(open_image(fixture_file(build, "workload"))).functions
    path = Path(__file__).parent.parent / "fixtures" / build / "nm.txt.xz"
    known = {}
    for line in lzma.decompress(path.read_bytes()).decode().splitlines():
        address, size, kind, name = line.split(None, 3) if not line.startswith("#") else ("0", "0", "", "")
        if kind in ("T", "t"):
            known.setdefault(int(address, 16), set()).add((name.removesuffix(".abi0"), int(size)))
    assert len(functions.name) > 1800
    other = [
        name
        for address, size, name in zip(functions.address, functions.size, functions.name, strict=True)
        if (name.replace("·", "."), size or 0) not in known.get(address, ())
    ]
    assert other == []


@pytest.mark.parametrize("build", ["go1.24-exe", "go1.24-pie", "go1.27-exe", "go1.27-pie"])
def test_descriptors(build, fixture_file):
    """The attribute counts from runtime.types, and leads to the descriptor of the type: its first word is a size."""
    image = open_image(fixture_file(build, "workload"))
    types = read_columns(image).types
    (start,) = (symbol.vaddr for symbol in image.symbols() if symbol.name == "runtime.types")
    found = descriptors(image, types, start)
    assert ((found == 0) == (types.address == 0)).all()
    assert (found[found > 0] == types.address[found > 0] + start).all()
    assert (found > 0).sum() > 500
    kinds = {
        name: image.read(address + 23, 1)[0] & 31
        for name, address in zip(types.name, found.tolist(), strict=True)
        if address
    }  # Kind_ of the descriptor, by its place in abi.Type
    assert (kinds["error"], kinds["*os.File"], kinds["uintptr"], kinds["internal/abi.Type"]) == (
        20,
        22,
        12,
        25,
    )
    assert not descriptors(image, types, None).any()


@pytest.mark.parametrize("build", BUILDS)
def test_summary(build, fixture_file):
    found = summarize(open_image(fixture_file(build, "workload")))
    assert found[:2] == ((5,) if "1.27" in build else (4,), "zlib")
    # Sections as readelf lists them, and the sizes in their compression headers.
    assert found[2:4] == {"go1.24-exe": (683447, 2272977), "go1.27-pie": (719766, 1469612)}[build]


def test_stripped_files_have_none(fixture_file):
    image = open_image(fixture_file("go1.27-stripped", "workload"))
    assert summarize(image) is None
    assert read_symbols(image) is None
