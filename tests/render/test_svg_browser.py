"""The picture in a real browser: zoom, search, keys, address, resizing; and that it stays quiet and alone."""

from __future__ import annotations

import re

import pytest

from goinspect.render.svg.picture import format_share, render_svg
from goinspect.render.values import human_weight
from tests.render.conftest import make_graph, service_stacks

SHOWN = ".frames > g:not([display=none])"
NAMES_SHOWN = f"""() => [...document.querySelectorAll("{SHOWN}")].map(g => ({{
    label: g.querySelector("text")?.textContent ?? "", above: g.classList.contains("above"),
    hit: g.classList.contains("hit"), kind: g.getAttribute("class"),
    width: g.querySelector("rect").getBoundingClientRect().width, y: g.getBoundingClientRect().top}}))"""
OVERFLOWING = f"""() => [...document.querySelectorAll("{SHOWN}")].filter(g => g.querySelector("text") &&
    g.querySelector("text").getBBox().x + g.querySelector("text").getBBox().width
        > g.querySelector("rect").getBBox().width).map(g => g.textContent)"""


def frame_named(page, text):
    return page.locator(
        ".frames > g", has=page.locator("title", has_text=re.compile(f"^{re.escape(text)}\n"))
    ).first


def labels(page):
    return [item["label"] for item in page.evaluate(NAMES_SHOWN)]


def above(page):
    return [item["label"] for item in page.evaluate(NAMES_SHOWN) if item["above"]]


def details(page):
    return page.locator(".name").text_content(), page.locator(".facts").text_content()


def focused(page):
    return page.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.tagName"
    )


def typed(page):
    return page.evaluate("document.querySelector('input').value")


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


ZOOMED = "encoding/json.Marshal"


def test_script_and_still_picture_agree(draw):
    read = """() => [...document.querySelectorAll(".frames > g")].map(g => [g.getAttribute("transform").match(/[\\d.]+/g)
        .map(n => Number(n).toFixed(1)).join(), Number(g.querySelector("rect").getAttribute("width")).toFixed(1),
        g.querySelector("text")?.textContent ?? ""])"""
    still = draw(service_stacks(), width=1200, still=True)
    # Scripts of the page are off there, those of the test are not.
    assert still.locator(".bar").count() == 0
    before = still.evaluate(read)
    after = draw(service_stacks(), width=1200).evaluate(read)
    assert len(before) > 700
    different = [(one, two) for one, two in zip(before, after, strict=True) if one[2] != two[2]]
    assert different == []
    for (place, width, _), (new_place, new_width, _) in zip(before, after, strict=True):
        assert [float(n) for n in place.split(",")] == pytest.approx(
            [float(n) for n in new_place.split(",")], abs=0.11
        )
        assert float(width) == pytest.approx(float(new_width), abs=0.11)


def test_click_zooms_and_ways_lead_back(visit, picture):
    page = visit(picture)
    everything = labels(page)
    frame_named(page, ZOOMED).click()
    shown = page.evaluate(NAMES_SHOWN)
    assert above(page)[:3] == ["all", "runtime.goexit", "net/http.(*Server).Serve.gowrap3"]
    assert above(page)[-1] == "example.com/shop/internal/api.(*Orders).List"
    full = [item for item in shown if item["width"] > 1370]
    assert next(item["label"] for item in full if not item["above"]) == ZOOMED
    assert all(item["width"] > 1370 for item in shown if item["above"])
    assert not any("runtime.mcall" in label or "Apply" in label for label in labels(page))
    assert "20.4 % of total · 100.0 % of view" in details(page)[1]
    assert "zoom=encoding%2Fjson.Marshal" in page.url

    page.locator(".frames > g.above", has_text="withTrace").click()
    assert above(page)[-1] == "example.com/shop/internal/api.(*Router).ServeHTTP"
    page.go_back()
    page.wait_for_function("document.querySelectorAll('.frames > g.above:not([display])').length > 8")
    assert labels(page) == [item["label"] for item in shown]
    page.keyboard.press("Backspace")
    assert above(page)[-1] == "main.(*App).recoverPanics.func1"
    page.get_by_text("Reset zoom").click()
    assert labels(page) == everything
    assert above(page) == []
    assert page.get_by_text("Reset zoom").is_disabled()
    page.go_back()
    page.wait_for_function("document.querySelectorAll('.frames > g.above:not([display])').length > 0")


