"""Callers that a walk by frame pointers passed over, against call frame information and copies of the same stacks."""

from __future__ import annotations

import lzma
from collections import Counter

import numpy as np
import pytest

import goinspect
from goinspect.analysis.calls.callers import Callers
from goinspect.analysis.options import FlameOptions
from goinspect.analysis.stacks.hiddencallers import caller_hidden
from goinspect.analysis.stacks.symboltable import HIDDEN_CALLER
from goinspect.binary import Binary
from goinspect.render.folded import render_folded
from goinspect.views.graph import draw
from scripts.checks.check_restored import caller, pairs, same
from tests.analysis.stacks.test_hidden_callers import samples
from tests.conftest import FIXTURES
from tests.cprograms import C_PROGRAM


def unpacked(name, tmp_path):
    path = tmp_path / "perf.data"
    path.write_bytes(lzma.decompress((FIXTURES / "recordings" / name / "perf.data.xz").read_bytes()))
    return path


@pytest.mark.parametrize("release", ["go1.24", "go1.27"])
def test_the_return_address_lies_in_the_caller(release, fixture_file, tmp_path):
    """readelf's frame information tells where the leaf's own return address is in the copy of the stack."""
    binary = Binary(fixture_file(f"{release}-exe", "workload"))
    found = list(samples(release, unpacked(f"leaves-{release}", tmp_path)))
    hidden = caller_hidden(binary, np.array([pc for pc, _, _ in found], dtype=np.uint64)).tolist()
    callers = Callers(binary)
    counts = Counter()
    for (pc, really, by_pointer), is_hidden in zip(found, hidden, strict=True):
        if not is_hidden:
            continue
        leaf, owner = callers.functions.find(np.array([pc, really - 1], dtype=np.uint64)).tolist()
        (deduced,), _ = callers.deduce(np.array([leaf]), np.array([by_pointer], dtype=np.uint64))
        counts["hidden"] += 1
        if deduced.caller >= 0:
            counts["known"] += 1
            assert callers.functions.name(deduced.caller) == callers.functions.name(owner)
            assert really in deduced.sites
            counts["one site"] += len(deduced.sites) == 1
    assert counts["known"] >= 0.75 * counts["hidden"] > 40
    assert counts["one site"] > 10


@pytest.mark.parametrize("build", ["go1.24-pie", "go1.27-piestripped"])
def test_stacks_of_the_same_moments(build, fixture_file, tmp_path):
    """Each page fault was recorded twice: walked by frame pointers, and with a copy of the stack."""
    profile = goinspect.open_profile(unpacked(f"pairs-{build}", tmp_path))
    options = FlameOptions(by="none", binaries=[str(fixture_file(build, "workload"))])
    counts = Counter()
    for pair in pairs(profile, inlines=False, options=options):
        counts["hidden"] += pair.hidden or pair.restored
        if pair.restored:
            counts["restored"] += 1
            _, mine, other = caller(pair)
            assert mine == other
    assert counts["hidden"] > 450
    assert counts["restored"] > 0.97 * counts["hidden"]
    whole = [same(pair) for pair in pairs(profile, inlines=True, options=options) if pair.restored]
    assert whole.count(False) <= 1  # cut by the copy


@pytest.fixture(scope="module")
def recording(fixture_file):
    return fixture_file("go1.27-exe", "perf.data"), {"binaries": [fixture_file("go1.27-exe", "workload")]}


def stacks_of(flame):
    return [line.rpartition(" ")[0].split(";") for line in render_folded(flame.profile).splitlines()]


def test_where_the_program_spends_its_time(recording):
    """main.spin is called by these functions and by no other (tests/fixtures/workload/main.go)."""
    path, options = recording
    callers = {"main.outer", "main.middle", "main.inner", "main.recurse"}
    restored, recorded = (goinspect.flame(path, restore=restore, **options) for restore in (True, False))
    above = Counter(
        stack[stack.index("main.spin") - 1] for stack in stacks_of(restored) if "main.spin" in stack
    )
    assert callers <= set(above)
    assert set(above) - callers <= {
        "main.closures.func1.1",
        "main.apply",
        "main.run",
        "[truncated]",
        "main.spin",
    }
    for stack in stacks_of(restored):
        for one, wanted in (("main.inner", "main.middle"), ("main.middle", "main.outer")):
            if one in stack and "[truncated]" not in stack:
                assert stack[stack.index(one) - 1] == wanted
    assert restored.totals.restored + restored.totals.hidden_callers == recorded.totals.hidden_callers
    assert recorded.totals.restored == 0
    assert restored.totals.restored > 200
    assert restored.total == recorded.total
    words = f"{restored.totals.restored:,} callers restored, {restored.totals.hidden_callers:,} unknown"
    assert words in restored.summary


