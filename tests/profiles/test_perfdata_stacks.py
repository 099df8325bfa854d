"""perf.data reader: which addresses the stack of a sample has, in which mode, and which are exact."""

from __future__ import annotations

import pytest

from tests.builders import perfdata as pd
from tests.builders.perfdata import Event, PerfData, Sample
from tests.profiles.frames import KERNEL_IP, ORDERS, frames_of, stacks


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
