"""perf script: its lines, one by one and as files; damaged text."""

from __future__ import annotations

import lzma
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.errors import GoinspectError, MalformedError
from goinspect.profiles import perfscript
from goinspect.profiles.base import KIND_KERNEL, UNPLACED, UNPLACED_ADDRESS
from goinspect.profiles.perfscript.fields import FieldReader
from goinspect.profiles.perfscript.grammar import Printed, is_frame, parse_frame, parse_header, parse_range
from tests.conftest import BUILDS, FIXTURES, oracle_rows
from tests.examples import examples

SAMPLE = (
    b"workload 12 1.000001:  5 cycles: \n\t  4010 main.f+0x10 (/bin/w)\n\t  4020 main.main+0x1 (/bin/w)\n\n"
)


def parse(text: bytes, size: int = 1 << 20):
    return perfscript.parse((text[i : i + size] for i in range(0, len(text), size)), "perf.txt")


def stacks(profile):
    """Names of each sample, leaf first, inlined calls in parentheses behind their function."""
    frames, starts, names = profile.frames.tolist(), profile.stack_start.tolist(), profile.locations.name
    return [
        [profile.names[names[place]] if names[place] >= 0 else () for place in frames[begin:end]]
        for begin, end in pairwise(starts)
    ]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (b"workload 20593  1516.249511:    1001001 cpu-clock: ", (b"workload", None, 20593, None, 1516249511000, 1001001, b"cpu-clock")),
        (b"a b 1 12/34  [003]  1.123456789: cycles:uppp: ", (b"a b 1", 12, 34, 3, 1123456789, None, b"cycles:uppp")),
        (b"  :-1    -1 [000] 1.000000:     probe:x: (ffff) arg=3", (b":-1", None, -1, 0, 10**9, None, b"probe:x")),
        (b"Gecko\t25122 [007] 115539.936601:\t\t1000000 task-clock:u:", (b"Gecko", None, 25122, 7, 115539936601000, 1000000, b"task-clock:u")),
        (b"x 1 115540.8374: 5 cpu-clock:", (b"x", None, 1, None, 115540837400000, 5, b"cpu-clock")),
        (b"20593  1516.249511: ", (None, None, 20593, None, 1516249511000, None, None)),
        (b"workload 20593 ", (b"workload", None, 20593, None, 0, None, None)),
        (b"swapper     0/0     [001] K  7.000001: 1 sched:sched_switch: prev_comm=a b", (b"swapper", 0, 0, 1, 7000001000, 1, b"sched:sched_switch")),
        (b"page-faults: ", (None, None, None, None, 0, None, b"page-faults")),
        (b"The 3 quick brown foxes", None),
    ],
)  # fmt: skip
def test_header(line, fields):
    header = parse_header(line)
    assert (header and tuple(header[:7])) == fields


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        (b"\t 9bf81 main.grow+0x81 (/tmp/work load)", Printed(0x9BF81, "main.grow", "/tmp/work load", None, False)),
        (b"\tffffffff81000000 [unknown] ([unknown])", Printed(0xFFFFFFFF81000000, "", "", None, False)),
        (b"\t 10 main.(*T[go.shape.struct { a int; b string }]).F(...)+0x1 (/a (1)/b (deleted))",
         Printed(0x10, "main.(*T[go.shape.struct { a int; b string }]).F(...)", "/a (1)/b (deleted)", None, False)),
        (b"\t 10 main.inl2+0x44 (inlined)", Printed(0x10, "main.inl2", "", None, True)),
        (b"\t 10 std::function<void (int)>::operator()(int) const (/lib/x.so)",
         Printed(0x10, "std::function<void (int)>::operator()(int) const", "/lib/x.so", None, False)),
        (b"\t 10 f(int)", Printed(0x10, "f(int)", "", None, False)),
        (b"\t 10", Printed(0x10, "", "", None, False)),
        (b"\t 7f10 f+0x3 (/bin/w+0x1010)", Printed(0x7F10, "f", "/bin/w", 0x1010, False)),
        (b"        b3cea6c4\tLock::unlock() (/system/lib/libc.so)", Printed(0xB3CEA6C4, "Lock::unlock()", "/system/lib/libc.so", None, False)),
    ],
)  # fmt: skip
def test_frame(line, printed):
    assert is_frame(line)
    assert parse_frame(line) == printed


