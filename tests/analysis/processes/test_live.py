"""Processes that run: their memory as /proc has it, and names as other tools gave them to the unstripped program."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
from pathlib import Path

import pytest

import goinspect
from goinspect.errors import FileError, QueryError
from tests.conftest import oracle_rows
from tests.running import load_bias, needs_linux, state_of, stopped, wait_for

pytestmark = needs_linux
BUILDS = ("go1.24-exe", "go1.27-pie", "go1.27-piestripped")


@pytest.fixture(scope="module", params=BUILDS)
def running(request, fixture_file, tmp_path_factory):
    """(build, path, pid) of a program that is stopped."""
    path = tmp_path_factory.mktemp("run") / "workload"
    shutil.copy(fixture_file(request.param, "workload"), path)
    path.chmod(0o755)
    with stopped(path) as pid:
        yield request.param, path, pid


def frames_of(build: str, most: int) -> dict[int, list[tuple[str, str]]]:
    """What llvm-symbolizer said: function and file:line, innermost first."""
    rows = oracle_rows(build, "frames")
    return {
        int(row[0], 16): [tuple(cell.replace(".abi0|", "|").rsplit("|", 1)) for cell in row[1:]]
        for row in rows[:: max(1, len(rows) // most)]
    }


def test_mappings_are_those_of_proc(running):
    _, path, pid = running
    report = goinspect.memory_map(pid)
    lines = [line.split(None, 5) for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    assert [(f"{row.start:x}-{row.end:x}", row.permissions, row.offset, row.device, row.inode, row.path) for row in report.mappings] == [
        (f"{int(start, 16):x}-{int(end, 16):x}", permissions, int(offset, 16), device, int(inode), (path or [""])[0].strip())
        for where, permissions, offset, device, inode, *path in lines
        for start, end in [where.split("-")]
    ]  # fmt: skip
    told = [int(line.split()[1]) for line in Path(f"/proc/{pid}/smaps").read_text().splitlines() if line.startswith("Rss:")]  # fmt: skip
    assert [row.resident for row in report.mappings] == [1024 * size for size in told]
    assert sum(total.size for total in report.totals) == sum(row.end - row.start for row in report.mappings)
    assert sum(region.mappings for region in report.regions) == len(lines)
    assert report.warnings == ()
    assert report.images[0].bias == load_bias(pid, path)


def test_the_process(running):
    build, path, pid = running
    report = goinspect.memory_map(pid)
    process, image = report.process, report.images[0]
    tids = sorted(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir())
    assert [thread.tid for thread in process.threads] == tids
    assert {thread.state for thread in process.threads} == {"T"}
    assert (process.pid, process.ppid, process.name) == (pid, os.getpid(), "workload")
    assert process.command == (str(path), "600000")
    assert (process.exe, process.exe_state, process.other_namespace) == (str(path), "same", False)
    assert (image.path, image.facts.go, image.facts.go_version) == (
        str(path),
        True,
        f"{build[:6]}.{image.facts.go_version[7:]}",
    )
    assert image.facts.pie == ("pie" in build)
    assert image.facts.stripped == ("symbol table and DWARF" if "stripped" in build else "no")
    assert image.facts.module == "example.com/workload"
    of_thread = goinspect.memory_map(tids[-1])
    assert of_thread.process.pid == pid
    assert of_thread.warnings == (f"{tids[-1]} is a thread of process {pid}",)


def test_what_mappings_are(running):
    _, path, pid = running
    report = goinspect.memory_map(pid)
    own = [row for row in report.mappings if row.path == str(path)]
    assert {row.kind for row in own} == {"code", "read-only data", "data"}
    file, bias = path.read_bytes(), load_bias(pid, path)
    for row in own:
        assert row.vaddr + bias == row.start
        if row.permissions[1] == "-":
            assert row.image == 0
    with Path(f"/proc/{pid}/mem").open("rb") as memory:
        code = next(row for row in own if row.kind == "code")
        memory.seek(code.start)
        assert memory.read(4096) == file[code.offset : code.offset + 4096]
    (bss,) = (row for row in report.mappings if row.kind == "bss" and row.image == 0)
    assert bss.start == own[-1].end
    heap = [row for row in report.mappings if row.kind == "Go heap"]
    assert heap
    assert all(row.guess or row.path.startswith("[anon: Go: heap") for row in heap)
    assert sum(row.resident for row in heap) > 1 << 16
    if report.images[0].facts.go_version < "go1.25":
        assert heap[0].start == 0xC000000000  # where Go puts it
    kinds = {row.path: row.kind for row in report.mappings}
    assert (kinds["[stack]"], kinds["[vdso]"]) == ("stack", "vdso")


def test_addresses_are_named_as_by_llvm_symbolizer(running):
    build, path, pid = running
    bias, wanted = load_bias(pid, path), frames_of(build, 100)
    report = goinspect.memory_map(pid, *(vaddr + bias for vaddr in wanted))
    for one, (vaddr, frames) in zip(report.addresses, wanted.items(), strict=True):
        assert one.vaddr == vaddr
        row = report.mappings[one.mapping]
        assert one.file_offset == one.address - row.start + row.offset
        assert [(frame.function, f"{frame.file}:{frame.line}") for frame in one.frames] == frames
        assert [frame.inlined for frame in one.frames] == [True] * (len(frames) - 1) + [False]


@pytest.mark.parametrize("how", ["deleted", "replaced", "memfd"])
def test_executables_that_are_gone(how, fixture_file, tmp_path):
    build = "go1.27-piestripped"
    source = fixture_file(build, "workload")
    path = tmp_path / "workload"
    options = {}
    if how == "memfd":
        descriptor = os.memfd_create("workload")
        os.write(descriptor, source.read_bytes())
        path = Path(f"/proc/self/fd/{descriptor}")
        options = {"pass_fds": (descriptor,)}
    else:
        shutil.copy(source, path)
        path.chmod(0o755)
    with stopped(path, **options) as pid:
        if how != "memfd":
            path.unlink()
        if how == "replaced":
            path.write_bytes(b"another one")
        bias, wanted = load_bias(pid, source), frames_of(build, 10)
        report = goinspect.memory_map(pid, *(vaddr + bias for vaddr in wanted))
        (listed,) = (row for row in goinspect.processes().processes if row.pid == pid)
    if how == "memfd":
        os.close(descriptor)
    assert report.process.exe_state == listed.exe_state == how
    assert [[frame.function for frame in one.frames] for one in report.addresses] == [
        [function for function, _ in frames] for frames in wanted.values()
    ]
    assert (listed.go_version, listed.module) == ("go1.27.3", "example.com/workload")


def test_a_saved_map_after_the_end(running, tmp_path):
    """The text, and the file that is still there: the same names, and what may be another file is said."""
    build, path, pid = running
    saved = tmp_path / "maps"
    saved.write_bytes(Path(f"/proc/{pid}/maps").read_bytes())
    bias, wanted = load_bias(pid, path), frames_of(build, 20)
    asked = [vaddr + bias for vaddr in wanted]
    live = goinspect.memory_map(pid, *asked)
    for options in ({}, {"binaries": [path]}):
        report = goinspect.memory_map(saved, *asked, **options)
        assert [one.frames for one in report.addresses] == [one.frames for one in live.addresses]
        assert [(row.kind, row.vaddr) for row in report.mappings if row.image == 0] == [
            (row.kind, row.vaddr) for row in live.mappings if row.image == 0
        ]
        assert report.process is None
    saved.write_text(saved.read_text().replace(f" {path.stat().st_ino} ", " 4711 "))
    assert any("may be another one" in warning for warning in goinspect.memory_map(saved).warnings)
    sized = tmp_path / "smaps"
    sized.write_bytes(Path(f"/proc/{pid}/smaps").read_bytes())
    assert [row.resident for row in goinspect.memory_map(sized).mappings] == [
        row.resident for row in live.mappings
    ]


def test_the_list(running):
    build, path, pid = running
    result = goinspect.processes()
    (row,) = (row for row in result.processes if row.pid == pid)
    status = dict(
        line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
    )
    assert (row.threads, row.ppid) == (int(status["Threads"]), os.getpid())
    assert abs(row.rss - 1024 * int(status["VmRSS"].split()[0])) < 1 << 20
    assert (row.exe, row.exe_state, row.pie) == (str(path), "same", "pie" in build)
    assert row.stripped == ("symbol table and DWARF" if "stripped" in build else "no")
    assert 0 <= row.age < 3600
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    assert row.cpu_seconds * os.sysconf("SC_CLK_TCK") == pytest.approx(int(fields[11]) + int(fields[12]))
    assert os.getpid() not in {one.pid for one in result.processes}
    assert result.others > 0


def test_a_process_that_is_not_go():
    report = goinspect.memory_map(os.getpid())
    assert report.process.pid == os.getpid()
    assert not any(image.facts.go for image in report.images)
    assert not any(row.kind.startswith("Go ") for row in report.mappings)


def test_the_vdso():
    """As the dynamic loader finds it."""
    try:
        function = ctypes.CDLL("linux-vdso.so.1", mode=os.RTLD_NOLOAD).__vdso_getcpu
    except (OSError, AttributeError) as error:
        pytest.skip(f"no vDSO with getcpu in this process: {error}")
    address = ctypes.cast(function, ctypes.c_void_p).value
    one, other = goinspect.memory_map(os.getpid(), address, address + 1).addresses
    assert one.function.removeprefix("__vdso_") == "getcpu"
    assert (one.entry, other.function, other.vaddr - 1) == (one.vaddr, one.function, one.vaddr)


def test_a_zombie_and_one_that_is_gone(fixture_file):
    with stopped(fixture_file("go1.27-piestripped", "workload")) as pid:
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: state_of(pid) == "Z", pid)
        report = goinspect.memory_map(pid)
        assert (report.process.state, report.process.kernel_thread, report.mappings) == ("Z", False, ())
        assert pid not in {row.pid for row in goinspect.processes().processes}
    with pytest.raises(FileError, match=f"no process {pid}"):
        goinspect.memory_map(pid)


def test_addresses_that_are_none(running):
    _, _, pid = running
    (one,) = goinspect.memory_map(pid, "0x1000").addresses
    assert (one.mapping, one.function, one.frames) == (None, None, ())
    for text in ("main.main", "-1", "1" * 17, ""):
        with pytest.raises(QueryError):
            goinspect.memory_map(pid, text)


def test_files_that_are_gone_altogether(running, monkeypatch):
    """The memory of the process has the tables, too."""
    build, path, pid = running
    bias, wanted = load_bias(pid, path), frames_of(build, 10)
    monkeypatch.setattr("goinspect.analysis.processes.images.Files.candidates", lambda *_: iter(()))
    report = goinspect.memory_map(pid, *(vaddr + bias for vaddr in wanted))
    assert [[frame.function for frame in one.frames] for one in report.addresses] == [
        [function for function, _ in frames] for frames in wanted.values()
    ]
    assert any("nothing is known of it" in warning for warning in report.warnings)


def test_what_may_not_be_read(running, monkeypatch):
    """Of a process of another user: what is public, and a line about the rest."""
    _, _, pid = running

    def refuse(*_arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("goinspect.analysis.processes.report._read", refuse)
    monkeypatch.setattr("goinspect.analysis.processes.listing._program", refuse)
    report = goinspect.memory_map(pid)
    assert (report.denied, report.mappings, report.process.name) == (True, (), "workload")
    assert [*report.warnings] == ["its mappings may not be read: Permission denied; that takes root or the right to trace it"]  # fmt: skip
    result = goinspect.processes()
    assert result.processes == ()
    assert result.unreadable > 0
