"""Several events, fixed periods, context switches, cgroups and losses of real recordings, against what perf says."""

from __future__ import annotations

import lzma
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from goinspect.analysis.options import FlameOptions, TimeBound
from goinspect.analysis.recordings.offcpu import off_cpu
from goinspect.analysis.recordings.selection import TimeRange, list_events
from goinspect.analysis.stacks.fold import fold
from goinspect.errors import QueryError
from goinspect.profiles import open_profile
from tests.conftest import FIXTURES, oracle_rows

RECORDINGS = FIXTURES / "recordings"
NAMES = ("events", "fixed-period", "switches", "sched-switch", "cgroups", "lost")
FIXED = {"fixed-period": 2_000_000}


@pytest.fixture(scope="module")
def profiles(tmp_path_factory):
    root = tmp_path_factory.mktemp("recordings")
    found = {}
    for name in NAMES:
        path = root / name / "perf.data"
        path.parent.mkdir()
        path.write_bytes(lzma.decompress((RECORDINGS / name / "perf.data.xz").read_bytes()))
        found[name] = open_profile(path)
    return found


@pytest.fixture(scope="module")
def binary(fixture_file):
    return str(fixture_file("go1.27-exe", "workload"))


def samples(name):
    """(time, pid, tid, event, period) of each sample, as perf tells."""
    return [
        (int(time), int(pid), int(tid), event, int(period) if period else FIXED[name])
        for time, pid, tid, event, period in (
            [*row, ""][:5] for row in oracle_rows(f"recordings/{name}", "samples")
        )
    ]


def folded(profile, binary, **options):
    return fold(profile, FlameOptions(binaries=[binary], **options))


@pytest.mark.parametrize("name", NAMES)
def test_columns(profiles, name):
    profile, expected = profiles[name], samples(name)
    events = [event.name for event in profile.events]
    rows = zip(profile.time.tolist(), profile.pid.tolist(), profile.tid.tolist(), profile.event.tolist(),
               profile.weight.tolist(), strict=True)  # fmt: skip
    assert sorted((t, p, i, events[e], w) for t, p, i, e, w in rows) == sorted(expected)


@pytest.mark.parametrize("name", NAMES)
def test_events_are_never_added_together(profiles, binary, name):
    expected = samples(name)
    counts, weights = Counter(), Counter()
    for _, _, _, event, period in expected:
        counts[event] += 1
        weights[event] += period
    listed = {event.name: (event.samples, event.weight, event.unit) for event in list_events(profiles[name])}
    unit = {"cpu-clock": "ns"}
    assert listed == {event: (counts[event], weights[event], unit.get(event, "count")) for event in counts}
    for event in counts:
        result = folded(profiles[name], binary, event=event)
        assert (result.totals.samples, result.totals.weight) == (counts[event], weights[event])
        assert int(result.stacks.weight.sum()) == weights[event]
        assert folded(profiles[name], binary, event=event, weight="samples").totals.weight == counts[event]


def test_the_default_is_the_first_event(profiles, binary):
    assert folded(profiles["events"], binary).event == "cpu-clock"
    assert folded(profiles["sched-switch"], binary).event == "sched:sched_switch"
    assert folded(profiles["events"], binary, event="#3").event == "page-faults"
    with pytest.raises(
        QueryError, match=r"no event '#4', recorded are: cpu-clock, context-switches, page-faults"
    ):
        folded(profiles["events"], binary, event="#4")


# --- time ---


def test_percent_of_the_time(profiles, binary):
    expected = [row for row in samples("events") if row[3] == "cpu-clock"]
    all_times = [row[0] for row in samples("events")]
    first, last = min(all_times), max(all_times)
    parts = []
    for begin, end in ((0, 10), (10, 20), (20, 100)):
        low = first + (last - first) * begin // 100
        high = last + 1 if end == 100 else first + (last - first) * end // 100
        result = folded(profiles["events"], binary,
                        time=(TimeBound(begin * 10**9, "span"), TimeBound(end * 10**9, "span")))  # fmt: skip
        assert result.totals.samples == sum(low <= row[0] < high for row in expected)
        parts.append(result.totals.samples)
    assert sum(parts) == len(expected)
    assert min(parts) > 0


def test_the_clock_of_the_recording(profiles, binary):
    times = sorted(row[0] for row in samples("events") if row[3] == "cpu-clock")
    low, high = times[10], times[20]
    result = folded(profiles["events"], binary, time=(TimeBound(low, "clock"), TimeBound(high, "clock")))
    assert result.totals.samples == sum(low <= time < high for time in times) >= 10


# --- off-CPU ---


def waits_of(moves):
    """(tid, begin, end) of each wait, from (time, tid, way)."""
    gone, found = {}, []
    for time, tid, way in moves:
        if way == "OUT":
            gone[tid] = time
        elif tid in gone:
            found.append((tid, gone.pop(tid), time))
    return found