@pytest.mark.parametrize(
    "line",
    [b"  go.go:0", b"   20593  1516.249511: x: ", b"workload 1 ", b"", b"\t", b"  [kernel.kallsyms][ffffffff81687db5]",
     b"\tzz main.f", b" 0x7f/0x8/P/-/-/0 "],
)  # fmt: skip
def test_no_frame(line):
    assert not is_frame(line)


def test_mapping_lines():
    line = b"PERF_RECORD_MMAP2 12/13: [0x561d38f31000(0x1cd000) @ 0x1000 fe:00 10413843 164778345]: r-xp /tmp/a b"
    found = parse_range(line)
    assert found[:5] == (0x561D38F31000, 0x561D390FE000, 0x1000, "/tmp/a b", 12)
    assert (found.build_id, found.executable) == ("", True)
    line = (
        b"PERF_RECORD_MMAP2 1/1: [0x400000(0x1000) @ 0 <0123456789abcdef0123456789abcdef01234567>]: r--p /a"
    )
    assert parse_range(line)[5:] == ("0123456789abcdef0123456789abcdef01234567", False)
    line = b"PERF_RECORD_MMAP -1/0: [0xffffffff81000000(0x120bb08) @ 0xffffffff81000000]: x [kernel.kallsyms]_text"
    assert parse_range(line).path == "[kernel.kallsyms]_text"


# -- whole texts


