"""speedscope, Firefox Profiler and .cpuprofile: what is in them, as their formats are documented."""

from __future__ import annotations

import gzip
import itertools
import json
import re

import pytest

import goinspect
from goinspect.render.viewers.firefoxtables import breakpad_id
from tests.conftest import FIXTURES

DEMO = FIXTURES / "go1.27-piestripped"
MARK = "runtime.goexit"


@pytest.fixture(scope="module")
def flame():
    return goinspect.flame(DEMO / "perf.data", binaries=[DEMO / "workload"], kallsyms=DEMO / "kallsyms")


@pytest.fixture(scope="module")
def firefox(flame):
    return json.loads(gzip.decompress(flame.binary("firefox")))


def test_speedscope_has_a_profile_for_each_thread_the_heaviest_first(flame):
    document = json.loads(flame.text("speedscope"))
    assert [re.fullmatch(r"workload \(tid \d+\)", p["name"]) is not None for p in document["profiles"]] == [
        True
    ] * 8
    ends = [profile["endValue"] for profile in document["profiles"]]
    assert ends == sorted(ends, reverse=True)
    for profile in document["profiles"]:
        assert profile["unit"] == "nanoseconds"
        assert len(profile["samples"]) == len(profile["weights"])
        assert all(
            0 <= frame < len(document["shared"]["frames"]) for stack in profile["samples"] for frame in stack
        )
    spin = next(frame for frame in document["shared"]["frames"] if frame["name"] == "main.spin")
    assert spin == {"name": "main.spin", "file": "example.com/workload/main.go", "line": 122}
    names = [frame["name"] for frame in document["shared"]["frames"]]
    assert len(names) == len({json.dumps(frame) for frame in document["shared"]["frames"]})


def test_speedscope_is_in_time_order(flame):
    """As stacks.txt has the samples of a thread: where the function at the root changes, and where it does not."""
    document = json.loads(flame.text("speedscope"))
    frames = [frame["name"] for frame in document["shared"]["frames"]]
    series, stacks = (
        flame._again(_output("speedscope")).stacks.series,
        flame._again(_output("speedscope")).stacks,
    )
    assert (series.time[1:] >= series.time[:-1]).all()
    tid = document["profiles"][0]["name"].removesuffix(")").rpartition(" ")[2]
    label = stacks.labels["tid"]
    mine = [row for row in series.stack.tolist() if label.values[label.row[row]] == tid]
    expected = []
    for row in mine:
        names = [
            stacks.frames[f].name for f in stacks.frame[stacks.start[row] : stacks.start[row + 1]].tolist()
        ]
        if not expected or expected[-1] != names:
            expected.append(names)
    assert [[frames[f] for f in stack] for stack in document["profiles"][0]["samples"]] == expected


def _output(name):
    from goinspect.render.outputs import output_for

    return output_for(name, None)


@pytest.mark.parametrize(("by", "names"), [("comm", ["workload"]), ("none", ["all"])])
def test_another_root_is_one_profile_each(by, names):
    document = json.loads(goinspect.flame(DEMO / "perf.data", by=by).text("speedscope"))
    assert [profile["name"] for profile in document["profiles"]] == names


def test_large_recordings_are_merged_for_speedscope(flame, monkeypatch):
    from goinspect.render.viewers import speedscope

    monkeypatch.setattr(speedscope, "_MOST_FRAMES", 10)
    document = json.loads(flame.text("speedscope"))
    assert sum(sum(profile["weights"]) for profile in document["profiles"]) == flame.total
    for profile in document["profiles"]:
        assert len(profile["samples"]) == len({(tuple(stack)) for stack in profile["samples"]})


# --- Firefox: src/types/profile.ts, version 58 ---


COLUMNS = {
    "stackTable": ["frame", "prefix"],
    "frameTable": ["address", "inlineDepth", "category", "subcategory", "func", "nativeSymbol", "innerWindowID", "line", "column"],
    "funcTable": ["name", "isJS", "relevantForJS", "resource", "source", "lineNumber", "columnNumber"],
    "resourceTable": ["lib", "name", "host", "type"],
    "nativeSymbols": ["libIndex", "address", "name", "functionSize"],
    "samples": ["stack", "time", "weight", "threadCPUDelta"],
    "markers": ["data", "name", "startTime", "endTime", "phase", "category"],
}  # fmt: skip


