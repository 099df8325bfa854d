"""`goinspect flame --diff`: two profiles of one program, what changed between them, and what did not."""

from __future__ import annotations

import json
import lzma
import random
import re
from itertools import permutations

import pytest

import goinspect
from goinspect.errors import QueryError
from goinspect.views.difference import CHANGED
from tests.cli.runner import cli
from tests.conftest import FIXTURES

BEFORE = "app;main.main;main.a 400\napp;main.main;main.b 300\napp;main.main;main.c;runtime.x 200\napp;main.main;main.old 100\n"
AFTER = "app;main.main;main.a 410\napp;main.main;main.b 900\napp;main.main;main.c;runtime.x 195\napp;main.main;main.new 60\n"
SAME_PROGRAM = ("go1.27-exe", "go1.27-pie", "go1.27-piestripped", "go1.27-stripped")


@pytest.fixture
def two(tmp_path):
    """BASE and OTHER as arguments of the command."""
    base, other = tmp_path / "before.folded", tmp_path / "after.folded"
    base.write_text(BEFORE)
    other.write_text(AFTER)
    return ["flame", "--diff", base, other]


@pytest.fixture(scope="module")
def recorded(fixture_file):
    """Build -> its recording, beside its program."""

    def get(build):
        fixture_file(build, "workload")
        return fixture_file(build, "perf.data")

    return get


def compared(recorded, before, after, **options):
    """The difference of the recordings of two builds."""
    programs = FIXTURES / after / "kallsyms"
    return goinspect.flame(recorded(after), diff=recorded(before), kallsyms=programs, **options)


def columns(text):
    """Stack -> weights, of folded stacks with two."""
    rows = (re.fullmatch(r"(.*) (\d+) (\d+)", line) for line in text.splitlines())
    return {row[1]: (int(row[2]), int(row[3])) for row in rows}


# ---- Folded stacks


def test_two_columns_absolute(two):
    """As inferno-diff-folded and difffolded.pl write them."""
    assert cli(*two, "--format", "folded", "--diff-absolute").out == (
        "app;main.main;main.a 400 410\napp;main.main;main.b 300 900\napp;main.main;main.c;runtime.x 200 195\n"
        "app;main.main;main.new 0 60\napp;main.main;main.old 100 0\n"
    )


def test_two_columns_per_sample(two):
    """As inferno-diff-folded -n and difffolded.pl -n write them, which cut decimals off, so that 2 samples are missing."""
    theirs = {"a": (626, 410), "b": (469, 900), "c;runtime.x": (313, 195), "new": (0, 60), "old": (156, 0)}
    ours = columns(cli(*two, "--format", "folded").out)
    assert set(ours) == {f"app;main.main;main.{name}" for name in theirs}
    for name, (base, other) in theirs.items():
        assert ours[f"app;main.main;main.{name}"][1] == other
        assert 0 <= ours[f"app;main.main;main.{name}"][0] - base <= 1
    assert [sum(column) for column in zip(*ours.values(), strict=True)] == [1565, 1565]


def test_top_lists_what_moved_most_with_what_is_new_and_gone(two):
    rows = [line.split() for line in cli(*two, "--format", "top").out.splitlines()]
    assert [(row[0], row[-1]) for row in rows[1:6]] == [
        ("grew", "main.b"), ("shrank", "main.a"), ("gone", "main.old"), ("shrank", "runtime.x"), ("new", "main.new"),
    ]  # fmt: skip
    assert rows[1][1:9] == ["470", "900", "+430", "64", "×", "1.92", "±", "0.26"]
    assert " ".join(rows[-1]) == (
        "5 functions of 8 changed: 1 new, 1 grew, 2 shrank, 1 gone; noise: less than 2.8 standard errors"
    )


def test_as_they_are_only_one_function_grew(two):
    rows = [line.split() for line in cli(*two, "--format", "top", "--diff-absolute").out.splitlines()]
    assert [(row[0], row[-1]) for row in rows[1:6]] == [
        ("grew", "main.b"), ("gone", "main.old"), ("new", "main.new"), ("grew", "app"), ("grew", "main.main"),
    ]  # fmt: skip


def test_both_totals_are_said(two):
    assert cli(*two, "--format", "top").err.startswith(
        "goinspect: before before.folded: 1,000 samples (× 1.56 to compare per sample), now after.folded: 1,565 samples; "
    )
    assert (
        "before.folded: 1,000 samples (compared as they are), now"
        in cli(*two, "--format", "top", "--diff-absolute").err
    )


