"""perf.data reader: written files in, exact columns out."""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

import pytest

from goinspect.errors import FileError, GoinspectError, MalformedError, TruncatedError, UnsupportedError
from goinspect.profiles.base import Event as ProfileEvent
from goinspect.profiles.perfdata import read, sniff
from tests.builders import perfdata as pd
from tests.builders.perfdata import Event, PerfData, Sample
from tests.profiles.frames import rows, stacks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goinspect.profiles.base import Profile

ORDERS = pytest.mark.parametrize("order", ["little", "big"])


@pytest.fixture
def load(tmp_path: Path) -> Callable[[PerfData | bytes], Profile]:
    def load(data: PerfData | bytes) -> Profile:
        path = tmp_path / "perf.data"
        path.write_bytes(data.build() if isinstance(data, PerfData) else data)
        return read(path)

    return load


def frames_of(profile: Profile, sample: int = 0) -> list[tuple[int, int, bool]]:
    """(kind, lookup address, exact) of every frame."""
    places = profile.locations
    return [
        (int(places.kind[at]), int(places.runtime_addr[at]), bool(places.exact[at]))
        for at in stacks(profile)[sample]
    ]


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


# -- stacks

KERNEL_IP = 0xFFFFFFFF81000100


@pytest.mark.parametrize(
    ("chain", "mode", "expected"),
    [
        # kernel frames below a marker; the first user frame is the saved PC
        (
            (pd.MARK_KERNEL, KERNEL_IP, KERNEL_IP + 8, pd.MARK_USER, 0x401000, 0x402000),
            pd.KERNEL,
            [(1, KERNEL_IP, True), (1, KERNEL_IP + 7, False), (0, 0x401000, True), (0, 0x401FFF, False)],
        ),
        # no marker: the mode of the record
        ((KERNEL_IP, KERNEL_IP + 8), pd.KERNEL, [(1, KERNEL_IP, True), (1, KERNEL_IP + 7, False)]),
        ((0x401000,), pd.USER, [(0, 0x401000, True)]),
        ((0x401000,), pd.HYPERVISOR, [(2, 0x401000, True)]),
        ((0x401000,), pd.GUEST_USER, [(3, 0x401000, True)]),
        # unknown mode: by the upper half of the address space
        ((0x401000,), 0, [(0, 0x401000, True)]),
        # no marker at first, then one
        ((0x401000, pd.MARK_KERNEL, KERNEL_IP), pd.USER, [(0, 0x401000, True), (1, KERNEL_IP, True)]),
        ((pd.MARK_HV, 0x10, pd.MARK_GUEST, 0x20), pd.USER, [(2, 0x10, True), (3, 0x20, True)]),
        # null addresses are dropped; the entry after one is still a return address
        ((pd.MARK_USER, 0x401000, 0, 0x402000, 0), pd.USER, [(0, 0x401000, True), (0, 0x401FFF, False)]),
        ((pd.MARK_USER, 0, 0x402000), pd.USER, [(0, 0x401FFF, False)]),
        # nothing to go by but the IP
        ((), pd.USER, [(0, 0x401000, True)]),
        ((pd.MARK_USER,), pd.USER, [(0, 0x401000, True)]),
        ((pd.MARK_KERNEL, pd.MARK_USER), pd.USER, [(0, 0x401000, True)]),
        # a deferred user stack: its cookie is no address
        ((pd.MARK_KERNEL, KERNEL_IP, pd.MARK_USER_DEFERRED, 0xC00C1E), pd.KERNEL, [(1, KERNEL_IP, True)]),
    ],
)  # fmt: skip
@ORDERS
def test_stack(load, order, chain, mode, expected):
    other = Sample(time=2, chain=(pd.MARK_USER, 7, 8))
    data = PerfData(order=order).sample(Sample(time=1, chain=chain, mode=mode)).sample(other)
    profile = load(data)
    assert frames_of(profile, 0) == expected
    assert frames_of(profile, 1) == [(0, 7, True), (0, 7, False)]


