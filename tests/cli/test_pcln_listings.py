"""`goinspect pcln`: what it lists of a whole table, in every shape, against go tool nm."""

from __future__ import annotations

import json
import re

from tests.cli.demo import BINARY, document
from tests.cli.runner import cli
from tests.conftest import oracle_rows


def test_line_table():
    answer = cli("pcln", BINARY, "--lines", "main.recurse", "--lines", "main.leafA")
    assert answer.code == 0
    head, *lines = [line.split() for line in answer.out.splitlines()]
    assert head == ["pc", "end", "offset", "depth", "function", "file:line"]
    result = json.loads(cli("pcln", BINARY, "--lines", "main.recurse", "--lines", "main.leafA", "--json").out)
    assert result["schema"] == "goinspect.pcln/1"
    assert len(lines) == len(result["rows"])
    for line, row in zip(lines, result["rows"], strict=True):
        assert list(row) == ["pc", "end", "entry", "offset", "file", "line", "depth", "function", "frames"]
        inner = row["frames"][0]
        assert (row["function"], row["file"], row["line"]) == (
            inner["function"],
            inner["file"],
            inner["line"],
        )
        assert row["depth"] == len(row["frames"]) - 1
        place = f"{row['file']}:{row['line']}" if row["file"] else "?:0"
        expected = [row["pc"], row["end"], f"+{row['offset']:#x}", str(row["depth"]), row["function"], place]
        assert line == expected
        assert int(row["pc"], 16) - int(row["entry"], 16) == row["offset"]
    assert {row["frames"][-1]["function"] for row in result["rows"]} == {"main.recurse", "main.leafA"}
    _, asked = document(*(row["pc"] for row in result["rows"]))
    assert [row["frames"] for row in asked["rows"]] == [row["frames"] for row in result["rows"]]
    flat = cli("pcln", BINARY, "--lines", "main.leafA", "--no-inline", "--json")
    assert {row["depth"] for row in json.loads(flat.out)["rows"]} == {0}


def test_line_table_of_no_function():
    answer = cli("pcln", BINARY, "--lines", "main.nosuch")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == f"goinspect: {BINARY}: no function is called 'main.nosuch'\n"


def test_inlined_only():
    result = json.loads(cli("pcln", BINARY, "--inlined-only", "--json").out)
    rows = {row["name"]: row for row in result["rows"]}
    assert list(rows["errors.New"]) == ["name", "start_line", "sites", "ranges", "bytes", "functions"]
    assert rows["main.inl3"]["functions"] == ["main.leafA"]
    lines = cli("pcln", BINARY, "--inlined-only").out.splitlines()
    assert lines[0].split() == ["sites", "ranges", "bytes", "line", "function", "in"]
    assert len(lines) == len(rows) + 1
    (line,) = [line for line in lines if " main.inl3 " in line]
    row = rows["main.inl3"]
    assert line.split() == [
        *(str(row[name]) for name in ("sites", "ranges", "bytes", "start_line", "name")), "main.leafA",
    ]  # fmt: skip


def test_sizes():
    result = json.loads(cli("pcln", BINARY, "--sizes", "--json").out)
    assert list(result) == ["schema", "binary", "go_version", "pclntab", "rows", "parts", "size", "warnings"]
    columns = ["func", "pcsp", "pcfile", "pcln", "pcdata", "funcdata", "names", "total"]
    assert list(result["rows"][0]) == ["name", "entry", "functions", *columns]
    assert [list(part) for part in result["parts"]] == [["name", "bytes", "functions"]] * len(result["parts"])
    assert sum(part["bytes"] for part in result["parts"]) == result["size"] == result["pclntab"]["size"]
    lines = cli("pcln", BINARY, "--sizes").out.splitlines()
    assert lines[0].split() == ["entry", *columns, "function"]
    first = result["rows"][0]
    assert lines[1].split() == [first["entry"], *(str(first[name]) for name in columns), first["name"]]
    gap = lines.index("")
    assert gap == len(result["rows"]) + 1
    assert lines[gap + 1].split() == ["bytes", "of", "functions", "share", "part"]
    assert lines[-1].startswith("What functions share ")
    assert lines[-3].split() == [
        f"{result['size']:,}",
        f"{sum(row['total'] for row in result['rows']):,}",
        "100.0%",
        "all",
    ]


def test_sizes_by_package():
    result = json.loads(cli("pcln", BINARY, "--sizes", "--by", "package", "--json").out)
    assert result["rows"][0]["name"] == "runtime"
    assert result["rows"][0]["entry"] is None
    assert result["rows"][0]["functions"] > 1000
    lines = cli("pcln", BINARY, "--sizes", "--by", "package").out.splitlines()
    assert lines[0].split()[0::9] == ["functions", "package"]
    assert lines[1].split()[0::9] == [str(result["rows"][0]["functions"]), "runtime"]


def test_functions_are_those_of_nm():
    answer = cli("pcln", BINARY, "--functions", "--json")
    result = json.loads(answer.out)
    assert result["schema"] == "goinspect.pcln/1"
    rows = result["rows"]
    assert list(rows[0]) == [
        "entry", "end", "name", "file", "start_line", "frame_size", "args_size", "func_id", "flags", "inlined",
        "deferreturn",
    ]  # fmt: skip
    found = {(int(row["entry"], 16), row["name"]) for row in rows}
    text = [(int(name[0], 16), name) for name in nm_rows("go1.27-piestripped")]
    expected = {(address, name[3].removesuffix(".abi0")) for address, name in text
                if name[2] in "tT" and name[1] != "0"}  # fmt: skip
    assert expected <= found
    assert all(row["end"] > row["entry"] or int(row["end"], 16) >= int(row["entry"], 16) for row in rows)
    assert len(rows) == result["pclntab"]["nfunc"]
    starts = [int(row["entry"], 16) for row in rows]
    assert starts == sorted(starts)


def nm_rows(build):
    """(address, size, type, name) of each symbol; names may hold spaces."""
    return [row if len(row) > 1 else row[0].split(None, 3) for row in oracle_rows(build, "nm")]


def test_functions_as_a_table():
    lines = cli("pcln", BINARY, "--functions").out.splitlines()
    assert lines[0].split() == ["entry", "size", "frame", "inlined", "function", "file:line"]
    assert any(
        re.match(r"0x[0-9a-f]+ .*main\.recurse  +example\.com/workload/main\.go:\d+$", line) for line in lines
    )
    assert not any("…" in line or line.endswith("...") for line in lines)  # nothing is cut


def test_header():
    plain, asked = cli("pcln", BINARY), cli("pcln", BINARY, "--header")
    assert plain == asked
    assert plain.code == 0
    facts = dict(re.split(r"  +", line, maxsplit=1) for line in plain.out.splitlines())
    assert facts["go version"] == "go1.27.3"
    assert facts["generation"].startswith("1.20 ")
    result = json.loads(cli("pcln", BINARY, "--header", "--json").out)
    assert result["rows"] == []
    assert facts["address"] == result["pclntab"]["address"]
