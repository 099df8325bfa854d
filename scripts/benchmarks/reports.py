"""The report in a browser: size of the file, first paint, and how soon it answers."""

from __future__ import annotations

import math
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from goinspect.model import FrameKind
from goinspect.render.html.output import render
from goinspect.render.outputs import DrawOptions
from goinspect.results.flame import FlameProfile, FlameTotals
from goinspect.results.places import Series, Span
from goinspect.results.stacks import Label, StackFrame, Stacks, Weight
from scripts.benchmarks.measuring import BenchError, spread

if TYPE_CHECKING:
    import argparse

_SEED = 14
_FRAMES, _THREADS, _CPUS = 20_000, 32, 16
_NEW = 10  # nodes that each stack adds to the tree
_PERIOD = 1_000_000  # ns
_ARGS = ["--no-sandbox", "--disable-gpu"]
_WINDOW = {"width": 1400, "height": 900}
# Runs `act`, and tells how long it took until what it changed was painted, in ms.
_TIMED = """async (act) => {
  const begin = performance.now();
  await (0, eval)(`(async () => { ${act} })()`);
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - begin;
}"""
_PAINTED = """new Promise((done) => new PerformanceObserver((list) => {
  const [first] = list.getEntriesByName('first-contentful-paint');
  if (first) done(first.startTime);
}).observe({ type: 'paint', buffered: true }))"""
_ZOOM = """const canvas = document.querySelector('.flame .chart canvas'), frames = canvas.frames().filter((f) => f.width > 20),
  { x, y } = frames[Math.floor(frames.length / 2)];
  canvas.dispatchEvent(new MouseEvent('click', { clientX: x + 3, clientY: y + 8 }))"""
_OUT = "document.querySelector('.crumbs button').click()"
_SEARCH = "const field = document.querySelector('input[type=search]'); field.value = '%s'; field.dispatchEvent(new Event('input'))"
_SWITCH = "document.querySelectorAll('.parts input')[%d].click()"
_BRUSH = "await new Promise((done) => { addEventListener('hashchange', done, { once: true }); location.hash = 'begin=%d&end=%d'; })"


class Case(NamedTuple):
    """A report, and what is asked of it: MB, ms until the first paint, ms for each act."""

    stacks: int
    samples: int  # with times; 0: none
    megabytes: float = math.inf
    paint: float = math.inf
    act: float = math.inf
    brush: float = math.inf


CASES = (
    Case(100_000, 0, megabytes=12, paint=1000, act=100),
    Case(100_000, 1_000_000, megabytes=25, paint=3000, act=100, brush=200),
    Case(100_000, 10_000_000),
)


def make_profile(stacks: int, samples: int) -> FlameProfile:
    """Distinct stacks with ten times as many nodes, in a tree as deep as those of servers; samples with times over a minute, or none."""
    rng = np.random.default_rng(_SEED)
    start, frame = _tree(stacks, rng)
    rank = rng.permutation(stacks)
    odds = 1 / (10 + rank)
    of_sample = np.concatenate(
        (np.arange(stacks), rng.choice(stacks, max(samples - stacks, 0), p=odds / odds.sum()))
    )
    rng.shuffle(of_sample)
    time = np.cumsum(rng.exponential(60e9 / len(of_sample), len(of_sample))).astype(np.uint64) + np.uint64(
        10**12
    )
    weight = np.full(len(of_sample), _PERIOD, dtype=np.uint64)
    counts = np.bincount(of_sample, minlength=stacks)
    series = Series(of_sample, time, weight, rng.integers(0, _CPUS, len(of_sample)).astype(np.int32))
    thread = Label(
        tuple(f"server {1000 + i}" for i in range(_THREADS)),
        rng.integers(0, _THREADS, stacks).astype(np.int32),
    )
    made = Stacks(
        tuple(_frame(i) for i in range(_FRAMES)), start, frame, counts,
        (Weight("cpu-clock", "ns", counts.astype(np.uint64) * np.uint64(_PERIOD)),),
        labels={"process": Label(("server",), np.zeros(stacks, dtype=np.int32)), "thread": thread}, root="process",
        series=series if samples else None,
    )  # fmt: skip
    total = int(counts.sum())
    totals = FlameTotals(total, total * _PERIOD, 0, 0, _THREADS, len(frame), len(frame), 0, 0)
    return FlameProfile((), "cpu-clock", totals, made, span=Span(int(time[0]), int(time[-1])))


