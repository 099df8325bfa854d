"""`goinspect compare`: shapes, conditions, and what is said when a file cannot be read."""

from __future__ import annotations

import json
import re

import pytest

from tests import modes
from tests.cli.runner import cli
from tests.cprograms import C_PROGRAM, OTHER_C_PROGRAM

SERIES = modes.SERIES[-1]
BASE, STRIPPED, PIE = (modes.binary(SERIES, mode) for mode in ("default", "s-w", "pie"))


@pytest.fixture(scope="module")
def document():
    answer = cli("compare", BASE, STRIPPED, PIE, "--json")
    assert (answer.code, answer.err) == (0, "")
    return json.loads(answer.out)


def test_json_shape(document):
    assert list(document) == [
        "schema", "binaries", "tables", "works", "symbols", "sizes", "checks", "warnings",
    ]  # fmt: skip
    assert document["schema"] == "goinspect.compare/1"
    assert [one["path"] for one in document["binaries"]] == [str(BASE), str(STRIPPED), str(PIE)]
    assert all(one["go_version"].startswith(SERIES) for one in document["binaries"])
    for row in document["tables"]:
        assert list(row) == ["name", "present", "bytes", "count", "within"]
        assert len(row["present"]) == len(row["bytes"]) == len(row["count"]) == 3
    tables = {row["name"]: row for row in document["tables"]}
    assert tables["file"]["bytes"] == [path.stat().st_size for path in (BASE, STRIPPED, PIE)]
    parts = [row for name, row in tables.items() if name != "file" and row["within"] is None]
    for at, size in enumerate(tables["file"]["bytes"]):
        assert sum(row["bytes"][at] for row in parts) == size
    for row in document["works"]:
        assert [set(verdict) for verdict in row["per_binary"]] == [{"answer", "why"}] * 3
        assert {verdict["answer"] for verdict in row["per_binary"]} <= {"yes", "partly", "no"}
    symbols = document["symbols"]
    assert list(symbols)[:5] == ["kept", "lost", "gained", "moved", "resized"]
    assert isinstance(symbols["kept"], int)
    assert len(symbols["moved"]) == len(symbols["against_base"]) == 2
    for row in symbols["lost"]:
        assert re.fullmatch(r"0x[0-9a-f]+", row["address"][0])
        assert row["present"][0]
        assert not all(row["present"])
    assert document["sizes"]["by"] == "package"
    assert {row["name"] for row in document["sizes"]["rows"]} >= {"main", "runtime"}


def test_the_page_for_people(document):
    text = cli("compare", BASE, STRIPPED, PIE).out
    heads = [line for line in text.splitlines() if line and not line.startswith(" ")]
    for title in ("Builds", "What the files carry", "What still works", "Symbols against default/modes"):
        assert title in heads
    for row in document["works"]:
        shown = next(line for line in text.splitlines() if line.startswith(row["consumer"]))
        assert shown[len(row["consumer"]) :].split() == [verdict["answer"] for verdict in row["per_binary"]]
    lost = sum(document["symbols"]["against_base"][0]["lost"].values())
    assert f"{lost:,} variables" in text
    assert len(max(text.splitlines(), key=len)) < 240
    assert cli("compare", BASE, STRIPPED, PIE, "--color", "always").out != text


def test_markdown_is_tables():
    text = cli("compare", BASE, STRIPPED, PIE, "--format", "markdown").out
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    assert len(tables) >= 4
    for table in tables:
        rows = [len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()]
        assert len(set(rows)) == 1
        assert re.fullmatch(r"\|[-:|]+\|", table.splitlines()[1])
    assert text.count("#### ") == len(tables)


def test_symbols_by_name():
    text = cli("compare", BASE, STRIPPED, "--symbols").out
    assert re.search(r"^variable +[\d,]+ +- +runtime\.mheap_$", text, re.MULTILINE)
    few = cli("compare", BASE, STRIPPED, "--symbols", "-n", "2").out
    assert re.search(r"^and [\d,]+ more$", few, re.MULTILINE)
    assert len(few.splitlines()) < 15


@pytest.mark.parametrize("by", ["package", "module", "section", "kind"])
def test_sizes_by(by):
    sizes = json.loads(cli("compare", BASE, PIE, "--json", "--by", by).out)["sizes"]
    assert sizes["by"] == by
    names = {row["name"] for row in sizes["rows"]}
    assert (
        names
        >= {
            "package": {"main", "example.com/modes/store"},
            "module": {"std", "example.com/modes"},
            "section": {".text"},
            "kind": {"function", "variable", "type"},
        }[by]
    )


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("grew=1%", 3),
        ("grew=90%", 0),
        ("grew=1kB", 3),
        ("grew=1GiB", 0),
        ("lost-symbols", 0),
        ("lost-symbols=5", 0),
    ],
)
def test_conditions_on_a_build_that_grew(condition, code):
    answer = cli("compare", BASE, PIE, "--fail-if", condition)
    assert answer.code == code
    assert answer.out.startswith("Builds")  # shown all the same
    lines = [line for line in answer.err.splitlines() if condition in line]
    assert len(lines) == (code == 3)
    if code:
        assert re.fullmatch(
            rf"goinspect: {PIE}: {condition}: [\d,]+ bytes became [\d,]+ \(\+[\d.]+%\)", lines[0]
        )


def test_conditions_on_a_build_that_lost_symbols():
    answer = cli("compare", BASE, STRIPPED, "--fail-if", "lost-symbols=10", "--fail-if", "grew=0%")
    assert answer.code == 3
    assert re.fullmatch(
        rf"goinspect: {STRIPPED}: lost-symbols=10: \d+ symbols lost \(.*variable.*\)\n", answer.err
    )
    assert cli("compare", BASE, STRIPPED, "--fail-if", "lost-symbols=100000").code == 0


@pytest.mark.parametrize(
    "condition", ["", "grew", "grew=", "grew=-1%", "grew=1 %", "lost", "lost-symbols=x", "shrank=1%"]
)
def test_a_condition_that_is_none_is_a_usage_error(condition):
    answer = cli("compare", BASE, PIE, "--fail-if", condition)
    assert answer.code == 2
    assert "grew=1%" in answer.err


def test_one_bad_file_among_several(tmp_path):
    bad = tmp_path / "text"
    bad.write_text("not a program\n")
    answer = cli("compare", BASE, bad, STRIPPED)
    assert answer.code == 1
    assert answer.err.splitlines()[0].startswith(f"goinspect: {bad}: ")
    assert "Symbols against" in answer.out
    alone = cli("compare", BASE, bad)
    assert (alone.code, alone.out) == (1, "")
    assert len(alone.err.splitlines()) == 1
    assert cli("compare", tmp_path / "none", bad).err.count("\n") == 2


def test_one_file_is_a_usage_error():
    assert cli("compare", BASE).code == 2
    assert cli("compare").code == 2


def test_what_is_not_go_can_be_compared():
    answer = cli("compare", C_PROGRAM, OTHER_C_PROGRAM, "--json")
    assert answer.code == 0
    document = json.loads(answer.out)
    assert all(v["answer"] == "no" for row in document["works"] for v in row["per_binary"])
    assert "not Go" in document["works"][0]["per_binary"][0]["why"]
