"""Folded stacks as flame graphs: what their names say, what options do, and that nothing is lost on the way."""

from __future__ import annotations

from collections import Counter

import pytest

from goinspect.analysis.options import FlameOptions
from goinspect.analysis.stacks.fold import fold
from goinspect.errors import QueryError
from goinspect.model import FrameKind
from goinspect.profiles import open_profile
from goinspect.profiles.folded import parse
from goinspect.render.folded import render_folded
from goinspect.views.graph import draw
from tests.conftest import FIXTURES

GO = "main.main;main.work "  # makes a file the profile of a Go program


def folded(text, **options):
    return fold(parse([text.encode()], "x.folded"), FlameOptions(**options))


def lines(text, **options):
    return render_folded(folded(text, **options)).splitlines()


def frames(text, **options):
    return {frame.name: frame for frame in folded(text, **options).stacks.frames}


# --- names ---


@pytest.mark.parametrize(
    ("text", "name", "kind", "package", "inlined"),
    [
        ("main.(*T).Get[go.shape.int]", "main.(*T).Get[go.shape.int]", FrameKind.USER, "main", False),
        ("main.F[go.shape.struct { a int: b string }]", None, FrameKind.USER, "main", False),
        ("github.com/a/b/v2.F.func1", None, FrameKind.USER, "github.com/a/b/v2", False),
        ("gopkg.in/yaml%2ev3.Unmarshal", None, FrameKind.USER, "gopkg.in/yaml.v3", False),
        ("net/http.(*conn).serve_[i]", "net/http.(*conn).serve", FrameKind.STDLIB, "net/http", True),
        ("runtime.mallocgc", None, FrameKind.RUNTIME, "runtime", False),
        ("runtime.gcDrain", None, FrameKind.GC, "runtime", False),
        ("type:.eq.main.T", None, FrameKind.RUNTIME, "runtime", False),
        ("do_syscall_64_[k]", "do_syscall_64", FrameKind.KERNEL, "kernel", False),
        ("[kernel.kallsyms]", None, FrameKind.KERNEL, "kernel", False),
        ("LFoo;:bar_[j]", ":bar", FrameKind.NATIVE, "[jit]", False),
        ("[libc.so.6]", None, FrameKind.UNKNOWN, "", False),
        ("[unknown]", None, FrameKind.UNKNOWN, "", False),
        (";leaf", "[unknown]", FrameKind.UNKNOWN, "", False),
        ("std::vector<a.b>::at", None, FrameKind.NATIVE, "", False),
        ("core::fmt::write", None, FrameKind.NATIVE, "", False),
        ("memcpy", None, FrameKind.NATIVE, "", False),
        ("handle request (app.py:12)", None, FrameKind.NATIVE, "", False),
        ("waker_[w]", "waker_[w]", FrameKind.NATIVE, "", False),
        ("odd_[i]_[k]", "odd_[i]", FrameKind.KERNEL, "kernel", False),
    ],
)
def test_kinds(text, name, kind, package, inlined):
    found = frames(f"{GO}1\nmain.main;{text} 2\n")[name or text]
    assert (found.kind, found.package, found.inlined) == (kind, package, inlined)


@pytest.mark.parametrize(
    "text",
    ["java/util/HashMap.get;java.lang.String.hashCode 1", "main;helper 1", "main.py;module.function 1", "main.c:12;x.y 3"],
)  # fmt: skip
def test_other_languages_are_not_go(text):
    assert {frame.kind for frame in folded(text).stacks.frames} == {FrameKind.NATIVE}


def test_places_are_not_names():
    text = "main.main /src/a.go:12;main.f C:/b.go:7_[i];main.g 3:x 5\n"
    found = frames(text)
    assert [(f.name, f.location, f.inlined) for f in found.values()] == [
        ("main.g 3:x", "", False), ("main.f", "C:/b.go:7", True), ("main.main", "/src/a.go:12", False),
    ]  # fmt: skip
    assert lines(text, inlines=True) == ["main.main /src/a.go:12;main.f C:/b.go:7;main.g 3:x 5"]
    assert render_folded(folded(text), annotate=True) == text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("server;main.main 1\nserver 2\nswapper;runtime.main 3", FrameKind.ROOT),
        ("server;main.main;server 1", FrameKind.NATIVE),  # it is a function as well
        ("server;main.main 1\nmain.main 2", FrameKind.NATIVE),  # there are stacks without
        ("server;main_init 1", FrameKind.NATIVE),  # no Go program
    ],
)
def test_processes(text, kind):
    assert frames(text)["server"].kind == kind


