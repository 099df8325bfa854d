"""Imports point one way: the contracts in pyproject.toml hold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


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
