"""What `scripts/bench.py text` measures: text in, text out, each beside the tool that does the same."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

__all__ = ["bench_text"]

STACKS = 100_000
FOLDED = ("any-order.folded", "sorted.folded")
FUNCTIONS = 6_000
_PACKAGES = (
    "runtime", "net/http", "encoding/json", "main", "github.com/acme/store/internal/index", "database/sql", "reflect",
    "k8s.io/apimachinery/pkg/runtime/serializer", "golang.org/x/net/http2", "github.com/jackc/pgx/v5",
)  # fmt: skip
_VERBS = (
    "read", "write", "parse", "serve", "handle", "find", "load", "store", "index", "merge",
    "split", "encode", "flush", "remove", "visit", "walk",
)  # fmt: skip
_ROOTS = ("main.main", "runtime.goexit;net/http.(*conn).serve", "runtime.mstart")


def bench_text(options: argparse.Namespace) -> bool:
    """What is text on one side or on both, each beside the tool that does the same."""
    from scripts.benchmarks.measuring import (
        Contender,
        compare,
        cpu_of,
        find,
        find_goinspect,
        measure,
        print_costs,
    )

    def find_here(tool: str) -> str | None:
        return find(tool, options.inferno_dir if tool.startswith("inferno") else None)

    kept = True
    with tempfile.TemporaryDirectory() as scratch:
        goinspect = find_goinspect(options.goinspect)
        for job in jobs(goinspect, options.recording, options.symbols, Path(scratch), find_here):
            contenders = [Contender(job.name, (job.ours,), output=job.output)]
            contenders += [Contender(job.peer, (job.theirs,))] if job.theirs else []
            costs = measure(contenders, options.runs)
            print_costs(costs)
            kept &= compare(costs, job.name, job.peer, cpu_of, job.limit)
    return kept


class Job(NamedTuple):
    """Two commands and how many times the CPU of the second the first may take. `theirs`: () where it is not installed."""

    name: str
    ours: tuple[str, ...]
    peer: str
    theirs: tuple[str, ...]
    limit: float
    output: Path | None = None


def jobs(
    goinspect: str,
    recording: Path | None,
    binaries: list[Path],
    scratch: Path,
    find: Callable[[str], str | None],
) -> Iterator[Job]:
    """The jobs, one after another; their input lies in `scratch` while they are measured.

    Args:
        goinspect: the program under test.
        recording: of perf, whose text is read; it is left out without one, and without perf.
        binaries: whose symbols are listed; those of Go's compiler are always.
        scratch: a directory.
        find: the path of a program; says so where there is none.
    """
    picture = scratch / "x.svg"
    flamegraph = find("inferno-flamegraph")
    # By another process: what this one keeps in memory would count as that of the programs it starts.
    subprocess.run((sys.executable, __file__, scratch), check=True)
    for name in FOLDED:
        yield Job(
            f"flame, {STACKS:,} folded stacks, {name}",
            (goinspect, "flame", "-q", str(scratch / name), "-o", str(picture)),
            "inferno-flamegraph", (flamegraph, str(scratch / name)) if flamegraph else (), 2.0, picture,
        )  # fmt: skip
        (scratch / name).unlink()
    perf = find("perf") if recording else None
    if recording and perf:
        text = scratch / "script.txt"
        with text.open("wb") as out:
            subprocess.run(
                (perf, "script", "-i", recording), stdout=out, stderr=subprocess.DEVNULL, check=True
            )
        collapse = find("inferno-collapse-perf")
        beside = recording.parent / "workload"
        more = ("-b", str(beside)) if beside.is_file() else ()
        yield Job(
            f"flame, {text.stat().st_size / 1e6:.0f} MB of perf script",
            (goinspect, "flame", "-q", str(text), *more, "-o", str(picture)),
            "inferno-collapse-perf", (collapse, str(text)) if collapse else (), 1.5, picture,
        )  # fmt: skip
        text.unlink()
    go = find("go")
    compiler = _output(go, "tool", "-n", "compile") if go else ""
    for binary, limit in [(Path(compiler), 2.0)] * bool(compiler) + [(path, 4.0) for path in binaries]:
        yield Job(
            f"symbols of {binary.name}, {binary.stat().st_size / 1e6:.0f} MB", (goinspect, "symbols", "-q", str(binary)),
            "go tool nm -size", (go, "tool", "nm", "-size", str(binary)) if go else (), limit,
        )  # fmt: skip


def folded_lines() -> list[str]:
    """Distinct stacks of a program that calls at random, some 560 bytes each; always the same."""
    chance = random.Random(7)
    names = []
    for number in range(FUNCTIONS):
        package, verb, thing = chance.choice(_PACKAGES), chance.choice(_VERBS), chance.choice(_VERBS).title()
        names.append(
            chance.choice((
                f"{package}.{verb}{thing}{number}", f"{package}.(*{thing}er{number % 97}).{verb.title()}{number}",
                f"{package}.{verb}{thing}{number}.func1",
            ))
        )  # fmt: skip
    calls = [chance.choices(range(FUNCTIONS), k=chance.choice((1, 1, 2, 3, 4))) for _ in names]
    found: dict[str, int] = {}
    while len(found) < STACKS:
        at = chance.randrange(40)
        stack = [chance.choice(_ROOTS), names[at]]
        for _ in range(chance.choice((5, 7, 9, 11, 13, 15, 17, 20))):
            at = chance.choice(calls[at])
            stack.append(names[at])
        found.setdefault(";".join(stack), chance.randrange(1, 50))
    return [f"{stack} {weight}\n" for stack, weight in found.items()]


def write_folded(folder: Path) -> None:
    """Both of `FOLDED`."""
    lines = folded_lines()
    for name in FOLDED:
        (folder / name).write_text("".join(lines))
        lines.sort()


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    write_folded(Path(sys.argv[1]))
