"""goinspect flame of profiles that Go programs wrote: every stack and weight is what `go tool pprof -raw` has."""

from __future__ import annotations

import lzma
from collections import Counter
from functools import cache

import pytest

import goinspect
from tests.cli.runner import cli
from tests.conftest import FIXTURES
from tests.profiles.pprofraw import Raw, RawFrame, parse

RELEASES = ("1.21", "1.24", "1.26", "1.27")
KINDS = ("cpu", "heap", "block", "mutex", "goroutine", "threadcreate", "allocs")
SCALES = {"nanoseconds": "ns", "count": "count", "bytes": "bytes"}
EVERY = [(release, kind) for release in RELEASES for kind in KINDS]


def profile(release: str, kind: str):
    return FIXTURES / "pprof" / f"go{release}" / f"{kind}.pprof"


@cache
def oracle(release: str, kind: str) -> Raw:
    path = FIXTURES / "pprof" / f"go{release}" / f"{kind}.raw.xz"
    return parse(lzma.decompress(path.read_bytes()).decode())


def weights(stacks, row: int = 0) -> Counter[tuple[RawFrame, ...]]:
    out: Counter[tuple[RawFrame, ...]] = Counter()
    start, flat = stacks.start.tolist(), stacks.frame.tolist()
    for i, weight in enumerate(stacks.weights[row].values.tolist()):
        frames = (stacks.frames[frame] for frame in flat[start[i] : start[i + 1]])
        out[tuple(RawFrame(f.name, f.file, f.line, f.start_line, f.inlined) for f in frames)] += weight
    return +out


@pytest.mark.parametrize(("release", "kind"), EVERY)
def test_every_stack_and_weight_is_that_of_pprof(release, kind):
    raw = oracle(release, kind)
    assert raw.samples
    for type_ in raw.types:
        name, unit = type_.split("/")
        flame = goinspect.flame(profile(release, kind), event=name, lines=True)
        assert weights(flame.stacks) == raw.weights(type_)
        assert flame.unit == ("samples" if name == "samples" else SCALES[unit])


@pytest.mark.parametrize(("release", "kind"), EVERY)
def test_the_default_is_that_of_pprof(release, kind):
    raw = oracle(release, kind)
    flame = goinspect.flame(profile(release, kind))
    assert flame.profile.event == raw.default.split("/")[0]
    assert [event.name for event in flame.events] == [type_.split("/")[0] for type_ in raw.types]
    for event, type_ in zip(flame.events, raw.types, strict=True):
        assert event.weight == sum(raw.weights(type_).values())
    assert flame.total == sum(raw.weights(raw.default).values())


@pytest.mark.parametrize("release", RELEASES)
def test_frames_without_lines_are_merged_by_function(release):
    raw = oracle(release, "cpu")
    expected: Counter[str] = Counter()
    for stack, weight in raw.weights("cpu/nanoseconds").items():
        expected[";".join(frame.name.replace(";", ":") for frame in stack)] += weight
    answer = cli("flame", profile(release, "cpu"), "--format", "folded")
    assert answer.code == 0, answer.err
    rows = (line.rpartition(" ") for line in answer.out.splitlines())
    assert {stack: int(weight) for stack, _, weight in rows} == expected


@pytest.mark.parametrize("release", RELEASES)
def test_labels(release):
    raw, path = oracle(release, "cpu"), profile(release, "cpu")
    asked = Counter()
    for values, _, labels in raw.samples:
        asked[labels.removeprefix("request:[").removesuffix("]") or "no request"] += values[1]
    flame = goinspect.flame(path, by="label:request")
    label = flame.stacks.labels["label:request"]
    found = Counter()
    for row, weight in zip(label.row.tolist(), flame.stacks.weight.tolist(), strict=True):
        found[label.values[row]] += weight
    assert found == asked
    assert len(found) == 3
    only = goinspect.flame(path, labels=[("request", "^GET")])
    assert only.total == asked["GET /a;b"] > 0
    answer = cli("flame", path, "--label", "request=POST", "--by", "label:request", "--format", "folded")
    assert answer.code == 0
    assert all(line.startswith("POST_/ü;") for line in answer.out.splitlines())
    assert sum(int(line.rpartition(" ")[2]) for line in answer.out.splitlines()) == asked["POST /ü"]


@pytest.mark.parametrize("release", RELEASES)
def test_kinds_of_frames(release):
    frames = goinspect.flame(profile(release, "allocs")).stacks.frames
    kinds = {frame.name: (frame.kind, frame.package) for frame in frames}
    assert kinds["example.com/nested.block"] == ("user", "example.com/nested")
    assert kinds["testing.(*B).runN"] == ("stdlib", "testing")
    assert kinds["runtime.main"] == ("runtime", "runtime")
    assert not {kind for kind, _ in kinds.values()} & {"native", "unknown"}
    assert any(frame.inlined for frame in frames)


@pytest.mark.parametrize(("release", "kind"), [("1.27", "allocs"), ("1.21", "heap"), ("1.24", "cpu")])
def test_all_types_at_once(release, kind):
    from goinspect.analysis.options import FlameOptions
    from goinspect.api.flame import Flame, open_input

    raw = oracle(release, kind)
    opened = open_input(str(profile(release, kind)))
    stacks = Flame.of(opened, FlameOptions(every_type=True, lines=True)).stacks
    assert len(stacks.weights) == len(raw.types)
    for row, weight in enumerate(stacks.weights):
        (type_,) = [type_ for type_ in raw.types if type_.startswith(weight.name + "/")]
        assert weights(stacks, row) == raw.weights(type_)
