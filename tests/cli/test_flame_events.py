"""Events, off-CPU time and cut stacks on the command line."""

from __future__ import annotations

import json
import lzma
import re

import pytest

from tests.cli.runner import cli
from tests.conftest import FIXTURES


@pytest.fixture
def recording(tmp_path):
    def unpack(name):
        path = tmp_path / f"{name}.data"
        path.write_bytes(lzma.decompress((FIXTURES / "recordings" / name / "perf.data.xz").read_bytes()))
        return path

    return unpack


def test_list_events(recording):
    lines = cli("flame", recording("events"), "--list-events").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["cpu-clock", "context-switches", "page-faults"]
    assert lines[1].split()[-1] == "ms"


def test_the_summary_names_the_other_events(recording, fixture_file):
    binary = fixture_file("go1.27-exe", "workload")
    answer = cli("flame", recording("events"), "-b", binary, "--format", "folded")
    assert re.search(r", other events: context-switches, page-faults$", answer.err.splitlines()[-1])
    one = cli("flame", recording("events"), "-b", binary, "--event", "page-faults", "--format", "folded")
    assert re.search(r", other events: cpu-clock, context-switches$", one.err.splitlines()[-1])


def test_off_cpu(recording, fixture_file):
    binary = fixture_file("go1.27-exe", "workload")
    answer = cli("flame", recording("switches"), "-b", binary, "--off-cpu", "--json")
    result = json.loads(answer.out)
    assert (result["event"], result["unit"]) == ("off-CPU", "ns")
    assert [event["name"] for event in result["events"]] == ["cpu-clock", "sched:sched_switch"]
    assert sum(result["stacks"]["prefix"]["weight"]) == result["totals"]["weight"] > 0
    assert re.match(
        rf"goinspect: {result['totals']['samples']:,} waits, 0 lost, ", answer.err.splitlines()[-1]
    )
    assert not [warning for warning in result["warnings"] if "were not sampled" in warning]
    refused = cli("flame", recording("events"), "-b", binary, "--off-cpu", "--format", "folded")
    assert (refused.code, refused.out) == (1, "")
    assert "no context switches were recorded: record with --switch-events" in refused.err


def test_lost(recording, fixture_file):
    binary = fixture_file("go1.27-exe", "workload")
    answer = cli("flame", recording("lost"), "-b", binary, "--format", "top")
    lost = re.search(
        r"lost samples: (\d+)", (FIXTURES / "recordings" / "lost" / "stats.txt").read_text("utf-8")
    )
    assert f" {int(lost[1])} lost, " in answer.err.splitlines()[-1]


@pytest.mark.parametrize("option", ["--off-cpu", "--repair", "--hidden-callers"])
def test_options_that_need_a_recording(option, tmp_path):
    path = tmp_path / "a.folded"
    path.write_text("main.a;main.b 3\n", encoding="utf-8")
    answer = cli("flame", path, option, "--format", "folded")
    assert (answer.code, answer.out) == (1, "")
    assert f"{option} needs a recording" in answer.err


def test_time(recording, fixture_file):
    binary = fixture_file("go1.27-exe", "workload")
    counts = []
    for time in ("0%-50%", "50%-100%"):
        answer = cli("flame", recording("events"), "-b", binary, "--time", time, "--json")
        counts.append(json.loads(answer.out)["totals"]["samples"])
    whole = json.loads(cli("flame", recording("events"), "-b", binary, "--json").out)["totals"]["samples"]
    assert sum(counts) == whole
    assert cli("flame", recording("events"), "--time", "5").code == 2
