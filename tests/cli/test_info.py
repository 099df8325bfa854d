"""`goinspect info`: its shapes, and several files of which one is bad."""

from __future__ import annotations

import json

import pytest

from tests.cli.demo import BINARY
from tests.cli.runner import cli
from tests.cprograms import C_PROGRAM

FIELDS = [
    "schema", "path", "container", "class", "byteorder", "arch", "os", "type", "size", "entry", "go", "packed",
    "build_mode", "pie", "linkmode", "stripped", "cgo", "static", "interpreter", "libraries", "trimpath", "optimized",
    "sanitizer", "fips140", "pgo", "go_version", "go_version_from", "go_build_id", "gnu_build_id", "main_package", "module",
    "deps", "settings", "linker_strings", "vcs", "tables", "reasons", "warnings",
]  # fmt: skip
CONTRACT = {"name", "present", "bytes", "count", "address", "found_by"}


def info(*args):
    answer = cli("info", *args, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def test_json_of_one_file():
    answer = info(BINARY)
    assert list(answer) == FIELDS
    assert answer["schema"] == "goinspect.info/1"
    assert answer["class"] == 64
    assert answer["entry"].startswith("0x")
    assert answer["module"] == {
        "path": "example.com/workload", "version": "(devel)", "sum": "", "replaced_by": None,
    }  # fmt: skip
    assert answer["settings"]["GOARCH"] == "amd64"
    for row in answer["tables"]:
        assert set(row) >= CONTRACT
        assert row["address"] is None or row["address"].startswith("0x")
    tables = {row["name"]: row for row in answer["tables"]}
    assert tables["gopclntab"]["count"] > 1000
    assert tables["symtab"] == {
        "name": "symtab", "present": False, "bytes": 0, "count": None, "address": None, "found_by": None, "share": 0.0,
        "within": None, "detail": None,
    }  # fmt: skip


def test_several_files_are_a_list():
    answer = info(BINARY, C_PROGRAM)
    assert list(answer) == ["schema", "binaries", "warnings"]
    assert answer["schema"] == "goinspect.info/1"
    assert [one["path"] for one in answer["binaries"]] == [str(BINARY), str(C_PROGRAM)]
    assert list(answer["binaries"][0]) == FIELDS


@pytest.mark.parametrize("form", ["text", "json", "go-version"])
def test_one_bad_file_among_several(form, tmp_path):
    bad = tmp_path / "bad"
    bad.write_text("no executable\n")
    answer = cli("info", bad, BINARY, tmp_path / "absent", "--format", form)
    assert answer.code == 1
    assert str(BINARY) in answer.out
    assert "go1.27" in answer.out
    assert [line.split(": ")[:2] for line in answer.err.splitlines()] == [
        ["goinspect", str(bad)], ["goinspect", str(tmp_path / "absent")],
    ]  # fmt: skip
    if form == "json":
        assert len(json.loads(answer.out)["binaries"]) == 1


def test_nothing_but_bad_files_has_no_result(tmp_path):
    output = tmp_path / "out.json"
    answer = cli("info", tmp_path / "a", tmp_path / "b", "--json", "-o", output)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.count("\n") == 2
    assert not output.exists()


def test_text_is_one_screen():
    text = cli("info", BINARY).out
    assert text.count("\n") <= 45
    for words in (
        "go version    go1.27",
        "build mode    pie",
        "stripped      yes: no symbol table or DWARF",
        "gopclntab",
    ):
        assert words in text
    assert "\x1b" not in text
    assert "\x1b[1m" in cli("info", BINARY, "--color", "always").out


def test_verbose_has_reasons():
    text = cli("info", BINARY, "-v").out
    assert "(setting -buildmode)" in text
    assert "DefaultGODEBUG=containermaxprocs=0," in text


def test_output_file(tmp_path):
    path = tmp_path / "info.json"
    assert cli("info", BINARY, "--json", "-o", path).out == ""
    assert json.loads(path.read_text())["go_version"].startswith("go1.27")


def test_not_go_is_described_with_a_warning():
    answer = cli("info", C_PROGRAM)
    assert answer.code == 0
    assert "none: not Go" in answer.out
    assert answer.err.startswith("goinspect: warning: no gopclntab")
    assert cli("info", C_PROGRAM, "-q").err == ""
    assert cli("info", C_PROGRAM, "--format", "go-version").code == 1


def test_names_from_the_file_do_not_reach_the_terminal(tmp_path):
    data = BINARY.read_bytes()
    assert b"path\texample.com/workload\n" in data
    evil = tmp_path / "evil"
    evil.write_bytes(data.replace(b"path\texample.com/workload\n", b"path\texam\x1b[2Jcom/workload\n"))
    for form in ("text", "go-version"):
        assert "\x1b" not in cli("info", evil, "--format", form).out
    assert "exam\\x1b[2Jcom" in cli("info", evil).out


def test_arch_of_another_file():
    answer = cli("info", BINARY, "--arch", "arm64")
    assert answer.code == 1
    assert "amd64" in answer.err
