"""A pprof profile that is written again says what it said: by a decoder of these tests that goinspect does not share."""

from __future__ import annotations

import gzip
import shutil
import subprocess

import pytest

import goinspect
from tests.builders.pprof import Profile
from tests.cli.runner import cli
from tests.conftest import FIXTURES
from tests.profiles.pproftruth import truth

FILES = sorted((FIXTURES / "pprof").glob("go*/*.pprof"))
GO = shutil.which("go")
TYPES = [("contentions", "count"), ("delay", "microseconds"), ("", ""), ("cpu-clock:u", "Bytes")]


def same(given: bytes, written: bytes) -> None:
    before, after = truth(given), truth(written)
    assert after.types == before.types
    assert after.facts == before.facts
    assert after.samples == before.samples
    told = {mapping[:5]: mapping[5] for mapping in after.mappings}
    assert [*told] == [mapping[:5] for mapping in before.mappings]
    for *mapping, flags in before.mappings:
        if any(flags) and any(told[tuple(mapping)]):
            assert told[tuple(mapping)] >= flags  # what Go leaves to be found out is told


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_profiles_of_go(path):
    data = path.read_bytes()
    written = goinspect.flame(path).binary("pprof")
    same(data, written)
    assert len(truth(data).samples) >= (1 if path.stem != "mutex" else 0)


def test_again_and_again(tmp_path):
    path = tmp_path / "x.pb.gz"
    path.write_bytes(goinspect.flame(FIXTURES / "pprof" / "go1.27" / "heap.pprof").binary("pprof"))
    same(path.read_bytes(), goinspect.flame(path).binary("pprof"))


def test_of_a_recording():
    path = FIXTURES / "pprof" / "workload.pb.gz"
    same(path.read_bytes(), goinspect.flame(path).binary("pprof"))


def made(**options: object) -> Profile:
    """Everything that a profile can say, and much that is unusual."""
    profile = Profile(types=TYPES, **options)  # type: ignore[arg-type]
    main = profile.mapping(0x400000, 0x500000, 0x1000, "/nowhere/server", "go/build/ID-0_x=", 5)
    nameless = profile.mapping(0, 0, 0, "", "", 1)
    other = profile.mapping(0x600000, 0x700000, 0, "", "not hex")
    profile.mapping(0x700000, 0x800000, 0, "/nowhere/unused.so", "ab" * 20)
    everything = profile.mapping(0, (1 << 64) - 1, 0, "/nowhere/all", "cd" * 20)
    kernel = profile.mapping(0xFFFFFFFF81000000, (1 << 64) - 1, 7, "[kernel.kallsyms]_text")
    f, g, none = (
        profile.function("main.f", "f.go", 3),
        profile.function("main.g", "g.go"),
        profile.function(""),
    )
    places = [
        profile.location((f, 5), (g, 9), address=0x400010, mapping=main),
        profile.location((f, 5), (none, 0), address=0x400020, mapping=main),
        profile.location(address=0x400030, mapping=main),
        profile.location((g, 0), address=0x900000, mapping=main),  # outside
        profile.location((g, 1), address=5, mapping=nameless),
        profile.location(address=6, mapping=nameless),
        profile.location((g, 1), address=0x600000, mapping=other),
        profile.location((g, 1), address=7, mapping=everything),
        profile.location((g, 1), address=0xFFFFFFFF81000001, mapping=kernel),
        profile.location((g, 3)),
        profile.location(address=99),
    ]
    for row, place in enumerate(places):
        profile.sample([place, places[0], places[0]], [1, row, 1 << 40, 3], k="v")
        profile.sample([place], [0, 0, row, 0])
    stack = [places[0]]
    profile.sample(stack, [-1, -2, 3, 4])
    profile.sample(stack, [1, 2, -3, -(1 << 40)], diff="base")
    for labels in (
        {"bytes": 64}, {"bytes": (64, "bytes")}, {"bytes": "64 bytes"}, {"bytes": "64"}, {"bytes": -5}, {"bytes": 0},
        {"k": ["a", "b"]}, {"k": ["a,b"]}, {"k": ["b", "a", "a"]}, {"k": [1, "1"]}, {"pid": 7, "tid": 8, "comm": "c"},
        {"thread.id": "7", "process": "x", "thread": "y", "ü": "ö;"}, {"": "x"},
    ):  # fmt: skip
        profile.sample(stack, [1, 2, 3, 4], **labels)
        profile.sample(stack, [10, 20, 30, 40], **labels)
    profile.sample([], [5, 0, 0, 0])
    for field, value in (
        (9, 1795901069156756302),
        (10, 2296240874),
        (12, 99),
        (13, "one"),
        (13, "two"),
        (15, "http://x/y"),
    ):
        profile.fact(field, value)
    return profile


