#!/usr/bin/env python3
"""Feed mutated pprof profiles to goinspect: nothing but GoinspectError may come out, soon, in little memory.

    scripts/fuzz/fuzz_pprof.py [-n INPUTS] [--seed N] [--jobs N] [--only REGEX] [--save DIR]
    scripts/fuzz/fuzz_pprof.py --seeds FILE... [...]      real files instead
    scripts/fuzz/fuzz_pprof.py --replay FILE...

Seeds are small profiles in every shape that tests/builders write, and those of tests/fixtures; they are mutated unpacked, and
packed with gzip or zstd in one of four inputs, where the packed bytes are mutated in half of these. Mutations are those of
fuzz.py, and further ones that put numbers at the limits where varints stand. One in four is drawn as well, with the
options in turn, and written as pprof again. An input fails as in fuzz_perf.py; failing inputs are written to DIR (default: fuzz-found).
"""

from __future__ import annotations

import gzip
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
# numpy reads this when it is loaded: the imports below stand behind it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from goinspect.errors import GoinspectError
from scripts.fuzz.harness import EDGES, Measured, Target, few, main, measured, mutate

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from goinspect.profiles.base import Profile as Opened

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures"
LARGEST = 1 << 16
DRAWN_EVERY = 4


class Seed(NamedTuple):
    """A sound profile, not compressed."""

    name: str
    data: bytes


def seeds() -> Iterator[Seed]:
    from tests.builders.pprof import Profile

    for packed in (True, False):
        for step in (1, 1 << 40):
            profile = Profile(packed=packed, step=step)
            mapping = profile.mapping(0x400000, 0x500000, 0, "/bin/x", "ab" * 20)
            kernel = profile.mapping(0xFFFFFFFF81000000, (1 << 64) - 1, 0, "[kernel.kallsyms]")
            functions = [
                profile.function(name, "x.go", 3) for name in ("main.main", "malloc", "runtime.mallocgc")
            ]
            places = [
                profile.location((f, 5), (functions[0], 9), address=0x400010, mapping=mapping)
                for f in functions
            ]
            places.append(profile.location(address=0x400100, mapping=mapping))
            places.append(profile.location(address=0xFFFFFFFF81000100, mapping=kernel))
            for row in range(12):
                profile.sample(
                    [places[(row * n) % 5] for n in range(row)], [1, row * 1000], pid=row % 3, comm=f"c{row % 2}", k=(row, "bytes"),
                )  # fmt: skip
            for field, value in (
                (7, "malloc|.*alloc.*"),
                (8, "x+"),
                (9, 10**18),
                (10, 10**9),
                (12, 100),
                (13, "text"),
                (14, "cpu"),
            ):
                profile.fact(field, value)
            yield Seed(f"made {'packed' if packed else 'loose'} {step}", profile.build())
    for path in sorted((FIXTURES / "pprof").glob("*/*.pprof")):
        data = gzip.decompress(path.read_bytes())
        if len(data) <= LARGEST:
            yield Seed(f"real {path.parent.name} {path.stem}", data)


def varints(data: bytes, chance: random.Random) -> bytes:
    """Numbers at the limits in places where a number may stand."""
    from tests.builders.pprof import varint

    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(out) + 1)
        new = varint(chance.choice(EDGES) + chance.choice((0, 0, 1, -1)))
        out[at : at + chance.choice((0, 1, 1, len(new)))] = new
    return bytes(out)


# --- the questions ---


def ask(path: Path, number: int) -> str:
    from goinspect.profiles import open_profile
    from goinspect.profiles.base import Profile

    try:
        profile = open_profile(path)
    except GoinspectError as error:
        if "\n" in str(error):
            raise
        return "refused"
    few(profile.warnings)
    if number % DRAWN_EVERY == 0 and isinstance(profile, Profile):
        return draw(profile, number // DRAWN_EVERY, path)
    return "answered with warnings" if profile.warnings else "answered"


def draw(profile: Opened, turn: int, path: Path) -> str:
    from goinspect.analysis.options import FlameOptions
    from goinspect.analysis.stacks.fold import fold
    from goinspect.analysis.stacks.together import Together
    from goinspect.render.folded import render_folded
    from goinspect.render.outputs import DrawOptions, output_for
    from goinspect.render.pprof.output import render as render_pprof
    from goinspect.render.svg.picture import render_svg
    from goinspect.views.graph import draw as draw_graph

    key = profile.labels.keys[0] if profile.labels and profile.labels.keys else "k"
    options = FlameOptions(
        kallsyms=f"{path}-kallsyms", by=("process", "thread", "comm", "none", f"label:{key}")[turn % 5], lines=turn % 3 == 0,
        inlines=turn % 2 == 0, reverse=turn % 7 == 0, event=f"#{1 + turn % 3}" if turn % 4 else None,
        labels=((key, "a"),) if turn % 6 == 5 else (), every_type=turn % 5 == 1,
    )  # fmt: skip
    again = replace(options, reverse=False, **output_for("pprof", None).asks)
    try:
        folded = fold(profile, options)
        if turn % 8 == 3:
            together = Together(options, 2)
            for _ in range(2):
                together.add(folded, "x")
            folded = together.profile()
        render_folded(folded)
        render_svg(draw_graph(folded.stacks, title="x"))
        render_pprof(fold(profile, again), DrawOptions())
    except GoinspectError:
        return "not drawn"
    few(folded.warnings)
    return "drawn"


# --- running ---


def packing(number: int) -> Callable[[bytes], bytes] | None:
    if number % 4:
        return None
    from tests.builders.perfcontainers import zstd

    return partial(gzip.compress, compresslevel=1, mtime=0) if number % 8 else zstd().compress


def ask_file(path: Path, data: bytes, number: int, size: int) -> Measured:
    symbols = Path(f"{path}-kallsyms")
    if not symbols.exists():
        symbols.write_text("ffffffff81000000 T _text\nffffffff81000100 t work\n")
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    return measured(partial(ask, path, number), size)


def attempt(origin: Seed, number: int, nth: int, chance: random.Random, path: Path) -> tuple[bytes, Measured]:
    pack, number = packing(chance.randrange(16)), nth + number
    change = chance.choice((mutate, varints))
    if pack is not None and chance.randrange(2):
        data = mutate(pack(origin.data), chance)
        size = len(origin.data)
    else:
        damaged = change(origin.data, chance)
        size = len(damaged)
        data = pack(damaged) if pack else damaged
    return data, ask_file(path, data, number, max(size, len(data)))


def replay(file: Path, path: Path) -> Iterator[tuple[str, Measured]]:
    data = file.read_bytes()
    for number in range(4 * DRAWN_EVERY):
        yield f" {number}", ask_file(path, data, number, len(data))


TARGET = Target(
    kinds=("answered", "answered with warnings", "drawn", "not drawn", "refused"),
    seeds=seeds,
    given=lambda path: Seed(f"real {path.name}", path.read_bytes()),
    ready=lambda seed, _: seed,
    attempt=attempt, replay=replay,
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(__doc__, TARGET))
