"""`goinspect pcln`: lookups, of addresses, functions and places, in every shape, against go tool addr2line."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from goinspect.binary import Binary
from tests.builders.module import write_module
from tests.builders.program import Function
from tests.cli.demo import BINARY, document
from tests.cli.runner import COMMAND, cli, environment, process
from tests.conftest import oracle_rows


@pytest.fixture(scope="module")
def frames():
    """vaddr -> ("function|file:line", …), innermost first."""
    return {row[0]: [frame.replace(".abi0|", "|") for frame in row[1:]]
            for row in oracle_rows("go1.27-piestripped", "frames")}  # fmt: skip


# --- lookups ---


def test_addr2line_format_is_that_of_go(build, workload):
    """Function entries, last bytes, padding and anything between, some at random of each build."""
    rows = oracle_rows(build, "addr2line")[
        :: 20 if build != "go1.27-exe" else 2
    ]  # the latter: by the batch engine
    pcs = "".join(f"{row[0]}\n" for row in rows)
    answer = cli("pcln", workload, "-", "--format", "addr2line", stdin=pcs)
    assert answer.code == 0
    assert answer.err == ""
    # In the padding of go:textfipsstart the line table ends: go prints what it last decoded with the sign turned.
    odd = [place for _, _, place in rows if re.fullmatch(r":-\d+", place) and place != ":-1"]
    assert len(odd) <= 2
    expected = "".join(f"{function}\n{':-1' if place in odd else place}\n" for _, function, place in rows)
    # what lies behind the last function belongs to none: go prints "?" there, and so do we
    assert answer.out.splitlines() == expected.splitlines()
    assert len(rows) >= 500


def test_text_and_json_say_the_same(frames):
    pcs = list(frames)[:200]
    code, result = document(*pcs)
    assert code == 0
    text = cli("pcln", BINARY, *pcs).out
    blocks = re.split(r"^(?=0x)", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(result["rows"]) == len(pcs)
    for pc, row, block in zip(pcs, result["rows"], blocks, strict=True):
        assert row["pc"] == f"0x{pc}"
        assert [f"{f['function']}|{f['file']}:{f['line']}" for f in row["frames"]] == frames[pc]
        assert [f["inlined"] for f in row["frames"]] == [True] * (len(frames[pc]) - 1) + [False]
        assert row["frames"][-1]["function"] == row["function"]
        assert int(row["pc"], 16) - int(row["entry"], 16) == row["offset"] >= 0
        lines = [re.sub(r"^0x\w+", "", line).strip() for line in block.splitlines()]
        expected = ["  ".join(frame.rsplit("|", 1)) for frame in frames[pc]]
        assert [line.removesuffix("  (inlined)") for line in lines] == expected
        assert [line.endswith("(inlined)") for line in lines] == [f["inlined"] for f in row["frames"]]


def test_json_shape():
    code, result = document("401000", "0x1")
    assert code == 0  # one of two could be answered
    assert list(result) == ["schema", "binary", "go_version", "pclntab", "rows", "warnings"]
    assert result["schema"] == "goinspect.pcln/1"
    assert result["binary"] == str(BINARY)
    assert result["go_version"] == "go1.27.3"
    assert result["warnings"] == []
    assert {"generation", "found_by", "address", "text_start"} <= set(result["pclntab"])
    assert result["pclntab"]["generation"] == "1.20"
    for name in ("address", "text_start", "magic"):
        assert re.fullmatch(r"0x[0-9a-f]+", result["pclntab"][name])
    known, unknown = result["rows"]
    assert list(known) == ["pc", "function", "entry", "offset", "frames"]
    assert list(known["frames"][0]) == ["function", "file", "line", "inlined"]
    assert isinstance(known["frames"][0]["line"], int)
    assert unknown == {"pc": "0x1", "function": None, "entry": None, "offset": None, "frames": None}


def test_order_and_repetition_are_kept(frames):
    pcs = ["401000", list(frames)[30], "401000", "1", list(frames)[3]]
    _, result = document(*pcs)
    assert [row["pc"] for row in result["rows"]] == [f"0x{pc}" for pc in pcs]


def test_ways_to_write_an_address():
    _, result = document("0x401000", "401000", "0X401000", "internal/abi.BoundsDecode")
    assert {row["pc"] for row in result["rows"]} == {"0x401000"}
    _, result = document("internal/abi.BoundsDecode+0x1c", "internal/abi.BoundsDecode+28", "40101c")
    assert {row["pc"] for row in result["rows"]} == {"0x40101c"}
    assert {row["offset"] for row in result["rows"]} == {28}


def test_stdin(frames):
    pcs = list(frames)[:5]
    _, plain = document(*pcs)
    _, piped = document("-", stdin="\n".join([*pcs[:2], "", f"  {pcs[2]}  ", *pcs[3:]]) + "\r\n")
    assert piped["rows"] == plain["rows"]
    _, mixed = document("1", "-", "2", "401000", stdin=pcs[0])
    assert [row["pc"] for row in mixed["rows"]] == ["0x1", f"0x{pcs[0]}", "0x2", "0x401000"]
    assert process("pcln", BINARY, "-", input="401000\n").stdout.startswith(
        "0x401000  internal/abi.BoundsDecode"
    )


def test_nothing_on_stdin():
    for form in ("text", "addr2line"):
        assert cli("pcln", BINARY, "-", "--format", form, stdin="") == (0, "", "")


def test_batch_and_single_lookups_agree(frames):
    """Thousands of PCs go another way than a few."""
    pcs = [*frames, "1", "ffffffffffffffff"]
    many = "\n".join(pcs * 20)
    assert len(pcs) * 20 > 4000
    _, batch = document("-", stdin=many)
    _, single = document("-", stdin="\n".join(pcs))
    assert batch["rows"] == single["rows"] * 20


def test_no_inline(frames):
    pcs = [pc for pc, chain in frames.items() if len(chain) > 1][:50]
    _, result = document(*pcs, "--no-inline")
    for pc, row in zip(pcs, result["rows"], strict=True):
        outer, inner = frames[pc][-1], frames[pc][0]
        assert [f["function"] for f in row["frames"]] == [outer.split("|")[0]]
        assert f"{row['frames'][0]['file']}:{row['frames'][0]['line']}" == inner.rsplit("|", 1)[1]
        assert not row["frames"][0]["inlined"]


def test_nothing_resolved():
    for form in ("text", "json", "addr2line"):
        answer = cli("pcln", BINARY, "1", "2", "--format", form)
        assert answer.code == 1
        assert answer.out != ""  # the rows are there all the same
        assert answer.err.startswith("goinspect: ")
        assert len(answer.err.splitlines()) == 1
    assert cli("pcln", BINARY, "1", "--format", "addr2line").out == "?\n?:0\n"
    assert cli("pcln", BINARY, "1", "-q").err == ""


@pytest.mark.parametrize("query", ["main.nosuch", "zz", "", "+", "0x", "main.main+zz", "-5", "1 2"])
def test_no_address(query):
    answer = cli("pcln", BINARY, "--", query)
    assert answer.code == 1
    assert answer.out == ""
    assert answer.err.startswith(f"goinspect: {BINARY}: {query!r} is neither")
    assert len(answer.err.splitlines()) == 1


def test_an_address_beyond_64_bits_is_in_no_function():
    code, result = document("401000", "f" * 20)
    assert code == 0
    assert result["rows"][1]["frames"] is None


# --- functions and places ---


def test_places_are_ranges():
    code, result = document("main.go:100", "main.recurse", "0x1")
    assert code == 0
    first, second, function, unknown = result["rows"]
    assert list(first) == ["pc", "end", "function", "entry", "offset", "frames"]
    assert list(function) == list(unknown) == ["pc", "function", "entry", "offset", "frames"]
    for row in (first, second):
        assert row["frames"][0] == {
            "function": "main.inl3", "file": "example.com/workload/main.go", "line": 100, "inlined": True,
        }  # fmt: skip
        assert row["function"] == row["frames"][-1]["function"] == "main.leafA"
        assert int(row["pc"], 16) < int(row["end"], 16)
    text = cli("pcln", BINARY, "main.go:100", "main.recurse", "0x1").out.splitlines()
    width = len(first["pc"]) + 1 + len(first["end"])
    assert text[0] == f"{first['pc']}-{first['end']}  main.inl3  example.com/workload/main.go:100  (inlined)"
    assert text[1].startswith(" " * width + "  main.inl2  ")
    assert text[-2] == f"{function['pc']:<{width}}  main.recurse  example.com/workload/main.go:133"
    assert text[-1] == f"{'0x1':<{width}}  ?  ?:0"


def test_places_in_addr2line_format():
    answer = cli("pcln", BINARY, "main.go:100", "--format", "addr2line")
    assert answer.out == "main.leafA\nexample.com/workload/main.go:100\n" * 2


def test_what_is_worth_saying_about_an_answer():
    answer = cli("pcln", BINARY, "sync/atomic.(*Int32).Add")
    assert answer.code == 0
    assert answer.err == (
        "goinspect: warning: 'sync/atomic.(*Int32).Add' exists only inlined: shown is where, in 4 functions\n"
    )
    _, result = document("sync/atomic.(*Int32).Add")
    assert len(result["warnings"]) == 1
    assert cli("pcln", BINARY, "sync/atomic.(*Int32).Add", "-q").err == ""


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("main.go:136", "no code at 'main.go:136': the nearest with code: 135 and 137"),
        ("nosuch.go:1", "'nosuch.go:1' is no function, and no code is of a file 'nosuch.go'"),
    ],
)
def test_no_such_place(query, said):
    answer = cli("pcln", BINARY, query)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == f"goinspect: {BINARY}: {said}\n"


def test_names_and_places_on_stdin():
    queries = ["main.recurse", "main.go:100", "internal/strconv.shortFloat[...]+4", "401000"]
    _, plain = document(*queries)
    _, piped = document("-", stdin="\r\n".join(queries))
    assert piped["rows"] == plain["rows"]
    assert len(plain["rows"]) == 6
    answer = subprocess.run(
        [*COMMAND, "pcln", BINARY, "-"], input=b"401000\n\xff\xfe\n", capture_output=True, check=False,
        env=environment(), timeout=60,
    )  # fmt: skip
    assert answer.returncode == 1
    assert answer.stderr.startswith(b"goinspect: ")
    assert b"Traceback" not in answer.stderr


# --- which part of which file ---


def test_text_start_where_the_table_has_addresses(tmp_path):
    functions = [Function("main.f", 16, files=[(16, "a.go")], lines=[(16, 3)])] * 20
    path = tmp_path / "old"
    path.write_bytes(write_module(functions, (1, 15)).data)
    answer = cli("pcln", path, "401004", "--text-start", "0x501000")
    assert answer.code == 0
    assert "main.f  a.go:3" in answer.out
    assert "--text-start is not used" in answer.err


def test_text_start():
    _, plain = document("main.main", "main.go:100")
    code, moved = document("main.main", "main.go:100", "--text-start", "0x501000")
    assert code == 0
    shift = 0x100000
    for before, after in zip(plain["rows"], moved["rows"], strict=True):
        assert int(after["pc"], 16) - int(before["pc"], 16) == shift
        assert after["frames"] == before["frames"]
    assert moved["warnings"] == ["functions count from 0x501000 as --text-start says, whatever the file says"]
    assert moved["pclntab"]["text_start"] == "0x501000"


def test_a_bare_table(tmp_path):
    table = Binary(BINARY).go.table
    bare = tmp_path / "table"
    bare.write_bytes(table.data)
    _, whole = document("main.main", "main.go:100")
    answer = cli(
        "pcln", bare, "--raw", "--text-start", f"{table.text:x}", "main.main", "main.go:100", "--json"
    )
    assert (answer.code, answer.err) == (0, "")
    assert json.loads(answer.out)["rows"] == whole["rows"]
    assert cli("pcln", bare, "main.main").code == 1  # it is no executable


def test_another_architecture():
    assert cli("pcln", BINARY, "main.main", "--arch", "amd64").code == 0
    answer = cli("pcln", BINARY, "main.main", "--arch", "arm64")
    assert answer.code == 1
    assert "amd64" in answer.err


def test_verbose_tells_how():
    answer = cli("pcln", BINARY, "401000", "-v")
    assert re.match(r"goinspect: gopclntab 1\.20 found by .+; text base from .+\n$", answer.err)


@pytest.mark.parametrize(
    "options",
    [["--functions", "401000"], ["--functions", "--header"], ["--header", "401000"], ["--functions", "--format", "addr2line"],
     ["--header", "--format", "addr2line"], ["--format", "addr2line"], ["--format", "xml"], ["--nonsense"], [],
     ["--lines", "main.main", "--sizes"], ["--inlined-only", "401000"], ["--sizes", "--functions"], ["--lines"],
     ["--by", "package"], ["--by", "package", "--functions"], ["--sizes", "--by", "moon"], ["--text-start", "x", "401000"],
     ["--text-start", "-1", "401000"], ["--lines", "main.main", "--format", "addr2line"]],
)  # fmt: skip
def test_options_that_exclude_each_other(options):
    answer = cli("pcln", *([BINARY] if options else []), *options)
    assert answer.code == 2
    assert answer.out == ""
    assert "Traceback" not in answer.err
    assert answer.err
