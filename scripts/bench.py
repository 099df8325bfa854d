#!/usr/bin/env python3
"""Measure goinspect beside its peers: whole processes, runs taken in turns (A B A B), medians, ratios with their range.

CPU is user + system time of every process involved, from wait4; memory is the peak of one process. A peer that is
not installed is named and left out. Linux only. Exit code 1 when a target was missed.

    scripts/bench.py record /tmp/bench                    # a recording of 300,000 samples or more (perf, root)
    scripts/bench.py flame /tmp/bench/perf.data           # against perf script, and perf script | inferno
    scripts/bench.py pcln tests/fixtures/go1.27-piestripped/workload 0x49b71d --go "$(command -v go)"
    scripts/bench.py tables BIG [--goresym BIN_GO_1_24]   # lookups of 1, 1,000, 100,000 PCs; all functions; full decode
    scripts/bench.py scale BIG/perf.data                  # how the cost of flame grows with the recording
    scripts/bench.py symbols BIG OTHER                    # lists against go tool nm; compare of both; info
    scripts/bench.py text [/tmp/bench/perf.data] [--symbols BIG] [--inferno-dir DIR]   # folded stacks, perf script, tables
    scripts/bench.py startup
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import random
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
    from collections.abc import Callable, Iterator, Sequence

REPOSITORY = Path(__file__).resolve().parent.parent
DEMO_WORKLOAD = REPOSITORY / "tests/fixtures/go1.27-piestripped/workload"
WANTED_SAMPLES = 300_000
MAX_RATE = Path("/proc/sys/kernel/perf_event_max_sample_rate")
MAX_PERCENT = Path("/proc/sys/kernel/perf_cpu_time_max_percent")  # 0: never lower the rate while recording


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


def bench_flame(options: argparse.Namespace) -> bool:
    recording: Path = options.recording
    binary: Path = options.binary or recording.parent / DEMO_WORKLOAD.name
    if not binary.is_file():
        raise BenchError(f"{binary}: no such file; name the recorded program behind the recording")
    goinspect = find_goinspect(options.goinspect)
    perf = find("perf")
    collapse, flamegraph = (
        find(f"inferno-{tool}", options.inferno_dir) for tool in ("collapse-perf", "flamegraph")
    )
    kallsyms = recording.parent / "kallsyms"
    if perf:
        print(f"  {recording}: {recording.stat().st_size / 1e6:.0f} MB, {count_samples(recording):,} samples")
    with tempfile.TemporaryDirectory() as scratch:
        picture = Path(scratch, "x.svg")
        flame = [goinspect, "flame", str(recording), "-b", str(binary), "-o", str(picture)]
        if kallsyms.is_file():
            flame += ["--kallsyms", str(kallsyms)]
        contenders = [Contender("goinspect flame", (tuple(flame),), output=picture)]
        if perf:
            script = (perf, "script", "-i", str(recording))
            contenders.append(Contender("perf script", (script,)))
            if collapse and flamegraph:
                contenders.append(Contender("perf script | inferno", (script, (collapse,), (flamegraph,))))
        costs = measure(contenders, options.runs)
    print_costs(costs)
    within = [
        compare(costs, "goinspect flame", "perf script", cpu_of, 0.6),
        compare(costs, "goinspect flame", "perf script | inferno", cpu_of, 0.5),
        compare(costs, "goinspect flame", "perf script", wall_of, None),
        compare(costs, "goinspect flame", "perf script | inferno", wall_of, None),
    ]
    peak = max(cost.megabytes for cost in costs["goinspect flame"])
    within.append(peak <= 300)
    print(f"  goinspect flame, peak memory: {peak:.0f} MB, target 300: {'pass' if within[-1] else 'FAIL'}")
    return all(within)


def bench_scale(options: argparse.Namespace) -> bool:
    """The first 1/16, 1/8 … of a recording: what is cut off is read as far as it goes. Linear within a fifth, or better."""
    goinspect = find_goinspect(options.goinspect)
    recording: Path = options.recording
    binary: Path = options.binary or recording.parent / DEMO_WORKLOAD.name
    costs: list[tuple[float, Cost]] = []
    with tempfile.TemporaryDirectory(dir=recording.parent) as scratch:
        part, picture = Path(scratch, "perf.data"), Path(scratch, "x.svg")
        shutil.copy2(recording, part)
        command = (goinspect, "flame", str(part), "-q", "-b", str(binary), "-o", str(picture))
        contender = Contender("goinspect flame", (command,), output=picture)
        for fraction in (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16):
            os.truncate(part, int(recording.stat().st_size * fraction))
            taken = measure([contender], options.runs)[contender.name]
            costs.append((part.stat().st_size / 1e6, min(taken, key=cpu_of)))
    print(f"\n  {'MB':>8}  {'CPU s':>7}  {'s/100 MB':>8}  {'peak MB':>8}")
    for size, cost in reversed(costs):
        print(f"  {size:>8.0f}  {cost.cpu:>7.2f}  {100 * cost.cpu / size:>8.3f}  {cost.megabytes:>8.0f}")
    kept = costs[0][1].cpu / costs[0][0] <= 1.2 * costs[2][1].cpu / costs[2][0]
    print(f"  whole against a quarter, per byte: {'pass' if kept else 'FAIL'}")
    return kept


def bench_pcln(options: argparse.Namespace) -> bool:
    goinspect = find_goinspect(options.goinspect)
    binary, pc = str(options.binary), options.pc
    contenders = [Contender("goinspect pcln", ((goinspect, "pcln", binary, pc),))]
    tools: list[str] = []
    for named in options.go or ["go"]:
        go = find(named)
        if not go:
            continue
        version = output_of(go, "env", "GOVERSION")
        query = f"{pc}\n".encode()
        tools.append(f"{version} tool addr2line")
        contenders.append(Contender(tools[-1], ((go, "tool", "addr2line", binary),), stdin=query))
        # `go tool` starts the tool as a second process, after a look at the module and the build cache.
        path = output_of(go, "tool", "-n", "addr2line")
        if os.access(path, os.X_OK):
            contenders.append(Contender(f"{version} addr2line itself", ((path, binary),), stdin=query))
    costs = measure(contenders, options.runs)
    print_costs(costs)
    within = [compare(costs, "goinspect pcln", tool, wall_of, 1.0) for tool in tools]
    for peer in list(costs)[1:]:
        if peer not in tools:
            compare(costs, "goinspect pcln", peer, wall_of, None)
        compare(costs, "goinspect pcln", peer, cpu_of, None)
    return all(within)


# Everything that gopclntab holds: functions, every row of their line, file and inline tables, inlined calls by name.
FULL_DECODE = """
import sys, goinspect
from goinspect.gosym.bulk.listing import list_functions
bulk = goinspect.open(sys.argv[1]).bulk
functions = list_functions(bulk)
records, rows = bulk.records, 0
for offsets in (
    records.field(functions.index, "pcfile"), records.field(functions.index, "pcln"),
    bulk.inline_tables(functions.index)[0],
):
    rows += sum(len(piece.end) for piece in bulk.pctab.pieces(bulk.pctab.starts(offsets)))
