"""The report of sizes in a real browser: a treemap whose areas are bytes, which follows the other views."""

from __future__ import annotations

from collections import Counter

import pytest

import goinspect
from tests.cli.runner import cli
from tests.conftest import FIXTURES
from tests.render.reports import ROWS, frames, named, opened

BINARY = FIXTURES / "go1.27-piestripped" / "workload"


@pytest.fixture(scope="module")
def sizes(tmp_path_factory):
    """The report, and what `goinspect symbols --format folded` says: bytes of stacks."""
    path = tmp_path_factory.mktemp("sizes") / "sizes.html"
    answer = cli("symbols", BINARY, "--format", "html", "-o", path)
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    lines = cli("symbols", BINARY, "--format", "folded").out.splitlines()[1:]
    return path.as_uri(), {
        tuple(stack.split(";")): int(size) for stack, size in (line.rsplit(" ", 1) for line in lines)
    }


def below(stacks, *path):
    """Bytes of what lies directly in a path."""
    sums = Counter()
    for stack, size in stacks.items():
        if stack[: len(path)] == path and len(stack) > len(path):
            sums[stack[len(path)]] += size
    return sums


def test_areas_are_bytes(sizes, visit):
    uri, stacks = sizes
    page = opened(visit, uri)
    assert page.get_by_role("tab", selected=True).inner_text() == "Treemap"
    tiles = frames(page)
    whole = tiles[0]
    assert (whole["name"], whole["total"]) == ("all", sum(stacks.values()))
    packages = below(stacks)
    widest = {}  # of each name the largest: types have the names of packages nowhere else
    for tile in tiles[1:]:
        widest.setdefault(tile["name"], tile)
    for name, size in packages.most_common(25):
        tile = widest[name]
        assert tile["total"] == size
        share = tile["width"] * tile["height"] / (whole["width"] * whole["height"])
        assert share == pytest.approx(size / whole["total"], rel=1e-6)
        assert max(tile["width"] / tile["height"], tile["height"] / tile["width"]) < 4
    assert len(tiles) > 1000


def test_what_is_in_something_lies_in_it(sizes, visit):
    tiles = {tile["node"]: tile for tile in frames(opened(visit, sizes[0]))}
    taken = Counter()
    for tile in tiles.values():
        if tile["node"]:
            outer = tiles[tile["parent"]]
            assert _within(tile, outer)
            taken[tile["parent"]] += tile["width"] * tile["height"]
    for node, area in taken.items():
        assert area <= tiles[node]["width"] * tiles[node]["height"] * 1.001


def _within(inner, outer):
    return all(
        outer[at] - 0.01 <= inner[at] and inner[at] + inner[size] <= outer[at] + outer[size] + 0.01
        for at, size in (("x", "width"), ("y", "height"))
    )


def test_zoom_and_selection(sizes, visit):
    uri, stacks = sizes
    page = opened(visit, uri)
    at = named(page, "strconv")
    page.mouse.click(at["x"] + 5, at["y"] + 5)
    assert page.locator(".crumbs:visible [aria-current]").inner_text() == "strconv"
    assert page.locator(".chosen bdi").inner_text() == "strconv"
    tiles = frames(page)
    assert tiles[0]["name"] == "strconv"
    inside = below(stacks, "strconv")
    assert {tile["name"]: tile["total"] for tile in tiles[1:] if tile["name"] in inside} == inside
    name = max((name for name in inside if ("strconv", name) in stacks), key=inside.__getitem__)
    leaf = next(tile for tile in tiles if tile["name"] == name)
    page.mouse.move(leaf["x"] + leaf["width"] / 2, leaf["y"] + leaf["height"] / 2)
    assert page.locator(".treemap .tip b").inner_text() == name
    page.mouse.click(leaf["x"] + leaf["width"] / 2, leaf["y"] + leaf["height"] / 2)
    assert page.locator(".chosen bdi").inner_text() == name
    assert frames(page)[0]["name"] == "strconv"  # nothing is in it to zoom into
    again = opened(visit, page.url)
    assert frames(again) == frames(page)
    page.keyboard.press("2")
    assert page.locator(".flame .crumbs [aria-current]").inner_text() == "strconv"
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    assert frames(page)[0]["name"] == "all"
    page.keyboard.press("3")
    assert page.locator("tr.selected .name").inner_text() == name
    assert "Symbols" in page.locator(".table thead").inner_text()
    page.locator("#view-table").get_by_label("Rows").select_option("module")
    rows = {row[0]: row[3] for row in page.evaluate(ROWS)}
    by_module = cli("symbols", BINARY, "--by", "module", "--format", "csv").out.splitlines()[1:]
    for row in by_module:  # module,symbols,functions,variables,types,bytes,bss
        module, *numbers = row.split(",")
        assert rows.pop(module) == _bytes(int(numbers[4]))
    assert set(rows.values()) <= {"0 B"}
    page.go_back()
    page.keyboard.press("s")
    assert page.locator(".sandwich .note").first.inner_text() == "Where it is"
    assert page.locator(".sandwich .note").last.inner_text() == "Nothing is in it."
    assert {frame["name"] for frame in frames(page, 0)} == {"strconv"}