def test_json_has_both_sides(two):
    document = json.loads(cli(*two, "--json").out)
    prefix = document["stacks"]["prefix"]
    assert (sum(prefix["base"]), sum(prefix["weight"])) == (1000, 1565)
    assert document["difference"]["scale"] == 1.565
    assert document["difference"]["absolute"] is False
    assert document["difference"]["base"]["weight"] == 1000
    assert document["difference"]["other"]["samples"] == 1565
    (row,) = (
        row
        for row in json.loads(cli(*two, "--format", "top", "--json").out)["rows"]
        if row["function"] == "main.b"
    )
    assert (row["own"], row["own_change"]["what"]) == (900, "grew")
    assert row["own_change"]["factor"] == pytest.approx(900 / 469.5)
    assert "difference" not in json.loads(cli(*two[:1], two[-1], "--json").out)


def test_filters_are_for_both_sides_and_shares_stay_those_of_all(two):
    whole, part = (
        columns(cli(*two, "--format", "folded", *more).out) for more in ([], ["--focus", r"main\.[ab]$"])
    )
    assert set(part) == {"app;main.main;main.a", "app;main.main;main.b"}
    for stack, (base, other) in part.items():
        assert other == whole[stack][1]
        assert abs(base - whole[stack][0]) <= 1
    assert set(columns(cli(*two, "--format", "folded", "--ignore", "runtime", "--hide", "main.main").out)) == {
        "app;main.a", "app;main.b", "app;main.new", "app;main.old",
    }  # fmt: skip
    reverse = columns(cli(*two, "--format", "folded", "--reverse", "--focus", "main.b").out)
    assert list(reverse) == ["app;main.b;main.main"] or list(reverse) == ["main.b;main.main;app"]


def test_a_function_that_is_only_in_one_can_be_focused(two):
    assert columns(cli(*two, "--format", "folded", "--focus", "main.new").out) == {
        "app;main.main;main.new": (0, 60)
    }
    assert columns(cli(*two, "--format", "folded", "--focus", "main.old").out) == {
        "app;main.main;main.old": (157, 0)
    }
    answer = cli(*two, "--format", "top", "--focus", "nowhere")
    assert "--focus 'nowhere' matches no frame" in answer.err
    assert answer.code == 0


def test_several_profiles_are_added_up_against_one(two):
    stacks = columns(cli(*two, two[-1], "--format", "folded", "--diff-absolute").out)
    assert stacks["app;main.main;main.b"] == (300, 1800)


def test_decimals_and_other_units(tmp_path):
    base, other = tmp_path / "a.folded", tmp_path / "b.folded"
    base.write_text("a;b 1\n")
    other.write_text("a;b 2.25\n")
    answer = cli("flame", "--diff", base, other, "--format", "folded", "--diff-absolute")
    assert answer.code == 1
    assert "cannot be compared with" in answer.err
    base.write_text("a;b 1.55\n")
    assert (
        cli("flame", "--diff", base, other, "--format", "folded", "--diff-absolute").out == "a;b 1.55 2.25\n"
    )
    answer = cli("flame", "--diff", base, other, "--format", "top", "--diff-absolute", "--unit", "ms")
    assert "does not say how many samples its weights are of: no noise is told from change" in answer.err
    assert answer.out.splitlines()[1].split()[0] == "grew"


# ---- What is refused


@pytest.mark.parametrize("form", ["otlp", "speedscope", "firefox", "cpuprofile"])
def test_formats_that_hold_one_profile(two, form, tmp_path):
    answer = cli(*two, "--format", form, "-o", tmp_path / "x")
    assert answer.code == 1
    assert answer.err.startswith(f"goinspect: --diff: {form} holds one profile")
    assert answer.err.count("\n") == 1
    with pytest.raises(QueryError, match="holds one profile"):
        goinspect.flame(two[-1], diff=two[2]).save(tmp_path / "x", form)


def test_what_does_not_fit_together(two, tmp_path):
    size = tmp_path / "sizes.pb.gz"
    size.write_bytes(heap(tmp_path))
    answer = cli("flame", "--diff", two[-1], size, "--format", "top")
    assert answer.code == 1
    assert re.search(r"cannot be compared with .*: it weighs samples, that one .*bytes", answer.err)
    empty = tmp_path / "empty.folded"
    empty.write_text("a 0\n")
    answer = cli("flame", "--diff", empty, two[-1], "--format", "top")
    assert answer.code == 1
    assert "nothing was sampled" in answer.err
    assert cli("flame", "--diff", empty, two[-1], "--format", "top", "--diff-absolute").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--diff-absolute", "x"], "--diff BASE says with what"),
        (["--diff", "x", "--list-events"], "without --diff"),
        (["--diff", "-", "-"], "cannot be both"),
    ],
)
def test_usage(arguments, said):
    answer = cli("flame", *arguments)
    assert answer.code == 2
    assert said in answer.err


