"""The report over time: single samples in its columns, and in a real browser the heat map and what is chosen of the time."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, pairwise
from urllib.parse import parse_qs

import pytest

import goinspect
from goinspect.views.waits import with_waits
from tests.render.outputs import read_report
from tests.render.reports import ROWS, click, frames, named, opened
from tests.render.test_html import recording
from tests.render.timed import PERIOD, SAMPLES, by_hand, script, switched

CELLS = "document.querySelector('.heat canvas').cells()"


@pytest.fixture(scope="module")
def timed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("timed")
    (folder / "perf.txt").write_text(script())
    goinspect.flame(folder / "perf.txt").save(folder / "timed.html")
    return (folder / "timed.html").as_uri()


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("switches")
    path, samples, waits = switched(folder)
    goinspect.flame(path).save(folder / "waiting.html")
    goinspect.flame(path, off_cpu=True).save(folder / "waiting-alone.html")
    return (folder / "waiting.html").as_uri(), samples, waits


def chosen(page):
    """What of the time the address tells, in ms."""
    told = parse_qs(page.evaluate("location.hash.slice(1)"))
    return tuple(int(told.get(name, ["0"])[0]) for name in ("begin", "end"))


def shown(page):
    """Totals of the functions in the table, in samples."""
    page.keyboard.press("2")
    return {row[0]: int(row[5]) for row in page.evaluate(ROWS)}


# --- columns ---


def test_samples_are_those_that_perf_tells(tmp_path):
    path, samples, waits = switched(tmp_path)
    head, column = read_report(goinspect.flame(path).text("html"))
    begin = min(samples[0][0], waits[0][0])
    for name, truth in (("sample", samples), ("wait", waits)):
        told = head["times"][f"{name}s"]
        assert list(accumulate(column[f"{name}_time"])) == [(time - begin) // 1000 for time, _, _ in truth]
        found = column.get(f"{name}_weight", [told["weight"] // told["scale"]] * len(truth))
        assert [weight * told["scale"] for weight in found] == [weight for _, weight, _ in truth]
        threads = [
            head["labels"]["thread"][column["label_thread"][row] - 1] for row in column[f"{name}_stack"]
        ]
        assert [int(thread.split()[-1]) for thread in threads] == [tid for _, _, tid in truth]
    counts = Counter(column["sample_stack"])
    assert [counts[row] for row in range(len(column["size"]))] == column["samples"]
    assert not {row for row in column["wait_stack"] if column["samples"][row]}


def test_stacks_are_in_the_order_of_their_frames(tmp_path):
    _, column = read_report(goinspect.flame(recording("go1.27-piestripped", tmp_path)).text("html"))
    ends = list(accumulate(column["size"]))
    stacks = [column["frame"][end - size : end] for size, end in zip(column["size"], ends, strict=True)]
    assert max(map(len, stacks)) > 100
    assert stacks == sorted(stacks)


def test_samples_of_what_was_asked_for(tmp_path):
    path, samples, _ = switched(tmp_path)
    some = goinspect.flame(path, seconds=(0.01, 0.02), tids=[samples[0][2]])
    _, column = read_report(some.text("html"))
    truth = [t for t, _, tid in samples if tid == samples[0][2] and 10**7 <= t - samples[0][0] < 2 * 10**7]
    assert len(column["sample_time"]) == len(truth) > 0
    head, column = read_report(goinspect.flame(path, off_cpu=True).text("html"))
    assert "waits" not in head["times"]
    assert head["times"]["samples"]["name"] == "off-CPU"


def test_samples_know_their_cpu_and_stack(tmp_path):
    (tmp_path / "perf.txt").write_text(script())
    for focus, truth in ((None, sorted(SAMPLES)), ("serve", sorted(s for s in SAMPLES if "serve" in s[3]))):
        head, column = read_report(goinspect.flame(tmp_path / "perf.txt", focus=focus).text("html"))
        assert head["times"]["cpus"] == sorted({cpu for _, _, cpu, _ in truth})
        assert [head["times"]["cpus"][row - 1] for row in column["sample_cpu"]] == [
            cpu for _, _, cpu, _ in truth
        ]
        ends = [0, *accumulate(column["size"])]
        names = [head["functions"][row] for row in column["function"]]
        stacks = [";".join(names[row] for row in column["frame"][a:b]) for a, b in pairwise(ends)]
        assert [stacks[row] for row in column["sample_stack"]] == [stack for _, _, _, stack in truth]


@pytest.mark.parametrize("text", ["main.a;main.b 3\n", "x 1 \n\t4000 main.a+0x1 (/bin/x)\n\n" * 3])
def test_what_has_no_times(text, tmp_path):
    (tmp_path / "a.txt").write_text(text)
    head, column = read_report(goinspect.flame(tmp_path / "a.txt").text("html"))
    assert head["times"] is None
    assert not {name for name in column if name.startswith(("sample_", "wait_"))}


def test_several_recordings_have_no_common_clock(tmp_path):
    (tmp_path / "perf.txt").write_text(script())
    both = goinspect.flame(tmp_path / "perf.txt", tmp_path / "perf.txt")
    assert read_report(both.text("html"))[0]["times"] is None


def test_waits_stand_behind_samples(tmp_path):
    path, _, _ = switched(tmp_path)
    samples, waits = goinspect.flame(path).stacks, goinspect.flame(path, off_cpu=True, by="thread").stacks
    both = with_waits(samples, waits)
    count = len(samples)
    assert both.weight.tolist() == [*samples.weight.tolist(), *[0] * len(waits)]
    for part, begin in ((samples, 0), (waits, count)):
        for i in range(len(part)):
            names = [part.frames[row] for row in part.frame[part.start[i] : part.start[i + 1]]]
            assert [
                both.frames[row] for row in both.frame[both.start[begin + i] : both.start[begin + i + 1]]
            ] == names
        for name in ("process", "thread"):
            told = part.labels.get(name)
            rows = both.labels[name].row[begin : begin + len(part)].tolist()
            values = [None if row < 0 else both.labels[name].values[row] for row in rows]
            assert values == [None if told is None or row < 0 else told.values[row] for row in (told.row.tolist() if told else [-1] * len(part))]  # fmt: skip


# --- in a browser ---


def test_a_part_of_the_time_is_all_that_is_shown(visit, timed):
    page = opened(visit, timed + "#begin=5000&end=13000")
    truth = by_hand(5000, 13_000)
    assert {f["name"]: f["total"] for f in frames(page)}["main.serve"] == truth["main.serve"] * PERIOD
    assert shown(page) == truth
    count = truth["main.main"]
    said = page.locator(".strip .part")
    share = f"{100 * count / len(SAMPLES):.1f} %"
    assert said.inner_text() == f"5.000 s \u2013 13.000 s: {count} samples, {count} ms, {share} of all"
    page.locator("input[type=search]").fill("main.write")
    assert f"{100 * truth['main.write'] / count:.1f} %" in page.locator(".matched").inner_text()
    page.keyboard.press("Escape")
    page.locator(".table tbody tr", has_text="main.serve").click()
    assert f"{100 * truth['main.serve'] / count:.1f} %" in page.locator(".chosen").inner_text()
    page.keyboard.press("s")
    assert f"total {truth['main.serve']}" in page.locator(".sandwich .facts").inner_text()
    assert {f["name"] for f in frames(page, 1)} == {"main.serve", "main.parse", "main.write"}
    page.keyboard.press("Escape")
    assert chosen(page) == (0, 0)
    page.go_back()
    assert chosen(page) == (5000, 13_000)
    assert shown(page) == truth
    nothing = opened(visit, timed + "#begin=11000&end=11900")
    assert nothing.locator(".flame .empty").inner_text() == "Nothing in the chosen part of the time."
    nothing.get_by_role("button", name="Whole time").click()
    click(nothing, "main.close")
    nothing.locator(".strip canvas").focus()
    nothing.keyboard.press("ArrowRight")
    assert nothing.locator(".flame .empty").inner_text() == "Nothing of it in the chosen part of the time."
    nothing.keyboard.press("s")
    assert "Nothing of it in the chosen" in nothing.locator(".sandwich").inner_text()


@pytest.mark.parametrize("address", ["#begin=9&end=3", "#begin=999999999&end=9999999999", "#begin=x&end=5.5"])
def test_a_part_that_is_none_is_all(address, visit, timed):
    page = opened(visit, timed + address)
    assert frames(page)[0]["total"] == len(SAMPLES) * PERIOD
    assert page.get_by_role("button", name="Whole time").is_hidden()


def test_a_pointer_chooses_on_the_axis(visit, timed):
    page = opened(visit, timed)
    box = page.locator(".strip canvas").bounding_box()
    at = [box["x"] + box["width"] * part for part in (0.6, 0.2)]
    page.mouse.move(at[0], box["y"] + 9)
    page.mouse.down()
    page.mouse.move(at[1] + 30, box["y"] + 9)
    page.mouse.move(at[1], box["y"] + 9)
    page.mouse.up()
    begin, end = chosen(page)
    length = max(SAMPLES)[0] - min(SAMPLES)[0]
    assert (begin, end) == (pytest.approx(0.2 * length, abs=40), pytest.approx(0.6 * length, abs=40))
    page.go_back()
    assert chosen(page) == (0, 0)
    page.go_forward()
    assert shown(page) == by_hand(begin, end)
    page.mouse.click(at[0], box["y"] + 9)
    assert chosen(page) == (0, 0)
    assert shown(page) == by_hand()


def test_keys_choose_on_the_axis(visit, timed):
    page = opened(visit, timed)
    page.locator(".strip canvas").focus()
    press = page.keyboard.press
    press("ArrowRight")
    begin, end = chosen(page)
    step = end - begin
    assert begin == 0 < step < max(SAMPLES)[0] / 50
    press("ArrowRight")
    assert chosen(page) == (step, 2 * step)
    press("Shift+ArrowRight")
    assert chosen(page) == (step, 3 * step)
    assert str(by_hand(step, 3 * step)["main.main"]) in page.locator(".strip .part").inner_text()
    press("ArrowLeft")
    assert chosen(page) == (0, 2 * step)
    press("End")
    assert chosen(page)[1] - chosen(page)[0] == pytest.approx(2 * step, abs=1)
    press("Escape")
    assert chosen(page) == (0, 0)
    page.go_back()
    assert chosen(page)[1] > 0


def test_siblings_in_the_order_of_their_time(visit, timed):
    page = opened(visit, timed + "#order=time")
    late = opened(visit, timed + "#order=time&begin=19000&end=30000")
    for one, begin in ((page, 0), (late, 19_000)):
        first = {}
        for at, _, _, stack in sorted(SAMPLES):
            if at - min(SAMPLES)[0] >= begin:
                first.setdefault(stack.split(";")[1], at)
        drawn = [f for f in frames(one) if f["name"] in first]
        order = [f["name"] for f in sorted(drawn, key=lambda f: f["x"])]
        assert order == sorted(first, key=first.get)
    assert named(page, "main.load")["x"] < named(page, "main.close")["x"]
    page.get_by_label("Order").select_option("name")
    assert named(page, "main.close")["x"] < named(page, "main.load")["x"]


@pytest.mark.parametrize("rows", ["cpu", "thread", "second"])
def test_heat_map(rows, visit, timed):
    page = opened(visit, timed + f"#view=time&rows={rows}")
    cells = page.evaluate(CELLS)
    first = min(SAMPLES)[0]
    if rows == "second":
        truth = Counter(round((at - first) // 20) for at, _, _, _ in SAMPLES)
        assert {round(cell["from"] / 20_000): cell["value"] / PERIOD for cell in cells} == truth
        busy = [cell for cell in cells if 5e6 <= cell["from"] < 6e6]
        assert len({cell["x"] for cell in busy}) == 1
        assert len({cell["y"] for cell in busy}) == 25
    else:
        found = Counter()
        for cell in cells:
            found[cell["lane"]] += cell["value"] / PERIOD
        names = [f"CPU {cpu}" if rows == "cpu" else f"server {tid}" for _, tid, cpu, _ in SAMPLES]
        assert found == Counter(names)
    cell = max(cells, key=lambda cell: cell["from"])
    page.mouse.move(cell["x"] + cell["width"] / 2, cell["y"] + cell["height"] / 2)
    assert "1.00 ms" in page.locator(".heat .tip").inner_text()
    page.mouse.click(cell["x"] + cell["width"] / 2, cell["y"] + cell["height"] / 2)
    begin, end = chosen(page)
    assert begin <= cell["from"] / 1000 < end
    assert frames(page, 0)[0]["total"] == by_hand(begin, end)["main.main"] * PERIOD
    assert page.locator(".beside .chart canvas").count() == 1


def test_time_on_and_off_the_cpu(visit, waiting):
    """Both sides of one part of the time, each in its unit; a wait counts as far as it lies in it."""
    uri, samples, waits = waiting
    begin = min(samples[0][0], waits[0][0])
    low, high = begin + 10 * 10**6, begin + 30 * 10**6
    on = sum(weight for time, weight, _ in samples if low <= time < high)
    off = sum(max(0, min(time + weight, high) - max(time, low)) for time, weight, _ in waits)
    page = opened(visit, uri + "#view=time&rows=thread&begin=10&end=30")
    assert frames(page, 0)[0]["total"] == on
    assert frames(page, 1)[0]["total"] == pytest.approx(off, abs=1000 * len(waits))
    assert (
        f"{sum(low <= time < high for time, _, _ in samples)} samples" in page.locator(".part").inner_text()
    )
    page.get_by_role("button", name="off-CPU").click()
    assert "series=waits" in page.url
    assert (
        f"{sum(time < high and time + weight > low for time, weight, _ in waits)} waits"
        in page.locator(".part").inner_text()
    )
    lanes = Counter()
    for cell in page.evaluate(CELLS):
        lanes[int(cell["lane"].split()[-1])] += cell["value"]
    threads = Counter()
    for _, weight, tid in waits:
        threads[tid] += weight
    assert lanes == pytest.approx(threads, rel=1e-6)
    for cell in page.evaluate(CELLS)[::50]:
        a, b = (begin + cell[name] * 1000 for name in ("from", "to"))
        mine = [(time, time + weight) for time, weight, tid in waits if cell["lane"].endswith(f" {tid}")]
        truth = sum(max(0, min(end, b) - max(time, a)) for time, end in mine)
        assert cell["value"] == pytest.approx(truth, abs=4000)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".heat canvas").bounding_box()["height"] > 18 * len(threads)
    assert page.locator(".beside").bounding_box()["height"] > 2 * 18 * 10
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.keyboard.press("1")
    assert frames(page)[0]["total"] == pytest.approx(off, abs=1000 * len(waits))
    page.get_by_role("button", name="Whole time").click()
    assert frames(page)[0]["total"] == sum(threads.values())
    alone = opened(visit, uri.replace("waiting.html", "waiting-alone.html") + "#begin=10&end=30")
    assert frames(alone)[0]["total"] == pytest.approx(off, abs=1000 * len(waits))
    assert alone.locator(".sides").inner_text() == "off-CPU"
    assert " waits, " in alone.locator(".part").inner_text()
    assert page.locator(".titles p").inner_text().startswith("off-CPU")
    page.keyboard.press("2")
    assert sum(int(row[5]) for row in page.evaluate(ROWS)) >= len(waits)
    page.go_back()
    page.go_back()
    page.keyboard.press("6")
    facts = page.locator(".facts-page").inner_text()
    assert f"off-CPU · {len(waits)} waits" in facts
    assert facts.startswith("Chosen time\ncpu-clock 0.010 s \u2013 0.030 s")


def test_no_tab_without_times(visit, report):
    page = opened(visit, report + "#view=time&order=time&begin=1&end=5")
    assert page.get_by_role("tab").all_inner_texts() == ["Flame graph", "Table", "Sandwich", "Lines", "Facts"]
    assert page.get_by_role("tab", selected=True).inner_text() == "Flame graph"
    assert page.locator(".strip").count() == 0
    assert frames(page)[0]["total"] == 100
