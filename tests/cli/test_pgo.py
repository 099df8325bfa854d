"""goinspect pgo: what the Go compiler reads in the profile is what it reads in the program's own."""

from __future__ import annotations

import gzip
import json
import lzma
import shutil
import subprocess
from collections import Counter

import pytest

from goinspect.analysis.options import FlameOptions
from goinspect.analysis.pgo.gather import edges_of
from goinspect.api.flame import Flame, open_input
from tests.cli import pgofixture
from tests.cli.demo import BINARY, RECORDING
from tests.cli.runner import COMMAND, cli, environment
from tests.conftest import FIXTURES
from tests.cprograms import C_PROGRAM

GO = shutil.which("go")
# By counts of hot calls of both native profiles, in percent: what a recording has to have.
ENOUGH = {"fp": 90, "dwarf": 95}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pgo")
    for name in ("hot", "fp.data", "dwarf.data"):
        pgofixture.unpacked(folder, name)
    return folder


@pytest.fixture(scope="module")
def made(files):
    """Report and profile of each recording."""
    out = {}
    for name in ENOUGH:
        profile = files / f"{name}.pgo"
        answer = cli("pgo", files / f"{name}.data", "-b", files / "hot", "-o", profile, "--json")
        assert answer.code == 0, answer.err
        out[name] = json.loads(answer.out), profile
    return out


def hot_of(report) -> dict[pgofixture.Edge, int]:
    return {(one["caller"], one["offset"], one["callee"]): one["weight"] for one in report["hot"]}


def steady() -> dict[pgofixture.Edge, int]:
    """What is hot in both of the program's own profiles: of two runs the same, not of one sample."""
    native, again = (pgofixture.hot(pgofixture.edges(name)) for name in pgofixture.PROFILES)
    return {edge: weight for edge, weight in native.items() if edge in again}


@pytest.mark.parametrize("name", ENOUGH)
def test_hot_calls_are_those_of_native_profiles(made, name):
    found = hot_of(made[name][0])
    expected = steady()
    common = {edge: weight for edge, weight in expected.items() if edge in found}
    assert len(expected) > 20
    assert 100 * len(common) / len(expected) >= ENOUGH[name], set(expected) - set(common)
    assert sum(common.values()) / sum(expected.values()) > 0.98


@pytest.mark.parametrize("name", ENOUGH)
def test_compiler_will_decide_the_same(made, name):
    """What it decided with both native profiles it decides because of calls that are hot here, too."""
    found = {(caller.replace("%2e", "."), offset, callee.replace("%2e", ".")): weight
             for (caller, offset, callee), weight in hot_of(made[name][0]).items()}  # fmt: skip
    callees = {callee for _, _, callee in found}
    pairs = {(caller, callee) for caller, _, callee in found}
    hottest: dict[tuple[str, str], Counter[str]] = {}
    for (caller, offset, callee), weight in found.items():
        hottest.setdefault((caller, str(offset)), Counter())[callee] += weight
    decided = pgofixture.decisions("native") & pgofixture.decisions("again")
    missing = []
    for caller, offset, callee in sorted(decided, key=str):
        if offset is not None:
            there = hottest.get((caller, offset), Counter())
            same = bool(there) and there.most_common(1)[0][0] == callee
        else:
            same = callee in callees if caller is None else (caller, callee) in pairs
        if not same:
            missing.append((caller, offset, callee))
    assert len(decided) > 20
    assert sum(offset is not None for _, offset, _ in decided) >= 3
    assert 100 * (len(decided) - len(missing)) / len(decided) >= ENOUGH[name], missing


