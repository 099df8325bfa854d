#!/usr/bin/env python3
"""Feed mutated recordings to goinspect: nothing but GoinspectError may come out, soon, in little memory.

    scripts/fuzz/fuzz_perf.py [-n INPUTS] [--seed N] [--jobs N] [--only REGEX] [--save DIR]
    scripts/fuzz/fuzz_perf.py --seeds FILE... [...]      real files instead
    scripts/fuzz/fuzz_perf.py --replay FILE...

Seeds are small recordings in every container, both byte orders, written by tests/builders, and the recordings of
tests/fixtures. What is compressed is mutated before it is packed in two of three inputs, and as it stands in the file
in the third. Mutations are those of fuzz.py. Each input is read from a file or piece by piece in turn; one in eight is
also drawn, with the options in turn.

An input fails when anything but GoinspectError escapes (or a RuntimeWarning of numpy), when it takes longer than 10 s,
when memory grows by more than 4 times what it unpacks to + 100 MB, or when there are more than 40 warnings. Failing
inputs are written to DIR (default: fuzz-found); the exit code is 1. A run can be repeated: every input follows from
--seed and its number.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import lzma
import multiprocessing
import os
import random
import re
import resource
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
# numpy reads this when it is loaded: the imports below stand behind it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from goinspect.errors import GoinspectError  # noqa: E402
from scripts.fuzz.fuzz import BATCH, MOST_WARNINGS, SECONDS, SLACK, TooManyWarningsError, mutate  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.builders.perfdata import PerfData

DRAWN_EVERY = 8
FIXTURES = ROOT / "tests" / "fixtures"
LARGEST = 1 << 20  # larger real ones would be all that a run does
KERNEL = 0xFFFFFFFF81000000


class Seed(NamedTuple):
    """A sound input: `data`, and what makes a file of it (None: it is one)."""

    name: str
    data: bytes
    wrap: Callable[[bytes], bytes] | None = None


class Outcome(NamedTuple):
    """What one batch gave."""

    counts: Counter[str]
    slowest: tuple[float, str]
    grown: int
    failures: list[tuple[str, bytes]]


# --- seeds ---


def recording(order: str, samples: int = 30) -> PerfData:
    """A bit of everything that reading, replaying and drawing look at."""
    from tests.builders import perfdata as pd

    kinds = pd.PLAIN | pd.IDENTIFIER | pd.CPU
    events = [
        pd.Event("cpu-clock", sample_type=kinds, ids=(1, 2)),
        pd.Event(
            "faults", config=2, sample_type=pd.PLAIN | pd.IDENTIFIER | pd.READ, read_format=0xC, ids=(3,)
        ),
    ]
    data = pd.PerfData(events, order)
    data.features = {2: data.build_id_entry("/bin/prog", b"\1" * 20), 3: data.text("host"), 6: data.text("x86_64"),
                     11: data.pack("I", 1) + data.text("perf"), 21: data.pack("QQ", 1, 9)}  # fmt: skip
    data.mmap(-1, KERNEL, 0x1000000, KERNEL, "[kernel.kallsyms]_text", misc=pd.KERNEL)
    data.comm(10, 10, "prog", 5, exec=True).mmap2(10, 0x400000, 0x10000, 0, "/bin/prog", 6)
    data.mmap2(10, 0x500000, 0x10000, 0, "/lib/x.so", 7, build_id=b"\2" * 20).fork(11, 10, 11, 10, 15)
    for number in range(samples):
        stack = (
            pd.MARK_KERNEL,
            KERNEL + 16 * number,
            pd.MARK_USER,
            0x401000 + 16 * (number % 7),
            0x502000,
            0x402000,
        )
        data.sample(
            pd.Sample(time=100 + number, chain=stack, id=1 + number % 2, tid=10 + number % 3, cpu=number % 2)
        )
        if number % 9 == 8:
            data.record(pd.FINISHED_ROUND, 0, b"")
            data.trailed(14, (number & 1) << 13, b"", 100 + number, tid=10)
    data.sample(pd.Sample(time=200, event=1, group=(4, 5), chain=(pd.MARK_USER, 0x401000)))
    data.trailed(17, 0, data.pack("QIHH", KERNEL + 0x5000000, 64, 1, 0) + b"bpf_prog_x\0", 210)
    return data.trailed(pd.LOST, 0, data.pack("QQ", 1, 40), 250).exit(10, 10, 260)


def seeds() -> Iterator[Seed]:
    from tests.builders import perfcontainers as pc

    for order in ("little", "big"):
        data = recording(order)
        yield Seed(f"file {order}", data.build())
        yield Seed(f"pipe {order}", pc.pipe(data))
        yield Seed(f"cut {order}", data.build(data_size=0))
        for kind, name in ((81, "compressed"), (pc.COMPRESSED2, "compressed2")):
            yield Seed(f"{name} pipe {order}", pc.pipe(data, records=pc.compressed(data, 900, kind=kind)))
            yield Seed(
                f"{name} file {order}", pc.with_records(data, pc.compressed(data, 900, kind=kind)).build()
            )
            yield Seed(f"packed {name} {order}", bytes(data.data), partial(packed, order=order, kind=kind))
        for name, pack in (("gzip", gzip.compress), ("xz", lzma.compress), ("zst", pc.zstd().compress)):
            yield Seed(f"{name} {order}", pack(pc.pipe(data)))
            yield Seed(f"packed {name} {order}", pc.pipe(data), pack)


def packed(records: bytes, *, order: str, kind: int) -> bytes:
    """Mutated records in compressed ones of a sound pipe."""
    from tests.builders import perfcontainers as pc

    data = recording(order)
    return pc.pipe(data, records=pc.compressed(pc.with_records(data, records), 900, kind=kind))


def real_seeds() -> Iterator[Seed]:
    for path in sorted(FIXTURES.glob("**/perf.data*")):
        if path.is_file():
            data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
            if len(data) <= LARGEST:
                yield Seed(f"real {path.parent.name}", data)


# --- the questions ---


def ask(path: Path, data: bytes, number: int) -> str:
    """Read input `number`, perhaps draw it; returns what kind of answer there was."""
    from goinspect.profiles import open_profile
    from goinspect.profiles.base import Profile
    from goinspect.profiles.perfdata import parse, sniff

    try:
        if number % 2 and sniff(data):
            profile = parse((data[at : at + 4096] for at in range(0, len(data), 4096)), "stdin")
        else:
            profile = open_profile(path)
    except GoinspectError as error:
        if "\n" in str(error):
            raise
        return "refused"
    if len(profile.warnings) > MOST_WARNINGS:
        raise TooManyWarningsError(f"{len(profile.warnings)} warnings, such as {profile.warnings[-1]}")
    if number % DRAWN_EVERY == 0 and isinstance(profile, Profile):
        return draw(profile, number // DRAWN_EVERY, path)
    return "answered with warnings" if profile.warnings else "answered"


def draw(profile: object, turn: int, path: Path) -> str:
    from goinspect.analysis.options import FlameOptions
    from goinspect.analysis.stacks.fold import fold
    from goinspect.render.folded import render_folded
    from goinspect.render.svg.picture import render_svg
    from goinspect.views.graph import draw as draw_graph

    options = FlameOptions(
        kallsyms=f"{path}-kallsyms", by=("process", "thread", "comm", "none")[turn % 4], repair=turn % 3 == 0,
        lines=turn % 5 == 0, inlines=turn % 2 == 0, reverse=turn % 7 == 0,
        off_cpu=turn % 6 == 5, hidden_callers=turn % 4 == 1,
    )  # fmt: skip
    try:
        folded = fold(profile, options)
        render_folded(folded)
        render_svg(draw_graph(folded.stacks, title="x"))
    except GoinspectError:
        return "not drawn"
    if len(folded.warnings) > MOST_WARNINGS:
        raise TooManyWarningsError(f"{len(folded.warnings)} warnings, such as {folded.warnings[-1]}")
    return "drawn"


# --- running ---


class TooSlowError(Exception):
    """The alarm went off."""


def _alarm(_number: int, _frame: object) -> None:
    raise TooSlowError


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run_one(path: Path, data: bytes, number: int, size: int) -> tuple[str, float, int]:
    """(outcome, seconds, bytes of memory beyond 4 times `size`); an outcome with a colon is a failure."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    before, begin = peak(), time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        kind = ask(path, data, number)
    except TooSlowError:
        kind = f"failed: more than {SECONDS} s"
    except Exception as error:  # noqa: BLE001  # that is what we are looking for
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"failed: {type(error).__name__} in {Path(place.filename).name}:{place.lineno}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    seconds = time.monotonic() - begin
    # The peak only rises: what it rose by is what this input needed beyond what earlier ones did.
    excess = peak() - before - 4 * size
    if excess > SLACK and ":" not in kind:
        kind = f"failed: {excess >> 20} MB of memory for {size} bytes"
    return kind, seconds, max(excess, 0)


