"""Start-up pays only for what is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import FIXTURES

BINARY = str(FIXTURES / "go1.27-piestripped" / "workload")
HEAVY = {"psutil", "lief", "capstone", "numpy", "tabulate", "rich"}
RUN = """
import sys, contextlib, io
sys.argv = ["goinspect", *{arguments!r}]
from goinspect.cli.app import app
code = None
with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
    try:
        app()
    except SystemExit as end:
        code = end.code
assert not code, code
print(*sorted(sys.modules))
"""


def loaded(code):
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.partition(".")[0] for name in answer.stdout.split()}


def test_import():
    modules = loaded("import goinspect, sys; goinspect.__all__; print(*sys.modules)")
    assert "goinspect" in modules
    assert modules & (HEAVY | {"typer", "click"}) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        *(
            [command, "--help"]
            for command in (
                "pcln",
                "disasm",
                "flame",
                "annotate",
                "symbols",
                "info",
                "compare",
                "pgo",
                "maps",
                "ps",
                "symbolize",
            )
        ),
    ],
)
def test_help(arguments):
    modules = loaded(RUN.format(arguments=arguments))
    assert {"goinspect", "typer"} <= modules
    assert modules & HEAVY == set()


@pytest.mark.parametrize("options", [[], ["--json"], ["--format", "addr2line"]])
def test_a_single_lookup(options):
    modules = loaded(RUN.format(arguments=["pcln", BINARY, "401000", *options]))
    assert modules & HEAVY == set()


def test_a_flame_graph():
    """numpy it needs, and capstone to restore callers; LIEF would cost half a second."""
    recording = str(FIXTURES / "go1.27-piestripped" / "perf.data")
    modules = loaded(RUN.format(arguments=["flame", recording, "-b", BINARY, "--format", "folded", "-q"]))
    assert "numpy" in modules
    assert modules & (HEAVY - {"numpy", "capstone"}) == set()
    modules = loaded(
        RUN.format(arguments=["flame", recording, "-b", BINARY, "--no-restore", "--format", "folded", "-q"])
    )
    assert modules & (HEAVY - {"numpy"}) == set()


@pytest.mark.parametrize("options", [[], ["--json"], ["--format", "go-version"]])
def test_a_description(options):
    modules = loaded(RUN.format(arguments=["info", BINARY, *options]))
    assert modules & (HEAVY - {"numpy"}) == set()


@pytest.mark.parametrize("options", [[], ["--json"], ["--syntax", "gnu", "--bytes"]])
def test_a_disassembled_function(options):
    """Half of its time would be numpy's."""
    modules = loaded(RUN.format(arguments=["disasm", BINARY, "main.main", *options]))
    assert modules & HEAVY == {"capstone"}
