"""perf.data reader: what threads are called, which file is mapped where, and what a recording tells about itself."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from goinspect.errors import UnsupportedError
from goinspect.profiles.perfdata import read
from tests.builders import perfdata as pd
from tests.builders.perfdata import Event, PerfData, Sample
from tests.profiles.frames import KERNEL_IP, ORDERS, rows, stacks

if TYPE_CHECKING:
    from goinspect.profiles.base import Profile


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
        28: b"unknown",
        29: data.pack("IIQQ", 1, 1, 1_700_000_000_000_000_000, 7),
        130: b"unknown",
    }
    data.mmap(-1, 0xFFFFFFFF81000000, 0x1000, 0, "[kernel.kallsyms]_text", misc=pd.KERNEL)
    data.mmap2(10, 0x1000, 0x1000, 0, "/bin/short").mmap2(10, 0x3000, 0x1000, 0, "/bin/old")
    data.mmap2(10, 0x5000, 0x1000, 0, "/bin/own", build_id=b"\x11\x22")
    profile = load(data)
    assert profile.metadata == {
        "hostname": "host", "os_release": "6.1.0", "perf_version": "6.1.187", "arch": "x86_64", "cpus_online": "4",
        "cmdline": "perf record -g", "first_sample_ns": "5", "last_sample_ns": "9",
        "clock_wall_ns": "1700000000000000000", "clock_recorder_ns": "7",
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
