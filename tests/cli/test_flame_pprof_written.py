"""pprof profiles in, every format out: the same weights, and in pprof all sample types again."""

from __future__ import annotations

import pytest

import goinspect
from goinspect.api.flame import events_of, open_input
from goinspect.render.outputs import OUTPUTS
from tests.cli.runner import cli
from tests.conftest import FIXTURES
from tests.render.outputs import TOTALS

PROFILES = FIXTURES / "pprof" / "go1.27"
KINDS = ["cpu", "heap", "allocs", "block", "mutex", "goroutine", "threadcreate"]


def by_names(path, event):
    stacks = goinspect.flame(path, event=event, lines=True).stacks
    found = {}
    for i, weight in enumerate(stacks.weight.tolist()):
        rows = stacks.frame[stacks.start[i] : stacks.start[i + 1]].tolist()
        key = tuple((stacks.frames[row].name, stacks.frames[row].line) for row in rows)
        found[key] = found.get(key, 0) + weight
    return {key: weight for key, weight in found.items() if weight}


@pytest.mark.parametrize("kind", KINDS)
def test_pprof_of_pprof_has_all_its_types(kind, tmp_path):
    given, written = PROFILES / f"{kind}.pprof", tmp_path / "x.pb.gz"
    assert cli("flame", given, "-o", written).code == 0
    before, after = (events_of(open_input(str(path))) for path in (given, written))
    assert [(event.name, event.unit, event.weight) for event in after] == [
        (event.name, event.unit, event.weight) for event in before
    ]
    assert goinspect.flame(written).profile.event == goinspect.flame(given).profile.event
    for event in before:
        assert by_names(written, event.name) == by_names(given, event.name)


def test_the_type_that_was_asked_for_is_the_default(tmp_path):
    goinspect.flame(PROFILES / "heap.pprof", event="alloc_objects").save(tmp_path / "x.pb.gz")
    written = goinspect.flame(tmp_path / "x.pb.gz")
    assert written.profile.event == "alloc_objects"
    assert len(written.events) == 4


@pytest.mark.parametrize("form", [output.name for output in OUTPUTS])
@pytest.mark.parametrize("kind", KINDS)
def test_every_format(form, kind):
    flame = goinspect.flame(PROFILES / f"{kind}.pprof")
    data = flame.binary(form)
    assert data
    if form in TOTALS and form != "pprof":
        assert TOTALS[form](data, flame.unit) == flame.total


@pytest.mark.parametrize("form", [output.name for output in OUTPUTS])
def test_every_format_of_several(form):
    one = goinspect.flame(PROFILES / "heap.pprof")
    flame = goinspect.flame(PROFILES / "heap.pprof", PROFILES / "heap.pprof")
    data = flame.binary(form)
    if form in TOTALS:
        assert TOTALS[form](data, flame.unit) == flame.total == 2 * one.total


def test_several_that_have_only_one_type_in_common(tmp_path):
    target = tmp_path / "x.pb.gz"
    recording = FIXTURES / "go1.27-piestripped" / "perf.data"
    assert cli("flame", PROFILES / "cpu.pprof", recording, "-o", target).code == 0
    assert [event.name for event in events_of(open_input(str(target)))] == ["samples", "cpu"]


def test_samples_as_weight(tmp_path):
    goinspect.flame(PROFILES / "heap.pprof", weight="samples").save(tmp_path / "x.pb.gz")
    assert len(events_of(open_input(str(tmp_path / "x.pb.gz")))) == 1