def test_no_call_chains(load):
    data = PerfData([Event(sample_type=pd.PLAIN & ~pd.CALLCHAIN)])
    data.sample(Sample(time=1, ip=0x401000)).sample(Sample(time=2, ip=KERNEL_IP, mode=pd.KERNEL))
    profile = load(data)
    assert frames_of(profile, 0) == [(0, 0x401000, True)]
    assert frames_of(profile, 1) == [(1, KERNEL_IP, True)]


def test_neither_chain_nor_ip(load):
    profile = load(PerfData([Event(sample_type=pd.TID | pd.TIME)]).sample(Sample()))
    assert stacks(profile) == [[]]


def test_stacks_cut_at_the_limit(load):
    data = PerfData([Event(ids=(1,), sample_type=pd.PLAIN | pd.IDENTIFIER),
                     Event(ids=(2,), sample_type=pd.PLAIN | pd.IDENTIFIER, max_stack=3)])  # fmt: skip
    user = tuple(range(0x1000, 0x1000 + 127))
    data.sample(Sample(time=1, chain=(pd.MARK_USER, *user)))
    data.sample(Sample(time=2, chain=(pd.MARK_KERNEL, KERNEL_IP, pd.MARK_USER, *user[:125])))
    data.sample(Sample(time=3, chain=(pd.MARK_USER, 1, 2, 3), event=1))
    data.sample(Sample(time=4, chain=(pd.MARK_USER, 1, 2), event=1))
    profile = load(data)
    assert profile.truncated.tolist() == [True, False, True, False]
    assert profile.totals.truncated == 2


def test_same_address_in_different_processes_is_two_locations(load):
    data = PerfData()
    data.mmap2(1, 0x400000, 0x1000, 0, "/a").mmap2(2, 0x400000, 0x1000, 0, "/b")
    for pid in (1, 2, 1):
        data.sample(Sample(pid=pid, tid=pid, chain=(pd.MARK_KERNEL, KERNEL_IP, pd.MARK_USER, 0x400010)))
    profile = load(data)
    first, second, third = stacks(profile)
    assert first == third
    assert first[0] == second[0]  # the kernel is the same for all
    assert [profile.mappings[profile.locations.mapping[stack[1]]].path for stack in (first, second)] == [
        "/a",
        "/b",
    ]


# -- names of threads, processes, mappings


def test_thread_names_over_time(load):
    data = PerfData()
    data.comm(10, 10, "shell", 100).fork(20, 10, 20, 10, 200).comm(20, 20, "prog", 300, exec=True)
    data.fork(20, 20, 21, 20, 400).comm(20, 21, "worker", 500).comm(20, 20, "prog", 600)
    for time, tid in ((50, 10), (250, 20), (350, 20), (450, 21), (550, 21), (650, 20), (700, 99), (800, 0)):
        data.sample(Sample(time=time, tid=tid))
    names = ["shell", "shell", "prog", "prog", "worker", "prog", ":99", "swapper"]
    assert [row.comm for row in rows(load(data))] == names


def mapped_paths(profile: Profile) -> list[str | None]:
    """For every sample: the file of its leaf."""
    leaves = [profile.locations.mapping[stack[0]] for stack in stacks(profile)]
    return [profile.mappings[row].path if row >= 0 else None for row in leaves]


@ORDERS
def test_mappings_over_time(load, order):
    data = PerfData(order=order)
    data.mmap2(10, 0x400000, 0x1000, 0, "/bin/old", 100)
    data.comm(10, 10, "new", 200, exec=True).mmap2(10, 0x400000, 0x1000, 0, "/bin/new", 210)
    data.fork(20, 10, 20, 10, 300).mmap2(20, 0x400000, 0x1000, 0, "/lib/child", 400)
    for time, pid in ((50, 10), (150, 10), (250, 10), (350, 20), (450, 20), (450, 10), (500, 77)):
        data.sample(Sample(time=time, pid=pid, ip=0x400010))
    assert mapped_paths(load(data)) == [
        "/bin/old", "/bin/old", "/bin/new", "/bin/new", "/lib/child", "/bin/new", None,
    ]  # fmt: skip


