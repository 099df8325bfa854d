"""Types and itabs of written files: every layout, byte order and pointer size, and what damage does to them."""

from __future__ import annotations

import random
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.errors import GoinspectError
from goinspect.gosym.layout import TYPE_LAYOUTS, release_for
from goinspect.gosym.moduledata import Moduledata
from goinspect.gosym.types.data import read_types, summarize_types
from goinspect.gosym.types.names import escaped
from goinspect.objfile import _open_bytes
from tests.builders.types import DATA, program, write_types
from tests.examples import examples

VERSIONS = tuple((1, minor) for minor in range(5, 28))
MACHINES = tuple((order, size) for order in ("little", "big") for size in (4, 8))
KINDS = {2: "int", 8: "uint8", 17: "array", 18: "chan", 19: "func", 20: "interface", 21: "map", 22: "ptr", 23: "slice",
         24: "string", 25: "struct"}  # fmt: skip


def opened(data: bytes, version: tuple[int, int], *, named: bool = True) -> tuple:
    image = _open_bytes("written", data, None)
    module = SimpleNamespace(
        moduledata=Moduledata(image, DATA, "hand"), go_version=f"go{version[0]}.{version[1]}.1" if named else None,
        table=SimpleNamespace(release=release_for(version)),
    )  # fmt: skip
    return image, module


@pytest.mark.parametrize("pie", [False, True], ids=["exe", "pie"])
@pytest.mark.parametrize(("byteorder", "ptrsize"), MACHINES)
@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: f"1.{version[1]}")
def test_every_layout(version, byteorder, ptrsize, pie) -> None:
    written = write_types(version, byteorder, ptrsize, pie=pie)
    image, module = opened(written.data, version)
    found = read_types(image, module)
    assert found is not None
    assert found.warnings == ()
    types = program(version)
    expected = {
        (
            written.vaddrs[name], name, one.package, KINDS[one.kind],
            one.size if one.size >= 0 else -one.size * ptrsize, written.sizes[name], one.named,
        )
        for name, one in types.items()
    }  # fmt: skip
    reached = {name for name in types if name not in unreached(version)}
    assert set(found.types) == {row for row in expected if row[1] in reached}
    dot = ":" if version >= (1, 20) else "."
    assert [tuple(itab) for itab in found.itabs] == [
        (vaddr, size, interface, concrete, f"go{dot}itab.{concrete},{interface}")
        for vaddr, size, interface, concrete in written.itabs
    ]
    assert found.listed == written.listed
    assert list(found.types) == sorted(found.types)
    summary = summarize_types(image, module)
    assert summary is not None
    assert (summary.address, summary.bytes, summary.listed, summary.itabs) == (
        found.address, found.bytes, found.listed, len(found.itabs),
    )  # fmt: skip


def unreached(version) -> set[str]:
    """Without itabs, nothing leads to the interface; and before Go 1.7 nothing is looked for between descriptors."""
    return {"interface { Text() string; main.low() string }"} if version < (1, 7) else set()


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: f"1.{version[1]}")
def test_a_version_that_nobody_knows_is_read_by_what_fits(version) -> None:
    written = write_types(version)
    image, module = opened(written.data, version, named=False)
    found = read_types(image, module)
    assert found is not None
    assert {one.vaddr for one in found.types} >= {
        vaddr for name, vaddr in written.vaddrs.items() if name not in unreached(version)
    }
    assert not [text for text in found.warnings if "make no sense" in text]


def test_a_newer_release_is_read_as_the_newest() -> None:
    written = write_types((1, 27))
    image, module = opened(written.data, (1, 99))
    found = read_types(image, module)
    assert found is not None
    assert {one.name for one in found.types} == set(program((1, 27)))


def test_another_layout_than_that_of_the_version_is_said() -> None:
    written = write_types((1, 26))
    image, module = opened(written.data, (1, 99))
    found = read_types(image, module)
    assert found is not None
    assert {one.name for one in found.types} == set(program((1, 26)))
    assert found.warnings == ("type data is not as Go of this version has it: read as that of 1.26",)


def test_nothing_without_moduledata() -> None:
    image, module = opened(write_types((1, 27)).data, (1, 27))
    module.moduledata = None
    assert read_types(image, module) is None
    assert summarize_types(image, module) is None


def test_no_garbage_when_moduledata_leads_elsewhere() -> None:
    data = bytearray(write_types((1, 24)).data)
    data = data.replace((0x500000).to_bytes(8, "little"), (0x401000).to_bytes(8, "little"))
    image, module = opened(bytes(data), (1, 24))
    found = read_types(image, module)
    assert found is not None
    assert found.types == ()
    assert found.warnings == ("no types: moduledata does not lead to type data of a known layout",)
    assert summarize_types(image, module) is None


def test_rows_are_in_order() -> None:
    assert [row.since for row in TYPE_LAYOUTS] == sorted({row.since for row in TYPE_LAYOUTS})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("main", "main"), ("net/http", "net/http"), ("gopkg.in/yaml.v3", "gopkg.in/yaml%2ev3"),
        ("a.b/c d", "a.b/c%20d"), ('x"%/y', "x%22%25/y"), ("p/ä", "p/%c3%a4"), ("", ""),
    ],
)  # fmt: skip
def test_escaped(path, expected) -> None:
    assert escaped(path) == expected


# --- damage ---


def ask(data: bytes, version, *, named: bool = True) -> None:
    try:
        image, module = opened(data, version, named=named)
    except GoinspectError:
        return
    start = time.process_time()
    found = read_types(image, module)
    summarize_types(image, module)
    assert time.process_time() - start < 5
    assert found is not None
    assert sum(len(one.name) for one in found.types) < 64 * len(data)


@pytest.mark.parametrize("version", [(1, 6), (1, 8), (1, 13), (1, 18), (1, 26), (1, 27)], ids=str)
@pytest.mark.parametrize("pie", [False, True], ids=["exe", "pie"])
def test_flipped_bytes(version, pie) -> None:
    whole = write_types(version, pie=pie).data
    numbers = random.Random(version[1])
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(numbers.randint(1, 6)):
            at = numbers.randrange(0x1000, len(data))
            data[at] = numbers.choice((0, 1, 0x7F, 0x80, 0xFF, numbers.randrange(256)))
        ask(bytes(data), version)


@pytest.mark.parametrize("version", [(1, 6), (1, 17), (1, 27)], ids=str)
def test_truncated(version) -> None:
    whole = write_types(version).data
    for size in range(0x1000, len(whole), 997):
        ask(whole[:size], version)


@examples(150)
@given(
    st.sampled_from(VERSIONS),
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from((0, 1, 0x500008, 2**31, 2**63, 2**64 - 1))), max_size=8),
    st.booleans(),
)  # fmt: skip
def test_words_may_be_anything(version, words, named) -> None:
    written = write_types(version)
    data = bytearray(written.data)
    start = data.find(bytes(8) + b"", 0x2000)
    for index, value in words:
        at = min(start + 8 * index, len(data) - 8)
        data[at : at + 8] = value.to_bytes(8, "little")
    ask(bytes(data), version, named=named)