def test_what_is_taken_away_is_what_was_recorded(recording):
    """Without the deduced frames, the stacks are those that were recorded."""
    path, options = recording
    restored, recorded = (goinspect.flame(path, restore=restore, **options) for restore in (True, False))
    deduced = np.array([frame.restored for frame in restored.stacks.frames])
    left = goinspect.flame(path, **options)
    left.profile = left.profile._replace(stacks=restored.stacks.without(deduced))
    assert render_folded(left.profile) == render_folded(recorded.profile)
    kinds = {frame.kind for frame in restored.stacks.frames if frame.restored}
    assert kinds <= {"user", "stdlib", "runtime", "gc"}


def test_lines_of_restored_callers(recording, fixture_file):
    """The only call of main.recurse to main.spin is in one line; main.main has none to agree on."""
    path, options = recording
    flame = goinspect.flame(path, lines=True, **options)
    source = (FIXTURES / "workload" / "main.go").read_text().splitlines()
    seen = 0
    for frame in flame.stacks.frames:
        if frame.restored and frame.name in ("main.recurse", "main.outer", "main.inner") and frame.line:
            text = source[frame.line - 1]
            assert "spin(" in text or "middle(" in text or "recurse(" in text
            seen += 1
    assert seen


def test_functions_begin_where_their_source_does(recording):
    """Inlined ones, too: the compiler matches profiles by lines counted from there."""
    path, options = recording
    source = (FIXTURES / "workload" / "main.go").read_text().splitlines()
    frames = [
        frame
        for frame in goinspect.flame(path, lines=True, **options).stacks.frames
        if frame.file.endswith("workload/main.go") and "gowrap" not in frame.name
    ]
    assert len(frames) > 50
    assert any(frame.inlined for frame in frames)
    for frame in frames:
        if frame.line:
            assert "func" in source[frame.start_line - 1]
            assert frame.start_line <= frame.line


def test_the_picture_tells_them_apart_without_parting_them(recording):
    path, options = recording
    flame = goinspect.flame(path, **options)
    graph = draw(flame.stacks, title="")
    siblings = Counter(
        (parent, graph.frames[frame].name)
        for parent, frame in zip(graph.node_parent, graph.node_frame, strict=True)
    )
    inlined = {frame.name for frame in graph.frames if frame.inlined}
    assert {name for (_, name), number in siblings.items() if number > 1} <= inlined
    assert all(part <= total for part, total in zip(graph.node_restored, graph.node_total, strict=True))
    assert "restored from the code" in flame.text("svg")
    assert '"restored":{' in flame.text("svg")
    assert '"restored":{' not in goinspect.flame(path, restore=False, **options).text("svg")


def test_what_is_not_known_can_be_shown(recording):
    path, options = recording
    flame = goinspect.flame(path, hidden_callers=True, **options)
    names = [frame.name for frame in flame.stacks.frames]
    assert HIDDEN_CALLER in names
    hidden = np.array([name == HIDDEN_CALLER for name in names])
    assert int(flame.stacks.samples[flame.stacks.holding(hidden)].sum()) == flame.totals.hidden_callers


def test_c_that_keeps_frame_pointers(fixture_file):
    """Two functions spend the same time in a leaf without a frame (scripts/fixtures/recorded_programs/framed.c)."""
    path, program = (fixture_file("recordings/framed", name) for name in ("perf.data", "framed"))
    flame = goinspect.flame(path, binaries=[program], by="none")
    weights = {
        tuple(line.rpartition(" ")[0].split(";")[1:]): int(line.rpartition(" ")[2])
        for line in render_folded(flame.profile).splitlines()
    }
    assert set(weights) == {("main", "repeat", "both", one, "leaf") for one in ("first", "second")}
    assert min(weights.values()) > 0.4 * flame.total
    assert (flame.totals.restored, flame.totals.hidden_callers) == (flame.totals.samples, 0)
    recorded = goinspect.flame(path, binaries=[program], by="none", restore=False)
    assert {line.rpartition(" ")[0] for line in render_folded(recorded.profile).splitlines()} == {
        "[libc.so.6];main;repeat;both;leaf"
    }


def test_c_that_keeps_none(fixture_file):
    """What a walk finds there are stale words, which prove nothing."""
    path = fixture_file("recordings/frameless", "perf.data")
    assert goinspect.flame(path, binaries=[C_PROGRAM]).totals.restored == 0