def _tree(stacks: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Each stack leaves an earlier one somewhere, and goes its own way."""
    made = [rng.integers(0, _FRAMES, 24).astype(np.int32)]
    earlier, depth = rng.random(stacks), rng.integers(1, 24, stacks)
    new = rng.integers(0, _FRAMES, (stacks, _NEW)).astype(np.int32)
    for i in range(1, stacks):
        before = made[int(earlier[i] * i)]
        made.append(np.concatenate((before[: depth[i]], new[i])))
    start = np.append(0, np.cumsum([len(stack) for stack in made]))
    return start.astype(np.int64), np.concatenate(made)


def _frame(i: int) -> StackFrame:
    """A line; two are of the same function."""
    of = i // 2
    kinds = (FrameKind.USER, FrameKind.USER, FrameKind.STDLIB, FrameKind.RUNTIME, FrameKind.KERNEL)
    kind = kinds[of % 5]
    package = {FrameKind.RUNTIME: "runtime", FrameKind.KERNEL: "[kernel]"}.get(
        kind, f"example.com/server/internal/p{of % 300}"
    )
    file = "" if kind == FrameKind.KERNEL else f"{package}/file{of % 7}.go"
    line = 10 + i % 900 if file else 0
    return StackFrame(
        f"{package}.(*Type{of % 700}).Method{of}", kind, package, of % 4 == 1, file, line, line and 10
    )


def bench_report(options: argparse.Namespace) -> bool:
    """Reports with many stacks and samples, beside what is asked of them. All are opened; acts are fresh: nothing is kept of them."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise BenchError("playwright is not installed: pip install 'goinspect[test]'") from None
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        raise BenchError("neither chromium nor google-chrome on PATH")
    kept = []
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_ARGS)
        for case in CASES:
            path = Path(scratch, "report.html")
            path.write_text(render(make_profile(case.stacks, case.samples), DrawOptions()), "utf-8")
            megabytes = path.stat().st_size / 1e6
            kept.append(megabytes <= case.megabytes)
            print(f"\n  {case.stacks:,} stacks, {case.samples:,} samples with times: {megabytes:.1f} MB"
                  f"{_verdict(megabytes, case.megabytes)}")  # fmt: skip
            print(f"  {'':12}  {'ms':>22}  {'CPU ms':>22}")
            taken = _measured(browser, path.as_uri(), options.runs, timed=case.samples > 0)
            for name, costs in taken.items():
                limit = {"first paint": case.paint, "brush": case.brush}.get(name, case.act)
                median = statistics.median(cost.wall for cost in costs)
                kept.append(median <= limit)
                wall, cpu = (spread([getattr(cost, what) for cost in costs], 0) for what in ("wall", "cpu"))
                print(f"  {name:12}  {wall:>22}  {cpu:>22}{_verdict(median, limit)}", flush=True)
    return all(kept)


def _verdict(value: float, limit: float) -> str:
    return f"  at most {limit:g}: {'pass' if value <= limit else 'FAIL'}" if limit < math.inf else ""


class _Cost(NamedTuple):
    """Of one act, in ms: until it was painted, and what the page's thread computed."""

    wall: float
    cpu: float


class _Page:
    """A report that is open."""

    def __init__(self, browser: Any, uri: str) -> None:
        self._page = browser.new_page(viewport=_WINDOW)
        self._session = self._page.context.new_cdp_session(self._page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = self._ticks()
        self._page.goto(uri)
        self._page.wait_for_selector("body > footer", timeout=120_000)
        painted = self._page.evaluate(_PAINTED)
        self.opening = _Cost(painted, self._ticks() - before)

    def _ticks(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return next(1000 * one["value"] for one in metrics if one["name"] == "TaskDuration")

    def act(self, does: str) -> _Cost:
        before = self._ticks()
        return _Cost(self._page.evaluate(_TIMED, does), self._ticks() - before)

    def close(self) -> None:
        self._page.close()


def _measured(browser: Any, uri: str, runs: int, *, timed: bool) -> dict[str, list[_Cost]]:
    """What opening and each act of a reader took."""
    taken: dict[str, list[_Cost]] = {"first paint": []}
    for _ in range(runs):
        page = _Page(browser, uri)
        taken["first paint"].append(page.opening)
        page.close()
    page = _Page(browser, uri)
    for i in range(runs):
        acts = {
            "zoom": _ZOOM,
            "zoom out": _OUT,
            "search": _SEARCH % f"Method{i}",
            "toggle": _SWITCH % (i % 3),
        }
        if timed:
            acts["brush"] = _BRUSH % (100 * i, 100 * i + 30_000)
        for name, does in acts.items():
            taken.setdefault(name, []).append(page.act(does))
            if name == "search":
                page.act(_SEARCH % "")
            if name == "brush":
                page.act(_BRUSH % (0, 0))
    page.close()
    return taken
