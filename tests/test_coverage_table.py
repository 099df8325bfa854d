"""docs/coverage.md says what is so."""

from __future__ import annotations

import re

from scripts.fixtures.coverage_table import PAGE, VERSIONS, page


def test_page_follows_from_the_facts() -> None:
    assert PAGE.read_text("utf-8") == page(), "run scripts/fixtures/coverage_table.py"


def test_every_release_on_linux_amd64_is_tested() -> None:
    section = page().partition("## linux/amd64 by build mode")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (1\.\d+) \|(.*)\|$", section, re.MULTILINE)
    assert [series for series, _ in rows] == [f"1.{minor}" for _, minor in VERSIONS]
    for series, cells in rows:
        if int(series.partition(".")[2]) >= 5:
            assert cells.split("|")[0].strip() not in {"", "—", "·"}, series
            assert "—" not in cells, series
