"""The report in a real browser: stacks chosen, frames reached, and what can be taken away."""

from __future__ import annotations

import struct
from xml.etree import ElementTree as ET

import pytest

import goinspect
from tests.render.reports import ROWS, click, counted_by_hand, frames, named, opened, totals


def test_frames_too_small_to_be_drawn_are_reached(visit, tmp_path):
    stacks = [f"main.main;main.f{i:05};main.deep{i % 3} {1 if i % 3 else 4}" for i in range(9000)]
    (tmp_path / "many.folded").write_text("\n".join([*stacks, "main.main;main.rare;main.needle 1"]) + "\n")
    goinspect.flame(tmp_path / "many.folded").save(tmp_path / "many.html")
    page = opened(visit, (tmp_path / "many.html").as_uri() + "#q=main.needle")
    assert "main.needle" not in {frame["name"] for frame in frames(page)}
    page.get_by_role("button", name="Next").click()
    assert named(page, "main.needle")["width"] >= 24
    assert page.locator(".flame .said").inner_text().startswith("main.needle, 1 sample, <0.01 % of total")


def test_only_these(visit, report):
    """Stacks are left out, not frames: what remains is counted by hand, and shares are of it."""
    page = opened(visit, report + "#view=table&q=parse")
    page.get_by_role("button", name="Only these").click()
    assert page.locator(".only").inner_text().startswith("Only stacks with parse (45 samples, 45.0 % of all)")
    assert totals(page) == counted_by_hand(only=lambda stack: "parse" in stack)
    assert page.evaluate(ROWS)[0] == [
        "encoding/json.Unmarshal",
        "20 samples",
        "44.4 %",
        "20 samples",
        "44.4 %",
        "20",
    ]
    page.keyboard.press("1")
    assert frames(page)[0]["total"] == 45
    again = opened(visit, page.url)
    assert frames(again)[0]["total"] == 45
    page.get_by_role("button", name="All stacks").click()
    assert frames(page)[0]["total"] == 100
    page.go_back()
    assert frames(page)[0]["total"] == 45
    page.keyboard.press("Escape")
    assert frames(page)[0]["total"] == 100
    odd = opened(visit, report + "#only=/(/")
    assert "invalid pattern: all stacks are shown" in odd.locator(".only").inner_text()
    assert frames(odd)[0]["total"] == 100


def test_double_click_focuses(visit, report):
    page = opened(visit, report)
    frame = named(page, "main.serve")
    page.mouse.dblclick(frame["x"] + frame["width"] / 2, frame["y"] + 8)
    assert page.locator(".only bdi").inner_text() == "main.serve"
    assert page.locator(".chosen bdi").inner_text() == "main.serve"
    assert frames(page)[0]["total"] == named(page, "main.serve")["total"] == 35
    assert totals(page) == counted_by_hand(only=lambda stack: "main.serve" in stack)
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    click(page, "main.parse")  # one of two places
    page.keyboard.press("f")
    assert frames(page)[0]["total"] == 45


def test_a_map_of_all_while_it_is_zoomed(visit, report):
    page = opened(visit, report)
    strip = page.locator(".minimap")
    assert not strip.is_visible()
    whole, part = named(page, "all"), named(page, "main.serve")
    click(page, "main.serve")
    box, mark = strip.bounding_box(), page.locator(".minimap i").bounding_box()
    assert mark["x"] - box["x"] == pytest.approx(
        (part["x"] - whole["x"]) / whole["width"] * box["width"], abs=2
    )
    assert mark["width"] == pytest.approx(part["width"] / whole["width"] * box["width"], abs=2)
    page.mouse.click(box["x"] + box["width"] - 20, box["y"] + 7)
    assert page.locator(".crumbs [aria-current]").inner_text() == "runtime.mcall"
    page.keyboard.press("Escape")
    assert not strip.is_visible()


def test_what_can_be_done_with_a_frame(visit, report, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = opened(visit, report)
    frame = named(page, "net/http.Serve")

    def act(text):
        page.mouse.click(frame["x"] + 20, frame["y"] + 8, button="right")
        page.get_by_role("menuitem", name=text).click()
        return page.evaluate("navigator.clipboard.readText()")

    assert act("Copy name") == "net/http.Serve"
    assert act("Copy stack") == "runtime.goexit\nmain.main\nmain.serve\nnet/http.Serve"
    assert act("Copy link") == page.url
    page.locator(".flame .chart canvas:visible").first.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+F10")
    assert page.evaluate("document.activeElement.innerText") == "Zoom"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator(".only bdi").inner_text() == "runtime.goexit"
    page.get_by_role("button", name="Actions").click()
    page.keyboard.press("Escape")
    assert not page.locator(".menu").is_visible()
    assert page.evaluate("document.activeElement.innerText") == "Actions"


def test_pictures_are_saved(visit, report, tmp_path):
    page = opened(visit, report + "#layout=icicle")
    drawn = {frame["name"]: named(page, frame["name"])["width"] for frame in frames(page)}
    for form in ("SVG", "PNG"):
        page.get_by_role("button", name="Actions").click()
        with page.expect_download(timeout=20_000) as waiting:
            page.get_by_role("menuitem", name=f"Save as {form}").click()
        waiting.value.save_as(tmp_path / form)
        assert waiting.value.suggested_filename.endswith(f".{form.lower()}")
    assert (tmp_path / "PNG").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", (tmp_path / "PNG").read_bytes()[16:24])
    assert (width, height) == (round(drawn["all"]), 18 * 8)
    saved = {}
    for group in ET.parse(tmp_path / "SVG").iter("{http://www.w3.org/2000/svg}g"):
        name = group[0].text.split("\n")[0]
        saved[name] = max(saved.get(name, 0), float(group[1].get("width")))
    assert saved.keys() == drawn.keys()
    assert all(saved[name] == pytest.approx(width, abs=0.6) for name, width in drawn.items())
