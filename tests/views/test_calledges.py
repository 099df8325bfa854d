"""Calls as the compiler reads them: what `go tool preprofile` says of the same profile."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import goinspect
from goinspect.analysis.options import FlameOptions
from goinspect.analysis.pgo.gather import edges_of
from goinspect.api.flame import open_input
from goinspect.model import FrameKind
from goinspect.results.pgo import CallEdge
from goinspect.results.stacks import StackFrame, Stacks, Weight
from goinspect.views.calledges import call_edges, hot_edges
from tests.cli import pgofixture


@pytest.mark.parametrize("name", pgofixture.PROFILES)
def test_edges_are_those_of_preprofile(name):
    found = edges_of(open_input(str(pgofixture.FOLDER / f"{name}.pprof")), FlameOptions())
    assert all(edge.offset is not None for edge in found)
    assert {edge.key: edge.weight for edge in found} == pgofixture.edges(name)
    assert [edge.weight for edge in found] == sorted((edge.weight for edge in found), reverse=True)
    assert [edge.key for edge in hot_edges(found).edges] == list(pgofixture.hot(pgofixture.edges(name)))


def stack_of(*stacks, weights=None):
    """Stacks of (name, line, first line, inlined, place) frames, root first."""
    frames: dict[StackFrame, int] = {}
    rows, places, start = [], [], [0]
    for stack in stacks:
        for name, line, first, inlined, place in stack:
            frame = StackFrame(name, FrameKind.USER, "main", inlined, "x.go", line, first)
            rows.append(frames.setdefault(frame, len(frames)))
            places.append(place)
        start.append(len(rows))
    counts = np.array(weights or [1] * len(stacks), dtype=np.int64)
    from goinspect.results.places import Places

    most = max(places, default=-1) + 1
    return Stacks(
        tuple(frames), np.array(start), np.array(rows, dtype=np.int32), counts,
        (Weight("samples", "samples", counts.astype(np.uint64)),), place=np.array(places, dtype=np.int32),
        places=Places((), np.full(most, -1, dtype=np.int32), np.arange(16, 16 + most, dtype=np.uint64)),
    )  # fmt: skip


def edges(stacks):
    return {edge.key: edge.weight for edge in call_edges(stacks, stacks.samples)}


def test_only_the_innermost_two_locations_count():
    stacks = stack_of(
        [("a", 10, 1, False, 0), ("b", 25, 20, False, 1), ("c", 31, 30, False, 2), ("d", 41, 40, True, 2)],
        [("a", 10, 1, False, 0)],
        weights=[7, 5],
    )
    assert edges(stacks) == {("b", 5, "c"): 7, ("c", 1, "d"): 7}


def test_recursion_counts_once():
    call = ("f", 12, 10, False, 0)
    assert edges(stack_of([call, call, call])) == {}  # the same node: no edge
    assert edges(stack_of([call, ("f", 12, 10, False, 1)])) == {("f", 2, "f"): 1}  # another address
    twice = [("f", 12, 10, False, 0), ("g", 22, 20, True, 0), ("f", 12, 10, False, 0), ("g", 22, 20, True, 0)]
    assert edges(stack_of(twice)) in ({("f", 2, "g"): 1}, {("f", 2, "g"): 1, ("g", 2, "f"): 1})


def test_lines_that_are_not_known():
    stacks = stack_of(
        [("a", 0, 1, False, 0), ("b", 25, 20, False, 1)], [("a", 5, 0, False, 2), ("b", 25, 20, False, 1)]
    )
    assert edges(stacks) == {("a", None, "b"): 2}


def test_nothing():
    assert edges(stack_of()) == {}
    assert edges(stack_of([])) == {}
    assert hot_edges([]) == ((), 0.0)


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=60))
def test_hot_edges_are_as_the_compiler_counts_them(weights):
    made = [CallEdge("main.f", i, "main.g", weight) for i, weight in enumerate(sorted(weights, reverse=True))]
    found = hot_edges(made)
    assert [edge.key for edge in found.edges] == list(
        pgofixture.hot({edge.key: edge.weight for edge in made})
    )
    assert found.threshold == pytest.approx(found.edges[-1].weight / sum(weights) * 100)


@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans(), st.integers(-1, 4)), max_size=6), max_size=8))  # fmt: skip
def test_edges_of_any_stacks_are_those_of_newgraph(drawn):
    """Against NewGraph of internal/profile, written down as it is."""
    stacks = stack_of(
        *[[(f"f{n}", 10 + line, 10, inlined, place) for n, line, inlined, place in one] for one in drawn]
    )
    sums: dict[tuple[str, int, str], int] = {}
    for one in drawn:
        locations: list[list[tuple[str, int, int]]] = []
        last = None
        for n, line, inlined, place in one:
            if not inlined or place != last or not locations:
                locations.append([])
            last = place
            locations[-1].append((f"f{n}", line, 16 + place if place >= 0 else 0))
        seen_nodes, seen_edges, parent = set(), set(), None
        for location in locations[-2:]:
            for node in location:
                saw = node in seen_nodes
                seen_nodes.add(node)
                if (not saw or (node, parent) not in seen_edges) and parent is not None and node != parent:
                    seen_edges.add((node, parent))
                    key = parent[0], parent[1], node[0]
                    sums[key] = sums.get(key, 0) + 1
                parent = node
    assert edges(stacks) == sums


def test_a_whole_profile_is_a_flame_graph_too():
    flame = goinspect.flame(pgofixture.FOLDER / "native.pprof", lines=True)
    assert flame.unit == "ns"
    assert sum(edge.weight for edge in call_edges(flame.stacks, flame.stacks.samples)) > 0
