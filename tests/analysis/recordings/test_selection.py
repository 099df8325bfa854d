"""Which samples are wanted, and what their roots are called."""

from __future__ import annotations

import re

import numpy as np
import pytest

from goinspect.analysis.options import TimeBound
from goinspect.analysis.recordings.roots import group_by
from goinspect.analysis.recordings.selection import choose_event
from goinspect.cli.profileoptions import moments
from goinspect.errors import QueryError
from goinspect.results.flame import EventSummary

SECOND = 10**9


def events(*named):
    return tuple(EventSummary(name, samples, samples, "count") for name, samples in named)


def test_the_default_event():
    assert choose_event(events(("dummy:HG", 5), ("a", 0), ("b", 1), ("c", 9)), None) == 2
    assert choose_event(events(("dummy", 5), ("a", 0)), None) == 0
    assert choose_event((), None) == 0


def test_events_by_name_and_number():
    some = events(("cycles:u", 1), ("cycles:k", 1), ("page-faults:u", 1), ("sched:sched_switch", 1))
    assert choose_event(some, "cycles:k") == 1
    assert choose_event(some, "page-faults") == 2
    assert choose_event(some, "sched:sched_switch") == 3
    assert choose_event(some, "#4") == 3
    with pytest.raises(
        QueryError, match=r"several events are called 'cycles': say #1 \(cycles:u\) or #2 \(cycles:k\)"
    ):
        choose_event(some, "cycles")
    for name in ("#0", "#5", "cycle", ""):
        with pytest.raises(QueryError, match="no event"):
            choose_event(some, name)


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("1.5,3", TimeBound(3 * SECOND // 2, "start"), TimeBound(3 * SECOND, "start")),
        (",3", None, TimeBound(3 * SECOND, "start")),
        (".25,", TimeBound(SECOND // 4, "start"), None),
        ("10%-20%", TimeBound(10 * SECOND, "span"), TimeBound(20 * SECOND, "span")),
        ("0-12.5%", TimeBound(0, "span"), TimeBound(25 * SECOND // 2, "span")),
        ("10%,20%", TimeBound(10 * SECOND, "span"), TimeBound(20 * SECOND, "span")),
        ("@1700000000.123456789,", TimeBound(1700000000123456789, "clock"), None),
        ("@5534.817502,@5534.9", TimeBound(5534817502000, "clock"), TimeBound(5534900000000, "clock")),
        ("@1,2", TimeBound(SECOND, "clock"), TimeBound(2 * SECOND, "start")),
        (",", None, None),
    ],
)  # fmt: skip
def test_time(text, begin, end):
    assert moments(text) == (begin, end)


@pytest.mark.parametrize("text", ["", "1", "1-2", "a,b", "10%", "10%-", "1,2,3", "-1,2", "@,@", "@,", "1e3,"])
def test_no_time(text):
    with pytest.raises(Exception, match=re.escape(f"--time {text!r}: expected FROM,TO")):
        moments(text)


class Told:
    """A recording that tells cgroups and namespaces."""

    values = None

    def __init__(self, cgroups, namespaces=()):
        count = max(len(cgroups), len(namespaces)) + 1
        self.cgroups, self.namespaces = tuple(cgroups), tuple(namespaces)
        self.cgroup = np.array([*range(len(cgroups)), -1] if cgroups else [-1] * count, dtype=np.int32)
        self.namespace = np.array([*range(len(namespaces)), -1], dtype=np.int32) if namespaces else None

    def labels(self, by):
        rows = np.arange(len(self.cgroup))
        number, names = group_by(self, rows, by)
        assert names == sorted(names)
        return [names[i] for i in number.tolist()]


ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"/system.slice/docker-{ID}.scope", ID[:12]),
        (f"/docker/{ID}", ID[:12]),
        (f"/docker/{ID}/init", ID[:12]),
        (f"/machine.slice/libpod-{ID}.scope/container", ID[:12]),
        (
            f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-{ID}.scope",
            ID[:12],
        ),
        (f"/kubepods/besteffort/pod0a1b/{ID}", ID[:12]),
        (f"/kubepods.slice/pod1/crio-{ID}.scope", ID[:12]),
        (f"/docker/{'f' * 64}/docker/{ID}", ID[:12]),
        (f"/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:{ID}", ID[:12]),
        ("/lxc.payload.web/init.scope", "web"),
        ("/lxc/web/system.slice", "web"),
        ("/machine.slice/systemd-nspawn@deb.service/payload", "deb"),
        ("/user.slice/user-1000.slice", "no container"),
        (f"/x/{ID}0", "no container"),
        ("/", "no container"),
        ("", "no container"),
    ],
)
def test_containers_by_cgroup(path, name):
    assert Told([path]).labels("container") == [name, "no container"]


def test_containers_by_namespace():
    told = Told(["/a", f"/docker/{ID}"], ["mnt:[1]", "mnt:[2]"])
    assert told.labels("container") == ["mnt:[1]", ID[:12], "no container"]
    assert told.labels("cgroup") == ["/a", f"/docker/{ID}", "?"]
