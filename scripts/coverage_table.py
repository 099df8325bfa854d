"""Write docs/coverage.md: how each Go release, platform and build mode is tested.

    python3 scripts/coverage_table.py                         # rewrite docs/coverage.md
    python3 scripts/coverage_table.py --manifest MANIFEST.tsv # first take the facts of the corpus anew from its manifest

The table follows from facts alone: the fixture directories, the builds that scripts/build_matrix.py keeps and can make,
and docs/coverage-corpus.tsv (what real third-party binaries scripts/check_corpus.py has been run on: Go release,
platform, container, build mode, how many; see there for the columns of a manifest). A test compares the result with
the committed page.
"""

from __future__ import annotations

import argparse
import collections
import csv
import re
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.build_matrix import BUNDLED, every_build  # noqa: E402  # found only after the line above

PAGE = ROOT / "docs" / "coverage.md"
CORPUS = ROOT / "docs" / "coverage-corpus.tsv"
VERSIONS = [(1, minor) for minor in range(2, 28)]
ORDER = ("real", "fixture", "built")

# What the columns are called there -> here. An executable with cgo is linked by the C toolchain.
MODES = {"exe": "exe", "external": "cgo exe", "cgo": "cgo exe", "pie": "pie", "extpie": "cgo pie", "cshared": "c-shared",
         "carchive": "c-archive", "plugin": "plugin", "race": "race",
         "texts": "cgo exe"}  # fmt: skip
AMD64_MODES = {"exe": (1, 2), "cgo exe": (1, 2), "pie": (1, 6), "cgo pie": (1, 6), "c-shared": (1, 5), "c-archive": (1, 5),
               "plugin": (1, 8), "race": (1, 2)}  # fmt: skip
# Since when Go has a port; (1, 2) for all that were there before this format of the table was.
LINUX = {"386": (1, 2), "arm": (1, 2), "arm64": (1, 5), "loong64": (1, 19), "mips": (1, 8), "mipsle": (1, 8),
         "mips64": (1, 6), "mips64le": (1, 6), "ppc64": (1, 5), "ppc64le": (1, 5), "riscv64": (1, 14), "s390x": (1, 7)}  # fmt: skip
OTHERS = {
    "windows/386": (1, 2), "windows/amd64": (1, 2), "windows/arm64": (1, 17),
    "darwin/386": (1, 2), "darwin/amd64": (1, 2), "darwin/arm64": (1, 16), "js/wasm": (1, 11), "aix/ppc64": (1, 12),
    "freebsd/386": (1, 2), "freebsd/amd64": (1, 2), "freebsd/arm64": (1, 14), "netbsd/amd64": (1, 2),
    "openbsd/amd64": (1, 2), "dragonfly/amd64": (1, 3), "solaris/amd64": (1, 3), "illumos/amd64": (1, 13),
    "android/arm64": (1, 5), "plan9/amd64": (1, 2),
}  # fmt: skip
LAST = {"darwin/386": (1, 14)}
NO_OPENER = {"plan9/amd64"}

HEAD = """# Coverage

How each combination of Go release, platform and build mode is tested. Written by `scripts/coverage_table.py`; a test
compares it with the facts it follows from.

- **real**: third-party binaries from package registries (npm, PyPI, Debian), {real} of them, fetched on demand. Function
  names and entries against `go tool nm`, positions against `go tool addr2line`, inlined calls against `addr2line -i` and
  `llvm-symbolizer` where there is DWARF: `scripts/check_corpus.py`.
- **fixture**: a stripped build of a program of ours, in `tests/fixtures`, with the answers of those tools and of the
  program's own runtime. Tested on every change.
- **built**: the same program, built on demand and compared in the same way: `scripts/build_matrix.py --check --all`.
- **synthetic**: no such binary at hand, but the tables of this release are written by `tests/builders` in both byte orders
  and pointer sizes, for all functions and all addresses, and read back: `tests/gosym/test_roundtrip.py`. The container is
  tested with other releases.
- **—**: not tested. A dot: Go had no such port or build mode.

No registry offers toolchains of Go 1.2 to 1.14, 1.16 to 1.18 and 1.20 any more.
"""


class Key(NamedTuple):
    """A cell's place."""

    version: tuple[int, int]
    platform: str
    mode: str


