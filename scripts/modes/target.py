"""What other tools can still do with a build of tests/fixtures/modes: the nouns and how an answer is judged.

Used by scripts/build_modes.py, which writes the verdicts down, and by the test that asks the same tools again. goinspect
takes no part. A consumer is a function of a `Target` that yields verdicts: `yes`, `partly` or `no`, with the few words
of the tool's output that decided. tests/fixtures/modes/README.md says what each verdict means.
"""

from __future__ import annotations

import bisect
import os
import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


HOT = ("main.inl3", "main.inl2", "main.inl1", "main.hot")  # innermost first; the first three are inlined
YES, PARTLY, NO = "yes", "partly", "no"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Verdict(NamedTuple):
    """What a consumer could do with a build."""

    consumer: str
    verdict: str
    evidence: str


class Symbol(NamedTuple):
    """A line of `go tool nm -size`."""

    address: int
    size: int
    kind: str
    name: str


@dataclass
class Truth:
    """What is true of a build: asked of the same code with symbols and DWARF."""

    symbols: list[Symbol]  # of the text, by address
    chains: dict[int, list[tuple[str, str]]] = field(
        default_factory=dict
    )  # pc: (function, file:line), innermost first

    def name(self, pc: int) -> str | None:
        """The function that holds a PC."""
        at = bisect.bisect_right(self.symbols, pc, key=lambda symbol: symbol.address) - 1
        if at < 0:
            return None
        symbol = self.symbols[at]
        return symbol.name if pc < symbol.address + max(symbol.size, 1) else None

    @property
    def main(self) -> str:
        """What names of the main package begin with: in a plugin its path."""
        return (
            "main."
            if any(symbol.name.startswith("main.") for symbol in self.symbols)
            else "example.com/modes."
        )

    def own(self) -> list[Symbol]:
        """The functions of the main package."""
        return [symbol for symbol in self.symbols if symbol.name.startswith(self.main)]

    def address(self, name: str) -> int:
        """Where a function starts."""
        return next(symbol.address for symbol in self.symbols if symbol.name == name)


@dataclass
class Target:
    """A build, and what is needed to ask about it."""

    name: str
    binary: Path
    scratch: Path  # where recordings may be written
    truth: Truth
    go: Path | None = None  # the go command of its release
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    profiled: Path | None = None  # built in the same way with -tags pprof
    log: list[str] = field(default_factory=list)

    @property
    def optimized(self) -> bool:
        """Whether anything is inlined."""
        return self.name != "noopt"

    def run(self, *command: str | Path, stdin: str | None = None, timeout: int = 120) -> tuple[int, str]:
        """Run a tool; its exit status and what it printed, on both streams."""
        argv = [str(part) for part in command]
        try:
            done = subprocess.run(
                argv, check=False, cwd=self.scratch, input=stdin, env=self.environment, timeout=timeout,
                stdin=subprocess.DEVNULL if stdin is None else None, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace",
            )  # fmt: skip
            status, output = done.returncode, ANSI.sub("", done.stdout)
        except subprocess.TimeoutExpired:
            status, output = -1, "timed out"
        shown = output if len(output) < 6000 else f"{output[:6000]}...\n"
        self.log.append(f"$ {' '.join(argv)}\n{shown.rstrip()}\n[exit {status}]\n")
        return status, output


def share(right: int, total: int, *, what: str) -> tuple[str, str]:
    """A verdict about a count: yes from 95 % on, no up to 5 %."""
    if not total or right <= total * 0.05:
        return NO, f"{right} of {total} {what}"
    return YES if right >= total * 0.95 else PARTLY, f"{right} of {total} {what}"


def first(output: str, pattern: str = r"\S") -> str:
    """The first line that matches, to show."""
    found = next((line.strip() for line in output.splitlines() if re.search(pattern, line)), "nothing")
    return found.replace("\t", " ")[:150]


def vaddr_of(loads: list[tuple[int, int, int]], offset: int) -> int | None:
    """File offset to vaddr, by the program headers (offset, vaddr, size in the file)."""
    return next(
        (offset - start + vaddr for start, vaddr, size in loads if start <= offset < start + size), None
    )


def load_segments(target: Target) -> list[tuple[int, int, int]]:
    """PT_LOAD of a binary: offset, vaddr, size in the file."""
    _, text = target.run("readelf", "-lW", target.binary)
    row = re.compile(r"^\s*LOAD\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)", re.MULTILINE)
    return [(int(a, 16), int(b, 16), int(c, 16)) for a, b, c in row.findall(text)]


def parse_nm(output: str) -> list[Symbol]:
    """Lines of `go tool nm -size`."""
    row = re.compile(r"^\s*([0-9a-f]+)\s+(\d+)\s+(\S)\s+(.*)$", re.MULTILINE)
    return [Symbol(int(a, 16), int(s), kind, name) for a, s, kind, name in row.findall(output)]
