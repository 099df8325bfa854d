"""Lines in the report: beside what perf and llvm-symbolizer say of the same samples, and beside counted folded stacks."""

from __future__ import annotations

import re
import shlex
from collections import Counter

import pytest

import goinspect
from goinspect.model import Frame, FrameKind
from goinspect.render.html.output import render
from goinspect.render.outputs import DrawOptions
from goinspect.render.svg.labels import visible
from goinspect.results.annotate import AnnotatedCode, Cost, Details, HotCode
from goinspect.results.disasm import CodeRow, FunctionCode
from goinspect.results.places import BinaryUse, SourceFile
from goinspect.results.stacks import StackFrame
from tests.conftest import FIXTURES, oracle_rows
from tests.render.outputs import read_report
from tests.render.reports import ROWS, click, frames, opened
from tests.render.test_html import HOSTILE, profile_of

BUILD = "go1.27-piestripped"
FOLDER = FIXTURES / BUILD
WORKLOAD = FIXTURES / "workload"
MAIN = "example.com/workload/main.go"
PERIOD = 1_001_001  # ns
LINES = """() => [...document.querySelectorAll(".panes .source tbody tr.costs")].map(r => [...r.children].map(c => c.innerText))"""
CODE = """() => [...document.querySelectorAll(".panes .code tbody tr:not(.heading, .place, .gap)")].map(r => [...r.children].map(c => c.innerText.trim()))"""


@pytest.fixture(scope="module")
def flame():
    return goinspect.flame(
        FOLDER / "perf.data", kallsyms=FOLDER / "kallsyms", source=[WORKLOAD], weight="samples"
    )


@pytest.fixture(scope="module")
def page_text(flame):
    return flame.text("html")


