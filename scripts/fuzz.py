#!/usr/bin/env python3
"""Feed mutated Go executables to goinspect: nothing but GoinspectError may come out, soon, in little memory.

    scripts/fuzz.py [-n INPUTS] [--seed N] [--jobs N] [--only REGEX] [--save DIR]
    scripts/fuzz.py --seeds FILE... [...]      real files instead (also in tests/fixtures/**/*.xz)
    scripts/fuzz.py --replay FILE...

Seeds are small modules of every release whose layout differs, for both byte orders and pointer sizes, in every
container that goinspect opens, written by tests/builders; those named "rich" also have symbol tables, DWARF, types,
build information and notes. Mutations are truncations, flipped bits, numbers at the edges of their range, moved and
repeated blocks; half of them in what goinspect reads rather than anywhere: headers, and each section as often as any
other one. Each input is opened as a file and asked everything: functions by the pure and by the numpy engine, lines,
inlined calls, sizes, symbols, build information, what `symbols`, `info` and `compare` show and how they print it.

An input fails when anything but GoinspectError escapes (or a RuntimeWarning of numpy), when it takes longer than 10 s,
when memory grows by more than 4 times its size + 100 MB, or when there are more than 40 warnings. Failing inputs are written to DIR (default: fuzz-found) and named by what happened; the
exit code is 1. Every input follows from --seed and its number, so a run can be repeated.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import itertools
import lzma
import mmap
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
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# numpy reads this when it is loaded: the imports below stand behind it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from goinspect.errors import GoinspectError  # noqa: E402
from scripts.fuzz_seeds import RICH, Seed, parts_of, rich_seeds, seeds  # noqa: E402

if TYPE_CHECKING:
    from goinspect.binary import Binary

SECONDS = 10
SLACK = 100 << 20
BATCH = 500
COMMANDS_EVERY = 8  # inputs: what the commands do on top takes longer than all the rest
MOST_WARNINGS = 40
EDGES = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    (1 << 63) - 1,
    (1 << 64) - 1,
)


class Outcome(NamedTuple):
    """What one batch gave."""

    counts: Counter[str]
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


# --- the questions ---


class TooManyWarningsError(Exception):
    """Nobody would read them."""


def ask(path: str, number: int, *, raw: bool, commands: bool, original: str = "") -> str:
    """Ask everything there is to ask of input `number`; returns what kind of answer there was."""
    from goinspect.binary import Binary

    try:
        binary = Binary(path, raw=raw)
    except GoinspectError:
        return "refused"
    if original:
        answer = ask_whole_files(path, number, raw=raw, original=original)
        if not commands:
            return answer
    with contextlib.suppress(GoinspectError):
        list(itertools.islice(binary.image.symbols(), 200))
    with contextlib.suppress(GoinspectError):
        binary.image.build_id()
    try:
        binary.go  # noqa: B018  # opens the table
    except GoinspectError:
        return "no table"
    answer = ask_table(binary)
    if commands:
        ask_commands(binary)
    return answer


def ask_commands(binary: Binary) -> None:
    """What the commands answer from."""
    from goinspect.analysis.disasm.listing import disassemble
    from goinspect.analysis.pcln import frames as lines
    from goinspect.analysis.pcln import functions, linetable, sizes
    from goinspect.render.json import disasm as disasmjson
    from goinspect.render.text import disasm as disasmtext

    def disassembled() -> None:
        first = binary.go.table.entry(0)
        for queries in (["main.f1"], ["b.go:300"], [f"{first:#x}-{first + 64:#x}", f"{first + 5:x}"]):
            with contextlib.suppress(GoinspectError):
                found = disassemble(binary, queries, folders=["/nonexistent"])
                disasmtext.render_text(found, code=True)
                disasmjson.render_json(found)

    for question in (
        disassembled,
        lambda: functions.list_functions(binary),
        lambda: functions.list_inlined_only(binary),
        lambda: sizes.list_sizes(binary),
        lambda: linetable.line_table(binary, ["main.f1"]),
        lambda: lines.resolve(binary, ["b.go:300", "0x401005", "main.f1+2"]),
    ):
        with contextlib.suppress(GoinspectError):
            question()


def ask_whole_files(path: str, number: int, *, raw: bool, original: str) -> str:
    """What `symbols`, `info` and `compare` show; each with a Binary of its own, as a process has.

    Not all of it of every input, for they take turns; all of it when `number` is negative. A file that can be opened
    should get some answer from each: "no answer" is none that fails, but worth a look (FUZZ_TELL=1 prints why).
    """
    from goinspect.analysis.builds import compare, overview
    from goinspect.analysis.symbols import listing as symbols
    from goinspect.analysis.symbols import sizes as symbolsizes
    from goinspect.binary import Binary
    from goinspect.render import symbolfolded
    from goinspect.render.json import compare as comparejson
    from goinspect.render.json import info as infojson
    from goinspect.render.json import symbols as symboljson
    from goinspect.render.text import compare as comparetext
    from goinspect.render.text import info as infotext
    from goinspect.render.text import symbols as symboltext
    from goinspect.results.info import InfoReport

    def listed() -> tuple[str, ...]:
        found = symbols.list_symbols(Binary(path, raw=raw))
        for by in ("package", "module", "section", "kind"):
            groups = symbolsizes.sum_sizes(found, by)
            symboltext.render_groups(groups)
        symboljson.render_groups(groups)
        symbolfolded.render_folded(symbolsizes.size_stacks(found))
        for render in (symboltext.render_table, symboltext.render_csv, symboljson.render):
            render(found)
        return found.warnings

    def as_nm() -> tuple[str, ...]:
        found = symbols.list_symbols(Binary(path, raw=raw), symbols.SymbolQuery(as_nm=True, sort="size"))
        symboltext.render_nm(found)
        return found.warnings

    def described() -> tuple[str, ...]:
        report = InfoReport((overview.describe(Binary(path, raw=raw)),))
        infotext.render_text(report, deps=True, verbose=True)
        infojson.render_go_version(report.files)
        infojson.render_json(report, several=False)
        return report.files[0].warnings

    def compared() -> tuple[str, ...]:
        found = compare.compare([Binary(original, raw=raw), Binary(path, raw=raw)])
        comparetext.render_text(found, symbols=True)
        comparetext.render_markdown(found, symbols=True)
        comparejson.render(found)
        return found.warnings

    # Seeds take turns by their number already.
    questions = [
        listed,
        described,
        *([as_nm] if number // 7 % 2 else []),
        *([compared] if number // 5 % 4 == 0 else []),
    ]
    answer = "answered"
    for question in questions if number >= 0 else (listed, described, as_nm, compared):
        try:
            told = question()
        except GoinspectError as error:
            answer = "no answer"
            if os.environ.get("FUZZ_TELL"):
                print(question.__name__, error.message, file=sys.stderr)
        else:
            if len(told) > MOST_WARNINGS:
                raise TooManyWarningsError(f"{len(told)} warnings, such as {told[-1]}")
    return answer


def ask_table(binary: Binary) -> str:
    import numpy as np

    from goinspect.gosym import inline
    from goinspect.gosym.bulk import listing, places

    table = binary.go.table
    answer = "answered"
    low, high = table.entry(0), table.entry(table.nfunc)
    pcs = [low - 1, low, low + 5, (low + high) // 2, high - 1, high, 0, (1 << 64) - 1]
    try:
        for index in {0, 1 % table.nfunc, table.nfunc // 2, table.nfunc - 1}:
            func = table.func(index)
            if func is not None:
                table.name(func)
                table.frame_size(func)
                inline.inlined_names(table, func)
                inline.expand(table, func, func.entry + 2)
        for pc in pcs:
            binary.frames(pc)
    except GoinspectError:
        answer = "damaged"
    try:
        bulk = binary.bulk
        array = np.array([pc % (1 << 64) for pc in pcs], dtype=np.uint64)
        bulk.frames(array)
        places.pcs_of_line(bulk, 300)
        listing.list_functions(bulk)
    except GoinspectError:
        answer = "damaged"
    return answer


# --- running ---


class TooSlowError(Exception):
    """The alarm went off."""


def _alarm(_number: int, _frame: object) -> None:
    raise TooSlowError


def memory_now() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


def run_batch(first: int, count: int, seed: int, corpus: list[Seed], scratch: str) -> Outcome:
    """Inputs `first` to `first + count` of the run."""
    signal.signal(signal.SIGALRM, _alarm)
    warnings.filterwarnings("error", category=RuntimeWarning)
    path = f"{scratch}/goinspect-fuzz-{os.getpid()}"
    counts: Counter[str] = Counter()
    failures: list[tuple[str, bytes]] = []
    slowest, grown = (0.0, ""), 0
    for number in range(first, first + count):
        chance = random.Random(seed << 40 | number)
        origin = corpus[number % len(corpus)]
        data = mutate(origin.data, chance, origin.parts)
        commands = number % COMMANDS_EVERY == 0
        original = write_original(path, origin) if commands or origin.name.startswith(RICH) else ""
        kind, seconds, excess = run_one(
            path, data, number, raw=origin.raw, commands=commands, original=original
        )
        slowest = max(slowest, (seconds, f"{origin.name} #{number}"))
        grown = max(grown, excess)
        family = origin.name.split()[0]
        counts[f"{family}\t{kind.partition(':')[0]}"] += 1
        if ":" in kind:
            failures.append((f"{kind} [{origin.name} #{number}]", data))
    return Outcome(counts, slowest, grown, failures)


def write_original(path: str, seed: Seed) -> str:
    """The file to compare with."""
    Path(f"{path}-original").write_bytes(seed.data)
    return f"{path}-original"


def run_one(
    path: str, data: bytes, number: int = -1, *, raw: bool, commands: bool = True, original: str = ""
) -> tuple[str, float, int]:
    """(outcome, seconds, bytes of memory beyond 4 times the input); an outcome with a colon is a failure."""
    with contextlib.suppress(FileNotFoundError):
        Path(path).unlink()
    Path(path).write_bytes(data)
    resource_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    begin = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        kind = ask(path, number, raw=raw, commands=commands, original=original)
    except TooSlowError:
        kind = f"failed: more than {SECONDS} s"
    except Exception as error:  # noqa: BLE001  # that is what we are looking for
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"failed: {type(error).__name__} in {Path(place.filename).name}:{place.lineno}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    seconds = time.monotonic() - begin
    # The peak only rises: what it rose by is what this input needed beyond what earlier ones did.
    excess = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - resource_before - 4 * len(data)
    if excess > SLACK and ":" not in kind:
        kind = f"failed: {excess >> 20} MB of memory for {len(data)} bytes"
    return kind, seconds, max(excess, 0)


def _work(job: tuple[int, int, int, str]) -> Outcome:
    first, count, seed, scratch = job
    return run_batch(first, count, seed, _CORPUS, scratch)


_CORPUS: list[Seed] = []


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
    if options.replay:
        return replay(options.replay, scratch)
    given = [Seed(f"{RICH} {path.name}", content(path)) for path in options.seeds or ()]
    every = given or itertools.chain(seeds(), rich_seeds())
    _CORPUS.extend(
        seed._replace(parts=parts_of(seed.data, scratch, raw=seed.raw))
        for seed in every
        if re.search(options.only, seed.name)
    )
    if not _CORPUS:
        parser.error(f"no seed matches {options.only!r}")
    for seed in _CORPUS:  # the sound ones must be understood, or nothing is tested
        kind, _, _ = run_one(f"{scratch}/goinspect-fuzz-{os.getpid()}", seed.data, raw=seed.raw)
        if kind != "answered":
            print(f"seed {seed.name}: {kind}", file=sys.stderr)
    return report(options, scratch)


def content(path: Path) -> bytes:
    """The bytes of a file, unpacked where it is a fixture."""
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


def report(options: argparse.Namespace, scratch: str) -> int:
    counts: Counter[str] = Counter()
    failures: dict[str, tuple[str, bytes]] = {}
    failed, slowest, grown, begin = 0, (0.0, ""), 0, time.monotonic()
    jobs = (
        (first, min(BATCH, options.inputs - first), options.seed, scratch)
        for first in range(0, options.inputs, BATCH)
    )
    with multiprocessing.get_context("fork").Pool(options.jobs, maxtasksperchild=200) as pool:
        for outcome in pool.imap_unordered(_work, jobs):
            counts += outcome.counts
            slowest, grown = max(slowest, outcome.slowest), max(grown, outcome.grown)
            for what, data in outcome.failures:
                failed += 1
                key = re.sub(r"\d{3,}|0x[0-9a-f]+|\[.*", "…", what)
                failures.setdefault(key, (what, data))
    total = sum(counts.values())
    print(
        f"{total:,} inputs from {len(_CORPUS)} seeds in {time.monotonic() - begin:,.0f} s (--seed {options.seed})"
    )
    families = sorted({key.partition("\t")[0] for key in counts})
    kinds = ["answered", "no answer", "damaged", "no table", "refused", "failed"]
    print("\n" + f"{'':12}" + "".join(f"{kind:>12}" for kind in kinds))
    for family in families:
        print(f"{family:12}" + "".join(f"{counts[family + chr(9) + kind]:12,}" for kind in kinds))
    print(
        f"\nslowest {slowest[0]:.2f} s [{slowest[1]}]; memory beyond 4 x the input: at most {grown / 1e6:.0f} MB"
    )
    for what, data in failures.values():
        name = hashlib.sha256(data).hexdigest()[:16]
        options.save.mkdir(parents=True, exist_ok=True)
        (options.save / name).write_bytes(data)
        print(f"{options.save / name}: {what}")
    print(f"{failed} failed" + (f", {len(failures)} kinds" if failed else ""))
    return 1 if failed else 0


def replay(files: list[Path], scratch: str) -> int:
    signal.signal(signal.SIGALRM, _alarm)
    warnings.filterwarnings("error", category=RuntimeWarning)
    bad = 0
    for file in files:
        data = file.read_bytes()
        for raw in (False, True):
            kind, seconds, _ = run_one(
                f"{scratch}/goinspect-fuzz-{os.getpid()}", data, raw=raw, original=str(file)
            )
            print(f"{file}{' (raw)' if raw else ''}: {kind} in {seconds:.3f} s")
            bad += ":" in kind
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
