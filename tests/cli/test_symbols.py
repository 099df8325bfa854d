"""`goinspect symbols` against go tool nm, in every shape."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter

import pytest

from tests.cli.demo import BINARY
from tests.cli.runner import cli
from tests.conftest import oracle_rows
from tests.cprograms import C_PROGRAM


def symbols(*args, binary=BINARY):
    answer = cli("symbols", binary, *args, "--json")
    assert answer.code == 0
    return json.loads(answer.out)["rows"]


def nm(build):
    """(address, size, type, name)"""
    rows = (row if len(row) > 1 else row[0].split(None, 3) for row in oracle_rows(build, "nm"))
    return [(int(address, 16), int(size), kind, name) for address, size, kind, name in rows if kind != "U"]


def dotted(name):
    """As a symbol table spells it: without ABI, "." for the middle dot of names that gopclntab keeps."""
    return name.removesuffix(".abi0").removesuffix(".abiinternal").replace("·", ".")


@pytest.fixture(scope="module")
def rows():
    return symbols()


def test_functions_are_those_of_nm(build, workload):
    """Addresses and names on every build; the sizes where a symbol table has them."""
    found = {
        (int(row["address"], 16), dotted(row["name"])): row
        for row in symbols("--kind", "function", binary=workload)
    }
    expected = {(address, dotted(name)): size
                for address, size, kind, name in nm(build) if kind in "tT" and size}  # fmt: skip
    assert len(expected) > 1000
    missing = [key for key in expected if key not in found]
    assert missing == []
    whole = not build.endswith("stripped")
    for key, size in expected.items():
        row = found[key]
        assert row["kind"] == "function"
        assert "gopclntab" in row["sources"]
        assert row["size_exact"] == whole
        assert row["size"] == size if whole else row["size"] >= size
        assert row["section"] == ".text"
    # nothing is invented: what gopclntab adds are functions that nm lists without a size, if at all
    names = {(address, dotted(name)) for address, _, _, name in nm(build)}
    assert [key for key in found if key not in names and not key[1].startswith("go:")] == []


@pytest.mark.parametrize("name", ["go1.24-exe", "go1.27-pie"])
def test_variables_are_those_of_nm(name, fixture_file):
    found = {(int(row["address"], 16), row["name"], row["size"])
             for row in symbols("--kind", "variable", binary=fixture_file(name, "workload"))}  # fmt: skip
    expected = {(address, name, size) for address, size, kind, name in nm(name) if kind in "dDbB" and size}
    assert len(expected) > 100
    assert expected <= found


def test_json_shape(rows):
    answer = json.loads(cli("symbols", BINARY, "--json").out)
    assert list(answer) == ["schema", "binary", "rows", "warnings"]
    assert answer["schema"] == "goinspect.symbols/1"
    assert answer["warnings"] == []
    for row in rows:
        assert {"name", "address", "size", "kind", "sources", "section", "package", "file", "line"} <= set(
            row
        )
        assert re.fullmatch(r"0x[0-9a-f]+", row["address"])
        assert isinstance(row["sources"], list)
        assert row["sources"]
        assert row["size"] is None or isinstance(row["size"], int)
        assert row["line"] is None or isinstance(row["line"], int)
    main = {row["name"]: row for row in rows}["main.recurse"]
    assert main["package"] == "main"
    assert main["file"] == "example.com/workload/main.go"
    assert main["line"] > 0
    assert main["size_exact"] is False


def test_shapes_agree(rows):
    table = cli("symbols", BINARY).out.splitlines()
    assert table[0].split() == ["address", "size", "kind", "sources", "section", "name", "file:line"]
    assert [line.split()[0] for line in table[1:]] == [row["address"] for row in rows]
    assert all("<=" in line for line in table[1:] if "  function  " in line and "gopclntab " in line)
    sheet = list(csv.DictReader(io.StringIO(cli("symbols", BINARY, "--format", "csv").out)))
    assert [(line["address"], line["name"]) for line in sheet] == [
        (row["address"], row["name"]) for row in rows
    ]
    assert [line["size"] for line in sheet] == [
        "" if row["size"] is None else str(row["size"]) for row in rows
    ]
    listing = cli("symbols", BINARY, "--format", "nm").out.splitlines()
    pattern = re.compile(r" *([0-9a-f]*) +(\d+) ([A-Za-z]) (.+)")
    parsed = [pattern.fullmatch(line).groups() for line in listing]
    assert [(f"0x{p[0]}", int(p[1]), p[3]) for p in parsed if p[2] != "U"] == [
        (row["address"], row["size"] or 0, row["name"]) for row in rows if row["kind"] not in ("type", "itab")
    ]


def nm_lines(listing):
    """As multiset of (address, size, letter, name)."""
    return Counter(tuple(line.split(None, 3)) for line in listing if not re.match(r"\s+\d+ U ", line))


@pytest.mark.parametrize("name", ["go1.24-exe", "go1.24-pie", "go1.27-exe", "go1.27-pie"])
def test_nm_is_that_of_go_line_by_line(name, fixture_file):
    """What the symbol table has: address, size, letter, spelling, duplicates. Beyond that only gopclntab's functions."""
    found = nm_lines(cli("symbols", fixture_file(name, "workload"), "--format", "nm").out.splitlines())
    expected = Counter(
        (f"{address:x}", str(size), kind, symbol) for address, size, kind, symbol in nm(name) if kind != "_"
    )  # the name of a source file
    if name.startswith("go1.24"):  # nm of Go 1.24 told no .bss from .data; that of 1.27 does
        fold = str.maketrans("Bb", "Dd")
        found = Counter({(a, s, k.translate(fold), n): c for (a, s, k, n), c in found.items()})
    assert expected - found == Counter()
    more = found - expected
    assert {symbol for _, _, _, symbol in more} <= {"go:textfipsstart", "go:textfipsend"}


