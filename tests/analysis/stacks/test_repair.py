"""Stacks without their roots: what whole stacks of the process say is put back, and nothing that they do not agree on."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np
import pytest

from goinspect.analysis.options import FlameOptions
from goinspect.analysis.recordings.finder import BinaryFinder
from goinspect.analysis.stacks.fold import TRUNCATED, fold
from goinspect.analysis.stacks.repair import repair
from goinspect.analysis.stacks.symbolize import SymbolizeOptions, Symbolizer
from goinspect.analysis.stacks.symboltable import Flag
from goinspect.profiles import open_profile
from goinspect.render.folded import render_folded
from tests.conftest import oracle_rows

END, OTHER_END = 90, 91  # roots of threads
FLAGS = np.zeros(100, dtype=np.uint8)
FLAGS[[END, OTHER_END]] = Flag.CUT


def repaired(stacks, cut, process=None):
    """The stacks (leaf first) after repair, and which were."""
    start = np.cumsum([0, *map(len, stacks)])
    truncated = np.isin(np.arange(len(stacks)), cut)
    pids = np.array(process or [1] * len(stacks), dtype=np.int32)
    flat = np.array([frame for stack in stacks for frame in stack], dtype=np.int32)
    result = repair(start, flat, truncated, pids, FLAGS)
    found = [result.frames[a:b].tolist() for a, b in zip(result.start[:-1], result.start[1:], strict=True)]
    return found, result.rows.tolist()


def test_the_root_comes_from_a_whole_stack():
    whole = [1, 2, 3, 4, END]
    assert repaired([whole, [7, 8, 3]], [1]) == ([whole, [7, 8, 3, 4, END]], [1])


def test_stacks_that_do_not_agree_decide_nothing():
    stacks = [[1, 3, 4, END], [2, 3, 5, END], [9, 3]]
    assert repaired(stacks, [2]) == (stacks, [])


def test_few_frames_in_common_are_not_enough_against_another_way():
    stacks = [[1, 2, 3, 4, END], [9, 3, 5, END], [1, 2, 3]]
    assert repaired(stacks, [2]) == (stacks, [])


def test_many_frames_in_common_are():
    shared = list(range(10, 40))
    stacks = [[*shared, 4, END], [9, 39, 5, END], [2, *shared]]
    found, rows = repaired(stacks, [2])
    assert rows == [2]
    assert found[2] == [2, *shared, 4, END]


def test_recursion_gets_the_root_below_it():
    stacks = [[1] + [5] * 30 + [6, END], [1] + [5] * 60]
    found, rows = repaired(stacks, [1])
    assert rows == [1]
    assert found[1] == [1] + [5] * 60 + [6, END]


def test_other_processes_say_nothing():
    stacks = [[1, 2, 3, END], [1, 2]]
    assert repaired(stacks, [1], [1, 2]) == (stacks, [])
    assert repaired(stacks, [1], [2, 2])[1] == [1]


def test_stacks_without_a_root_say_nothing():
    assert repaired([[1, 2, 3], [1, 2]], [1])[1] == []
    assert repaired([[1, 2, 3], [1, 2]], [0, 1])[1] == []


def test_a_stack_as_deep_as_the_limit_that_ends_in_a_root_is_whole():
    stacks = [[1, 2, 3, END], [2, 3, OTHER_END]]
    assert repaired(stacks, [0, 1]) == (stacks, [])


def test_nothing():
    assert repaired([], []) == ([], [])
    assert repaired([[], [1, END], []], [0, 2]) == ([[], [1, END], []], [])


def test_one_long_root_for_many_stacks_is_bounded():
    """A damaged recording must not become a thousand times as large."""
    root = [*range(10, 90)] * 100
    stacks = [[1, *root, END], *([[2, 3, 1]] * 5000)]
    found, rows = repaired(stacks, range(1, 5001))
    assert 0 < len(rows) < 100
    assert sum(map(len, found)) < 4 * sum(map(len, stacks)) + 5000


# --- real stacks ---


@pytest.fixture(scope="module")
def real(fixture_file):
    profile = open_profile(fixture_file("go1.27-exe", "perf.data"))
    binary = str(fixture_file("go1.27-exe", "workload"))
    return (
        profile,
        Symbolizer(profile, BinaryFinder((binary,)), SymbolizeOptions()).add(profile.locations),
        binary,
    )


@pytest.mark.parametrize("depth", [3, 5, 20])
def test_real_stacks_that_are_cut_by_hand(real, depth):
    """What is put back is what was there, but for how deep a recursion was."""
    profile, table, _ = real
    starts = profile.stack_start.tolist()
    stacks = [profile.frames[a:b].tolist() for a, b in pairwise(starts)]
    whole = [stack for stack in stacks if stack and table.flags[stack[-1]] & Flag.CUT]
    rng = random.Random(5)
    cut = {i for i, stack in enumerate(whole) if len(stack) > depth and rng.random() < 0.2}
    short = [stack[:depth] if i in cut else stack for i, stack in enumerate(whole)]
    start = np.cumsum([0, *map(len, short)])
    flat = np.array([frame for stack in short for frame in stack], dtype=np.int32)
    truncated = np.array([i in cut for i in range(len(whole))])
    result = repair(start, flat, truncated, np.ones(len(whole), np.int32), table.flags)
    right = sum(
        shape(table, result.frames[result.start[i] : result.start[i + 1]].tolist()) == shape(table, whole[i])
        for i in result.rows.tolist()
    )
    assert set(result.rows.tolist()) <= cut
    if depth < 10:
        assert len(result.rows) > len(cut) // 4
    assert right >= 0.97 * len(result.rows)


def shape(table, stack):
    """Names of functions; repetitions of one count once."""
    return [key for key, _ in groupby(table.expansions[table.expansion[location]] for location in stack)]


# --- as a flame graph ---


def test_cut_stacks_are_marked_below_their_process(real):
    profile, _, binary = real
    result = fold(profile, FlameOptions(binaries=[binary]))
    deep = Counter(len(row[5].split(",")) >= 127 for row in oracle_rows("go1.27-exe", "stacks"))[True]
    assert result.totals.truncated == deep > 0
    assert result.totals.repaired == 0
    lines = [line.rpartition(" ")[0].split(";") for line in render_folded(result).splitlines()]
    assert all(TRUNCATED not in line[2:] for line in lines)
    marked = [line for line in lines if line[1] == TRUNCATED]
    assert marked
    assert {line[2] for line in marked} == {"main.recurse"}
    assert all(line[1] != "main.recurse" for line in lines)
    without = fold(profile, FlameOptions(binaries=[binary], ignore=r"^\[truncated\]$"))
    assert sum(without.stacks.samples) == len(profile) - deep


def test_repaired_stacks_are_told(real):
    """One stack of the recursion that is whole gives the others their root."""
    profile, table, binary = real
    names = [table.frames[table.expansions[row][0]].name for row in table.expansion.tolist()]
    starts = profile.stack_start.tolist()
    row = next(i for i in np.flatnonzero(profile.truncated).tolist())
    stack = profile.frames[starts[row] : starts[row + 1]].tolist()
    end = next(i for i, name in enumerate(names) if name == "runtime.goexit")
    run = next(i for i, name in enumerate(names) if name == "main.run")
    whole = [*stack[:40], run, end]
    frames = np.concatenate((profile.frames, np.array(whole, dtype=np.int32)))
    repeated = {
        name: np.append(getattr(profile, name), getattr(profile, name)[row])
        for name in ("event", "pid", "tid", "cpu", "time", "weight", "comm")
    }

    longer = replace(
        profile, frames=frames, stack_start=np.append(profile.stack_start, len(frames)),
        truncated=np.append(profile.truncated, False), **repeated,
    )  # fmt: skip
    result = fold(longer, FlameOptions(binaries=[binary], repair=True))
    cut = int(profile.truncated.sum())
    assert (result.totals.truncated, result.totals.repaired) == (cut, cut)
    assert TRUNCATED not in render_folded(result)
    deep = [line for line in render_folded(result).splitlines() if "main.recurse;" in line]
    assert deep
    assert all(line.split(";")[1:4] == ["runtime.goexit", "main.run", "main.recurse"] for line in deep)