# --- options ---

TEXT = f"""{GO}3
main.main;main.inl_[i];main.leaf 5
main.main;main.leaf;sys_read_[k];vfs_read_[k] 7
main.main;main.leaf 11
"""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"main.main;main.work": 3, "main.main;main.inl;main.leaf": 5, "main.main;main.leaf;sys_read;vfs_read": 7,
              "main.main;main.leaf": 11}),
        ({"kernel": False}, {"main.main;main.work": 3, "main.main;main.inl;main.leaf": 5, "main.main;main.leaf": 18}),
        ({"inlines": False}, {"main.main;main.work": 3, "main.main;main.leaf": 16, "main.main;main.leaf;sys_read;vfs_read": 7}),
        ({"focus": "_read"}, {"main.main;main.leaf;sys_read;vfs_read": 7}),
        ({"ignore": r"^main\.leaf$"}, {"main.main;main.work": 3}),
        ({"hide": r"^main\.(inl|main)$"}, {"main.work": 3, "main.leaf": 16, "main.leaf;sys_read;vfs_read": 7}),
        ({"reverse": True, "focus": "inl"}, {"main.leaf;main.inl;main.main": 5}),
    ],
)  # fmt: skip
def test_filters(options, expected):
    found = folded(TEXT, **options)
    text = render_folded(found)
    assert {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in text.splitlines()} == expected
    assert found.totals.weight == sum(expected.values())
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"binaries": ["x"]}, "--binary"), ({"symfs": "/"}, "--symfs"), ({"kallsyms": "x"}, "--kallsyms"),
        ({"event": "cycles"}, "--event"), ({"pids": [1]}, "--pid"), ({"tids": [1]}, "--tid"), ({"comms": ["x"]}, "--comm"),
        ({"cpus": [0]}, "--cpu"), ({"time": (1, None)}, "--time"), ({"weight": "samples"}, "--weight"),
        ({"by": "none"}, "--by"), ({"lines": True}, "--lines"),
    ],
)  # fmt: skip
def test_what_is_not_in_the_file_is_refused(options, option):
    with pytest.raises(QueryError, match=f"{option} needs a recording"):
        folded(TEXT, **options)


def test_filters_without_effect_are_told():
    assert folded("a;b 1", kernel=False).warnings == (
        "--no-kernel: no frame is marked as the kernel's (name_[k])",
    )
    assert folded("a;b 1", inlines=False).warnings == (
        "--no-inline: no frame is marked as inlined (name_[i])",
    )


# --- weights ---


@pytest.mark.parametrize(
    ("text", "unit", "weight", "shown"),
    [
        ("a 3\na;b 4\n", None, 7, "samples"),
        ("a 3\n", "ns", 3, "ns"),
        ("a 3.5\n", "s", 3_500_000_000, "ns"),
        ("a 3\n", "ms", 3_000_000, "ns"),
        ("a 0.25\na 2\n", "us", 2250, "ns"),
        ("a 1.75\n", "ns", 1750, "thousandths of ns"),
        ("a 1.2345678\n", "us", 1_234_567_800, "millionths of ns"),
        ("a 3\n", "bytes", 3, "bytes"),
        ("a 3\n", "wombats", 3, "wombats"),
        ("a 0.25\n", None, 250, "thousandths of samples"),
        ("a 0.1234567\n", "bytes", 123_456_700, "billionths of bytes"),
        ("# goinspect sizes unit=bytes\nmain;main.f 3\n", None, 3, "bytes"),
        ("# goinspect sizes unit=bytes\nmain;main.f 3\n", "count", 3, "count"),
    ],
)
def test_units(text, unit, weight, shown):
    found = folded(text, unit=unit)
    assert (found.totals.weight, found.unit) == (weight, shown)
    assert found.events[0].unit == shown


@pytest.mark.parametrize("text", ["a 0.25\na;b 1000\n", "a 0.1234567\nb 12.5\n", "a 1000000.001\n"])
def test_decimals_come_back(text):
    assert render_folded(folded(text)) == text


