#!/usr/bin/env python3
"""Compare pprof profiles with `go tool pprof -raw`: each stack and each weight of each sample type.

    scripts/checks/check_pprof.py PROFILE...        these files
    scripts/checks/check_pprof.py --random 300      profiles made at random: inlined calls, drop_frames, ids, repetition
    scripts/checks/check_pprof.py --again …         what goinspect writes of them: every value, label, location and fact

Needs a Go toolchain on PATH (or named by --go). A profile counts as the same when all of it is. Frames without a name
are not compared.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import goinspect
from tests.builders.pprof import Profile
from tests.profiles.pprofraw import RawFrame, parse
from tests.profiles.pproftruth import truth

NAMES = (
    "main.main", "main.(*T).M", "main.Map[...]", "malloc", "operator new(unsigned long)", "std::vector<int>::push_back(int&&)",
    "runtime.mallocgc", ".entry", "(anonymous namespace)::f(int)", "x.operator()(int)", "tc_malloc", "net/http.serve;x",
)  # fmt: skip
PATTERNS = (
    "malloc|tc_.*", r"runtime\..*", "main.main", r"(std::vector.*|operator new.*)", "m[a-n]+lloc", r"\w+\.m[^x]{2,9}",
    "(main|runtime)[.].*", "entry", "(?:(anonymous namespace)|x).*", r".*operator\(\)", "[[:alpha:]]+", "(m|tc_m)(al)?loc+",
    ".*c+.*", "", "",
)  # fmt: skip


def made(chance: random.Random, *, drop: bool) -> bytes:
    profile = Profile(
        types=[("samples", "count"), ("alloc_space", "bytes"), ("delay", "nanoseconds")][: chance.randrange(1, 4)],
        packed=chance.random() < 0.7, step=chance.choice((1, 1, 7, 1 << 40)),
    )  # fmt: skip
    mapping = profile.mapping(0x400000, 0x500000, 0, "/bin/x", flags=chance.randrange(16))
    functions = [
        profile.function(name, f"{number}.go", chance.randrange(40), chance.choice(("", name, "other")))
        for number, name in enumerate(NAMES)
    ]
    places = [
        profile.location(
            *((chance.choice(functions), chance.randrange(1, 50)) for _ in range(chance.choice((1, 1, 2, 3)))),
            address=0x400000 + number, mapping=chance.choice((0, mapping)),
        )
        for number in range(20)
    ]  # fmt: skip
    for _ in range(chance.randrange(1, 40)):
        stack = [chance.choice(places) for _ in range(chance.randrange(12))]
        profile.sample(
            stack, [chance.choice((0, 1, 5, 1 << 40)) for _ in profile.types], who=chance.choice("ab")
        )
    if drop:
        profile.fact(7, chance.choice(PATTERNS))
        profile.fact(8, chance.choice(PATTERNS))
    profile.fact(14, chance.choice(("", *(name for name, _ in profile.types))))
    return profile.build()


def weights(path: Path, event: str) -> Counter[tuple[RawFrame, ...]]:
    stacks = goinspect.flame(path, event=event, lines=True, by="none").stacks
    out: Counter[tuple[RawFrame, ...]] = Counter()
    start, flat = stacks.start.tolist(), stacks.frame.tolist()
    for row, weight in enumerate(stacks.weight.tolist()):
        frames = (stacks.frames[frame] for frame in flat[start[row] : start[row + 1]])
        out[tuple(RawFrame(f.name, f.file, f.line, f.start_line, f.inlined) for f in frames)] += weight
    return +out


def told(go: str, path: Path, *options: str) -> str:
    command = [go, "tool", "pprof", "-symbolize=none", *options, str(path)]
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def same(path: Path, go: str) -> bool:
    raw = parse(told(go, path, "-raw"))
    return all(weights(path, type_.split("/")[0]) == raw.weights(type_) for type_ in raw.types)


def same_again(path: Path, go: str, folder: Path) -> bool:
    """Is what is written of it what it is? pprof writes both anew first: text formats as protobuf. It leaves in what drop_frames takes."""
    again, before, after = (folder / name for name in ("again.pb.gz", "before.pb.gz", "after.pb.gz"))
    told(go, path, "-proto", f"-output={before}")
    again.write_bytes(goinspect.flame(before).binary("pprof"))
    told(go, again, "-proto", f"-output={after}")
    one, other = truth(before.read_bytes()), truth(after.read_bytes())
    return (one.types, one.samples, one.facts) == (other.types, other.samples, other.facts)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("profiles", type=Path, nargs="*")
    parser.add_argument("--random", type=int, default=0, metavar="N")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--go", default="go")
    options = parser.parse_args()
    good = bad = 0
    with tempfile.TemporaryDirectory() as folder:
        files = [*options.profiles]
        for number in range(options.random):
            path = Path(folder) / f"{options.seed}-{number}.pb"
            path.write_bytes(made(random.Random(options.seed << 32 | number), drop=not options.again))
            files.append(path)
        for path in files:
            right = same_again(path, options.go, Path(folder)) if options.again else same(path, options.go)
            if right:
                good += 1
            else:
                bad += 1
                print(f"{path}: differs")
    print(f"{good} the same, {bad} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
