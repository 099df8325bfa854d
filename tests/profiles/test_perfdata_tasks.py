"""What is mapped when: forks, execs, and what perf tells before or behind the samples."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from goinspect.profiles import open_profile
from tests.builders.perfdata import PerfData, Sample

KSYMBOL = 17
FORK_EXEC = 1 << 13


def places(tmp_path, data):
    """(time, path, file offset) of the leaf of each sample."""
    path = tmp_path / "perf.data"
    path.write_bytes(data.build())
    profile = open_profile(path)
    out = []
    for row in range(len(profile)):
        location = profile.frames[profile.stack_start[row]]
        mapping = profile.locations.mapping[location]
        name = profile.mappings[mapping].path if mapping >= 0 else None
        out.append((int(profile.time[row]), name, int(profile.locations.file_offset[location])))
    return out


def at(time, ip=0x401010, pid=10):
    return Sample(ip=ip, pid=pid, tid=pid, time=time, chain=(ip,))


@pytest.mark.parametrize("behind", [False, True])
def test_told_before_or_behind_the_samples(tmp_path, behind):
    data = PerfData()
    if not behind:
        data.mmap2(10, 0x400000, 0x9000, 0, "/a")
    data.sample(at(100)).sample(at(200))
    if behind:
        data.mmap2(10, 0x400000, 0x9000, 0, "/a")
    assert places(tmp_path, data) == [(100, "/a", 0x1010), (200, "/a", 0x1010)]


def test_told_behind_the_samples_holds_since_the_exec(tmp_path):
    """/proc shows the program of the end; before the exec there was another one at the same addresses."""
    data = PerfData()
    data.mmap2(10, 0x400000, 0x9000, 0, "/first", 50)
    data.sample(at(100))
    data.comm(10, 10, "second", 150, exec=True)
    data.sample(at(200))
    data.mmap2(10, 0x400000, 0x9000, 0x3000, "/second", 0)
    assert places(tmp_path, data) == [(100, "/first", 0x1010), (200, "/second", 0x4010)]


def test_told_behind_the_samples_of_a_child(tmp_path):
    data = PerfData()
    data.mmap2(9, 0x400000, 0x9000, 0, "/shell", 50)
    data.fork(10, 9, 10, 9, 90)
    data.sample(at(100))
    data.comm(10, 10, "program", 150, exec=True)
    data.sample(at(200))
    data.mmap2(10, 0x400000, 0x9000, 0, "/program", 0)
    data.mmap2(9, 0x400000, 0x9000, 0, "/shell", 0)
    data.sample(at(210, pid=9))
    assert places(tmp_path, data) == [
        (100, "/shell", 0x1010), (200, "/program", 0x1010), (210, "/shell", 0x1010),
    ]  # fmt: skip


def test_a_process_that_was_there_inherits_nothing(tmp_path):
    """perf tells of it with a FORK that is none; what it has mapped follows, and is all."""
    data = PerfData()
    data.mmap2(9, 0x400000, 0x9000, 0, "/shell")
    data.trailed(7, FORK_EXEC, struct.pack("<IIIIQ", 10, 9, 10, 9, 0), 0)
    data.mmap2(10, 0x600000, 0x9000, 0, "/program")
    data.sample(at(100)).sample(at(110, 0x601000))
    assert places(tmp_path, data) == [(100, None, 0), (110, "/program", 0x1000)]


def ksymbol(data, start, size, name, time, *, gone=False):
    body = struct.pack("<QIHH", start, size, 1, int(gone)) + name.encode() + b"\0"
    return data.trailed(KSYMBOL, 0, body, time)


def test_bpf_programs(tmp_path):
    base = 0xFFFF_FFFF_C000_0000
    data = PerfData()
    data.mmap(-1, base - 0x10000, 0x8000, base - 0x10000, "[kernel.kallsyms]_text", misc=1)
    ksymbol(data, base, 0x100, "bpf_prog_1", 0)
    kernel = [Sample(ip=base + 8, time=time, chain=(base + 8,), mode=1) for time in (100, 200)]
    data.sample(kernel[0])
    ksymbol(data, base, 0x100, "bpf_prog_1", 150, gone=True)
    ksymbol(data, base, 0x80, "bpf_prog_2", 160)
    data.sample(kernel[1])
    assert [name for _, name, _ in places(tmp_path, data)] == ["[bpf]bpf_prog_1", "[bpf]bpf_prog_2"]


def test_damaged_kernel_symbols(tmp_path):
    data = PerfData()
    data.trailed(KSYMBOL, 0, b"\xff" * 4, 0)
    ksymbol(data, 2**64 - 8, 0xFFFF_FFFF, "x" * 200, 0)
    ksymbol(data, 0, 0, "", 0)
    data.sample(at(100))
    assert places(tmp_path, data) == [(100, None, 0)]


def test_two_files_of_one_path(tmp_path):
    """Rebuilt while it was recorded: the inode tells them apart."""
    data = PerfData()
    for pid, inode in ((10, 4), (11, 5)):
        identity = struct.pack("<IIQQ", 8, 1, inode, 0)
        body = struct.pack("<iIQQQ", pid, pid, 0x400000, 0x9000, 0) + identity + struct.pack("<II", 5, 2)
        data.trailed(10, 2, body + b"/a\0", 0)
    data.sample(at(100)).sample(at(110, pid=11))
    path = tmp_path / "perf.data"
    path.write_bytes(data.build())
    profile = open_profile(path)
    assert len({item.inode for item in profile.mappings}) == 2
    assert np.all(profile.locations.mapping >= 0)
