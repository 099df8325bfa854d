"""pprof's protobuf: every way to write it, every way to damage it, and what a profile leaves out of its stacks."""

from __future__ import annotations

import gzip
import time
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.errors import GoinspectError, MalformedError, TruncatedError, UnsupportedError
from goinspect.profiles import pprof
from goinspect.profiles.base import UNPLACED, UNPLACED_ADDRESS
from goinspect.profiles.pprof import message, sniff, wire
from tests.builders.pprof import Profile, blob, folded, number, numbers, varint
from tests.conftest import FIXTURES
from tests.examples import examples

TOP = (1 << 64) - 1
EDGES = st.sampled_from([0, 1, 127, 128, 1 << 32, (1 << 63) - 1, 1 << 63, TOP])


def parse(data: bytes, size: int = 1 << 20):
    return pprof.parse((data[i : i + size] for i in range(0, len(data), size)), "x.pb")


def stacks(profile):
    """Frames of each sample from the root on, as names; "" where it has none."""
    start, frames, names = profile.stack_start.tolist(), profile.frames.tolist(), profile.locations.name
    return [
        [
            name
            for place in reversed(frames[a:b])
            for name in (profile.names[names[place]] if names[place] >= 0 else ("",))
        ]
        for a, b in pairwise(start)
    ]


def small(**options) -> Profile:
    profile = Profile(**options)
    inner, outer, main = (profile.function(name, f"{name}.go", 10) for name in ("inner", "outer", "main"))
    leaf = profile.location((inner, 11), (outer, 12), address=0x401010)
    root = profile.location((main, 13), address=0x401020)
    profile.sample([leaf, root], [1, 5])
    profile.sample([root, root, root], [2, 7])
    profile.sample([], [3, 9])
    return profile


@pytest.mark.parametrize(
    "options", [{}, {"packed": False}, {"step": 1000}, {"step": 1 << 55, "packed": False}]
)
def test_inlined_calls_stand_in_the_outer_function(options):
    profile = parse(small(**options).build())
    assert stacks(profile) == [["main", "outer", "inner"], ["main", "main", "main"], []]
    assert profile.values.columns.tolist() == [[1, 2, 3], [5, 7, 9]]
    assert profile.places[profile.names.index(("outer", "inner"))] == (
        ("outer.go", 12, 10),
        ("inner.go", 11, 10),
    )
    assert not profile.warnings


def test_pieces_of_any_size():
    data = small().build()
    for size in (1, 3, 50):
        assert stacks(parse(data, size)) == stacks(parse(data))


def refused(ask) -> None:
    """Ask; an answer is fine, and an error in one line."""
    told = ""
    try:
        ask()
    except GoinspectError as error:
        told = str(error)
    assert "\n" not in told


@st.composite
def profiles(draw):
    profile = Profile(
        types=draw(st.lists(st.tuples(st.text(max_size=3), st.sampled_from(["count", "ns", "bytes", ""])), min_size=1, max_size=3)),
        packed=draw(st.booleans()), step=draw(st.sampled_from([1, 3, 1 << 50])),
    )  # fmt: skip
    functions = [
        profile.function(name)
        for name in draw(st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=5))
    ]
    lines = st.lists(st.tuples(st.sampled_from(functions), st.integers(0, 300)), max_size=3)
    places = [
        profile.location(*line, address=draw(EDGES)) for line in draw(st.lists(lines, min_size=1, max_size=6))
    ]
    for _ in range(draw(st.integers(0, 12))):
        values = [draw(st.integers(-(1 << 40), 1 << 40)) for _ in profile.types]
        profile.sample(
            draw(st.lists(st.sampled_from([*places, 999]), max_size=8)), values,
            **draw(st.dictionaries(st.sampled_from(["pid", "tid", "comm", "k"]), st.one_of(st.text(max_size=3), st.integers(0, 1 << 40)))),
        )  # fmt: skip
    return profile.build()


def answer(data: bytes):
    try:
        profile = parse(data)
    except GoinspectError as error:
        return type(error)
    columns = (
        profile.stack_start,
        profile.frames,
        profile.pid,
        profile.tid,
        profile.comm,
        *profile.values.columns,
    )
    return (
        [column.tolist() for column in columns],
        profile.names,
        profile.comms,
        profile.warnings,
        profile.mappings,
    )


