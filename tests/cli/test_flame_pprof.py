"""goinspect flame of pprof profiles that other tools write: without names, with labels, several of them, damaged."""

from __future__ import annotations

import gzip
import lzma
import re
from collections import Counter
from itertools import pairwise

import pytest

import goinspect
from tests.builders import perfcontainers
from tests.builders.pprof import Profile, folded
from tests.cli.runner import cli
from tests.conftest import BUILDS, FIXTURES


def stacks(*arguments) -> Counter[str]:
    answer = cli("flame", *arguments, "--format", "folded")
    assert answer.code == 0, answer.err
    rows = (line.rpartition(" ") for line in answer.out.splitlines())
    return Counter({stack: int(weight) for stack, _, weight in rows})


def converted(recording, *, build_ids: bool = True, whole: bool = False) -> bytes:
    """A recording of perf as a profile of addresses: what perf_to_profile and eBPF agents write.

    Args:
        recording: of perf.
        build_ids: are told.
        whole: addresses are the files' own, and each mapping spans everything.
    """
    profile = Profile(types=[("samples", "count"), ("cpu", "nanoseconds")], step=3)
    mappings = [
        profile.mapping(m.start, m.end % (1 << 64), m.pgoff, m.path, m.build_id if build_ids else "")
        for m in recording.mappings
    ]
    places = recording.locations
    locations = [
        profile.location(address=address, mapping=mappings[mapping] if mapping >= 0 else 0)
        for mapping, address in zip(places.mapping.tolist(), places.runtime_addr.tolist(), strict=True)
    ]
    start, frames = recording.stack_start.tolist(), recording.frames.tolist()
    for row, (begin, end) in enumerate(pairwise(start)):
        profile.sample(
            [locations[frame] for frame in frames[begin:end]], [1, int(recording.weight[row])],
            pid=int(recording.pid[row]), tid=int(recording.tid[row]), comm=recording.comms[recording.comm[row]],
        )  # fmt: skip
    return gzip.compress(profile.build(), 1)


@pytest.mark.parametrize("build", BUILDS)
def test_addresses_are_named_as_those_of_the_recording(build, fixture_file, tmp_path):
    source = fixture_file(build, "perf.data")
    path = tmp_path / "perf.pb.gz"
    path.write_bytes(converted(goinspect.open_profile(source)))
    options = ("--binary", fixture_file(build, "workload"), "--kallsyms", FIXTURES / build / "kallsyms")
    asked = stacks(source, *options)
    found = stacks(path, *options)
    # What the kernel had no room for is told by perf.data alone.
    assert without_roots(found) == without_roots(asked)
    by_thread = stacks(path, *options, "--by", "thread")
    assert without_roots(by_thread) == without_roots(stacks(source, *options, "--by", "thread"))
    pid = int(goinspect.open_profile(source).pid[0])
    assert sum(stacks(path, *options, "--pid", pid).values()) == sum(
        stacks(source, *options, "--pid", pid).values()
    )


def without_roots(found: Counter[str]) -> Counter[str]:
    out: Counter[str] = Counter()
    for stack, weight in found.items():
        out[stack.replace("[truncated];", "")] += weight
    return out


def test_what_is_half_named_is_looked_up_where_it_has_no_name(fixture_file, tmp_path):
    build = "go1.27-piestripped"
    binary, recording = (
        fixture_file(build, "workload"),
        goinspect.open_profile(fixture_file(build, "perf.data")),
    )
    (mapping,) = {m for m in recording.mappings if m.path.endswith("workload") and m.executable}
    profile = Profile(types=[("cpu", "nanoseconds")])
    number = profile.mapping(mapping.start, mapping.end, mapping.pgoff, mapping.path, mapping.build_id)
    places = recording.locations
    rows = [
        row for row, m in enumerate(places.mapping.tolist()) if m >= 0 and recording.mappings[m] == mapping
    ]
    function = profile.function("given.Name", "given.go", 3)
    named = profile.location((function, 7), address=int(places.runtime_addr[rows[0]]), mapping=number)
    unnamed = profile.location(address=int(places.runtime_addr[rows[0]]), mapping=number)
    profile.sample([named], [5])
    profile.sample([named, unnamed], [6])
    path = tmp_path / "half.pb"
    path.write_bytes(profile.build())
    flame = goinspect.flame(path, binaries=[binary], lines=True)
    assert [f[5:7] for f in flame.stacks.frames if f.name == "given.Name"] == [(7, 3)]
    used = {flame.stacks.frames[row] for row in flame.stacks.frame.tolist()}
    others = [frame for frame in used if frame.name != "given.Name"]
    assert others
    assert all(frame.name.startswith(("main.", "runtime.", "example.com")) and frame.line for frame in others)
    without = goinspect.flame(path)
    assert {frame.name for frame in without.stacks.frames} == {"given.Name", "[workload]"}
    assert without.profile.missing == (mapping.path,)


