"""The report: what its page holds, read on its own and compared with folded stacks; and that it trusts nobody."""

from __future__ import annotations

import base64
import hashlib
import lzma
import re
from collections import Counter
from importlib.resources import files

import numpy as np
import pytest

import goinspect
from goinspect.errors import QueryError
from goinspect.model import FrameKind
from goinspect.render.html.columns import FLAGS
from goinspect.render.html.output import MODULES, code, render
from goinspect.render.outputs import DrawOptions
from goinspect.render.svg.labels import visible
from goinspect.results.flame import EventSummary, FlameProfile, FlameTotals
from goinspect.results.stacks import StackFrame, Stacks, Weight
from tests.cli.runner import cli
from tests.conftest import FIXTURES
from tests.render.outputs import read_report

SOME = ["go1.27-piestripped", "recordings/cgo", "recordings/events", "recordings/switches"]


def recording(name, folder):
    found = next(path for path in (FIXTURES / name).glob("perf.data*") if "tar" not in path.name)
    data = found.read_bytes()
    path = folder / "perf.data"
    path.write_bytes(lzma.decompress(data) if found.suffix == ".xz" else data)
    return path


def lines_of(page):
    """What `--format folded` has, out of the columns."""
    head, column = read_report(page)
    names = [head["functions"][row].replace(";", ":") for row in column["function"]]
    lines, at = Counter(), 0
    root = column.get(f"label_{head['root']}", [0] * len(column["size"]))
    values = head["labels"].get(head["root"], [])
    for size, weight, above in zip(column["size"], column["weight"], root, strict=True):
        stack = [names[frame] for frame in column["frame"][at : at + size]]
        at += size
        stack[:0] = [values[above - 1].replace(" ", "_").replace(";", ":")] if above else []
        if stack and weight:
            lines[";".join(stack)] += int(weight) * head["scale"]
    assert at == len(column["frame"])
    return dict(lines)


def folded_lines(text):
    return {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in text.splitlines()}


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("by", ["process", "thread", "none"])
def test_it_holds_every_stack(name, by, tmp_path):
    flame = goinspect.flame(recording(name, tmp_path), by=by)
    assert flame.total > 0
    page = flame.text("html")
    assert lines_of(page) == folded_lines(flame.text("folded"))
    assert read_report(page)[0]["root"] == ("" if by == "none" else by)


@pytest.mark.parametrize(
    "options", [{"kernel": False}, {"inlines": False}, {"hide": "runtime"}, {"focus": "main"}]
)
def test_so_it_does_with_options(options, tmp_path):
    flame = goinspect.flame(recording(SOME[0], tmp_path), **options)
    assert lines_of(flame.text("html")) == folded_lines(flame.text("folded"))


def test_samples_kinds_and_flags(tmp_path):
    flame = goinspect.flame(recording(SOME[0], tmp_path))
    head, column = read_report(flame.text("html"))
    assert sum(column["samples"]) == flame.totals.samples
    told = {
        (head["functions"][function], head["packages"][package], head["kinds"][kind][0], flags)
        for function, package, kind, flags in zip(
            column["function"], column["package"], column["kind"], column["flags"], strict=True
        )
    }
    go = ("user", "stdlib", "toolchain", "runtime", "gc")
    assert told == {
        (f.name, f.package, f.kind,
         FLAGS["inlined"] * f.inlined + FLAGS["restored"] * f.restored + FLAGS["go"] * (f.kind in go))
        for f in flame.stacks.frames
    }  # fmt: skip
    names = [head["functions"][row] for row in column["function"]]
    assert names == sorted(names)
    for row, same in enumerate(column["same"]):
        assert (names[row], column["kind"][row]) == (names[same], column["kind"][same])
        assert not column["flags"][same] & FLAGS["restored"] or same == row


def test_facts_say_what_the_last_line_says(tmp_path):
    flame = goinspect.flame(recording(SOME[0], tmp_path))
    facts = dict(read_report(flame.text("html"))[0]["facts"])
    assert ", ".join(facts["What was read"]) == flame.summary
    assert facts["Warnings"] == list(flame.warnings)


def test_the_policy_allows_its_own_code_and_nothing_else(tmp_path):
    page = goinspect.flame(recording(SOME[0], tmp_path)).text("html")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    assert page.index("Content-Security-Policy") < page.index("<style")
    script = re.search(r'<script type="module">(.*?)</script>', page, re.DOTALL)[1]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}'; style-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert script == code()
    assert page.count("<script") == 2
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script
    )


