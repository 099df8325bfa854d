"""`--format pprof`: as `go tool pprof` reads it, and as `--format top` counts it."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import re
import shutil
import subprocess
from collections import Counter

import numpy as np
import pytest

import goinspect
from goinspect.errors import QueryError
from goinspect.model import FrameKind
from goinspect.render.outputs import DrawOptions, output_for
from goinspect.results.flame import FlameProfile, FlameTotals
from goinspect.results.stacks import StackFrame, Stacks, Weight
from tests.builders.protobuf import read_profile
from tests.cli.runner import COMMAND, cli, environment
from tests.conftest import FIXTURES
from tests.profiles.pproftruth import truth

STORED = FIXTURES / "pprof"
DEMO = FIXTURES / "go1.27-piestripped"
GO = shutil.which("go")
TOP_ROW = re.compile(r" *(\d+)(?:ns)? +\S+% +\S+% +(\d+)(?:ns)? +\S+% +(.*)")


def told_by_pprof(name: str) -> str:
    return lzma.decompress((STORED / f"{name}.txt.xz").read_bytes()).decode()


def top_rows(text: str) -> dict[str, tuple[int, int]]:
    """Own and total of functions in the text of `go tool pprof -top -unit=ns`; of inlined ones, too."""
    rows = (TOP_ROW.fullmatch(line) for line in text.splitlines())
    return {row[3].removesuffix(" (inline)"): (int(row[1]), int(row[2])) for row in rows if row}


def top_of(*args: object) -> dict[str, tuple[int, int]]:
    """What `flame --format top` counts, of all functions."""
    answer = cli("flame", *args, "--format", "top", "--json")
    assert answer.code == 0, answer.err
    return {row["function"]: (row["own"], row["total"]) for row in json.loads(answer.out)["rows"]}


@pytest.fixture
def profile_of(tmp_path):
    def make(*args: object):
        target = tmp_path / "x.pb.gz"
        answer = cli("flame", *args, "-o", target)
        assert answer.code == 0, answer.err
        return read_profile(target.read_bytes())

    return make


# --- what go tool pprof said of a stored profile ---


def test_the_reader_of_these_tests_reads_as_go_tool_pprof_does():
    profile = read_profile((STORED / "workload.pb.gz").read_bytes())
    assert profile.top() == top_rows(told_by_pprof("top"))
    raw = told_by_pprof("raw")
    assert f"Period: {profile.period}\n" in raw
    assert "samples/count cpu/nanoseconds[dflt]\n" in raw
    for number, mapping in profile.mappings.items():
        flags = "".join(
            f"[{flag}]" for flag, set_ in zip(("FN", "FL", "LN", "IN"), mapping["flags"], strict=True) if set_
        )
        line = (
            f"{number}: 0x{mapping['start']:x}/0x{mapping['limit']:x}/0x{mapping['offset']:x} "
            f"{mapping['file']} {mapping['build_id']} {flags}"
        )
        assert line in raw
    for number, location in profile.locations.items():
        function, line = location["lines"][0]
        function = profile.functions[function]
        address = f"0x{location['address']:x}"
        mapping = f" M={location['mapping']}" if location["mapping"] else ""
        # With a column in newer releases of pprof: …go:242:0 s=239()
        assert re.search(
            rf"\n +{number}: {address}{mapping} {re.escape(function['name'])} "
            rf"{re.escape(function['file'])}:{line}(:0)? s={function['start_line']}\b",
            raw,
        ), number


def test_the_stored_profile_is_still_the_one_that_is_written():
    kept = read_profile((STORED / "workload.pb.gz").read_bytes())
    flame = goinspect.flame(DEMO / "perf.data", binaries=[DEMO / "workload"], kallsyms=DEMO / "kallsyms")
    now = read_profile(flame.binary("pprof"))
    assert now.top() == kept.top()
    assert now.mappings == kept.mappings
    assert [*now.functions.values()] == [*kept.functions.values()]
    written = truth(flame.binary("pprof"))  # whatever the numbers of locations are
    stored = truth((STORED / "workload.pb.gz").read_bytes())
    assert written.samples == stored.samples
    assert written.types == stored.types


def test_frequent_locations_have_short_numbers():
    flame = goinspect.flame(DEMO / "perf.data", binaries=[DEMO / "workload"], kallsyms=DEMO / "kallsyms")
    profile = read_profile(flame.binary("pprof"))
    often = Counter(number for sample in profile.samples for number in sample["locations"])
    counts = [often[number] for number in range(1, len(profile.locations) + 1)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] > 0


@pytest.mark.skipif(GO is None, reason="no Go here: the stored answers of go tool pprof are tested")
@pytest.mark.parametrize("build", ["go1.24-piestripped", "go1.27-pie", "go1.27-stripped"])
def test_go_tool_pprof_counts_what_top_counts(build, fixture_file, tmp_path):
    given = (
        fixture_file(build, "perf.data"),
        "-b",
        fixture_file(build, "workload"),
        "--kallsyms",
        FIXTURES / build / "kallsyms",
    )
    target = tmp_path / "x.pb.gz"
    assert cli("flame", *given, "-o", target).code == 0

    def pprof(*options: str) -> str:
        command = [GO, "tool", "pprof", *options, str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""  # nothing to symbolize, nothing missing
        return done.stdout

    assert top_rows(pprof("-top", "-cum", "-nodefraction=0", "-nodecount=100000", "-unit=ns")) == top_of(
        *given
    )
    listing = pprof(
        "-source_path",
        str(FIXTURES / "workload"),
        "-trim_path",
        "example.com/workload",
        "-list",
        r"main\.spin$",
    )
    assert re.search(r"ROUTINE =+ main\.spin in .*main\.go", listing)
    assert re.search(r"[\d.]+ms +[\d.]+ms +\d+:\t+(for i := 0; i < n; i|x = x\*636413622384)", listing)
    assert "(inline)" in pprof("-peek", r"main\.inl2$")
    assert "main.inl1 (inline)" in pprof("-traces")


# --- what is in it ---


def test_numbers_of_top(build, profile_of, fixture_file):
    given = (
        fixture_file(build, "perf.data"),
        "-b",
        fixture_file(build, "workload"),
        "--kallsyms",
        FIXTURES / build / "kallsyms",
    )
    profile = profile_of(*given)
    assert profile.top() == top_of(*given)
    assert profile.sample_types == [("samples", "count"), ("cpu", "nanoseconds")]
    assert profile.default == "cpu"
    assert profile.period_type == ("cpu", "nanoseconds")
    assert profile.period == 1001001
    assert 300_000_000 < profile.duration < 700_000_000
    assert profile.time == 0  # the recording does not tell
    assert profile.mappings[1]["file"].endswith("/workload")
    assert profile.mappings[1]["flags"] == (True, True, True, True)
    assert re.fullmatch("[0-9a-f]{40}", profile.mappings[1]["build_id"])
    kernel = [mapping for mapping in profile.mappings.values() if mapping["file"] == "[kernel.kallsyms]"]
    assert [mapping["flags"] for mapping in kernel] == [(True, False, False, False)]
    assert "restored" in profile.comments[0]
    assert "truncated" in profile.comments[0]
    assert {tuple(sorted(sample["labels"])) for sample in profile.samples} == {
        ("comm", "pid", "process", "tid")
    }


def test_inlined_lines_addresses_and_start_lines_are_those_of_the_oracle(profile_of):
    """frames.txt: what llvm-symbolizer says of each address, from the innermost inlined call outwards."""
    oracle = lzma.decompress((DEMO / "frames.txt.xz").read_bytes()).decode().splitlines()
    known = {}
    for line in oracle:
        if not line.startswith("#"):
            vaddr, *frames = line.split("\t")
            known[int(vaddr, 16)] = [tuple(frame.replace(".abi0|", "|").rsplit("|", 1)) for frame in frames]
    profile = profile_of(DEMO / "perf.data", "-b", DEMO / "workload", "--kallsyms", DEMO / "kallsyms")
    compared = inlined = 0
    for location in profile.locations.values():
        frames = known.get(location["address"])
        if location["mapping"] != 1 or frames is None:
            continue
        mine = [(profile.functions[function], line) for function, line in location["lines"]]
        assert [(function["name"], f"{function['file']}:{line}") for function, line in mine] == frames
        assert all(function["start_line"] for function, _ in mine)
        assert all(0 < function["start_line"] <= line or line == 0 for function, line in mine)
        compared += 1
        inlined += len(mine) > 1
    assert compared > 300
    assert inlined > 40


def test_restored_callers_are_in_locations_of_their_own(profile_of):
    given = (DEMO / "perf.data", "-b", DEMO / "workload", "--kallsyms", DEMO / "kallsyms")
    with_them, without = profile_of(*given), profile_of(*given, "--no-restore")
    assert with_them.totals() == without.totals()
    assert sum(len(s["locations"]) for s in with_them.samples) > sum(
        len(s["locations"]) for s in without.samples
    )
    lost = [location for location in with_them.locations.values() if not location["address"]]
    assert all(location["lines"] for location in lost)


@pytest.mark.parametrize("options", [["--no-inline"], ["--no-kernel"], ["--hide", "main"], ["--focus", "inl1"], ["--by", "none"],
                                     ["--by", "comm"], ["--tid", "20593"], ["--time", "0.1,0.2"], ["--repair"], ["--hidden-callers"]])  # fmt: skip
def test_options_mean_the_same(options, profile_of):
    given = (DEMO / "perf.data", "-b", DEMO / "workload", "--kallsyms", DEMO / "kallsyms", *options)
    profile = profile_of(*given)
    answer = cli("flame", *given, "--format", "top", "--json")
    rows = json.loads(answer.out)
    assert profile.top() == {row["function"]: (row["own"], row["total"]) for row in rows["rows"]}
    assert profile.totals() == [
        rows["totals"]["samples"] if options[0] != "--focus" else profile.totals()[0],
        rows["totals"]["weight"],
    ]


def test_weight_samples_is_one_column(profile_of):
    profile = profile_of(DEMO / "perf.data", "--weight", "samples")
    assert profile.sample_types == [("samples", "count")]
    assert profile.totals() == [788]
    assert (profile.period, profile.period_type) == (1001001, ("cpu", "nanoseconds"))


def test_reverse_is_refused():
    answer = cli("flame", DEMO / "perf.data", "--reverse", "--format", "pprof", "-o", "-")
    assert answer.code == 1
    assert "--reverse: pprof holds stacks as they were called" in answer.err


def test_folded_stacks_have_a_profile_too(tmp_path):
    folded = tmp_path / "x.folded"
    folded.write_text("main.main;main.a main.go:12;main.b_[i] 3\nmain.main;main.a main.go:14 4\n")
    target = tmp_path / "x.pprof"
    assert cli("flame", folded, "-o", target).code == 0
    profile = read_profile(target.read_bytes())
    assert profile.sample_types == [("samples", "count")]
    assert profile.totals() == [7]
    assert profile.top() == {"main.main": (0, 7), "main.a": (4, 7), "main.b": (3, 3)}
    assert profile.mappings == {}
    inlined = [location["lines"] for location in profile.locations.values() if len(location["lines"]) > 1]
    assert [[(profile.functions[f]["name"], line) for f, line in lines] for lines in inlined] == [
        [("main.b", 0), ("main.a", 12)]
    ]


def test_the_same_bytes_every_time_and_no_time_in_them():
    flame = goinspect.flame(DEMO / "perf.data")
    data = flame.binary("pprof")
    assert data == flame.binary("pprof")
    assert data[4:8] == b"\0\0\0\0"
    with pytest.raises(QueryError, match="pprof is no text"):
        flame.text("pprof")


@pytest.mark.parametrize("form", ["pprof", "firefox"])
def test_bytes_go_to_stdout_as_they_are(form):
    """Processes of their own name the kernel and the vDSO where the recorded one runs; what they write is one thing."""
    command = [*COMMAND, "flame", DEMO / "perf.data", "--format", form]
    runs = [
        subprocess.run(command, capture_output=True, check=True, env=environment(PYTHONHASHSEED=seed)).stdout
        for seed in ("1", "2")
    ]
    assert hashlib.sha256(runs[0]).digest() == hashlib.sha256(runs[1]).digest()
    assert runs[0][:4] == goinspect.flame(DEMO / "perf.data").binary(form)[:4]


def test_saved_by_suffix_with_lines_nobody_asked_for(tmp_path):
    flame = goinspect.flame(DEMO / "perf.data", binaries=[DEMO / "workload"])
    flame.save(tmp_path / "x.pb.gz")
    profile = read_profile((tmp_path / "x.pb.gz").read_bytes())
    assert profile.totals()[-1] == flame.total
    assert any(function["start_line"] for function in profile.functions.values())


def _profile(*stacks: tuple[list[StackFrame], int], unit: str = "ns") -> FlameProfile:
    frames = list(dict.fromkeys(frame for stack, _ in stacks for frame in stack))
    sizes = [len(stack) for stack, _ in stacks]
    weights = np.array([weight for _, weight in stacks], dtype=np.uint64)
    made = Stacks(
        tuple(frames),
        np.append(0, np.cumsum(sizes)).astype(np.int64),
        np.array([frames.index(frame) for stack, _ in stacks for frame in stack], dtype=np.int32),
        np.ones(len(stacks), dtype=np.int64),
        (Weight("cpu-clock", unit, weights),),
    )
    totals = FlameTotals(len(stacks), int(weights.sum()), 0, 0, 1, 0, 0, 0, 0)
    return FlameProfile((), "cpu-clock", totals, made)


HOSTILE = [
    "\x1b[31mred",
    "a\0b",
    "\ud800",
    "na\nme",
    "\u202eesrever",
    "",
    "x" * 100_000,
    "main.(*T[go.shape.struct { A;B }]).F",
]


@pytest.mark.parametrize(
    "form", ["pprof", "otlp", "speedscope", "firefox", "cpuprofile", "tree", "top", "collapsed", "html"]
)
@pytest.mark.parametrize("stacks", [[], [([], 5)], [([StackFrame(name, FrameKind.USER, "", False, name, 3, 2) for name in HOSTILE], 7)]],
                         ids=["nothing", "no frames", "hostile"])  # fmt: skip
def test_every_format_takes_nothing_and_hostile_names(form, stacks):
    profile = _profile(*stacks)
    data = output_for(form, None).render(profile, DrawOptions("-"))
    text = data if isinstance(data, bytes) else data.encode()  # it encodes
    if text.startswith(b"\x1f\x8b"):
        text = gzip.decompress(text)
    for unsafe in (b"\x1b[", "\u202e".encode(), b"a\0b", b"\xed\xa0\x80"):
        assert unsafe not in text
    if form == "pprof":
        assert (read_profile(data).totals() or [0, 0])[-1] == sum(weight for _, weight in stacks)


def test_weights_up_to_63_bits():
    profile = _profile(([StackFrame("main.a", FrameKind.USER, "main", False)], (1 << 63) - 1))
    data = output_for("pprof", None).render(profile, DrawOptions("-"))
    assert read_profile(data).totals() == [1, (1 << 63) - 1]


def test_a_terminal_gets_no_bytes():
    from goinspect.cli.output import check_output

    class Terminal:
        def isatty(self):
            return True

    import sys

    kept, sys.stdout = sys.stdout, Terminal()
    try:
        with pytest.raises(QueryError, match="bytes that are no text"):
            check_output(None, binary=True)
    finally:
        sys.stdout = kept