def test_addresses_of_the_file_itself(fixture_file, tmp_path):
    """Tools that have taken the place of a mapping into account say that one spans everything."""
    binary = fixture_file("go1.24-exe", "workload")
    with goinspect.open(binary) as opened:
        function = next(f for f in opened.functions if f.name == "main.spin")
    for bounds in ((0, 0, 0), (0, (1 << 64) - 1, 0)):
        profile = Profile(types=[("cpu", "nanoseconds")])
        mapping = profile.mapping(*bounds, "/srv/workload")
        profile.sample([profile.location(address=int(function.entry) + 8, mapping=mapping)], [5])
        path = tmp_path / "own.pb"
        path.write_bytes(profile.build())
        assert stacks(path, "--binary", binary) == {"main.spin": 5}


# --- several ---


def test_profiles_are_added_up(tmp_path):
    first, second = tmp_path / "a.pb", tmp_path / "b.pb.gz"
    first.write_bytes(folded([(["main.main", "main.a"], 3), (["main.main", "main.b"], 1)]))
    second.write_bytes(gzip.compress(folded([(["main.main", "main.a"], 4), (["main.c"], 2)])))
    assert stacks(first, second) == {"main.main;main.a": 7, "main.main;main.b": 1, "main.c": 2}
    assert stacks(first, first, first) == {"main.main;main.a": 9, "main.main;main.b": 3}
    flame = goinspect.flame(first, second, event="samples")
    assert (flame.total, flame.unit, flame.totals.samples) == (10, "samples", 10)
    text = tmp_path / "x.folded"
    text.write_text("main.main;main.a 5\nmain.d 1\n")
    assert stacks(first, text, "--sample-type", "samples") == {
        "main.main;main.a": 8, "main.main;main.b": 1, "main.d": 1,
    }  # fmt: skip


def test_a_recording_is_added_to_a_profile(fixture_file):
    recording = fixture_file("go1.27-piestripped", "perf.data")
    profile = FIXTURES / "pprof" / "go1.27" / "cpu.pprof"
    whole = stacks(profile, recording, "--by", "none")
    assert sum(whole.values()) == sum(stacks(profile).values()) + sum(
        stacks(recording, "--by", "none").values()
    )
    rooted = stacks(recording, profile)
    assert {stack.split(";")[0] for stack in rooted} >= {"workload"}
    assert sum(rooted.values()) == sum(whole.values())


def test_what_weighs_something_else_is_not_added(tmp_path):
    one, other = tmp_path / "a.pb", tmp_path / "b.pb"
    one.write_bytes(folded([(["main.a"], 3)]))
    other.write_bytes(folded([(["main.a"], 3)], types=[("alloc_space", "bytes")]))
    answer = cli("flame", one, other, "--format", "folded")
    assert answer.code == 1
    assert (
        f"{other}: cannot be added to {one}: it weighs alloc_space in bytes, that one cpu in ns" in answer.err
    )
    folded_text = tmp_path / "x.folded"
    folded_text.write_text("main.a 5\n")
    assert "it weighs samples, that one cpu in ns" in cli("flame", one, folded_text).err
    assert stacks(one, other, "--weight", "samples") == {"main.a": 4}