def run_batch(first: int, count: int, seed: int, corpus: list[Seed], scratch: str) -> Outcome:
    """Inputs `first` to `first + count` of the run."""
    signal.signal(signal.SIGALRM, _alarm)
    warnings.filterwarnings("error", category=RuntimeWarning)
    path = Path(scratch) / f"goinspect-fuzz-perf-{os.getpid()}"
    Path(f"{path}-kallsyms").write_text(f"{KERNEL:x} T _text\n{KERNEL + 0x100:x} t work\n")
    outcome = Outcome(Counter(), (0.0, ""), 0, [])
    for number in range(first, first + count):
        chance = random.Random(seed << 40 | number)
        origin = corpus[number % len(corpus)]
        damaged = mutate(origin.data, chance)
        data = origin.wrap(damaged) if origin.wrap else damaged
        kind, seconds, excess = run_one(
            path, data, number // len(corpus) + number, max(len(data), len(damaged))
        )
        label = f"{origin.name} #{number}"
        outcome.counts[f"{origin.name.split()[0]}\t{kind.partition(':')[0]}"] += 1
        if ":" in kind:
            outcome.failures.append((f"{kind} [{label}]", data))
        outcome = outcome._replace(
            slowest=max(outcome.slowest, (seconds, label)), grown=max(outcome.grown, excess)
        )
    return outcome