def test_a_unit_that_is_too_large():
    with pytest.raises(QueryError, match=r"--unit s: the weights add up to more than 2\^63 ns"):
        folded("a 99999999999\n", unit="s")


def test_samples_are_what_the_weights_say():
    found = folded("a 3\na;b 4\na 5\n")
    assert found.totals.samples == 12
    assert sorted(found.stacks.samples.tolist()) == [4, 8]
    assert folded("a 3\na;b 4\na 5\n", unit="bytes").totals.samples == 3


# --- sizes ---

SIZES = """# goinspect sizes unit=bytes
main;main.(*T);main.(*T).Close 100
net/http;net/http.(*T);net/http.(*T).Close 10
github.com/a/b.c;variables;github.com/a/b%2ec.x 1000
main;variables;main.big 300
(toolchain);go:func.* 50
(C);memcpy 7
"""


def test_all_of_a_package_has_its_colour():
    found = folded(SIZES)
    table = found.stacks
    kinds = {}
    for i, begin in enumerate(table.start[:-1].tolist()):
        mine = [table.frames[f] for f in table.frame[begin : table.start[i + 1]].tolist()]
        assert len({(frame.kind, frame.package) for frame in mine}) == 1
        kinds[mine[0].name] = (mine[0].kind, mine[0].package)
    assert kinds == {
        "main": (FrameKind.USER, "main"), "net/http": (FrameKind.STDLIB, "net/http"),
        "github.com/a/b.c": (FrameKind.USER, "github.com/a/b.c"), "(toolchain)": (FrameKind.RUNTIME, "(toolchain)"),
        "(C)": (FrameKind.NATIVE, "(C)"),
    }  # fmt: skip
    assert (found.event, found.unit, found.totals.weight) == ("sizes", "bytes", 1467)
    assert render_folded(found).splitlines() == sorted(SIZES.splitlines()[1:])


def test_the_largest_comes_first():
    graph = draw(folded(SIZES).stacks, title="", event="sizes")
    below = [i for i, parent in enumerate(graph.node_parent) if parent == 0]
    assert [graph.node_total[i] for i in below] == [1000, 400, 50, 10, 7]
    plain = draw(folded("b 5\na 1\nc 9\n").stacks, title="")
    assert [plain.frames[f].name for f in plain.node_frame] == ["all", "a", "b", "c"]


# --- there and back ---


@pytest.fixture(scope="module")
def recorded():
    directory = FIXTURES / "go1.27-piestripped"
    options = FlameOptions(binaries=[str(directory / "workload")], kallsyms=str(directory / "kallsyms"))
    return fold(open_profile(directory / "perf.data"), options)


def test_a_recording_comes_back(recorded):
    text = render_folded(recorded, annotate=True)
    again = folded(text, unit="ns")
    assert render_folded(again, annotate=True) == text
    assert render_folded(again) == render_folded(recorded)
    assert again.totals.weight == recorded.totals.weight
    assert again.unit == recorded.unit


def test_annotations_come_back():
    text = "main.a;main.b_[i];Lfoo:bar_[j];sys_read_[k] 5\n"
    assert render_folded(folded(text), annotate=True) == text
    assert render_folded(folded(text)) == "main.a;main.b;Lfoo:bar;sys_read 5\n"


def test_kinds_come_back(recorded):
    """All but what is told from others by the binary alone: assembly without a package, and the process."""

    def kinds(result):
        own, start = Counter(), result.stacks.start.tolist()
        for i, weight in enumerate(result.stacks.weight.tolist()):
            frame = result.stacks.frames[result.stacks.frame[start[i + 1] - 1]]
            own[frame.kind if "." in frame.name else "other", frame.inlined] += weight
        return own

    assert kinds(folded(render_folded(recorded, annotate=True))) == kinds(recorded)
    assert frames(render_folded(recorded))["workload"].kind == FrameKind.ROOT


def test_deep_stacks_are_told():
    found = folded(";".join(["f"] * 5000) + " 1\n")
    assert found.warnings == ("the deepest stack has 5,000 frames: pictures show the 4,096 from the root on",)
    assert len(draw(found.stacks, title="").node_total) == 4097