@pytest.mark.parametrize("name", ENOUGH)
def test_written_profile_is_read_as_reported(made, name):
    report, path = made[name]
    edges = edges_of(open_input(str(path)), FlameOptions())
    assert sum(edge.weight for edge in edges) == report["weight"]
    read = {edge.key: edge.weight for edge in edges}
    # A call without a line is written with line 0, which is no line of the function.
    assert {
        key: weight for key, weight in hot_of(report).items() if key[1] is not None
    }.items() <= read.items()
    opened = open_input(str(path))
    assert [(event.name, event.unit) for event in opened.events][:2] == [
        ("samples", "samples"),
        ("cpu", "ns"),
    ]
    flame = Flame.of(opened, FlameOptions(event="samples", lines=True))
    assert flame.total == report["taken"] == report["samples"]
    others = {
        frame.name for frame in flame.stacks.frames if frame.kind not in ("user", "stdlib", "runtime", "gc")
    }
    assert not any("." in name for name in others)  # assembly has no package: memeqbody, [hidden caller]
    named = [frame for frame in flame.stacks.frames if not frame.name.startswith("[")]
    assert all(frame.start_line for frame in named)
    names = {frame.name for frame in named}
    assert {"main.closures.func1", "example.com/hot/shapes.(*Circle).Area", "example.com/hot/mathx.Fold[go.shape.uint64]",
            "example.com/hot/text%2ev2.(*Lexer).Next"} <= names  # fmt: skip
    assert not any("Named" in name for name in names)  # the methods of Named are wrappers


def test_kernel_counts_for_the_function_that_called_it(files, made):
    report = made["fp"][0]
    answer = cli(
        "flame",
        files / "fp.data",
        "-b",
        files / "hot",
        "--format",
        "folded",
        "--annotate",
        "--weight",
        "samples",
    )
    rows = (line.rpartition(" ") for line in answer.out.splitlines())
    ended = sum(int(count) for stack, _, count in rows if stack.endswith("_[k]"))
    cut = {one["what"]: one["samples"] for one in report["cut"]}
    assert cut["in the kernel"] == ended > 0
    assert report["left_out"] == []
    assert report["with_lines"] / report["weight"] > 0.97
    (one,) = report["inputs"]
    assert (one["module"], one["package"], one["go_versions"]) == (
        "example.com/hot",
        "example.com/hot",
        ["go1.27.3"],
    )


def test_native_profile_as_it_is(files):
    """From the program's own profile comes what is in it."""
    native = pgofixture.FOLDER / "native.pprof"
    answer = cli("pgo", native, "-b", files / "hot", "-o", files / "native.pgo", "--json", "--check", native)
    report = json.loads(answer.out)
    assert report["weight"] == sum(pgofixture.edges("native").values())
    assert hot_of(report) == pgofixture.hot(pgofixture.edges("native"))
    assert (report["check"]["common"], report["check"]["missing"]) == (report["check"]["hot"], [])
    read = edges_of(open_input(str(files / "native.pgo")), FlameOptions())
    assert {edge.key: edge.weight for edge in read} == pgofixture.edges("native")


def test_check(files, made):
    native = pgofixture.FOLDER / "native.pprof"
    arguments = [
        "pgo",
        files / "fp.data",
        "-b",
        files / "hot",
        "-o",
        files / "checked.pgo",
        "--check",
        native,
    ]
    report = json.loads(cli(*arguments, "--json").out)
    check, mine = report["check"], hot_of(report)
    expected = pgofixture.hot(pgofixture.edges("native"))
    common = {edge: weight for edge, weight in expected.items() if edge in mine}
    assert (check["hot"], check["common"]) == (len(expected), len(common))
    assert (check["weight"], check["common_weight"]) == (sum(expected.values()), sum(common.values()))
    missing = {(e["caller"], e["offset"], e["callee"]): e["weight"] for e in check["missing"]}
    assert missing == {edge: weight for edge, weight in expected.items() if edge not in mine}
    text = cli(*arguments).out
    assert (
        f"{100 * len(common) / len(expected):.1f} % of its {len(expected)} hot calls are hot here, too"
        in text
    )
    assert (files / "checked.pgo").read_bytes() == made["fp"][1].read_bytes()


def test_recordings_are_added_up(files, made):
    answer = cli(
        "pgo",
        files / "fp.data",
        files / "dwarf.data",
        "-b",
        files / "hot",
        "-o",
        files / "both.pgo",
        "--json",
    )
    both = json.loads(answer.out)
    one, other = made["fp"][0], made["dwarf"][0]
    for key in ("samples", "taken", "weight", "with_lines"):
        assert both[key] == one[key] + other[key]
    assert [part["taken"] for part in both["inputs"]] == [one["taken"], other["taken"]]
    sums = Counter()
    for path in (made["fp"][1], made["dwarf"][1]):
        sums.update({edge.key: edge.weight for edge in edges_of(open_input(str(path)), FlameOptions())})
    read = edges_of(open_input(str(files / "both.pgo")), FlameOptions())
    assert {edge.key: edge.weight for edge in read} == sums


