"""What compare says other tools can do, against what these tools did: each was run on each build."""

from __future__ import annotations

import pytest

import goinspect
from goinspect.analysis.builds.compare import compare
from goinspect.analysis.builds.differences import read_build
from goinspect.analysis.builds.overview import describe
from goinspect.analysis.builds.works import CONSUMERS, judge
from tests import modes
from tests.gosym.test_matrix import unpacked

# Consumer -> what was tried of it.
TRIED = {
    "perf: names": ("perf names",),
    "perf: inlined calls": ("perf inlines", "perf inlines dwarf"),
    "pprof: profiles of the program": ("pprof names", "pprof inlines"),
    "pprof: disasm, weblist": ("pprof disasm",),
    "pprof: bare addresses": ("pprof addresses",),
    "runtime tracebacks": ("traceback names", "traceback lines", "traceback inlines"),
    "delve: functions, stacks": ("dlv break", "dlv stack"),
    "delve: variables": ("dlv locals", "dlv globals"),
    "gdb: functions, stacks": ("gdb break", "gdb stack"),
    "gdb: variables": ("gdb locals", "gdb globals"),
    "go tool nm": ("go tool nm",),
    "go tool objdump": ("go tool objdump",),
    "go tool addr2line": ("go tool addr2line",),
    "uprobes by name": ("perf probe", "bpftrace"),
}
BUILDS = [(series, mode) for series in modes.SERIES for mode in modes.kept(series)]


def together(verdicts):
    """Several tries as one answer."""
    found = set(verdicts)
    return found.pop() if len(found) == 1 else "partly"


def test_every_consumer_was_tried():
    assert set(CONSUMERS) == {*TRIED, "goinspect"}


@pytest.mark.parametrize(("series", "mode"), BUILDS)
def test_verdicts_are_what_the_tools_did(series, mode):
    binary = goinspect.open(modes.binary(series, mode))
    verdicts = judge(describe(binary), binary, read_build(binary))
    told = modes.verdicts(series)
    expected = {
        consumer: together(told[mode, name].verdict for name in names if (mode, name) in told)
        for consumer, names in TRIED.items()
        if any((mode, name) in told for name in names)
    }
    assert {consumer: verdicts[consumer].answer for consumer in expected} == expected
    assert verdicts["goinspect"].answer == "yes"
    assert all(verdict.why for verdict in verdicts.values())


@pytest.mark.parametrize("series", modes.SERIES)
def test_eight_builds_side_by_side(series):
    """The builds of the page about build flags: what nm lists and readelf measures of each."""
    paths = [modes.binary(series, mode) for mode in modes.EIGHT]
    result = compare([goinspect.open(path) for path in paths])
    assert result.labels == tuple(f"{mode}/modes" for mode in modes.EIGHT)
    facts = modes.facts(series)
    parts = {row.name: row for row in result.parts}
    for at, mode in enumerate(modes.EIGHT):
        fact = facts[mode]
        assert parts["file"].bytes[at] == int(fact["bytes"]), mode
        for ours, theirs in (("gopclntab", "gopclntab"), ("symtab", "symtab"), ("dynsym", "dynsym"), ("DWARF", "debug"),
                             ("relocations", "rela")):  # fmt: skip
            measured = parts[ours].bytes[at] if ours in parts else 0
            assert measured == int(fact[theirs]), (mode, ours)
    lost = {mode: one.lost for mode, one in zip(modes.EIGHT[1:], result.symbols.against, strict=True)}
    assert lost["w"] == {}  # DWARF names nothing that the others do not
    for mode in ("s-w", "strip", "pie-s-w"):
        assert lost[mode]["variable"] == lost["s-w"]["variable"] > 100
        assert "type" not in lost[mode]
    assert lost["pie"].get("function", 0) == 0


@pytest.mark.parametrize("series", modes.SERIES)
@pytest.mark.parametrize("mode", ["s-w", "strip"])
def test_stripped_builds_list_the_functions_of_their_twin(series, mode):
    from goinspect.analysis.symbols.listing import SymbolQuery, list_symbols

    def functions(of):
        rows = list_symbols(
            goinspect.open(modes.binary(series, of)), SymbolQuery(kind="function", source="gopclntab")
        ).rows
        return [(row.address, row.name, row.file, row.line) for row in rows]

    assert functions(mode) == functions("default")


@pytest.mark.parametrize(
    ("build", "consumer", "why"),
    [
        ("go1.27-windows-amd64", "perf: names", "a tool of Linux, and this is a program for windows"),
        ("go1.27-darwin-arm64", "uprobes by name", "a tool of Linux, and this is a program for darwin"),
        (
            "go1.27-linux-amd64-carchive",
            "delve: variables",
            "an object file: its addresses are not final before it is linked",
        ),
    ],
)
def test_tools_that_cannot_be_used_at_all(build, consumer, why, unpacked):
    binary = goinspect.open(
        next(path for path in unpacked(build).iterdir() if path.name.startswith("workload"))
    )
    verdict = judge(describe(binary), binary, read_build(binary))[consumer]
    assert (verdict.answer, verdict.why) == ("no", why)


__all__ = ["unpacked"]
