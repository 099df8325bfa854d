"""pprof profiles to flame graphs, beside go tool pprof."""

from __future__ import annotations

import gzip
import random
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.benchmarks.measuring import (
    BenchError,
    Contender,
    compare,
    cpu_of,
    find,
    find_goinspect,
    measure,
    print_costs,
    wall_of,
)
from tests.builders.pprof import Profile

if TYPE_CHECKING:
    import argparse

_PIPELINE = "go tool pprof -raw, inferno-flamegraph"
_FUNCTIONS, _LOCATIONS, _DEEPEST = 12_000, 40_000, 64


def make_profile(size: int) -> bytes:
    """A CPU profile of about `size` bytes, unpacked: stacks that share their beginnings, inlined calls, a label."""
    chance, profile = random.Random(1), Profile()
    mapping = profile.mapping(0x400000, 0x4000000, 0, "/srv/server", "ab" * 20, 1)
    packages = [f"example.com/srv/pkg{number}" for number in range(200)] + ["runtime", "net/http"]
    functions = [
        profile.function(f"{chance.choice(packages)}.(*T{i % 97}).Method{i}", f"file{i % 50}.go", i)
        for i in range(_FUNCTIONS)
    ]
    places = [
        profile.location(
            *((chance.choice(functions), chance.randrange(1, 3000)) for _ in range(chance.choice((1, 1, 1, 2, 3)))),
            address=0x401000 + number * 16, mapping=mapping,
        )
        for number in range(_LOCATIONS)
    ]  # fmt: skip
    stack = [chance.choice(places) for _ in range(30)]
    while size > 0:
        stack = stack[: chance.randrange(5, max(6, len(stack)))]
        stack = [*stack, *(chance.choice(places) for _ in range(chance.randrange(1, 25)))][:_DEEPEST]
        count = chance.randrange(1, 4)
        profile.sample(reversed(stack), [count, count * 10**7], request=f"GET /{chance.randrange(40)}")
        size -= len(profile.samples[-1]) + 3
    return profile.build()


def bench_pprof(options: argparse.Namespace) -> bool:
    go = find(options.go)
    if not go:
        raise BenchError(f"{options.go}: not found")
    with tempfile.TemporaryDirectory() as scratch:
        path, picture = Path(scratch, "cpu.pb.gz"), Path(scratch, "x.svg")
        data = make_profile(options.megabytes * 10**6)
        path.write_bytes(gzip.compress(data))
        print(f"  {len(data) / 1e6:.0f} MB, {path.stat().st_size / 1e6:.0f} MB compressed")
        flame = (find_goinspect(options.goinspect), "flame", str(path), "-q", "-o", str(picture))
        folded = (*flame[:-1], "-", "--format", "folded")
        raw = (go, "tool", "pprof", "-symbolize=none", "-raw", str(path))
        contenders = [
            Contender("goinspect flame", (flame,), output=picture),
            Contender("goinspect flame --format folded", (folded,)),
            Contender("go tool pprof -raw", (raw,)),
        ]
        flamegraph = find("inferno-flamegraph", options.inferno_dir)
        if flamegraph:
            # inferno reads no profiles of Go: what turns text of -raw into folded stacks is not counted.
            stacks = Path(scratch, "x.folded")
            subprocess.run((*flame[:-1], stacks, "--format", "folded"), check=True)
            pipeline = 'stacks=$1; draw=$2; shift 2; "$@" >/dev/null && exec "$draw" "$stacks"'
            both = ("sh", "-c", pipeline, "sh", str(stacks), flamegraph, *raw)
            contenders.append(Contender(_PIPELINE, (both,)))
        costs = measure(contenders, options.runs)
    print_costs(costs)
    compare(costs, "goinspect flame", "go tool pprof -raw", wall_of, None)
    if flamegraph:
        compare(costs, "goinspect flame", _PIPELINE, cpu_of, None)
    return compare(costs, "goinspect flame", "go tool pprof -raw", cpu_of, 1.5)
