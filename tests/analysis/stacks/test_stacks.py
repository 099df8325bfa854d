"""Cutting, merging, filtering and the call tree against plain Python that does the same one stack at a time."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect import _ragged
from goinspect.analysis.stacks import merge as ops
from goinspect.analysis.stacks.framing import expand
from goinspect.analysis.stacks.symboltable import Flag, SymbolTable
from goinspect.profiles.base import Locations
from goinspect.results.stacks import Label, StackFrame, Stacks, Weight
from goinspect.views.tree import build_tree, narrowest
from tests.examples import examples

PLACES = 6  # locations: few, so that stacks collide
FRAMES = [StackFrame(name, "user", "", False) for name in "dcbae"]
# What Symbolizer gives: a place without a symbol has no other rule.
FLAGS = [0, Flag.NAMED, Flag.NAMED | Flag.GO, Flag.NAMED | Flag.GO | Flag.CUT, Flag.NAMED | Flag.ROOT, Flag.BAD,
         Flag.NAMED | Flag.GO | Flag.TRAPPED]  # fmt: skip
stack_lists = st.lists(st.lists(st.integers(0, PLACES - 1), max_size=6), max_size=12)


def samples_of(stacks):
    sizes = [len(stack) for stack in stacks]
    start = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    flat = np.array([frame for stack in stacks for frame in stack], dtype=np.int32)
    return ops.Samples(start, flat, np.empty(0, np.int64), np.empty(0, np.int32))


def stacks_of(stacks, groups=None, weights=None):
    samples = samples_of(stacks)
    values = np.array(weights or [1] * len(stacks), dtype=np.uint64)
    ones = np.ones(len(stacks), dtype=np.int64)
    number = np.array(groups or [0] * len(stacks), dtype=np.int32)
    weighed = (Weight("time", "ns", values), Weight("calls", "count", values * np.uint64(2)))
    return Stacks(
        tuple(FRAMES),
        samples.start,
        samples.frames,
        ones,
        weighed,
        {"thread": Label(("a", "b", "c"), number)},
    )


def listed(stacks):
    starts, flat = stacks.start.tolist(), stacks.frame.tolist()
    assert starts[0] == 0
    assert starts[-1] == len(flat)
    return [tuple(flat[begin:end]) for begin, end in pairwise(starts)]


@st.composite
def tables(draw):
    expansions = draw(
        st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=3).map(tuple), min_size=1, max_size=4, unique=True)
    )  # fmt: skip
    expansion = draw(st.lists(st.integers(0, len(expansions) - 1), min_size=PLACES, max_size=PLACES))
    flags = draw(st.lists(st.sampled_from(FLAGS), min_size=PLACES, max_size=PLACES))
    return SymbolTable(
        list(FRAMES), expansions, np.array(expansion, dtype=np.int32), np.array(flags, np.uint8)
    )


# --- cut ---


def plain_cut(stack, flags):
    """How much of a stack, leaf first, belongs to it."""
    for at, place in enumerate(stack):
        if flags[place] & Flag.CUT:
            return at + 1
        if flags[place] & Flag.ROOT:
            for end in range(at + 1, len(stack)):
                if flags[stack[end]] & Flag.CUT:
                    return end + 1
                if flags[stack[end]] & Flag.BAD:
                    return end
            return len(stack)
    return len(stack)


@pytest.mark.parametrize("part", [1, 5, 1 << 24])
def test_cut(part, monkeypatch):
    monkeypatch.setattr(ops, "_PART", part)

    @given(stack_lists, st.lists(st.sampled_from(FLAGS), min_size=PLACES, max_size=PLACES))
    @examples(200)
    def check(stacks, flags):
        check_cut(stacks, flags)

    check()


def check_cut(stacks, flags):
    samples = samples_of(stacks)
    cut = ops.cut_garbage(samples, np.array(flags, dtype=np.uint8))
    kept = [stack[: plain_cut(stack, flags)] for stack in stacks]
    assert (cut.stop - samples.start[:-1]).tolist() == [len(stack) for stack in kept]
    assert cut.frames == sum(map(len, kept))
    assert cut.dropped == sum(map(len, stacks)) - cut.frames
    assert cut.named == sum(bool(flags[place] & Flag.NAMED) for stack in kept for place in stack)


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        ("leaf cut junk", 2),  # below goexit is nothing, named or not
        ("leaf cut leaf", 2),
        ("leaf root leaf bad leaf", 3),  # below a root everything from the first junk on
        ("leaf root leaf", 3),
        ("bad leaf leaf", 3),  # junk above a root is code of which we have no name
        ("leaf root", 2),
        ("cut", 1),
        ("root root bad", 2),
        ("root cut bad", 2),
    ],
)
def test_cut_rules(names, kept):
    flags = {
        "leaf": Flag.NAMED, "cut": Flag.NAMED | Flag.GO | Flag.CUT, "root": Flag.NAMED | Flag.ROOT,
        "bad": Flag.BAD, "junk": Flag.BAD,
    }  # fmt: skip
    number = {name: i for i, name in enumerate(flags)}
    stack = [number[name] for name in names.split()]
    other = [number["leaf"], number["bad"]]  # a stack cuts no other
    cut = ops.cut_garbage(samples_of([other, stack, other]), np.array(list(flags.values()), dtype=np.uint8))
    assert np.diff([0, *cut.stop.tolist()]).tolist()[0] == 2
    assert cut.stop[1] - 2 == kept
    assert cut.stop[2] == len(stack) + 4


# --- merge ---


def plain_merge(stacks, stops, table, groups, weights, keep):
    total, count, kinds = Counter(), Counter(), set()
    for stack, stop, group, weight in zip(stacks, stops, groups, weights, strict=True):
        rows = [int(table.expansion[place]) for place in reversed(stack[:stop])]
        rows = [row for row in rows if keep is None or keep[row]]
        key = (group, tuple(frame for row in rows for frame in table.expansions[row]))
        total[key] += weight
        count[key] += 1
        kinds.add((group, tuple(rows)))
    return total, count, len(kinds)


def check_merge(data, stacks, table, *, filtered):
    size = len(stacks)
    groups = data.draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    weights = data.draw(st.lists(st.integers(0, 2**40), min_size=size, max_size=size))
    stops = [data.draw(st.integers(0, len(stack))) for stack in stacks]
    keep = None
    if filtered:
        rows = len(table.expansions)
        keep = np.array(data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows)))
    samples = samples_of(stacks)
    merged = ops.merge(
        samples, samples.start[:-1] + np.array(stops, dtype=np.int64), table, np.array(groups, dtype=np.int32),
        np.array(weights, dtype=np.uint64), keep=keep,
    )  # fmt: skip
    total, count, kinds = plain_merge(stacks, stops, table, groups, weights, keep)
    found_total, found_count = Counter(), Counter()
    for stack, group, weight, number in zip(
        listed(merged), merged.group.tolist(), merged.weight.tolist(), merged.samples.tolist(), strict=True
    ):
        found_total[group, stack] += weight
        found_count[group, stack] += number
    assert dict(found_total) == dict(total)
    assert dict(found_count) == dict(count)
    if keep is None:
        assert len(merged.group) == kinds  # equal ones became one


@given(st.data(), stack_lists, tables(), st.booleans())
@examples(300)
def test_merge(data, stacks, table, filtered):
    check_merge(data, stacks, table, filtered=filtered)


@pytest.mark.parametrize("hashes", ["constant", "length", "two"])
def test_merge_when_hashes_collide(hashes, monkeypatch):
    def fake(start, flat, count):
        kept = [row[row >= 0] for row in np.split(flat, start[1:-1])] if len(start) > 1 else []
        number = {"constant": lambda row: 0, "length": len, "two": lambda row: int(row.sum()) % 2}[hashes]
        return np.array([number(row) for row in kept], dtype=np.uint64)

    monkeypatch.setattr(ops, "_hash_stacks", fake)

    @given(st.data(), stack_lists, tables(), st.booleans())
    @examples(200)
    def check(data, stacks, table, filtered):
        check_merge(data, stacks, table, filtered=filtered)

    check()


@pytest.mark.parametrize("part", [1, 5, 1 << 24])
def test_merge_of_more_than_a_block(part, monkeypatch):
    """Blocks and parts end in the middle of the samples, and so do empty stacks."""
    monkeypatch.setattr(ops, "_PART", part)
    monkeypatch.setattr(ops, "_BLOCK", 4)
    monkeypatch.setattr(expand, "_BLOCK", 3)
    monkeypatch.setattr(_ragged, "_TAKEN", 3)

    @given(st.data(), st.lists(st.lists(st.integers(0, PLACES - 1), max_size=3), max_size=30), tables())
    @examples(150)
    def check(data, stacks, table):
        check_merge(data, stacks, table, filtered=False)

    check()


# --- trapped ---


class FakeSymbolizer:
    """Symbolizes nothing; remembers which addresses it was asked for."""

    def __init__(self, locations, flags):
        self.table = SymbolTable(flags=np.array(flags, dtype=np.uint8))
        self.table.expansion = np.arange(len(flags), dtype=np.int32)
        self.asked = [locations]

    def add(self, locations):
        count = len(locations.mapping)
        self.asked.append(locations)
        self.table.flags = np.concatenate((self.table.flags, np.zeros(count, np.uint8)))
        self.table.expansion = np.concatenate((self.table.expansion, np.zeros(count, np.int32)))
        return self.table


@given(
    stack_lists,
    st.lists(st.sampled_from(FLAGS), min_size=PLACES, max_size=PLACES),
    st.lists(st.booleans(), min_size=PLACES, max_size=PLACES),
)
@examples(300)
def test_addresses_below_a_trap_are_looked_up_as_they_are(stacks, flags, exact):
    addresses = np.arange(PLACES, dtype=np.uint64) * np.uint64(16)
    locations = Locations(
        np.zeros(PLACES, np.int32), addresses + np.uint64(1000), addresses, np.zeros(PLACES, np.uint8), np.array(exact)
    )  # fmt: skip
    plain = samples_of(stacks)
    before = plain.frames.copy()
    symbolizer = FakeSymbolizer(locations, flags)
    samples = ops.correct_trapped(plain.start, plain.frames, locations, symbolizer)
    asked = symbolizer.asked
    runtime = np.concatenate([item.runtime_addr for item in asked])
    offset = np.concatenate([item.file_offset for item in asked])
    sure = np.concatenate([item.exact for item in asked])
    expected = [
        16 * place + (at > 0 and bool(flags[stack[at - 1]] & Flag.TRAPPED) and not exact[place])
        for stack in stacks
        for at, place in enumerate(stack)
    ]
    assert samples.of_locations(runtime).tolist() == expected
    assert samples.of_locations(offset).tolist() == [address + 1000 for address in expected]
    assert samples.of_locations(sure).tolist() == [
        exact[place] or address % 16 == 1
        for place, address in zip(plain.frames.tolist(), expected, strict=True)
    ]
    assert (samples.frames == before).all()


# --- filters ---


@given(
    st.lists(st.lists(st.integers(0, 4), max_size=5), max_size=8),
    st.lists(st.booleans(), min_size=5, max_size=5),
)
@examples(200)
def test_filters(stacks, wanted):
    mask = np.array(wanted)
    merged = stacks_of(stacks, weights=[3 + i for i in range(len(stacks))])
    plain = [tuple(stack) for stack in stacks]
    has = [any(wanted[frame] for frame in stack) for stack in plain]
    found = merged.holding(mask)
    assert found.tolist() == has
    chosen = merged.where(found)
    assert listed(chosen) == [stack for stack, yes in zip(plain, has, strict=True) if yes]
    assert chosen.weight.tolist() == [3 + i for i, yes in enumerate(has) if yes]
    assert chosen.weights[1].values.tolist() == [2 * (3 + i) for i, yes in enumerate(has) if yes]
    assert len(chosen.labels["thread"].row) == len(chosen) == sum(has)
    dropped = merged.without(mask)
    assert listed(dropped) == [tuple(frame for frame in stack if not wanted[frame]) for stack in plain]
    assert dropped.weight.tolist() == merged.weight.tolist()  # nothing's weight is lost
    assert listed(merged.reversed()) == [stack[::-1] for stack in plain]


# --- tree ---


def plain_tree(stacks, roots, weights, names, least):
    """(frame, parent, depth, total, own) depth first, and how many subtrees were too small."""
    top = {"frame": -1, "total": sum(weights), "own": 0, "below": {}}
    for stack, root, weight in zip(stacks, roots, weights, strict=True):
        node = top
        for frame in ([root] if root >= 0 else []) + list(stack):
            node = node["below"].setdefault(frame, {"frame": frame, "total": 0, "own": 0, "below": {}})
            node["total"] += weight
        node["own"] += weight
    rows, pruned = [], 0

    def walk(node, parent, depth):
        nonlocal pruned
        me = len(rows)
        rows.append((node["frame"], parent, depth, node["total"], node["own"]))
        for child in sorted(node["below"].values(), key=lambda n: (names[n["frame"]], n["frame"])):
            if child["total"] >= least:
                walk(child, me, depth + 1)
            else:
                pruned += 1

    walk(top, -1, 0)
    return rows, pruned


def path_to(rows, node):
    path = []
    while node > 0:
        path.insert(0, rows[node][0])
        node = rows[node][1]
    return path


@given(st.integers(1, 10**12), st.integers(1, 4000), st.floats(0, 5000, allow_nan=False))
def test_the_narrowest(total, pixels, min_width):
    """The least weight that a picture of this scale draws."""
    least = narrowest(total, pixels, min_width)
    assert least * (pixels / total) >= min_width
    assert least == 1 or (least - 1) * (pixels / total) < min_width * (1 + 1e-9)


@given(st.data(), st.lists(st.lists(st.integers(0, 4), max_size=5), max_size=10))
@examples(300)
def test_tree(data, stacks):
    size = len(stacks)
    weights = data.draw(st.lists(st.integers(0, 50), min_size=size, max_size=size))
    roots = data.draw(st.lists(st.sampled_from([-1, 5, 6]), min_size=size, max_size=size))
    least = data.draw(st.sampled_from([0, 1, 2, 20, 100]))
    names = ["d", "c", "b", "a", "a", "p", "q"]
    tree = build_tree(stacks_of(stacks, weights=weights), np.array(roots, dtype=np.int32), names, least=least)
    rows = list(zip(tree.frame, tree.parent, tree.depth, tree.total, tree.own, strict=True))
    expected, pruned = plain_tree(stacks, roots, weights, names, max(1, least))
    assert rows == expected
    assert tree.pruned == pruned
    children = [0] * len(rows)
    for _, parent, _, total, _ in rows[1:]:
        children[parent] += total
    left = [0] * len(rows)
    for node, stack, depth in zip(*(column.tolist() for column in tree.left), strict=True):
        left[node] += weights[stack]
        whole = ([roots[stack]] if roots[stack] >= 0 else []) + stacks[stack]
        assert path_to(rows, node) == whole[:depth]
        assert len(whole) > depth
    for (_, _, _, total, own), below, hidden in zip(rows, children, left, strict=True):
        assert total == own + below + hidden
