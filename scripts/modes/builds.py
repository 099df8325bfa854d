"""The builds of tests/fixtures/modes: what they are called and how they are made."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Paths end up in binaries and recordings, so everything happens in a place whose name says nothing about the machine.
NEUTRAL = Path("/tmp/goinspect-modes")
RELEASES = ("1.24.11", "1.27.3")
TOOLS = ("perf", "gdb", "dlv", "bpftrace", "llvm-symbolizer", "addr2line", "readelf", "strip", "gcc")


@dataclass(frozen=True)
class Mode:
    """A way of building."""

    flags: tuple[str, ...] = ()
    cgo: bool = False
    twin: str = ""  # the mode that has the same code with symbols and DWARF, when this one has not
    strip: bool = False
    runs: bool = True  # an executable
    newest: bool = False  # built with the newest release only
    kept: bool = True  # in the repository


STRIPPED = "-ldflags=-s -w"
BUILDS: dict[str, Mode] = {
    "default": Mode(),
    "w": Mode(("-ldflags=-w",), twin="default"),
    "s-w": Mode((STRIPPED,), twin="default"),
    "strip": Mode(twin="default", strip=True),
    "pie": Mode(("-buildmode=pie",)),
    "pie-s-w": Mode(("-buildmode=pie", STRIPPED), twin="pie"),
    "external": Mode(("-ldflags=-linkmode=external",), cgo=True),
    "noopt": Mode(("-gcflags=all=-N -l",)),
    # Beyond the eight.
    "external-s-w": Mode(("-ldflags=-linkmode=external -s -w",), cgo=True, twin="external"),
    "trimpath": Mode(("-trimpath",), newest=True, kept=False),
    "trimpath-s-w": Mode(("-trimpath", STRIPPED), twin="trimpath", newest=True),
    "race": Mode(("-race",), cgo=True, newest=True, kept=False),
    "c-shared": Mode(("-buildmode=c-shared",), cgo=True, runs=False, newest=True, kept=False),
    "plugin": Mode(("-buildmode=plugin",), cgo=True, runs=False, newest=True, kept=False),
    "c-archive": Mode(("-buildmode=c-archive",), cgo=True, runs=False, newest=True, kept=False),
}


@dataclass(frozen=True)
class Build:
    """One binary: a Go release and a mode."""

    release: str
    mode: str

    @property
    def series(self) -> str:
        """Such as go1.27."""
        return f"go{self.release.rpartition('.')[0]}"

    @property
    def name(self) -> str:
        """Such as go1.27/pie."""
        return f"{self.series}/{self.mode}"

    @property
    def directory(self) -> Path:
        """Where it is built and run."""
        return NEUTRAL / "builds" / self.name

    @property
    def binary(self) -> Path:
        """The binary."""
        return self.directory / "modes"

    @property
    def twin(self) -> Build:
        """The build of the same code with symbols and DWARF."""
        return Build(self.release, BUILDS[self.mode].twin or self.mode)

    def command(self, output: str, *tags: str) -> list[str]:
        """How it is built."""
        return ["go", "build", "-buildvcs=false", *tags, *BUILDS[self.mode].flags, "-o", output, "."]

    def environment(self) -> dict[str, str]:
        """What the command depends on."""
        return {"CGO_ENABLED": "1" if BUILDS[self.mode].cgo else "0"}


def tool_versions(*tools: str) -> dict[str, str]:
    """What each tool says its release is."""
    found = {}
    for tool in tools:
        option = "version" if tool == "dlv" else "--version"
        done = subprocess.run([tool, option], check=True, capture_output=True, text=True)
        line = next(line for line in done.stdout.splitlines() if re.search(r"\d+\.\d+", line))
        found[tool] = line.strip()
    return found