def test_of_several_profiles_the_first_says_which_type(tmp_path):
    one, other = tmp_path / "a.pb", tmp_path / "b.pb"
    types = [("inuse_space", "bytes"), ("alloc_space", "bytes")]
    profile = Profile(types=types)
    profile.sample([profile.location((profile.function("f"), 1))], [1, 10])
    profile.fact(14, "inuse_space")
    one.write_bytes(profile.build())
    profile.fact(14, "alloc_space")
    other.write_bytes(profile.build())
    assert stacks(one, other) == {"f": 2}
    assert stacks(other, one) == {"f": 20}


# --- options ---


@pytest.fixture
def labelled(tmp_path):
    profile = Profile()
    place = profile.location((profile.function("main.f", "f.go", 1), 2))
    profile.sample([place], [1, 10], who="a", size=(64, "bytes"))
    profile.sample([place], [1, 20], who=["a", "b"])
    profile.sample([place], [1, 30], who="b")
    profile.sample([place], [1, 40])
    path = tmp_path / "labelled.pb"
    path.write_bytes(profile.build())
    return path


def test_labels(labelled):
    assert stacks(labelled, "--label", "who=a") == {"main.f": 30}
    assert stacks(labelled, "--label", "who=^b$") == {"main.f": 30}
    assert stacks(labelled, "--label", "who=a", "--label", "size=^64 bytes$") == {"main.f": 10}
    assert stacks(labelled, "--by", "label:who") == {
        "a;main.f": 10,
        "a,b;main.f": 20,
        "b;main.f": 30,
        "no_who;main.f": 40,
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--label", "other=a"), "no sample has a label 'other': there are size, who"),
        (("--label", "who=("), "no regular expression"),
        (("--by", "label:other"), "no sample has a label 'other'"),
        (
            ("--by", "thread"),
            "no label of the samples tells it; --by label:KEY takes any of theirs: size, who",
        ),
        (("--event", "wall"), "no event 'wall', recorded are: samples, cpu"),
        (("--time", "1,2"), "have no time"),
        (("--unit", "ms"), "--unit is for folded stacks"),
        (("--off-cpu",), "context switches"),
        (("--cpu", "1"), "do not tell their CPU"),
    ],
)
def test_what_cannot_be_asked(labelled, options, said):
    answer = cli("flame", labelled, "--format", "folded", *options)
    assert answer.code == 1
    assert said in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    "options", [("--label", "who"), ("--label", "=x"), ("--by", "label:"), ("--by", "x")]
)
def test_usage(labelled, options):
    assert cli("flame", labelled, *options).code == 2


def test_labels_are_not_in_recordings(fixture_file):
    for options in (("--label", "a=b"), ("--by", "label:a")):
        answer = cli("flame", fixture_file("go1.27-piestripped", "perf.data"), *options)
        assert answer.code == 1
        assert "have no labels" in answer.err


def test_sample_types_are_listed(labelled):
    answer = cli("flame", labelled, "--list-events")
    assert re.findall(r"\S+", answer.out)[3:] == ["samples", "4", "4", "samples", "cpu", "4", "100", "ns"]


def test_the_last_line(labelled, tmp_path):
    answer = cli("flame", labelled, "-o", tmp_path / "x.svg")
    assert answer.err.splitlines()[-1] == (
        "goinspect: cpu 100 ns, 4 samples, 100.0% of 4 frames named, other sample types: samples"
    )
    assert "Flame graph of labelled.pb" in (tmp_path / "x.svg").read_text("utf-8")


def test_facts_are_told(tmp_path):
    profile = Profile()
    profile.sample([profile.location((profile.function("f"), 1))], [1, 10])
    for field, value in (
        (9, 10**18),
        (10, 2_500_000_000),
        (12, 10_000_000),
        (13, "a comment"),
        (15, "https://example.com/x"),
    ):
        profile.fact(field, value)
    path = tmp_path / "facts.pb"
    path.write_bytes(profile.build())
    answer = cli("flame", path, "-v", "-o", tmp_path / "x.svg")
    for said in (
        "time: 2001-09-09T01:46:40.000Z",
        "duration: 2.500 s",
        "period: 10,000,000",
        "comments: a comment",
        "doc_url: https://example.com/x",
    ):
        assert f"goinspect: {said}\n" in answer.err


