"""Colours: readable everywhere, stable, and telling the kinds apart."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.model import FrameKind
from goinspect.render.svg import colors
from goinspect.render.svg.hidden import leaf_weights
from tests.render.conftest import make_graph


@pytest.mark.parametrize("dark", [False, True])
def test_every_colour_carries_its_text(dark):
    for color in colors.all_classes():
        filled = colors.fill(color, dark=dark)
        assert colors.contrast(filled, colors.TEXT[dark]) >= 4.5, (color, filled)


def test_side_notes_are_readable_on_paper():
    assert colors.contrast(colors.MUTED, colors.BACKGROUND[0]) >= 4.5


def test_contrast_of_black_and_white():
    assert colors.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colors.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@given(st.sampled_from(FrameKind.ALL), st.text(), st.text())
def test_every_frame_has_a_known_class(kind, package, name):
    assert colors.color_class(kind, package, name) in colors.all_classes()


def test_an_unheard_of_kind_is_drawn_as_unknown():
    assert colors.color_class("quantum", "", "f")[0] == colors.kind_letter(FrameKind.UNKNOWN)


def test_one_package_has_one_hue_and_functions_differ_in_shade():
    classes = {colors.color_class(FrameKind.USER, "example.com/shop/store", f"f{i}") for i in range(50)}
    assert len(classes) == 3
    assert len({color[:-1] for color in classes}) == 1


def test_classes_do_not_depend_on_the_process():
    code = "from goinspect.render.svg.colors import color_class as c; print(c('user', 'main', 'main.main'))"
    answers = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert answers == {colors.color_class("user", "main", "main.main").encode() + b"\n"}


@pytest.mark.parametrize("dark", [False, True])
def test_kinds_are_told_apart(dark):
    fills = [colors.fill(f"{letter}b", dark=dark) for letter in "strgkno"]  # "x" is hatched
    channels = [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in fills]
    for i, one in enumerate(channels):
        for other in channels[:i]:
            assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) >= 30, fills


def test_application_code_is_warm_and_the_rest_is_not():
    for color in colors.all_classes():
        red, _, blue = (int(colors.fill(color)[i : i + 2], 16) for i in (1, 3, 5))
        if color[0] == "u":
            assert red > blue, color
        elif color[0] in "strgkn":
            assert red < blue, color


@given(st.lists(st.text(max_size=8), unique=True, max_size=40))
def test_important_packages_never_share_a_hue(packages):
    moved = colors.separate(packages)
    assert len(set(moved.values())) == len(moved) == min(len(packages), 12)
    assert all(f"u{slot}b" in colors.all_classes() for slot in moved.values())


def test_the_heaviest_package_stays_at_home():
    packages = [f"q{i}" for i in range(40)]
    home = colors.color_class(FrameKind.USER, "p7", "f")
    assert colors.color_class(FrameKind.USER, "p7", "f", colors.separate(["p7", *packages])) == home


def test_legend_counts_own_weight_once():
    graph = make_graph([(["main.a", "runtime.mallocgc"], 3), (["main.a"], 5), (["lib/v2.f~"], 2)])
    keys = colors.legend(graph.frames, leaf_weights(graph), {})
    assert [(key.role, key.label, key.own) for key in keys] == [
        ("kind", "Application", 7),
        ("kind", "Go runtime", 3),
        ("i", "faded: inlined", 0),
        ("package", "main", 5),
        ("package", "lib", 2),
    ]
    assert sum(key.own for key in keys if key.role == "kind") == graph.node_total[0]
    assert keys[-1].package == "lib/v2"


def test_legend_names_no_lone_package():
    graph = make_graph([(["main.a"], 5)])
    assert [key.role for key in colors.legend(graph.frames, leaf_weights(graph), {})] == ["kind"]