def test_hover_shows_details(visit, picture):
    page = visit(picture)
    assert "Point at a frame" in details(page)[1]
    frame_named(page, "encoding/json.stringEncoder").hover()
    name, facts = details(page)
    assert name == "encoding/json.stringEncoder"
    assert facts == "1.60 s · 6.1 % of total · self 0 · encoding/json · Standard library · json.go:189"
    page.locator(".frames > g.i", has_text="appendString").first.hover()
    assert "· inlined ·" in details(page)[1]
    page.mouse.move(5, 5)
    assert "Point at a frame" in details(page)[1]


@pytest.mark.parametrize(
    ("size", "unit"),
    [
        *((n, "bytes") for n in (1, 999, 1050, 999_949, 999_950, 1_250_000, 999_950_000, 12 * 10**12)),
        (1_234_500, "thousandths of samples"),
        (12_062_500, "millionths of wombats"),
        (3, "billionths of samples"),
    ],
)
def test_weights_read_alike_in_tooltips_and_details(draw, size, unit):
    """The tooltip is Python's, the details are the script's."""
    page = draw([(["main.size"], size)], unit=unit)
    frame = frame_named(page, "main.size")
    frame.hover()
    size = human_weight(size, unit)
    assert frame.locator("title").text_content() == f"main.size\n{size}, 100.0 %"
    assert details(page)[1].startswith(f"{size} · 100.0 % of total · self {size} (100.0 %)")


def test_search_counts_each_weight_once(visit, picture):
    page = visit(picture)
    page.keyboard.press("/")
    page.keyboard.type("pricing.*apply")
    stacks = service_stacks()
    once = sum(weight for names, weight in stacks if any("pricing.(*Rule).Apply" in name for name in names))
    share = format_share(once, sum(weight for _, weight in stacks))
    assert page.locator(".matched").text_content().startswith(f"matched: {share}")
    hits = [item for item in page.evaluate(NAMES_SHOWN) if item["hit"]]
    assert len(hits) == 25
    fills = page.evaluate("""() => ["g.hit", "g:not(.hit)"].map(s =>
        getComputedStyle(document.querySelector(".frames > " + s + " > rect")).fill)""")
    assert fills[0] == "rgb(176, 23, 143)" != fills[1]
    page.keyboard.press("Enter")
    assert page.locator(".matched small").text_content() == "1 of 25 frames"
    page.keyboard.press("Enter")
    assert page.locator(".matched small").text_content() == "2 of 25 frames"
    page.keyboard.press("Shift+Enter")
    assert page.locator(".matched small").text_content() == "1 of 25 frames"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("n")
    assert page.locator(".matched small").text_content() == "2 of 25 frames"
    page.keyboard.press("N")
    page.keyboard.press("Enter")
    assert page.locator(".matched").text_content().startswith("matched: 100.0 %")
    page.keyboard.press("Escape")
    assert page.locator(".frames > g.hit").count() == 0
    assert typed(page) == ""
    assert above(page) != []
    page.keyboard.press("Escape")
    assert above(page) == []


PATTERNS = {
    "json.marshal": True,
    "json.Marshal": True,
    "JSON.marshal": False,  # a capital letter asks for exact case
    r"^encoding/json\S+value$": True,
    "(*encodeState).marshal": True,
    "(*conn": True,
    "Map[...]": False,
    "appendString[...]": True,
    "nothing of this name": False,
}