def test_negative_weights_and_empty_types(tmp_path):
    profile = Profile(types=[("inuse_space", "bytes"), ("alloc_space", "bytes")])
    place = profile.location((profile.function("f"), 1))
    profile.sample([place], [0, -5])
    profile.sample([place], [0, 7])
    profile.fact(14, "inuse_space")
    path = tmp_path / "diff.pb"
    path.write_bytes(profile.build())
    answer = cli("flame", path, "--sample-type", "alloc_space", "--format", "folded")
    assert answer.out == "f 7\n"
    assert "1 sample of negative weight, as of a difference of profiles, is left out" in answer.err
    assert (
        "no sample weighs anything in inuse_space; others do in alloc_space (--sample-type)"
        in cli("flame", path, "--format", "top").err
    )


# --- containers, and what is no profile ---


def test_containers(tmp_path):
    data = folded([(["main.main", "main.a"], 3)])
    packs = (
        bytes,
        gzip.compress,
        lzma.compress,
        perfcontainers.zstd().compress,
        lambda d: gzip.compress(d[:9]) + gzip.compress(d[9:]),
    )
    for number, pack in enumerate(packs):
        path = tmp_path / f"x{number}"
        path.write_bytes(pack(data))
        assert stacks(path) == {"main.main;main.a": 3}


def test_a_pipe():
    path = FIXTURES / "pprof" / "go1.27" / "cpu.pprof"
    import subprocess

    from tests.cli.runner import COMMAND, environment

    done = subprocess.run(
        [*COMMAND, "flame", "-", "--format", "folded"], input=path.read_bytes(), capture_output=True, check=True,
        env=environment(),
    )  # fmt: skip
    assert done.stdout.decode() == cli("flame", path, "--format", "folded").out


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"heap profile: 13: 1595680 [471: 2584] @ heap/1048576\n", "is a heap profile in an old text format of pprof"),
        (b"goroutine profile: total 7\n1 @ 0x44cb3\n", "is a profile in an old text format of pprof"),
        (b"--- contentionz 1 ---\ncycles/second = 3201000000\n", "is a profile in an old text format of pprof"),
        (b"--- mutex:\ncycles/second=1\n", "is a profile in an old text format of pprof"),
        (b"--- threadz 1 ---\n\n--- Thread 7e (name: main/25) stack: ---\n", "is a profile in an old text format of pprof"),
        (b"goroutine 1 [running]:\nmain.main()\n", "is a dump of goroutine stacks"),
        (b"goroutine 1 gp=0xc00 m=0 mp=0x5 [running, locked to thread]:\nmain.main()\n", "is a dump of goroutine stacks"),
        (b"".join(n.to_bytes(8, "little") for n in (0, 3, 0, 10000, 0)) + bytes(16), "old binary format of gperftools"),
        (b"".join(n.to_bytes(4, "big") for n in (0, 3, 0, 10000, 0)) + bytes(16), "old binary format of gperftools"),
        (b"PeriodType: cpu nanoseconds\nPeriod: 1\n", "is the text of `go tool pprof -raw`"),
        (b"File: x\nType: cpu\nTime: now\n", "is a report of `go tool pprof`"),
        (b"Showing nodes accounting for 1.12s, 100% of 1.12s total\n", "is a report of `go tool pprof`"),
        (b'digraph "x" {\n', "is a graph for Graphviz"),
        (b"positions: instr line\nevents: cpu(ms)\n", "is a profile of callgrind"),
        (b"<!DOCTYPE html>\n", "is a page or a picture"),
        (b"go 1.22 trace\0\0\0", "is an execution trace of Go"),
        (b"mode: set\nx.go:1.2,3.4 1 1\n", "is a coverage profile"),
        (b"PK\x03\x04aaaaaaa", "is a zip archive"),
        (b'{"$schema": "https://www.speedscope.app/file-format-schema.json"}', "is JSON"),
    ],
)  # fmt: skip
def test_other_files_are_named(tmp_path, data, said):
    for name, packed in (("x", data), ("x.gz", gzip.compress(data))):
        path = tmp_path / name
        path.write_bytes(packed)
        answer = cli("flame", path)
        assert answer.code == 1
        assert said in answer.err
        assert answer.err.count("\n") == 1
