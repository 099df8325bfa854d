"""Questions about binaries, beside the tools of Go and GoReSym."""

from __future__ import annotations

import math
import os
import random
import statistics
import sys
from typing import TYPE_CHECKING

from scripts.benchmarks.measuring import (
    Contender,
    compare,
    cpu_of,
    find,
    find_goinspect,
    measure,
    megabytes_of,
    output_of,
    print_costs,
    stays_below,
    wall_of,
)

if TYPE_CHECKING:
    import argparse


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


def bench_startup(options: argparse.Namespace) -> bool:
    goinspect = find_goinspect(options.goinspect)
    bare = Contender("python -c 'print(1)'", ((sys.executable, "-c", "print(1)"),))
    ours = Contender("goinspect --help", ((goinspect, "--help"),))
    costs = measure([ours, bare], options.runs)
    print_costs(costs)
    compare(costs, ours.name, bare.name, cpu_of, None)
    return True


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