def test_kind_and_source(fixture_file):
    binary = fixture_file("go1.27-exe", "workload")
    every = symbols(binary=binary)
    assert {row["kind"] for row in every} >= {"function", "variable"}
    for kind in ("function", "variable", "type", "itab", "notype", "tls"):
        assert symbols("--kind", kind, binary=binary) == [row for row in every if row["kind"] == kind]
    for source in ("symtab", "dynsym", "gopclntab", "dwarf", "typedata"):
        assert symbols("--source", source, binary=binary) == [
            row for row in every if source in row["sources"]
        ]
    assert {tuple(row["sources"]) for row in symbols(binary=BINARY)} <= {
        ("gopclntab",), ("dynsym",), ("typedata",),
    }  # fmt: skip


def test_filter(rows):
    assert symbols("--filter", r"^main\.") == [row for row in rows if row["name"].startswith("main.")]
    assert symbols("--filter", "nosuchname") == []
    assert cli("symbols", BINARY, "--filter", "nosuchname").code == 0
    answer = cli("symbols", BINARY, "--filter", "(")
    assert answer.code == 1
    assert answer.out == ""
    assert answer.err.startswith("goinspect: --filter '(' is no regular expression: ")


def test_sort_and_limit(rows):
    sizes = [row["size"] for row in symbols("--sort", "size")]
    assert sizes == sorted((row["size"] for row in rows), reverse=True)
    names = [row["name"] for row in symbols("--sort", "name")]
    assert names == sorted(row["name"] for row in rows)
    addresses = [int(row["address"], 16) for row in rows]
    assert addresses == sorted(addresses)
    assert symbols("--sort", "size", "-n", "7") == symbols("--sort", "size")[:7]
    assert symbols("--limit", "0") == []
    assert len(symbols("--limit", "1000000")) == len(rows)
    assert cli("symbols", BINARY, "--limit", "-1").code == 2


def test_a_binary_that_is_not_go_has_its_own_symbols():
    answer = cli("symbols", C_PROGRAM, "--json")
    result = json.loads(answer.out)
    assert answer.code == 0
    assert result["warnings"] == ["no gopclntab: only the container's own symbols are listed"]
    assert answer.err.startswith("goinspect: warning: no gopclntab")
    assert cli("symbols", C_PROGRAM, "-q").err == ""


# --- sizes ---


def go_package(name):
    """The import path in a function's name: up to the first dot behind the last slash, outside of brackets."""
    match = re.match(r"(?:[^\[(]*/)?[^.\[(]+(?=\.)", name)
    return "" if name.startswith(("type:", "go:", "_")) or match is None else re.sub("%2e", ".", match[0])


@pytest.mark.parametrize("name", ["go1.24-exe", "go1.27-pie"])
def test_bytes_of_packages_are_sums_of_nm(name, fixture_file):
    answer = cli("symbols", fixture_file(name, "workload"), "--kind", "function", "--by", "package", "--json")
    document = json.loads(answer.out)
    assert list(document) == ["schema", "binary", "by", "size_exact", "total", "rows", "warnings"]
    found = {row["name"]: row["functions"] for row in document["rows"] if not row["name"].startswith("(")}
    expected = Counter()
    for _address, size, _kind, symbol in {row for row in nm(name) if row[2] in "tT"}:
        expected[go_package(symbol)] += size
    del expected[""]
    assert {package: size for package, size in expected.items() if size} == {
        p: s for p, s in found.items() if s
    }


@pytest.mark.parametrize("by", ["package", "module", "section", "kind"])
def test_groups_add_up(by, fixture_file):
    binary = fixture_file("go1.27-exe", "workload")
    rows = json.loads(cli("symbols", binary, "--by", by, "--json").out)["rows"]
    kinds = json.loads(cli("symbols", binary, "--by", "kind", "--json").out)["rows"]
    for column in ("symbols", "functions", "variables", "types", "size", "bss"):
        assert sum(row[column] for row in rows) == sum(row[column] for row in kinds)
    assert [row["size"] for row in rows] == sorted((row["size"] for row in rows), reverse=True)
    names = [
        row["name"]
        for row in json.loads(cli("symbols", binary, "--by", by, "--sort", "name", "--json").out)["rows"]
    ]
    assert names == sorted(names)
    assert len(cli("symbols", binary, "--by", by, "-n", "1", "--format", "csv").out.splitlines()) == 2
    few = json.loads(cli("symbols", binary, "--by", by, "-n", "1", "--json").out)
    assert few["rows"] == rows[:1]
    assert few["total"]["size"] == sum(row["size"] for row in rows)


