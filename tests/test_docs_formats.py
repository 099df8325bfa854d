"""docs/formats.md shows what the commands print: each is run again, on the profiles of the fixtures."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.runner import cli
from tests.conftest import FIXTURES

PAGE = Path(__file__).parent.parent / "docs" / "formats.md"
BLOCKS = re.findall(r"\$ goinspect (.*)\n((?:(?!```|\n\$).*\n)*?)(?=```|\n\$)", PAGE.read_text("utf-8"))


@pytest.mark.parametrize(("command", "shown"), BLOCKS, ids=[command for command, _ in BLOCKS])
def test_output_is_as_shown(command, shown, tmp_path, monkeypatch):
    for path in (FIXTURES / "pprof" / "go1.27").glob("*.pprof"):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    asked, _, rest = command.partition(" | head -")
    answer = cli(*asked.split())
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()[: int(rest) if rest else None]
    assert "\n".join(lines) == shown.rstrip()


def test_the_page_shows_what_it_promises():
    assert len(BLOCKS) >= 6
    assert all(command.startswith("flame ") for command, _ in BLOCKS)
