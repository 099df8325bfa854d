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

import gzip
import lzma
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
# numpy reads this when it is loaded: the imports below stand behind it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from goinspect.errors import GoinspectError  # noqa: E402
from scripts.fuzz.harness import Measured, Target, few, main, measured, mutate  # noqa: E402

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from goinspect.profiles.base import NamedStacks, Profile
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

    profile: Profile | NamedStacks
    try:
        if number % 2 and sniff(data):
            profile = parse((data[at : at + 4096] for at in range(0, len(data), 4096)), "stdin")
        else:
            profile = open_profile(path)
    except GoinspectError as error:
        if "\n" in str(error):
            raise
        return "refused"
    few(profile.warnings)
    if number % DRAWN_EVERY == 0 and isinstance(profile, Profile):
        return draw(profile, number // DRAWN_EVERY, path)
    return "answered with warnings" if profile.warnings else "answered"


def draw(profile: Profile, turn: int, path: Path) -> str:
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
    few(folded.warnings)
    return "drawn"


# --- running ---


def ask_file(path: Path, data: bytes, number: int, size: int) -> Measured:
    """Ask about input `number`, which unpacks to `size` bytes."""
    symbols = Path(f"{path}-kallsyms")
    if not symbols.exists():
        symbols.write_text(f"{KERNEL:x} T _text\n{KERNEL + 0x100:x} t work\n")
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    return measured(partial(ask, path, data, number), size)


def attempt(origin: Seed, number: int, nth: int, chance: random.Random, path: Path) -> tuple[bytes, Measured]:
    damaged = mutate(origin.data, chance)
    data = origin.wrap(damaged) if origin.wrap else damaged
    # Of one seed the numbers are all even, or all odd, where the number of seeds is even.
    return data, ask_file(path, data, nth + number, max(len(data), len(damaged)))


def replay(file: Path, path: Path) -> Iterator[tuple[str, Measured]]:
    data = file.read_bytes()
    for number in range(2 * DRAWN_EVERY):
        yield f" {number}", ask_file(path, data, number, len(data))


TARGET = Target(
    kinds=("answered", "answered with warnings", "drawn", "not drawn", "refused"),
    seeds=lambda: [*seeds(), *real_seeds()],
    given=lambda path: Seed(f"real {path.name}", path.read_bytes()),
    ready=lambda seed, _: seed,
    attempt=attempt, replay=replay,
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(__doc__, TARGET))
