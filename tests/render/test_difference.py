"""Differences as pictures and tables: colours that all eyes tell apart, both sides in words, hostile names."""

from __future__ import annotations

import itertools
import json
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import goinspect
from goinspect.model import FrameKind
from goinspect.render.difference.facts import apportioned
from goinspect.render.svg import colors
from goinspect.results.flame import Difference, Side
from tests.cli.runner import cli

NS = "{http://www.w3.org/2000/svg}"
BEFORE = "main.main;main.a 400\nmain.main;main.b 300\nmain.main;main.c 200\nmain.main;main.old 100\nmain.main;main.d 1000\n"
AFTER = "main.main;main.a 405\nmain.main;main.b 900\nmain.main;main.c 80\nmain.main;main.new 60\nmain.main;main.d 1300\n"
CHANGES = ("d3", "d2", "d1", "d0", "e1", "e2", "e3")
# What dichromats see of linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
EYES = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}  # fmt: skip


@pytest.fixture
def sides(tmp_path):
    (tmp_path / "before.folded").write_text(BEFORE)
    (tmp_path / "after.folded").write_text(AFTER)
    return tmp_path


def difference(folder, **options):
    options.setdefault("diff_absolute", True)
    return goinspect.flame(folder / "after.folded", diff=folder / "before.folded", **options)


def boxes(picture):
    """Name -> class and tooltip."""
    frames = next(g for g in ET.fromstring(picture).iter(f"{NS}g") if g.get("class") == "frames")
    told = {}
    for box in frames:
        name, *lines = box.find(f"{NS}title").text.split("\n")
        told[name] = box.get("class"), lines
    return told


def test_colours_say_what_became_of_a_frame(sides):
    told = boxes(difference(sides).text("svg"))
    assert {name.removeprefix("main."): color for name, (color, _) in told.items()} == {
        "all": "d2", "main": "d2", "a": "d0", "b": "d3", "c": "e3", "new": "d3", "d": "d2",
    }  # fmt: skip
    texts = "".join(ET.fromstring(difference(sides).text("svg")).itertext())
    for label in (
        "new, or × 2 and more",
        "grew, × 1.25 to 2",
        "within noise, or the same",
        "shrank, ÷ 2 and more",
    ):
        assert label in texts
    assert "grew less" not in texts


def test_tooltips_have_both_sides_and_the_change(sides):
    told = boxes(difference(sides).text("svg"))
    assert told["main.b"][1] == [
        "900 samples, 32.8 %",
        "before 300 samples, 15.0 %: +600 samples ± 70 samples, × 3.00, grew",
        "self 900 samples, before 300 samples: +600 samples ± 70 samples, × 3.00, grew",
    ]
    assert told["main.a"][1][1].endswith("+5 samples ± 56 samples, × 1.01, within noise")
    assert told["main.new"][1][1] == "before 0 samples, 0.0 %: +60 samples ± 16 samples, new"
    assert len(told["main.main"][1]) == 2  # nothing ended there


def test_what_is_gone_is_said(sides):
    assert "1 function gone: main.old" in difference(sides).text("svg")
    assert "main.old" not in boxes(difference(sides).text("svg"))


def test_title_and_totals(sides):
    texts = [
        "".join(text.itertext()) for text in ET.fromstring(difference(sides).text("svg")).iter(f"{NS}text")
    ]
    assert texts.count("Flame graph of after.folded against before.folded") == 1
    assert any(
        "before before.folded: 2,000 samples (compared as they are), now after.folded: 2,745 samples" in text
        for text in texts
    )


def test_files_of_one_name_are_told_by_their_directories(sides):
    for name, text in (("monday", BEFORE), ("tuesday", AFTER)):
        (sides / name).mkdir()
        (sides / name / "cpu.folded").write_text(text)
    flame = goinspect.flame(sides / "tuesday" / "cpu.folded", diff=sides / "monday" / "cpu.folded")
    assert "Flame graph of tuesday/cpu.folded against monday/cpu.folded" in flame.text("svg")
    assert flame.summary.startswith(
        "before monday/cpu.folded: 2,000 samples (× 1.37 to compare per sample), now tuesday/cpu.folded:"
    )


WEIGHTS = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=20)


@given(WEIGHTS, st.booleans())
def test_columns_add_up_and_are_off_by_less_than_one(rows, absolute):
    base, other = (sum(row[at] for row in rows) for at in (0, 1))
    assume(base)
    told = Difference(Side("a", 1, base, 1.0), Side("b", 1, other, 1.0), absolute)
    column = apportioned([row[0] for row in rows], told)
    assert sum(column) == (base if absolute else other)
    by, part = told.scale
    assert all(abs(value * part - row[0] * by) < part for value, row in zip(column, rows, strict=True))