def read_manifest(path: Path) -> list[tuple[str, ...]]:
    """(Go series, platform, container, mode, number) of a manifest; packed files have no table and are left out."""
    count: collections.Counter[tuple[str, ...]] = collections.Counter()
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            version = re.match(r"go(1\.\d+)", row["go"])
            if version and row["packed"] == "-":
                mode = "cgo exe" if (row["buildmode"], row["cgo"]) == ("exe", "cgo") else row["buildmode"]
                count[version[1], row["osarch"], row["fmt"], mode] += 1
    return [(*key, str(number)) for key, number in sorted(count.items(), key=lambda item: _series(item[0]))]


def _series(key: tuple[str, ...]) -> tuple[object, ...]:
    return (tuple(map(int, key[0].split("."))), *key[1:])


def facts() -> dict[Key, set[str]]:
    """How each place is tested."""
    found: dict[Key, set[str]] = collections.defaultdict(set)
    with CORPUS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            found[Key(_version(row["go"]), row["platform"], row["mode"])].add("real")
    for directory in (ROOT / "tests" / "fixtures").glob("go1.*-*"):
        series, mode = directory.name.removeprefix("go").split("-")
        found[Key(_version(series), "linux/amd64", "pie" if mode.startswith("pie") else "exe")].add("fixture")
    for build in BUNDLED:
        found[Key(build.version, f"{build.goos}/{build.goarch}", MODES[build.mode])].add("fixture")
    for build in every_build():
        found[Key(build.version, f"{build.goos}/{build.goarch}", MODES[build.mode])].add("built")
    return found


def _version(series: str) -> tuple[int, int]:
    major, minor = series.split(".")
    return int(major), int(minor)


def cell(
    found: dict[Key, set[str]], keys: list[Key], since: tuple[int, int], last: tuple[int, int] = (1, 99)
) -> str:
    """What stands in one cell: the kinds of test of all its places."""
    version = keys[0].version
    kinds = set().union(*(found.get(key, set()) for key in keys))
    if kinds:
        return ", ".join(kind for kind in ORDER if kind in kinds)
    if not since <= version <= last:
        return "·"
    return "—" if keys[0].platform in NO_OPENER else "synthetic"


def table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [["Go", *columns], ["---"] * (len(columns) + 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def page() -> str:
    """The whole page."""
    found = facts()
    with CORPUS.open(encoding="utf-8", newline="") as file:
        real = sum(int(row["number"]) for row in csv.DictReader(file, delimiter="\t"))
    parts = [HEAD.format(real=real)]
    every_mode = sorted(set(MODES.values()) | {"c-shared", "c-archive"})

    def rows(places: dict[str, tuple[list[tuple[str, str]], tuple[int, int]]]) -> list[list[str]]:
        return [
            [f"1.{version[1]}"]
            + [
                cell(found, [Key(version, *place) for place in where], since, LAST.get(name, (1, 99)))
                for name, (where, since) in places.items()
            ]
            for version in VERSIONS
        ]

    parts.append(
        "\n## linux/amd64 by build mode\n\nWith cgo the C toolchain links; without, Go's own linker does.\n\n"
    )
    modes = {mode: ([("linux/amd64", mode)], since) for mode, since in AMD64_MODES.items()}
    parts.append(table(list(modes), rows(modes)))
    parts.append(
        "\n## Linux on other processors\n\nExecutables and shared objects, with and without cgo. Text in several sections: "
        "linux/arm (fixture, built), and synthetic for Go 1.18 and later.\n\n"
    )
    archs = {
        arch: ([(f"linux/{arch}", mode) for mode in every_mode if "pie" not in mode], since)
        for arch, since in LINUX.items()
    }
    parts.append(table(list(archs), rows(archs)))
    parts.append("\n## Position-independent executables on other processors\n\n")
    pies = {
        arch: ([(f"linux/{arch}", "pie"), (f"linux/{arch}", "cgo pie")], max(since, (1, 6)))
        for arch, since in LINUX.items()
        if arch not in {"mips", "mipsle", "mips64", "mips64le", "ppc64"}
    }
    parts.append(table(list(pies), rows(pies)))
    parts.append(
        "\n## Other systems\n\nPE for Windows, Mach-O for macOS, XCOFF for AIX, a.out for Plan 9, else ELF.\n\n"
    )
    systems = {name: ([(name, mode) for mode in every_mode], since) for name, since in OTHERS.items()}
    parts.append(table(list(systems), rows(systems)))
    return "".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--manifest", type=Path, help="rewrite docs/coverage-corpus.tsv from this manifest first"
    )
    options = parser.parse_args()
    if options.manifest:
        lines = [("go", "platform", "container", "mode", "number"), *read_manifest(options.manifest)]
        CORPUS.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
