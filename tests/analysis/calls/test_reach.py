"""Reach against sets, on graphs that nobody would write: jumps in circles, several ways to one function."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from goinspect.analysis.calls.graph import Edges
from goinspect.analysis.calls.reach import Reach
from goinspect.disasm.branches import Branches
from tests.examples import examples

COUNT = 6
EDGE = st.tuples(st.integers(0, COUNT - 1), st.integers(0, COUNT - 1), st.booleans())


def reach_of(rows: list[tuple[int, int, bool]]) -> Reach:
    after = np.arange(1, len(rows) + 1, dtype=np.uint64) * np.uint64(8)
    source, target = (np.array([row[i] for row in rows], dtype=np.int64) for i in (0, 1))
    call = np.array([row[2] for row in rows], dtype=np.bool_)
    return Reach(Edges(Branches(after - np.uint64(5), after, after, call), source, target), COUNT)


def led_to(rows: list[tuple[int, int, bool]], number: int) -> set[int]:
    """The function, and what at most four jumps lead to."""
    found = {number}
    for _ in range(4):
        found |= {target for source, target, call in rows if source in found and not call}
    return found


@given(st.lists(EDGE, max_size=20))
@examples(300)
def test_as_sets_have_it(rows: list[tuple[int, int, bool]]) -> None:
    reach = reach_of(rows)
    pairs = [(caller, callee) for caller in range(COUNT) for callee in range(COUNT)]
    expected = [
        tuple(
            8 * (i + 1)
            for i, (source, target, call) in enumerate(rows)
            if call and source == caller and callee in led_to(rows, target)
        )
        for caller, callee in pairs
    ]
    callers, callees = (np.array(column) for column in zip(*pairs, strict=True))
    assert reach.all_sites(callers, callees) == expected
    assert [reach.sites(*pair) for pair in pairs] == expected
    sites = dict(zip(pairs, expected, strict=True))
    assert reach.all_callers(range(COUNT)) == [
        [caller for caller in range(COUNT) if sites[caller, callee]] for callee in range(COUNT)
    ]
    for number in range(COUNT):
        assert set(reach.leads(number)) == led_to(rows, number)
        assert reach.leads(number)[0] == number