def test_search_patterns(visit, picture):
    page = visit(picture)
    for query, matched in PATTERNS.items():
        page.keyboard.press("Control+f")
        page.keyboard.insert_text(query)
        assert (page.locator(".frames > g.hit").count() > 0) is matched, query
        assert page.locator(".matched").text_content().startswith("matched: "), query
        press(page, "Escape", "Escape")  # out of the search, then out of the field


def test_an_invalid_pattern_says_so(visit, picture):
    page = visit(picture)
    page.keyboard.press("/")
    page.keyboard.type("a[")
    assert page.locator(".matched").text_content() == "invalid pattern"
    assert "bad" in page.locator("input").get_attribute("class")
    assert page.locator(".frames > g.hit").count() == 0
    page.keyboard.press("Backspace")
    assert page.locator(".matched").text_content().startswith("matched")


def test_the_address_brings_the_view_back(visit, picture):
    page = visit(picture)
    frame_named(page, ZOOMED).click()
    page.keyboard.press("/")
    page.keyboard.type("Encoder&é")
    again = visit(page.evaluate("location.href"))
    assert again.evaluate(NAMES_SHOWN) == page.evaluate(NAMES_SHOWN)
    assert typed(again) == "Encoder&é"
    page.keyboard.press("Escape")
    page.locator(".frames > g").first.click()
    assert page.url.split("#")[1] == ""


GARBAGE = (
    "%",
    "zoom=%ff%00&at=-1",
    "at=5",
    "zoom=nothing&at=99999999999",
    "zoom=all&at=1e3",
    "&&&===",
    "search=%5B",
    "🔥",
)


def test_garbage_in_the_address_does_no_harm(visit, picture):
    page = visit(f"{picture}#{GARBAGE[0]}")
    for garbage in GARBAGE[1:]:
        page.evaluate("hash => { location.hash = hash }", garbage)
        assert above(page) == []
        assert labels(page)[0] == "all"


def test_an_address_from_another_recording_finds_the_name(visit, picture):
    page = visit(f"{picture}#zoom=runtime.gcBgMarkWorker&at=3")
    assert above(page) == ["all", "runtime.goexit"]
    assert "runtime.gcBgMarkWorker" in labels(page)


def test_width_follows_the_window(visit, picture):
    page = visit(picture)
    for width in (1400, 700, 1000):
        page.set_viewport_size({"width": width, "height": 900})
        drawn = "document.querySelector('.frames rect').getBoundingClientRect().width"
        page.wait_for_function(f"{drawn} > {width - 45} && {drawn} < {width - 20}")
        root = page.evaluate(NAMES_SHOWN)[0]
        assert width - 45 < root["width"] <= width - 24
        assert page.evaluate(OVERFLOWING) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        bar, title = page.locator(".bar").bounding_box(), page.locator(".head .title").bounding_box()
        assert bar["x"] >= title["x"] + title["width"] or bar["y"] >= title["y"] + title["height"]


def test_a_fixed_width_stays(draw):
    page = draw([(["main.a"], 1)], width=900)
    assert page.evaluate(NAMES_SHOWN)[0]["width"] == pytest.approx(875.5, abs=0.1)


def test_arrows_walk_the_frames(visit, picture):
    page = visit(picture)
    page.keyboard.press("ArrowUp")
    assert focused(page).startswith("all,")
    press(page, "ArrowUp", "ArrowUp")
    assert focused(page).startswith("net/http.(*Server).Serve.gowrap3, ")
    press(page, "ArrowRight")
    assert focused(page).startswith("runtime.bgsweep, ")
    press(page, "ArrowLeft", "ArrowDown")
    assert focused(page).startswith("runtime.goexit, ")
    press(page, "ArrowDown", "ArrowDown")
    assert focused(page).startswith("all, ")
    press(page, "ArrowUp", "ArrowRight", "Enter")
    assert above(page) == ["all"]
    assert labels(page)[1] == "runtime.mcall"
    assert details(page)[0] == "runtime.mcall"


def test_icicles_turn_the_arrows(draw):
    page = draw([(["runtime.goexit", "main.a"], 1)], inverted=True)
    shown = page.evaluate(NAMES_SHOWN)
    assert shown[0]["y"] < shown[1]["y"]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("runtime.goexit, ")


