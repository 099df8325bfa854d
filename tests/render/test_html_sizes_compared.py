"""`goinspect compare A B --format html` in a real browser, against what `go tool nm -size` says of both builds."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.cli.runner import cli
from tests.conftest import oracle_rows
from tests.render.reports import ROWS, frames, named, opened

BEFORE, NOW = "go1.24-exe", "go1.27-exe"


def functions(build):
    """Bytes of each function that `go tool nm -size` names once."""
    rows = [(row[3], int(row[1])) for row in oracle_rows(build, "nm") if row[2] in "Tt" and int(row[1])]
    once = Counter(name for name, _ in rows)
    return {name: size for name, size in rows if once[name] == 1}


@pytest.fixture(scope="module")
def compared(tmp_path_factory, fixture_file):
    path = tmp_path_factory.mktemp("compared") / "grew.html"
    paths = [fixture_file(build, "workload") for build in (BEFORE, NOW)]
    answer = cli("compare", *paths, "--format", "html", "-o", path, "--fail-if", "grew=1%")
    assert (answer.code, answer.out) == (3, "")  # the check that was asked for is made
    assert "grew=1%" in answer.err
    return path.as_uri(), paths


def test_what_became_of_functions(compared, visit):
    before, now = functions(BEFORE), functions(NOW)
    page = opened(visit, compared[0] + "#view=table&q=internal/strconv.&sort=name&way=up")
    shown = {row[0]: row for row in page.evaluate(ROWS)}
    new = [name for name in now if name.startswith("internal/strconv.") and name in shown]
    assert len(new) > 10
    for name in new:
        assert name not in before
        assert shown[name][1].startswith("new")
        assert shown[name][2] == _bytes(now[name])
    page.locator("input[type=search]").fill(
        "/^runtime\\.(findRunnable|sweepone|newstack|initMetrics|gcMarkDone)$/"
    )
    shown = {row[0]: row for row in page.evaluate(ROWS)}
    for name, row in shown.items():
        old, new = before.get(name, 0), now.get(name, 0)
        if old == new:
            assert row[1] == "the same"
            continue
        words = row[1].split()
        assert words[0] == ("gone" if not new else "new" if not old else "▲" if new > old else "▼")
        assert words[1][0] == ("+" if new > old else "-")
        assert row[2:4] == [_bytes(new), _bytes(old)]
    assert shown["runtime.initMetrics"][1].startswith("gone")
    assert len(shown) >= 4


def _bytes(size):
    return f"{size} B" if size < 1000 else f"{(size + 50) // 100 / 10:.1f} kB"


def test_treemap_of_both(compared, visit):
    uri, paths = compared
    page = opened(visit, uri)
    sums = []
    for path in paths:  # package,symbols,functions,…
        rows = cli("symbols", path, "--by", "package", "--format", "csv").out.splitlines()[1:]
        sums.append({row.split(",")[0]: int(row.split(",")[2]) for row in rows})
    whole = frames(page)[0]
    tile = named(page, "internal/strconv")
    assert tile["total"] > sums[1]["internal/strconv"] > 0  # functions, and data
    assert tile["width"] * tile["height"] / whole["width"] / whole["height"] == pytest.approx(
        tile["total"] / whole["total"]
    )
    assert not [frame for frame in frames(page) if frame["name"] == "internal/bisect"]
    now = page.locator(".treemap canvas").screenshot()
    page.get_by_label("Colours").locator("visible=true").select_option("package")
    assert page.locator(".treemap canvas").screenshot() != now
    page.get_by_label("Areas").select_option("before")
    gone = named(page, "internal/bisect")
    assert gone["total"] >= sums[0]["internal/bisect"] > 0
    assert frames(page)[0]["total"] != whole["total"]
    page.mouse.move(gone["x"] + 3, gone["y"] + 3)
    assert "gone" in page.locator(".treemap .tip").inner_text()
    assert "before" in page.url


def test_of_a_stripped_build(fixture_file, tmp_path):
    """Only what both name is compared, and that is said."""
    paths = [fixture_file("go1.27-stripped", "workload"), fixture_file("go1.27-exe", "workload")]
    answer = cli("compare", *paths, "--format", "html", "-o", tmp_path / "x.html")
    assert answer.code == 0
    assert (
        answer.err
        == "goinspect: warning: only functions and types are compared: not every build names the others\n"
    )


@pytest.mark.parametrize("more", [["x"], ["--json"], ["--symbols"]])
def test_usage(more):
    assert cli("compare", "x", "y", *more, "--format", "html").code == 2
