"""A flame graph as an object: it says and writes what the command does, and shows itself in a notebook."""

from __future__ import annotations

import html
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import goinspect
from goinspect.errors import FileError, QueryError
from goinspect.results.stacks import Label, StackFrame, Stacks, Weight
from tests.cli.runner import cli
from tests.conftest import FIXTURES
from tests.examples import examples

FOLDER = FIXTURES / "go1.27-piestripped"
RECORDING, KALLSYMS = FOLDER / "perf.data", FOLDER / "kallsyms"


@pytest.fixture(scope="module")
def flame():
    return goinspect.flame(RECORDING, kallsyms=KALLSYMS)


@pytest.mark.parametrize("format", ["svg", "html", "folded", "json", "top"])
def test_it_writes_what_the_command_writes(format, flame, tmp_path):
    answer = cli("flame", RECORDING, "--kallsyms", KALLSYMS, "--format", format, "-o", "-")
    assert flame.text(format) == answer.out
    assert answer.err == f"goinspect: {flame.summary}\n"


def test_options_are_those_of_the_command():
    mine = goinspect.flame(
        RECORDING, kallsyms=KALLSYMS, focus="main", hide="runtime", by="thread", lines=True, inlines=False,
        kernel=False, seconds=(0.1, 0.4), reverse=True, weight="samples",
    )  # fmt: skip
    answer = cli("flame", RECORDING, "--kallsyms", KALLSYMS, "--focus", "main", "--hide", "runtime", "--by", "thread", "--lines",
                 "--no-inline", "--no-kernel", "--time", "0.1,0.4", "--reverse", "--weight", "samples", "--format", "folded")  # fmt: skip
    assert mine.text("folded") == answer.out
    assert mine.unit == "samples"


def test_saved_whole_or_not_at_all(flame, tmp_path, monkeypatch):
    target = tmp_path / "x.folded"
    flame.save(target)
    before = target.read_bytes()

    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(FileError, match="No space left"):
        flame.save(target)
    assert [path.name for path in tmp_path.iterdir()] == ["x.folded"]
    assert target.read_bytes() == before


def test_saved_by_suffix(flame, tmp_path):
    flame.save(tmp_path / "x.folded")
    flame.save(tmp_path / "x.json")
    flame.save(tmp_path / "x.svg", width=900)
    assert (tmp_path / "x.folded").read_text("utf-8") == flame.text("folded")
    assert json.loads((tmp_path / "x.json").read_text("utf-8"))["totals"]["samples"] == 788
    assert 'width="900"' in (tmp_path / "x.svg").read_text("utf-8")[:300]
    with pytest.raises(FileError, match="cannot be written"):
        flame.save(tmp_path / "no" / "x.svg")
    with pytest.raises(QueryError, match="no format 'png': svg, html, folded"):
        flame.text("png")


def test_what_it_says_of_itself(flame):
    assert repr(flame).startswith(f"<flame graph of {RECORDING}: 788 samples, 0 lost, 8 threads")
    assert "weighed by cpu-clock in ns" in repr(flame.stacks)
    assert flame.total == sum(event.weight for event in flame.events)
    assert flame.warnings == ()
    own = sum(row.own for row in flame.top())
    assert own == flame.total
    assert flame.top(3) == flame.top()[:3]


def test_a_cell_of_a_notebook(flame):
    shown = flame._repr_html_()
    page = html.unescape(re.search(r'srcdoc="([^"]*)"', shown)[1])
    assert 'sandbox="allow-scripts"' in shown
    assert page.startswith("<!doctype html>")
    assert flame.text("svg").partition("?>\n")[2] in page


def test_a_notebook(tmp_path, monkeypatch):
    """Run by the real machinery of notebooks."""
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    kernel = tmp_path / "kernels" / "here"
    kernel.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "here", "language": "python"})
    )
    cell = f"import goinspect\ngoinspect.flame({str(RECORDING)!r}, kallsyms={str(KALLSYMS)!r})"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    client.NotebookClient(
        notebook,
        kernel_name="here",
        timeout=120,
        resources={"metadata": {"path": str(FIXTURES.parent.parent)}},
    ).execute()
    (output,) = notebook.cells[0].outputs
    assert output["data"]["text/html"].startswith("<iframe sandbox")
    assert output["data"]["text/plain"].startswith("<flame graph of ")


# --- Arrow ---


def test_arrow_has_the_same_memory(flame):
    pytest.importorskip("pyarrow")
    stacks = flame.stacks
    again = Stacks.from_arrow(stacks.to_arrow())
    for mine, theirs in ((stacks.start, again.start), (stacks.frame, again.frame), (stacks.samples, again.samples),
                         (stacks.weight, again.weight), (stacks.labels["process"].row, again.labels["process"].row)):  # fmt: skip
        assert np.shares_memory(mine, theirs)
        assert (mine == theirs).all()
    assert again.frames == stacks.frames
    assert (again.root, again.unit) == (stacks.root, stacks.unit)


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 3), max_size=4), st.integers(0, 2**64 - 1), st.integers(-1, 1)),
        max_size=6,
    )
)
@examples(50)
def test_any_stacks_come_back(rows):
    pytest.importorskip("pyarrow")
    frames = tuple(StackFrame(name, "user", "p", name == "b", "f.go", 3, 1) for name in "abc\n")
    stacks = Stacks(
        frames, np.cumsum([0, *(len(stack) for stack, _, _ in rows)], dtype=np.int64),
        np.array([frame for stack, _, _ in rows for frame in stack], dtype=np.int32), np.ones(len(rows), dtype=np.int64),
        (Weight("a", "ns", np.array([w for _, w, _ in rows], dtype=np.uint64)), Weight("b", "", np.zeros(len(rows), np.uint64))),
        {"who": Label(("x", "y"), np.array([label for _, _, label in rows], dtype=np.int32))}, "who",
    )  # fmt: skip
    again = Stacks.from_arrow(stacks.to_arrow())
    assert again.frames == stacks.frames
    assert again.start.tolist() == stacks.start.tolist()
    assert again.frame.tolist() == stacks.frame.tolist()
    assert [(w.name, w.unit, w.values.tolist()) for w in again.weights] == [
        (w.name, w.unit, w.values.tolist()) for w in stacks.weights
    ]
    assert again.labels["who"].values == ("x", "y")
    assert again.labels["who"].row.tolist() == stacks.labels["who"].row.tolist()