def _bytes(size):
    return f"{size} B" if size < 1000 else f"{(size + 50) // 100 / 10:.1f} kB"


def test_keys_and_search(sizes, visit):
    uri, stacks = sizes
    page = opened(visit, uri)
    plain = page.locator(".treemap canvas").screenshot()
    page.locator("input[type=search]").fill("package:/^strconv$/")
    assert page.locator(".treemap canvas").screenshot() != plain
    size = below(stacks)["strconv"]
    share = 100 * size / sum(stacks.values())
    assert f"{share:.2f} %" in page.locator(".matched").inner_text()
    page.locator(".treemap canvas").focus()
    said = page.locator(".treemap .said")
    order = [name for name, _ in sorted(below(stacks).items(), key=lambda pair: -pair[1])]
    page.keyboard.press("ArrowDown")
    assert said.inner_text().startswith(f"{order[0]}, ")
    page.keyboard.press("ArrowRight")
    assert said.inner_text().startswith(f"{order[1]}, ")
    assert page.locator(".treemap .ring").is_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    first = max(below(stacks, order[0]).items(), key=lambda pair: pair[1])[0]
    assert said.inner_text().startswith(f"{first}, ")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert frames(page)[0]["name"] == order[1]


def test_nothing_to_draw(visit, tmp_path):
    answer = cli(
        "symbols", BINARY, "--filter", "no such name", "--format", "html", "-o", tmp_path / "none.html"
    )
    assert answer.code == 0
    page = opened(visit, (tmp_path / "none.html").as_uri())
    assert page.locator(".treemap .empty").is_visible()
    assert frames(page) == []


@pytest.mark.parametrize("width", [360, 1400])
def test_fits(width, sizes, visit):
    page = opened(visit, sizes[0], width)
    for view in "12345":
        page.keyboard.press(view)
        wide, high = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert wide == width
        assert high == 900 or width <= 460  # on phones the page scrolls
    assert all(
        tab.bounding_box()["x"] + tab.bounding_box()["width"] <= width
        for tab in page.get_by_role("tab").all()
    )


def test_odd_names_are_text(visit, tmp_path):
    (tmp_path / "odd.folded").write_text(
        "# goinspect sizes unit=bytes\nmain;</script><b>x</b> 70\nmain;\u202e\x1b[31m 30\n"
    )
    goinspect.flame(tmp_path / "odd.folded").save(tmp_path / "odd.html")
    page = opened(visit, (tmp_path / "odd.html").as_uri())
    assert "</script><b>x</b>" in {tile["name"] for tile in frames(page)}
    assert page.evaluate("document.querySelectorAll('script, main b:not(.tip b)').length") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(theme, browser, sizes):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with browser.new_context(bypass_csp=True, color_scheme=theme) as context:
        page = context.new_page()
        page.goto(f"{sizes[0]}#q=runtime")
        page.wait_for_selector("footer")
        found = axe.run(page).response
        assert len(found["passes"]) > 15
        assert {
            rule["id"]: [node["html"][:200] for node in rule["nodes"]] for rule in found["violations"]
        } == {}


def test_profiles_have_none(report, visit):
    page = opened(visit, report)
    assert page.get_by_role("tab", name="Treemap").count() == 0
    assert page.get_by_role("tab").first.inner_text() == "Flame graph"


def test_from_python(sizes):
    flame = goinspect.open(BINARY).symbols().flame()
    assert flame.total == sum(sizes[1].values())
    assert flame.unit == "bytes"


def test_usage():
    assert cli("symbols", BINARY, "--by", "package", "--format", "html").code == 2
