"""The report in a real browser: views that follow each other, search, switches, address."""

from __future__ import annotations

import pytest

from tests.render.reports import ROWS, click, counted_by_hand, frames, named, opened, totals


def test_draws_all_of_it(visit, report):
    page = opened(visit, report)
    drawn = frames(page)
    assert drawn[0]["name"] == "all"
    assert {frame["name"]: frame["total"] for frame in drawn}["runtime.goexit"] == 90
    below = named(page, "runtime.goexit")["y"]
    assert named(page, "main.main")["y"] == below - 18
    assert named(page, "main.main")["width"] == pytest.approx(drawn[0]["width"] * 0.9, abs=0.01)
    page.get_by_label("Layout").select_option("icicle")
    assert named(page, "main.main")["y"] == named(page, "runtime.goexit")["y"] + 18


def test_zoom_breadcrumbs_and_back(visit, report):
    page = opened(visit, report)
    whole = frames(page)[0]["width"]
    click(page, "main.serve")
    assert named(page, "main.serve")["width"] == whole
    assert "zoom=" in page.url
    assert [part.inner_text() for part in page.locator(".crumbs button").all()] == [
        "all", "runtime.goexit", "main.main", "main.serve",
    ]  # fmt: skip
    click(page, "net/http.Serve")
    page.go_back()
    assert page.locator(".crumbs [aria-current]").inner_text() == "main.serve"
    page.keyboard.press("Escape")
    assert page.locator(".crumbs [aria-current]").inner_text() == "main.main"
    page.locator(".crumbs button").first.click()
    assert named(page, "main.serve")["width"] == pytest.approx(whole * 0.35, abs=0.01)


def test_an_address_shows_the_same(visit, report):
    page = opened(visit, report)
    page.locator("input[type=search]").fill("parse")
    click(page, "main.work")
    page.get_by_label("Order").select_option("weight")
    again = opened(visit, page.url)
    assert frames(again) == frames(page)
    assert again.locator("input[type=search]").input_value() == "parse"
    assert again.locator(".chosen bdi").inner_text() == "main.work"
    strange = opened(visit, report + "#view=moon&zoom=999999&fn=99999&off=nothing&q=%E0%A4%A&by=__proto__")
    assert strange.get_by_role("tab", selected=True).inner_text() == "Flame graph"
    assert strange.locator(".crumbs [aria-current]").inner_text() == "all"


def test_tooltip_never_covers_its_frame(visit, report):
    page = opened(visit, report)
    for layout in ("flame", "icicle"):
        page.get_by_label("Layout").select_option(layout)
        for frame in frames(page):
            page.mouse.move(frame["x"] + frame["width"] / 2, frame["y"] + 9)
            box = page.locator(".flame .tip").bounding_box()
            assert page.locator(".flame .tip b").inner_text() == frame["name"]
            assert box["y"] >= frame["y"] + frame["height"] or box["y"] + box["height"] <= frame["y"]
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 1400
    page.mouse.move(5, 5)
    assert not page.locator(".flame .tip").is_visible()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("parse", "1 function: 45.0 %, own 15.0 %"),
        ("/^main\\.(work|parse)$/", "2 functions: 70.0 %, own 15.0 %"),
        ("PARSE", "0 functions: 0 %, own 0 %"),
        ("package:main", "5 functions: 90.0 %, own 15.0 %"),
        ("kind:kernel", "2 functions: 20.0 %, own 20.0 %"),
        ("kind:/^go runtime$/", "4 functions: 100.0 %, own 20.0 %"),
        ("(", "0 functions: 0 %, own 0 %"),
        ("/(/", "invalid pattern"),
        ("package:", ""),
    ],
)
def test_search(query, said, visit, report):
    page = opened(visit, report)
    page.keyboard.press("/")
    page.keyboard.type(query)
    assert page.locator(".matched").inner_text() == said
    page.keyboard.press("Escape")
    assert page.locator(".matched").inner_text() == ""
    assert "q=" not in page.url


def test_what_was_found_is_marked_and_reached(visit, report):
    page = opened(visit, report)
    plain = page.locator(".flame .chart canvas").screenshot()
    page.keyboard.press("/")
    page.keyboard.type("work")
    assert page.locator(".flame .chart canvas").screenshot() != plain
    page.keyboard.press("Enter")
    assert page.locator(".flame .said").inner_text().startswith("main.work, 15 samples, 15.0 % of total")
    assert page.locator(".place").inner_text() == "1 of 3"
    page.keyboard.press("Shift+Enter")
    assert page.locator(".flame .said").inner_text().startswith("main.work, 55 samples")
    assert page.locator(".place").inner_text() == "3 of 3"


