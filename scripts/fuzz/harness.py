"""What fuzzing of anything needs: mutations, a clock and a scale for each input, many processes, and a report."""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SECONDS = 10
SLACK = 100 << 20
BATCH = 500
MOST_WARNINGS = 40
EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, (1 << 63) - 1, (1 << 64) - 1)  # fmt: skip


class AnySeed(Protocol):
    """A sound input; its family is the first word of its name."""

    @property
    def name(self) -> str:
        """What it is."""


S = TypeVar("S", bound=AnySeed)


class Measured(NamedTuple):
    """What became of one input; an outcome with a colon is a failure."""

    kind: str
    seconds: float
    excess: int  # bytes of memory beyond 4 times the input


@dataclass(frozen=True)
class Target(Generic[S]):
    """What is fuzzed: its sound inputs, and what is asked of a damaged one, in a file at the path given."""

    kinds: tuple[str, ...]  # of outcomes, as the report lists them
    seeds: Callable[[], Iterable[S]]
    given: Callable[[Path], S]  # a seed of a real file
    ready: Callable[[S, Path], S]  # what is done with a seed before all
    # Of the input with this number, made from a seed for the nth time: what it is, and what became of it.
    attempt: Callable[[S, int, int, random.Random, Path], tuple[bytes, Measured]]
    replay: Callable[[Path, Path], Iterable[tuple[str, Measured]]]  # a saved input, asked in every way


class Outcome(NamedTuple):
    """What one batch gave."""

    counts: Counter[tuple[str, str]]  # by family of the seed and kind of the outcome
    slowest: tuple[float, str]  # seconds, which input
    grown: int  # bytes of memory beyond 4 times the input, at most
    failures: list[tuple[str, bytes]]


# --- mutations ---


def place(parts: tuple[tuple[int, int], ...], size: int, chance: random.Random) -> int:
    if parts and chance.randrange(2):
        start, end = chance.choice(parts)
        return min(chance.randrange(start, end), size - 1)
    return chance.randrange(size)


