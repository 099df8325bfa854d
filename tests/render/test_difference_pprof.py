"""A difference as a pprof profile: the samples of `go tool pprof -diff_base`, and what pprof says of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

import goinspect
from tests.builders.protobuf import read_profile

# What `go tool pprof -top` (Go 1.26.8) said of the file: flat, flat%, cum, cum%, name.
TOP = """\
       430 27.48%        430 27.48%  main.b
      -216 13.80%       -216 13.80%  main.a
      -156  9.97%       -156  9.97%  main.old
      -118  7.54%       -118  7.54%  runtime.x
        60  3.83%         60  3.83%  main.new
         0     0%       -118  7.54%  main.c
         0     0%        118  7.54%  main.main
"""


@pytest.fixture
def written(tmp_path):
    before, after = tmp_path / "before.folded", tmp_path / "after.folded"
    before.write_text(
        "main.main;main.a 400\nmain.main;main.b 300\nmain.c;runtime.x 200\nmain.main;main.old 100\n"
    )
    after.write_text(
        "main.main;main.a 410\nmain.main;main.b 900\nmain.c;runtime.x 195\nmain.main;main.new 60\n"
    )
    goinspect.flame(after, diff=before).save(tmp_path / "x.pb.gz")
    return tmp_path / "x.pb.gz"


def by_name(told):
    """(Leaf, is it of the base) -> values."""
    sums = {}
    for sample in told.samples:
        leaf = told.locations[sample["locations"][0]]
        name = told.functions[leaf["lines"][0][0]]["name"]
        key = name, sample["labels"].get("pprof::base") == "true"
        sums[key] = [value - (1 << 64) * (value >> 63) for value in sample["values"]]
    return sums


def test_samples_of_both_sides(written):
    sums = by_name(read_profile(written.read_bytes()))
    assert sums[("main.b", False)] == [900]
    assert sums[("main.b", True)] == [-470]
    assert sums[("main.new", False)] == [60]
    assert ("main.new", True) not in sums
    assert ("main.old", False) not in sums
    base, now = (sum(value for (_, of), (value,) in sums.items() if of is side) for side in (True, False))
    assert (base, now) == (-1565, 1565)


def test_go_tool_pprof_shows_it(written):
    go = shutil.which("go")
    if go is None:
        pytest.skip("no Go")
    told = subprocess.run(
        [go, "tool", "pprof", "-top", written], capture_output=True, text=True, check=True, timeout=60,
        env=os.environ | {"PPROF_TMPDIR": str(written.parent)},
    ).stdout  # fmt: skip
    assert "of 1565 total" in told
    for line in TOP.splitlines():
        flat, flat_share, total, total_share, name = line.split()
        shares = (
            rf"{flat} +{re.escape(flat_share)} +\S+ +{total} +{re.escape(total_share)} +{re.escape(name)}$"
        )
        assert re.search(shares, told, re.MULTILINE), told


def test_recordings_have_samples_and_times(fixture_file):
    sides = [fixture_file(build, "perf.data") for build in ("go1.27-exe", "go1.27-pie")]
    for build in ("go1.27-exe", "go1.27-pie"):
        fixture_file(build, "workload")
    flame = goinspect.flame(sides[1], diff=sides[0])
    told = read_profile(flame.binary("pprof"))
    assert told.sample_types == [("samples", "count"), ("cpu", "nanoseconds")]
    values = [[value - (1 << 64) * (value >> 63) for value in sample["values"]] for sample in told.samples]
    based = ["pprof::base" in sample["labels"] for sample in told.samples]
    now, base = (
        [sum(v[at] for v, b in zip(values, based, strict=True) if b is side) for at in (0, 1)]
        for side in (False, True)
    )
    assert now == [355, flame.total]
    assert base[1] == -flame.total
    assert abs(base[0] + 459 * flame.total / flame.profile.difference.base.weight) <= 1
    alone = goinspect.flame(sides[1], diff=sides[0], diff_absolute=True)
    values = read_profile(alone.binary("pprof")).samples
    assert sum(v["values"][0] - (1 << 64) * (v["values"][0] >> 63) for v in values) == 355 - 459
