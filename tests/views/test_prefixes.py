"""Stacks as paths of a tree, and what is kept of each of their frames."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from goinspect.results.places import Places, Series
from goinspect.results.stacks import Label, StackFrame, Stacks, Weight
from goinspect.views.calltree import call_tree
from goinspect.views.prefixes import prefixes
from goinspect.views.threads import threads

STACKS = st.lists(st.lists(st.integers(0, 4), max_size=6), max_size=12)


def stacks_of(rows, weights=None, **more) -> Stacks:
    start = np.append(0, np.cumsum([len(row) for row in rows])).astype(np.int64)
    frames = tuple(StackFrame(f"main.f{i}", "user", "main", False) for i in range(5))
    return Stacks(
        frames,
        start,
        np.array([frame for row in rows for frame in row], dtype=np.int32),
        np.ones(len(rows), dtype=np.int64),
        (Weight("cpu-clock", "ns", np.array(weights or [1] * len(rows), dtype=np.uint64)),),
        **more,
    )


@given(STACKS, st.randoms())
def test_every_stack_is_the_path_to_its_leaf(rows, random):
    group = np.array([random.randrange(3) for _ in rows], dtype=np.int64)
    stacks = stacks_of(rows)
    tree = prefixes(stacks, stacks.frame.astype(np.int64), group, 3)
    for row, leaf, owner in zip(rows, tree.leaf.tolist(), group.tolist(), strict=True):
        first, path = int(tree.start[owner]), []
        while leaf >= 0:
            path.append(int(tree.item[first + leaf]))
            assert tree.parent[first + leaf] < leaf
            leaf = int(tree.parent[first + leaf])  # noqa: PLW2901
        assert path[::-1] == row
    paths = {
        (owner, *row[: depth + 1])
        for row, owner in zip(rows, group.tolist(), strict=True)
        for depth in range(len(row))
    }
    assert len(tree.item) == len(paths)


@given(STACKS)
def test_places_and_samples_follow_their_stacks(rows):
    """Places are the positions of the frames here, so that each shows which it was."""
    total = sum(map(len, rows))
    places = Places((), np.full(total, -1, np.int32), np.arange(total, dtype=np.uint64))
    series = Series(
        np.arange(len(rows)), np.arange(len(rows), dtype=np.uint64), np.ones(len(rows), dtype=np.uint64)
    )
    stacks = stacks_of(rows, place=np.arange(total, dtype=np.int32), places=places, series=series)
    kept = np.array([len(row) % 2 == 0 for row in rows], dtype=np.bool_)
    some = stacks.where(kept)
    assert (stacks.frame[some.place] == some.frame).all()
    assert some.series.stack.tolist() == list(range(int(kept.sum())))
    assert some.series.time.tolist() == np.flatnonzero(kept).tolist()
    without = stacks.without(np.array([True, False, False, False, False]))
    assert (stacks.frame[without.place] == without.frame).all()
    turned = stacks.reversed()
    assert (stacks.frame[turned.place] == turned.frame).all()


def test_threads_by_weight_and_their_heaviest_name():
    labels = {
        "process": Label(("server",), np.array([0, 0, 0, 0], np.int32)),
        "pid": Label(("7",), np.array([0, 0, 0, 0], np.int32)),
        "tid": Label(("7", "8"), np.array([0, 1, 1, -1], np.int32)),
        "comm": Label(("server", "worker"), np.array([0, 0, 1, -1], np.int32)),
    }
    found = threads(stacks_of([[0], [1], [2], [3]], [5, 3, 9, 1], labels=labels, root="process"))
    assert [thread[:] for thread in found.all] == [
        ("worker", "server", "7", "8"), ("server", "server", "7", "7"), ("?", "server", "7", ""),
    ]  # fmt: skip
    assert found.row.tolist() == [1, 0, 0, 2]


def test_call_tree_leaves_out_what_is_small():
    stacks = stacks_of([[0, 1], [0, 2], [0]], [90, 9, 1])
    whole = call_tree(stacks)
    assert [(row.frame.name, row.parent, row.total, row.own) for row in whole.rows] == [
        ("main.f0", -1, 100, 1), ("main.f1", 0, 90, 90), ("main.f2", 0, 9, 9),
    ]  # fmt: skip
    pruned = call_tree(stacks, 10.0)
    assert [row.frame.name for row in pruned.rows] == ["main.f0", "main.f1"]
    assert (pruned.left_out, pruned.least) == (1, 10)