def mutate(data: bytes, chance: random.Random, parts: tuple[tuple[int, int], ...] = ()) -> bytes:
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        if not out:
            break
        at = place(parts, len(out), chance)
        kind = chance.randrange(8)
        if kind == 0:
            out[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            out[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        elif kind in (2, 3):  # a number, where numbers stand
            width = chance.choice((2, 4, 4, 8))
            at &= -width
            number = chance.choice(EDGES) + chance.choice((0, 0, -1, 1))
            out[at : at + width] = (number & (1 << 8 * width) - 1).to_bytes(
                width, chance.choice(("little", "big"))
            )
        elif kind == 4:
            del out[at:]
        elif kind == 5:
            size = min(chance.choice((1, 4, 16, 256)), len(out) - at)
            out[at : at + size] = bytes(size)
        elif kind == 6:  # one part over another one
            source, size = chance.randrange(len(out)), chance.choice((4, 8, 16, 64))
            out[at : at + size] = out[source : source + size]
        else:
            size = chance.choice((1, 4, 8))
            if chance.randrange(2):
                del out[at : at + size]
            else:
                out[at:at] = out[at : at + size]
    return bytes(out)


# --- one input ---


class TooManyWarningsError(Exception):
    """Nobody would read them."""


class TooSlowError(Exception):
    """The alarm went off."""


def few(told: tuple[str, ...]) -> None:
    """Fail where there are too many warnings."""
    if len(told) > MOST_WARNINGS:
        raise TooManyWarningsError(f"{len(told)} warnings, such as {told[-1]}")


def _alarm(_number: int, _frame: object) -> None:
    raise TooSlowError


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measured(ask: Callable[[], str], size: int) -> Measured:
    """Ask about an input of so many bytes; the answer is what kind of answer there was."""
    before, begin = _peak(), time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        kind = ask()
    except TooSlowError:
        kind = f"failed: more than {SECONDS} s"
    except Exception as error:  # noqa: BLE001  # that is what we are looking for
        at = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"failed: {type(error).__name__} in {Path(at.filename).name}:{at.lineno}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    seconds = time.monotonic() - begin
    # The peak only rises: what it rose by is what this input needed beyond what earlier ones did.
    excess = _peak() - before - 4 * size
    if excess > SLACK and ":" not in kind:
        kind = f"failed: {excess >> 20} MB of memory for {size} bytes"
    return Measured(kind, seconds, max(excess, 0))


# --- many of them ---


@dataclass
class Run(Generic[S]):
    """All that the processes share."""

    target: Target[S]
    corpus: list[S]
    seed: int
    folder: Path

    def path(self) -> Path:
        """Where this process has its input."""
        return self.folder / str(os.getpid())

    def batch(self, first: int, count: int) -> Outcome:
        """Inputs `first` to `first + count` of the run."""
        outcome = Outcome(Counter(), (0.0, ""), 0, [])
        for number in range(first, first + count):
            chance = random.Random(self.seed << 40 | number)
            nth, which = divmod(number, len(self.corpus))
            origin = self.corpus[which]
            data, (kind, seconds, excess) = self.target.attempt(origin, number, nth, chance, self.path())
            label = f"{origin.name} #{number}"
            outcome.counts[origin.name.split()[0], kind.partition(":")[0]] += 1
            if ":" in kind:
                outcome.failures.append((f"{kind} [{label}]", data))
            slowest, grown = max(outcome.slowest, (seconds, label)), max(outcome.grown, excess)
            outcome = outcome._replace(slowest=slowest, grown=grown)
        return outcome


_RUNS: list[Run[Any]] = []  # the one that a process was forked for


def _work(job: tuple[int, int]) -> Outcome:
    return _RUNS[0].batch(*job)


def batches(inputs: int, jobs: int) -> Iterator[Outcome]:
    todo = ((first, min(BATCH, inputs - first)) for first in range(0, inputs, BATCH))
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=200) as pool:
        yield from pool.imap_unordered(_work, todo)


def report(run: Run[S], options: argparse.Namespace) -> int:
    counts: Counter[tuple[str, str]] = Counter()
    failures: dict[str, tuple[str, bytes]] = {}
    failed, slowest, grown, begin = 0, (0.0, ""), 0, time.monotonic()
    for outcome in batches(options.inputs, options.jobs):
        counts += outcome.counts
        slowest, grown = max(slowest, outcome.slowest), max(grown, outcome.grown)
        failed += len(outcome.failures)
        for what, data in outcome.failures:
            failures.setdefault(re.sub(r"\d{3,}|0x[0-9a-f]+|\[.*", "…", what), (what, data))
    print(
        f"{counts.total():,} inputs from {len(run.corpus)} seeds in {time.monotonic() - begin:,.0f} s (--seed {run.seed})"
    )
    kinds = (*run.target.kinds, "failed")
    print("\n" + f"{'':12}" + "".join(f"{kind:>{len(kind) + 3}}" for kind in kinds))
    for family in sorted({family for family, _ in counts}):
        row = (f"{counts[family, kind]:{len(kind) + 3},}" for kind in kinds)
        print(f"{family:12}" + "".join(row))
    print(
        f"\nslowest {slowest[0]:.2f} s [{slowest[1]}]; memory beyond 4 x the input: at most {grown / 1e6:.0f} MB"
    )
    for what, data in failures.values():
        path = options.save / hashlib.sha256(data).hexdigest()[:16]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"{path}: {what}")
    print(f"{failed} failed" + (f", {len(failures)} kinds" if failed else ""))
    return 1 if failed else 0


def replay(target: Target[S], files: list[Path], folder: Path) -> int:
    bad = 0
    for file in files:
        for how, (kind, seconds, _) in target.replay(file, folder / "replayed"):
            print(f"{file}{how}: {kind} in {seconds:.3f} s")
            bad += ":" in kind
    return 1 if bad else 0


def main(doc: str, target: Target[S]) -> int:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", metavar="REGEX", help="seeds whose name matches")
    parser.add_argument("--save", type=Path, default=Path("fuzz-found"), metavar="DIR")
    parser.add_argument("--seeds", type=Path, nargs="+", metavar="FILE", help="mutate these instead")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, _alarm)
    warnings.filterwarnings("error", category=RuntimeWarning)
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="goinspect-fuzz-", dir=shared) as folder:
        if options.replay:
            return replay(target, options.replay, Path(folder))
        every = map(target.given, options.seeds) if options.seeds else target.seeds()
        run = Run(target, [], options.seed, Path(folder))
        run.corpus += [target.ready(seed, run.path()) for seed in every if re.search(options.only, seed.name)]
        if not run.corpus:
            parser.error(f"no seed matches {options.only!r}")
        sys.stdout.flush()
        _RUNS.append(run)
        return report(run, options)
