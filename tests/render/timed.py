"""A recording of half a minute that is known by heart, and what perf says of a real one."""

from __future__ import annotations

import lzma
from collections import Counter
from typing import TYPE_CHECKING

from tests.conftest import FIXTURES

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PERIOD", "SAMPLES", "Sample", "by_hand", "script", "switched"]

PERIOD = 1_000_000
# ms, thread, CPU, stack from the root on. A second is busy by turns: whoever is late began early.
Sample = tuple[float, int, int, str]
SAMPLES: list[Sample] = [
    *[(1000 * second + 10 * i, 41, 0, "main.main;main.load") for second in range(5) for i in range(1, 4)],
    *[(5000 + 40 * i, 42, 1, "main.main;main.serve;main.parse") for i in range(100)],
    *[(12_000 + 25.5 * i, 43, 1, "main.main;main.serve;main.write") for i in range(200)],
    *[(20_000 + 500 * i, 41, 0, "main.main;main.close") for i in range(20)],
]


def script() -> str:
    """What perf script prints of it."""
    lines = []
    for at, tid, cpu, stack in sorted(SAMPLES):
        lines.append(f"server 41/{tid} [{cpu:03}] {100 + at / 1000:.6f}: {PERIOD} cpu-clock: ")
        lines += [
            f"\t{0x4000 + 16 * len(name):x} {name}+0x10 (/bin/server)" for name in reversed(stack.split(";"))
        ]
        lines.append("")
    return "\n".join(lines) + "\n"


def by_hand(begin: float = 0, end: float = 1e9) -> Counter[str]:
    """How many samples from one ms to another, counted from the first one, go through each function."""
    first = min(SAMPLES)[0]
    told = [stack for at, _, _, stack in SAMPLES if begin <= at - first < end]
    return Counter(name for stack in told for name in stack.split(";"))


def switched(folder: Path) -> tuple[Path, list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """A recording with context switches; its samples and its waits as perf tells them: begin and weight in ns, thread."""
    there = FIXTURES / "recordings/switches"
    path = folder / "perf.data"
    path.write_bytes(lzma.decompress((there / "perf.data.xz").read_bytes()))
    rows = _rows(there / "samples.txt.xz")
    samples = [
        (int(time), int(weight), int(tid)) for time, _, tid, event, weight in rows if event == "cpu-clock"
    ]
    waits, gone = [], {}
    for time, tid, way in _rows(there / "switches.txt.xz"):
        if way == "OUT":
            gone[tid] = int(time)
        elif tid in gone:
            waits.append((gone[tid], int(time) - gone.pop(tid), int(tid)))
    return path, sorted(samples), sorted(waits)


def _rows(path: Path) -> list[list[str]]:
    return [
        line.split("\t") for line in lzma.open(path, "rt").read().splitlines() if not line.startswith("#")
    ]
