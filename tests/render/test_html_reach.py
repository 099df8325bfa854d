"""The report in a real browser: for keys, screen readers, every width and theme; what strangers wrote; and that it stays alone."""

from __future__ import annotations

import pytest

import goinspect
from goinspect.render.html.output import render
from goinspect.render.outputs import DrawOptions
from goinspect.render.svg.labels import visible
from tests.render.reports import ROWS, counted_by_hand, frames, opened
from tests.render.test_html import HOSTILE, hostile_profile, profile_of


def test_keys(visit, report):
    page = opened(visit, report)
    page.locator(".flame .chart canvas").focus()
    said = page.locator(".flame .said")
    page.keyboard.press("ArrowUp")
    assert said.inner_text().startswith("runtime.goexit, 90 samples, 90.0 % of total, own 0")
    page.keyboard.press("ArrowRight")
    assert said.inner_text().startswith("runtime.mcall, ")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    assert page.locator(".flame .ring").is_visible()
    page.keyboard.press("Enter")
    assert page.locator(".crumbs [aria-current]").inner_text() == "main.main"
    page.keyboard.press("i")
    assert page.get_by_label("Layout").input_value() == "icicle"
    page.keyboard.press("?")
    assert page.locator("dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()
    assert page.locator(".crumbs [aria-current]").inner_text() == "main.main"
    page.keyboard.press("2")
    page.locator(".table tbody tr[tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    second = page.evaluate("document.activeElement.querySelector('.name').innerText.trim()")
    assert second == page.evaluate(ROWS)[1][0]
    page.keyboard.press("Enter")
    assert page.locator(".middle").inner_text() == second
    page.get_by_role("tab", selected=True).focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", selected=True).inner_text() == "Lines"


def test_screen_readers_get_a_table(visit, report):
    page = opened(visit, report + "#view=table")
    tree = page.locator("body").aria_snapshot()
    assert 'table "Weights"' in tree
    assert 'columnheader "Own' in tree
    assert 'rowheader "strings.Index"' in tree
    assert 'cell "25.0 %"' in tree
    assert page.get_by_role("table", name="Weights").get_attribute("aria-rowcount") == str(
        len(counted_by_hand()) + 1
    )


def test_only_rows_in_sight_are_in_the_page(visit, tmp_path):
    (tmp_path / "many.folded").write_text("".join(f"main.main;main.f{i:05} {i + 1}\n" for i in range(30_000)))
    goinspect.flame(tmp_path / "many.folded").save(tmp_path / "many.html")
    page = opened(visit, (tmp_path / "many.html").as_uri() + "#view=table")
    assert page.evaluate(ROWS)[0][0] == "main.f29999"
    assert len(page.evaluate(ROWS)) < 80
    page.locator(".table tbody tr[tabindex='0']").focus()
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.querySelector('.name').innerText.trim()") == "main.main"
    assert len(page.evaluate(ROWS)) < 80
    page.keyboard.press("1")
    assert len(frames(page)) < 3000
    assert frames(page)[0]["total"] == 30_000 * 30_001 / 2


def test_odd_names_are_text(visit, tmp_path):
    path = tmp_path / "odd.html"
    path.write_text(render(hostile_profile(), DrawOptions("<b>&amp;.data", title="<b>&amp;</b>")), "utf-8")
    page = opened(visit, path.as_uri())
    assert page.title() == "<b>&amp;</b>"
    assert page.locator("h1").inner_text() == "<b>&amp;</b>"
    assert {frame["name"] for frame in frames(page)} == {"all", "main.main", *map(visible, HOSTILE)}
    for frame in frames(page):
        page.mouse.move(frame["x"] + 3, frame["y"] + 9)
        page.mouse.click(frame["x"] + 3, frame["y"] + 9)
        page.locator(".crumbs button").first.click()
    for view in "23451":
        page.keyboard.press(view)
        assert page.evaluate("document.querySelectorAll('script, img, main b:not(.tip b)').length") == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("2")
    shown = page.evaluate(ROWS)
    assert "</script><script>alert(1)</script>" in {row[0] for row in shown}


@pytest.mark.parametrize(("stacks", "total"), [([], 0), ([([], 5)], 5)], ids=["nothing", "no frames"])
def test_nothing_to_draw(stacks, total, visit, tmp_path):
    path = tmp_path / "empty.html"
    path.write_text(render(profile_of(*stacks), DrawOptions()), "utf-8")
    page = opened(visit, path.as_uri())
    assert page.locator(".flame .empty").is_visible() == (not total)
    assert sum(frame["total"] for frame in frames(page)) == total
    for view in "2345":
        page.keyboard.press(view)
    assert "Report" in page.locator(".facts-page").inner_text()


def test_the_policy_holds(context, report):
    page = context.new_page()
    page.goto(report)
    page.wait_for_selector("footer")
    tried = page.evaluate(
        """async () => {
          const found = [];
          document.addEventListener("securitypolicyviolation", (event) => found.push(event.effectiveDirective));
          const script = document.createElement("script");
          script.textContent = "window.broken = 1";
          document.body.append(script);
          const style = document.createElement("style");
          style.textContent = "body { color: red }";
          document.body.append(style);
          await new Promise((done) => setTimeout(done, 50));
          script.remove(); style.remove();
          return [found.sort(), window.broken];
        }"""
    )
    page.close()
    assert tried == [["script-src-elem", "style-src-elem"], None]


@pytest.mark.parametrize("width", [320, 700, 1400, 3840])
def test_fits_every_width(width, visit, recorded):
    page = opened(visit, recorded[1], width)
    for view in "12345":
        page.keyboard.press(view)
        sizes = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        assert sizes[0] == width
        assert sizes[1] == 900 or width < 460  # there the page scrolls
        over = page.evaluate(
            """() => [...document.querySelectorAll("button, select, input, h1")].filter(e => e.offsetParent &&
                 !e.closest(".crumbs, .legend, .table thead")).filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.innerText)"""
        )
        assert over == []


def test_names_stay_while_columns_go_by(visit, recorded):
    page = opened(visit, recorded[1] + "#view=table", 360)
    row = page.locator(".table tbody tr[aria-rowindex]").first
    before = row.locator(".name").bounding_box()["x"]
    assert row.locator("td").last.bounding_box()["x"] > 360
    page.evaluate("document.querySelector('.table .scroll').scrollLeft = 1000")
    assert row.locator("td").last.bounding_box()["x"] < 360
    assert abs(row.locator(".name").bounding_box()["x"] - before) <= 12


def test_dark_and_light(visit, report):
    page = opened(visit, report)
    read = "getComputedStyle(document.body).backgroundColor"
    light = page.locator(".flame .chart canvas").screenshot()
    assert page.evaluate(read) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(read) == "rgb(23, 24, 28)"
    assert page.locator(".flame .chart canvas").screenshot() != light


def test_print_shows_all_of_it_on_white(visit, tmp_path):
    deep = ";".join(f"main.f{i}" for i in range(120))
    (tmp_path / "a.folded").write_text(
        f"{deep} 10\n" + "".join(f"main.g{i:03};main.h 1\n" for i in range(300))
    )
    goinspect.flame(tmp_path / "a.folded").save(tmp_path / "a.html")
    page = opened(visit, (tmp_path / "a.html").as_uri(), 900, 500)
    page.emulate_media(color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".flame .chart canvas").bounding_box()["height"] == 18 * 121
    assert {frame["name"] for frame in frames(page)} >= {"main.f0", "main.f119"}
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator(".tabs").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".flame .chart canvas").bounding_box()["height"] < 500
    page.keyboard.press("2")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(page.evaluate(ROWS)) == 200


def test_fingers(browser, report):
    """A tap zooms, two focus, a long press opens the menu."""
    with browser.new_context(has_touch=True, viewport={"width": 360, "height": 700}) as context:
        page = context.new_page()
        page.goto(report)
        page.wait_for_selector("footer")
        frame = max((f for f in frames(page) if f["name"] == "main.serve"), key=lambda f: f["width"])
        page.touchscreen.tap(frame["x"] + 20, frame["y"] + 8)
        assert page.locator(".crumbs [aria-current]").inner_text() == "main.serve"
        assert page.locator(".chosen bdi").inner_text() == "main.serve"
        page.get_by_role("button", name="Actions").tap()
        page.get_by_role("menuitem", name="Only stacks through it").tap()
        assert page.locator(".only bdi").inner_text() == "main.serve"
        assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("options", [{"contrast": "more"}, {"forced_colors": "active"}])
def test_high_contrast(options, browser, report):
    with browser.new_context(**options) as context:
        page = context.new_page()
        page.goto(report)
        page.wait_for_selector("footer")
        assert frames(page)[0]["total"] == 100
        looks = page.evaluate("""() => { const [tab, other] = document.querySelectorAll('.tabs button');
            const look = (e) => { const s = getComputedStyle(e); return [s.outlineStyle, s.borderColor]; };
            return [look(tab), look(other)]; }""")
        assert looks[0] != looks[1]


AXE = "axe_playwright_python"


@pytest.mark.parametrize("view", ["flame", "table", "sandwich", "lines", "time", "facts"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(view, theme, browser, recorded):
    """What axe-core's rules ask of pages, those of best practice too."""
    axe = pytest.importorskip(f"{AXE}.sync_playwright").Axe()
    with browser.new_context(bypass_csp=True, color_scheme=theme) as context:
        page = context.new_page()
        page.goto(f"{recorded[1]}#view={view}&q=main")
        page.wait_for_selector("footer")
        found = axe.run(page).response
        assert len(found["passes"]) > 20
        told = {rule["id"]: [node["html"][:200] for node in rule["nodes"]] for rule in found["violations"]}
        assert told == {}
