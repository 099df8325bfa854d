"""Record the workload in every way that perf can write a recording, for tests/fixtures/recordings, and let perf read them.

Pipes, compressed data, directories, unfinished files, fields, clocks. Nothing here uses goinspect. Needs Linux on
x86-64, root and perf 6.1 or later. Files of perf 3.4 and older, which had another header, cannot be made any more.

    sudo python3 scripts/build_recordings.py [--only NAME]
"""

from __future__ import annotations

import argparse
import io
import itertools
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.build_fixtures import (
    CONTEXT_MARKERS,
    FIXTURES,
    NEUTRAL,
    run,
    tool_environment,
    write_table,
    write_xz,
)

OUT = FIXTURES / "recordings"
AT = NEUTRAL / "recordings"
WORKLOAD = "go1.27-piestripped"  # lies in the repository as it is
RECORD = "perf record -q -e cpu-clock -F 299 -g"
RUN = "-- ./workload 150"
HEADER = "time (ns), pid, tid, event, period, comm, addresses as recorded, leaf first, K: kernel, U: user"


class Case(NamedTuple):
    """A way to record: what is special about it, and the commands."""

    name: str
    why: str
    script: str


CASES = (
    Case("pipe", "written to a pipe", f"{RECORD} -o - {RUN} > perf.data"),
    Case("compressed", "records in zstd", f"{RECORD} -z -o perf.data {RUN}"),
    Case("compressed-pipe", "records in zstd, at the highest level, to a pipe", f"{RECORD} -z=22 -o - {RUN} > perf.data"),
    Case("threads", "a directory with a file for each recording thread", f"{RECORD} --threads -o perf.data {RUN}"),
    Case("threads-compressed", "the same in zstd", f"{RECORD} --threads -z -o perf.data {RUN}"),
    Case("build-ids-in-maps", "MMAP2 records hold build IDs", f"{RECORD} --buildid-mmap -o perf.data {RUN}"),
    Case("no-build-ids", "no table of build IDs, nothing in perf's cache", f"{RECORD} -B -N -o perf.data {RUN}"),
    Case("described-last", "what ran before is told behind the samples", f"{RECORD} --tail-synthesize -o perf.data {RUN}"),
    Case("per-thread", "one running thread, in buffers of its own", "./workload 2000 > /dev/null & sleep 0.2; "
         "perf record -q -e cpu-clock -F 499 -g -T --per-thread -t $(ls /proc/$!/task | tail -2 | head -1) -o perf.data -- sleep 0.3; kill $!"),
    Case(  # of a cgroup, in a PID namespace: what else runs on the machine is nobody's business
        "system-wide", "all that runs on each CPU, in a cgroup",
        "root=$(findmnt -n -o TARGET -t cgroup2 | head -1); mkdir -p $root/recorded; "
        "unshare --pid --fork --mount-proc bash -c 'echo $$ > '$root'/recorded/cgroup.procs; "
        "perf record -q -a -e cpu-clock -G recorded -F 299 -g -o perf.data -- ./workload 120'; rmdir $root/recorded",
    ),
    Case("no-chains", "samples of an address, without the callers", f"{RECORD.removesuffix(' -g')} -o perf.data {RUN}"),
    Case("killed", "perf was killed: the header knows no size and no features",
         f"{RECORD} -m 4 -o perf.data -- ./workload 5000 > /dev/null & sleep 0.6; kill -KILL $(pgrep -P $!) $!; wait"),
    Case("cut", "the last third of the file is missing", f"{RECORD} -o perf.data {RUN}"),
    Case("groups", "counters of a group in each sample of its leader",
         "perf record -q -e '{cpu-clock,page-faults,context-switches}:S' -F 999 -g -o perf.data -- ./workload 300"),
    Case("fields", "identifier first, CPU, period, and raw data", f"{RECORD} --sample-identifier -T -P -R -s --sample-cpu -o perf.data {RUN}"),
    Case("addresses", "data addresses, physical ones, page sizes, of every page fault",
         "perf record -q -e page-faults -c 97 -g -d --phys-data --data-page-size --code-page-size -o perf.data -- ./workload 150"),
    Case("namespaces", "namespaces and cgroups of every process", f"{RECORD} --namespaces --all-cgroups -o perf.data {RUN}"),
    Case("clock", "times of another clock", f"{RECORD} -k CLOCK_MONOTONIC -o perf.data {RUN}"),
    Case("registers", "registers of the user and of the interrupted code", f"{RECORD} --user-regs=ip,sp,bp --intr-regs=ip,sp,bp,flags -o perf.data {RUN}"),
    Case("shallow", "at most 16 addresses of each stack", "perf record -q -e cpu-clock/max-stack=16/ -F 299 -g -o perf.data -- ./workload 150"),
    Case("overwritten", "buffers that are written backwards", f"{RECORD} --overwrite -o perf.data {RUN}"),
    Case("dwarf", "registers and 1,024 bytes of each stack instead of callers", f"{RECORD[:-3]} --call-graph dwarf,1024 -o perf.data -- ./workload 60"),
    Case("printed", "for perf script: two events, CPUs and data addresses",
         "perf record -q -e cpu-clock,page-faults -F 199 -g --sample-cpu -d -o perf.data -- ./workload 150"),
    Case("injected", "rewritten by perf inject, with build IDs", f"{RECORD} -B -N -o first.data {RUN}; perf inject -b -i first.data -o perf.data"),
)  # fmt: skip
# Of the recording `printed` also what perf script makes of it, by its options.
PRINTED = {
    "default": "",
    "nanoseconds": "--ns",
    "header": "--header --show-mmap-events --show-task-events --show-lost-events",
    "all-fields": "-F comm,pid,tid,cpu,time,event,period,ip,sym,symoff,dso --ns",
    "no-times": "-F comm,tid,ip,sym,dso",
    "no-comms": "-F tid,time,event,ip,sym,dso",
    "no-threads": "-F event,ip,sym,dso",
    "no-fields": "-F ip,sym,dso",
    "lines": "-F +srcline",
    "modes": "-F +misc,+addr",
    "no-inline": "--no-inline",
    "no-chains": "-G",
    "no-chains-mapped": "-G --show-mmap-events",
    "no-files": "-F comm,pid,tid,time,event,period,ip,sym",
}

