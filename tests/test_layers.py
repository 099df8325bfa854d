"""The house is in order: imports point one way, as the contracts in pyproject.toml say, and no room is crowded."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_LINES, MOST_FILES = 400, 15


def test_contracts():
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    kept, broken = map(int, re.search(r"(\d+) kept, (\d+) broken", answer.stdout).groups())
    assert kept >= 3
    assert broken == 0


def test_only_cli_prints():
    for path in (ROOT / "goinspect").rglob("*.py"):
        if "cli" not in path.parts:
            assert not re.search(r"^\s*print\(", path.read_text("utf-8"), re.MULTILINE), path


@pytest.mark.parametrize("folder", ["goinspect", "tests", "scripts"])
def test_files_are_short(folder):
    paths = list((ROOT / folder).rglob("*.py"))
    assert len(paths) > 20
    lines = {path: path.read_text("utf-8").count("\n") for path in paths}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


def test_folders_of_the_package_are_small():
    files = [path for path in (ROOT / "goinspect").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    folders = Counter(path.parent for path in files)
    assert {folder: count for folder, count in folders.items() if count > MOST_FILES} == {}
