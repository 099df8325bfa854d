"""A binary as an object: its answers are those of the commands."""

from __future__ import annotations

import json

import pytest

import goinspect
from goinspect.errors import NotGoError, QueryError
from tests.cli.runner import cli
from tests.conftest import FIXTURES, oracle_rows
from tests.cprograms import C_PROGRAM

PATH = FIXTURES / "go1.27-piestripped" / "workload"


@pytest.fixture
def binary():
    return goinspect.open(PATH)


def test_functions_are_those_of_the_unstripped_twin(binary):
    entries = {
        row[-1].removesuffix(".abi0"): int(row[0], 16)
        for row in oracle_rows("go1.27-pie", "nm")
        if row[2] in "tT"
    }
    functions = binary.functions
    assert len(functions) == 1873
    same = [function for function in functions if entries.get(function.name) == function.entry]
    assert len(same) > 0.98 * len(functions)
    assert functions["main.main"].entry == entries["main.main"]
    assert "main.main" in functions
    assert "main.nothing" not in functions
    assert functions[0] == next(iter(functions))
    assert functions[-2:] == (functions[1871], functions[1872])
    assert repr(functions) == "<1,873 functions>"
    with pytest.raises(KeyError):
        functions["main.nothing"]
    with pytest.raises(IndexError):
        functions[1873]


def test_info_and_symbols_are_those_of_the_commands(binary):
    said = json.loads(cli("info", PATH, "--json").out)
    assert (binary.info.go_version, binary.info.build_mode) == (said["go_version"], said["build_mode"])
    rows = json.loads(cli("symbols", PATH, "--json", "--kind", "type", "--sort", "size", "-n", "9").out)[
        "rows"
    ]
    found = binary.symbols("type", sort="size", limit=9)
    assert [symbol.name for symbol in found] == [row["name"] for row in rows]
    assert found[0].size == rows[0]["size"]
    assert len(found[2:4]) == 2
    assert repr(found) == "<9 symbols>"
    with pytest.raises(QueryError, match="no regular expression"):
        binary.symbols(pattern="(")


def test_a_data_frame(binary):
    pytest.importorskip("pandas")
    table = binary.symbols("function", limit=5).to_pandas()
    assert list(table["name"]) == [symbol.name for symbol in binary.symbols("function", limit=5)]


def test_closing_forgets(binary):
    with binary as opened:
        assert opened is binary
        assert repr(binary) == f"<{PATH}: Go 1.27.3, amd64>"
        assert binary.frames(binary.functions["main.main"].entry)
    assert repr(binary) == f"<{PATH}, closed>"


def test_what_is_not_go():
    with pytest.raises(NotGoError):
        assert goinspect.open(C_PROGRAM).functions


def test_compare():
    compared = goinspect.compare(PATH, FIXTURES / "go1.27-piestripped" / "workload", by="module")
    assert [row.consumer for row in compared.works][-1] == "goinspect"
    with pytest.raises(ValueError, match="two files"):
        goinspect.compare(PATH)
