"""The report in a real browser: views that follow each other, search, switches, address; and that it stays quiet and alone."""

from __future__ import annotations

import re
from collections import Counter

import pytest

import goinspect
from goinspect.render.html.output import render
from goinspect.render.outputs import DrawOptions
from goinspect.render.svg.labels import visible
from tests.conftest import FIXTURES
from tests.render.test_html import HOSTILE, hostile_profile, profile_of

FRAMES = """(i) => [...document.querySelectorAll("canvas")].filter(c => c.offsetParent)[i].frames()"""
ROWS = """() => [...document.querySelectorAll(".table tbody tr[aria-rowindex]")].map(r => [...r.children].map(c => c.innerText.trim()))"""
# Weights add up to 100: shares are easy to read.
STACKS = """
runtime.goexit;main.main;main.work;main.parse;encoding/json.Unmarshal 20
runtime.goexit;main.main;main.work;main.parse;main.helper_[i];runtime.mallocgc 10
runtime.goexit;main.main;main.work;main.helper_[i];strings.Index 25
runtime.goexit;main.main;main.serve;net/http.Serve;main.work;main.work;main.parse 15
runtime.goexit;main.main;main.serve;net/http.Serve;do_syscall_64_[k];vfs_write_[k] 20
runtime.mcall;runtime.schedule 10
""".strip()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("html")
    (folder / "a.folded").write_text(STACKS + "\n")
    path = folder / "a.html"
    goinspect.flame(folder / "a.folded").save(path)
    return path.as_uri()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    flame = goinspect.flame(
        FIXTURES / "go1.27-piestripped/perf.data", kallsyms=FIXTURES / "go1.27-piestripped/kallsyms"
    )
    path = tmp_path_factory.mktemp("html") / "recorded.html"
    flame.save(path)
    return flame, path.as_uri()


def opened(visit, uri, *place):
    page = visit(uri, *place)
    page.wait_for_selector("footer")
    return page


def frames(page, chart=0):
    return page.evaluate(FRAMES, chart)


def named(page, name, chart=0):
    return max(
        (frame for frame in frames(page, chart) if frame["name"] == name), key=lambda frame: frame["width"]
    )


def click(page, name, chart=0):
    frame = named(page, name, chart)
    page.mouse.click(frame["x"] + frame["width"] / 2, frame["y"] + 8)


def totals(page):
    """Weights of the functions in the table: own, total."""
    page.keyboard.press("2")
    return {row[0]: (int(row[1].split()[0]), int(row[3].split()[0])) for row in page.evaluate(ROWS)}


def counted_by_hand(left_out=lambda _name: False):
    own, total = Counter(), Counter()
    for line in STACKS.splitlines():
        stack, weight = line.rsplit(" ", 1)
        names = [name for name in stack.split(";") if not left_out(name)]
        plain = [re.sub(r"_\[.\]$", "", name) for name in names]
        if plain:
            own[plain[-1]] += int(weight)
        total.update(dict.fromkeys(set(plain), int(weight)))
    return {name: (own[name], total[name]) for name in total}


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
    plain = page.locator(".flame canvas").screenshot()
    page.keyboard.press("/")
    page.keyboard.type("work")
    assert page.locator(".flame canvas").screenshot() != plain
    page.keyboard.press("Enter")
    assert page.locator(".flame .said").inner_text().startswith("main.work, 55 samples, 55.0 % of total")
    page.keyboard.press("/")
    page.keyboard.press("Enter")
    assert page.locator(".flame .said").inner_text().startswith("main.work, 15 samples")


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


@pytest.mark.parametrize(
    ("part", "left_out"),
    [
        ("Inlined", lambda name: name.endswith("_[i]")),
        ("Kernel", lambda name: name.endswith("_[k]")),
        ("Runtime", lambda name: name.startswith("runtime.")),
    ],
)
def test_switches_give_the_weight_to_callers(part, left_out, visit, report):
    page = opened(visit, report)
    whole = frames(page)[0]["total"]
    page.get_by_role("checkbox", name=part).uncheck()
    assert frames(page)[0]["total"] == whole == 100
    assert totals(page) == counted_by_hand(left_out)
    page.get_by_role("checkbox", name=part).check()
    assert totals(page) == counted_by_hand()
    page.go_back()
    page.go_back()
    assert not page.get_by_role("checkbox", name=part).is_checked()


def test_a_switch_keeps_the_place(visit, report):
    page = opened(visit, report)
    click(page, "net/http.Serve")
    page.get_by_role("checkbox", name="Runtime").uncheck()
    assert [part.inner_text() for part in page.locator(".crumbs button").all()] == [
        "all", "main.main", "main.serve", "net/http.Serve",
    ]  # fmt: skip


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
    page.keyboard.press("4")
    facts = page.locator(".facts-page").inner_text()
    for part in flame.summary.split(", "):
        assert part in facts


@pytest.mark.parametrize("options", [{"kernel": False}, {"inlines": False}])
def test_switches_do_what_options_do(options, visit, recorded):
    _, uri = recorded
    folder = FIXTURES / "go1.27-piestripped"
    other = goinspect.flame(folder / "perf.data", kallsyms=folder / "kallsyms", **options)
    page = opened(visit, uri)
    page.get_by_role("checkbox", name="Kernel" if "kernel" in options else "Inlined").uncheck()
    page.keyboard.press("2")
    expected = {row.function: row for row in other.top()}
    assert page.locator(".count").inner_text() == f"{len(expected)} functions"
    page.get_by_role("button", name="Total", exact=True).click()
    samples = {row[0]: row[4] for row in page.evaluate(ROWS)[:15]}
    for name, share in samples.items():
        assert share == f"{100 * expected[name].total / other.total:.1f} %"


def test_keys(visit, report):
    page = opened(visit, report)
    page.locator(".flame canvas").focus()
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
    assert page.get_by_role("tab", selected=True).inner_text() == "Facts"


def test_screen_readers_get_a_table(visit, report):
    page = opened(visit, report + "#view=table")
    tree = page.locator("body").aria_snapshot()
    assert 'table "Weights"' in tree
    assert 'columnheader "Own' in tree
    assert 'rowheader "strings.Index"' in tree
    assert 'cell "25.0 %"' in tree
    assert page.locator("table").get_attribute("aria-rowcount") == str(len(counted_by_hand()) + 1)


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
        page.go_back() if frame["node"] else None
    for view in "2341":
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
    for view in "234":
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


@pytest.mark.parametrize("width", [360, 700, 1400, 2560])
def test_fits_every_width(width, visit, recorded):
    page = opened(visit, recorded[1], width)
    for view in "1234":
        page.keyboard.press(view)
        assert page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        ) == [width, 900]
        over = page.evaluate(
            """() => [...document.querySelectorAll("button, select, input, h1")].filter(e => e.offsetParent &&
                 !e.closest(".crumbs, .legend")).filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.innerText)"""
        )
        assert over == []


def test_dark_and_light(visit, report):
    page = opened(visit, report)
    read = "getComputedStyle(document.body).backgroundColor"
    light = page.locator(".flame canvas").screenshot()
    assert page.evaluate(read) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(read) == "rgb(23, 24, 28)"
    assert page.locator(".flame canvas").screenshot() != light