def test_records_synthesized_at_the_end_count_from_the_beginning(load):
    data = PerfData().sample(Sample(time=1000, chain=(pd.MARK_KERNEL, KERNEL_IP, pd.MARK_USER, 0x400010)))
    data.mmap(-1, 0xFFFFFFFF81000000, 0x1000000, 0xFFFFFFFF81000000, "[kernel.kallsyms]_text", misc=pd.KERNEL)
    data.mmap2(10, 0x400000, 0x1000, 0, "/bin/prog").comm(10, 10, "prog")
    profile = load(data)
    assert [profile.mappings[row].path for row in profile.locations.mapping[profile.frames]] == [
        "[kernel.kallsyms]_text",
        "/bin/prog",
    ]
    assert profile.mappings[0].kernel
    assert rows(profile)[0].comm == "prog"


def test_recording_without_times(load):
    data = PerfData([Event(sample_type=pd.PLAIN & ~pd.TIME)])
    data.mmap(10, 0x400000, 0x1000, 0, "/a").comm(10, 10, "a").sample(Sample(tid=10, ip=0x400000))
    data.mmap(10, 0x400000, 0x1000, 0, "/b").comm(10, 10, "b").sample(Sample(tid=10, ip=0x400000))
    profile = load(data)
    assert mapped_paths(profile) == ["/a", "/b"]
    assert [row.comm for row in rows(profile)] == ["a", "b"]
    assert profile.time.tolist() == [0, 0]


def test_records_without_trailer_count_from_the_sample_before_them(load):
    data = PerfData([Event(flags=pd.FREQ)])
    data.mmap(10, 0x400000, 0x1000, 0, "/a").sample(Sample(time=100, ip=0x400000))
    data.sample(Sample(time=200, ip=0x400000)).mmap(10, 0x400000, 0x1000, 0, "/b")
    data.sample(Sample(time=300, ip=0x400000)).sample(Sample(time=150, ip=0x400000))
    assert mapped_paths(load(data)) == ["/a", "/a", "/b", "/b"]


def test_data_mappings_and_guests_do_not_hide_code(load):
    data = PerfData()
    data.mmap2(10, 0x400000, 0x10000, 0, "/bin/prog", misc=pd.USER)
    data.mmap2(10, 0x500000, 0x1000, 0, "/data", misc=pd.USER | 1 << 13)
    data.mmap(-1, 0xFFFFFFFF81000000, 0x1000000, 0, "[kernel.kallsyms]_text", misc=pd.KERNEL)
    data.mmap(-1, 0xFFFFFFFF81000000, 0x1000000, 0, "[guest.kernel.kallsyms]", misc=pd.GUEST_KERNEL)
    data.sample(Sample(chain=(pd.MARK_KERNEL, KERNEL_IP, pd.MARK_USER, 0x400010)))
    profile = load(data)
    rows_of = profile.locations.mapping[profile.frames]
    assert [profile.mappings[row].path for row in rows_of] == ["[kernel.kallsyms]_text", "/bin/prog"]
    assert {item.path: item.executable for item in profile.mappings}["/data"] is False


# -- what recordings tell about themselves


