"""`goinspect annotate` on the command line."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.demo import BINARY, FOLDER, KALLSYMS, RECORDING
from tests.cli.runner import cli, process
from tests.conftest import FIXTURES

OPTIONS = ["--kallsyms", KALLSYMS]


def test_hottest(monkeypatch):
    """perf.data of the current directory, and the function that most samples ended in."""
    monkeypatch.chdir(FOLDER)
    answer = cli("annotate", *OPTIONS)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(
        "main.spin: 154 samples of cpu-clock\nown 150 ms (19.0%), total 154 ms (19.5%)"
    )
    assert " 83.3%    125 ms    129 ms       0x49b754  ADDQ DX, CX\n" in answer.out
    assert cli("annotate", RECORDING, "main.spin", *OPTIONS).out == answer.out
    assert cli("annotate", RECORDING, "workload:main.spin", *OPTIONS).out == answer.out


def test_lines_fit_a_terminal():
    out = cli("annotate", RECORDING, "main.leafA", *OPTIONS).out
    wide = [line for line in out.splitlines() if len(line) > 80]
    assert len(wide) < 0.02 * len(out.splitlines())
    assert not re.search(r" $", out, re.MULTILINE)


def test_json_says_what_top_says():
    rows = cli("flame", RECORDING, *OPTIONS, "--weight", "samples", "--json")
    total = json.loads(rows.out)["totals"]["weight"]
    found = json.loads(
        cli("annotate", RECORDING, "main.leafA", *OPTIONS, "--weight", "samples", "--json").out
    )
    assert (found["weight"], found["unit"]) == (total, "samples")
    (one,) = found["functions"]
    assert sum(row["own"] + row["inlined"] for row in one["instructions"]) == found["own"] + found["inlined"]
    assert found["samples"] == found["total"] == 149


def test_source_syntax_and_bytes():
    options = ("--source", FIXTURES / "workload", "--syntax", "intel", "--bytes")
    out = cli("annotate", RECORDING, "main.spin", *OPTIONS, *options).out
    assert re.search(r"\| .*\+\+", out)
    assert "0x49b754  4801d1" in out
    assert "add rcx, rdx" in out


def test_events_and_options(tmp_path):
    assert "cpu-clock" in cli("annotate", RECORDING, "--list-events").out
    some = cli(
        "annotate", RECORDING, "main.spin", *OPTIONS, "--time", "0%-50%", "--focus", "recurse", "--json"
    )
    whole = cli("annotate", RECORDING, "main.spin", *OPTIONS, "--json")
    assert 0 < json.loads(some.out)["own"] < json.loads(whole.out)["own"]
    assert cli("annotate", RECORDING, "-o", tmp_path / "x", *OPTIONS).out == ""
    assert (tmp_path / "x").read_text().startswith("main.spin: ")


@pytest.mark.parametrize("how", ["printed", "piped"])
def test_other_input(how, fixture_file):
    build = "go1.27-exe"
    binary, recording = fixture_file(build, "workload"), fixture_file(build, "perf.data")
    wanted = json.loads(cli("annotate", recording, "main.leafA", "-b", binary, "--json").out)
    if how == "printed":
        answer = cli("annotate", fixture_file(build, "script.txt"), "main.leafA", "-b", binary, "--json")
    else:
        with recording.open("rb") as file:
            answer = process("annotate", "-", "main.leafA", "-b", binary, "--json", stdin=file)
            answer = type("Answer", (), {"out": answer.stdout})
    found = json.loads(answer.out)
    assert found["functions"] == wanted["functions"]
    assert found["lines"] == wanted["lines"]


def test_color():
    plain = cli("annotate", RECORDING, *OPTIONS).out
    colored = cli("annotate", RECORDING, *OPTIONS, env={"FORCE_COLOR": "1"}).out
    assert "\x1b[31m" in colored
    assert re.sub(r"\x1b\[\d+m", "", colored) == plain
    assert cli("annotate", RECORDING, *OPTIONS, env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).out == plain


def test_help_tells_of_skid():
    text = " ".join(cli("annotate", "--help").out.split())
    assert "Samples skid" in text
    assert "Return addresses point behind the call" in text


def test_a_folded_profile_has_no_addresses():
    answer = cli("annotate", "-", stdin="a;b 3\n")
    assert answer == (
        1,
        "",
        "goinspect: stdin: annotate needs a recording: folded stacks hold names, and no addresses\n",
    )


def test_without_the_program(tmp_path):
    path = tmp_path / "perf.data"
    path.write_bytes(RECORDING.read_bytes())
    answer = cli("annotate", path)
    assert (answer.code, answer.out) == (1, "")
    assert re.fullmatch(
        rf"goinspect: {path}: no sample ended in code that is at hand: .*workload.*\n", answer.err
    )
    assert "main.spin" in cli("annotate", path, "-b", BINARY).out
