"""The report in a real browser: frames that are switched off or folded, and what their weight becomes."""

from __future__ import annotations

import pytest

import goinspect
from tests.conftest import FIXTURES
from tests.render.reports import ROWS, click, counted_by_hand, frames, opened, totals


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


def test_callees_of_what_is_switched_off_stand_in_their_order(visit, tmp_path):
    """More of them than are looked for one after another, and in another order than their callers."""
    lines = [f"main.main;runtime.f{i:03};main.g{i * 73 % 300:03};main.h 2" for i in range(300)]
    lines += [f"main.main;main.g{i:03};main.h 3" for i in range(0, 300, 3)]
    lines += [f"main.main;runtime.f{i:03};main.g{i:03} 1" for i in range(0, 300, 5)]
    (tmp_path / "a.folded").write_text("\n".join(lines) + "\n")
    goinspect.flame(tmp_path / "a.folded").save(tmp_path / "a.html")
    page = opened(visit, (tmp_path / "a.html").as_uri())
    page.get_by_role("checkbox", name="Runtime").uncheck()
    drawn = [frame for frame in frames(page) if frame["name"].startswith("main.g")]
    truth = {
        f"main.g{i:03}": 2 + 3 * (i % 3 == 0) + (i % 5 == 0) for i in range(300)
    }  # 73 and 300 have no divisor in common
    assert {frame["name"]: frame["total"] for frame in drawn} == truth
    assert len(drawn) == 300
    names = [frame["name"] for frame in sorted(drawn, key=lambda frame: frame["x"])]
    assert names == sorted(truth)
    assert totals(page)["main.h"] == (900, 900)


FOLDED = """
runtime.goexit;main.main.func2;main.walk;main.visit;main.walk;main.visit;main.walk;os.ReadDir 40
runtime.goexit;main.main;main.main.func1;main.main.func1.1;main.walk;main.walk;main.walk 25
runtime.goexit;main.main;sort.Slice;main.main.func1;main.(*T).Run.gowrap1;main.Map[go.shape.int].func3 20
runtime.goexit;main.glob..func1;main.init.0;main.init.0.func1 15
"""


def test_closures_count_as_their_functions(visit, tmp_path):
    (tmp_path / "a.folded").write_text(FOLDED)
    goinspect.flame(tmp_path / "a.folded").save(tmp_path / "a.html")
    page = opened(visit, (tmp_path / "a.html").as_uri())
    page.get_by_role("checkbox", name="Closures").uncheck()
    assert {(frame["name"], frame["total"]) for frame in frames(page)[1:]} == {
        ("runtime.goexit", 100), ("main.main", 85), ("main.walk", 65), ("main.walk", 40), ("main.visit", 40), ("os.ReadDir", 40), ("main.walk", 25),
        ("sort.Slice", 20), ("main.main", 20), ("main.(*T).Run", 20), ("main.Map[go.shape.int]", 20), ("main.glob..func1", 15),
        ("main.init.0", 15),
    }  # fmt: skip
    assert totals(page)["main.main"] == (0, 85)
    assert totals(page)["main.init.0"] == (15, 15)
    assert not any(".func" in name and "glob" not in name for name in totals(page))


def test_recursion_is_merged(visit, tmp_path):
    (tmp_path / "a.folded").write_text(FOLDED)
    goinspect.flame(tmp_path / "a.folded").save(tmp_path / "a.html")
    page = opened(visit, (tmp_path / "a.html").as_uri())
    before = totals(page)
    page.get_by_role("checkbox", name="Recursion").uncheck()
    assert totals(page) == before  # what goes through a function stays
    page.keyboard.press("1")
    drawn = [(frame["name"], frame["total"]) for frame in frames(page)]
    assert drawn.count(("main.walk", 40)) == 2  # around main.visit, and before os.ReadDir
    assert drawn.count(("main.visit", 40)) == 1
    assert drawn.count(("main.walk", 25)) == 1


def test_a_switch_keeps_the_place(visit, report):
    page = opened(visit, report)
    click(page, "net/http.Serve")
    page.get_by_role("checkbox", name="Runtime").uncheck()
    assert [part.inner_text() for part in page.locator(".crumbs button").all()] == [
        "all", "main.main", "main.serve", "net/http.Serve",
    ]  # fmt: skip


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