print(len(functions.name), "functions,", rows, "rows,", len(functions.inlined), "inlined")
"""


def bench_tables(options: argparse.Namespace) -> bool:
    goinspect = find_goinspect(options.goinspect)
    binary = str(options.binary)
    size = options.binary.stat().st_size / 1e6
    listing = output_of(goinspect, "pcln", binary, "--functions").splitlines()[1:]
    low, high = (int(line.split()[0], 16) for line in (listing[0], listing[-1]))
    print(f"{binary}: {size:.0f} MB, {len(listing):,} functions")
    go = find(options.go)
    tool = output_of(go, "tool", "-n", "addr2line") if go else None
    within = True
    for count, limit in ((1, 0.6), (1000, 0.8), (100_000, 1.1)):
        chance = random.Random(count)
        query = "".join(f"{chance.randrange(low, high):#x}\n" for _ in range(count)).encode()
        ours = Contender(
            f"goinspect pcln, {count:,} PCs", ((goinspect, "pcln", "-q", binary, "-"),), stdin=query
        )
        contenders = [ours]
        if tool and os.access(tool, os.X_OK):
            contenders.append(Contender("go tool addr2line", ((tool, binary),), stdin=query))
        costs = measure(contenders, options.runs)
        print_costs(costs)
        within &= compare(costs, ours.name, "go tool addr2line", cpu_of, limit)
        within &= stays_below(costs, ours.name, math.inf, size + 150)
    ours = Contender("goinspect pcln --functions", ((goinspect, "pcln", binary, "--functions"),))
    costs = measure([ours], options.runs)
    print_costs(costs)
    within &= stays_below(costs, ours.name, 1.0, 250)
    return within & (not options.goresym or bench_full_decode(options))


def bench_full_decode(options: argparse.Namespace) -> bool:
    goresym = find("GoReSym")
    if not goresym:
        return True
    binary = str(options.goresym)
    ours = Contender("goinspect, full decode", ((sys.executable, "-c", FULL_DECODE, binary),))
    costs = measure([ours, Contender("GoReSym -d -p", ((goresym, "-d", "-p", binary),))], options.runs)
    print_costs(costs)
    return compare(costs, ours.name, "GoReSym -d -p", cpu_of, 0.7)


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


def bench_startup(options: argparse.Namespace) -> bool:
    goinspect = find_goinspect(options.goinspect)
    bare = Contender("python -c 'print(1)'", ((sys.executable, "-c", "print(1)"),))
    ours = Contender("goinspect --help", ((goinspect, "--help"),))
    costs = measure([ours, bare], options.runs)
    print_costs(costs)
    compare(costs, ours.name, bare.name, cpu_of, None)
    return True


def bench_text(options: argparse.Namespace) -> bool:
    """What is text on one side or on both: see `bench_text.py`."""
    import bench_text as text

    def find_here(tool: str) -> str | None:
        return find(tool, options.inferno_dir if tool.startswith("inferno") else None)

    kept = True
    with tempfile.TemporaryDirectory() as scratch:
        goinspect = find_goinspect(options.goinspect)
        for job in text.jobs(goinspect, options.recording, options.symbols, Path(scratch), find_here):
            contenders = [Contender(job.name, (job.ours,), output=job.output)]
            contenders += [Contender(job.peer, (job.theirs,))] if job.theirs else []
            costs = measure(contenders, options.runs)
            print_costs(costs)
            kept &= compare(costs, job.name, job.peer, cpu_of, job.limit)
    return kept


def bench_symbols(options: argparse.Namespace) -> bool:
    """The same lines as go tool nm prints; and what there is no peer for."""
    goinspect, go = find_goinspect(options.goinspect), find(options.go)
    binary, other = str(options.binary), str(options.other)
    contenders = [
        Contender("symbols --format nm", ((goinspect, "symbols", binary, "--format", "nm"),)),
        Contender("symbols", ((goinspect, "symbols", binary, "-q"),)),
        Contender("symbols of the other", ((goinspect, "symbols", other, "-q"),)),
        Contender("compare", ((goinspect, "compare", binary, other, "-q"),)),
        Contender("info", ((goinspect, "info", binary, "-q"),)),
    ]
    tool = ""
    if go:
        tool = f"{output_of(go, 'env', 'GOVERSION')} tool nm -size"
        contenders.append(Contender(tool, ((go, "tool", "nm", "-size", binary),)))
        count = output_of(go, "tool", "nm", "-size", binary).count("\n") + 1
        print(f"  {binary}: {options.binary.stat().st_size / 1e6:.0f} MB, {count:,} lines of go tool nm")
    costs = measure(contenders, options.runs)
    print_costs(costs)
    within = [
        compare(costs, "symbols --format nm", tool, cpu_of, 1.7),
        compare(costs, "compare", "symbols", cpu_of, 3.0),
    ]
    for name, figure, limit, what in (
        ("symbols --format nm", megabytes_of, 300, "MB at the peak"),
        ("symbols", megabytes_of, 300, "MB at the peak"),
        ("info", cpu_of, 1, "s of CPU"),
    ):
        value = (
            max(map(figure, costs[name]))
            if figure is megabytes_of
            else statistics.median(map(figure, costs[name]))
        )
        within.append(value <= limit)
        print(f"  {name}: {value:.3g} {what}, target {limit}: {'pass' if within[-1] else 'FAIL'}")
    return all(within)


def output_of(*command: str | Path) -> str:
    """What the command prints; it must succeed."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = done.stderr.strip()[-500:]
        raise BenchError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{said}")
    return done.stdout.strip()