@pytest.mark.parametrize("default", ["", "delay", "contentions", "nothing of these"])
@pytest.mark.parametrize("packed", [True, False])
def test_everything(tmp_path, packed, default):
    profile = made(packed=packed, step=1 if packed else 1 << 50)
    profile.fact(14, default)
    path = tmp_path / "x.pb"
    path.write_bytes(profile.build())
    flame = goinspect.flame(path, by="thread" if packed else "process")
    same(path.read_bytes(), flame.binary("pprof"))
    assert flame.text("svg")  # that it is kept for pprof changes no picture
    target = tmp_path / "y.pb.gz"
    said = cli("flame", path, "-o", target)
    assert said.code == 0
    same(path.read_bytes(), target.read_bytes())


@pytest.mark.parametrize("event", ["#1", "#2", "#3", "#4"])
def test_another_type_becomes_the_default(tmp_path, event):
    path = tmp_path / "x.pb"
    path.write_bytes(made().build())
    written = truth(goinspect.flame(path, event=event).binary("pprof"))
    assert written.samples == truth(path.read_bytes()).samples
    implied = "" if event == "#4" else TYPES[int(event[1]) - 1][0]
    assert written.facts["default"] == implied


def test_frames_that_were_dropped_stay_so(tmp_path):
    path = tmp_path / "x.pb"
    profile = made()
    profile.fact(7, "main.f")
    profile.fact(8, "main.keep")
    path.write_bytes(profile.build())
    first = goinspect.flame(path).binary("pprof")
    said = truth(first)
    assert (said.facts["drop"], said.facts["keep"]) == ("main.f", "main.keep")
    assert "main.f" not in str([*said.samples])
    path.write_bytes(first)
    same(first, goinspect.flame(path).binary("pprof"))


def test_a_difference_keeps_its_sign(tmp_path):
    path = tmp_path / "x.pb"
    profile = Profile(types=[("cpu", "nanoseconds")])
    place = profile.location((profile.function("main.f"), 1))
    profile.sample([place], [-7_000_000_000])
    profile.sample([place], [3_000_000_000], a="b")
    path.write_bytes(profile.build())
    said = cli("flame", path, "-o", tmp_path / "y.pb.gz")
    assert said.code == 0
    assert "warning" not in said.err
    assert "cpu -4.00 s" in said.err
    assert truth((tmp_path / "y.pb.gz").read_bytes()).samples == truth(path.read_bytes()).samples


def test_several_are_added_up_as_pprof_does_it(tmp_path):
    heap = FIXTURES / "pprof" / "go1.27" / "heap.pprof"
    one = truth(heap.read_bytes())
    both = truth(goinspect.flame(heap, heap).binary("pprof"))
    assert both.types == one.types
    assert both.facts == one.facts | {"duration": 2 * one.facts["duration"]}

    def by_labels(said):
        sums = {}
        for (_, labels), values in said.samples.items():
            sums[labels] = [a + b for a, b in zip(sums.get(labels, [0] * len(values)), values, strict=True)]
        return sums

    assert by_labels(both) == {labels: [2 * v for v in values] for labels, values in by_labels(one).items()}
    assert len(by_labels(one)) > 3
    cpu = FIXTURES / "pprof" / "go1.27" / "cpu.pprof"
    first, second = (truth(path.read_bytes()) for path in (cpu, FIXTURES / "pprof" / "go1.24" / "cpu.pprof"))
    said = truth(goinspect.flame(cpu, FIXTURES / "pprof" / "go1.24" / "cpu.pprof").binary("pprof")).facts
    assert said["time"] == min(first.facts["time"], second.facts["time"])
    assert said["duration"] == first.facts["duration"] + second.facts["duration"]
    assert said["period"] == first.facts["period"]


def test_filters_keep_what_the_rest_says():
    path = FIXTURES / "pprof" / "go1.27" / "cpu.pprof"
    before = truth(path.read_bytes())
    after = truth(goinspect.flame(path, labels=[("request", "^GET")]).binary("pprof"))
    assert after.facts == before.facts
    assert after.samples == {
        key: v for key, v in before.samples.items() if ("request", "GET /a;b") in dict(key[1])
    }
    assert after.samples


@pytest.mark.skipif(GO is None, reason="no Go here")
def test_go_tool_pprof_sees_no_difference(tmp_path):
    path = tmp_path / "given.pb.gz"
    path.write_bytes(gzip.compress(made().build()))
    goinspect.flame(path).save(tmp_path / "written.pb.gz")
    said = []
    for name in ("given", "written"):
        command = [GO, "tool", "pprof", "-symbolize=none", "-diff_base", str(path), "-raw", f"{name}.pb.gz"]
        said.append(subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path).stdout)
    assert said[0].splitlines()[:8] == said[1].splitlines()[:8]
