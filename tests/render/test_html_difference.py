"""The report of two profiles in a real browser: both sides, what changed and what did not, as the list of movers says."""

from __future__ import annotations

import pytest

import goinspect
from goinspect.render.difference.words import change_words
from tests.render.reports import ROWS, frames, named, opened
from tests.render.test_difference_browser import AFTER, BEFORE


@pytest.fixture(params=[False, True], ids=["per sample", "absolute"])
def both(request, tmp_path):
    for name, text in (("before", BEFORE), ("after", AFTER)):
        (tmp_path / f"{name}.folded").write_text(text)
    flame = goinspect.flame(
        tmp_path / "after.folded", diff=tmp_path / "before.folded", diff_absolute=request.param
    )
    flame.save(tmp_path / "a.html")
    return flame, (tmp_path / "a.html").as_uri()


def test_the_table_lists_the_movers(both, visit):
    flame, uri = both
    page = opened(visit, uri + "#view=table")
    rows, movers = page.evaluate(ROWS), flame.movers()
    assert [row[0] for row in rows] == [mover.function for mover in movers]
    arrows = {"new": "new ", "grew": "▲ ", "shrank": "▼ ", "gone": "gone "}
    for row, mover in zip(rows, movers, strict=True):
        for cells, change in ((row[1:4], mover.own), (row[4:7], mover.total)):
            if not change.other and not change.base:
                continue
            assert cells[1:] == [f"{change.other:,}", f"{change.base:,}"]
            assert cells[0].startswith(
                arrows.get(change.what, "the same" if change.what == "same" else f"{change.delta:+,}")
            )
            assert f"{change.delta:+,} ± {2 * change.error:,}" in cells[0] or change.what == "same"
            assert not change.factor or change.what == "same" or f"× {change.factor:.2f}" in cells[0]
    for what, there in (("new", {"main.new"}), ("gone", {"main.old"})):
        page.get_by_label("Show").select_option(what)
        assert {row[0] for row in page.evaluate(ROWS)} == there
    page.get_by_label("Show").select_option("changed")
    assert {row[0] for row in page.evaluate(ROWS)} == {
        mover.function
        for mover in movers
        if {mover.own.what, mover.total.what} & {"new", "grew", "shrank", "gone"}
    }


def test_frames_say_what_became_of_them(both, visit):
    flame, uri = both
    page = opened(visit, uri)
    movers = {mover.function: mover for mover in flame.movers()}
    for frame in frames(page)[2:]:
        page.mouse.move(frame["x"] + frame["width"] / 2, frame["y"] + 9)
        tip = page.locator(".flame .now .tip").inner_text()
        mover = movers[frame["name"]]
        # Of five frames, and five functions, as many errors are noise.
        for line in (
            change_words(mover.total, mover.own, 1000, "samples").replace("self ", "own ").split("\n")
        ):
            assert line.partition(", before ")[2] in tip


def test_both_sides_zoom_together(both, visit):
    _, uri = both
    page = opened(visit, uri)
    assert named(page, "main.new")["width"] > 50
    assert "main.old" not in {frame["name"] for frame in frames(page)}
    page.get_by_label("Width").select_option("both")
    before, now = frames(page, 0), frames(page, 1)
    shares = [{f["name"]: f["width"] / side[0]["width"] for f in side} for side in (before, now)]
    assert shares[0]["main.old"] == pytest.approx(0.1)
    assert shares[1]["main.b"] == pytest.approx(900 / 1445)
    assert "main.new" not in shares[0]
    frame = named(page, "main.b", 0)
    page.mouse.click(frame["x"] + frame["width"] / 2, frame["y"] + 8)
    assert named(page, "main.b", 1)["width"] == frames(page, 1)[0]["width"]
    page.keyboard.press("Escape")
    page.get_by_label("Width").select_option("before")
    assert named(page, "main.old")["width"] == pytest.approx(frames(page)[0]["width"] / 10)
    assert page.get_by_role("heading", name="before: ").is_visible()


def test_colours_of_a_difference(both, visit):
    """What grew is red, what shrank blue, and what did not change grey; packages have colours, too."""
    flame, uri = both
    page = opened(visit, uri)

    def color(name):
        frame = named(page, name)
        at = {"x": frame["x"] + frame["width"] - 6, "y": frame["y"] + 3}
        return page.evaluate(
            """({x, y}) => { const c = [...document.querySelectorAll("canvas")].filter(c => c.frames && c.offsetParent)[0];
            const { left, top } = c.getBoundingClientRect(), r = devicePixelRatio;
            const copy = new OffscreenCanvas(c.width, c.height).getContext("2d", { willReadFrequently: true });
            copy.drawImage(c, 0, 0);
            return [...copy.getImageData((x - left) * r, (y - top) * r, 1, 1).data]; }""",
            at,
        )

    red, blue, grey = (color(f"main.{name}") for name in "bca")
    assert red[0] > red[2] + 60
    assert blue[2] > blue[0] + 60
    if flame.profile.difference.absolute:  # 400 and 405; of all samples main.a has less
        assert max(grey[:3]) - min(grey[:3]) < 12
    page.get_by_label("Colours").select_option("package")
    assert color("main.a") not in (red, blue, grey)
    again = opened(visit, page.url)
    assert again.get_by_label("Colours").input_value() == "package"
