"""The terminal's views, driven by Textual's Pilot, against counting the stacks by hand."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

import goinspect
from goinspect.tui.app import FlameApp
from goinspect.tui.chart import Chart
from goinspect.tui.head import Head
from goinspect.tui.model import Model
from goinspect.tui.table import Table
from tests.conftest import FIXTURES
from tests.render.reports import STACKS, counted_by_hand


def text_of(widget):
    """Lines of a widget as they are shown."""
    return [widget.render_line(y).text for y in range(widget.size.height)]


def driven(profile, script, size=(101, 24), path="a.folded"):
    """Run a coroutine that drives the application."""

    async def run():
        app = FlameApp(Model(profile, path))
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await script(app, pilot)
        return app

    return asyncio.run(run())


async def press(pilot, *keys):
    await pilot.press(*keys)
    await pilot.pause()


def status(app):
    return str(app.query_one("#status").render()).split("\n")


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    path = tmp_path_factory.mktemp("tui") / "a.folded"
    path.write_text(STACKS + "\n")
    return goinspect.flame(path).profile


def boxes(app, chart="#flame"):
    """Name, column and width of what is in each row."""
    found = app.query_one(chart, Chart)
    return [
        [(found.merged.frame(box.node).name, box.x, box.width) for box in row if box.node >= 0] for row in found.boxes
    ]  # fmt: skip


def test_widths_are_weights(profile):
    async def script(app, _pilot):
        rows = boxes(app)
        width = app.flame.size.width
        assert width == 101
        assert rows[0] == [("all", 0, width)]
        assert status(app)[0] == "all"
        first = Counter()
        for line in STACKS.splitlines():
            stack, weight = line.rsplit(" ", 1)
            first[stack.split(";")[0]] += int(weight)
        for name, _, wide in rows[1]:
            assert wide == pytest.approx(first[name] * width / 100, abs=1)
        assert [name for name, _, _ in rows[1]] == sorted(first)
        lines = text_of(app.flame)
        assert lines[0].startswith("▏all")
        assert "▏runtime.goexit" in lines[1]
        assert lines[1].index("▏mcall") == rows[1][1][1]  # there is room for no more
        for row, line in zip(rows, lines, strict=False):
            for _, x, _wide in row:
                assert line[x] == "▏"

    driven(profile, script)


def test_keys_zoom_and_status(profile):
    async def script(app, pilot):
        await press(pilot, "down")
        assert status(app) == [
            "runtime.goexit",
            "total 90 samples (90.0 %) · own 0 samples (0 %) · Go runtime · runtime",
        ]
        await press(pilot, "right")
        assert status(app)[0] == "runtime.mcall"
        await press(pilot, "left", "down", "down")
        assert status(app)[0] == "main.work"
        await press(pilot, "enter")
        assert [row[0] for row in boxes(app)[:4]] == [
            (name, 0, 101) for name in ("all", "runtime.goexit", "main.main", "main.work")
        ]  # fmt: skip
        assert app.selected == "main.work"
        await press(pilot, "up")
        assert status(app)[0] == "main.main"
        await press(pilot, "down")
        assert status(app)[0] == "main.work"
        await press(pilot, "escape")
        assert len(boxes(app)[3]) > 1
        await press(pilot, "home")
        assert status(app)[0] == "all"
        before = text_of(app.flame)
        await press(pilot, "i")
        assert text_of(app.flame)[-1].startswith("▏all")
        await press(pilot, "up")
        assert status(app)[0] == "runtime.goexit"
        await press(pilot, "i", "home")
        assert text_of(app.flame) == before
        await press(pilot, "o")
        assert boxes(app)[3][0][0] == "main.work"

    driven(profile, script)


def test_search(profile):
    async def script(app, pilot):
        await press(pilot, "slash", *"parse")
        assert status(app)[1].startswith("found 1 function: 45 samples (45.0 %), own 15.0 %")
        await press(pilot, "enter")
        assert status(app)[0] == "main.parse"
        first = app.flame.cursor
        await press(pilot, "n")
        assert status(app)[0] == "main.parse"
        assert app.flame.cursor != first
        await press(pilot, "N")
        assert app.flame.cursor == first
        await press(pilot, "2")
        assert [row.name for row in app.table.rows] == ["main.parse"]
        await press(pilot, "escape")
        assert len(app.table.rows) == len(counted_by_hand())
        await press(pilot, "slash", *"kind:kernel")
        assert {row.name for row in app.table.rows} == {"do_syscall_64", "vfs_write"}
        assert "20 samples (20.0 %)" in status(app)[1]
        await press(pilot, "escape", "slash", *"/(/")
        assert status(app)[1].startswith("invalid pattern")
        await press(pilot, "escape")
        assert status(app)[1] == ""

    driven(profile, script)


def test_what_is_too_narrow_is_found(tmp_path):
    (tmp_path / "a.folded").write_text(
        "main.main;main.big 9900\n" + "".join(f"main.main;main.f{i:02};main.tiny{i} 2\n" for i in range(50))
    )

    async def script(app, pilot):
        assert "main.tiny" not in str(boxes(app))
        assert text_of(app.flame)[2].rstrip().endswith("·")
        await press(pilot, "slash", *"tiny7", "enter")
        assert status(app)[0] == "main.tiny7"
        assert "main.tiny7" in str(boxes(app))
        await press(pilot, "escape", "escape")

    driven(goinspect.flame(tmp_path / "a.folded").profile, script)


def test_table(profile):
    async def script(app, pilot):
        await press(pilot, "2")
        expected = counted_by_hand()
        shown = {row.name: (row.own, row.total) for row in app.table.rows}
        assert shown == expected
        lines = text_of(app.table)
        assert lines[1].split() == [
            "25",
            "samples",
            "25.0",
            "%",
            "25",
            "samples",
            "25.0",
            "%",
            "strings.Index",
        ]
        await press(pilot, "o")
        assert app.table.rows[0].name == "main.main"
        await press(pilot, "o")
        assert [row.name for row in app.table.rows] == sorted(expected)
        await press(pilot, "end", "space")
        assert app.selected == max(expected)
        await press(pilot, "home", "down", "enter")
        assert app.view == "sandwich"
        assert app.selected == sorted(expected)[1]

    driven(profile, script)


def test_sandwich(profile):
    async def script(app, pilot):
        await press(pilot, "3")
        assert "strings.Index" in str(app.query_one("#middle").render())  # the heaviest
        app.selected = "main.work"
        app.show()
        await pilot.pause()
        assert (
            str(app.query_one("#middle").render())
            == "main.work  total 70 samples (70.0 %) · own 0 samples (0 %)"
        )
        totals = {}
        for chart in ("#callers", "#callees"):
            merged = app.query_one(chart, Chart).merged
            totals[chart] = Counter(
                {(merged.frame(node).name, merged.total[node]): 1 for node in range(1, len(merged))}
            )
        assert set(totals["#callers"]) == {
            ("main.main", 55), ("runtime.goexit", 55), ("net/http.Serve", 15), ("main.serve", 15), ("main.main", 15), ("runtime.goexit", 15),
        }  # fmt: skip
        assert set(totals["#callees"]) == {
            ("main.parse", 30), ("main.helper", 25), ("main.work", 15), ("encoding/json.Unmarshal", 20), ("main.helper", 10),
            ("runtime.mallocgc", 10), ("strings.Index", 25), ("main.parse", 15),
        }  # fmt: skip
        assert "main.main" in text_of(app.query_one("#callers"))[-1]  # next to the function
        assert "main.parse" in text_of(app.query_one("#callees"))[0]
        await press(pilot, "right", "enter")
        assert app.selected != "main.work"

    driven(profile, script)


def test_mouse(profile):
    async def script(app, pilot):
        name, x, width = next(box for box in boxes(app)[3] if box[0] == "main.serve")
        await pilot.hover("#flame", offset=(x + width // 2, 3))
        await pilot.pause()
        assert status(app)[0] == name
        await pilot.click("#flame", offset=(x + width // 2, 3))
        await pilot.pause()
        assert boxes(app)[3] == [("main.serve", 0, 101)]
        await pilot.click(Head, offset=(12, 0))
        await pilot.pause()
        assert app.view == "table"
        await pilot.click(Table, offset=(5, 3))
        await pilot.pause()
        assert app.selected == app.table.rows[2].name
        await pilot.click(Head, offset=(22, 0))
        await pilot.pause()
        assert app.view == "sandwich"
        await pilot.click(Head, offset=(2, 0))
        await press(pilot, "question_mark")
        assert len(app.screen_stack) == 2
        await press(pilot, "escape")
        assert len(app.screen_stack) == 1

    driven(profile, script)


HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "[bold]x[/bold]",
    "[link=http://x]y[/]",
    "\u202eevil",
    "a\tb\rc",
    "漢字の名前",
    "\x9b2J",
    "$foreground",
]


def test_hostile_names(tmp_path):
    (tmp_path / "h.folded").write_text(
        "".join(f"main.main;{name} {i + 10}\n" for i, name in enumerate(HOSTILE)), "utf-8"
    )

    async def script(app, pilot):
        for keys in (("down", "down"), ("right",), ("enter",), ("2",), ("down",), ("3",)):
            await press(pilot, *keys)
            for y in range(app.size.height):
                line = "".join(segment.text for segment in app.screen._compositor.render_strips()[y])
                assert not set(line) & {"\x1b", "\x9b", "\u202e", "\t", "\r"}
        await press(pilot, "2")
        shown = "\n".join(text_of(app.table))
        for name in ("\\x1b[31mred\\x1b[0m", "[bold]x[/bold]", "\\u202eevil", "漢字の名前", "$foreground"):
            assert name in shown
        assert all(
            strip.cell_length == app.table.size.width for strip in map(app.table.render_line, range(10))
        )
        await press(pilot, "1", "home", "down", "down")
        assert all(
            strip.cell_length == app.flame.size.width for strip in map(app.flame.render_line, range(4))
        )

    driven(goinspect.flame(tmp_path / "h.folded").profile, script, path="\x1b[31m.folded")


@pytest.mark.parametrize("size", [(80, 24), (20, 6), (300, 80)])
def test_sizes(size):
    """A real recording in every view; its numbers are those of the picture."""
    folder = FIXTURES / "go1.27-piestripped"
    flame = goinspect.flame(
        folder / "perf.data", kallsyms=folder / "kallsyms", binaries=[folder / "workload"]
    )
    own = Counter()
    for line in flame.text("folded").splitlines():
        stack, weight = line.rsplit(" ", 1)
        own[stack.split(";")[-1]] += int(weight)  # ";" in names is written ":" there

    async def script(app, pilot):
        for keys in (
            ("down", "down", "down"),
            ("enter",),
            ("pagedown",),
            ("3",),
            ("down",),
            ("2",),
            ("pagedown",),
            ("t",),
        ):
            await press(pilot, *keys)
        rows = {row.name: row.own for row in app.table.rows}
        assert {name.replace(";", ":"): weight for name, weight in rows.items() if weight} == dict(own)
        await pilot.resize_terminal(60, 15)
        await pilot.pause()
        await press(pilot, "1")

    driven(flame.profile, script, size=size, path="perf.data")


def test_nothing_recorded(tmp_path):
    (tmp_path / "none.folded").write_text("main.main 0\n")

    async def script(app, pilot):
        for key in "123":
            await press(pilot, key, "down", "enter")

    driven(goinspect.flame(tmp_path / "none.folded").profile, script)


def test_two_profiles(tmp_path):
    (tmp_path / "a.folded").write_text("main.main;main.slow 10\nmain.main;main.same 50\n")
    (tmp_path / "b.folded").write_text("main.main;main.slow 90\nmain.main;main.same 50\n")
    flame = goinspect.flame(tmp_path / "b.folded", diff=tmp_path / "a.folded", diff_absolute=True)

    async def script(app, pilot):
        await press(pilot, "down", "down")
        assert status(app)[0] == "main.slow"
        assert "before 10 samples" in status(app)[1]
        merged = app.flame.merged
        assert {merged.frame(node).name: merged.color(node) for node in range(len(merged))}[
            "main.slow"
        ] == "d3"

    driven(flame.profile, script)


def test_leaving(profile):
    async def script(_app, pilot):
        await press(pilot, "q")

    assert driven(profile, script).return_code == 0

    async def interrupt(_app, pilot):
        await press(pilot, "ctrl+c")

    assert driven(profile, interrupt).return_code == 130
