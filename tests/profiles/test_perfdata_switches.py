"""Context switches, namespaces, cgroups and losses, written byte by byte."""

from __future__ import annotations

import pytest

from goinspect.analysis.recordings.offcpu import off_cpu
from goinspect.analysis.recordings.selection import TimeRange
from goinspect.errors import QueryError
from tests.builders import perfdata as pd
from tests.builders.perfdata import Event, PerfData, Sample
from tests.profiles.frames import ORDERS

SWITCH, SWITCH_CPU_WIDE, NAMESPACES, CGROUP = 14, 15, 16, 19
OUT = 1 << 13
CGROUP_BIT, DATA_PAGE, CODE_PAGE, AUX = 1 << 21, 1 << 22, 1 << 23, 1 << 20
ALWAYS = TimeRange(None, None)


def switch(data, time, tid, *, out, wide=False, event=0):
    body = data.pack("II", 1, 2) if wide else b""
    return data.trailed(
        SWITCH_CPU_WIDE if wide else SWITCH, OUT if out else 0, body, time, tid=tid, event=event
    )


def moves(profile):
    switches = profile.switches
    return list(zip(switches.time.tolist(), switches.tid.tolist(), switches.out.tolist(), strict=True))


# --- switches ---


@ORDERS
@pytest.mark.parametrize("wide", [False, True])
def test_switches(load, order, wide):
    data = PerfData(order=order)
    switch(data, 300, 7, out=False, wide=wide)
    switch(data, 100, 7, out=True, wide=wide).sample(Sample(tid=7, time=100))
    switch(data, 100, 8, out=False, wide=wide)
    assert moves(load(data)) == [(100, 7, True), (100, 8, False), (300, 7, False)]


@ORDERS
def test_switches_of_events_with_different_trailers(load, order):
    """Which fields follow a record is told by the event that it is of."""
    short, long = (
        pd.IP | pd.TID | pd.TIME | pd.IDENTIFIER,
        pd.IP | pd.TID | pd.TIME | pd.CPU | pd.STREAM_ID | pd.IDENTIFIER,
    )
    data = PerfData(
        [Event("a", sample_type=short, ids=(5,)), Event("b", sample_type=long, ids=(6,))], order=order
    )
    switch(data, 100, 7, out=True, event=0)
    switch(data, 200, 8, out=True, event=1)
    assert moves(load(data)) == [(100, 7, True), (200, 8, True)]


def test_switches_without_time_or_thread_say_nothing(load):
    for sample_type in (pd.IP | pd.TID, pd.IP | pd.TIME):
        data = PerfData([Event(sample_type=sample_type)])
        switch(data, 1, 7, out=True).sample(Sample())
        assert load(data).switches is None
    data = PerfData([Event(flags=pd.FREQ)])
    data.record(SWITCH, OUT, b"").sample(Sample())
    assert load(data).switches is None
    data = PerfData()
    data.record(SWITCH, OUT, b"").record(SWITCH, OUT, b"12345678").sample(Sample())  # no room for a trailer
    profile = load(data)
    assert profile.switches is None or len(profile.switches) == 0
    with pytest.raises(QueryError, match="--switch-events"):
        off_cpu(profile, ALWAYS)


def waits(profile, within=ALWAYS):
    found, told = off_cpu(profile, within)
    stacks = [found.stack_start[i + 1] - found.stack_start[i] for i in range(len(found))]
    rows = zip(found.tid.tolist(), found.time.tolist(), found.weight.tolist(), stacks, strict=True)
    return [tuple(map(int, row)) for row in rows], tuple(told)


def test_waits(load):
    data = PerfData()
    data.sample(Sample(tid=7, time=100, chain=(1, 2, 3)))
    switch(data, 100, 7, out=True)  # sampled here
    switch(data, 150, 7, out=False)
    switch(data, 180, 7, out=True)  # the last sample is of an earlier run
    switch(data, 200, 7, out=False)
    switch(data, 210, 8, out=True)  # never sampled before
    switch(data, 215, 8, out=False)
    data.sample(Sample(tid=8, time=220, chain=(1, 2)))
    switch(data, 230, 8, out=True)
    switch(data, 240, 8, out=True)  # no switch back was recorded in between
    switch(data, 250, 8, out=False)
    switch(data, 260, 8, out=False)
    switch(data, 270, 7, out=True)  # does not end
    switch(data, 100, 0, out=True)  # idle
    switch(data, 900, 0, out=False)
    profile = load(data)
    rows, told = waits(profile)
    assert rows == [(7, 100, 50, 3), (7, 180, 20, 3), (8, 210, 5, 0), (8, 240, 10, 2)]
    assert told == (6, 1, 1, 2)
    assert waits(profile, TimeRange(110, 190))[0] == [(7, 110, 40, 3), (7, 180, 10, 3)]
    assert waits(profile, TimeRange(245, None))[0] == [(8, 245, 5, 2)]
    assert waits(profile, TimeRange(None, 0))[0] == []
    found, _ = off_cpu(profile, ALWAYS)
    assert [event.name for event in found.events] == ["off-CPU"]
    assert found.pid.tolist() == [10, 10, 10, 10]  # of a thread without a stack, too


def test_waits_without_samples(load):
    data = PerfData()
    switch(data, 10, 7, out=True)
    switch(data, 15, 7, out=False)
    assert waits(load(data))[0] == [(7, 10, 5, 0)]
    only_idle = PerfData()
    switch(only_idle, 10, 0, out=True)
    switch(only_idle, 15, 0, out=False)
    assert waits(load(only_idle))[0] == []


# --- sched:sched_switch ---


def tracepoint(**options):
    return Event(
        "sched:sched_switch", 2, 300, pd.IP | pd.TID | pd.TIME | pd.CALLCHAIN | pd.PERIOD | pd.RAW, **options
    )


