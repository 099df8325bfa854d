"""The README and the page about build flags show what the commands print: each is run again."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests import modes
from tests.cli.runner import cli
from tests.conftest import FIXTURES

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "docs" / "build-flags.md", ROOT / "README.md"]
# What the recordings of the demo show is tested with them.
BLOCKS = [
    (page.name, command, shown)
    for page in PAGES
    for command, shown in re.findall(
        r"```console\n\$ goinspect (.*)\n((?:.*\n)*?)(?:```|\n\$)", page.read_text("utf-8")
    )
    if not command.startswith("flame")
]


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    """The programs as they are called on the pages."""
    directory = tmp_path_factory.mktemp("builds")
    for mode in modes.kept("go1.27"):
        (directory / mode).symlink_to(modes.binary("go1.27", mode))
    for name in ("workload", "perf.data", "kallsyms"):
        (directory / name).symlink_to(FIXTURES / "go1.27-piestripped" / name)
    for name in ("maps.txt", "ustack.bpftrace"):
        (directory / name).symlink_to(FIXTURES / "tracers" / name)
    return directory


@pytest.mark.parametrize(
    ("page", "command", "shown"),
    BLOCKS,
    ids=[f"{i} {page} {command}" for i, (page, command, _) in enumerate(BLOCKS)],
)
def test_output_is_as_shown(page, command, shown, builds, monkeypatch):
    monkeypatch.chdir(builds)
    answer = cli(*command.partition(" | head ")[0].split())
    said = answer.err if shown.startswith("goinspect: ") else answer.out
    assert answer.code == (said is answer.err)
    assert shown.strip()
    for piece in shown.split("…\n"):  # an ellipsis on a line of its own: lines are left out
        assert piece in said


def test_the_pages_show_what_they_promise():
    assert len(BLOCKS) >= 12
    assert " ".join(modes.EIGHT) in PAGES[0].read_text("utf-8")
    assert {command.split()[0] for page, command, _ in BLOCKS if page == "README.md"} == {
        "annotate", "pgo", "pcln", "disasm", "calls", "probe", "symbols", "info", "compare", "maps",
        "symbolize",
    }  # fmt: skip


def test_nothing_is_offered_that_does_not_exist():
    """The package is on no index, and the project has no page."""
    root = PAGES[0].parent.parent
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert "urls" not in project
    for page in (root / "README.md", root / "CONTRIBUTING.md", *(root / "docs").glob("*.md")):
        assert "pip install goinspect" not in page.read_text("utf-8")