def count_samples(recording: Path) -> int:
    found = re.search(r"SAMPLE events:\s+(\d+)", output_of("perf", "report", "--stats", "-i", recording))
    return int(found[1]) if found else 0


def limit_sampling(rate: str, percent: str) -> None:
    """Set both limits of the kernel. While the percentage is 0 it does not let the rate be changed."""
    MAX_PERCENT.write_text("25")
    MAX_RATE.write_text(rate)
    MAX_PERCENT.write_text(percent)


@contextlib.contextmanager
def sampling_unlimited(rate: int) -> Iterator[int]:
    """Lift the limits so far that `rate` is possible, and put them back; yields the rate that is possible."""
    before = MAX_RATE.read_text(), MAX_PERCENT.read_text()
    try:
        try:
            limit_sampling(str(max(rate, int(before[0]))), "0")
        except OSError as error:
            print(
                f"  the kernel's limits stay, and recording takes longer ({error}); as root: "
                f"sysctl kernel.perf_event_max_sample_rate={rate} kernel.perf_cpu_time_max_percent=0"
            )
        yield min(rate, int(MAX_RATE.read_text()))
    finally:
        with contextlib.suppress(OSError):
            limit_sampling(*before)


def record(options: argparse.Namespace) -> bool:
    perf = find("perf")
    if not perf:
        raise BenchError("recording needs perf")
    directory: Path = options.directory
    directory.mkdir(parents=True, exist_ok=True)
    program, recording = directory / DEMO_WORKLOAD.name, directory / "perf.data"
    shutil.copy2(options.binary, program)
    program.chmod(0o755)
    milliseconds = 3_000
    with sampling_unlimited(options.frequency) as frequency:
        for _ in range(6):
            recording.unlink(missing_ok=True)  # perf would keep it as perf.data.old
            what = f"-q -e cpu-clock -F {frequency} -g -m 16M".split()
            output_of(perf, "record", *what, "-o", recording, "--", program.resolve(), str(milliseconds))
            samples = count_samples(recording)
            print(f"  {milliseconds} ms at {frequency} Hz: {samples:,} samples", flush=True)
            if samples >= options.samples:
                break
            milliseconds = int(milliseconds * min(20, 1.1 * options.samples / max(samples, 1)))
        else:
            raise BenchError(f"{options.samples:,} samples not reached")
    with contextlib.suppress(OSError):
        shutil.copy2("/proc/kallsyms", directory / "kallsyms")
    print(f"  {recording}: {recording.stat().st_size / 1e6:.0f} MB; the program and kallsyms lie beside it")
    return True


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--goinspect", metavar="PATH", help="program under test (default: .venv, then PATH)")
    common.add_argument("--runs", type=int, help="measured runs of each (default: %(default)s)")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    flame = commands.add_parser("flame", parents=[common], help="recording to SVG")
    flame.add_argument("recording", type=Path)
    flame.add_argument(
        "binary", type=Path, nargs="?", help="the recorded program (default: workload beside it)"
    )
    flame.add_argument(
        "--inferno-dir", type=Path, metavar="DIR", help="where inferno's programs are (default: PATH)"
    )
    flame.set_defaults(action=bench_flame, runs=5)

    scale = commands.add_parser("scale", parents=[common], help="growing recordings to SVG")
    scale.add_argument("recording", type=Path)
    scale.add_argument(
        "binary", type=Path, nargs="?", help="the recorded program (default: workload beside it)"
    )
    scale.set_defaults(action=bench_scale, runs=1)

    pcln = commands.add_parser("pcln", parents=[common], help="one PC to function and line")
    pcln.add_argument("binary", type=Path)
    pcln.add_argument("pc")
    pcln.add_argument(
        "--go", action="append", metavar="PATH", help="a go command; may be repeated (default: go)"
    )
    pcln.set_defaults(action=bench_pcln, runs=15)

    tables = commands.add_parser(
        "tables", parents=[common], help="batches of PCs, all functions, full decode"
    )
    tables.add_argument("binary", type=Path, help="a Go binary of 80 MB or more")
    tables.add_argument("--go", default="go", metavar="PATH", help="a go command (default: %(default)s)")
    tables.add_argument(
        "--goresym",
        type=Path,
        metavar="BIN",
        help="a binary that GoReSym (on PATH) can read: Go 1.24 or older",
    )
    tables.set_defaults(action=bench_tables, runs=7)

    symbols = commands.add_parser("symbols", parents=[common], help="symbols, compare, info")
    symbols.add_argument("binary", type=Path, help="a Go binary with 150,000 symbols or more")
    symbols.add_argument("other", type=Path, help="another build of it")
    symbols.add_argument("--go", default="go", metavar="PATH", help="a go command (default: %(default)s)")
    symbols.set_defaults(action=bench_symbols, runs=5)

    text = commands.add_parser(
        "text", parents=[common], help="folded stacks, text of perf script, tables of symbols"
    )
    text.add_argument("recording", type=Path, nargs="?", help="whose text is read; its program beside it")
    text.add_argument(
        "--symbols",
        type=Path,
        action="append",
        default=[],
        metavar="BIN",
        help="a big binary; may be repeated",
    )
    text.add_argument(
        "--inferno-dir", type=Path, metavar="DIR", help="where inferno's programs are (default: PATH)"
    )
    text.set_defaults(action=bench_text, runs=7)

    startup = commands.add_parser("startup", parents=[common], help="goinspect --help")
    startup.set_defaults(action=bench_startup, runs=15)

    making = commands.add_parser("record", help="make a large recording of a stripped PIE")
    making.add_argument("directory", type=Path)
    making.add_argument("--binary", type=Path, default=DEMO_WORKLOAD, help="takes its running time in ms")
    making.add_argument("--samples", type=int, default=WANTED_SAMPLES, help="at least (default: %(default)s)")
    making.add_argument("--frequency", type=int, default=20_000, help="in Hz (default: %(default)s)")
    making.set_defaults(action=record)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    if sys.platform != "linux":
        print("bench: wait4 and perf figures are read as Linux gives them", file=sys.stderr)
        return 1
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # installed programs start from compiled modules
    print_machine()
    try:
        return 0 if options.action(options) else 1
    except (BenchError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
