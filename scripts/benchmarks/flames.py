"""Recordings to flame graphs, beside perf script and inferno."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.benchmarks.measuring import (
    DEMO_WORKLOAD,
    BenchError,
    Contender,
    Cost,
    compare,
    cpu_of,
    find,
    find_goinspect,
    measure,
    print_costs,
    wall_of,
)
from scripts.benchmarks.recording import count_samples

if TYPE_CHECKING:
    import argparse


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
        contenders.append(
            Contender("goinspect flame --no-restore", ((*flame, "--no-restore"),), output=picture)
        )
        profile = Path(scratch, "x.pb.gz")
        contenders.append(
            Contender("goinspect flame, pprof", ((*flame, "-o", str(profile)),), output=profile)
        )
        if perf:
            script = (perf, "script", "-i", str(recording))
            contenders.append(Contender("perf script", (script,)))
            if collapse and flamegraph:
                contenders.append(Contender("perf script | inferno", (script, (collapse,), (flamegraph,))))
        costs = measure(contenders, options.runs)
    print_costs(costs)
    within = [
        compare(costs, "goinspect flame, pprof", "goinspect flame", cpu_of, 1.15),
        compare(costs, "goinspect flame", "goinspect flame --no-restore", cpu_of, 1.08),
        compare(costs, "goinspect flame", "perf script", cpu_of, 0.3),
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
