"""goinspect flame of what perf script printed: the same picture as of the recording itself."""

from __future__ import annotations

import lzma
import re
from collections import Counter

import pytest

from tests.cli.runner import cli
from tests.conftest import BUILDS, FIXTURES, oracle_rows

PRINTED = FIXTURES / "recordings" / "printed"
VARIANTS = sorted(
    path.name.removesuffix(".txt.xz") for path in PRINTED.glob("*.txt.xz") if "stacks" not in path.name
)
WITHOUT_CHAINS = ("no-chains", "no-chains-mapped")
# Not what compilers of C add to a name, as in finish_task_switch.isra.0.
GO_NAME = re.compile(r"[\w/]+\.(?!constprop|isra|part|cold)")
WORKLOAD = FIXTURES / "go1.27-piestripped" / "workload"


def folded(path, *options) -> Counter[str]:
    answer = cli("flame", path, "--format", "folded", *options)
    assert answer.code == 0, answer.err
    return Counter(
        {
            stack: int(weight)
            for stack, _, weight in (line.rpartition(" ") for line in answer.out.splitlines())
        }
    )


def without_vdso(stacks: Counter[str]) -> Counter[str]:
    """perf names what is in the vDSO, of which a recording has no file."""
    out: Counter[str] = Counter()
    for stack, weight in stacks.items():
        out[re.sub(r"__vdso_\w+", "[vdso]", stack)] += weight
    return out


@pytest.fixture
def printed(tmp_path):
    def unpack(name):
        path = tmp_path / name
        path.write_bytes(lzma.decompress((PRINTED / f"{name}.xz").read_bytes()))
        return path

    return unpack


@pytest.mark.parametrize("build", BUILDS)
def test_text_is_as_good_as_the_recording(build, fixture_file):
    options = ("--binary", fixture_file(build, "workload"), "--kallsyms", FIXTURES / build / "kallsyms")
    text = folded(fixture_file(build, "script.txt"), *options)
    assert without_vdso(text) == without_vdso(folded(fixture_file(build, "perf.data"), *options))


@pytest.mark.parametrize("build", [name for name in BUILDS if "stripped" not in name])
def test_names_are_perfs_where_there_is_no_binary(build, tmp_path):
    text = lzma.decompress((FIXTURES / build / "script.txt.xz").read_bytes()).decode()
    frames = Counter(
        re.sub(r"(\.abi0)?\+0x[0-9a-f]+$", "", line.split(None, 1)[1].rpartition(" (")[0])
        for line in text.replace(";", ":").splitlines()
        if line.startswith("\t")
    )
    path = tmp_path / "script.txt"
    path.write_text(text, "utf-8")
    found: Counter[str] = Counter()
    for stack, weight in folded(path, "--weight", "samples", "--by", "none").items():
        found.update({name: stack.split(";").count(name) * weight for name in set(stack.split(";"))})
    dropped = Counter({name: count - found[name] for name, count in frames.items() if count != found[name]})
    assert found.keys() <= frames.keys() | {"[truncated]"}
    # Below mcall and goexit a walk goes on into what is stale.
    assert build.startswith("go1.24") or not dropped
    assert sum(dropped.values()) < 0.06 * sum(frames.values())


def old_text(build: str, start: int, path: str) -> str:
    """What perf before 5.x printed: addresses at run time."""
    text = lzma.decompress((FIXTURES / build / "script.txt.xz").read_bytes()).decode()
    pattern = re.compile(rf"^\t +([0-9a-f]+) (.*\({re.escape(path)}\))$", re.MULTILINE)
    return pattern.sub(lambda match: f"\t{int(match[1], 16) + start:16x} {match[2]}", text)


@pytest.mark.parametrize("build", ["go1.27-exe", "go1.24-stripped", "go1.27-piestripped"])
def test_addresses_at_run_time(build, fixture_file, tmp_path):
    maps = (FIXTURES / build / "maps.txt").read_text("utf-8")
    start, pgoff, path = re.search(
        r"MMAP2 .*\[0x([0-9a-f]+)\(\S+ @ (\S+) .*r-xp (\S+/workload)$", maps, re.MULTILINE
    ).groups()
    text = old_text(build, int(start, 16) - int(pgoff, 0), path)
    if "pie" in build:  # of others the addresses are the file's own
        text = maps + text
    old = tmp_path / "old.txt"
    old.write_text(text, "utf-8")
    options = ("--binary", fixture_file(build, "workload"))
    assert folded(old, *options) == folded(fixture_file(build, "script.txt"), *options)