def test_help_opens_and_closes(visit, picture):
    page = visit(picture)
    page.keyboard.press("?")
    assert page.locator(".help").is_visible()
    page.keyboard.press("Escape")
    assert page.locator(".help").count() == 0


def test_inlined_frames_can_be_hidden(visit, picture):
    page = visit(picture)
    page.keyboard.press("i")
    assert not [item for item in page.evaluate(NAMES_SHOWN) if "i" in item["kind"].split()]
    tops = {item["label"]: item["y"] for item in page.evaluate(NAMES_SHOWN)}
    mux, router = (
        tops["net/http.(*ServeMux).ServeHTTP"],
        tops["example.com/shop/internal/api.(*Router).ServeHTTP"],
    )
    assert mux - router == 18
    assert page.evaluate(OVERFLOWING) == []
    assert "inlined=0" in page.url
    page.keyboard.press("i")
    assert [item for item in page.evaluate(NAMES_SHOWN) if "i" in item["kind"].split()]


def test_legend_points_out_a_kind(visit, picture):
    page = visit(picture)
    page.locator(".key", has_text="Garbage collector").hover()
    kinds = page.evaluate(
        """() => [...document.querySelectorAll(".frames > g:not(.other)")].map(g => g.className.baseVal[0])"""
    )
    assert set(kinds) == {"g"}
    page.mouse.move(700, 300)
    assert page.locator(".frames > g.other").count() == 0


def test_dark_mode_changes_paper_and_frames(visit, picture):
    read = """() => [".paper", ".frames rect", ".frames text"].map(s => getComputedStyle(document.querySelector(s)).fill)"""
    page = visit(picture)
    light = page.evaluate(read)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(read)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(read) == light
    assert not page.locator(".bar").is_visible()
    assert light[0] == "rgb(255, 255, 255)"
    assert dark[0] == "rgb(23, 24, 28)"
    assert light[1] != dark[1]
    assert light[2] != dark[2]


def test_header_and_details_stay_in_sight_of_a_tall_picture(draw):
    page = draw([([f"main.f{i}" for i in range(200)], 3)], page_height=600)
    assert page.evaluate(NAMES_SHOWN)[0]["y"] < 600  # begins at the root
    for y in (0, 1000, 99999):
        page.evaluate(f"window.scrollTo(0, {y})")
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert 0 <= page.locator(".bar").bounding_box()["y"] < 60
        assert 500 < page.locator(".details").bounding_box()["y"] < 600


def test_odd_names_are_shown_as_text(draw):
    names = [
        "main.\x1b]0;x\x07<script>alert(1)</script>]]>",
        "main.世界世界",
        "main.\u202eevil\ud800",
        "main.😀﷽﷽﷽﷽",
        "z" * 4000,
    ]
    page = draw([([name], 1) for name in names], title="<b>&amp;")
    assert page.evaluate(OVERFLOWING) == []
    assert page.title() == "<b>&amp;"
    page.locator(".frames > g").nth(1).hover()
    assert details(page)[0] == "main.\\x1b]0;x\\x07<script>alert(1)</script>]]>"
    assert page.evaluate("document.querySelectorAll('script').length") == 1


def test_works_inside_a_page(visit, directory):
    text = render_svg(make_graph(service_stacks())).partition("?>")[2]
    path = directory / "page.html"
    path.write_text(
        f"<!doctype html><meta charset=utf-8><body style='margin:40px'><h1>Report</h1>{text}</body>", "utf-8"
    )
    page = visit(path.as_uri(), width=1000)
    assert page.evaluate(NAMES_SHOWN)[0]["width"] == pytest.approx(920 - 24.5, abs=16)
    frame_named(page, ZOOMED).click()
    assert above(page)[-1] == "example.com/shop/internal/api.(*Orders).List"
    page.locator("input").fill("json")
    assert page.locator(".frames > g.hit").count() > 0
