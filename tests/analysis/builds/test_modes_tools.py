"""The tools themselves, asked again about the builds of tests/fixtures/modes: their verdicts are those written down.

They are asked whatever their release. Where another release than the one in tests/fixtures/modes/tools.tsv answers
otherwise, tests/fixtures/modes/differs.tsv says so and why; nothing else may differ. Nothing here is about goinspect: it
keeps the tables honest that goinspect is compared with.
"""

from __future__ import annotations

import csv
import functools
import os
import platform
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scripts.fixtures.modes.builds import BUILDS, Build, tool_versions
from scripts.fixtures.modes.consumers import RUNNING, STATIC
from scripts.fixtures.modes.profilers import perf
from scripts.fixtures.modes.target import Target
from scripts.fixtures.modes.truth import read_truth
from tests import modes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scripts.fixtures.modes.target import Verdict

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="the builds are for Linux on x86-64"
)


def has_truth(series: str, mode: str) -> bool:
    """Is its unstripped twin in the repository? It knows the names that a stripped build has lost."""
    return (modes.folder(series) / (BUILDS[mode].twin or mode) / "nm.txt").exists()


ALL = [(series, mode) for series in modes.SERIES for mode in modes.kept(series)]
TOLD = [build for build in ALL if has_truth(*build)]
# Debuggers take seconds: one build of each kind of answer.
SOME = [(modes.SERIES[-1], mode) for mode in ("default", "w", "pie-s-w", "external-s-w")]
GO = ("go tool nm", "go tool objdump", "go tool addr2line")


def needs(*tools: str) -> None:
    """Skip when a tool is missing."""
    for name in (*tools, "readelf"):  # which tells where segments are, to whoever runs the program
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")


@functools.cache
def differing(tool: str) -> dict[tuple[str, str], str]:
    """(build, consumer): what the release of `tool` that is here is known to say instead."""
    with (modes.FOLDER / "differs.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert all(row["why"] for row in rows)
    of_tool = [row for row in rows if row["tool"] == tool]
    here = tool_versions(tool)[tool] if of_tool else ""
    return {
        (row["build"], row["consumer"]): row["verdict"] for row in of_tool if re.search(row["version"], here)
    }


@pytest.fixture(scope="session")
def go_cache() -> dict[str, str]:
    """Where the go command keeps the tools that it builds when they are asked for."""
    if not shutil.which("go"):
        return {}
    done = subprocess.run(["go", "env", "GOCACHE"], check=True, capture_output=True, text=True)
    return {"GOCACHE": done.stdout.strip()}


def target_of(series: str, mode: str, scratch: Path, environment: dict[str, str]) -> Target:
    directory = modes.folder(series) / mode
    twin = modes.folder(series) / (BUILDS[mode].twin or mode)
    own = {"HOME": str(scratch), "LC_ALL": "C.UTF-8", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOENV": "off"}
    return Target(
        name=mode,
        binary=directory / "modes",
        scratch=scratch,
        truth=read_truth(twin / "nm.txt", directory / "truth.txt"),
        environment=dict(os.environ) | own | environment,
    )


def same(series: str, mode: str, verdicts: Iterator[Verdict], tool: str = "") -> None:
    """Each verdict is the one that was written down, for this release of `tool` or for any."""
    found = {verdict.consumer: verdict for verdict in verdicts}
    assert found
    known = {consumer: modes.verdicts(series)[mode, consumer].verdict for consumer in found}
    known |= {consumer: said for (build, consumer), said in differing(tool).items()
              if build == f"{series}/{mode}" and consumer in found}  # fmt: skip
    assert [verdict for verdict in found.values() if verdict.verdict != known[verdict.consumer]] == []


def test_every_build_has_a_verdict_of_every_tool() -> None:
    for series in modes.SERIES:
        known = modes.verdicts(series)
        consumers = {consumer for _, consumer in known}
        assert len(consumers) > 20
        for mode in modes.kept(series):
            assert {consumer for build, consumer in known if build == mode} == consumers
        assert {verdict.verdict for verdict in known.values()} == {"yes", "partly", "no"}
        assert all(verdict.evidence for verdict in known.values())
        assert set(modes.EIGHT) <= set(modes.kept(series))


def test_binaries_are_those_of_the_tables() -> None:
    for series, mode in ALL:
        assert modes.binary(series, mode).stat().st_size == int(modes.facts(series)[mode]["bytes"])
        flags = Build(f"{series.removeprefix('go')}.0", mode).command("modes")
        assert all(flag in modes.text(series, mode, "recipe.txt") for flag in flags)


@pytest.mark.parametrize(("series", "mode"), TOLD)
def test_traceback(series: str, mode: str, tmp_path: Path) -> None:
    target = target_of(series, mode, tmp_path, {})
    same(series, mode, RUNNING["traceback"](target))


@pytest.mark.parametrize(("series", "mode"), TOLD)
def test_go_tools(series: str, mode: str, tmp_path: Path, go_cache: dict[str, str]) -> None:
    if not go_cache:
        pytest.skip("go is not installed")
    target = target_of(series, mode, tmp_path, go_cache)
    same(series, mode, (verdict for tool in GO for verdict in STATIC[tool](target)))


@pytest.mark.parametrize(
    ("tool", "consumer"), [("llvm-symbolizer", "llvm-symbolizer"), ("addr2line", "GNU addr2line")]
)
@pytest.mark.parametrize(("series", "mode"), TOLD)
def test_symbolizers(series: str, mode: str, tool: str, consumer: str, tmp_path: Path) -> None:
    needs(tool)
    same(series, mode, STATIC[consumer](target_of(series, mode, tmp_path, {})), tool)


@pytest.mark.parametrize(("series", "mode"), TOLD)
def test_perf_script(series: str, mode: str, tmp_path: Path) -> None:
    needs("perf")
    target = target_of(series, mode, tmp_path, {})
    # perf looks for the binary where it was recorded, below the directory given.
    recorded = tmp_path / str(Build(f"{series.removeprefix('go')}.0", mode).binary).lstrip("/")
    recorded.parent.mkdir(parents=True)
    shutil.copy(target.binary, recorded)
    recording = modes.folder(series) / mode / "perf.data"
    same(series, mode, perf(target, recording=recording, symfs=tmp_path), "perf")


@pytest.mark.skipif(os.geteuid() != 0, reason="bpftrace needs root")
@pytest.mark.parametrize(("series", "mode"), SOME)
def test_uprobes(series: str, mode: str, tmp_path: Path) -> None:
    needs("perf", "bpftrace")
    same(series, mode, STATIC["uprobe"](target_of(series, mode, tmp_path, {})), "bpftrace")


@pytest.mark.parametrize("tool", ["gdb", "dlv"])
@pytest.mark.parametrize(("series", "mode"), SOME)
def test_debuggers(series: str, mode: str, tool: str, tmp_path: Path) -> None:
    needs(tool)
    same(series, mode, RUNNING[tool](target_of(series, mode, tmp_path, {})), tool)