def test_every_variant_is_there():
    assert len(VARIANTS) >= 14


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name not in ("no-files", *WITHOUT_CHAINS)])
def test_variants(variant, printed):
    """What -F leaves out is not missed, as far as it can be."""
    event = () if variant in ("no-times", "no-fields") else ("--event", "cpu-clock")
    weight = (
        ("--weight", "samples") if variant not in ("no-times", "no-fields", "no-comms", "no-threads") else ()
    )
    found = folded(printed(f"{variant}.txt"), "-b", WORKLOAD, *event, *weight, "--by", "none")
    recording = printed("perf.data")
    names = [("--event", "cpu-clock")] if event else [("--event", "cpu-clock"), ("--event", "page-faults")]
    expected: Counter[str] = Counter()
    for name in names:
        expected += folded(recording, "-b", WORKLOAD, *name, "--weight", "samples", "--by", "none")
    assert user(found) == user(expected)


def user(stacks: Counter[str]) -> Counter[str]:
    """Go's frames: the kernel's and those of libraries only one of both may have names for."""
    out: Counter[str] = Counter()
    for stack, weight in stacks.items():
        out[";".join(name for name in stack.split(";") if GO_NAME.match(name))] += weight
    return out


def test_no_chains(printed):
    """The leaf of each sample; addresses at run time, which the mappings explain."""
    rows = oracle_rows("recordings/printed", "stacks")
    clock = [row for row in rows if row[3] == "cpu-clock"]
    mapped = folded(
        printed("no-chains-mapped.txt"), "-b", WORKLOAD, "--event", "cpu-clock", "--weight", "samples"
    )
    assert sum(mapped.values()) == len(clock)
    in_program = [row for row in clock if row[6].startswith("U:5")]
    found = sum(weight for stack, weight in mapped.items() if any(map(GO_NAME.match, stack.split(";"))))
    assert found == len(in_program)
    answer = cli(
        "flame", printed("no-chains.txt"), "-b", WORKLOAD, "--event", "cpu-clock", "--format", "folded"
    )
    assert answer.code == 0
    leaves = {row[6].partition(" ")[0] for row in rows if row[6].startswith("U:5")}
    assert f"{len(leaves):,} addresses are none of its own" in answer.err
    assert "--show-mmap-events" in answer.err


def test_no_files(printed):
    """Without files nothing can be added to what is printed."""
    found = folded(printed("no-files.txt"), "-b", WORKLOAD, "--event", "cpu-clock")
    assert any("asm_" in stack or "do_syscall_64" in stack for stack in found)
    assert all("[unknown]" in stack or "main." not in stack for stack in found)


def test_filters_and_events(printed):
    path = printed("all-fields.txt")
    rows = [row for row in oracle_rows("recordings/printed", "stacks") if row[3] == "cpu-clock"]
    tid = Counter(row[2] for row in rows).most_common(1)[0][0]
    found = folded(path, "-b", WORKLOAD, "--event", "cpu-clock", "--tid", tid)
    assert sum(found.values()) == sum(int(row[4]) for row in rows if row[2] == tid)
    listed = cli("flame", path, "--list-events").out
    for event in ("cpu-clock", "page-faults"):
        assert event in listed


def test_what_was_not_printed_cannot_be_asked_for(printed):
    """perf script prints thread IDs and no process IDs unless told to."""
    answer = cli("flame", printed("default.txt"), "--pid", "1", "--format", "folded")
    assert (answer.code, answer.out) == (1, "")
    assert "do not tell their process" in answer.err
    answer = cli("flame", printed("no-times.txt"), "--cpu", "1", "--format", "folded")
    assert answer.code == 1
    assert "do not tell their CPU" in answer.err


def test_another_build_is_not_used(fixture_file, tmp_path):
    """Names that perf printed are kept, and the file of the same name is refused."""
    (tmp_path / "workload").write_bytes(fixture_file("go1.24-exe", "workload").read_bytes())
    text = tmp_path / "script.txt"
    text.write_bytes(fixture_file("go1.27-exe", "script.txt").read_bytes())
    answer = cli("flame", text, "--format", "folded")
    assert answer.code == 0
    assert "is another file than the recorded one" in answer.err
    assert "main.leafA" in answer.out
    assert "inl3" not in answer.out  # perf knows of no inlined call here
