#!/usr/bin/env python3
"""Compare profiles that `goinspect pgo` makes of a stripped program with the program's own, by what Go compilers make of them.

    scripts/checks/check_pgo.py --goroot 1.21=DIR 1.27=DIR --work DIR

Of each release: builds scripts/fixtures/recorded_programs/hot stripped and PIE, lets it write a profile by runtime/pprof twice, records it
with perf by frame pointers and with copies of stacks, and builds it with each profile. Said of each profile: how much CPU time the program takes
that was built with it, which of the calls are hot in it that are hot in the program's own, and how many of the compiler's
decisions to inline and to devirtualize are the same (-d=pgodebug=2). Two runs of a program differ in what has one sample: so
that is said of what both of its own profiles have, and of all that the first has.

The program is not preempted by signals (GODEBUG=asyncpreemptoff=1): where such a one comes with that of the profiler, its
own profiles show runtime.asyncPreempt in place of what ran.

Needs perf that may record (cpu-clock), and goinspect.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.fixtures.toolchains import RELEASES, add_goroot_option, fetch_toolchain, given_goroots

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "scripts/fixtures/recorded_programs/hot"
DEFAULT = ("1.21", "1.24", "1.26", "1.27")
RECORDINGS = {"frame pointers": ("-g",), "dwarf": ("--call-graph", "dwarf,8192")}
NATIVE = ("native", "native again")
STRIPPED = ("-buildmode=pie", "-ldflags=-s -w")
FREQUENCY = 997
_DECISIONS = (
    re.compile(r"hot-node enabled (increased) budget=\d+ for func=(.+)"),
    re.compile(r"hot-budget check allows inlining for call (.+) \(cost \d+\) at (.+)"),
    re.compile(r".+: call (.+:-?\d+): hottest callee (.+) \(weight \d+\)"),
)


def environment(work: Path) -> dict[str, str]:
    """Of all commands: nothing is fetched, nothing of the user's is touched."""
    own = {"HOME": str(work), "GOCACHE": str(work / "cache"), "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false",
           "CGO_ENABLED": "0", "GODEBUG": "asyncpreemptoff=1", "PERF_BUILDID_DIR": str(work / "debug")}  # fmt: skip
    return {key: value for key, value in os.environ.items() if not key.startswith("GO")} | own


def build(go: Path, work: Path, output: Path, *options: str) -> str:
    """Build the program; what the compiler said."""
    command = [go / "bin/go", "build", "-trimpath", *STRIPPED, *options, "-o", output, "."]
    done = subprocess.run(
        command, cwd=PROGRAM, env=environment(work), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr[-2000:]}")
    return done.stderr


def decisions(text: str) -> set[tuple[str, ...]]:
    """What the compiler did because of a profile."""
    found = (rule.fullmatch(line) for line in text.splitlines() for rule in _DECISIONS)
    return {(match.re.pattern[:8], *match.groups()) for match in found if match}


def cpu_seconds(program: Path, rounds: int, times: int) -> float:
    """The least that it took."""
    best = float("inf")
    for _ in range(times):
        process = subprocess.Popen([program, str(rounds)], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{program}: {status}")
        best = min(best, usage.ru_utime + usage.ru_stime)
    return best


def check(series: str, go: Path, work: Path, options: argparse.Namespace) -> None:
    """Print the figures of a release."""
    folder = work / f"go{series}"
    folder.mkdir(parents=True, exist_ok=True)
    plain = folder / "hot"
    build(go, work, plain, "-pgo=off")
    profiles = {}
    for name in NATIVE:
        profiles[name] = folder / f"{name.replace(' ', '-')}.pprof"
        subprocess.run(
            [plain, str(options.rounds), profiles[name]],
            check=True,
            env=environment(work),
            stdout=subprocess.DEVNULL,
        )
    for name, how in RECORDINGS.items():
        data = folder / f"{name.replace(' ', '-')}.data"
        record = [
            "perf",
            "record",
            "-q",
            "-e",
            "cpu-clock",
            "-F",
            str(FREQUENCY),
            *how,
            "-o",
            data,
            "--",
            plain,
        ]
        subprocess.run(
            [*record, str(options.rounds)], check=True, env=environment(work), stdout=subprocess.DEVNULL
        )
        profiles[name] = data.with_suffix(".pgo")
        goinspect("pgo", data, "-b", plain, "-o", profiles[name], "-q")
    hot = {name: hot_calls(path, plain) for name, path in profiles.items()}
    made = {name: decisions(build(go, work, folder / f"hot-{path.stem}", f"-pgo={path}", "-gcflags=all=-d=pgodebug=2"))
            for name, path in profiles.items()}  # fmt: skip
    first, second = NATIVE
    steady = {call: weight for call, weight in hot[first].items() if call in hot[second]}
    decided = made[first] & made[second]
    before = cpu_seconds(plain, options.rounds, options.times)
    print(
        f"Go {series}: {before:.2f} s of CPU without a profile; hot in both of its own {len(steady)} calls, decided with both {len(decided)}"
    )
    for name, path in profiles.items():
        after = cpu_seconds(folder / f"hot-{path.stem}", options.rounds, options.times)
        print(f"  {name:<15} {after:.2f} s ({100 * (after / before - 1):+.1f} %)")
        for what, calls, reference in (("both", steady, decided), ("the first", hot[first], made[first])):
            same = [call for call in calls if call in hot[name]]
            weight = sum(calls[call] for call in same)
            kept = made[name] & reference
            print(f"    of {what:<9} hot calls {share(len(same), len(calls))}, by weight {share(weight, sum(calls.values()))}; "
                  f"decisions {share(len(kept), len(reference))}")  # fmt: skip
        for one in sorted(decided - made[name]) if options.verbose else ():
            print(f"      not decided: {' '.join(one)}")
        for one in sorted(set(steady) - set(hot[name]), key=str) if options.verbose else ():
            print(f"      not hot: {one}")
    sys.stdout.flush()


def hot_calls(profile: Path, program: Path) -> dict[tuple[str, int, str], int]:
    """The hot calls of a profile, and what they weigh."""
    found = json.loads(goinspect("pgo", profile, "-b", program, "-o", os.devnull, "--json", "-q"))
    return {(one["caller"], one["offset"], one["callee"]): one["weight"] for one in found["hot"]}


def share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else "none"


def goinspect(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "goinspect", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_goroot_option(parser)
    parser.add_argument("--work", type=Path, required=True, help="where everything is made")
    parser.add_argument("--only", nargs="+", default=DEFAULT, choices=RELEASES, help="releases")
    parser.add_argument("--rounds", type=int, default=4000, help="how long the program runs")
    parser.add_argument("--times", type=int, default=5, help="runs of which the quickest counts")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell which decisions are missing")
    options = parser.parse_args()
    known = given_goroots(options)
    for series in options.only:
        work = options.work.resolve()
        go = known.get(series) or fetch_toolchain(RELEASES[series], work / "wheels", work)
        check(series, go, work, options)


if __name__ == "__main__":
    main()
