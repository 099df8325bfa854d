"""Recordings that are written here, of a real program: system calls, recursion, callers in doubt, several files; any at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import goinspect
from goinspect.analysis.annotate.annotate import describe
from goinspect.analysis.annotate.chosen import Chosen, Wanted
from goinspect.analysis.annotate.costs import through
from goinspect.analysis.calls.callers import Callers
from goinspect.analysis.options import FlameOptions
from goinspect.analysis.stacks.fold import fold
from goinspect.analysis.stacks.recording import take_samples
from goinspect.errors import GoinspectError, QueryError
from goinspect.views.top import top
from tests.builders import perfdata as pd
from tests.conftest import FIXTURES
from tests.examples import examples

KERNEL = 0xFFFFFFFF81000000
BUILD = "go1.27-exe"


@pytest.fixture(scope="module")
def program(fixture_file):
    return goinspect.open(fixture_file(BUILD, "workload"))


def calls_in(program, function):
    """Return addresses of the calls of a function, by what is called."""
    (code,) = program.disasm(function).functions
    return [(row.pc + len(row.code), row.target_name) for row in code.rows if row.kind == "call"]


def recording(path, chains, programs, *, mode=pd.USER):
    """A perf.data of samples (pid, chain from the leaf on) of processes that run `programs` at their own addresses."""
    data = pd.PerfData()
    for pid, program in programs.items():
        data.comm(pid, pid, "workload", exec=True)
        for segment in program.image.segments:
            if segment.executable:
                start = segment.vaddr & ~0xFFF
                data.mmap2(pid, start, segment.mem_size + 0x1000, segment.file_offset & ~0xFFF, program.path)
    for number, (pid, chain) in enumerate(chains):
        data.sample(pd.Sample(chain[1], pid, pid, 1000 + number, chain, period=1000 + number, mode=mode))
    path.write_bytes(data.build())
    return path


def annotate(path, function=None, **options):
    """The files are where they were recorded."""
    return goinspect.annotate(path, function, symfs="/", **options)


def user(*addresses):
    return (pd.MARK_USER, *addresses)


def costs(answer):
    return {
        row.pc: cost
        for code in answer.codes
        for row, cost in zip(code.code.rows, code.costs, strict=True)
        if cost.total
    }


def test_recursion_counts_once(program, tmp_path):
    again = next(after for after, name in calls_in(program, "main.recurse") if name == "main.recurse")
    spin = next(after for after, name in calls_in(program, "main.recurse") if name == "main.spin")
    leaf = program.functions["main.spin"].entry
    path = recording(tmp_path / "perf.data", [(10, user(leaf, spin, again, again, again))], {10: program})
    found = annotate(path, "main.recurse", restore=False)
    assert found.cost == (0, 0, 1000)
    assert sorted(cost.total for cost in costs(found).values()) == [1000, 1000]
    rows = {row.pc + len(row.code): row for row in found.codes[0].code.rows}
    assert {rows[after].pc for after in (again, spin)} == set(costs(found))


def test_the_kernel_is_in_the_system_call(program, tmp_path):
    """The address that a system call leaves is behind it; an interrupt there is no system call, and a leaf is where it is."""
    name = "internal/runtime/syscall/linux.Syscall6"
    (code,) = program.disasm(name).functions
    number = next(i for i, row in enumerate(code.rows) if row.text == "SYSCALL")
    call, after = code.rows[number], code.rows[number + 1]
    chains = [
        (10, (pd.MARK_KERNEL, KERNEL + 0x10, *user(after.pc))),
        (10, (pd.MARK_KERNEL, KERNEL + 0x110, *user(after.pc))),
        (10, user(after.pc)),
        (10, user(call.pc)),
    ]
    path = recording(tmp_path / "perf.data", chains, {10: program})
    names = tmp_path / "kallsyms"
    names.write_text(
        "ffffffff81000000 T _text\nffffffff81000010 T do_syscall_64\nffffffff81000100 T asm_exc_page_fault\n"
        "ffffffff81000200 T other\n"
    )
    data = path.read_bytes()
    found = annotate(path, name, kallsyms=names)
    assert costs(found)[call.pc] == (1003, 0, 2003)
    assert costs(found)[after.pc] == (1002, 0, 1001 + 1002)
    alone = annotate(path, name, kallsyms=names, kernel=False)
    assert costs(alone)[call.pc] == (2003, 0, 2003)
    assert alone.cost == (sum(range(1000, 1004)), 0, sum(range(1000, 1004)))
    assert path.read_bytes() == data


def test_a_caller_in_doubt_is_said(program, tmp_path):
    """The caller of a leaf without a frame is known, and calls it in several places."""
    graph = Callers(program).graph
    leaf = next(number for number, one in enumerate(program.functions) if one.name == "runtime.memmove")
    outer, wanted = next(
        (outer, caller)
        for caller in graph.callers(leaf)
        if len(graph.calls(caller, leaf)) > 2
        for outer in graph.callers(caller)
        if outer != caller
    )
    leaf_pc, after = program.functions[leaf].entry, graph.calls(outer, wanted)[0]
    path = recording(tmp_path / "perf.data", [(10, user(leaf_pc, after))], {10: program})
    found = annotate(path, program.functions[wanted].name)
    (loose,) = found.unplaced
    assert loose.function == program.functions[wanted].name
    calls = [row for row in found.codes[0].code.rows if row.target == leaf_pc]
    assert loose.calls == tuple(row.pc for row in calls if row.kind == "call")
    assert len(loose.calls) > 2
    assert loose.cost == found.cost == (0, 0, 1000)
    assert not costs(found)
    plain = annotate(path, program.functions[outer].name)
    assert not plain.unplaced
    assert [pc < after <= pc + 5 for pc in costs(plain)] == [True]


@pytest.fixture
def two(fixture_file, tmp_path):
    """Two programs of one name, and what ran in both."""
    programs = {
        pid: goinspect.open(fixture_file(name, "workload")) for pid, name in ((10, BUILD), (20, "go1.24-exe"))
    }
    chains = [(pid, user(program.functions["main.spin"].entry)) for pid, program in programs.items()]
    chains.append((20, user(programs[20].functions["main.leafA"].entry)))
    return recording(tmp_path / "perf.data", chains, programs), programs


def test_functions_of_one_name(two):
    path, programs = two
    with pytest.raises(QueryError, match=r"2 files have samples in 'main.spin': ask for .*:main.spin or .*"):
        annotate(path, "main.spin")
    for number, (pid, program) in enumerate(programs.items()):
        found = annotate(path, f"{program.path}:main.spin")
        assert found.cost == (1000 + number, 0, 1000 + number), pid
        assert [code.binary for code in found.codes] == [program.path]
    hottest = annotate(path)
    assert (hottest.function, hottest.cost.own, hottest.codes[0].binary) == (
        "main.spin", 1001, programs[20].path,
    )  # fmt: skip
    assert hottest.warnings[-1].startswith("there is more than one main.spin: ")
    assert annotate(path, "main.leafA").cost.total == 1002


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("main.spim", "no sample is in 'main.spim': did you mean main.spin\\? \\(the hottest: main.spin"),
        ("main.main", "no sample is in 'main.main'; the hottest: main.spin, main.leafA"),
        ("nofile:main.spin", "no sample is in 'nofile:main.spin'"),
        ("", "no sample is in ''"),
        ("[kernel]", "the code of '\\[kernel\\]' is not at hand: it is the kernel's"),
        ("[unknown]", "the code of '\\[unknown\\]' is not at hand"),
    ],
)
def test_what_cannot_be_annotated(function, said, program, tmp_path):
    chains = [(10, user(program.functions[name].entry)) for name in ("main.spin", "main.leafA", "main.spin")]
    chains += [(10, (pd.MARK_KERNEL, KERNEL)), (10, user(0x10))]
    path = recording(tmp_path / "perf.data", chains, {10: program})
    with pytest.raises(QueryError, match=said) as caught:
        annotate(path, function)
    assert str(caught.value).startswith(f"{path}: ")


def test_names_in_short(program, tmp_path):
    generic = next(function for function in program.functions if "[go.shape" in function.name)
    path = recording(tmp_path / "perf.data", [(10, user(generic.entry))], {10: program})
    short = generic.name[: generic.name.index("[")] + "[...]" + generic.name[generic.name.rindex("]") + 1 :]
    assert annotate(path, short).function == generic.name


def test_nothing_to_annotate(program, tmp_path):
    path = recording(tmp_path / "perf.data", [], {10: program})
    with pytest.raises(QueryError, match="no sample to annotate"):
        annotate(path)
    path = recording(tmp_path / "perf.data", [(10, (pd.MARK_KERNEL, KERNEL))], {10: program})
    with pytest.raises(QueryError, match="no sample ended in code that is at hand"):
        annotate(path)
    with pytest.raises(QueryError, match="no sample to annotate"):
        annotate(path, focus="nowhere")
    folded = tmp_path / "x.folded"
    folded.write_text("main.main;main.f 3\n")
    with pytest.raises(QueryError, match="annotate needs a recording: folded stacks hold names"):
        annotate(folded)


# --- any samples at all ---

TEXT = 0x401000
ADDRESSES = st.one_of(st.integers(TEXT, TEXT + 0x9E000), st.sampled_from([KERNEL, 0x10, 0]))


@given(chains=st.lists(st.lists(ADDRESSES, min_size=1, max_size=12), min_size=1, max_size=6), data=st.data())
@examples(40)
def test_every_sample_is_somewhere(program, tmp_path_factory, chains, data):
    """Whatever addresses stand in stacks: sums are those of flame, and nothing is lost."""
    made = [
        (10, (pd.MARK_KERNEL if chain[0] == KERNEL else pd.MARK_USER, chain[0], *user(*chain[1:])))
        for chain in chains
    ]
    path = recording(tmp_path_factory.mktemp("any") / "perf.data", made, {10: program})
    profile = goinspect.open_profile(path)
    options = FlameOptions(
        symfs="/",
        kernel=data.draw(st.booleans()),
        inlines=data.draw(st.booleans()),
        restore=data.draw(st.booleans()),
    )
    chosen = Chosen(take_samples(profile, options), options)
    for row in top(fold(profile, options).stacks):
        try:
            found = describe("x", chosen, Wanted(row.function))
        except GoinspectError:
            continue
        assert (found.cost.own, found.cost.total) == (row.own, row.total)
        every = [cost for code in found.codes for cost in code.costs] + [one.cost for one in found.unplaced]
        assert sum(cost.own for cost in every) == row.own
        assert sum(cost.inlined for cost in every) == found.cost.inlined
        assert max(cost.total for cost in every) <= row.total <= sum(cost.total for cost in every)


@given(
    occurrences=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=30),
    things=st.lists(st.sets(st.integers(0, 4), max_size=3), min_size=4, max_size=4),
)
def test_what_goes_through_is_counted_once(occurrences, things):
    weight = np.array([1, 10, 100, 1000, 1 << 60, 1 << 61], dtype=np.uint64)
    occurrences.sort()
    sample = np.array([one for one, _ in occurrences], dtype=np.int64)
    kind = np.array([other for _, other in occurrences], dtype=np.int64)
    found = through(sample, kind, [sorted(some) for some in things], weight, 5).tolist()
    wanted = [
        sum(int(weight[one]) for one in {one for one, other in occurrences if thing in things[other]})
        for thing in range(5)
    ]
    assert found == wanted


def test_fixture_has_its_oracle():
    assert all((FIXTURES / build / "annotate.txt.xz").exists() for build in ("go1.24-exe", BUILD))