def test_firefox_tables_are_whole(firefox):
    assert firefox["meta"]["preprocessedProfileVersion"] == 58
    strings, sources = firefox["shared"]["stringArray"], firefox["shared"]["sources"]
    assert len(set(strings)) == len(strings)
    assert all(0 <= name < len(strings) for name in sources["filename"])
    categories = firefox["meta"]["categories"]
    assert categories[0] == {"name": "Other", "color": "grey", "subcategories": ["Other"]}
    for thread in firefox["threads"]:
        for table, columns in COLUMNS.items():
            kept = {
                name: column for name, column in thread[table].items() if name not in {"length", "weightType"}
            }
            assert sorted(kept) == sorted(columns)
            assert {len(column) for column in kept.values()} == {thread[table]["length"]}
        stack, frame, func = thread["stackTable"], thread["frameTable"], thread["funcTable"]
        assert all(prefix is None or prefix < row for row, prefix in enumerate(stack["prefix"]))
        assert all(row is None or 0 <= row < stack["length"] for row in thread["samples"]["stack"])
        assert all(0 <= row < frame["length"] for row in stack["frame"])
        assert all(0 <= row < func["length"] for row in frame["func"])
        assert all(0 <= row < len(categories) for row in frame["category"])
        assert all(-1 <= row < thread["resourceTable"]["length"] for row in func["resource"])
        assert all(0 <= row < len(firefox["libs"]) for row in thread["resourceTable"]["lib"])
        assert all(row is None or 0 <= row < sources["length"] for row in func["source"])
        times = thread["samples"]["time"]
        assert times == sorted(times)
        assert all(0 <= time <= firefox["meta"]["profilingEndTime"] for time in times)


def test_firefox_frames_are_those_of_the_stacks(firefox, flame):
    """Names of all samples, as folded stacks have them; inlined calls one level deeper at the same address."""
    strings, lines = firefox["shared"]["stringArray"], {}
    for thread in firefox["threads"]:
        stack, frame, func = thread["stackTable"], thread["frameTable"], thread["funcTable"]
        for row, weight in zip(thread["samples"]["stack"], thread["samples"]["weight"], strict=True):
            path = []
            while row is not None:
                path.append(stack["frame"][row])
                row = stack["prefix"][row]  # noqa: PLW2901
            path.reverse()
            for outer, inner in itertools.pairwise(path):
                if frame["inlineDepth"][inner]:
                    assert frame["inlineDepth"][inner] == frame["inlineDepth"][outer] + 1
                    assert frame["address"][inner] == frame["address"][outer]
            names = ";".join(strings[func["name"][frame["func"][one]]].replace(";", ":") for one in path)
            key = f"{thread['processName']};{names}"
            lines[key] = lines.get(key, 0) + round(weight * 1_000_000)
    expected = dict(line.rsplit(" ", 1) for line in flame.text("folded").splitlines())
    assert lines == {stack: int(weight) for stack, weight in expected.items()}


def test_firefox_libs_can_be_asked_of_a_symbol_server(firefox):
    (lib,) = [lib for lib in firefox["libs"] if lib["name"] == "workload"]
    assert lib["codeId"] == "6daf963c2ce9c9484decbb6ec3b45fa2cf4bc545"
    assert lib["breakpadId"] == "3C96AF6DE92C48C94DECBB6EC3B45FA20"
    thread = firefox["threads"][0]
    assert any(address >= 0 for address in thread["frameTable"]["address"])


def test_breakpad_id():
    """A GUID of little-endian fields in capitals, and an age."""
    assert breakpad_id("00112233445566778899aabbccddeeff01020304") == "33221100554477668899AABBCCDDEEFF0"
    assert breakpad_id("") == ""
    assert breakpad_id("no hex") == ""
    assert breakpad_id("c1be") == "0000BEC10000000000000000000000000"


# --- cpuprofile ---


def test_cpuprofile_nodes_are_a_tree_of_threads(flame):
    document = json.loads(flame.text("cpuprofile"))
    nodes = {node["id"]: node for node in document["nodes"]}
    assert nodes[1]["callFrame"]["functionName"] == "(root)"
    seen, pending = set(), [1]
    while pending:
        number = pending.pop()
        assert number not in seen
        seen.add(number)
        pending += nodes[number].get("children", [])
    assert seen == set(nodes)
    assert len(document["samples"]) == len(document["timeDeltas"]) == 788
    assert set(document["samples"]) <= set(nodes)
    assert sum(node["hitCount"] for node in nodes.values()) == 788
    threads = [nodes[number]["callFrame"]["functionName"] for number in nodes[1]["children"]]
    assert len(threads) == 8
    spin = next(node for node in nodes.values() if node["callFrame"]["functionName"] == "main.spin")
    assert spin["callFrame"]["url"] == "example.com/workload/main.go"
    assert spin["callFrame"]["lineNumber"] == 121  # counted from 0
    assert {tick["line"] for node in nodes.values() if node["callFrame"]["functionName"] == "main.spin"
            for tick in node.get("positionTicks", [])} <= set(range(122, 128))  # fmt: skip


def test_cpuprofile_of_many_threads_has_fewer_nodes(flame, monkeypatch):
    from goinspect.render.viewers import cpuprofile

    whole = json.loads(flame.text("cpuprofile"))
    monkeypatch.setattr(cpuprofile, "_MOST_NODES", 10)
    document = json.loads(flame.text("cpuprofile"))
    assert len(document["nodes"]) < len(whole["nodes"])
    assert round(document["endTime"] * 1000) == round(whole["endTime"] * 1000) == flame.total
    assert [node["callFrame"]["functionName"] for node in document["nodes"][:2]] == ["(root)", "all"]
