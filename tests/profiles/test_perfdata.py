"""perf.data reader: written files in, exact columns out."""

from __future__ import annotations

import pytest

from goinspect.profiles.base import Event as ProfileEvent
from tests.builders import perfdata as pd
from tests.builders.perfdata import Event, PerfData, Sample
from tests.profiles.frames import ORDERS, frames_of, rows

# -- columns


@ORDERS
def test_one_sample(load, order):
    data = PerfData(order=order)
    data.mmap2(10, 0x400000, 0x10000, 0x1000, "/bin/prog").comm(10, 11, "worker")
    data.sample(Sample(ip=0x401000, tid=11, time=5000, period=250, chain=(pd.MARK_USER, 0x401000, 0x402005)))
    profile = load(data)
    assert len(profile) == 1
    assert rows(profile) == [(5000, 10, 11, "worker", 250, (("U", 0x401000), ("U", 0x402005)))]
    assert profile.events == (ProfileEvent("cpu-clock", "ns", None),)
    assert profile.cpu.tolist() == [-1]
    assert frames_of(profile) == [(0, 0x401000, True), (0, 0x402004, False)]
    assert profile.locations.file_offset[profile.frames].tolist() == [0x2000, 0x3004]
    assert profile.locations.mapping[profile.frames].tolist() == [0, 0]
    mapping = profile.mappings[0]
    assert (mapping.start, mapping.end, mapping.pgoff, mapping.path) == (
        0x400000,
        0x410000,
        0x1000,
        "/bin/prog",
    )
    assert (mapping.pid, mapping.executable, mapping.kernel, mapping.build_id) == (10, True, False, "")
    assert profile.totals.records == 3
    assert profile.warnings == ()


def test_column_types(load):
    profile = load(PerfData().sample(Sample()))
    types = {name: getattr(profile, name).dtype.name for name in (
        "event", "pid", "tid", "cpu", "time", "weight", "comm", "stack_start", "frames", "truncated")}  # fmt: skip
    assert types == {
        "event": "uint16", "pid": "int32", "tid": "int32", "cpu": "int32", "time": "uint64", "weight": "uint64",
        "comm": "int32", "stack_start": "int64", "frames": "int32", "truncated": "bool",
    }  # fmt: skip
    places = profile.locations
    assert [getattr(places, name).dtype.name for name in ("mapping", "file_offset", "runtime_addr", "kind", "exact")] == [
        "int32", "uint64", "uint64", "uint8", "bool"]  # fmt: skip


@ORDERS
@pytest.mark.parametrize("size", [64, 72, 80, 96, 104, 112, 120, 128, 136, 144, 200])
def test_any_attr_size(load, order, size):
    data = PerfData([Event(size=size)], order)
    data.sample(Sample(chain=(pd.MARK_KERNEL, 0xFFFFFFFF81000010), period=7))
    assert rows(load(data)) == [(1000, 10, 10, ":10", 7, (("K", 0xFFFFFFFF81000010),))]


@ORDERS
@pytest.mark.parametrize(
    "sample_type",
    [
        pd.PLAIN,
        pd.PLAIN | pd.IDENTIFIER,
        pd.PLAIN | pd.IDENTIFIER | pd.ADDR | pd.ID | pd.STREAM_ID | pd.CPU,
        pd.PLAIN | pd.READ,
        pd.PLAIN | pd.CPU | pd.READ | pd.RAW,
    ],
)
def test_any_sample_type(load, order, sample_type):
    data = PerfData([Event(sample_type=sample_type, read_format=0x17)], order)
    data.sample(Sample(cpu=5, chain=(pd.MARK_USER, 1, 2, 3), period=9, tail=bytes(16)))
    profile = load(data)
    assert rows(profile) == [(1000, 10, 10, ":10", 9, (("U", 1), ("U", 2), ("U", 3)))]
    assert profile.cpu.tolist() == [5 if sample_type & pd.CPU else -1]


