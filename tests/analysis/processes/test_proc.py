"""What /proc says of processes that a test cannot start: threads of the kernel, containers, other systems, hidepid."""

from __future__ import annotations

import pytest

import goinspect
from goinspect.analysis.processes import listing
from goinspect.analysis.recordings.machine import Machine
from goinspect.errors import FileError, UnsupportedError

ID = "4f1c0d9e" * 8


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """One whose /proc is below tmp_path."""
    for module in ("report", "listing"):
        monkeypatch.setattr(f"goinspect.analysis.processes.{module}.this_machine", lambda: Machine(tmp_path))
    (tmp_path / "proc/self").mkdir(parents=True)
    return tmp_path


def process(machine, pid: int, **files: str):
    directory = machine / "proc" / str(pid)
    (directory / "task" / str(pid)).mkdir(parents=True)
    fields = ["S", "1", *["0"] * 9, "250", "50", *["0"] * 23, "3"]
    (directory / "task" / str(pid) / "stat").write_text(f"{pid} (a) name) {' '.join(fields)}\n")
    for name, text in {"cmdline": "", "maps": "", "smaps": "", **files}.items():
        (directory / name).write_text(text)


def test_a_thread_of_the_kernel(machine):
    process(
        machine,
        7,
        status="Name:\tkworker/0:1\nState:\tI (idle)\nTgid:\t7\nPid:\t7\nPPid:\t2\nKthread:\t1\nNSpid:\t7\n",
    )
    report = goinspect.memory_map(7)
    assert (report.process.kernel_thread, report.process.name, report.process.state) == (
        True,
        "kworker/0:1",
        "I",
    )
    assert (report.mappings, report.denied) == ((), False)


def test_a_container(machine):
    status = (
        "Name:\tserver\nState:\tS (sleeping)\nTgid:\t8\nPid:\t8\nPPid:\t1\nVmSize:\t 10 kB\nNSpid:\t8\t1\n"
    )
    cgroup = f"12:cpu:/\n0::/system.slice/docker-{ID}.scope\n"
    process(machine, 8, status=status, cgroup=cgroup, cmdline="/srv/server\0-x\0")
    found = goinspect.memory_map(8).process
    assert (found.container, found.namespace_pid, found.kernel_thread) == (ID[:12], 1, False)
    assert (found.cgroup, found.command) == (f"/system.slice/docker-{ID}.scope", ("/srv/server", "-x"))
    (thread,) = found.threads
    assert (thread.name, thread.cpu, thread.state) == ("a) name", 3, "S")


def test_one_that_ends_meanwhile(machine):
    process(machine, 9, status="Name:\tx\nState:\tS\nTgid:\t9\nPid:\t9\n")
    (machine / "proc/9/maps").unlink()
    with pytest.raises(FileError, match="no process 9: it has ended meanwhile"):
        goinspect.memory_map(9)


def test_systems_without_proc(tmp_path, monkeypatch):
    for module in ("report", "listing"):
        monkeypatch.setattr(f"goinspect.analysis.processes.{module}.this_machine", lambda: Machine(tmp_path))
    for ask in (lambda: goinspect.memory_map(1), goinspect.processes):
        with pytest.raises(UnsupportedError, match="/proc of Linux"):
            ask()


@pytest.mark.parametrize(
    ("options", "uid", "said"),
    [("rw,hidepid=2", 1000, "hidepid=2"), ("rw,hidepid=invisible", 1000, "hidepid=invisible"), ("rw,hidepid=2", 0, ""), ("rw", 1000, "")],
)  # fmt: skip
def test_hidden_processes(machine, monkeypatch, options, uid, said):
    (machine / "proc/self/mounts").write_text(f"proc /proc proc {options} 0 0\n")
    monkeypatch.setattr("os.geteuid", lambda: uid)
    found = listing._hidden()
    assert [*found] == (
        [f"/proc is mounted with {said}: processes of other users may be missing"] if said else []
    )
