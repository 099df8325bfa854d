"""Whatever samples are written come back the same, in time order."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goinspect.profiles.perfdata import chains as chains_module
from goinspect.profiles.perfdata import read
from tests.builders import perfdata as pd
from tests.builders.perfdata import Event, PerfData, Sample
from tests.profiles.frames import rows

USER_ADDRESS = st.one_of(st.integers(1, 2**47), st.sampled_from([0x401000, 0x401001, 0x401002]))
KERNEL_ADDRESS = st.one_of(st.integers(0xFFFF800000000000, 2**64 - 4096), st.just(0xFFFFFFFF81000000))


@st.composite
def samples(draw: st.DrawFn, event: int) -> Sample:
    kernel = draw(st.lists(KERNEL_ADDRESS, max_size=4))
    user = draw(st.lists(USER_ADDRESS, min_size=not kernel, max_size=9))
    marked = draw(st.booleans()) or bool(kernel and user)
    chain = [*kernel, *([pd.MARK_USER] if kernel and user else []), *user]
    if marked:
        chain.insert(0, pd.MARK_KERNEL if kernel else pd.MARK_USER)
    thread = draw(st.integers(0, 5))
    return Sample(
        ip=(kernel + user)[0],
        pid=thread // 2,
        tid=thread,
        time=draw(st.integers(1, 20)),
        chain=tuple(chain),
        period=draw(st.integers(0, 2**63)),
        cpu=draw(st.integers(0, 3)),
        mode=pd.KERNEL if kernel else pd.USER,
        event=event,
        group=tuple(draw(st.lists(st.integers(0, 9), max_size=3))),
    )


def expected_stack(sample: Sample) -> tuple[tuple[str, int], ...]:
    mode, stack = "K" if sample.mode == pd.KERNEL else "U", []
    for entry in sample.chain:
        if entry >= 2**64 - 4095:
            mode = "K" if entry == pd.MARK_KERNEL else "U"
        else:
            stack.append((mode, entry))
    return tuple(stack)


EVENTS = [
    Event("a", sample_type=pd.PLAIN | pd.IDENTIFIER | pd.CPU, ids=(10, 11)),
    Event("b", sample_type=pd.PLAIN | pd.IDENTIFIER | pd.CPU | pd.READ, read_format=0xC, ids=(20,)),
]


@pytest.mark.parametrize("order", ["little", "big"])
@given(
    recorded=st.lists(st.integers(0, 1).flatmap(samples), max_size=30), block=st.sampled_from([1, 7, 1 << 16])
)
def test_round_trip(order, recorded, block):
    data = PerfData(EVENTS, order)
    for tid in range(4):
        data.comm(tid // 2, tid, f"thread{tid}")
    for sample in recorded:
        data.sample(sample)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(chains_module, "_BLOCK_ENTRIES", block)
        path = Path(folder, "perf.data")
        path.write_bytes(data.build())
        profile = read(path)
    expected = sorted(recorded, key=lambda sample: sample.time)
    names = ["thread0", "thread1", "thread2", "thread3", ":4", ":5"]
    assert rows(profile) == [
        (sample.time, sample.pid, sample.tid, names[sample.tid], sample.period, expected_stack(sample))
        for sample in expected
    ]
    assert profile.event.tolist() == [sample.event for sample in expected]
    assert profile.cpu.tolist() == [sample.cpu for sample in expected]
    assert profile.warnings == ()
    places = profile.locations
    distinct = set(
        zip(places.kind.tolist(), places.runtime_addr.tolist(), places.exact.tolist(), strict=True)
    )
    assert len(distinct) <= len(places.kind)