@ORDERS
def test_features(load, order):
    data = PerfData(order=order)
    build_id = bytes(range(1, 21))
    data.features = {
        2: data.build_id_entry("[kernel.kallsyms]", build_id, misc=pd.KERNEL)
        + data.build_id_entry("/bin/short", b"\xab" * 8)
        + data.build_id_entry("/bin/old", b"\xcd" * 16, sized=False),
        3: data.text("host"),
        4: data.text("6.1.0"),
        5: data.text("6.1.187"),
        6: data.text("x86_64"),
        7: data.pack("II", 4, 8),
        11: data.pack("I", 3) + data.text("perf") + data.text("record") + data.text("-g"),
        21: data.pack("QQ", 5, 9),
        29: b"unknown",
        130: b"unknown",
    }
    data.mmap(-1, 0xFFFFFFFF81000000, 0x1000, 0, "[kernel.kallsyms]_text", misc=pd.KERNEL)
    data.mmap2(10, 0x1000, 0x1000, 0, "/bin/short").mmap2(10, 0x3000, 0x1000, 0, "/bin/old")
    data.mmap2(10, 0x5000, 0x1000, 0, "/bin/own", build_id=b"\x11\x22")
    profile = load(data)
    assert profile.metadata == {
        "hostname": "host", "os_release": "6.1.0", "perf_version": "6.1.187", "arch": "x86_64", "cpus_online": "4",
        "cmdline": "perf record -g", "first_sample_ns": "5", "last_sample_ns": "9",
    }  # fmt: skip
    assert {item.path: item.build_id for item in profile.mappings} == {
        "[kernel.kallsyms]_text": build_id.hex(), "/bin/short": "ab" * 8, "/bin/old": "cd" * 16, "/bin/own": "1122",
    }  # fmt: skip
    assert profile.warnings == ()


@ORDERS
def test_losses(load, order):
    data = PerfData(order=order)
    data.trailed(pd.LOST, 0, data.pack("QQ", 1, 40), 5).trailed(pd.LOST_SAMPLES, 0, data.pack("Q", 2), 6)
    data.trailed(pd.THROTTLE, 0, data.pack("QQQ", 7, 0, 0), 7).record(pd.FINISHED_ROUND, 0, b"").sample(
        Sample()
    )
    totals = load(data).totals
    assert (totals.lost, totals.throttled, totals.records) == (42, 1, 5)


@ORDERS
def test_raw_bytes_behind_an_auxtrace_record_are_skipped(load, order):
    data = PerfData(order=order)
    data.record(pd.AUXTRACE, 0, data.pack("QQQIIII", 64, 0, 0, 0, 0, 0, 0))
    data.data += data.pack("IHH", pd.SAMPLE, 2, 56) * 8
    data.sample(Sample(time=3))
    profile = load(data)
    assert profile.time.tolist() == [3]
    assert profile.totals.records == 2
    assert "AUX area" in profile.warnings[0]


@pytest.mark.parametrize("size", [9, 2**63])
def test_auxtrace_record_of_impossible_size(load, size):
    data = (
        PerfData()
        .sample(Sample())
        .record(pd.AUXTRACE, 0, struct.pack("<QQQQQ", size, 0, 0, 0, 0))
        .sample(Sample())
    )
    profile = load(data)
    assert len(profile) == 1
    assert "stopped after 1 records" in profile.warnings[0]


def test_perf_stat(load):
    data = PerfData()
    data.features = {19: b""}
    with pytest.raises(UnsupportedError, match="recording of perf stat, which counts"):
        load(data)


def test_version_one(load):
    data = PerfData([Event(size=64, flags=pd.FREQ)], magic=b"PERFFILE", describe=False).sample(
        Sample(period=3)
    )
    assert load(data).weight.tolist() == [3]


def test_warnings_are_told_when_they_come_up(tmp_path):
    path = tmp_path / "perf.data"
    path.write_bytes(PerfData().sample(Sample()).build(data_size=0))
    told: list[str] = []
    profile = read(str(path), warn=told.append)
    assert tuple(told) == profile.warnings != ()
    assert profile.path == str(path)


# -- unfinished, cut and damaged files


def test_unfinished_recording(load):
    data = PerfData(describe=False).sample(Sample(time=1)).sample(Sample(time=2))
    profile = load(data.build(data_size=0))
    assert profile.time.tolist() == [1, 2]
    assert profile.warnings == (
        "the recorder did not finish this file: read up to its end, without names of events and machine",
    )