@pytest.mark.parametrize("name", BUILDS)
def test_fixtures(name):
    """Every sample of what perf script printed is one of perf script -D, with the file offsets of its addresses."""
    text = lzma.decompress((FIXTURES / name / "script.txt.xz").read_bytes())
    profile = parse(text, 4096)
    expected = oracle_rows(name, "stacks")
    assert profile.warnings == ()
    assert [
        (str(time // 1000), str(tid), profile.comms[comm], str(weight), depth)
        for time, tid, comm, weight, depth in zip(
            profile.time.tolist(), profile.tid.tolist(), profile.comm.tolist(), profile.weight.tolist(),
            (profile.stack_start[1:] - profile.stack_start[:-1]).tolist(), strict=True,
        )
    ] == [(str(int(row[0]) // 1000), row[2], row[3], row[4], row[5].count(",") + 1) for row in expected]  # fmt: skip
    places = profile.locations
    kernel = places.kind == KIND_KERNEL
    assert (places.name[kernel] >= 0).all()
    recorded = [place for row in expected for place in row[5].split(",")]
    assert [bool(kernel[place]) for place in profile.frames.tolist()] == [
        place.startswith("K") for place in recorded
    ]
    first = {int(start) for start in profile.stack_start[:-1].tolist()}
    exact = places.exact[profile.frames].tolist()
    for i, place in enumerate(recorded):
        below_kernel = i not in first and place.startswith("U") and recorded[i - 1].startswith("K")
        assert exact[i] == (i in first or below_kernel)


@pytest.mark.parametrize("size", [1, 7, 64, 4096])
def test_pieces_of_any_size(size):
    text = lzma.decompress((FIXTURES / "go1.27-exe" / "script.txt.xz").read_bytes())[:20_000]
    whole, pieces = parse(text), parse(text, size)
    assert stacks(whole) == stacks(pieces)
    assert whole.time.tolist() == pieces.time.tolist()


HEADS = st.builds(
    lambda form, seconds, fraction, period: form % (seconds, fraction, period),
    st.sampled_from([
        b"work 12 %d.%06d:  %d cycles: ", b"work 12/34 [001] %d.%09d: %d cpu-clock:u: ", b"a 1.5: 3 b 7 %d.%06d: %d x:y: z",
        b"%d %d.000001: %d x: ", b"swapper 0 %d.%06d:\t%d cycles: ", b"w 5 %d.%d: %d", b"# %d.%d: %d x", b"w 5 1.5: %d.%06d: %d c: ",
    ]),
    st.integers(0, 30), st.integers(0, 30), st.integers(0, 30),
)  # fmt: skip
CHAIN = st.lists(st.sampled_from([b"\t 10 f+0x1 (/b)", b"\t 20 g+0x2 (/b)", b"\t 10 i+0x1 (inlined)", b"\t 30 [unknown] (/c)", b"  srcline.c:5", b"junk here"]), max_size=4)  # fmt: skip


@given(st.lists(HEADS, min_size=1, max_size=8))
def test_lines_that_differ_in_digits(lines):
    """What is known of a line from others like it is what it says."""
    fields = FieldReader()
    for line in lines:
        known, time, period = fields.parse(line)
        header = parse_header(line)
        assert (known.header is None) == (header is None)
        if header is not None:
            assert known.header._replace(time=time, period=period) == header


@given(
    st.lists(st.tuples(HEADS, CHAIN, st.sampled_from([b"\n", b"\n\n", b"\n\n\n"])), max_size=12),
    st.integers(1, 80),
)
@examples(100)
def test_what_repeats_makes_no_difference(blocks, size):
    text = b"".join(b"\n".join([head, *chain]) + end for head, chain, end in blocks)

    def outcome(remembered):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("goinspect.profiles.perfscript.reader._REMEMBERED", remembered)
            patch.setattr("goinspect.profiles.perfscript.fields._MOST", remembered)
            patch.setattr("goinspect.profiles.perfscript.reader._TRIED", 3)
            try:
                found = parse(text, size)
            except GoinspectError as error:
                return str(error)
        columns = (
            found.event,
            found.pid,
            found.tid,
            found.cpu,
            found.time,
            found.weight,
            found.comm,
            found.frames,
        )
        return [column.tolist() for column in columns], found.names, found.events, found.comms, found.warnings

    assert outcome(1000) == outcome(0)


def test_inlined_calls_belong_to_their_function():
    text = (
        b"w 1 1.000001: 5 cycles: \n\t 10 inner+0x4 (inlined)\n\t 10 middle+0x4 (inlined)\n\t 10 outer+0x4 (/b)\n"
        b"\t 20 main (/b)\n\n"
    )
    profile = parse(text)
    assert stacks(profile) == [[("outer", "middle", "inner"), ("main",)]]
    assert profile.locations.exact.tolist() == [True, False]
    # Where an inlined call has its function's name, perf 6.1 prints the function's file with it.
    text = b"w 1 1.000001: 5 cycles: \n\t 10 f+0x4 (/b)\n\t 10 g+0x4 (inlined)\n\t 10 f+0x4 (/b)\n\n"
    assert stacks(parse(text)) == [[("f", "g", "f")]]


def test_one_line_samples():
    text = b"w 1 1.000001: 5 cycles:      561d38fcc754 f+0x1 (/b)\nw 2 1.000002: 5 cycles:  ffffffff815de8a0 k (/v/vmlinux)\n"
    profile = parse(text)
    assert stacks(profile) == [[("f",)], [("k",)]]
    assert profile.mappings[profile.locations.mapping[0]][:2] == UNPLACED_ADDRESS
    assert profile.locations.kind.tolist() == [0, 1]
    data = b"w 1 1.000001: 5 faults:      561d38fcc754 [unknown] (/data)\n\t 4010 f (/b)\n\n"
    assert stacks(parse(data * 2)) == [[("f",)], [("f",)]]


def test_where_files_were_mapped():
    mapped = (
        b"w 1 1.000000: PERF_RECORD_MMAP2 1/1: [0x500000000000(0x9000) @ 0x1000 fe:00 1 2]: r-xp /b\n"
        b"w 1 1.000000: PERF_RECORD_LOST lost 7\n"
    )
    single = b"w 1 1.000001: 5 cycles:      500000000754 f (/b)\n"
    for text in (mapped + single, single + mapped):
        profile = parse(text)
        assert profile.locations.file_offset.tolist() == [0x1754]
        assert profile.totals.lost == 7
    chain = b"w 1 1.000001: 5 cycles: \n\t 1754 f (/b)\n\t 1854 g (/b)\n\n"
    assert sorted(parse(mapped + chain).locations.file_offset.tolist()) == [0x1754, 0x1853]

    profile = parse(mapped + b"w 1 1.000001: 5 cycles: \n\t 500000000754 f (/b)\n\t 500000000854 g (/b)\n\n")
    assert sorted(profile.locations.file_offset.tolist()) == [0x1754, 0x1853]
    assert parse(chain).mappings[0][:2] == UNPLACED


def test_many_files():
    chain = b"".join(b"\t 1010 f (/lib/%d.so)\n" % number for number in range(400))
    profile = parse(b"w 1 1.000001: 5 cycles: \n" + chain + b"\n")
    paths = [profile.mappings[row].path for row in profile.locations.mapping[profile.frames].tolist()]
    assert paths == [f"/lib/{number}.so" for number in range(400)]
    assert {profile.mappings[row][:2] for row in profile.locations.mapping.tolist()} == {UNPLACED}


def test_events_and_weights():
    text = SAMPLE + SAMPLE.replace(b"5 cycles", b"9 cpu-clock:u") + SAMPLE
    profile = parse(text)
    assert [(event.name, event.unit) for event in profile.events] == [
        ("cycles", "count"),
        ("cpu-clock:u", "ns"),
    ]
    assert profile.weight.tolist() == [5, 9, 5]
    assert parse(SAMPLE.replace(b"  5 cycles", b" cycles")).events[0].unit == "samples"


def test_what_is_not_of_perf_script_is_told():
    profile = parse(SAMPLE + b"hello, this is prose and not a sample\n\n" + SAMPLE)
    assert len(profile) == 2
    assert "'hello, this is prose" in profile.warnings[0]


def test_windows_line_ends_and_a_missing_end():
    whole = stacks(parse(SAMPLE * 2))
    assert stacks(parse((SAMPLE * 2).replace(b"\n", b"\r\n"), 5)) == whole
    assert stacks(parse((SAMPLE * 2).rstrip(b"\n"))) == whole


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (SAMPLE, True), (b"# ========\n# captured on    : x\n", True), (b"main;f 1\nmain;g 2\n", False),
        (b"a;b 12\nThread 12 f: 5\n", False), (b"\0", False), (b"", False), (b"hello\nworld\n", False),
        (b"\tffffffff81000000 a\n", None), (b"main 1.5: \n", False), (b"x 1 1.000001: cycles: \n", True),
    ],
)  # fmt: skip
def test_sniff(head, verdict):
    assert perfscript.sniff(head) is verdict


@pytest.mark.parametrize(
    "text", [b"", b"\n\n\n", b"prose\n", b"x 1 1.000001: PERF_RECORD_EXIT(1:1):(1:1)\n", b"#\n"]
)
def test_no_sample(text):
    with pytest.raises(MalformedError, match="no sample"):
        parse(text)


def test_absurd_numbers():
    big = b"9" * 19
    text = b"w 99999999999/9999999999 [999999] 9999999999.000001: 5 e: \n\t 1 f (/b)\n\n"
    with pytest.raises(MalformedError):
        parse(SAMPLE.replace(b" 5 ", b" " + big + b" "))
    parse(text + SAMPLE)
    parse(SAMPLE + b"\t" * (3 << 20) + b"\n\n" + SAMPLE, 1 << 16)
    parse(b"x" * (3 << 20) + b"\n\n" + SAMPLE, 1 << 16)
    ranges = b"".join(
        b"w 1 1.000000: PERF_RECORD_MMAP2 1/1: [0x%x(0xffffffffffffffff) @ 0xffffffffffffffff 0:0 0 0]: r-xp /bin/w\n"
        % i
        for i in range(1 << 12)
    )
    parse(ranges + SAMPLE)


@examples(300)
@given(st.data())
def test_damaged_text(data):
    text = bytearray(
        (SAMPLE + b"w 1 1.000000: PERF_RECORD_MMAP2 1/1: [0x1000(0x9000) @ 0 0:0 0 0]: r-xp /bin/w\n") * 3
    )
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from(
                [b"\n", b"\t", b" ", b"(", b")", b"\n\n", b"0", b":", b"f" * 17, b"\xff", b"(inlined)\n"]
            )
        )
    try:
        perfscript.sniff(bytes(text))
        parse(bytes(text), data.draw(st.integers(1, 200)))
    except GoinspectError:
        pass
