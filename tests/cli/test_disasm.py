"""`goinspect disasm`: what may be asked, what is shown, and what programs read of it."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest

from tests.cli.runner import cli
from tests.conftest import FIXTURES
from tests.unpacked import unpack_tar

BINARY = FIXTURES / "go1.27-piestripped" / "workload"
SOURCE = FIXTURES / "workload"


def document(*args):
    answer = cli("disasm", BINARY, *args, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def lines(*args):
    answer = cli("disasm", BINARY, *args)
    assert answer.code == 0, answer.err
    return answer.out.splitlines()


# --- the text ---


def test_headings_are_nested_as_calls_are_inlined():
    shown = lines("main.leafA", "--bytes")
    assert shown[0] == "main.leafA  0x49b540-0x49b5b2  example.com/workload/main.go  (114 bytes)"
    headings = [line for line in shown[1:] if "main.go" in line]
    assert headings[:5] == [
        "  main.go:82 main.leafA",
        "  main.go:83 main.leafA",
        "    main.go:87 main.inl1 (inlined)",
        "    main.go:88 main.inl1 (inlined)",
        "      main.go:94 main.inl2 (inlined)",
    ]
    assert headings[-1] == "  main.go:83 main.leafA"  # back where it was called
    assert "L1:        0x49b54a  488d5a02              LEAQ 0x2(DX), BX" in shown
    assert any(re.fullmatch(r" +0x49b5a8  73a0 +JAE 0x49b54a +// L1", line) for line in shown)


def test_a_heading_for_each_change_of_frames():
    rows = document("main.main")["functions"][0]["instructions"]
    changes = sum(a["frames"] != b["frames"] for a, b in itertools.pairwise(rows)) + 1
    shown = lines("main.main")[1:]
    above = [
        before for before, line in zip(["", *shown], shown, strict=False) if re.match(r"(L\d+:)? +0x", line)
    ]
    assert sum(" main." in line and "0x" not in line for line in above) == changes


def test_source_is_interleaved():
    shown = lines("main.leafA", "--source", SOURCE)
    at = shown.index("    main.go:87 main.inl1 (inlined)")
    assert shown[at + 1] == "    | for i := uint64(1); i <= n; i++ {"
    other = document("main.leafA", "--source", SOURCE)["sources"]
    assert {
        "file": "example.com/workload/main.go",
        "line": 94,
        "text": "\treturn inl3(x+1) ^ inl3(x+2)",
    } in other


def test_source_that_is_not_there(tmp_path):
    answer = cli("disasm", BINARY, "main.leafA", "--source", tmp_path)
    assert answer.code == 0
    assert f"no source of this code is below {tmp_path}" in answer.err


def test_colours():
    plain, colored = (cli("disasm", BINARY, "main.main", "--color", when).out for when in ("never", "always"))
    assert "\x1b" not in plain
    assert "\x1b[1m" in colored
    assert re.sub(r"\x1b\[\d*m", "", colored) == plain


# --- queries ---


def test_an_address_is_marked():
    found = document("0x49b5a2")["functions"]
    assert [function["function"] for function in found] == ["main.leafA"]
    assert [row["pc"] for row in found[0]["instructions"] if row["asked"]] == ["0x49b5a2"]
    assert any(line.startswith("=> ") or " =>" in line for line in lines("0x49b5a4"))  # in the middle of it
    assert not any("=>" in line for line in lines("49b540"))  # the function itself


def test_an_offset_in_a_function():
    found = document("main.leafA+0x62")["functions"][0]
    assert [row["pc"] for row in found["instructions"] if row["asked"]] == ["0x49b5a2"]


def test_a_range_goes_across_functions():
    found = document("0x49b5b1-0x49b5c4")["functions"]
    assert [function["function"] for function in found] == ["main.leafA", "main.nestedCalls"]
    texts = [row["text"] for function in found for row in function["instructions"]]
    assert texts == ["RET", *["INT $0x3"] * 14, "CMPQ SP, 0x10(R14)"]
    assert not found[0]["whole"]


@pytest.mark.parametrize(
    "query", ["0x10-0x20", "0x49b5b1-0x49b5b1", "0x2-0x1", "0x400000-0xffffffff", "12345678"]
)
def test_ranges_and_addresses_without_code(query):
    answer = cli("disasm", BINARY, query)
    assert answer.code == 1
    assert answer.err.count("\n") == 1
    assert answer.err.startswith(f"goinspect: {BINARY}: ")


def test_a_line_is_wherever_it_was_inlined():
    found = document("main.go:94")["functions"]
    for function in found:
        assert not function["whole"]
        for row in function["instructions"]:
            assert row["frames"][0]["line"] == 94
    assert "…" in lines("main.go:94")


def test_a_function_that_exists_only_inlined():
    answer = cli("disasm", BINARY, "main.inl3")
    assert answer.code == 0
    assert "exists only inlined" in answer.err
    assert "main.go:98 main.inl3 (inlined)" in answer.out


def test_several_queries():
    found = document("main.leafA", "0x49b5c0")["functions"]
    assert [(f["query"], f["function"]) for f in found] == [
        ("main.leafA", "main.leafA"),
        ("0x49b5c0", "main.nestedCalls"),
    ]


def test_a_misspelt_name():
    answer = cli("disasm", BINARY, "main.leafa")
    assert answer.code == 1
    assert "did you mean main.leafA" in answer.err


# --- what addresses are ---


def test_calls_strings_types_and_function_values_are_named():
    rows = document("main.main")["functions"][0]["instructions"]
    assert {row["target_name"] for row in rows if row["kind"] == "call"} >= {
        "strconv.Atoi",
        "runtime.printlock",
        "os.Exit",
    }
    strings = {row["string"]: row for row in rows if row["string"]}
    assert "usage: workload [milliseconds]\n" in strings
    assert {row["reference_name"] for row in rows} >= {
        "type:chan uint64",
        "type:uint64",
        "main.inlineChain·f",
    }
    shown = "\n".join(lines("main.main"))
    assert '// "usage: workload [milliseconds]\\n"' in shown
    assert "// type:chan uint64" in shown
    assert "CALL strconv.Atoi(SB)\n" in shown  # told by the text itself


def test_labels_are_of_this_function():
    (function,) = document("main.main")["functions"]
    rows = function["instructions"]
    starts = {row["pc"] for row in rows}
    labelled = {row["label"]: row["target"] for row in rows if row["label"]}
    assert set(labelled.values()) <= starts
    assert list(labelled) != []
    assert sorted(labelled, key=lambda label: int(label[1:])) == sorted(
        labelled, key=lambda label: int(labelled[label], 16)
    )


# --- syntaxes and architectures ---


def test_syntaxes():
    texts = {
        syntax: document("0x49b320-0x49b324", "--syntax", syntax)["functions"][0]["instructions"][0]["text"]
        for syntax in ("go", "intel", "att", "gnu")
    }
    assert texts == {
        "go": "CMPQ SP, 0x10(R14)",
        "intel": "cmp rsp, qword ptr [r14 + 0x10]",
        "att": "cmpq 0x10(%r14), %rsp",
        "gnu": "cmp 0x10(%r14),%rsp",
    }


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    root = tmp_path_factory.mktemp("matrix")

    def get(name):
        unpack_tar(FIXTURES / "matrix" / f"{name.partition('-')[0]}.tar.xz", root, f"{name}/workload")
        return root / name / "workload"

    return get


@pytest.mark.parametrize(
    ("name", "syntax", "call"),
    [
        ("go1.27-linux-arm64", "go", "CALL runtime.morestack_noctxt(SB)"),
        ("go1.27-linux-386", "go", "CALL runtime.morestack_noctxt(SB)"),
        ("go1.27-linux-arm", "gnu", "// runtime.morestack_noctxt"),
        ("go1.27-linux-riscv64", "gnu", "// runtime.morestack_noctxt"),
        ("go1.27-linux-s390x", "gnu", "// runtime.morestack_noctxt"),
        ("go1.27-linux-mips", "gnu", "// runtime.morestack_noctxt"),
        ("go1.15-linux-s390x", "gnu", "// runtime.morestack_noctxt"),
        ("go1.27-darwin-arm64", "go", "CALL runtime.morestack_noctxt(SB)"),
        ("go1.27-windows-amd64", "go", "CALL runtime.morestack_noctxt(SB)"),
        ("go1.15-linux-386", "go", "CALL runtime.morestack_noctxt(SB)"),
    ],
)
def test_every_architecture(name, syntax, call, matrix):
    path = matrix(name)
    answer = cli("disasm", path, "main.main")
    assert answer.code == 0, answer.err
    assert call in answer.out
    assert "  main.go:" in answer.out
    assert json.loads(cli("disasm", path, "main.main", "--json").out)["syntax"] == syntax
    strings = [
        row["string"]
        for row in json.loads(cli("disasm", path, "main.main", "--json").out)["functions"][0]["instructions"]
    ]
    assert any(strings) or name == "go1.15-linux-s390x", "no string is told"


def test_an_object_has_no_addresses_of_data_yet(matrix):
    answer = json.loads(cli("disasm", matrix("go1.27-linux-amd64-carchive"), "main.main", "--json").out)
    rows = answer["functions"][0]["instructions"]
    assert {row["reference"] for row in rows} == {None}
    assert "CALL main.outer(SB)" in {row["text"] for row in rows}
    assert not [row["text"] for row in rows if "$" in row["text"] and "(SB)" in row["text"]]


def test_what_cannot_be_decoded(matrix):
    answer = cli("disasm", matrix("go1.27-js-wasm"), "main.main")
    assert answer.code == 1
    assert "code for wasm cannot be disassembled: capstone decodes amd64" in answer.err


def test_a_syntax_that_there_is_not(matrix):
    answer = cli("disasm", matrix("go1.27-linux-riscv64"), "main.main", "--syntax", "go")
    assert answer.code == 1
    assert "code for riscv64 is not written in go syntax: gnu" in answer.err


# --- JSON ---


def test_json_shape():
    answer = document("main.leafA")
    assert list(answer) == [
        "schema",
        "binary",
        "go_version",
        "arch",
        "syntax",
        "functions",
        "sources",
        "warnings",
    ]
    assert (answer["schema"], answer["arch"], answer["syntax"], answer["sources"]) == (
        "goinspect.disasm/1",
        "amd64",
        "go",
        None,
    )
    (function,) = answer["functions"]
    assert list(function) == ["query", "function", "entry", "end", "file", "whole", "instructions"]
    first = function["instructions"][0]
    assert first == {
        "pc": "0x49b540", "bytes": "90", "text": "NOPL", "kind": "other", "target": None, "target_name": None, "label": None,
        "reference": None, "reference_name": None, "string": None, "asked": False,
        "frames": [{"function": "main.leafA", "file": "example.com/workload/main.go", "line": 82, "inlined": False}],
    }  # fmt: skip
    code = b"".join(bytes.fromhex(row["bytes"]) for row in function["instructions"])
    assert len(code) == int(function["end"], 16) - int(function["entry"], 16)


def test_frames_are_those_of_pcln():
    rows = document("main.main")["functions"][0]["instructions"]
    answer = json.loads(cli("pcln", BINARY, *(row["pc"] for row in rows), "--json").out)
    assert [row["frames"] for row in rows] == [row["frames"] for row in answer["rows"]]


def test_output_to_a_file(tmp_path):
    target = tmp_path / "out.txt"
    answer = cli("disasm", BINARY, "main.leafA", "-o", target)
    assert (answer.code, answer.out) == (0, "")
    assert target.read_text() == cli("disasm", BINARY, "main.leafA").out
    assert list(Path(tmp_path).iterdir()) == [target]