def test_cut_inside_a_record(load):
    data = PerfData(describe=False).sample(Sample(time=1)).sample(Sample(time=2))
    raw = data.build()
    profile = load(raw[:-16])
    second = len(raw) - len(data.data) // 2
    assert profile.time.tolist() == [1]
    assert profile.warnings == (
        f"the file is cut off: {len(data.data) - 16} of {len(data.data)} bytes of data are there",
        f"the record at offset {second:#x} is cut off: stopped after 1 records",
    )


def test_cut_between_data_and_features(load):
    data = PerfData().sample(Sample())
    profile = load(data.build()[:-8])
    assert len(profile) == 1
    assert profile.events[0].name == "cpu-clock"
    assert profile.warnings[0].startswith("feature section 12 left out: perf.data: ")


@pytest.mark.parametrize("size", [0, 4, 12, 61])
def test_damaged_record_size(load, size):
    data = PerfData(describe=False).sample(Sample(time=1))
    at = len(data.build())
    data.data += data.pack("IHH", pd.SAMPLE, 2, size)
    data.sample(Sample(time=2))
    profile = load(data)
    assert profile.time.tolist() == [1]
    assert profile.warnings == (
        f"damaged record (type 9, size {size}) at offset {at:#x}: stopped after 1 records",
    )


@ORDERS
def test_chain_longer_than_its_record(load, order):
    data = PerfData(order=order)
    body = bytearray(data.sample_body(Sample(chain=(1, 2))))
    for claimed in (3, 1 << 40, 2**64 - 1):
        body[-24:-16] = data.pack("Q", claimed)
        data.record(pd.SAMPLE, pd.USER, bytes(body))
    profile = load(data)
    assert [frames_of(profile, number) for number in range(3)] == [[(0, 0x401000, True)]] * 3
    assert profile.warnings == ("3 damaged call chains: only the address of the sample itself is used",)


def test_group_longer_than_its_record(load):
    data = PerfData([Event(sample_type=pd.PLAIN | pd.READ, read_format=0xC)])
    body = bytearray(data.sample_body(Sample(chain=(1, 2), group=(5,))))
    for claimed in (4, 1 << 40, 2**64 - 1):
        body[32:40] = data.pack("Q", claimed)
        data.record(pd.SAMPLE, pd.USER, bytes(body))
    profile = load(data)
    assert [frames_of(profile, number) for number in range(3)] == [[(0, 0x401000, True)]] * 3


def test_sample_shorter_than_its_fields(load):
    data = PerfData().record(pd.SAMPLE, pd.USER, bytes(8)).sample(Sample(time=5))
    profile = load(data)
    assert profile.time.tolist() == [5]
    assert profile.warnings == ("1 sample is too short for the event and left out",)


def test_side_band_record_too_short(load):
    data = PerfData().record(pd.MMAP2, pd.USER, bytes(40)).record(pd.COMM, 0, b"").sample(Sample())
    profile = load(data)
    assert len(profile) == 1
    assert profile.warnings == ("2 records other than samples are damaged and left out",)


def test_name_without_end(load):
    data = PerfData([Event(flags=pd.FREQ)])
    data.record(pd.COMM, 0, data.pack("II", 10, 10) + b"x" * 16).sample(Sample())
    assert rows(load(data))[0].comm == "x" * 16


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", TruncatedError, "the file is empty or not a regular file"),
        (b"PERF", TruncatedError, "4 bytes found, expected a header of 104"),
        (b"PERFILE2", TruncatedError, "8 bytes expected, 0 left, at offset 0x8"),
        (b"\x7fELF\2\1\1\0" + bytes(200), MalformedError, "not perf.data: magic b'\\x7fELF"),
        (b"PERFILE2" + (16).to_bytes(8, "little"), TruncatedError, "before it says which events"),
        (b"PERFILE2" + (16).to_bytes(8, "little") + bytes(64), TruncatedError, "before it says which events"),
        (b"PERFILE2" + (99).to_bytes(8, "little") + bytes(200), MalformedError, "header of 99 bytes"),
        (b"PERFILE2" + (104).to_bytes(8, "little") + bytes(200), MalformedError, "attr entries of 0 bytes"),
    ],
)
def test_not_a_recording(load, data, error, message):
    with pytest.raises(error) as caught:
        load(data)
    assert message in str(caught.value)
    assert "perf.data: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_directory_without_a_recording(tmp_path):
    with pytest.raises(UnsupportedError, match="without the file `data`"):
        read(tmp_path)


