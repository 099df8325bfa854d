"""The page about build flags shows what the commands print: each is run again on the builds it is about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import modes
from tests.cli.runner import cli

PAGE = Path(__file__).parent.parent / "docs" / "build-flags.md"
BLOCKS = re.findall(r"```console\n\$ goinspect (.*)\n((?:.*\n)*?)```", PAGE.read_text("utf-8"))


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    """The builds as they are called on the page."""
    directory = tmp_path_factory.mktemp("builds")
    for mode in modes.kept("go1.27"):
        (directory / mode).symlink_to(modes.binary("go1.27", mode))
    return directory


@pytest.mark.parametrize(("command", "shown"), BLOCKS, ids=[f"{i} {c}" for i, (c, _) in enumerate(BLOCKS)])
def test_output_is_as_shown(command, shown, builds, monkeypatch):
    monkeypatch.chdir(builds)
    answer = cli(*command.split())
    assert answer.code == 0
    assert shown.strip()
    for piece in shown.split("…\n"):  # an ellipsis on a line of its own: lines are left out
        assert piece in answer.out


def test_the_page_shows_eight_builds():
    assert len(BLOCKS) >= 5
    assert " ".join(modes.EIGHT) in PAGE.read_text("utf-8")