def heap(tmp_path):
    """A small heap profile."""
    folded = tmp_path / "heap.folded"
    folded.write_text("main.a;main.b 4096\n")
    return goinspect.flame(folded, unit="bytes").binary("pprof")


# ---- Recordings


@pytest.mark.parametrize(("before", "after"), list(permutations(SAME_PROGRAM, 2)))
def test_nothing_changed_between_builds_of_one_source(recorded, before, after):
    """Four recordings of the same work, of exe and PIE, stripped and not: addresses have nothing in common."""
    flame = compared(recorded, before, after)
    assert flame.profile.difference.counted
    rows = flame.movers()
    assert len(rows) > 400
    assert [row for row in rows if row.own.what in CHANGED or row.total.what in CHANGED] == []
    assert {row.function for row in rows if row.own.base and row.own.other} >= {"main.spin", "main.inl3"}
    graph = re.search(r'"became":\[([\d,]+)\]', flame.text("svg"))
    assert set(graph[1].split(",")) <= {"0", "1"}


@pytest.mark.parametrize(("before", "after"), [("go1.27-exe", "go1.27-pie"), ("go1.27-piestripped", "go1.27-stripped"),
                                              ("go1.27-stripped", "go1.27-piestripped"), ("go1.24-exe", "go1.24-pie")])  # fmt: skip
def test_a_function_made_slower_by_a_known_factor(recorded, before, after, tmp_path):
    """Of the recording before, two of three samples in main.spin are left out, by chance: it got three times as slow."""
    rng = random.Random(1)
    kept, all_before = [], 0
    for line in goinspect.flame(recorded(before), weight="samples").text("folded").splitlines():
        stack, _, count = line.rpartition(" ")
        all_before += int(count)
        spins = stack.endswith(";main.spin")
        left = sum(rng.random() < 1 / 3 for _ in range(int(count))) if spins else int(count)
        kept += [f"{stack} {left}\n"] if left else []
    (tmp_path / "before.folded").write_text("".join(kept))
    flame = goinspect.flame(recorded(after), weight="samples", diff=tmp_path / "before.folded")
    first, *others = flame.movers()
    assert (first.function, first.own.what) == ("main.spin", "grew")
    assert [row.function for row in others if row.own.what in CHANGED] == []
    per_sample = 3 * flame.profile.difference.base.weight / all_before  # it is a larger part of the whole now
    assert abs(first.own.factor - per_sample) <= 2 * first.own.factor_error


def test_a_recording_against_itself(recorded):
    flame = compared(recorded, "go1.27-piestripped", "go1.27-piestripped")
    assert {(row.own.what, row.total.what) for row in flame.movers()} == {("same", "same")}
    for base, other in columns(flame.text("folded")).values():
        assert base == other


@pytest.mark.parametrize("options", [{}, {"by": "none"}, {"by": "thread"}, {"inlines": False, "kernel": False},
                                     {"focus": "main"}, {"hide": "runtime"}, {"lines": True}, {"reverse": True},
                                     {"weight": "samples"}])  # fmt: skip
@pytest.mark.parametrize("absolute", [False, True])
def test_columns_are_those_of_each_recording_alone(recorded, options, absolute):
    before, after = recorded("go1.27-exe"), recorded("go1.27-pie")
    flame = goinspect.flame(after, diff=before, diff_absolute=absolute, **options)
    stacks = columns(flame.text("folded"))
    alone = [goinspect.flame(path, **options).text("folded") for path in (before, after)]
    sums = [sum(int(line.rpartition(" ")[2]) for line in text.splitlines()) for text in alone]
    told = flame.profile.difference
    found = [sum(column) for column in zip(*stacks.values(), strict=True)]
    assert found[1] == sums[1]
    assert abs(found[0] - told.scaled(sums[0])) <= 1
    now = {stack: other for stack, (_, other) in stacks.items() if other}
    assert now == {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in alone[1].splitlines()}


