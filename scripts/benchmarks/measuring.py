"""Whole processes, measured: runs taken in turns, medians, and ratios with their range."""

from __future__ import annotations

import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REPOSITORY = Path(__file__).resolve().parents[2]
DEMO_WORKLOAD = REPOSITORY / "tests/fixtures/go1.27-piestripped/workload"


class BenchError(Exception):
    """Nothing can be measured; the message says why."""


class Cost(NamedTuple):
    """What one run took."""

    cpu: float  # seconds, all processes
    wall: float
    megabytes: float  # peak of the largest process


@dataclass(frozen=True)
class Contender:
    """A pipeline of commands that is run and measured as one."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    stdin: bytes = b""
    output: Path | None = None  # written by the last command itself


def run(contender: Contender, stdout: int) -> Cost:
    """Run the pipeline once, the output of its last command going to `stdout`."""
    with tempfile.TemporaryFile() as feed, tempfile.TemporaryFile() as complaints:
        feed.write(contender.stdin)
        feed.seek(0)
        source = os.dup(feed.fileno())
        begin = time.perf_counter()
        pids = []
        for command in contender.commands:
            read_end, write_end = (-1, os.dup(stdout)) if command is contender.commands[-1] else os.pipe()
            connected = [
                (os.POSIX_SPAWN_DUP2, descriptor, number)
                for number, descriptor in enumerate((source, write_end, complaints.fileno()))
            ]
            pids.append(os.posix_spawnp(command[0], command, os.environ, file_actions=connected))
            os.close(source)
            os.close(write_end)
            source = read_end
        ends = [os.wait4(pid, 0) for pid in pids]
        wall = time.perf_counter() - begin
        complaints.seek(0)
        for command, (_, status, _) in zip(contender.commands, ends, strict=True):
            if status:
                said = complaints.read().decode(errors="replace").strip()[-500:]
                raise BenchError(
                    f"{' '.join(command)}: exit code {os.waitstatus_to_exitcode(status)}\n{said}"
                )
    return Cost(
        cpu=sum(usage.ru_utime + usage.ru_stime for _, _, usage in ends),
        wall=wall,
        megabytes=max(usage.ru_maxrss for _, _, usage in ends) / 1024,
    )


def warm_up(contender: Contender) -> int:
    """Run once unmeasured, with what it needs in the page cache afterwards; return the size of its output."""
    if contender.output:
        contender.output.unlink(missing_ok=True)
    with tempfile.TemporaryFile() as answer:
        run(contender, answer.fileno())
        size = contender.output.stat().st_size if contender.output else answer.seek(0, os.SEEK_END)
    if not size:
        raise BenchError(f"{contender.name}: no output")
    return size


def measure(contenders: Sequence[Contender], runs: int) -> dict[str, list[Cost]]:
    """Run all in turns. What is written to standard output goes to /dev/null, where writing costs least."""
    for contender in contenders:
        begin = time.perf_counter()
        size = warm_up(contender)
        took = time.perf_counter() - begin
        print(f"  checked: {contender.name}: {size:,} bytes of output, {took:.1f} s", flush=True)
    costs: dict[str, list[Cost]] = {contender.name: [] for contender in contenders}
    with Path(os.devnull).open("wb") as nowhere:
        for _ in range(runs):
            for contender in contenders:
                costs[contender.name].append(run(contender, nowhere.fileno()))
    return costs


def spread(values: Sequence[float], digits: int) -> str:
    """Median, and least and most."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def print_costs(costs: dict[str, list[Cost]]) -> None:
    width = max(map(len, costs))
    print(f"\n  {'':{width}}  {'CPU s':>22}  {'wall s':>22}  {'peak MB':>8}")
    for name, taken in costs.items():
        cpu = spread([cost.cpu for cost in taken], 3)
        wall = spread([cost.wall for cost in taken], 3)
        print(f"  {name:{width}}  {cpu:>22}  {wall:>22}  {max(cost.megabytes for cost in taken):>8.0f}")
    print()


def compare(
    costs: dict[str, list[Cost]], ours: str, peer: str, figure: Callable[[Cost], float], limit: float | None
) -> bool:
    """Print the ratio of paired runs; true when its median keeps to the limit."""
    if peer not in costs:
        return True
    ratios = [figure(a) / figure(b) for a, b in zip(costs[ours], costs[peer], strict=True)]
    what = "CPU" if figure is cpu_of else "wall"
    kept = limit is None or statistics.median(ratios) <= limit
    verdict = "" if limit is None else f", target {limit:g}: {'pass' if kept else 'FAIL'}"
    print(f"  {ours} / {peer}, {what}: {spread(ratios, 3)}{verdict}")
    return kept


def cpu_of(cost: Cost) -> float:
    return cost.cpu


def megabytes_of(cost: Cost) -> float:
    return cost.megabytes


def wall_of(cost: Cost) -> float:
    return cost.wall


def find(tool: str, directory: Path | None = None) -> str | None:
    """The path of a program, in `directory` when one is given; says so when there is none."""
    found = shutil.which(tool, path=str(directory) if directory else None)
    if not found:
        print(f"  left out: no {tool} {f'in {directory}' if directory else 'on PATH'}")
    return found


def find_goinspect(named: str | None) -> str:
    """The program under test: as named, of this repository's .venv, or on PATH."""
    in_venv = REPOSITORY / ".venv/bin/goinspect"
    found = shutil.which(named or (in_venv if in_venv.exists() else "goinspect"))
    if not found:
        raise BenchError(f"no {named or 'goinspect'} on PATH, and none in .venv")
    return found


def print_machine() -> None:
    cpu = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    name = cpu[1] if cpu else "unknown CPU"
    print(f"{name}, {os.cpu_count()} processors, load {load}, Python {sys.version.split()[0]}")


def stays_below(costs: dict[str, list[Cost]], name: str, seconds: float, megabytes: float) -> bool:
    """Print the medians beside their limits; true when they keep to them."""
    cpu = statistics.median(cost.cpu for cost in costs[name])
    memory = max(cost.megabytes for cost in costs[name])
    kept = cpu <= seconds and memory <= megabytes
    wanted = f"{memory:.0f} MB, at most {megabytes:.0f}"
    if seconds < math.inf:
        wanted = f"{cpu:.2f} s CPU, at most {seconds:g}; {wanted}"
    print(f"  {name}: {wanted}: {'pass' if kept else 'FAIL'}")
    return kept


def output_of(*command: str | Path) -> str:
    """What the command prints; it must succeed."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = done.stderr.strip()[-500:]
        raise BenchError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{said}")
    return done.stdout.strip()