def test_builds_of_one_module_are_added_up(fixture_file, tmp_path):
    """Of different releases and modes: the calls of the program's own functions are the same ones."""
    recordings, binaries = [], []
    for build in ("go1.24-piestripped", "go1.27-exe"):
        recordings.append(fixture_file(build, "perf.data"))
        binaries += ["-b", fixture_file(build, "workload")]
    parts = [json.loads(cli("pgo", path, "-b", own, "-o", tmp_path / "one", "--json").out)
             for path, own in zip(recordings, binaries[1::2], strict=True)]  # fmt: skip
    answer = cli("pgo", *recordings, *binaries, "-o", tmp_path / "both", "--json")
    assert answer.code == 0, answer.err
    both = json.loads(answer.out)
    assert both["weight"] == sum(part["weight"] for part in parts)
    assert [part["go_versions"] for part in both["inputs"]] == [["go1.24.11"], ["go1.27.3"]]
    key = "main.inl1", 2, "main.inl2"
    assert hot_of(both)[key] == sum(hot_of(part)[key] for part in parts) > 0


def test_other_weights_of_profiles(tmp_path):
    """What is asked for by name is counted, whatever it is; nanoseconds alone are written as nanoseconds."""
    heap = FIXTURES / "pprof" / "go1.27" / "heap.pprof"
    report = json.loads(
        cli("pgo", heap, "--sample-type", "alloc_objects", "-o", tmp_path / "x", "--json").out
    )
    flame = Flame.of(open_input(str(heap)), FlameOptions(event="alloc_objects"))
    assert report["taken"] == report["samples"] == flame.total
    mutex = FIXTURES / "pprof" / "go1.27" / "mutex.pprof"
    answer = cli("pgo", mutex, "--sample-type", "delay", "-o", tmp_path / "y", "--json")
    assert answer.code == 0, answer.err


def test_recording_and_profile_of_one_program(files, tmp_path):
    """The program's own profile names a file that is not there: what it tells is the file's name."""
    native = pgofixture.FOLDER / "native.pprof"
    answer = cli("pgo", files / "fp.data", native, "-b", files / "hot", "-o", tmp_path / "out", "--json")
    assert answer.code == 0, answer.err
    assert [part["module"] for part in json.loads(answer.out)["inputs"]] == ["example.com/hot", ""]
    other = FIXTURES / "pprof" / "go1.27" / "cpu.pprof"
    refused(
        files / "fp.data",
        other,
        "-b",
        files / "hot",
        "-o",
        tmp_path / "no",
        words=[str(other), "nested.test"],
    )


def test_text_of_perf_script(tmp_path):
    """Names and offsets of a stripped program, as perf prints them: looked up in the binary, the same calls."""
    printed = FIXTURES / "recordings" / "printed"
    script = tmp_path / "script.txt"
    script.write_bytes(lzma.decompress((printed / "default.txt.xz").read_bytes()))
    answer = cli("pgo", script, "-b", BINARY, "-o", tmp_path / "out.pgo", "--json", "--event", "cpu-clock")
    assert answer.code == 0, answer.err
    assert hot_of(json.loads(answer.out))["main.inlineChain", 0, "main.leafA"] > 0


def test_report_in_words(files):
    text = cli("pgo", files / "fp.data", "-b", files / "hot", "-o", files / "words.pgo", "-n", "3")
    lines = text.out.splitlines()
    assert " ".join(lines[0].split()) == "share weight caller, + lines from its first one -> callee"
    assert lines[4].startswith("… ")
    assert "program: example.com/hot (go1.27.3)" in lines
    assert text.err.startswith(f"goinspect: wrote {files / 'words.pgo'} (")
    assert cli("pgo", files / "fp.data", "-b", files / "hot", "-o", files / "words.pgo", "-q").err == ""
    every = cli("pgo", files / "fp.data", "-b", files / "hot", "-o", files / "words.pgo", "-n", "0").out
    assert "more" not in every.partition("\n\n")[0]


def test_profile_on_stdout(files):
    command = ["pgo", str(files / "fp.data"), "-b", str(files / "hot"), "-o", "-"]
    done = subprocess.run(
        [*COMMAND, *command], capture_output=True, check=True, env=environment(), timeout=60
    )
    gzip.decompress(done.stdout)
    assert b"hot calls: " in done.stderr
    assert cli(*command, "--json").code == 2