def test_modules_are_one_scope():
    """Every module is in it, behind those that it needs; no name is there twice."""
    assets = files("goinspect.render.html") / "assets"
    there = [path.name for path in assets.iterdir() if path.name.endswith(".js")]
    there += [
        f"{folder}/{path.name}"
        for folder in ("page", "stacks", "views")
        for path in (assets / folder).iterdir()
    ]
    assert sorted(there) == sorted(f"{name}.js" for name in MODULES)
    before = {"labels", "numbers"}  # of goinspect/render/assets, which pictures run, too
    for name in MODULES:
        text = (assets / f"{name}.js").read_text("utf-8")
        needed = re.findall(r'from "(?:\.{1,2}/)+(\S+)\.js";', text)
        assert {need.rpartition("/")[2] for need in needed} <= before, name
        before.add(name.rpartition("/")[2])
        assert max(map(len, text.splitlines())) <= 140
        assert text.count("\n") <= 400
    joined = code()
    assert not re.search(r"^(import|export)\b", joined, re.MULTILINE)
    names = re.findall(r"^(?:async )?(?:function\*?|const|let|class) (\w+)", joined, re.MULTILINE)
    assert [name for name, times in Counter(names).items() if times > 1] == []


# --- what others wrote ---

HOSTILE = [
    "</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a\0b\x1b[31m\nc", "\ud800",
    "\u202eesrever", "", "x" * 10_000, "main.(*T[go.shape.struct { A;B }]).F", "main.e\u0301\u0301", "main.世界",
]  # fmt: skip


def profile_of(*stacks, unit="samples", **more):
    frames = list(dict.fromkeys(frame for stack, _ in stacks for frame in stack))
    sizes = [len(stack) for stack, _ in stacks]
    weights = np.array([weight for _, weight in stacks], dtype=np.uint64)
    made = Stacks(
        tuple(frames),
        np.append(0, np.cumsum(sizes)).astype(np.int64),
        np.array([frames.index(frame) for stack, _ in stacks for frame in stack], dtype=np.int32),
        np.ones(len(stacks), dtype=np.int64),
        (Weight("cpu-clock", unit, weights),),
    )
    totals = FlameTotals(len(stacks), int(weights.sum()), 0, 0, 1, 0, 0, 0, 0)
    return FlameProfile((), "cpu-clock", totals, made, **more)


def hostile_profile():
    stacks = [
        ([StackFrame("main.main", FrameKind.USER, "main", False), StackFrame(name, FrameKind.USER, name, False, name, 3)], i + 1)
        for i, name in enumerate(HOSTILE)
    ]  # fmt: skip
    said = "</script><b>warning</b>\u202e"
    event = EventSummary("</script>", 1, 1, "samples")
    return profile_of(*stacks)._replace(
        warnings=(said,), missing=(said,), metadata={said: said}, events=(event,)
    )


def test_names_are_text():
    page = render(hostile_profile(), DrawOptions("</title><script>alert(2)</script>", title=None))
    assert page.count("<script") == 2
    assert "alert(2)" not in re.sub(r"&lt;.*?&gt;", "", page)
    page.encode()
    head, _ = read_report(page)
    assert set(head["functions"]) == {"main.main", *(visible(name) for name in HOSTILE)}
    assert "\\u202eesrever" in head["functions"]
    assert "\\ud800" in head["functions"]


@pytest.mark.parametrize("stacks", [[], [([], 5)]], ids=["nothing", "no frames"])
def test_nothing(stacks):
    head, column = read_report(render(profile_of(*stacks), DrawOptions()))
    assert sum(column["weight"]) * head["scale"] == sum(weight for _, weight in stacks)


def test_weights_of_any_size():
    frame = StackFrame("main.a", FrameKind.USER, "main", False)
    other = frame._replace(name="main.b")
    head, column = read_report(render(profile_of(([frame], (1 << 53) - 1), ([other], 2)), DrawOptions()))
    assert [int(weight) * head["scale"] for weight in column["weight"]] == [(1 << 53) - 1, 2]


def test_restored_frames_stand_with_recorded_ones():
    frame = StackFrame("main.a", FrameKind.USER, "main", False)
    head, column = read_report(
        render(profile_of(([frame], 1), ([frame._replace(restored=True)], 2)), DrawOptions())
    )
    assert column["same"] == [0, 0]
    assert column["flags"] == [FLAGS["go"], FLAGS["go"] + FLAGS["restored"]]
    assert head["functions"] == ["main.a"]


# --- the command ---


def test_the_command_writes_a_file_of_its_own(tmp_path, monkeypatch):
    (tmp_path / "a.folded").write_text("main.a;main.b 3\n")
    monkeypatch.chdir(tmp_path)
    answer = cli("flame", "a.folded", "--format", "html", "--title", "Mine & yours")
    assert answer.code == 0, answer.err
    page = (tmp_path / "flame.html").read_text("utf-8")
    assert "<title>Mine &amp; yours</title>" in page
    assert read_report(page)[0]["title"] == "Mine & yours"
    assert cli("flame", "a.folded", "--inverted", "-o", "b.html").code == 0
    assert read_report((tmp_path / "b.html").read_text("utf-8"))[0]["layout"] == "icicle"


def test_reverse_is_a_choice_of_the_reader(tmp_path):
    (tmp_path / "a.folded").write_text("main.a;main.b 3\n")
    with pytest.raises(QueryError, match="its viewer turns them around"):
        goinspect.flame(tmp_path / "a.folded", reverse=True).text("html")
