"""`goinspect calls`: what is shown, in every format, and what is said where there is no answer."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.demo import BINARY
from tests.cli.runner import cli
from tests.conftest import FIXTURES
from tests.cprograms import C_PROGRAM
from tests.unpacked import unpack_tar


def test_both_directions():
    answer = cli("calls", BINARY, "main.run")
    assert answer == (0, answer.out, "")
    assert answer.out.splitlines() == [
        "main.run  0x49b320-0x49b420  example.com/workload/main.go",
        "called by 2 functions",
        "  main.runPinned     main.go:74",
        "  main.main.gowrap2  main.go:50",
        "calls 5 functions, and has 1 call through a pointer",
        "  runtime.mcall             proc.go:403 in runtime.Gosched <- main.go:65",
        "  time.Now                  main.go:63",
        "  time.Time.Before          main.go:63",
        "  runtime.chansend1         main.go:67",
        "  runtime.morestack_noctxt  main.go:61",
        "  CALL AX  main.go:64",
    ]


def test_one_direction():
    both = cli("calls", BINARY, "main.run").out
    above, below = (
        cli("calls", BINARY, "main.run", "--callers").out,
        cli("calls", BINARY, "main.run", "--callees").out,
    )
    assert above + below.partition("\n")[2] == both
    assert cli("calls", BINARY, "main.run", "--callers", "--callees").out == both
    assert cli("calls", BINARY, "0x49b330").out == both


def test_depth_and_recursion():
    lines = cli("calls", BINARY, "main.recurse", "--depth", "9", "--callers").out.splitlines()
    assert lines[1:4] == [
        "called by 2 functions",
        "  main.deepRecursion  main.go:130",
        "  main.recurse        main.go:137  (recursion)",
    ]
    deep = cli("calls", BINARY, "main.main", "--depth", "3", "--callees").out
    assert re.search(r"^  main\.fileTask .*\n(    .*\n)+", deep, re.MULTILINE)
    assert "(see above)" in deep
    assert deep.count("\n") < 400


def test_an_address_that_is_taken():
    lines = cli("calls", BINARY, "main.inlineChain", "--callers").out.splitlines()
    assert lines[1] == "called by no function directly, and through a pointer, perhaps: its address is taken"


def test_calls_that_were_inlined():
    out = cli("calls", BINARY, "sync.(*Mutex).Unlock", "--callers").out
    assert "inlined: " in out


def test_json():
    document = json.loads(cli("calls", BINARY, "main.run", "--json").out)
    assert document["function"] == "main.run"
    (function,) = document["functions"]
    assert function["address_taken"] is False
    assert [(call["text"], call["line"]) for call in function["indirect"]] == [("CALL AX", 64)]
    edges = document["edges"]
    assert [edge["caller"] for edge in edges if edge["direction"] == "callers"] == [
        "main.runPinned",
        "main.main.gowrap2",
    ]
    (gosched,) = [edge for edge in edges if edge["callee"] == "runtime.mcall"]
    (site,) = gosched["sites"]
    assert [frame["function"] for frame in site["frames"]] == ["runtime.Gosched", "main.run"]
    assert (site["file"], site["line"]) == ("runtime/proc.go", 403)
    assert (
        cli("calls", BINARY, "main.run", "--format", "json").out
        == cli("calls", BINARY, "main.run", "--json").out
    )
    below = json.loads(cli("calls", BINARY, "main.run", "--json", "--callers").out)
    assert below["functions"][0]["indirect"] is None


def test_dot():
    out = cli("calls", BINARY, "main.run", "--format", "dot").out
    assert out.startswith('digraph "main.run" {\n')
    assert out.endswith("\n}\n")
    assert '  f49b320 [label="main.run", style="bold"];\n' in out
    assert re.search(r'^  f[0-9a-f]+ -> f49b320 \[label="main.go:74"\];$', out, re.MULTILINE)


def test_folded():
    out = cli("calls", BINARY, "main.spin", "--format", "folded", "--depth", "9").out
    assert "main.deepRecursion;main.recurse;main.spin 1\n" in out
    assert "main.recurse;main.recurse" not in out
    assert cli("calls", BINARY, "main.spin", "--format", "folded", "--callees").code == 2


@pytest.mark.parametrize(
    ("query", "said"),
    [("main.inl2", "'main.inl2' has no code of its own: it was inlined into main.leafA"),
     ("main.runn", "no function is called 'main.runn': did you mean main.run?"),
     ("0x1", "no function holds 0x1")],
)  # fmt: skip
def test_no_answer(query, said):
    assert cli("calls", BINARY, query) == (1, "", f"goinspect: {BINARY}: {said}\n")


def test_other_files():
    answer = cli("calls", C_PROGRAM, "main")
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert "no Go" in answer.err or "not" in answer.err
    assert cli("calls", BINARY, "main.run", "--depth", "0").code == 2


def test_colours():
    plain = cli("calls", BINARY, "main.run")
    colored = cli("calls", BINARY, "main.run", "--color", "always").out
    assert re.sub(r"\x1b\[\d*m", "", colored) == plain.out
    assert colored != plain.out


def test_code_of_c(tmp_path):
    """As scripts/fixtures/recorded_programs/cgo/main.go has it: the symbol table names what is not Go's."""
    unpack_tar(FIXTURES / "recordings" / "programs.tar.xz", tmp_path, "cgo")
    out = cli("calls", tmp_path / "cgo", "c_inner", "--callers", "--depth", "2").out
    assert re.fullmatch(
        r"c_inner  0x[0-9a-f]+-0x[0-9a-f]+\ncalled by 1 function\n"
        r"  c_outer +0x[0-9a-f]+\n    _cgo_[0-9a-f]+_Cfunc_c_outer +0x[0-9a-f]+\n",
        out,
    )
    assert "_Cfunc_c_outer" in cli("calls", tmp_path / "cgo", "main.round", "--callees").out


def test_symbol_tables_without_functions(tmp_path):
    """The program of macOS is linked with a library, and stripped."""
    unpack_tar(FIXTURES / "matrix" / "go1.27.tar.xz", tmp_path, "go1.27-darwin-arm64/workload")
    out = cli("calls", tmp_path / "go1.27-darwin-arm64" / "workload", "main.main", "--callees").out
    assert "  main.outer " in out