# --- what is refused ---


def refused(*arguments, words):
    answer = cli("pgo", *arguments)
    assert answer.code == 1, (answer.out[:300], answer.err)
    assert answer.out == ""
    (line,) = answer.err.splitlines()
    for word in words:
        assert word in line, line


def test_programs_that_differ(files, tmp_path):
    output = tmp_path / "out.pgo"
    refused(files / "fp.data", RECORDING, "-b", files / "hot", "-b", BINARY, "-o", output,
            words=[str(RECORDING), "example.com/workload", "example.com/hot"])  # fmt: skip
    assert not output.exists()


def test_binary_that_is_not_found(files, tmp_path):
    alone = tmp_path / "perf.data"
    shutil.copy(files / "fp.data", alone)
    refused(alone, "-o", tmp_path / "out.pgo", words=[str(alone), "hot: not found", "-b PATH"])


def test_program_that_is_not_go(tmp_path):
    for name in ("framed", "perf.data"):
        packed = FIXTURES / "recordings" / "framed" / f"{name}.xz"
        (tmp_path / name).write_bytes(lzma.decompress(packed.read_bytes()))
    refused(tmp_path / "perf.data", "-b", tmp_path / "framed", "-o", tmp_path / "out.pgo",
            words=["no Go function", "not Go's"])  # fmt: skip


def test_nothing_is_left(files, tmp_path):
    refused(
        files / "fp.data",
        "-b",
        files / "hot",
        "--comm",
        "nobody",
        "-o",
        tmp_path / "out",
        words=["no samples"],
    )


def test_what_weighs_no_time(tmp_path):
    heap = FIXTURES / "pprof" / "go1.27" / "heap.pprof"
    refused(heap, "-o", tmp_path / "out", words=[str(heap), "no CPU profile", "inuse_space"])


def test_folded_stacks(tmp_path):
    folded = tmp_path / "x.folded"
    folded.write_text("main.main;main.f 3\n")
    refused(folded, "-o", tmp_path / "out", words=[str(folded), "lines"])
    refused(
        RECORDING,
        "-b",
        BINARY,
        "--check",
        folded,
        "-o",
        tmp_path / "out",
        words=[str(folded), "lines"],
    )


def test_names_without_lines(tmp_path):
    """A profile whose functions have no lines, of a program that nobody finds."""
    script = tmp_path / "script.txt"
    script.write_text(
        "server 12 [000] 1.000000: 10000000 cpu-clock:\n\t  4010 main.f+0x10 (/nowhere/server)\n\t  4100 main.main+0x10 (/nowhere/server)\n\n"
    )
    refused(script, "-o", tmp_path / "out", words=["no lines", "-b PATH"])


def test_recording_without_call_chains(tmp_path):
    packed = FIXTURES / "recordings" / "no-chains" / "perf.data.xz"
    recording = tmp_path / "perf.data"
    recording.write_bytes(lzma.decompress(packed.read_bytes()))
    answer = cli("pgo", recording, "-b", BINARY, "-o", tmp_path / "out")
    assert answer.code in (0, 1)  # inlined calls are calls


def test_c_program_as_binary(files, tmp_path):
    answer = cli(
        "pgo", files / "fp.data", "-b", C_PROGRAM, "-b", files / "hot", "-o", tmp_path / "out", "--json"
    )
    assert answer.code == 0
    assert json.loads(answer.out)["taken"] > 1000


# --- with Go's tools, where they are ---


@pytest.mark.skipif(GO is None, reason="no Go toolchain")
@pytest.mark.parametrize("name", ENOUGH)
def test_preprofile_reads_what_is_reported(made, name, tmp_path):
    report, path = made[name]
    done = subprocess.run([GO, "tool", "preprofile", "-i", path, "-o", tmp_path / "edges"], capture_output=True, text=True, check=False)  # fmt: skip
    if "no such tool" in done.stderr:
        pytest.skip("preprofile came with Go 1.23")
    assert done.returncode == 0, done.stderr
    read = pgofixture.parse_edges((tmp_path / "edges").read_text())
    assert sum(read.values()) == report["weight"]
    expected = {key: weight for key, weight in hot_of(report).items() if key[1] is not None}
    assert expected.items() <= read.items()
