"""Symbols of two builds side by side, against what go tool nm says of both."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

import goinspect
from goinspect.analysis.builds.differences import diff, read_build
from goinspect.analysis.builds.growth import size_table
from goinspect.gosym.naming.names import plain_name
from tests.conftest import oracle_rows

PAIRS = [("go1.24-exe", "go1.24-pie"), ("go1.27-exe", "go1.27-pie"), ("go1.24-exe", "go1.27-exe")]


def builds(*paths):
    return [read_build(goinspect.open(path)) for path in paths]


def nm(name):
    """{(sort, name without ABI): [(address, size) by address]} of what is a function or a variable."""
    found = defaultdict(list)
    rows = (row if len(row) > 1 else row[0].split(None, 3) for row in oracle_rows(name, "nm"))
    for address, size, letter, symbol in rows:
        if letter in "tTrRdDbB" and int(size):  # marks of the linker have no size
            found["f" if letter in "tT" else "d", plain_name(symbol)].append((int(address, 16), int(size)))
    return {key: sorted(places) for key, places in found.items()}


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_kept_lost_gained_and_moved_are_those_of_nm(left, right, fixture_file):
    changes = diff(builds(fixture_file(left, "workload"), fixture_file(right, "workload")))
    ours, theirs = nm(left), nm(right)
    lost = Counter({key: len(places) - len(theirs.get(key, ())) for key, places in ours.items()})
    gained = Counter({key: len(places) - len(ours.get(key, ())) for key, places in theirs.items()})

    def of(rows, present):
        return Counter(
            ("f" if row.kind == "function" else "d", plain_name(row.name).replace("·", ".")) for row in rows
            if row.kind in ("function", "variable", "notype") and row.present == present
            and not row.name.startswith("go:textfips")  # in gopclntab only
        )  # fmt: skip

    assert of(changes.lost, (True, False)) == +lost - Counter(dict.fromkeys(itabs(lost), 1))
    assert of(changes.gained, (False, True)) == +gained - Counter(dict.fromkeys(itabs(gained), 1))
    distances = Counter(
        after[0] - before[0]
        for key, places in ours.items() if key[0] == "f"
        for before, after in zip(places, theirs.get(key, ()), strict=False)
    )  # fmt: skip
    del distances[0]
    against = changes.against[0]
    for shift in against.shifts:
        assert distances[shift.delta] == shift.kinds.get("function", 0), shift
    assert against.moved >= sum(distances.values())


def itabs(keys):
    return [key for key in keys if key[1].startswith(("go:itab.", "go.itab."))]


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_resized_functions_are_those_of_nm(left, right, fixture_file):
    changes = diff(builds(fixture_file(left, "workload"), fixture_file(right, "workload")))
    assert changes.against[0].sizes_exact
    ours, theirs = nm(left), nm(right)
    expected = Counter(
        key
        for key, places in ours.items()
        for before, after in zip(places, theirs.get(key, ()), strict=False)
        if before[1] != after[1] and before[1] and after[1]
    )
    found = Counter(
        ("f" if row.kind == "function" else "d", plain_name(row.name).replace("·", "."))
        for row in changes.resized
        if row.kind in ("function", "variable", "notype")
    )
    missing = {key for key in expected - found if not key[1].startswith(("go:itab", "runtime.e", "type:"))}
    assert missing == set()
    assert set(found - expected) == set()


@pytest.mark.parametrize("series", ["go1.24", "go1.27"])
@pytest.mark.parametrize("mode", ["", "pie"])
def test_a_stripped_build_keeps_functions_and_types(series, mode, fixture_file):
    whole = fixture_file(f"{series}-{mode or 'exe'}", "workload")
    stripped = fixture_file(f"{series}-{mode}stripped", "workload")
    changes = diff(builds(whole, stripped))
    against = changes.against[0]
    functions = {plain_name(name) for (sort, name), places in nm(whole.parent.name).items()
                 if sort == "f"}  # fmt: skip
    assert "function" not in against.lost
    assert against.kept["function"] >= len(functions)
    assert "type" not in against.lost
    assert "itab" not in against.lost
    assert against.lost["variable"] > 100
    assert (against.gained, against.resized, against.moved) == ({}, 0, 0)
    assert not against.sizes_exact


def test_a_file_and_itself_are_the_same(fixture_file):
    path = fixture_file("go1.27-exe", "workload")
    changes = diff(builds(path, path, path))
    assert changes.lost == changes.gained == changes.resized == ()
    assert all(one.moved == 0 and not one.shifts for one in changes.against)
    assert changes.kept == sum(changes.against[0].kept.values())


def test_three_files(fixture_file):
    """What only one of the others lost is lost, and the row says where it still is."""
    names = ("go1.27-exe", "go1.27-pie", "go1.27-stripped")
    changes = diff(builds(*(fixture_file(name, "workload") for name in names)))
    variables = [row for row in changes.lost if row.kind == "variable"]
    assert {row.present for row in variables} == {(True, True, False)}
    heap = next(row for row in variables if row.name == "runtime.mheap_")
    assert heap.size[0] == heap.size[1] > 1000
    assert heap.address[2] is None
    assert heap.package == "runtime"


@pytest.mark.parametrize("by", ["package", "module", "section", "kind"])
def test_sizes_add_up(by, fixture_file):
    """The same bytes however they are grouped, and what nm says of the functions."""
    paths = [fixture_file(name, "workload") for name in ("go1.27-exe", "go1.27-pie")]
    binaries = [goinspect.open(path) for path in paths]
    found = [read_build(binary) for binary in binaries]
    table = size_table(binaries, found, by)
    assert table.sizes_exact
    assert table.kinds == ("functions", "variables", "types")
    by_kind = {row.name: row.bytes for row in size_table(binaries, found, "kind").rows}
    assert [sum(row.bytes[at] for row in table.rows) for at in (0, 1)] == [
        sum(sizes[at] for sizes in by_kind.values()) for at in (0, 1)
    ]
    for at, name in enumerate(("go1.27-exe", "go1.27-pie")):
        expected = sum(size for (sort, _), places in nm(name).items() if sort == "f" for _, size in places)
        # Functions that have no symbol with a size: marks of the FIPS module.
        assert 0 <= by_kind["function"][at] - expected <= 128


def test_functions_with_padding_when_one_has_no_better_size(fixture_file):
    binaries = [goinspect.open(fixture_file(name, "workload")) for name in ("go1.27-exe", "go1.27-stripped")]
    table = size_table(binaries, [read_build(binary) for binary in binaries], "package")
    assert not table.sizes_exact
    assert table.kinds == ("functions", "types")
    assert all(row.bytes[0] == row.bytes[1] for row in table.rows)
