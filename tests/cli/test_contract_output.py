"""What scripts rely on: where results go, and what is said on stderr."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import pytest

from tests.cli.demo import BINARY, FLAME, RECORDING
from tests.cli.runner import cli, process

SUMMARY = re.compile(
    r"goinspect: 788 samples, 0 lost, 8 threads, (100\.0|99\.\d\d)% of [\d,]+ frames named, 67 stacks truncated, "
    r"[\d,]+ garbage frames dropped, 4\d\d callers restored, \d\d unknown"
)


# --- where results go ---


@pytest.mark.parametrize(
    "arguments",
    [["pcln", BINARY, "401000"], ["pcln", BINARY, "401000", "--json"], ["symbols", BINARY], ["info", BINARY],
     ["symbols", BINARY, "--by", "module"], ["compare", BINARY, BINARY, "--format", "markdown"], ["info", BINARY, "--json"], [*FLAME, "--format", "json"],
     [*FLAME, "--format", "folded"], [*FLAME, "--format", "svg"], [*FLAME, "--format", "top"], [*FLAME, "--list-events"], [*FLAME, "--format", "tree"],
     [*FLAME, "--format", "tree", "--json"], [*FLAME, "--format", "top", "--json"]],
)  # fmt: skip
def test_output(arguments, tmp_path):
    direct = cli(*arguments, "-o", "-")
    assert direct.code == 0
    assert len(direct.out) > 30
    old = os.umask(0o027)
    try:
        answer = cli(*arguments, "-o", tmp_path / "result")
    finally:
        os.umask(old)
    assert (answer.code, answer.out) == (0, "")
    assert (tmp_path / "result").read_bytes() == direct.out.encode()
    assert [path.name for path in tmp_path.iterdir()] == ["result"]
    assert stat.S_IMODE((tmp_path / "result").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "arguments",
    [["pcln", BINARY, "401000"], ["info", BINARY], ["compare", BINARY, BINARY]],
    ids=["pcln", "info", "compare"],
)
def test_results_on_files_have_no_color(arguments, tmp_path):
    cli(*arguments, "-o", tmp_path / "result", env={"FORCE_COLOR": "1"})
    assert "\x1b" not in (tmp_path / "result").read_text()


def test_output_replaces_what_was_there(tmp_path):
    """By renaming: who has the old file open still reads the old one, whole."""
    target = tmp_path / "flame.svg"
    target.write_text("old")
    with target.open() as reader:
        assert cli(*FLAME, "-o", target).code == 0
        assert reader.read() == "old"
    assert target.read_text().startswith(("<?xml", "<svg"))
    assert [path.name for path in tmp_path.iterdir()] == ["flame.svg"]


def test_output_into_a_device():
    assert cli("pcln", BINARY, "401000", "-o", "/dev/null").code == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)  # it was not renamed over


def test_flame_writes_flame_svg(tmp_path):
    answer = process(*FLAME, cwd=tmp_path)
    assert answer.returncode == 0
    assert answer.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["flame.svg"]
    said = answer.stderr.splitlines()
    assert re.fullmatch(r"goinspect: wrote flame\.svg \(\d+\.\d kB\)", said[-2])
    assert SUMMARY.fullmatch(said[-1]), said[-1]


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("a.svg", "<"),
        ("a.html", "<!doctype html>"),
        ("a.folded", "workload;"),
        ("a.txt", "workload;"),
        ("a.json", "{"),
        ("a", "<"),
        ("a.collapsed", "workload;"),
        ("a.speedscope.json", '{"$schema":"https://www.speedscope.app/'),
        ("a.cpuprofile", '{"nodes":[{"id":1,'),
        ("a.pb.gz", "\x1f\x8b"),
        ("a.pprof", "\x1f\x8b"),
        ("a.json.gz", "\x1f\x8b"),
    ],
)
def test_the_suffix_chooses_the_format(name, begin, tmp_path):
    assert cli(*FLAME, "-o", tmp_path / name).code == 0
    assert (tmp_path / name).read_bytes().startswith(begin.encode("latin-1"))


# --- stderr ---


def test_the_summary_is_the_last_line():
    answer = cli(*FLAME, "--format", "folded")
    assert SUMMARY.fullmatch(answer.err.splitlines()[-1])
    assert cli(*FLAME, "--format", "folded", "-q").err == ""


def test_the_summary_does_not_round_up_to_all(tmp_path):
    """100.0% means every frame."""
    result = json.loads(cli(*FLAME, "--json").out)["totals"]
    said = cli(*FLAME, "--format", "top").err.splitlines()[-1]
    assert ("100.0%" in said) == (result["frames_named"] == result["frames"])


def test_the_summary_names_missing_binaries(tmp_path):
    moved = tmp_path / "perf.data"
    recorded = b"/tmp/goinspect-fixtures/run/go1.27-piestripped/workload"
    moved.write_bytes(RECORDING.read_bytes().replace(recorded, b"/nowhere".ljust(len(recorded), b"x")))
    answer = cli("flame", moved, "--format", "folded")
    assert answer.code == 0
    assert re.search(r", 1 binary not found: /nowherex+$", answer.err.splitlines()[-1])
    assert "[nowherexxx" in answer.out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("flam", "flame"), ("com", "compare"), ("symbol", "symbols' or 'symbolize"), ("zz", "")],
)
def test_an_unknown_command(typed, meant):
    """What may have been meant is said once, with any typer and click."""
    answer = cli(typed)
    assert answer.code == 2
    last = answer.err.splitlines()[-1]
    assert last == f"Error: No such command '{typed}'." + (f" Did you mean '{meant}'?" if meant else "")


def test_verbose_tells_about_the_recording():
    assert "goinspect: hostname: fixture" in cli(*FLAME, "--format", "top", "-v").err