def test_missing_file(tmp_path):
    with pytest.raises(FileError, match="No such file"):
        read(tmp_path / "none")


def test_ids_beyond_what_the_file_can_hold(load):
    events = [Event(ids=(number,)) for number in range(40)]
    raw = bytearray(PerfData(events, describe=False).build())
    for number in range(40):
        at = 104 + 40 * 8 + number * 144 + 128
        raw[at : at + 16] = (104).to_bytes(8, "little") + (4096).to_bytes(8, "little")
    with pytest.raises(MalformedError, match="more event ids"):
        load(bytes(raw))


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b"PERFILE2........", True),
        (b"2ELIFREP", True),
        (b"PERFFILE", True),
        (b"ELIFFREP", True),
        (b"PERFFILX", False),
        (b"\x7fELF", False),
        (b"PERF", None),
        (b"", None),
    ],
)
def test_sniff(head, answer):
    assert sniff(head) is answer


def small_recording(order: str) -> bytes:
    events = [
        Event("cycles", type=0, sample_type=pd.PLAIN | pd.IDENTIFIER | pd.CPU, ids=(1, 2)),
        Event("faults", config=2, sample_type=pd.PLAIN | pd.IDENTIFIER | pd.READ, read_format=0xC, ids=(3,)),
    ]
    data = PerfData(events, order)
    data.features = {2: data.build_id_entry("/bin/prog", b"\1" * 20), 3: data.text("h"),
                     11: data.pack("I", 1) + data.text("perf")}  # fmt: skip
    data.mmap(-1, 0xFFFFFFFF81000000, 0x1000000, 0, "[kernel.kallsyms]_text", misc=pd.KERNEL)
    data.comm(10, 10, "prog", 5, exec=True).mmap2(10, 0x400000, 0x10000, 0, "/bin/prog", 6)
    data.fork(11, 10, 11, 10, 15)
    for time in (20, 30, 10):
        data.sample(Sample(time=time, chain=(pd.MARK_KERNEL, KERNEL_IP, pd.MARK_USER, 0x401000, 0x402000)))
    data.sample(Sample(time=40, event=1, group=(4, 5), chain=(pd.MARK_USER, 0x401000)))
    data.record(pd.AUXTRACE, 0, data.pack("QQQIIII", 16, 0, 0, 0, 0, 0, 0))
    data.data += bytes(16)
    data.trailed(pd.LOST, 0, data.pack("QQ", 1, 40), 50).exit(10, 10, 60)
    return data.build()


@ORDERS
def test_cut_anywhere(load, order):
    """A file that ends early gives what is there or a known error."""
    raw = small_recording(order)
    whole = rows(load(raw))
    for size in range(0, len(raw), 24):
        try:
            found = rows(load(raw[:size]))
        except GoinspectError:
            assert size < raw.index(b"[kernel")
        else:
            assert {row.time for row in found} <= {row.time for row in whole}


@ORDERS
def test_damage_anywhere(load, order):
    """One damaged byte is met with a known error or an answer, nothing else."""
    raw = bytearray(small_recording(order))
    for at in range(len(raw)):
        if not raw[at] and at % 8:  # padding, upper halves of small numbers
            continue
        mask = (1 << at % 8, 0x80, 0xFF)[at // 8 % 3]
        raw[at] ^= mask
        with contextlib.suppress(GoinspectError):
            load(bytes(raw))
        raw[at] ^= mask