def test_off_cpu_by_switch_records(profiles):
    profile = profiles["switches"]
    moves = [(int(time), int(tid), way) for time, tid, way in oracle_rows("recordings/switches", "switches")]
    expected = waits_of(moves)
    assert len(expected) > 100
    waits, told = off_cpu(profile, TimeRange(None, None))
    rows = zip(waits.tid.tolist(), waits.time.tolist(), waits.weight.tolist(), strict=True)
    assert sorted(rows) == sorted((tid, begin, end - begin) for tid, begin, end in expected if end > begin)
    # Each has the stack of the thread's last sample before it.
    of_thread = defaultdict(list)
    for row, (time, tid) in enumerate(zip(profile.time.tolist(), profile.tid.tolist(), strict=True)):
        of_thread[tid].append((time, row))
    stackless = 0
    for i, (tid, time) in enumerate(zip(waits.tid.tolist(), waits.time.tolist(), strict=True)):
        place = bisect_right(of_thread[tid], (time, len(profile)))
        stack = waits.frames[waits.stack_start[i] : waits.stack_start[i + 1]].tolist()
        if not place:
            stackless += 1
            assert stack == []
            continue
        row = of_thread[tid][place - 1][1]
        assert stack == profile.frames[profile.stack_start[row] : profile.stack_start[row + 1]].tolist()
    assert told.stackless == stackless
    assert told.switches == len(expected) + told.open
    # sched_switch was recorded, too: a wait begins where a sample was taken.
    assert told.stale + told.stackless < len(expected) // 20


def test_off_cpu_by_the_tracepoint(profiles):
    """A switch from one of the threads to another is told; those from elsewhere are not, and their waits left out."""
    profile = profiles["sched-switch"]
    outs = defaultdict(list)
    for time, _, tid, event, _ in samples("sched-switch"):
        if event == "sched:sched_switch":
            outs[tid].append(time)
    waits, told = off_cpu(profile, TimeRange(None, None))
    assert told.stackless == told.stale == 0
    assert len(waits) > 50
    assert len(waits) + told.open == sum(map(len, outs.values()))
    everything = {time for times in outs.values() for time in times}
    for tid, begin, weight in zip(
        waits.tid.tolist(), waits.time.tolist(), waits.weight.tolist(), strict=True
    ):
        assert begin in outs[tid]
        assert begin + weight in everything - set(outs[tid])
        assert not any(begin < time < begin + weight for time in outs[tid])


def test_off_cpu_as_a_flame_graph(profiles, binary):
    whole = folded(profiles["switches"], binary, off_cpu=True)
    assert (whole.event, whole.unit) == ("off-CPU", "ns")
    moves = [(int(time), int(tid), way) for time, tid, way in oracle_rows("recordings/switches", "switches")]
    expected = waits_of(moves)
    assert whole.totals.weight == sum(end - begin for _, begin, end in expected)
    middle = (min(m[0] for m in moves) + max(m[0] for m in moves)) // 2
    for bounds in ((None, middle), (middle, None)):
        time = tuple(bound and TimeBound(bound, "clock") for bound in bounds)
        low, high = bounds[0] or 0, bounds[1] or 1 << 63
        half = folded(profiles["switches"], binary, off_cpu=True, time=time)
        assert half.totals.weight == sum(
            max(0, min(end, high) - max(begin, low)) for _, begin, end in expected
        )
    tid = expected[0][0]
    one = folded(profiles["switches"], binary, off_cpu=True, tids=[tid])
    assert one.totals.weight == sum(end - begin for owner, begin, end in expected if owner == tid)
    with pytest.raises(QueryError, match="no context switches were recorded"):
        folded(profiles["events"], binary, off_cpu=True)
    with pytest.raises(QueryError, match="--off-cpu and --event"):
        folded(profiles["switches"], binary, off_cpu=True, event="cpu-clock")


# --- containers ---


def roots(result):
    weights = Counter()
    label = result.stacks.labels[result.stacks.root]
    for row, count in zip(label.row.tolist(), result.stacks.samples.tolist(), strict=True):
        weights[label.values[row]] += count
    return weights


def test_cgroups(profiles, binary):
    found = roots(folded(profiles["cgroups"], binary, by="cgroup"))
    box = f"/box-{7:064d}.scope"
    assert sum(found.values()) == len(samples("cgroups"))
    assert set(found) >= {"/other", box}
    containers = roots(folded(profiles["cgroups"], binary, by="container"))
    assert containers["0" * 12] == found[box]
    spaces = [root for root in containers if root != "0" * 12]
    assert all(re.fullmatch(r"mnt:\[\d{10}\]", root) for root in spaces)
    assert sum(containers[root] for root in spaces) == len(samples("cgroups")) - found[box]
    assert len(set(profiles["cgroups"].namespace.tolist())) == 2


def test_root_frames_that_were_not_recorded(profiles, binary):
    for by in ("cgroup", "container"):
        with pytest.raises(
            QueryError, match=f"--by {by}: the recording tells n.*: record with --all-cgroups"
        ):
            folded(profiles["events"], binary, by=by)


def test_by_comm(profiles, binary):
    comm = (np.arange(len(profiles["cgroups"])) % 3).astype(np.int32) - 1  # -1: not known
    profile = replace(profiles["cgroups"], comm=comm, comms=("sh", "workload"))
    expected = Counter(["?", "sh", "workload"][i + 1] for i in comm.tolist())
    assert roots(folded(profile, binary, by="comm")) == expected


# --- losses ---


def test_what_was_lost_is_counted_once(profiles):
    text = (RECORDINGS / "lost" / "stats.txt").read_text("utf-8")
    lost = int(re.search(r"lost samples: (\d+)", text)[1])
    assert lost > 100
    assert profiles["lost"].totals.lost == lost
    assert profiles["events"].totals.lost == 0


def test_columns_that_are_not_recorded_are_not_made_up(profiles):
    assert profiles["events"].switches is None
    assert profiles["events"].cgroup is None
    assert profiles["events"].namespace is None
    assert profiles["switches"].switches is not None
    assert bool((np.diff(profiles["switches"].switches.time.astype(np.int64)) >= 0).all())
