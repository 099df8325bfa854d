"""Record several events, context switches, cgroups and losses, for tests/fixtures/recordings, and what perf says of them.

Nothing here uses goinspect. Needs Linux on x86-64, root, perf 6.1 or later, and a cgroup2 file system.

    sudo python3 scripts/build_event_recordings.py [--only NAME]
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
import sys
from bisect import bisect_right
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.build_address_recordings import OUT, binary
from scripts.build_fixtures import NEUTRAL, run, tool_environment, write_table, write_xz

AT = NEUTRAL / "events"
WORKLOAD = "go1.27-exe"


class Case(NamedTuple):
    """A recording of the workload."""

    name: str
    why: str
    script: str


CASES = (
    Case("events", "three events of different units",
         "perf record -q -e cpu-clock,context-switches,page-faults -F 499 -g -o perf.data -- ./workload 200"),
    Case("fixed-period", "samples do not carry their period: it is the event's",
         "perf record -q -e cpu-clock -c 2000000 -g -o perf.data -- ./workload 250"),
    Case("switches", "context switches as records, and as samples of a tracepoint that tell where",
         "perf record -q -e cpu-clock,sched:sched_switch --switch-events -g -o perf.data -- ./workload 60"),
    Case("sched-switch", "context switches as samples of a tracepoint only",
         "perf record -q -e sched:sched_switch,cpu-clock -g -o perf.data -- ./workload 60"),
    Case("cgroups", "two cgroups, two mount namespaces",
         "root=$(findmnt -n -o TARGET -t cgroup2); mkdir -p $root/box-$(printf %064d 7).scope $root/other; "
         "perf record -q -e cpu-clock -F 299 -g --all-cgroups --namespaces -o perf.data -- sh -c '"
         "echo $$ > '$root'/other/cgroup.procs; ./workload 120; "
         "echo $$ > '$root'/box-$(printf %064d 7).scope/cgroup.procs; exec unshare --mount ./workload 120'; "
         "rmdir $root/box-$(printf %064d 7).scope $root/other"),
    Case("lost", "the buffer was too small: losses are told twice, as they come and at the end",
         "perf record -q -m 1 -e cpu-clock,page-faults -F 20000 -g -o perf.data -- ./workload 60"),
)  # fmt: skip

_SAMPLE = re.compile(r" *(\d+)/(\d+) +(\d+)\.(\d{9}): +(?:(\d+) +)?(\S+?): *")
_SWITCH = re.compile(r".*? +(?:-1|\d+)/(\d+) +(\d+)\.(\d{9}): PERF_RECORD_SWITCH(?:_CPU_WIDE)? (OUT|IN)\b.*")


def script(*options: str) -> list[str]:
    return run(["perf", "script", "-i", "perf.data", "--ns", *options], cwd=AT).splitlines()


def samples() -> list[tuple[str, ...]]:
    """(time in ns, pid, tid, event, period; "" where samples carry none), as perf prints them."""
    rows = []
    for line in script("-F", "pid,tid,time,event,period"):
        match = _SAMPLE.fullmatch(line)
        if match is None:
            sys.exit(f"perf script: {line!r}")
        pid, tid, seconds, ns, period, event = match.groups()
        rows.append((f"{int(seconds)}{ns}", pid, tid, event, period or ""))
    return rows


def switches() -> list[tuple[str, ...]]:
    """(time in ns, tid, IN or OUT) of each switch."""
    lines = script("--show-switch-events", "-F", "comm,pid,tid,time,event")
    return [(f"{int(m[2])}{m[3]}", m[1], m[4]) for m in map(_SWITCH.fullmatch, lines) if m]


def write_case(case: Case) -> None:
    out = OUT / case.name
    shutil.rmtree(AT, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    AT.mkdir(parents=True)
    out.mkdir(parents=True)
    shutil.copy(binary(WORKLOAD, NEUTRAL / "programs"), AT / "workload")
    command = f"exec unshare --uts bash -c {shlex.quote(f'hostname fixture; {case.script}')}"
    subprocess.run(["bash", "-c", command], cwd=AT, env=tool_environment(), check=True)
    write_xz(out / "perf.data.xz", (AT / "perf.data").read_bytes())
    rows, moves = samples(), switches()
    write_table(out / "samples.txt.xz", "perf script --ns (time, pid, tid, event, period)", rows)
    if moves:
        write_table(out / "switches.txt.xz", "perf script --ns --show-switch-events (time, tid, way)", moves)
    stats = run(["perf", "report", "--stats", "-i", "perf.data"], cwd=AT)
    losses = re.findall(r"lost samples : *(\d+)", run(["perf", "script", "-D", "-i", "perf.data"], cwd=AT))
    (out / "stats.txt").write_text(
        stats.strip() + f"\n\nlost samples: {sum(map(int, losses))}\n", encoding="utf-8"
    )
    lines = [
        case.why, "", f"Made by scripts/build_event_recordings.py --only {case.name}", run(["perf", "--version"]).strip(),
        "", f"cd {AT}", f"# workload is {WORKLOAD}", case.script, "", f"{len(rows)} samples, {len(moves)} switches",
    ]  # fmt: skip
    (out / "recipe.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(case.name, len(rows), "samples", sum(file.stat().st_size for file in out.iterdir()), "bytes")


def frame_rows(program: Path) -> list[tuple[int, int, int]]:
    """(first PC, end of the function, CFA - SP) of every row of .debug_frame, in order, as readelf prints them."""
    rows, end = [], 0
    for line in run(["readelf", "-wF", program]).splitlines():
        if match := re.search(r" FDE .* pc=[0-9a-f]+\.\.([0-9a-f]+)", line):
            end = int(match[1], 16)
        elif (match := re.match(r"([0-9a-f]{16}) rsp\+(\d+)", line)) and end:
            rows.append((int(match[1], 16), end, int(match[2])))
    return sorted(rows)


def write_leaves(release: str) -> None:
    """A recording with registers and the ends of stacks, and where the return address is at every PC of a leaf."""
    out = OUT / f"leaves-{release}"
    shutil.rmtree(AT, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    AT.mkdir(parents=True)
    out.mkdir(parents=True)
    shutil.copy(binary(f"{release}-exe", NEUTRAL / "programs"), AT / "workload")
    command = "perf record -q -e cpu-clock:u -F 999 --call-graph dwarf,256 -o perf.data -- ./workload 1500"
    subprocess.run(
        ["unshare", "--uts", "bash", "-c", f"hostname fixture; {command}"],
        cwd=AT,
        env=tool_environment(),
        check=True,
    )
    write_xz(out / "perf.data.xz", (AT / "perf.data").read_bytes())
    leaves = {int(pc, 16) for pc in re.findall(r"\bIP:0x([0-9a-f]+)", "\n".join(script("-F", "uregs")))}
    rows = frame_rows(AT / "workload")
    starts = [row[0] for row in rows]
    known = []
    for pc in sorted(leaves):
        _, end, offset = rows[max(bisect_right(starts, pc) - 1, 0)]
        if starts[0] <= pc < end:
            known.append((f"{pc:x}", offset))
    write_table(out / "cfa.txt.xz", "readelf -wF (PC, canonical frame address - SP)", known)
    lines = ["Registers and the end of the stack, to see whether [BP + 8] is the return address", "",
             f"Made by scripts/build_event_recordings.py --only {out.name}", run(["perf", "--version"]).strip(), "",
             f"cd {AT}", f"# workload is {release}-exe", command, "", f"{len(known)} addresses"]  # fmt: skip
    (out / "recipe.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(out.name, len(known), "addresses", sum(file.stat().st_size for file in out.iterdir()), "bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="NAME")
    only = parser.parse_args().only
    (NEUTRAL / "programs").mkdir(parents=True, exist_ok=True)
    for case in CASES:
        if only in (None, case.name):
            write_case(case)
    for release in ("go1.24", "go1.27"):
        if only in (None, f"leaves-{release}"):
            write_leaves(release)


if __name__ == "__main__":
    main()