_SAMPLE = re.compile(
    r"(?:-?\d+ )?(\d+) (0x[0-9a-f]+|0)(?:@\S+)? \[(0x[0-9a-f]+)\]: PERF_RECORD_SAMPLE\(IP, (0x[0-9a-f]+)\): "
    r"(\d+)/(\d+): (0x[0-9a-f]+|0) period: (\d+) "
)
_ENTRY = re.compile(r"\.{5} *\d+: ([0-9a-f]{16})")
_FIELDS = re.compile(r"(.*?) +(\d+)/(\d+) +(\d+)\.(\d{9}): +(\d+) +(\S+): *")
_FOREIGN = re.compile(rb"/(?:root|home|opt|srv|mnt|var|work)/")
_KERNEL_MODE = 1  # of PERF_RECORD_MISC_CPUMODE_MASK
_MODES = 7


class Sample(NamedTuple):
    """A sample, and where perf says that it lies in the file."""

    time: int
    pid: int
    tid: int
    period: int
    chain: tuple[str, ...]
    offset: int
    size: int


def perf(*arguments: str) -> str:
    return run(["perf", *arguments, "-i", "perf.data"], cwd=AT)


def dumped() -> list[Sample]:
    """The samples of `perf script -D`, the only output that shows addresses as they were recorded."""
    samples: list[Sample] = []
    context, chained = "?", False
    for line in perf("script", "-D").splitlines():
        if match := _SAMPLE.match(line):
            time, offset, size, misc, pid, tid, ip, period = (int(part, 0) for part in match.groups())
            context, chained = "K" if misc & _MODES == _KERNEL_MODE else "U", False
            samples.append(Sample(time, pid, tid, period, (f"{context}:{ip:x}",), offset, size))
        elif match := _ENTRY.match(line):
            if not chained:
                samples[-1], chained = samples[-1]._replace(chain=()), True
            address = int(match[1], 16)
            if address in CONTEXT_MARKERS:
                context = CONTEXT_MARKERS[address]
            else:
                samples[-1] = samples[-1]._replace(chain=(*samples[-1].chain, f"{context}:{address:x}"))
    return samples


def told() -> list[tuple[str, ...]]:
    """Comm, pid, tid, time, period and event of each sample, as perf prints them."""
    rows = []
    for line in perf("script", "--ns", "-F", "comm,pid,tid,time,period,event").splitlines():
        if not line or line.startswith("\t"):  # of recordings from pipes perf prints the chains all the same
            continue
        match = _FIELDS.fullmatch(line.lstrip())
        if match is None:
            sys.exit(f"perf script: {line!r}")
        comm, pid, tid, seconds, fraction, period, event = match.groups()
        rows.append((comm, pid, tid, str(int(seconds) * 10**9 + int(fraction)), period, event))
    return rows