@given(profiles(), st.data())
@examples(150)
def test_both_engines_read_the_same(data, chance):
    """One field of all messages at a time, and one message after another."""
    damaged = bytearray(data)
    if chance.draw(st.booleans()):
        damaged[chance.draw(st.integers(0, len(data) - 1))] = chance.draw(st.integers(0, 255))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "_FEW", 1)
        patch.setattr(wire, "_BLOCK", 7)
        columns = answer(bytes(damaged))
    single = answer(bytes(damaged))
    if isinstance(columns, type) or isinstance(single, type):  # which mistake is met first depends on the way
        assert isinstance(columns, type)
        assert isinstance(single, type)
    else:
        assert columns == single


@given(profiles(), st.integers(0, 1 << 20))
@examples(60)
def test_what_is_cut_off_is_told(data, where):
    cut = data[: where % len(data)]
    refused(partial(parse, cut))


@given(st.binary(max_size=200))
@examples(200)
def test_any_bytes(data):
    for way in (lambda: parse(data), lambda: parse(small().build() + data), lambda: sniff(data)):
        refused(way)


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (small().build()[:-3], TruncatedError, "cut off"),
        (small().build() + b"\x0b", MalformedError, "wire type 3"),
        (small().build() + b"\x02", MalformedError, "number 0"),
        (b"\xff" * 11, MalformedError, "more than 10 bytes"),
        (b"", MalformedError, "no table of strings"),
        (blob(6, b"x"), MalformedError, "first string is 'x'"),
        (blob(6, b""), MalformedError, "no sample type"),
        (blob(1, b"") * 1001 + blob(6, b""), UnsupportedError, "sample types"),
        (small().build() * 2, MalformedError, "several profiles, one behind the other"),
        (small().build() + blob(2, b"\x0a\x05\x01"), TruncatedError, "past the end of its message"),
        (small().build() + blob(2, blob(1, b"\x80")), TruncatedError, "end within a number"),
        (small().build() + blob(2, blob(1, b"\xff" * 11 + b"\x01")), MalformedError, "more than 10 bytes"),
        (small().build() + blob(2, varint(TOP)), MalformedError, "wire type 7"),
    ],
)
def test_damage(data, error, said):
    with pytest.raises(error, match=said) as found:
        parse(data)
    assert found.value.path == "x.pb"


def test_what_does_not_exist_is_told():
    profile = small()
    profile.sample([77, 1], [1, 1])
    profile.sample([1], [1])
    profile.sample([1], [1, 2, 3])
    found = parse(profile.build())
    assert stacks(found)[-1] == ["outer", "inner", ""]
    assert len(found) == 4
    assert found.warnings == (
        "2 samples are left out: not 2 values, one of each type",
        "1 frame is at a location that the profile does not have, shown as [unknown]",
    )


def test_fields_of_another_type_are_unknown():
    extra = (
        blob(9, b"text") + number(2, 5) + b"\x99\x01" + bytes(8) + b"\xa5\x01" + bytes(4) + blob(99, b"more")
    )
    assert answer(small().build() + extra) == answer(small().build())


def test_repeated_ids_and_numbers_of_strings_out_of_range():
    profile = small()
    profile.functions.append(number(1, 1) + number(2, 999))
    found = parse(profile.build())
    assert stacks(found)[0] == ["main", "outer", "inner"]
    assert found.warnings == (
        "functions: 1 id of several, the first one is meant",
        "some text is not in the profile's table of strings, and left empty",
    )


def test_sums_have_a_limit():
    profile = Profile(types=[("cpu", "seconds")])
    profile.sample([], [1 << 40])
    with pytest.raises(MalformedError, match="more than 2\\^63 ns"):
        parse(profile.build())
    for value in (-(1 << 63), (1 << 63) - 1):
        profile = Profile(types=[("x", "y")])
        profile.sample([], [value])
        profile.sample([], [value])
        with pytest.raises(MalformedError, match="more than 2\\^63 y"):
            parse(profile.build())


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        (("cpu", "nanoseconds"), ("cpu", "ns", 5)), (("wall", "microseconds"), ("wall", "ns", 5000)),
        (("delay", "seconds"), ("delay", "ns", 5 * 10**9)), (("samples", "count"), ("samples", "samples", 5)),
        (("contentions", "count"), ("contentions", "count", 5)), (("inuse_space", "bytes"), ("inuse_space", "bytes", 5)),
        (("cycles", ""), ("cycles", "count", 5)), (("", "count"), ("samples", "samples", 5)), (("energy", "joules"), ("energy", "joules", 5)),
    ],
)  # fmt: skip
def test_units(kind, event):
    profile = Profile(types=[kind])
    profile.sample([], [5])
    found = parse(profile.build())
    assert (found.events[0].name, found.events[0].unit, found.values.columns[0, 0]) == event