def test_folded_stacks_with_a_process_meet_a_recording(recorded, tmp_path):
    """Other names of kinds, and the process as a frame: the same stacks all the same."""
    path = recorded("go1.27-piestripped")
    folded = tmp_path / "x.folded"
    folded.write_text(goinspect.flame(path, weight="samples").text("folded"))
    flame = goinspect.flame(path, weight="samples", diff=folded)
    assert {(row.own.what, row.total.what) for row in flame.movers()} == {("same", "same")}
    without = tmp_path / "y.folded"
    without.write_text(goinspect.flame(path, weight="samples", by="none").text("folded"))
    flame = goinspect.flame(path, weight="samples", diff=without)
    assert {(row.own.what, row.total.what) for row in flame.movers()} == {("same", "same")}
    assert "has no processes above its stacks" in " ".join(flame.warnings)


def test_programs_of_other_names_are_told(recorded, tmp_path):
    folded = tmp_path / "x.folded"
    folded.write_text("server;runtime.goexit;main.run;main.spin 10\n")
    path = recorded("go1.27-piestripped")
    (told,) = (
        text for text in goinspect.flame(path, weight="samples", diff=folded).warnings if "in common" in text
    )
    assert told == "what stands above stacks has no name in common (workload and server)"
    stacks = columns(
        goinspect.flame(path, weight="samples", diff=folded, by="none", diff_absolute=True).text("folded")
    )
    assert stacks["runtime.goexit;main.run;main.spin"] == (10, 0)
    flame = goinspect.flame(path, diff=path.with_name("perf.data"), by="comm", comms=["workload"])
    assert "in common" not in " ".join(flame.warnings)


def test_another_event_is_refused(recorded):
    path = recorded("go1.27-exe").with_name("faults.data")
    path.write_bytes(lzma.decompress((FIXTURES / "recordings" / "addresses" / "perf.data.xz").read_bytes()))
    with pytest.raises(
        QueryError, match=r"cannot be compared with .*: it weighs page-faults in count, that one cpu-clock"
    ):
        goinspect.flame(path.with_name("perf.data"), diff=path)
    with pytest.raises(QueryError, match="no event 'page-faults', recorded are: cpu-clock"):
        goinspect.flame(path, event="page-faults", diff=path.with_name("perf.data"))


def test_movers_need_two(recorded):
    with pytest.raises(QueryError, match="diff=BASE"):
        goinspect.flame(recorded("go1.27-piestripped")).movers()


def test_the_readme_shows_what_is_printed(recorded, tmp_path, monkeypatch):
    page = (FIXTURES.parent.parent / "README.md").read_text("utf-8")
    command, shown = re.search(r"\$ goinspect (flame --diff .*) \| head -9\n((?:.*\n)*?)```", page).groups()
    for version, build in (("1.24", "go1.24-pie"), ("", "go1.27-piestripped")):
        (tmp_path / (f"go{version}.data" if version else "perf.data")).symlink_to(recorded(build))
        program = recorded(build).with_name("workload")
        (tmp_path / (f"workload-{version}" if version else "workload")).symlink_to(program)
    monkeypatch.chdir(tmp_path)
    answer = cli(*command.split())
    assert "".join(f"{line}\n" for line in answer.out.splitlines()[:9]) == shown
    assert "given with --binary" not in answer.err
    (tmp_path / "another").symlink_to(recorded("go1.27-exe").with_name("workload"))
    assert cli(*command.split(), "-b", "another").err.count("another: given with --binary") == 2


def test_bytes_are_compared_as_they_are():
    """Of a heap: what leaks is no part of what there is."""
    before, after = (FIXTURES / "pprof" / release / "heap.pprof" for release in ("go1.24", "go1.27"))
    flame = goinspect.flame(after, diff=before)
    told = flame.profile.difference
    assert (told.absolute, told.counted) == (True, False)
    alone = [{row.function: row for row in goinspect.flame(path).top()} for path in (before, after)]
    for row in flame.movers():
        sides = [side.get(row.function) for side in alone]
        assert [row.own.base, row.own.other] == [side.own if side else 0 for side in sides]
        assert [row.total.base, row.total.other] == [side.total if side else 0 for side in sides]
    assert "no noise is told from change" in " ".join(flame.warnings)


def test_a_pprof_profile_of_the_cpu_counts_samples():
    before, after = (FIXTURES / "pprof" / release / "cpu.pprof" for release in ("go1.24", "go1.27"))
    flame = goinspect.flame(after, diff=before)
    assert flame.profile.difference.base.samples == 86
    assert flame.profile.difference.counted
    assert flame.profile.difference.base.grain == 10_000_000  # ns between samples
