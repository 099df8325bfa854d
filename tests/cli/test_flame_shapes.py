"""`goinspect flame`: its own formats and filters, on the recording of the demo."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.demo import FLAME
from tests.cli.runner import cli
from tests.conftest import FIXTURES
from tests.render.outputs import read_report


def test_flame_json():
    result = json.loads(cli(*FLAME, "--json").out)
    assert list(result)[:2] == ["schema", "events"]
    assert list(result)[-1] == "warnings"
    assert result["schema"] == "goinspect.flame/1"
    assert isinstance(result["warnings"], list)
    assert result["events"] == [
        {"name": "cpu-clock", "samples": 788, "weight": result["totals"]["weight"], "unit": "ns"}
    ]
    for name in ("samples", "lost", "threads", "frames", "frames_named", "truncated", "garbage_dropped"):
        assert isinstance(result["totals"][name], int)
    stacks = result["stacks"]
    strings, columns, prefix = stacks["strings"], stacks["frames"], stacks["prefix"]
    assert len({len(column) for column in columns.values()}) == 1
    assert sum(prefix["samples"]) == 788
    lines = {}
    for row, weight in enumerate(prefix["weight"]):
        if weight:
            names, at = [], row
            while at >= 0:
                assert prefix["parent"][at] < at
                names.append(strings[columns["name"][prefix["frame"][at]]].replace(";", ":"))
                at = prefix["parent"][at]
            line = ";".join(reversed(names))
            lines[line] = lines.get(line, 0) + weight
    folded = cli(*FLAME, "--format", "folded").out
    assert "".join(f"{line} {lines[line]}\n" for line in sorted(lines)) == folded


def test_list_events():
    answer = cli(*FLAME, "--list-events")
    assert answer.out.splitlines()[0].split() == ["event", "samples", "weight"]
    assert answer.out.splitlines()[1].split()[:2] == ["cpu-clock", "788"]
    assert answer.err == ""


def test_annotate():
    plain = cli(*FLAME, "--format", "folded").out
    marked = cli(*FLAME, "--format", "folded", "--annotate").out
    bare = re.sub(r"_\[[ki]\](?=[; ])", "", marked)
    assert sorted({line.rsplit(" ", 1)[0] for line in bare.splitlines()}) == [
        line.rsplit(" ", 1)[0] for line in plain.splitlines()
    ]
    assert "_[k];" in marked
    assert "_[i]" in marked
    assert "main.recurse_[" not in marked


def test_top():
    lines = cli(*FLAME, "--format", "top").out.splitlines()
    assert lines[0].split() == ["own", "own", "%", "total", "total", "%", "function"]
    assert 10 < len(lines) <= 41
    own = [float(re.findall(r"([\d.]+)%", line)[0]) for line in lines[1:]]
    assert own == sorted(own, reverse=True)


def test_filters_on_the_command_line():
    def samples(*options):
        return int(re.search(r"goinspect: ([\d,]+) samples", cli(*FLAME, "--format", "top", *options).err)[1])

    assert samples("--pid", "20593") == 788
    assert samples("--pid", "1") == 0
    assert 0 < samples("--tid", "20593", "--tid", "20595") < 788
    assert samples("--comm", "workload") == 788
    first, rest = samples("--time", ",0.2"), samples("--time", "0.2,")
    assert first + rest == 788
    assert first > 0
    assert rest > 0
    assert samples("--time", "0.1,0.2") < first


@pytest.mark.parametrize("option", ["--focus", "--ignore", "--hide"])
def test_bad_regular_expressions(option, tmp_path):
    answer = cli(*FLAME, option, "(", "-o", tmp_path / "flame.svg")
    assert answer.code == 1
    assert answer.err.startswith(f"goinspect: {option} '(' is no regular expression")
    assert list(tmp_path.iterdir()) == []


def test_unknown_event():
    answer = cli(*FLAME, "--event", "cycles", "-o", "-")
    assert answer.code == 1
    assert answer.err == "goinspect: no event 'cycles', recorded are: cpu-clock\n"


def test_source_goes_into_the_report(tmp_path):
    report = tmp_path / "a.html"
    answer = cli(*FLAME, "-o", report, "--source", tmp_path, "--source", FIXTURES / "workload")
    assert answer.code == 0
    assert "no source" not in answer.err
    text = (FIXTURES / "workload/main.go").read_text().split("\n")
    sources = dict(row[:2] for row in read_report(report.read_text())[0]["sources"])
    files = read_report(report.read_text())[0]["files"]
    there = sources[files.index("example.com/workload/main.go")].split("\n")
    assert all(line in ("", given) for line, given in zip(there, text, strict=False))
    assert there[121] == "func spin(n int) (x uint64) {"
    answer = cli(*FLAME, "-o", report, "--source", tmp_path)
    assert answer.code == 0
    assert f"no source of the frames is below {tmp_path}" in answer.err
    assert (
        cli(*FLAME, "--source", tmp_path, "--format", "folded").out == cli(*FLAME, "--format", "folded").out
    )
