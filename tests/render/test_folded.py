"""Folded stacks: separators and hostile names."""

from __future__ import annotations

import numpy as np
import pytest

from goinspect.render.folded import render_folded
from goinspect.render.json.flame import render as render_flame
from goinspect.render.text.top import render as render_top
from goinspect.render.text.top import render_events
from goinspect.results.flame import EventSummary, FlameProfile, FlameTotals
from goinspect.results.stacks import Label, StackFrame, Stacks, Weight


def profile(frames, stacks, weights=None, roots=None):
    """A FlameProfile of stacks of frame numbers, root first."""
    weights = weights or [1] * len(stacks)
    start = np.cumsum([0, *map(len, stacks)]).astype(np.int64)
    flat = np.array([frame for stack in stacks for frame in stack], dtype=np.int32)
    count = np.ones(len(stacks), dtype=np.int64)
    roots = roots or [-1] * len(stacks)
    names = tuple(frame.name for frame in frames)
    table = Stacks(
        tuple(frames), start, flat, count, (Weight("cycles", "count", np.array(weights, np.uint64)),),
        {"process": Label(names, np.array(roots, np.int32))}, "process" if max(roots, default=-1) >= 0 else "",
    )  # fmt: skip
    totals = FlameTotals(len(stacks), sum(weights), 0, 0, 1, len(flat), len(flat), 0, 0)
    return FlameProfile(
        (EventSummary("cycles\x1b]0;x\x07", len(stacks), sum(weights), "count"),), "cycles", totals, table,
    )  # fmt: skip


def frame(name, kind="user", *, inlined=False, location=""):
    file, _, line = location.rpartition(":")
    return StackFrame(name, kind, "main", inlined, file, int(line or 0))


HOSTILE = "evil\x1b]0;x\x07\nname"


def test_a_semicolon_in_a_name_is_no_separator():
    generic = "main.F[go.shape.struct { A int; B string }]"
    given = profile([frame("main.main"), frame(generic)], [[0, 1]], [7])
    assert render_folded(given) == "main.main;main.F[go.shape.struct { A int: B string }] 7\n"
    assert "{ A int; B string }" in render_flame(given)
    assert "{ A int; B string }" in render_top(given)


def test_hostile_names_stay_text():
    given = profile([frame(HOSTILE, location="a\x1bb;c:1"), frame("b")], [[0, 1], [0]])
    text = render_folded(given)
    assert text.splitlines() == [
        "evil\\x1b]0:x\\x07\\x0aname a\\x1bb:c:1 1",
        "evil\\x1b]0:x\\x07\\x0aname a\\x1bb:c:1;b 1",
    ]
    for shown in (render_top(given), render_events(given.events), render_flame(given)):
        assert "\x1b" not in shown
        assert "\x07" not in shown
    assert len(render_top(given).splitlines()) == 3


def test_what_reads_the_same_is_one_line():
    given = profile([frame("a;b"), frame("a:b"), frame("c")], [[0], [1], [2], [2, 0]], [1, 2, 4, 8])
    assert render_folded(given) == "a:b 3\nc 4\nc;a:b 8\n"


def test_roots_and_empty_stacks():
    frames = [frame("f"), frame("my program 12", "root")]
    assert render_folded(profile(frames, [[0], []], [1, 5], [1, 1])) == "my_program_12 5\nmy_program_12;f 1\n"
    assert render_folded(profile(frames, [[0], []], [1, 5])) == "f 1\n"
    assert render_folded(profile(frames, [])) == ""


@pytest.mark.parametrize(
    ("kind", "inlined", "suffix"),
    [("kernel", False, "_[k]"), ("user", True, "_[i]"), ("user", False, ""), ("native", False, "")],
)
def test_annotations(kind, inlined, suffix):
    given = profile([frame("f", kind, inlined=inlined)], [[0]])
    assert render_folded(given, annotate=True) == f"f{suffix} 1\n"
    assert render_folded(given) == "f 1\n"


def test_top_counts_recursion_once():
    given = profile([frame("r"), frame("leaf")], [[0, 0, 0], [0, 1]], [30, 70])
    rows = [line.split() for line in render_top(given).splitlines()[1:]]
    assert rows == [["70", "70.0%", "70", "70.0%", "leaf"], ["30", "30.0%", "100", "100.0%", "r"]]


def test_json_prefixes_are_shared():
    import json

    given = profile([frame("a"), frame("b"), frame("c")], [[0, 1], [0, 2], [0]], [1, 2, 4])
    prefix = json.loads(render_flame(given))["stacks"]["prefix"]
    assert prefix == {"parent": [-1, 0, 0], "frame": [0, 1, 2], "weight": [4, 1, 2], "samples": [1, 1, 1]}