def test_what_only_the_base_has_is_not_left_out_as_too_narrow(sides):
    assert "too narrow to see left out" not in difference(sides).text("svg")


def test_inlined_frames_keep_the_colour_of_the_change(sides):
    (sides / "after.folded").write_text("main.main;main.a_[i] 10\n")
    told = boxes(difference(sides).text("svg"))
    assert {color for color, _ in told.values()} <= set(CHANGES)


def test_a_picture_of_one_profile_is_what_it_was(sides):
    picture = goinspect.flame(sides / "after.folded").text("svg")
    assert '"base":' not in picture
    assert not {color for color, _ in boxes(picture).values()} & set(CHANGES)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("eyes", EYES)
def test_all_eyes_tell_growth_from_shrinking(eyes, dark):
    """Lightness alone does not: of the two sides it is the same on purpose."""
    seen = {color: seen_by(eyes, colors.fill(color, dark=dark)) for color in CHANGES}
    for degree in "23":
        assert apart(seen[f"d{degree}"], seen[f"e{degree}"]) >= 0.06, (degree, eyes)
        assert apart(seen[f"d{degree}"], seen["d0"]) >= 0.06, (degree, eyes)
        assert apart(seen[f"e{degree}"], seen["d0"]) >= 0.06, (degree, eyes)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("eyes", EYES)
def test_all_eyes_tell_kinds_apart_and_more_from_less(eyes, dark):
    """Where colours say kinds and nothing else; what has no symbol is hatched."""
    seen = [
        seen_by(eyes, colors.fill(color, dark=dark))
        for color in {*map(colors.kind_class, FrameKind.ALL)} - {"xb"}
    ]
    assert len(seen) == len(FrameKind.ALL) - 1
    for i, one in enumerate(seen):
        assert all(apart(one, other) >= 0.06 for other in seen[:i]), (i, eyes)
    lightness = [oklab(seen_by(eyes, colors.fill(color, dark=dark)))[0] for color in colors.HEAT]
    steps = [(after - before) * (1 if dark else -1) for before, after in itertools.pairwise(lightness)]
    assert min(steps) >= 0.015


def seen_by(eyes, color):
    rgb = [linear(int(color[i : i + 2], 16) / 255) for i in (1, 3, 5)]
    return [sum(part * value for part, value in zip(row, rgb, strict=True)) for row in EYES[eyes]]


def linear(channel):
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def apart(one, other):
    """The distance in OKLab; 0.02 is just noticeable."""
    return sum((a - b) ** 2 for a, b in zip(oklab(one), oklab(other), strict=True)) ** 0.5


def oklab(rgb):
    lms = [sum(part * value for part, value in zip(row, rgb, strict=True)) for row in (
        (0.4122214708, 0.5363325363, 0.0514459929), (0.2119034982, 0.6806995451, 0.1073969566),
        (0.0883024619, 0.2817188376, 0.6299787005))]  # fmt: skip
    roots = [max(value, 0) ** (1 / 3) for value in lms]
    return [sum(part * value for part, value in zip(row, roots, strict=True)) for row in (
        (0.2104542553, 0.7936177850, -0.0040720468), (1.9779984951, -2.4285922050, 0.4505937099),
        (0.0259040371, 0.7827717662, -0.8086757660))]  # fmt: skip


HOSTILE = "\x1b]0;x\x07<script>alert(1)</script>]]>"


def test_hostile_names(sides):
    for name in ("before", "after"):
        (sides / f"{name}.folded").write_text(f"main.main;{HOSTILE}{name} 500\nmain.main 1\n")
    flame = difference(sides)
    for form in ("svg", "top", "folded", "collapsed"):
        text = flame.text(form)
        assert "\x1b" not in text
        assert "\x07" not in text
    assert "<script>alert" not in flame.text("svg")
    ET.fromstring(flame.text("svg"))
    rows = json.loads(flame.text("top", json=True))["rows"]
    assert {row["own_change"]["what"] for row in rows[:2]} == {"new", "gone"}


@pytest.mark.parametrize("form", ["svg", "top", "folded", "json", "collapsed"])
def test_nothing_to_compare(sides, form):
    assert difference(sides, focus="nowhere").text(form) is not None
    answer = cli(
        "flame",
        "--diff",
        sides / "before.folded",
        sides / "after.folded",
        "--focus",
        "nowhere",
        "--format",
        form,
        "-o",
        "-",
    )
    assert answer.code == 0


def test_the_whole_base_is_gone(sides):
    flame = difference(sides, focus="main.old")
    assert "No samples to draw" in flame.text("svg")
    assert re.search(r"^gone +100 +0 +-100 .* main\.old$", flame.text("top"), re.MULTILINE)
