"""What each option of `goinspect flame` keeps and draws, on the recording of the demo."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from goinspect.analysis.options import FlameOptions
from goinspect.analysis.recordings.selection import list_events
from goinspect.errors import QueryError
from goinspect.render.folded import render_folded
from goinspect.views.graph import draw
from tests.analysis.stacks.demo import BUILD, folded, lines
from tests.conftest import oracle_rows


@pytest.fixture(scope="module")
def oracle():
    """(time, pid, tid, comm, period, addresses) of every sample, as perf tells."""
    return [
        (int(t), int(pid), int(tid), comm, int(period), ips.split(","))
        for t, pid, tid, comm, period, ips in oracle_rows(BUILD, "stacks")
    ]


# --- filters ---


def test_everything(profile, oracle):
    result = folded(profile)
    assert result.warnings == ()
    assert result.missing == ()
    assert result.event == "cpu-clock"
    assert result.unit == "ns"
    assert result.totals.samples == len(oracle)
    assert result.totals.weight == sum(row[4] for row in oracle) == sum(lines(profile).values())
    assert result.totals.threads == len({row[2] for row in oracle})
    frames = sum(len(row[5]) for row in oracle)
    assert result.totals.frames + result.totals.garbage_dropped == frames
    assert result.totals.frames_named > 0.99 * result.totals.frames
    assert result.totals.truncated == sum(len(row[5]) >= 127 for row in oracle)
    assert list_events(profile) == result.events
    assert (result.events[0].samples, result.events[0].weight) == (len(oracle), result.totals.weight)


def test_pid_and_tid(profile, oracle):
    tids = sorted({row[2] for row in oracle})
    for wanted in (tids[:1], tids[1:3]):
        expected = [row for row in oracle if row[2] in wanted]
        result = folded(profile, tids=wanted)
        assert result.totals.samples == len(expected) > 0
        assert result.totals.weight == sum(row[4] for row in expected)
        assert result.totals.threads == len(wanted)
    assert folded(profile, pids=[oracle[0][1]]).totals.samples == len(oracle)
    nothing = folded(profile, pids=[1])
    assert (nothing.totals.samples, nothing.totals.weight, len(nothing.stacks)) == (0, 0, 0)
    assert render_folded(nothing) == ""
    assert len(draw(nothing.stacks, title="").node_frame) == 1


def test_comm(profile, oracle):
    comm = (np.arange(len(profile)) % 3).astype(np.int32) - 1  # -1: not known
    named = replace(profile, comm=comm, comms=("perf-exec", "workload"))
    assert folded(named, comms=["workload"]).totals.samples == int((comm == 1).sum())
    assert folded(named, comms=["workload", "perf-exec"]).totals.samples == int((comm >= 0).sum())
    assert folded(named, comms=["work"]).totals.samples == 0  # a name, no pattern
    assert folded(profile, comms=["workload"]).totals.samples == len(oracle)


def test_cpu(profile):
    cpu = (np.arange(len(profile)) % 3).astype(np.int32)
    spread = replace(profile, cpu=cpu)
    assert folded(spread, cpus=[1]).totals.samples == int((cpu == 1).sum())
    assert folded(spread, cpus=[0, 2]).totals.samples == int((cpu != 1).sum())
    assert folded(spread, cpus=[7]).totals.samples == 0


def test_time(profile, oracle):
    first = oracle[0][0]
    for begin, end in ((0.1, 0.2), (None, 0.1), (0.3, None), (5, None), (0, 0)):
        expected = [
            row for row in oracle
            if (begin is None or row[0] >= first + begin * 1e9) and (end is None or row[0] < first + end * 1e9)
        ]  # fmt: skip
        result = folded(profile, time=(begin, end))
        assert result.totals.samples == len(expected)
        assert result.totals.weight == sum(row[4] for row in expected)


def test_weight_samples(profile, oracle):
    result = folded(profile, weight="samples")
    assert result.unit == "samples"
    assert result.totals.weight == len(oracle)
    assert lines(profile, weight="samples").keys() == lines(profile).keys()
    assert sum(lines(profile, weight="samples").values()) == len(oracle)


def test_by(profile, oracle):
    process = lines(profile)
    assert {stack[0] for stack in process} == {"workload"}
    without = lines(profile, by="none")
    assert {stack[1:] for stack in process} == set(without)
    assert sum(without.values()) == sum(process.values())
    weights = Counter()
    for stack, weight in lines(profile, by="thread").items():
        weights[stack[0]] += weight
    expected = Counter()
    for row in oracle:
        expected[f"{row[3]}_{row[2]}"] += row[4]
    assert weights == expected


def test_no_inline(profile):
    with_calls, without = folded(profile), folded(profile, inlines=False)
    assert any(frame.inlined for frame in with_calls.stacks.frames)
    assert not any(frame.inlined for frame in without.stacks.frames)
    bare = Counter()
    frames = with_calls.stacks.frames
    physical = Counter()
    for number, weight in enumerate(with_calls.stacks.weight.tolist()):
        begin, end = with_calls.stacks.start[number : number + 2].tolist()
        stack = with_calls.stacks.frame[begin:end].tolist()
        physical[tuple(frames[i].name for i in stack if not frames[i].inlined)] += weight
    for number, weight in enumerate(without.stacks.weight.tolist()):
        begin, end = without.stacks.start[number : number + 2].tolist()
        bare[tuple(without.stacks.frames[i].name for i in without.stacks.frame[begin:end].tolist())] += weight
    assert bare == physical


def test_no_kernel(profile):
    full, without = folded(profile), folded(profile, kernel=False)
    assert any(frame.kind == "kernel" for frame in full.stacks.frames)
    used = {without.stacks.frames[i].kind for i in np.unique(without.stacks.frame).tolist()}
    assert "kernel" not in used
    assert without.totals.weight == full.totals.weight
    kernel = {frame.name for frame in full.stacks.frames if frame.kind == "kernel"}
    expected = Counter()
    for stack, weight in lines(profile).items():
        expected[tuple(name for name in stack if name not in kernel)] += weight
    assert lines(profile, kernel=False) == expected


def test_lines(profile):
    located = folded(profile, lines=True)
    places = {frame.location for frame in located.stacks.frames if frame.kind in ("user", "stdlib", "gc")}
    assert any(re.fullmatch(r"example\.com/workload/main\.go:\d+", place) for place in places)
    merged = Counter()
    for stack, weight in lines(profile, lines=True).items():
        merged[tuple(re.sub(r" \S+:\d+$", "", frame) for frame in stack)] += weight
    assert merged == lines(profile)


# --- regular expressions ---


@pytest.mark.parametrize("pattern", [r"main\.recurse", r"^runtime\.", "nosuchframe"])
def test_focus_and_ignore(profile, pattern):
    every = lines(profile, by="none")
    matching = {stack: weight for stack, weight in every.items() if any(re.search(pattern, f) for f in stack)}
    assert lines(profile, by="none", focus=pattern) == matching
    rest = {stack: weight for stack, weight in every.items() if stack not in matching}
    assert lines(profile, by="none", ignore=pattern) == rest
    assert folded(profile, focus=pattern).totals.weight == sum(matching.values())


def test_hide(profile):
    hidden = lines(profile, by="none", hide=r"main\.recurse$")
    expected = Counter()
    for stack, weight in lines(profile, by="none").items():
        expected[tuple(frame for frame in stack if frame != "main.recurse")] += weight
    expected.pop((), None)
    assert hidden == expected
    assert any("main.recurse" in stack for stack in lines(profile, by="none"))


def test_reverse(profile):
    turned = lines(profile, reverse=True)
    assert turned == {(stack[0], *stack[:0:-1]): weight for stack, weight in lines(profile).items()}


@pytest.mark.parametrize("how", ["focus", "ignore", "hide"])
def test_bad_regular_expression(profile, how):
    with pytest.raises(QueryError, match=rf"--{how} '\(' is no regular expression"):
        folded(profile, **{how: "("})


def test_unknown_event(profile):
    with pytest.raises(QueryError, match="no event 'cycles', recorded are: cpu-clock"):
        folded(profile, event="cycles")
    assert folded(profile, event="cpu-clock").event == "cpu-clock"


def test_event_with_modifier(profile):
    event = replace(profile.events[0], name="cpu-clock:u")
    assert folded(replace(profile, events=(event,)), event="cpu-clock").event == "cpu-clock:u"


def test_an_event_without_samples_is_not_chosen(profile):
    events = (replace(profile.events[0], name="dummy:HG"), profile.events[0])
    second = replace(profile, events=events, event=np.ones(len(profile), dtype=np.uint16))
    assert folded(second).event == "cpu-clock"
    assert folded(second, event="dummy").totals.samples == 0


# --- pictures ---


def test_drawn_tree_is_the_folded_one(profile):
    result = folded(profile)
    graph = draw(result.stacks, title="t", subtitle="s")
    assert (graph.title, graph.subtitle, graph.pruned) == ("t", "s", 0)
    assert graph.node_total[0] == result.totals.weight
    paths, found = {0: ()}, Counter()
    for node in range(1, len(graph.node_frame)):
        assert graph.node_parent[node] < node
        name = graph.frames[graph.node_frame[node]].name.replace(";", ":")  # as in folded text
        paths[node] = (*paths[graph.node_parent[node]], name)
        if graph.node_own[node]:
            found[paths[node]] += graph.node_own[node]
    assert found == lines(profile)
    assert not np.any(np.diff(graph.node_depth) > 1)


def test_narrow_frames_are_left_out(profile):
    result = folded(profile)
    graph = draw(result.stacks, title="", pixels=1000, min_width=10)
    assert graph.pruned > 0
    assert min(graph.node_total) * 1000 / result.totals.weight >= 10
    assert graph.node_total[0] == result.totals.weight


def test_defaults_are_the_commands(profile):
    assert FlameOptions() == FlameOptions(
        (), None, None, None, "period", "process", (), (), (), (), (None, None), True, True, False, None, None, None, False
    )  # fmt: skip
