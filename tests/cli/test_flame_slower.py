"""Real recordings of two builds, one function of which is slower by a known factor, and of one build twice."""

from __future__ import annotations

import json
import lzma
import re
from collections import Counter

import pytest

import goinspect
from tests.conftest import FIXTURES
from tests.render.outputs import read_report

FACTOR = 2.5  # scripts/fixtures/recorded_programs/slower
FUNCTION = "main.checksum"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("slower")
    for packed in (FIXTURES / "recordings/slower").glob("*.xz"):
        (place / packed.stem).write_bytes(lzma.decompress(packed.read_bytes()))
    return place


def compared(folder, name, binary, **options):
    return goinspect.flame(
        folder / name,
        binaries=[folder / binary, folder / "before"],
        diff=folder / "before.data",
        by="none",
        **options,
    )


def own(folder, name, binary):
    """Own weights out of the folded stacks."""
    weights = Counter()
    for line in (
        goinspect.flame(folder / name, binaries=[folder / binary], by="none").text("folded").splitlines()
    ):
        stack, _, weight = line.rpartition(" ")
        weights[stack.rpartition(";")[2]] += int(weight)
    return weights


def test_the_slower_function_is_found(folder):
    top, *others = compared(folder, "after.data", "after", diff_absolute=True).movers()
    assert (top.function, top.own.what) == (FUNCTION, "grew")
    assert abs(top.own.factor - FACTOR) <= 2 * top.own.factor_error < 0.3
    assert {row.own.what for row in others} <= {"noise", "same"}
    before, after = own(folder, "before.data", "before"), own(folder, "after.data", "after")
    assert (top.own.base, top.own.other) == (before[FUNCTION], after[FUNCTION])


def test_so_it_is_per_sample(folder):
    """The share of a function that does `FACTOR` of its work follows from its share before."""
    before, after = own(folder, "before.data", "before"), own(folder, "after.data", "after")
    share = before[FUNCTION] / before.total()
    top = compared(folder, "after.data", "after").movers(1)[0]
    assert top.function == FUNCTION
    assert abs(top.own.factor - FACTOR / (1 - share + FACTOR * share)) <= 2 * top.own.factor_error
    assert top.own.factor == pytest.approx(after[FUNCTION] / after.total() / share)


def test_two_recordings_of_one_build_do_not_differ(folder):
    for absolute in (False, True):
        flame = compared(folder, "again.data", "before", diff_absolute=absolute)
        rows = flame.movers()
        assert len(rows) > 5
        assert {change.what for row in rows for change in (row.own, row.total)} <= {"noise", "same"}
        assert "0 functions of" in flame.text("top")


@pytest.mark.parametrize("form", ["json", "folded", "tree", "html"])
def test_outputs_have_both_sides(form, folder):
    text = compared(folder, "after.data", "after", diff_absolute=True).text(form)
    if form == "json":
        columns = json.loads(text)["stacks"]["prefix"]
        sums = [sum(columns["base"]), sum(columns["weight"])]
    elif form == "folded":
        rows = [line.rsplit(" ", 2)[1:] for line in text.splitlines()]
        sums = [sum(int(row[side]) for row in rows) for side in (0, 1)]
    elif form == "tree":
        top = re.search(r"^ *(\S+ \S+) +(\S+ \S+) .*  runtime.goexit", text, re.MULTILINE)
        assert {top[1], top[2]} == {"1.94 s", "1.06 s"}
        assert re.search(r"\+864 ms ± 90.8 ms, × 2.45, grew  +main.checksum", text)
        return
    else:
        head, column = read_report(text)
        sums = [
            sum(map(int, column["base"])) * head["baseScale"],
            sum(map(int, column["weight"])) * head["scale"],
        ]
    assert sums == [own(folder, f"{side}.data", side).total() for side in ("before", "after")]
