"""What is a change, and what is noise: by random numbers whose truth is known."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.model import FrameKind
from goinspect.results.flame import Difference, Side
from goinspect.results.stacks import BASE, StackFrame, Stacks, Weight
from goinspect.views.difference import CHANGED, changes, errors_allowed, movers
from goinspect.views.top import top


def between(base, other, *, grain=1.0, absolute=False):
    """A difference of profiles with these weights."""
    return Difference(
        Side("a", int(base / (grain or 1)), base, grain),
        Side("b", int(other / (grain or 1)), other, grain),
        absolute,
    )


def two_sided(rows):
    """Stacks of (names, base, other)."""
    names = sorted({name for stack, _, _ in rows for name in stack})
    frames = tuple(StackFrame(name, FrameKind.USER, "main", False) for name in names)
    start = np.cumsum([0, *(len(stack) for stack, _, _ in rows)]).astype(np.int64)
    flat = np.array([names.index(name) for stack, _, _ in rows for name in stack], dtype=np.int32)
    columns = [np.array([row[at] for row in rows], dtype=np.uint64) for at in (2, 1)]
    return Stacks(
        frames, start, flat, columns[0].astype(np.int64),
        (Weight("samples", "samples", columns[0]), Weight(BASE, "samples", columns[1])),
    )  # fmt: skip


def poisson(rng, mean):
    count, passed = 0, rng.expovariate(1)
    while passed < mean:
        count, passed = count + 1, passed + rng.expovariate(1)
    return count


@pytest.mark.parametrize(("ratio", "absolute"), [(0.1, False), (1.0, False), (10.0, False), (1.0, True)])
def test_one_program_does_not_differ_from_itself(ratio, absolute):
    """With 60 functions, of 0.3 to 200 expected samples, hardly any of 200 comparisons calls anything a change."""
    rng = random.Random(5)
    expected = [0.3 * 1.116**i for i in range(60)]
    alarms = 0
    for _ in range(200):
        base = [poisson(rng, mean) for mean in expected]
        other = [poisson(rng, mean * ratio) for mean in expected]
        told = changes(other, base, between(sum(base), sum(other), absolute=absolute))
        alarms += any(change.what in CHANGED for change in told)
    assert alarms <= 20  # 4.6 % of 200 is 9


def test_errors_are_those_of_random_numbers():
    """Two standard errors hold 95 % of what happens by chance, per sample and absolute, also of a large share."""
    rng = random.Random(6)
    for absolute in (False, True):
        inside = seen = 0
        for _ in range(400):
            base = [poisson(rng, mean) for mean in (30, 100, 400)]
            other = [poisson(rng, mean) for mean in (30, 100, 400)]
            told = changes(other, base, between(sum(base), sum(other), absolute=absolute))
            seen += 3
            inside += sum(abs(change.delta) <= 2 * change.error for change in told)
        assert 0.93 <= inside / seen <= 0.985


def test_a_known_factor_is_found_within_the_error_that_is_said():
    rng = random.Random(7)
    inside = 0
    for _ in range(200):
        base = [poisson(rng, mean) for mean in (100, 300, 500)]
        other = [poisson(rng, mean) for mean in (300, 300, 500)]
        told = changes(other, base, between(sum(base), sum(other), absolute=True))
        assert told[0].what == "grew"
        assert told[0].error > 0
        inside += abs(told[0].factor - 3) <= 2 * told[0].factor_error
    assert inside >= 180


@pytest.mark.parametrize(
    ("base", "other", "what"),
    [(100, 100, "same"), (100, 110, "noise"), (100, 200, "grew"), (200, 100, "shrank"), (0, 3, "noise"),
     (0, 30, "new"), (30, 0, "gone"), (0, 0, "same")],
)  # fmt: skip
def test_words(base, other, what):
    (change,) = changes([other], [base], between(1000, 1000, absolute=True))
    assert change.what == what
    assert (change.base, change.other, change.delta) == (base, other, other - base)


def test_one_sample_proves_nothing_however_many_the_other_side_has():
    told = between(1_000_000, 100)
    assert [change.what for change in changes([1, 2, 3], [0, 0, 0], told)] == ["noise"] * 3
    told = between(100, 1_000_000)
    assert [change.what for change in changes([20, 0], [0, 1], told)] == ["noise"] * 2


def test_what_is_not_counted_has_no_error():
    told = changes([10, 5, 5], [9, 5, 0], between(14, 20, grain=0.0, absolute=True))
    assert [change.what for change in told] == ["grew", "same", "new"]
    assert {change.error for change in told} == {None}


def test_what_a_sample_weighs_matters():
    """The same weights, of a hundred samples and of one."""
    fine, coarse = (changes([3000], [2000], between(9000, 9000, grain=grain))[0] for grain in (10.0, 1000.0))
    assert (fine.what, coarse.what) == ("grew", "noise")
    assert coarse.error == pytest.approx(10 * fine.error, rel=0.01)


def test_the_more_are_looked_at_the_more_is_asked():
    assert errors_allowed(1) == pytest.approx(2)
    assert errors_allowed(0) == pytest.approx(2)
    assert errors_allowed(100) == pytest.approx(3.5, abs=0.05)


def test_a_function_that_called_others_before_is_not_new():
    stacks = two_sided([(["f", "g"], 500, 400), (["f"], 0, 100), (["h"], 100, 100)])
    (f,) = (row for row in movers(stacks, between(600, 600)) if row.function == "f")
    assert f.own.what == "grew"
    assert f.total.what == "same"


COUNTS = st.integers(0, 2000)
ROWS = st.lists(
    st.tuples(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4), COUNTS, COUNTS),
    min_size=1,
    max_size=12,
)


@given(ROWS)
def test_sides_swapped_are_the_negative(rows):
    stacks, swapped = two_sided(rows), two_sided([(stack, other, base) for stack, base, other in rows])
    base, other = (sum(row[at] for row in rows) for at in (1, 2))
    forth = {row.function: row for row in movers(stacks, between(base, other, absolute=True))}
    back = {row.function: row for row in movers(swapped, between(other, base, absolute=True))}
    assert set(forth) == set(back)
    turned = {
        "new": "gone",
        "gone": "new",
        "grew": "shrank",
        "shrank": "grew",
        "noise": "noise",
        "same": "same",
    }
    for name, row in forth.items():
        for field in ("own", "total"):
            mine, theirs = getattr(row, field), getattr(back[name], field)
            assert (theirs.delta, theirs.other, theirs.base) == (-mine.delta, mine.base, mine.other)
            assert theirs.what == turned[mine.what]
            assert theirs.error == mine.error


@given(ROWS)
def test_own_weights_add_up_to_both_totals(rows):
    base, other = (sum(row[at] for row in rows) for at in (1, 2))
    told = movers(two_sided(rows), between(base, other, absolute=True))
    assert (sum(row.own.base for row in told), sum(row.own.other for row in told)) == (base, other)
    assert sum(row.own.delta for row in told) == other - base


@given(ROWS)
def test_sums_are_those_of_top(rows):
    """Of each side alone, recursion counted once."""
    stacks = two_sided(rows)
    base, other = (sum(row[at] for row in rows) for at in (1, 2))
    for row in movers(stacks, between(base, other, absolute=True)):
        for weight, now in ((stacks.weights[0], True), (stacks.weights[1], False)):
            (alone,) = (r for r in top(replace(stacks, weights=(weight,))) if r.function == row.function)
            told = (row.own.other, row.total.other) if now else (row.own.base, row.total.base)
            assert (alone.own, alone.total) == told
