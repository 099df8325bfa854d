"""Which calls through pointers lead to a function."""

from __future__ import annotations

import lzma

import pytest

import goinspect
from goinspect.analysis.calls.callers import Callers
from goinspect.analysis.calls.slots import Slots, loaded_from
from goinspect.disasm.decoder import decode
from goinspect.gosym.types.data import method_slots
from tests.cli import pgofixture


@pytest.fixture(scope="module")
def hot(tmp_path_factory):
    path = tmp_path_factory.mktemp("slots") / "hot"
    path.write_bytes(lzma.decompress((pgofixture.FOLDER / "hot.xz").read_bytes()))
    return goinspect.open(path)


def test_places_of_methods(hot):
    """An itab is two pointers, a hash and padding, then the methods of the interface in the order of their names."""
    slots = method_slots(hot.image, hot.go)
    assert slots["Area"] == {24}
    assert slots["Around"] == {32}
    assert 24 in slots["Error"]
    assert "main" not in slots


def test_a_call_of_two(hot):
    """main.areas calls Area in the fifth line and Around in the seventh, both through the interface."""
    callers = Callers(hot)
    names = callers.functions.name
    (areas,) = (n for n in range(callers.functions.go) if names(n) == "main.areas")
    sites = callers.graph.indirect.of(areas)
    assert len(sites) == 2
    slots = Slots(hot)
    found = {}
    for method in ("Area", "Around", "Other"):
        left = slots.narrowed(
            f"example.com/hot/shapes.(*Circle).{method}",
            areas,
            lambda: callers.graph.instructions(areas),
            sites,
        )
        found[method] = [hot.frames(site - 1)[0].line for site in left]
    first = min(frame.start_line for frame in hot.functions.rows if frame.name == "main.areas")
    assert found["Area"] == [first + 4]
    assert found["Around"] == [first + 6]
    assert found["Other"] == [first + 4, first + 6]  # none fits: nothing is proven


@pytest.mark.parametrize(
    ("arch", "code", "expected"),
    [
        ("amd64", "48 8b 57 18 48 89 cb ff d2", {9: 24}),  # mov rdx, [rdi + 0x18]; mov rbx, rcx; call rdx
        ("amd64", "48 8b 0a ff d1", {5: 0}),  # mov rcx, [rdx]; call rcx
        ("amd64", "ff 57 20", {3: 32}),  # call [rdi + 0x20]
        ("amd64", "48 8b 57 18 48 89 ca ff d2", {9: None}),  # mov rdx, rcx behind it
        ("amd64", "48 8b 57 18 75 00 ff d2", {8: None}),  # a branch between
        ("amd64", "48 8b 54 24 18 ff d2", {7: 24}),  # mov rdx, [rsp + 0x18]
        ("amd64", "e8 00 00 00 00", {}),
        ("arm64", "01 0c 40 f9 20 00 3f d6", {8: 24}),  # ldr x1, [x0, #0x18]; blr x1
        ("arm64", "41 03 40 f9 20 00 3f d6", {8: 0}),  # ldr x1, [x26]; blr x1
    ],
)
def test_where_the_address_is_from(arch, code, expected):
    assert loaded_from(decode(bytes.fromhex(code), 0, arch), arch) == expected
