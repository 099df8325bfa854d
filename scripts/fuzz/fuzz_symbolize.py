#!/usr/bin/env python3
"""Feed mutated maps, tracers' stacks, dumps and logs to `goinspect symbolize`: nothing but GoinspectError may come out, soon, in little memory.

    scripts/fuzz/fuzz_symbolize.py [-n INPUTS] [--seed N] [--jobs N] [--only REGEX] [--save DIR]
    scripts/fuzz/fuzz_symbolize.py --seeds FILE... [...]      real files instead
    scripts/fuzz/fuzz_symbolize.py --replay FILE...

Seeds are tests/fixtures/tracers and texts made here. Maps are mutated beside sound stacks, all else beside sound maps; mutations are
those of fuzz.py, and ones that put other numbers where numbers stand. An input fails as in fuzz_perf.py; failing inputs are written to DIR
(default: fuzz-found).
"""

from __future__ import annotations

import itertools
import os
import re
import sys
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
    from collections.abc import Iterator

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures"
FOLDER = FIXTURES / "tracers"
BINARY = str(FIXTURES / "go1.27-piestripped" / "workload")
NUMBER = re.compile(rb"[0-9a-fA-F]{2,20}")
LINES = (
    b"@[\n",
    b", \n",
    b"]: 5\n",
    b"key:\n",
    b"value:\n",
    b"    0x1\n",
    b";",
    b"\0",
    b"\xff\xfe",
    b"[[[[",
    b"\r\n",
    b"{" * 9,
)


class Seed(NamedTuple):
    """A sound text."""

    name: str
    data: bytes


def seeds() -> Iterator[Seed]:
    for path in sorted(FOLDER.iterdir()):
        if path.name != "recipe.txt":
            yield Seed(f"{path.name} real", path.read_bytes())
    base = int((FOLDER / "maps.txt").read_text().partition("/tmp")[0].splitlines()[-1].partition("-")[0], 16)
    some = [f"{base + step:#x}" for step in range(0x2000, 0x9000, 0x333)]
    yield Seed("list made", "\n".join(some).encode())
    yield Seed("log made", "".join(f"panic at {a}: pc={a} sp=0x10\n" for a in some).encode())
    yield Seed("folded made", "".join(f"7;w;{a};{b}_[k] 3\n" for a, b in itertools.pairwise(some)).encode())
    yield Seed("lines made", "".join(
        f'{{"pid": 1, "tgid": 2, "comm": "w", "stack_id": 3, "user": ["{a}", 12, "f"], "kernel": [], "count": 2}}\n' for a in some
    ).encode())  # fmt: skip


def numbers(data: bytes, chance: random.Random) -> bytes:
    """Other numbers where numbers stand, and pieces of the formats anywhere."""
    found = list(NUMBER.finditer(data))
    for _ in range(chance.choice((1, 1, 2, 8))):
        if found and chance.randrange(3):
            match = chance.choice(found)
            new = b"%x" % max(0, chance.choice((*EDGES, 1 << 70, 1 << 63)) + chance.choice((0, 0, 1, -1)))
            data = data[: match.start()] + new + data[match.end() :]
        else:
            at = chance.randrange(len(data) + 1)
            data = data[:at] + chance.choice(LINES) + data[at:]
    return data


# --- the questions ---


def ask(path: Path, data: bytes, *, maps: bool) -> str:
    from goinspect.api.symbolize import Named, Source, stacks_reader
    from goinspect.render.symbolized.document import render_json
    from goinspect.render.symbolized.folded import render_folded
    from goinspect.render.symbolized.text import annotated, render_rows

    given = (FOLDER / "ustack.bpftrace").read_bytes() if maps else data
    try:
        named = Named(Source(maps=str(path if maps else FOLDER / "maps.txt"), binaries=[BINARY]))
        reader = stacks_reader(given)
        if reader is None:
            b"".join(annotated([given], named.rows))
            return "passed through"
        report = named.stacks(reader(given))
        render_folded(report.stacks or ())
        for piece in (*render_json(report), *render_rows(report)):
            piece.encode("utf-8", "backslashreplace")
    except GoinspectError as error:
        if "\n" in str(error):
            raise
        return "refused"
    few(report.warnings)
    return "folded"


# --- running ---


def ask_file(path: Path, data: bytes, *, maps: bool) -> Measured:
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    return measured(partial(ask, path, data, maps=maps), len(data))


def attempt(origin: Seed, number: int, nth: int, chance: random.Random, path: Path) -> tuple[bytes, Measured]:
    data = chance.choice((mutate, numbers))(origin.data, chance)
    return data, ask_file(path, data, maps=origin.name.startswith("maps"))


def replay(file: Path, path: Path) -> Iterator[tuple[str, Measured]]:
    data = file.read_bytes()
    for maps in (False, True):
        yield " as maps" if maps else "", ask_file(path, data, maps=maps)


TARGET = Target(
    kinds=("folded", "passed through", "refused"),
    seeds=seeds,
    given=lambda path: Seed(f"real {path.name}", path.read_bytes()),
    ready=lambda seed, _: seed,
    attempt=attempt, replay=replay,
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(__doc__, TARGET))