def raw(data, previous, following, size=64):
    record = bytearray(64)
    record[24:28] = data.pack("i", previous)
    record[56:60] = data.pack("i", following)
    return data.pack("I", size + 4) + bytes(record[:size]) + bytes(4)


@ORDERS
def test_the_tracepoint(load, order):
    data = PerfData([tracepoint()], order=order)
    data.sample(Sample(tid=7, time=100, chain=(1, 2, 3), tail=raw(data, 7, 8)))
    data.sample(Sample(tid=8, time=140, chain=(), tail=raw(data, 8, 7)))
    assert moves(load(data)) == [(100, 7, True), (100, 8, False), (140, 8, True), (140, 7, False)]
    assert waits(load(data)) == ([(7, 100, 40, 3)], (2, 0, 0, 1))


def test_tracepoints_of_another_shape(load):
    """Whose record does not name the thread that it was taken in, or has no room."""
    data = PerfData([tracepoint()])
    data.sample(Sample(tid=7, time=100, chain=(1,), tail=raw(data, 1234, 8)))
    data.sample(Sample(tid=7, time=100, chain=(1,), tail=raw(data, 7, 8, size=36)))
    data.sample(Sample(tid=7, time=100, chain=(1,), tail=b""))
    assert load(data).switches is None
    other = PerfData([Event("sched:sched_waking", 2, 300, tracepoint().sample_type)])
    other.sample(Sample(tid=7, time=100, chain=(1,), tail=raw(other, 7, 8)))
    assert load(other).switches is None


def test_a_chain_that_claims_too_much(load):
    data = PerfData([tracepoint()])
    body = bytearray(data.sample_body(Sample(tid=7, time=100, chain=(1,), tail=raw(data, 7, 8))))
    for count in (2**64 - 1, 2**63, 2**40, 11, 8):
        body[32:40] = data.pack("Q", count)
        wrong = PerfData([tracepoint()])
        wrong.record(pd.SAMPLE, pd.USER, bytes(body))
        assert load(wrong).switches is None


def test_records_of_switches_go_before_the_tracepoint(load):
    data = PerfData([tracepoint()])
    data.sample(Sample(tid=7, time=100, chain=(1,), tail=raw(data, 7, 8)))
    switch(data, 101, 7, out=True)
    assert moves(load(data)) == [(101, 7, True)]


# --- cgroups and namespaces ---


def cgroup(data, number, path):
    return data.trailed(CGROUP, 0, data.pack("Q", number) + path.encode() + b"\0", 0)


@ORDERS
@pytest.mark.parametrize(("bits", "behind"), [(0, 0), (DATA_PAGE, 1), (DATA_PAGE | CODE_PAGE, 2)])
def test_cgroups(load, order, bits, behind):
    data = PerfData([Event(sample_type=pd.PLAIN | CGROUP_BIT | bits)], order=order)
    for number, path in ((5, "/a"), (2**63 + 1, "/b")):
        cgroup(data, number, path)
    for number in (5, 2**63 + 1, 6):
        data.sample(Sample(chain=(1, 2), tail=data.pack(f"{1 + behind}Q", number, *[4096] * behind)))
    profile = load(data)
    assert [profile.cgroups[i] if i >= 0 else None for i in profile.cgroup.tolist()] == ["/a", "/b", None]


def test_cgroups_that_cannot_be_found(load):
    """Behind a field of any length, or behind fields that are not known."""
    for bits in (AUX, 1 << 25):
        data = PerfData([Event(sample_type=pd.PLAIN | CGROUP_BIT | bits)])
        cgroup(data, 5, "/a").sample(Sample(tail=data.pack("QQ", 5, 0)))
        assert load(data).cgroup is None
    data = PerfData([Event(sample_type=pd.PLAIN | CGROUP_BIT)])
    data.trailed(CGROUP, 0, b"", 0).sample(Sample(tail=data.pack("Q", 5)))
    assert load(data).cgroup is None
    short = PerfData([Event(sample_type=pd.PLAIN | CGROUP_BIT)])
    cgroup(short, 5, "/a").sample(Sample())
    assert load(short).cgroup.tolist() == [-1]


def namespaces(data, tid, inode, time, count=7):
    body = data.pack("IIQ", tid, tid, count)
    body += b"".join(data.pack("QQ", 3, inode if place == 5 else 1) for place in range(min(count, 7)))
    return data.trailed(NAMESPACES, 0, body, time, tid=tid)


@ORDERS
def test_namespaces(load, order):
    data = PerfData(order=order)
    namespaces(data, 7, 100, 0)
    namespaces(data, 7, 200, 50)
    namespaces(data, 9, 300, 0, count=2)  # from before mount namespaces were told
    namespaces(data, 9, 300, 0, count=2**40)
    for tid, time in ((7, 10), (7, 60), (8, 60)):
        data.sample(Sample(tid=tid, time=time))
    data.record(NAMESPACES, 0, b"").record(NAMESPACES, 0, bytes(16))
    profile = load(data)
    names = [profile.namespaces[i] for i in profile.namespace.tolist()]
    assert names == ["mnt:[100]", "mnt:[200]", "?"]


# --- losses ---


@ORDERS
@pytest.mark.parametrize(("told", "at_the_end", "total"), [(40, 38, 40), (38, 40, 40), (0, 3, 3), (3, 0, 3)])
def test_losses_are_told_twice(load, order, told, at_the_end, total):
    """As they come, and without a time when perf reads the counters at the end."""
    data = PerfData(order=order)
    data.trailed(pd.LOST, 0, data.pack("QQ", 1, told), 5)
    data.trailed(pd.LOST_SAMPLES, 0, data.pack("Q", at_the_end), 0)
    assert load(data).totals.lost == total