def table(case: Case) -> list[tuple[str, ...]]:
    """The rows of stacks.txt: both outputs of perf, which must agree."""
    samples = sorted(dumped(), key=lambda s: (s.time, s.tid))
    fields = sorted(told(), key=lambda row: (int(row[3]), int(row[2])))
    if case.name == "groups":  # perf makes a sample of each counter; the first is the leader
        fields = [rows[0] for rows in (list(g) for _, g in itertools.groupby(fields, lambda row: row[2:4]))]
    plain = [(row[1], row[2], row[3]) for row in fields]
    if plain != [(str(s.pid), str(s.tid), str(s.time)) for s in samples]:
        sys.exit(f"{case.name}: perf script -D and perf script -F disagree")
    return [
        (str(s.time), str(s.pid), str(s.tid), row[5], str(s.period), row[0], " ".join(s.chain))
        for s, row in zip(samples, fields, strict=True)
    ]


def packed(recording: Path) -> tuple[str, bytes]:
    """Name and contents of what is kept: the file, or the directory as a tar archive."""
    if recording.is_file():
        return "perf.data.xz", recording.read_bytes()
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(recording.iterdir()):
            info = tar.gettarinfo(path, path.name)
            info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
            with path.open("rb") as file:
                tar.addfile(info, file)
    return "perf.data.tar.xz", raw.getvalue()


def cut(rows: list[tuple[str, ...]]) -> tuple[list[tuple[str, ...]], str]:
    """Take the last third of the file away; the samples that are left, and what was done."""
    length = (AT / "perf.data").stat().st_size * 2 // 3
    left = [row for row, sample in zip(rows, dumped(), strict=True) if sample.offset + sample.size <= length]
    with (AT / "perf.data").open("r+b") as file:
        file.truncate(length)
    return left, f"truncate -s {length} perf.data  # after perf was asked"


def finish() -> None:
    """Do what perf was killed before: cut the last record, of which only a part was written, and fill in the header.

    Source: struct perf_file_header of Linux; perf refuses the file as it is.
    """
    data = bytearray((AT / "perf.data").read_bytes())
    offset = at = int.from_bytes(data[40:48], "little")
    while (
        at + 8 <= len(data)
        and 0 < (size := int.from_bytes(data[at + 6 : at + 8], "little")) <= len(data) - at
    ):
        at += size
    data[48:56] = (at - offset).to_bytes(8, "little")
    (AT / "perf.data").write_bytes(data[:at])


def record(case: Case) -> None:
    shutil.rmtree(AT, ignore_errors=True)
    AT.mkdir(parents=True)
    shutil.copy(FIXTURES / WORKLOAD / "workload", AT / "workload")
    script = f"hostname fixture; {case.script}"
    # A UTS namespace of its own: the header of a recording holds the host name.
    subprocess.run(["unshare", "--uts", "bash", "-c", script], cwd=AT, env=tool_environment(), check=False)


def write_case(case: Case) -> None:
    out = OUT / case.name
    for _ in range(60):
        record(case)
        recording = AT / "perf.data"
        if recording.is_dir() or not _FOREIGN.search(recording.read_bytes()):
            break
    else:
        sys.exit(f"{case.name}: other programs of this machine are in the recording")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    done, name, contents = [case.script], *packed(AT / "perf.data")
    if case.name == "killed":
        finish()
        done.append("# perf was asked about a copy with a finished header and whole records")
    rows = table(case)
    stats = perf("report", "--stats")
    if case.name == "cut":
        rows, further = cut(rows)
        done.append(further)
        name, contents = packed(AT / "perf.data")
    write_xz(out / name, contents)
    if case.name == "printed":
        for variant, options in PRINTED.items():
            command = ["perf", "script", "-i", "perf.data", *options.split()]
            text = f"# {shlex.join(command)}\n{run(command, cwd=AT)}"
            write_xz(out / f"{variant}.txt.xz", text.encode("utf-8", "surrogateescape"))
    write_table(out / "stacks.txt.xz", f"perf script -D, perf script -F: {HEADER}", rows)
    # perf 6.1 cannot decompress zstd of the highest level in a pipe for its report, though its script can.
    (out / "stats.txt").write_text((stats.strip() or "perf failed") + "\n", encoding="utf-8")
    lines = [
        case.why, "", f"Made by scripts/build_recordings.py --only {case.name}", run(["perf", "--version"]).strip(), "",
        f"cd {AT}", f"# workload is {WORKLOAD}", *done, "", f"{len(rows)} samples",
    ]  # fmt: skip
    (out / "recipe.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(case.name, len(rows), "samples", sum(file.stat().st_size for file in out.iterdir()), "bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="NAME")
    only = parser.parse_args().only
    for case in CASES:
        if only in (None, case.name):
            write_case(case)


if __name__ == "__main__":
    main()