@ORDERS
@pytest.mark.parametrize("read_format", [0x8, 0xC, 0xF, 0x1F, 0x18])
def test_call_chain_behind_a_group_of_values(load, order, read_format):
    data = PerfData([Event(sample_type=pd.PLAIN | pd.READ, read_format=read_format)], order)
    for group in ((), (1,), (1, 2, 3)):
        data.sample(Sample(chain=(pd.MARK_USER, 0x10 + len(group)), group=group))
    assert [row.stack for row in rows(load(data))] == [(("U", 0x10),), (("U", 0x11),), (("U", 0x13),)]


def test_samples_are_sorted_by_time_and_else_keep_their_order(load):
    data = PerfData()
    for number, time in enumerate((300, 100, 200, 100, 300)):
        data.sample(Sample(time=time, tid=number))
    assert [(row.time, row.tid) for row in rows(load(data))] == [
        (100, 1),
        (100, 3),
        (200, 2),
        (300, 0),
        (300, 4),
    ]


# -- weights and events


@pytest.mark.parametrize(
    ("event", "weight"),
    [
        (Event(), 250),
        (Event(sample_type=pd.PLAIN & ~pd.PERIOD, flags=0, period=4000), 4000),
        (Event(sample_type=pd.PLAIN & ~pd.PERIOD, flags=pd.FREQ, period=4000), 1),
    ],
)
def test_weight(load, event, weight):
    profile = load(PerfData([event]).sample(Sample(period=250)))
    assert profile.weight.tolist() == [weight]
    assert profile.events[0].period == (None if weight == 250 else weight)


@ORDERS
@pytest.mark.parametrize("id_bit", [pd.IDENTIFIER, pd.ID])
def test_several_events(load, order, id_bit):
    kinds = pd.PLAIN | id_bit
    events = [
        Event("cpu-clock:u", config=0, sample_type=kinds, ids=(71, 5)),
        Event(
            "page-faults",
            config=2,
            sample_type=kinds & ~pd.PERIOD,
            ids=(900,),
            flags=pd.SAMPLE_ID_ALL,
            period=3,
        ),
        Event("dummy:HG", config=9, sample_type=kinds, ids=()),
    ]
    data = PerfData(events, order)
    data.sample(Sample(event=1, time=1, chain=(pd.MARK_USER, 0xA)))
    data.sample(Sample(event=0, time=2, id=5, chain=(pd.MARK_USER, 0xB), period=10))
    data.sample(Sample(event=0, time=3, id=71, period=20))
    data.sample(Sample(event=0, time=4, id=12345, period=30))
    profile = load(data)
    assert [event.name for event in profile.events] == ["cpu-clock:u", "page-faults", "dummy:HG"]
    assert [event.unit for event in profile.events] == ["ns", "count", "count"]
    assert profile.event.tolist() == [1, 0, 0, 0]
    assert profile.weight.tolist() == [3, 10, 20, 30]
    assert [row.stack[0][1] for row in rows(profile)] == [0xA, 0xB, 0x401000, 0x401000]
    assert profile.warnings == ("1 sample of an unknown event is counted for the first",)


def test_events_that_cannot_be_told_apart(load):
    profile = load(PerfData([Event(), Event("other")]).sample(Sample()))
    assert profile.event.tolist() == [0]
    assert "do not say which they belong to" in profile.warnings[0]


@pytest.mark.parametrize(
    ("type", "config", "name"),
    [
        (0, 0, "cycles"),
        (0, (5 << 32) | 1, "instructions"),
        (1, 1, "task-clock"),
        (4, 0x1A2, "event type 4 config 0x1a2"),
    ],
)
def test_names_of_events_without_description(load, type, config, name):
    profile = load(PerfData([Event(type=type, config=config)], describe=False).sample(Sample()))
    assert profile.events[0].name == name


def test_name_from_an_update_record(load):
    event = Event(type=9, ids=(42,))
    data = PerfData([event], describe=False)
    data.record(pd.EVENT_UPDATE, 0, data.pack("QQ", 2, 42) + b"intel_pt//\0")
    assert load(data).events[0].name == "intel_pt//"
