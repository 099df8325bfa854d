"""The picture of a difference in a real browser: the script says what the still picture says."""

from __future__ import annotations

import pytest

import goinspect

BEFORE = "main.main;main.a 400\nmain.main;main.b 300\nmain.main;main.c 200\nmain.main;main.old 100\n"
AFTER = "main.main;main.a 405\nmain.main;main.b 900\nmain.main;main.c 80\nmain.main;main.new 60\n"


@pytest.fixture(params=[False, True])
def drawn(request, directory):
    for name, text in (("before", BEFORE), ("after", AFTER)):
        (directory / f"{name}.folded").write_text(text)
    flame = goinspect.flame(
        directory / "after.folded", diff=directory / "before.folded", diff_absolute=request.param
    )
    flame.save(directory / "difference.svg")
    return (directory / "difference.svg").as_uri()


def test_details_and_tooltips(drawn, visit):
    still = visit(drawn, still=True)
    titles = [title.text_content() for title in still.locator(".frames > g > title").all()]
    page = visit(drawn)
    for at, title in enumerate(titles):
        box = page.locator(".frames > g").nth(at)
        page.evaluate(
            "at => document.querySelectorAll('.frames > g')[at].querySelector('title').textContent = ''", at
        )
        box.dispatch_event("pointerover")
        assert box.locator("title").text_content() == title
        facts = page.locator(".facts").text_content()
        for line in title.split("\n")[2:]:
            assert line in facts


def test_the_legend_shows_what_a_colour_stands_for(drawn, visit):
    page = visit(drawn)
    key = page.locator(".key", has_text="new, or × 2").first
    key.dispatch_event("pointerenter")
    left = page.locator(".frames > g:not(.other) > title").all()
    assert {title.text_content().split("\n")[0] for title in left} >= {"main.new"}
    assert "main.a" not in {title.text_content().split("\n")[0] for title in left}
    key.dispatch_event("pointerleave")
    assert page.locator(".frames > g.other").count() == 0


def test_the_foot_says_what_is_gone(drawn, visit):
    page = visit(drawn)
    assert "1 function gone: main.old" in page.locator(".facts").text_content()