def test_events_of_perf_data_converter():
    """cycles_event weighs, cycles_sample counts."""
    profile = Profile(
        types=[("cycles_sample", "count"), ("cycles_event", "count"), ("instructions_event", "count")]
    )
    assert parse(profile.build() + blob(2, b"")).values.samples == (-1, 0, -1)


def test_mappings():
    profile = Profile(types=[("x", "y")])
    build_id = "ab" * 20
    plain = profile.mapping(0x400000, 0x500000, 0x1000, "/bin/x", build_id)
    everything = profile.mapping(0, TOP, 0, "/bin/y", "not/hex")
    kernel = profile.mapping(0xFFFFFFFF81000000, 0xFFFFFFFF82000000, 0, "[kernel.kallsyms]")
    bare = profile.mapping(0, 0, 0, "")
    for address, mapping in (
        (0x401234, plain),
        (0x1234, plain),
        (0x99, everything),
        (0xFFFFFFFF81000010, kernel),
        (7, bare),
        (TOP, 0),
    ):
        profile.sample([profile.location(address=address, mapping=mapping)], [1])
    found = parse(profile.build())
    places = found.locations
    shown = [
        (*found.mappings[m][:4], f) if m >= 0 else None
        for m, f in zip(places.mapping.tolist(), places.file_offset.tolist(), strict=True)
    ]
    assert shown == [
        (0x400000, 0x500000, 0x1000, "/bin/x", 0x2234), (*UNPLACED, 0, "/bin/x", 0x1234), (*UNPLACED_ADDRESS, 0, "/bin/y", 0x99),
        (0, 1 << 64, 0, "[kernel.kallsyms]", 0xFFFFFFFF81000010), None, None,
    ]  # fmt: skip
    assert [m.build_id for m in found.mappings] == [build_id, build_id, "", ""]
    assert places.kind.tolist() == [0, 0, 0, 1, 0, 0]
    assert places.exact.all()


# --- sniffing ---


def test_every_fixture_is_known():
    for path in (FIXTURES / "pprof").glob("*/*.pprof"):
        head = gzip.decompress(path.read_bytes())
        assert sniff(head)
        assert sniff(head[:200])


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"\n\nmain;a 5\n", b"\nmain;main.a 5\nmain;b 6\n", b"main;a 5\n", b"\x12", b"\x0a\x00\x0a\x00", bytes(100), b"\x0a\x02\x08\x01" + b"\xff" * 11],
)  # fmt: skip
def test_other_bytes_are_none(data):
    assert not sniff(data)


def test_tables_may_come_first():
    parts = small().build()
    assert sniff(parts)
    profile = small()
    assert sniff(b"".join(blob(5, function) for function in profile.functions) + parts)


def test_many_messages_are_quick():
    """Fifty thousand samples, and one of two million unpacked numbers."""
    profile = small()
    sample = profile.samples[0]
    profile.samples += [sample] * 50_000
    profile.samples.append(numbers(1, [1] * 400_000, packed=False) + numbers(2, [1, 1]))
    begin = time.process_time()
    found = parse(profile.build())
    assert time.process_time() - begin < 20
    assert len(found.frames) == 2 * 50_001 + 3 + 400_000


def test_ids():
    for ids in ([5, 3, 5, 9], [1 << 63, TOP, 3], [], [0]):
        table = message.Ids(np.array(ids, dtype=np.uint64))
        wanted = np.array([*ids, 4, 77, TOP - 1], dtype=np.uint64)
        assert table.rows(wanted).tolist() == [ids.index(i) if i in ids else -1 for i in wanted.tolist()]


def test_labels_are_made_on_demand():
    profile = Profile(types=[("x", "y")])
    for row in range(5):
        profile.sample([], [1], **{f"key{row}": row, "pid": row, "both": ["a", "b"]})
    found = parse(profile.build())
    assert found.pid.tolist() == [0, 1, 2, 3, 4]
    assert found.labels.keys == ("both", *(f"key{row}" for row in range(5)), "pid")
    assert found.labels.column("key3").row.tolist() == [-1, -1, -1, 0, -1]
    assert found.labels.column("both").values == ("a,b",)
    assert found.labels.column("none") is None


def test_folded_builder():
    assert stacks(parse(folded([(["a", "b"], 1)]))) == [["a", "b"]]
