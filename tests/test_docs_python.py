"""The examples of docs/python.md, as they stand."""

from __future__ import annotations

import doctest
import shutil
from pathlib import Path

import pytest

from tests.conftest import FIXTURES

PAGE = Path(__file__).parent.parent / "docs/python.md"
FOLDER = FIXTURES / "go1.27-piestripped"


def test_the_examples(tmp_path, monkeypatch):
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    for name in ("workload", "perf.data", "kallsyms"):
        shutil.copy(FOLDER / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text("utf-8")
    found = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert found.failed == 0
    assert found.attempted >= 18
    assert text.count("```pycon") >= 8
    assert (tmp_path / "out.svg").stat().st_size > 50_000