def test_modules_are_those_of_the_build(fixture_file):
    rows = symbols("--kind", "function", binary=fixture_file("go1.27-exe", "workload"))
    modules = {row["name"]: row["module"] for row in rows}
    assert modules["main.main"] == "example.com/workload"
    assert modules["runtime.mallocgc"] == modules["time.Now"] == "std"
    assert modules["memeqbody"] == "(assembly)"
    receivers = {row["name"]: (row["package"], row["receiver"]) for row in rows}
    assert receivers["runtime.(*mheap).alloc"] == ("runtime", "*mheap")
    assert receivers["time.Time.appendFormat"] == ("time", "Time")
    assert receivers["main.main"] == ("main", None)


def test_folded_sizes_are_what_flame_draws(fixture_file, tmp_path):
    binary = fixture_file("go1.27-exe", "workload")
    text = cli("symbols", binary, "--format", "folded").out
    head, *lines = text.splitlines()
    assert head == "# goinspect sizes unit=bytes"
    total = sum(int(line.rpartition(" ")[2]) for line in lines)
    assert total == sum(
        row["size"] for row in json.loads(cli("symbols", binary, "--by", "kind", "--json").out)["rows"]
    )
    stacks = {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in lines}
    sizes = {symbol: size for _, size, kind, symbol in nm("go1.27-exe") if kind in "tT"}
    assert stacks["runtime;runtime.(*mheap);runtime.(*mheap).alloc"] == sizes["runtime.(*mheap).alloc"]
    assert stacks["main;main.recurse"] == sizes["main.recurse"]
    folded = tmp_path / "sizes.folded"
    folded.write_text(text)
    graph = json.loads(cli("flame", folded, "--json", "-q").out)
    assert graph["unit"] == "bytes"
    assert graph["totals"]["weight"] == total


def test_options_that_exclude_each_other():
    for options in (
        ["--by", "kind", "--format", "nm"],
        ["--by", "kind", "--format", "folded"],
        ["--by", "kind", "--sort", "address"],
    ):
        assert cli("symbols", BINARY, *options).code == 2


# --- types and DWARF ---


@pytest.mark.parametrize("series", ["go1.24", "go1.27"])
def test_stripped_binaries_have_the_types_of_their_twin(series, fixture_file):
    """By address: the types that the program itself knows."""
    whole = symbols("--source", "typedata", binary=fixture_file(f"{series}-exe", "workload"))
    stripped = symbols("--source", "typedata", binary=fixture_file(f"{series}-stripped", "workload"))
    assert [(row["address"], row["name"], row["size"], row["kind"]) for row in whole] == [
        (row["address"], row["name"], row["size"], row["kind"]) for row in stripped
    ]
    assert {row["kind"] for row in whole} == {"type", "itab"}
    assert {"main.pair", "*os.File", "[]uint8"} & {row["name"] for row in whole}


def test_what_only_debuggers_know_has_no_address(fixture_file):
    rows = symbols("--source", "dwarf", "--kind", "type", binary=fixture_file("go1.27-exe", "workload"))
    unknown = [row for row in rows if row["address"] is None]
    assert unknown
    assert all(row["sources"] == ["dwarf"] for row in unknown)
    assert rows[-1]["address"] is None  # they come last
    assert any(row["sources"] == ["dwarf", "typedata"] for row in rows)


def test_undefined_symbols_are_listed_on_request():
    rows = symbols("--kind", "undefined", binary=C_PROGRAM)
    assert {"dynsym", "symtab"} == {source for row in rows for source in row["sources"]}
    assert any(row["name"].startswith("calloc") for row in rows)
    assert all(row["kind"] == "undefined" for row in rows)
    assert not any(row["kind"] == "undefined" for row in symbols(binary=C_PROGRAM))


def test_a_file_cut_off_before_moduledata_has_functions_with_text_start(fixture_file, tmp_path):
    whole = fixture_file("go1.27-stripped", "workload")
    cut = tmp_path / "cut"
    cut.write_bytes(whole.read_bytes()[:1_200_000])
    assert "--text-start" in cli("symbols", cut).err
    expected = symbols("--source", "gopclntab", binary=whole)
    found = symbols("--source", "gopclntab", "--text-start", "401000", binary=cut)
    assert [row["address"] for row in found] == [row["address"] for row in expected][: len(found)]
    assert len(found) > 1000
    assert json.loads(cli("info", cut, "--text-start", "401000", "--json").out)["go"] is True