@pytest.fixture(scope="module")
def uri(page_text, tmp_path_factory):
    path = tmp_path_factory.mktemp("lines") / "lines.html"
    path.write_text(page_text, "utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def by_line():
    """Total of each function and line, and of each line and function: folded stacks with lines, counted."""
    text = goinspect.flame(FOLDER / "perf.data", kallsyms=FOLDER / "kallsyms", lines=True, weight="samples")
    own, total, places = Counter(), Counter(), Counter()
    for stack in text.text("folded").splitlines():
        names, _, weight = stack.rpartition(" ")
        here = [tuple(part.rsplit(" ", 1)) for part in names.split(";")[1:]]
        here = [part if len(part) == 2 and ":" in part[1] else (part[0], "") for part in here]
        own[here[-1]] += int(weight)
        total.update(dict.fromkeys(here, int(weight)))
        places.update(dict.fromkeys({place for _, place in here}, int(weight)))
    return own, total, places


@pytest.fixture(scope="module")
def by_instruction():
    """(function, address) -> samples, by `perf annotate`."""
    return {
        (function, int(address, 16)): int(count)
        for function, address, count in oracle_rows(BUILD, "annotate")
    }


@pytest.fixture(scope="module")
def own_by_line(by_instruction):
    """(function, file:line) -> samples that ended there: perf's addresses, looked up by llvm-symbolizer."""
    innermost = {int(vaddr, 16): names[0].split("|") for vaddr, *names in oracle_rows(BUILD, "frames")}
    own = Counter()
    for (_, address), count in by_instruction.items():
        own[tuple(innermost[address])] += count
    return own


def test_instructions_have_the_samples_of_perf(page_text, by_instruction):
    head, column = read_report(page_text)
    at, seen = 0, set()
    for function, binary, entry, end, whole, own, total, unplaced, count in head["codes"]:
        rows = range(at, at + count)
        at += count
        found = {int(entry, 16) + column["code_at"][row]: column["code_own"][row] for row in rows}
        expected = {pc: count for (name, pc), count in by_instruction.items() if name == function}
        if not expected:  # perf was asked for the hottest ones
            continue
        shown = {pc: weight for pc, weight in found.items() if weight}
        assert shown == (expected if whole else {pc: expected[pc] for pc in shown}), function
        assert own == sum(expected.values()) <= total
        assert all(column["code_own"][row] <= column["code_total"][row] for row in rows)
        assert unplaced <= total
        assert binary == "workload" or "vdso" in binary
        assert int(entry, 16) < int(end, 16)
        assert whole == (int(end, 16) - int(entry, 16) <= 1200)
        seen.add(function)
    assert {"main.spin", "main.leafA"} <= seen
    assert len(seen) >= 10


def test_all_columns_of_code_are_there(page_text):
    head, column = read_report(page_text)
    count = sum(row[-1] for row in head["codes"])
    assert {
        len(column[f"code_{name}"])
        for name in ("at", "size", "text", "note", "label", "stack", "own", "total")
    } == {count}
    assert max(column["code_text"] + column["code_note"]) < len(head["texts"])
    assert max(column["code_stack"]) < len(head["inlines"])


def test_totals_of_instructions_are_those_of_annotate(page_text):
    """Calls, the kernel below system calls, restored callers: what `goinspect annotate` counts one function at a time."""
    head, column = read_report(page_text)
    at = 0
    asked = (
        "main.leafA",
        "syscall.rawSyscallNoError",
        "runtime.mallocgcSmallScanNoHeaderSC2",
        "main.grow",
    )
    seen = set()
    for name, _, entry, *_, unplaced, count in head["codes"]:
        rows = range(at, at + count)
        at += count
        if name not in asked:
            continue
        seen.add(name)
        other = goinspect.annotate(FOLDER / "perf.data", name, kallsyms=FOLDER / "kallsyms", weight="samples")
        assert unplaced == sum(one.cost.total for one in other.unplaced)
        (code,) = (code for code in other.codes if code.code.entry == int(entry, 16))
        expected = {row.pc: cost.total for row, cost in zip(code.code.rows, code.costs, strict=True)}
        found = {int(entry, 16) + column["code_at"][row]: column["code_total"][row] for row in rows}
        assert found == expected, name
        texts = [head["texts"][column["code_text"][row]] for row in rows]
        assert texts == [row.text for row in code.code.rows]
    assert seen == {*asked}


def test_frames_of_several_lines_are_drawn_as_one(flame, page_text):
    head, column = read_report(page_text)
    names = [head["functions"][row] for row in column["function"]]
    lines = {}
    for row, same in enumerate(column["same"]):
        lines.setdefault(same, set()).add((head["files"][column["file"][row]], column["line"][row]))
        assert names[row] == names[same]
    assert max(map(len, lines.values())) > 5
    drawn = {(names[same], column["flags"][same] & 1) for same in lines}
    assert len(drawn) == len(lines)
    apart, columns = read_report(
        goinspect.flame(FOLDER / "perf.data", kallsyms=FOLDER / "kallsyms", lines=True).text("html")
    )
    assert apart["lines"]
    assert len(set(columns["same"])) > 1.3 * len(lines)


def show_lines(page, function):
    page.get_by_role("tab", name="Table").click()
    page.get_by_role("searchbox").fill(f"/^{re.escape(function)}$/")
    page.locator(".table tbody tr[aria-rowindex]").first.click()
    page.locator("footer").get_by_role("button", name="Lines").click()
    assert page.locator(".lines .of").inner_text() == function


def test_a_function_in_the_page(uri, visit, by_line, own_by_line, by_instruction):
    own, total, _ = by_line
    page = opened(visit, uri + "#view=lines")
    assert page.locator(".lines .of").inner_text() == "main.spin"  # the heaviest
    source = (WORKLOAD / "main.go").read_text().split("\n")
    for function in ("main.spin", "main.inl3", "main.leafA"):
        show_lines(page, function)
        rows = page.evaluate(LINES)
        mine = {int(place.rpartition(":")[2]): n for (name, place), n in total.items() if name == function}
        assert {int(row[3]): int(row[2].split()[0]) for row in rows} == mine
        shown = {int(row[3]): int(row[1].split()[0]) for row in rows if row[1]}
        assert shown == {
            int(place.rpartition(":")[2]): n for (name, place), n in own.items() if name == function
        }
        expected = {place: n for (name, place), n in own_by_line.items() if name == function}
        assert all(place.startswith(MAIN) for place in expected)
        assert shown == {int(place.rpartition(":")[2]): n for place, n in expected.items()}
        for row in rows:
            assert row[4].strip() == source[int(row[3]) - 1].strip()
    code = {int(row[3].split()[-1], 16): int(row[1].split()[0]) for row in page.evaluate(CODE) if row[1]}
    assert code == {pc: n for (name, pc), n in by_instruction.items() if name == "main.leafA"}


def test_a_line_and_its_instructions(uri, visit, flame):
    page = opened(visit, uri + "#view=lines")
    row = page.locator(".panes .source tr.costs", has_text="6364136223846793005")
    row.click()
    chosen = page.locator(".panes .code tr.selected").all_inner_texts()
    assert ["IMULQ BX, CX" in text for text in chosen] == [False, True, False]
    assert "line=" in page.url
    again = opened(visit, page.url)
    assert again.locator(".panes .source tr.selected .number").inner_text() == "124"
    again.locator(".panes .source tr.selected").focus()
    again.keyboard.press("ArrowUp")
    again.keyboard.press("Enter")
    assert again.locator(".panes .source tr.selected .number").inner_text() == "123"
    again.keyboard.press("Enter")
    assert again.locator(".panes tr.selected").count() == 0
    tree = again.locator("main").aria_snapshot()
    assert 'table "Lines of main.spin"' in tree
    assert 'table "Instructions of main.spin"' in tree
    assert 'rowheader "124"' in tree
    again.get_by_label("Listing").select_option("code")
    assert not again.locator(".panes .source").is_visible()
    assert "show=code" in again.url
    again.get_by_role("tab", name="Flame graph").click()
    click(again, "main.leafA")
    again.locator("footer").get_by_role("button", name="Lines").click()
    assert again.locator(".lines .of").inner_text() == "main.leafA"


def test_what_is_not_there_is_said(uri, visit):
    page = opened(visit, uri)
    show_lines(page, "runtime.schedule")
    said = page.locator(".lines .note").inner_text()
    assert "runtime/proc.go: no file of this path is below the directories that were given" in said
    assert "goinspect annotate" in said
    assert said.rstrip().endswith("runtime.schedule")
    page.keyboard.press("2")
    page.get_by_role("searchbox").fill("kind:kernel")
    page.locator(".table tbody tr[aria-rowindex]").first.click()
    page.locator("footer").get_by_role("button", name="Lines").click()
    assert "Its lines are not known." in page.locator(".lines .note").inner_text()


def test_the_table_by_line_and_by_module(uri, visit, by_line, flame):
    own, _, places = by_line
    ended = Counter()
    for (_, place), count in own.items():
        ended[place or "(no line)"] += count
    page = opened(visit, uri + "#view=table&by=place")
    rows = {row[0]: (int(row[1].split()[0]), int(row[5])) for row in page.evaluate(ROWS)}
    assert len(rows) >= 30
    assert rows == {name: (ended[name], places[name if name != "(no line)" else ""]) for name in rows}
    assert page.locator(".count").inner_text() == f"{len(places)} lines"
    page.get_by_label("Rows").select_option("module")
    rows = {row[0]: int(row[1].split()[0]) for row in page.evaluate(ROWS)}
    # go version -m says: mod example.com/workload (devel)
    main = sum(
        count for (name, _), count in own.items() if name.startswith(("main.", "example.com/workload/"))
    )
    assert rows["example.com/workload (devel)"] == main
    assert "std go1.27.3" in rows
    assert sum(rows.values()) == flame.total
    page.locator(".table tbody tr", has_text="example.com/workload").first.click()
    assert page.get_by_role("searchbox").input_value() == "module:example.com/workload (devel)"
    names = [row[0] for row in page.evaluate(ROWS)]
    assert names
    assert all(name.startswith(("main.", "example.com/workload/")) for name in names)


def test_search_by_file_and_line(uri, visit, by_line, flame):
    _, _, places = by_line
    page = opened(visit, uri + f"#q=file:{MAIN}:124")
    share = f"{100 * places[f'{MAIN}:124'] / flame.total:.1f} %"
    assert page.locator(".matched").inner_text().startswith(f"1 function: {share}")
    page.get_by_role("button", name="Only these").click()
    assert frames(page)[0]["total"] == places[f"{MAIN}:124"]
    page.get_by_role("searchbox").fill(f"file:{MAIN}:124")
    page.get_by_role("searchbox").press(
        "Enter"
    )  # frames are drawn without lines: those with one of these are found
    assert page.locator(".flame .said").inner_text().startswith("main.spin, ")
    page.get_by_role("searchbox").fill("file:/shapes\\.go:\\d+$/")
    page.keyboard.press("2")
    assert page.locator(".matched").inner_text().startswith("0 functions")


def test_switches_move_lines_too(uri, visit):
    """Without inlined calls what they weigh is at the lines that call them."""
    lines = goinspect.flame(FOLDER / "perf.data", kallsyms=FOLDER / "kallsyms", lines=True, weight="samples")
    own = Counter()
    for stack in lines.text("folded", annotate=True).splitlines():
        names, _, weight = stack.rpartition(" ")
        own[next(name for name in reversed(names.split(";")) if not name.endswith("_[i]"))] += int(weight)
    page = opened(visit, uri + "#off=inlined")
    show_lines(page, "main.leafA")
    rows = {f"main.leafA {MAIN}:{row[3]}": int(row[1].split()[0]) for row in page.evaluate(LINES) if row[1]}
    assert rows == {leaf: n for leaf, n in own.items() if leaf.startswith("main.leafA ")}
    assert len(rows) >= 1


def test_several_profiles(tmp_path):
    once, twice = (
        goinspect.flame(*[FOLDER / "perf.data"] * count, kallsyms=FOLDER / "kallsyms", source=[WORKLOAD])
        for count in (1, 2)
    )
    (head, column), (both, columns) = (read_report(flame.text("html")) for flame in (once, twice))
    assert columns["code_own"] == [2 * weight for weight in column["code_own"]]
    assert columns["code_total"] == [2 * weight for weight in column["code_total"]]
    assert [row[:5] for row in both["codes"]] == [row[:5] for row in head["codes"]]
    assert both["sources"] == head["sources"]
    assert [row[5:] for row in both["binaries"]] == [[2 * n for n in row[5:]] for row in head["binaries"]]


def hostile_details():
    """A file, its source and its code, all of it called what harms."""
    name = HOSTILE[0]
    row = CodeRow(
        0x10,
        b"\x90",
        name,
        "other",
        None,
        name,
        None,
        None,
        name,
        name,
        False,
        (Frame(name, name, 3, False),),
    )
    code = FunctionCode(name, name, 0x10, 0x11, name, True, (row,))
    annotated = AnnotatedCode(f"/x/{name}", "amd64", "go", code, Cost(1, 0, 1), (Cost(1, 0, 1),))
    use = BinaryUse(name, name, name, name, name, 1, 1, 1, 1)
    text = f"a\n\tb\n{name}\u202e\x1b"
    return Details((use,), {name: name}, (HotCode(annotated, 1),), name, (SourceFile(name, text),))


def test_strange_names_of_lines_are_text(visit, tmp_path):
    name = HOSTILE[0]
    frame = StackFrame(name, FrameKind.USER, name, False, name, 3, 1)
    profile = profile_of(([frame], 5))._replace(details=hostile_details(), missing=(name,))
    path = tmp_path / "odd.html"
    path.write_text(render(profile, DrawOptions(name)), "utf-8")
    page = opened(visit, path.as_uri() + "#view=lines")
    assert page.evaluate(LINES) == [["100.0 %", "5 samples", "5 samples", "3", visible(f"{name}\u202e\x1b")]]
    (code,) = page.evaluate(CODE)
    assert code[:4] == ["20.0 %", "1 sample", "1 sample", "0x10"]
    assert code[4].startswith(name)
    page.get_by_role("tab", name="Facts").click()
    assert page.evaluate("document.querySelectorAll('script, img').length") == 0
    assert name in page.locator('table[aria-label="Binaries"]').inner_text()
    command = page.locator(".advice code").first.inner_text()
    assert (
        command
        == f"goinspect flame {shlex.quote(name)} -b {shlex.quote('./' + name.rpartition('/')[2])} -o report.html"
    )


def test_a_profile_that_came_with_its_lines(visit, tmp_path):
    """Of pprof: no binary is at hand, lines are those in the profile."""
    flame = goinspect.flame(FIXTURES / "pprof/workload.pb.gz")
    flame.save(tmp_path / "a.html")
    lines = goinspect.flame(FIXTURES / "pprof/workload.pb.gz", lines=True).text("folded")
    function = flame.top(1)[0].function
    total = Counter()
    for line in lines.splitlines():
        stack, _, weight = line.rpartition(" ")
        total.update(
            dict.fromkeys({part for part in stack.split(";") if part.startswith(f"{function} ")}, int(weight))
        )
    page = opened(visit, (tmp_path / "a.html").as_uri() + "#view=lines")
    assert page.locator(".lines .of").inner_text() == function
    rows = {row[3]: row[2] for row in page.evaluate(LINES)}
    assert {place.rpartition(":")[2] for place in total} == rows.keys()
    said = page.locator(".lines .note").inner_text()
    assert "--source DIR" in said
    assert "where binaries are at hand" in said