def test_table(visit, report):
    page = opened(visit, report)
    assert totals(page) == counted_by_hand()
    rows = page.evaluate(ROWS)
    assert rows[0] == ["strings.Index", "25 samples", "25.0 %", "25 samples", "25.0 %", "25"]
    page.get_by_role("button", name="Total", exact=True).click()
    assert page.evaluate(ROWS)[0][0] == "main.main"
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Total")
    page.get_by_role("button", name="Name", exact=True).click()
    names = [row[0] for row in page.evaluate(ROWS)]
    assert names == sorted(names)
    page.get_by_role("button", name="Name", exact=True).click()
    assert [row[0] for row in page.evaluate(ROWS)] == names[::-1]
    page.locator("input[type=search]").fill("main.")
    assert {row[0] for row in page.evaluate(ROWS)} == {name for name in names if "main." in name}
    assert page.locator(".count").inner_text() == f"5 of {len(counted_by_hand())} functions"
    page.locator("input[type=search]").fill("no such thing")
    assert page.locator(".table tbody .name").inner_text() == "Nothing is called so."


def test_table_of_packages_and_kinds(visit, report):
    page = opened(visit, report + "#view=table&by=package")
    assert {row[0]: row[3] for row in page.evaluate(ROWS)}["main"] == "90 samples"
    page.get_by_label("Rows").select_option("kind")
    kinds = {row[0]: (row[1], row[3]) for row in page.evaluate(ROWS)}
    assert kinds["Kernel"] == ("20 samples", "20 samples")
    assert kinds["Go runtime"] == ("20 samples", "100 samples")
    page.locator(".table tbody tr", has_text="Kernel").click()
    assert {row[0] for row in page.evaluate(ROWS)} == {"do_syscall_64", "vfs_write"}


def test_a_selection_is_one_everywhere(visit, report):
    page = opened(visit, report)
    click(page, "strings.Index")
    page.keyboard.press("2")
    assert page.locator("tr.selected .name").inner_text() == "strings.Index"
    assert (
        page.locator(".chosen").inner_text().split("\n")[-1]
        == "own 25 samples (25.0 %) · total 25 samples (25.0 %)"
    )
    page.locator(".table tbody tr", has_text="main.parse").dblclick()
    assert page.get_by_role("tab", selected=True).inner_text() == "Sandwich"
    assert page.locator(".middle").inner_text() == "main.parse"


def test_sandwich(visit, report):
    page = opened(visit, report + "#view=sandwich")
    assert page.locator(".middle").inner_text() == "strings.Index"  # the heaviest
    page.keyboard.press("2")
    page.locator(".table tbody tr", has_text="main.work").click()
    page.keyboard.press("s")
    assert page.locator("h2 .facts").inner_text() == "total 70 samples (70.0 %) · own 0 samples (0 %)"
    callers = {(frame["name"], frame["total"]) for frame in frames(page, 0)}
    assert callers == {("main.main", 55), ("runtime.goexit", 55), ("net/http.Serve", 15), ("main.serve", 15),
                       ("main.main", 15), ("runtime.goexit", 15)}  # fmt: skip
    below = frames(page, 1)
    assert (below[0]["name"], below[0]["total"]) == ("main.work", 70)
    assert {(frame["name"], frame["total"]) for frame in below[1:]} == {
        ("main.parse", 30), ("main.helper", 25), ("main.work", 15), ("encoding/json.Unmarshal", 20), ("main.helper", 10),
        ("runtime.mallocgc", 10), ("strings.Index", 25), ("main.parse", 15),
    }  # fmt: skip
    assert named(page, "main.main", 0)["y"] < below[0]["y"] < named(page, "main.parse", 1)["y"]
    click(page, "main.helper", 1)
    assert page.locator(".middle").inner_text() == "main.helper"
    page.go_back()
    assert page.locator(".middle").inner_text() == "main.work"
    page.locator(".sandwich canvas").first.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert page.locator(".middle").inner_text() == "main.main"


def test_merged_from_the_leaf(visit, report):
    page = opened(visit, report)
    page.get_by_label("Merge").select_option("leaf")
    drawn = frames(page)
    at_root = {frame["name"]: frame["total"] for frame in drawn if frame["y"] == drawn[0]["y"] - 18}
    assert at_root == {name: own for name, (own, _) in counted_by_hand().items() if own}


def test_a_recording(visit, recorded):
    """The same totals as from Python, above every label and without every part."""
    flame, uri = recorded
    page = opened(visit, uri)
    for label in ("process", "thread", "none"):
        page.get_by_label("Above").select_option(label)
        assert frames(page)[0]["total"] == flame.total
    page.get_by_label("Above").select_option("thread")
    drawn = frames(page)
    first = [frame for frame in drawn if frame["y"] == drawn[0]["y"] - 18]
    assert len(first) >= 5
    assert sum(frame["width"] for frame in first) == pytest.approx(frames(page)[0]["width"], rel=0.02)
    page.get_by_role("tab", name="Table").click()
    page.get_by_role("button", name="Own", exact=True).click()  # the smallest first
    page.get_by_role("button", name="Own", exact=True).click()
    expected = [row.function for row in flame.top(12)]
    assert [row[0] for row in page.evaluate(ROWS)][:12] == expected
    page.get_by_role("tab", name="Facts").click()
    facts = page.locator(".facts-page").inner_text()
    for part in flame.summary.split(", "):
        assert part in facts
