"""The page of facts: threads, binaries and what to do, beside counted stacks, files and recordings that lack something."""

from __future__ import annotations

import lzma
from collections import Counter

import numpy as np
import pytest

import goinspect
from goinspect.model import FrameKind
from goinspect.render.html.output import render
from goinspect.render.outputs import DrawOptions
from goinspect.results.stacks import Label, StackFrame, Stacks, Weight
from tests.conftest import FIXTURES
from tests.render.outputs import read_report
from tests.render.reports import opened
from tests.render.test_html import profile_of

FOLDER = FIXTURES / "go1.27-piestripped"
TABLE = """(label) => [...document.querySelector(`table[aria-label="${label}"]`).tBodies[0].rows].map(r => [...r.children].map(c => c.innerText))"""


def head_of(name, folder, **options):
    found = next(path for path in (FIXTURES / name).glob("perf.data*") if "tar" not in path.name)
    data = found.read_bytes()
    (folder / "perf.data").write_bytes(lzma.decompress(data) if found.suffix == ".xz" else data)
    return read_report(goinspect.flame(folder / "perf.data", **options).text("html"))[0]


def test_threads_and_binaries(visit, recorded):
    _, uri = recorded
    page = opened(visit, uri + "#view=facts")
    by_thread = goinspect.flame(
        FOLDER / "perf.data", kallsyms=FOLDER / "kallsyms", by="thread", weight="samples"
    )
    expected = Counter()
    for line in by_thread.text("folded").splitlines():
        expected[line.partition(";")[0]] += int(line.rpartition(" ")[2])
    rows = page.evaluate(TABLE, "Threads")
    assert {row[0].replace(" ", "_"): int(row[3]) for row in rows} == expected
    assert [int(row[3]) for row in rows] == sorted(expected.values(), reverse=True)
    binaries = {row[0].rpartition("/")[2]: row for row in page.evaluate(TABLE, "Binaries")}
    assert set(binaries) == {"workload", "[kernel.kallsyms]", "[vdso]"}
    workload = (FOLDER / "workload").read_bytes()
    at = workload.index(b"\x14\0\0\0\x03\0\0\0GNU\0")
    assert binaries["workload"][3:] == [
        "100.0 %", "", f"read from {FOLDER / 'workload'}", "go1.27.3", "example.com/workload (devel)",
        workload[at + 12 : at + 32].hex(),
    ]  # fmt: skip
    assert binaries["[vdso]"][5] == "no file"
    assert page.get_by_role("heading", name="To know more").is_visible()
    assert page.locator(".advice code", has_text="kernel.perf_event_max_stack").is_visible()


def test_what_is_in_binaries_adds_up(tmp_path):
    flame = goinspect.flame(FOLDER / "perf.data", kallsyms=FOLDER / "kallsyms")
    head, _ = read_report(flame.text("html"))
    rows = head["binaries"]
    assert sum(row[5] for row in rows) == flame.totals.frames
    assert sum(row[6] for row in rows) == flame.totals.frames_named
    assert sum(row[7] for row in rows) == flame.total
    kernel = sum(
        int(line.rpartition(" ")[2])
        for line in flame.text("folded", annotate=True).splitlines()
        if line.rpartition(" ")[0].endswith("_[k]")
    )
    assert next(row[7] for row in rows if row[1] == "kernel") == kernel
    bare = goinspect.flame(FOLDER / "perf.data")  # the kernel's symbols are those of another machine
    head, _ = read_report(bare.text("html"))
    vdso = sum(
        int(line.rpartition(" ")[2])
        for line in flame.text("folded").splitlines()
        if line.rpartition(" ")[0].endswith(";[vdso]")
    )
    unnamed = {row[0]: row[8] for row in head["binaries"] if row[8]}
    assert unnamed == {"[kernel.kallsyms]": kernel, "[vdso]": vdso}
    share = f"199 ms ({(kernel + vdso) / flame.total:.2%})"
    first, second, _ = dict(head["facts"])["Without a name"]
    assert first == f"{share} ended in frames without a name"
    assert second == f"[kernel.kallsyms]: 156 ms ({kernel / flame.total:.2%})"
    focused = goinspect.flame(FOLDER / "perf.data", kallsyms=FOLDER / "kallsyms", focus="main.spin")
    rows = read_report(focused.text("html"))[0]["binaries"]
    assert sum(row[7] for row in rows) == focused.total


@pytest.mark.parametrize(
    ("name", "options", "said", "command"),
    [
        ("recordings/lost", {}, "271 samples lost", "perf record -m 16M -g …"),
        (
            "recordings/lost",
            {},
            "54 stacks cut at the recorder's limit",
            "goinspect flame perf.data --repair",
        ),
        ("recordings/no-build-ids", {}, "1 binary recorded without a build ID", "perf record --buildid-mmap"),
        ("go1.27-piestripped", {}, "The caller of 61 leaves is not known", "perf record --call-graph dwarf"),
        ("recordings/attached", {}, "1 binary not found", "goinspect flame perf.data -b ./workload"),
        ("recordings/attached", {}, "1 binary not found", "goinspect flame perf.data --symfs ROOT"),
        ("recordings/attached", {}, "Not all frames of the kernel", "sudo sysctl kernel.kptr_restrict=0"),
        ("recordings/framed", {}, "Only user space", "sudo sysctl kernel.perf_event_paranoid=1"),
    ],
)
def test_advice(name, options, said, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if name == "go1.27-piestripped":
        options = {"binaries": [FOLDER / "workload"], "kallsyms": FOLDER / "kallsyms"}
    told = head_of(name, tmp_path, **options)["advice"]
    commands = [line for found, _, lines in told if found.startswith(said) for line in lines]
    shown = [line.replace(str(tmp_path) + "/", "") for line in commands]
    assert any(line.startswith(command) for line in shown), told


def test_no_more_advice_than_that():
    frame = StackFrame("main.a", FrameKind.USER, "main", False)
    head, _ = read_report(render(profile_of(([frame], 5)), DrawOptions()))
    assert [row[0] for row in head["advice"]] == [
        "Most samples have no callers",
        "There is 1 sample: small shares are uncertain",
    ]
    profile = goinspect.flame(FIXTURES / "pprof/workload.pb.gz")
    head, _ = read_report(profile.text("html"))
    assert head["advice"] == []
    assert {row[1] for row in head["binaries"]} == {"kernel", "names are the profile's"}


def test_ten_thousand_threads(visit, tmp_path):
    count = 10_000
    frame = StackFrame("main.a", FrameKind.USER, "main", False)
    weight = np.arange(1, count + 1, dtype=np.uint64)
    labels = {"thread": Label(tuple(f"t {i}" for i in range(count)), np.arange(count, dtype=np.int32))}
    stacks = Stacks(
        (frame,), np.arange(count + 1, dtype=np.int64), np.zeros(count, dtype=np.int32),
        np.ones(count, dtype=np.int64), (Weight("cpu-clock", "samples", weight),), labels, "thread",
    )  # fmt: skip
    path = tmp_path / "many.html"
    path.write_text(render(profile_of()._replace(stacks=stacks), DrawOptions()), "utf-8")
    page = opened(visit, path.as_uri() + "#view=facts")
    rows = page.evaluate(TABLE, "Threads")
    assert len(rows) == 500
    assert rows[0][0] == "t 9999"
    assert rows[0][1] == "10,000 samples"
    assert "9,500 threads more" in page.locator(".facts-page").inner_text()
    assert page.get_by_role("heading", name="10,000 threads").is_visible()