_CORPUS: list[Seed] = []


def _work(job: tuple[int, int, int, str]) -> Outcome:
    first, count, seed, scratch = job
    return run_batch(first, count, seed, _CORPUS, scratch)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", "--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", metavar="REGEX", help="seeds whose name matches")
    parser.add_argument("--save", type=Path, default=Path("fuzz-found"), metavar="DIR")
    parser.add_argument("--seeds", type=Path, nargs="+", metavar="FILE", help="mutate these instead")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE")
    options = parser.parse_args()
    scratch = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
    signal.signal(signal.SIGALRM, _alarm)
    for path in options.replay or ():
        data = path.read_bytes()
        for number in range(2 * DRAWN_EVERY):
            print(
                path,
                number,
                *run_one(Path(scratch) / f"goinspect-replay-{os.getpid()}", data, number, len(data)),
            )
    if options.replay:
        return 0
    given = [Seed(f"real {path.name}", path.read_bytes()) for path in options.seeds or ()]
    _CORPUS.extend(seed for seed in given or [*seeds(), *real_seeds()] if re.search(options.only, seed.name))
    if not _CORPUS:
        parser.error(f"no seed matches {options.only!r}")
    return report(options, scratch)


def report(options: argparse.Namespace, scratch: str) -> int:
    counts: Counter[str] = Counter()
    failures: dict[str, tuple[str, bytes]] = {}
    slowest, grown, begin = (0.0, ""), 0, time.monotonic()
    jobs = [
        (first, min(BATCH, options.inputs - first), options.seed, scratch)
        for first in range(0, options.inputs, BATCH)
    ]
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        for outcome in pool.imap_unordered(_work, jobs):
            counts.update(outcome.counts)
            slowest, grown = max(slowest, outcome.slowest), max(grown, outcome.grown)
            for kind, data in outcome.failures:
                failures.setdefault(re.sub(r"\d+", "N", kind.partition("[")[0]), (kind, data))
    for label, count in sorted(counts.items()):
        print(f"{count:9,}  {label.expandtabs(16)}")
    print(
        f"{counts.total():,} inputs of {len(_CORPUS)} seeds in {time.monotonic() - begin:.0f} s; slowest "
        f"{slowest[0]:.2f} s ({slowest[1]}); memory beyond 4 x input at most {grown >> 20} MB"
    )
    for kind, data in failures.values():
        options.save.mkdir(exist_ok=True)
        path = options.save / f"perf-{hashlib.sha256(data).hexdigest()[:12]}"
        path.write_bytes(data)
        print(f"{path}: {kind}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
