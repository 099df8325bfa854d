"""Folded stacks: what its readers agree on, damage of every kind, and files of any size."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goinspect.errors import FileError, MalformedError, UnrecognizedFormatError, UnsupportedError
from goinspect.profiles import folded, foldedblocks, open_profile
from goinspect.profiles.base import NamedStacks
from goinspect.profiles.folded import parse, sniff

# What FlameGraph's flamegraph.pl takes for a stack and its weight.
FLAMEGRAPH = re.compile(r"^(.*)\s+?(\d+(?:\.\d*)?)$")

MIXED = (
    b"# made by hand\n"
    b"srv;main.main;main.(*T).Get[int] 7\n"
    b"srv;main.main 3\n"
    b"srv;main.main;main.(*T).Get[int] 5\n\n"
    b"srv;operator new(unsigned long);std::map<int, char> find 11\n"
    b"srv;[unknown];na\xc3\xafve 2\nno weight here\nlone 4\r\nsrv;;gap 6\n"
)
# Of that file, inferno-flamegraph 0.12.8 --minwidth 0: the samples in each box.
INFERNO = {
    "": 6, "[unknown]": 2, "all": 38, "gap": 6, "lone": 4, "main.(*T).Get[int]": 12, "main.main": 15, "naïve": 2,
    "operator new(unsigned long)": 11, "srv": 34, "std::map<int, char> find": 11,
}  # fmt: skip


def rows(stacks: NamedStacks):
    """(frames from the root on, weight) of each row."""
    start, frames = stacks.stack_start.tolist(), stacks.frames.tolist()
    scale = 10**stacks.decimals
    return [
        (tuple(stacks.names[f] for f in reversed(frames[start[i] : start[i + 1]])), Decimal(weight) / scale)
        for i, weight in enumerate(stacks.weight.tolist())
    ]


def read(*pieces: bytes) -> NamedStacks:
    return parse(pieces, "x.folded")


def test_boxes_are_those_of_inferno():
    found = Counter()
    for frames, weight in rows(read(MIXED)):
        for frame in {"all", *frames}:
            found[frame] += int(weight)
    assert found == INFERNO


def test_what_is_left_out_is_told():
    assert read(MIXED).warnings == (
        "1 of 10 lines are left out as no folded stacks; line 8: no stack and weight in 'no weight here'",
        "frames without a name, shown as [unknown]: 1",
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"a;b 1", (("a", "b"), 1)),
        (b"a;b\t1", (("a", "b"), 1)),
        (b"a;b  1  ", (("a", "b"), 1)),
        (b"a;b 1\r", (("a", "b"), 1)),
        (b"\xef\xbb\xbfa;b 1", (("a", "b"), 1)),
        (b"a 0", (("a",), 0)),
        (b"a;b; 5", (("a", "b", ""), 5)),
        (b";b 5", (("", "b"), 5)),
        (b"f(int, char) const 12.", (("f(int, char) const",), 12)),
        (b"a;b 12.50", (("a", "b"), Decimal("12.5"))),
        (b"a 0.000000001", (("a",), Decimal("0.000000001"))),
        (b"#a;b 5", (("#a", "b"), 5)),
        (b"a\xff;b\xc3 5", (("a\\xff", "b\\xc3"), 5)),
        (b"a b;c d 999999999999999999", (("a b", "c d"), 999999999999999999)),
    ],
)
def test_lines(line, expected):
    assert rows(read(line)) == [expected]
    assert rows(read(line + b"\n")) == [expected]


@pytest.mark.parametrize(
    "line",
    [b"a;b", b"5", b" 5", b"\t5", b"a -5", b"a 1e3", b"a .5", b"a 0x10", b"a 1_000", b"a 1,000", b"a \xd9\xa3",
     b"a 1000000000000000000000", b"a;b5"],
)  # fmt: skip
def test_no_stacks(line):
    with pytest.raises(MalformedError, match="line 1: no stack and weight"):
        read(line)
    found = read(b"good 1\n" + line + b"\nmain;good 2\n")
    assert rows(found) == [(("good",), 1), (("main", "good"), 2)]
    assert found.warnings[0].startswith("1 of 3 lines are left out as no folded stacks; line 2: ")


def test_nothing_in_it():
    for content in (b"\n\n", b"# only a comment\n", b"#"):
        with pytest.raises(MalformedError, match="nothing but comments and empty lines"):
            read(content)


# --- weights ---


def test_decimals_are_kept():
    found = read(b"a 0.25\nb 3\nc 1.5\na 0.125\n")
    assert found.decimals == 3
    assert rows(found) == [(("a",), Decimal("0.25")), (("b",), 3), (("c",), Decimal("1.5")), (("a",), Decimal("0.125"))]  # fmt: skip
    assert read(b"a 0.1234\n").decimals == 6
    assert read(b"a 2.000\n").decimals == 0


def test_decimals_that_do_not_fit():
    found = read(b"a 999999999999999999.25\nb 0.5\n")
    assert found.decimals == 0
    assert found.weight.tolist() == [999999999999999999, 0]
    assert found.warnings == ("weights are rounded down to 0 decimal places",)


def test_weights_that_cannot_be_added():
    with pytest.raises(MalformedError, match="more than 2\\^63"):
        read(b"a 999999999999999999\n" * 10)


def test_two_weights():
    """As difffolded.pl and inferno-diff-folded write them; inferno draws boxes as wide as the second."""
    found = read(b"srv;a 1 2\nsrv;a;b 10 0\nsrv;c d 3 4\n")
    assert rows(found) == [(("srv", "a"), 2), (("srv", "a", "b"), 0), (("srv", "c d"), 4)]
    assert found.warnings == ("each line has two weights, before and after: the picture shows the second, no differences",)  # fmt: skip


def test_a_name_that_ends_in_a_number_is_a_name():
    found = read(b"srv;worker 3 2\nsrv;main 4\n")
    assert rows(found) == [(("srv", "worker 3"), 2), (("srv", "main"), 4)]
    assert found.warnings == ()


# --- what the first line may say ---


def test_header():
    found = read(b"# goinspect sizes unit=bytes\nmain;main.f 12\n# goinspect other unit=ns\n")
    assert (found.subject, found.unit) == ("sizes", "bytes")
    assert read(b"main;main.f 12\n# goinspect sizes unit=bytes\n").unit == ""
    assert read(b"# goinspect sizes unit=" + b"x" * 99 + b"\na 1").unit == ""
    assert read(b"# something else unit=bytes\na 1").unit == ""


# --- sniffing ---


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"a;b 1\n", True),
        (b"main 1\nother 2\n", True),
        (b"a;b 1", True),
        (b"\xef\xbb\xbfa;b 1\r\n", True),
        (b"# goinspect sizes unit=bytes\n", True),
        (b"# mode: cpu\n\nP12;T3;f 1\n", True),
        (b"bash: warning\na;b 1\na;c 2\n", True),
        (b"a;b;c;d", None),
        (b"# only a comment\n", None),
        (b"# a comment\na;b", None),
        (b"", False),
        (b"PERF", False),
        (b"a;b 1\0\n", False),
        (b"The quick brown fox\njumps over the lazy dog.\n", False),
        (b"int a = 5;\nint b;\nreturn 5\n", False),
        (b"prog 12 1503.45: 1001 cycles: \n\tffff8220 f+0x19 ([kernel.kallsyms])\n\n", False),
        (b"{\n \"a\": 1\n}\n", False),
    ],
)  # fmt: skip
def test_sniff(head, verdict):
    assert sniff(head) is verdict


def test_the_content_decides_not_the_name(tmp_path):
    path = tmp_path / "perf.data"
    path.write_bytes(b"a;b 1\n")
    found = open_profile(path)
    assert isinstance(found, NamedStacks)
    assert (found.path, len(found)) == (str(path), 1)
    path.write_bytes(b"to be; or not to be\nthat is\n")
    with pytest.raises(
        UnrecognizedFormatError, match=r"starts with 'to be; o', expected .* or folded stacks"
    ):
        open_profile(path)


def test_errors_name_the_file(tmp_path):
    with pytest.raises(FileError, match="absent: cannot be read: No such file"):
        folded.read(tmp_path / "absent")
    path = tmp_path / "comments"
    path.write_bytes(b"# nothing\n")
    with pytest.raises(MalformedError) as caught:
        open_profile(path)
    assert caught.value.path == str(path)


# --- files of any shape ---


def test_lines_of_any_length(monkeypatch):
    monkeypatch.setattr(folded, "_MAX_LINE", 1 << 20)
    long = b"a;" * 600_000 + b"b 1\n"
    pieces = [(b"x 1\n" + long + b"y 2\n" + long)[i : i + 65536] for i in range(0, 2 * len(long) + 8, 65536)]
    found = parse(iter(pieces), "x")
    assert rows(found) == [(("x",), 1), (("y",), 2)]
    assert found.warnings == ("2 of 4 lines are left out as no folded stacks; line 2: longer than 1 MiB",)
    assert len(read(b"a;" * 400_000 + b"b 1").frames) == 400_001


def test_names_are_bounded(monkeypatch):
    monkeypatch.setattr(folded, "_MAX_NAMES", 1000)
    assert len(read(b"".join(b"f%d 1\n" % i for i in range(1000))).names) == 1000
    with pytest.raises(UnsupportedError, match="more than 1,000 distinct frames") as caught:
        read(b"".join(b"f%d 1\n" % i for i in range(1001)))
    assert caught.value.path == "x.folded"


frames = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Z"), exclude_characters=";\ufeff"), min_size=1
)
stacks = st.lists(frames, min_size=1, max_size=6)
weights = st.integers(0, 10**12)


@given(st.lists(st.tuples(stacks, weights), min_size=1), st.booleans())
def test_round_trip(given, windows):
    end = "\r\n" if windows else "\n"
    text = "".join(f"{';'.join(stack)} {weight}{end}" for stack, weight in given)
    expected = Counter()
    for line in text.split(end)[:-1]:
        stack, weight = FLAMEGRAPH.match(line).groups()
        expected[tuple(stack.split(";"))] += int(weight)
    found = Counter()
    for stack, weight in rows(read(text.encode())):
        found[stack] += int(weight)
    assert found == expected


@given(st.binary(max_size=200), st.integers(1, 20))
def test_pieces_make_no_difference(content, size):
    def outcome(pieces):
        try:
            found = parse(pieces, "x")
        except (MalformedError, UnsupportedError) as error:
            return str(error)
        return rows(found), found.decimals, found.warnings

    pieces = [content[i : i + size] for i in range(0, len(content), size)]
    assert outcome(pieces) == outcome([content])


words = st.sampled_from([b"a", b"main.main", b"", b" ", b"f(x y)", b"runtime.mallocgc", b"runtime.mallocgd", b"x" * 250, "ü".encode() * 9, b"_" * 24])  # fmt: skip
lines = st.builds(lambda frames, weight: b";".join(frames) + b" %d" % weight, st.lists(words, min_size=1, max_size=5), weights)  # fmt: skip
odd_lines = st.sampled_from([b"", b"# a b 1", b"#a 1", b" a;b 2", b"a;b", b"a 1.5", b"12", b" 12", b"a;12", b"a;b 1234567890123456789", b"\ta 1", b"a  7", b"a 5\r"])  # fmt: skip


@given(st.lists(st.lists(lines, max_size=30), max_size=6), st.data(), st.booleans(), st.booleans())
@settings(deadline=None, max_examples=200)
def test_blocks_make_no_difference(parts, data, alike, in_order):
    """What numpy makes of a block is what is made of its lines; also of sorted ones, and where all frames have the same hash."""
    for part in parts:
        if in_order:
            part.sort()
        if data.draw(st.booleans()):
            part.insert(data.draw(st.integers(0, len(part))), data.draw(odd_lines))
    text = b"".join(line + b"\n" for part in parts for line in part)

    def outcome(least):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(foldedblocks, "_LEAST", least)
            patch.setattr(foldedblocks, "_MOST_SKIPPED", 0)
            patch.setattr(folded, "_BLOCK", 64)
            if alike:
                patch.setattr(foldedblocks, "_MULTIPLIER", np.uint64(0))
            try:
                found = parse([text[i : i + 50] for i in range(0, len(text), 50)], "x")
            except (MalformedError, UnsupportedError) as error:
                return str(error)
            columns = (found.stack_start, found.frames, found.weight)
            return found.names, [column.tolist() for column in columns], found.decimals, found.warnings

    assert outcome(1) == outcome(1 << 30)


@pytest.mark.parametrize("deep", [1, 30, 700])  # beginnings below a step, of several, too long to compare
def test_sorted_stacks_are_those_of_their_lines(deep):
    """Frames that a line shares with the one before it, from none to all, and stacks that come twice."""
    ends = [b"", b";a", b";a;b", b";a;b", b";a;bc;d", b";a;bcd", b";b", b";b;a;b;c", b";c"]
    stacks = [
        b";".join(b"frame%d" % (i // 3 if i > deep // 2 else group) for i in range(deep)) + end
        for group in range(8 + 200 // deep)
        for end in ends
    ]
    text = b"".join(b"%s %d\n" % (stack, i % 3 + 1) for i, stack in enumerate(sorted(stacks)))
    assert len(text) > foldedblocks._LEAST
    found = read(text)
    assert rows(found) == [
        (tuple(stack.decode().split(";")), i % 3 + 1) for i, stack in enumerate(sorted(stacks))
    ]


@given(st.lists(st.sampled_from([b"a", b";", b" ", b"\t", b"1", b"9.5", b"\n", b"\r", b"#", b"\xff", b"\0", b"\xef\xbb\xbf"])))  # fmt: skip
def test_any_text_is_answered(parts):
    content = b"".join(parts)
    sniff(content)
    try:
        found = read(content)
    except MalformedError:
        return
    assert len(found.stack_start) == len(found.weight) + 1
    assert (found.stack_start[1:] > found.stack_start[:-1]).all()
    assert found.stack_start[-1] == len(found.frames)
    assert 0 <= found.frames.min() <= found.frames.max() < len(found.names)
