"""Compare types and itabs read from stripped Go binaries with the DWARF and the symbols of their unstripped twins.

    python3 scripts/checks/check_types.py --go GOROOT... --work DIR [--arch ARCH...] [--match REGEX]
    python3 scripts/checks/check_types.py --go GOROOT --work DIR --corpus DIR --manifest MANIFEST.tsv [--match REGEX]

The first form builds scripts/checks/types_program with each toolchain, as executable and as PIE, with DWARF and with
-ldflags="-s -w"; the second reads binaries that other people built, which have DWARF (columns path, fmt, dwarf and
packed of the manifest, as for scripts/checks/check_corpus.py). Truth are debug/dwarf of Go (scripts/checks/dwarf_types.go, built with
the newest toolchain given): address, kind, size and name of each type that has a descriptor; and `go tool nm -size`:
address, size and name of each itab up to Go 1.26. A line per binary, exit 1 when something differs that is not in
EXPLAINED.
"""

from __future__ import annotations

import argparse
import ast
import collections
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import goinspect
from goinspect.errors import GoinspectError
from goinspect.gosym.types.data import read_types
from goinspect.gosym.types.kinds import KIND_MASK, KINDS
from scripts.checks.corpus import wanted_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.gosym.types.data import GoType, TypeData

HERE = Path(__file__).resolve().parent
SHOWN = 4
LOCAL = re.compile("\u00b7[0-9]+")
NUMBER = re.compile(r"\.[0-9]+(?=,|$)")  # the same in symbols
NO_HASH = "noalg."
ITAB = re.compile(r"^\s*([0-9a-f]+)\s+(-?\d+) \S (go[.:]itab\..*)$")
MODES = {"exe": [], "pie": ["-buildmode=pie"]}

EXPLAINED = {
    "number of a local type": "types declared in functions are T\u00b71, T\u00b72 to the linker and T in type data",
    "cached itab": "until Go 1.6 an itab's symbol is a pointer that is set at run time",
    "main of Bazel": "rules_go compiled package main under its import path, which type data has, and linked it as main",
    "noalg": "before Go 1.14 type data does not say which types of the compiler have no equality function",
    "no descriptor": "DWARF of a type the linker makes itself, whose address is none of type data",
}


class TypeRow(NamedTuple):
    """A type in DWARF."""

    value: int  # of DW_AT_go_runtime_type
    kind: str  # "" where the DWARF does not say
    size: int  # 0 where the DWARF does not say
    name: str


class Outcome:
    """What was found out about one binary."""

    def __init__(self, name: str) -> None:
        self.name, self.seconds = name, 0.0
        self.container, self.has_equal = "", True
        self.counts: collections.Counter[str] = collections.Counter()
        self.explained: collections.Counter[str] = collections.Counter()
        self.differences: dict[str, list[str]] = collections.defaultdict(list)


def run(command: list[str | Path], **environment: str) -> str:
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **environment})
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def go(root: Path, work: Path, *arguments: str, cwd: Path, **environment: str) -> None:
    settings = {
        "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOCACHE": str(work / "gocache"), "GOPATH": str(work / "gopath"),
        "CGO_ENABLED": "0", "GOROOT": str(root), **environment,
    }  # fmt: skip
    subprocess.run([root / "bin/go", *arguments], check=True, cwd=cwd, env={**os.environ, **settings})


def dwarf_rows(tool: Path, binary: Path) -> list[TypeRow]:
    rows = []
    for line in run([tool, binary]).splitlines():
        value, kind, size, _tag, name = line.split("\t")
        number = int(kind) & KIND_MASK
        # Only what Go's tool prints in Go syntax that Python reads as Go does.
        rows.append(
            TypeRow(int(value, 16), KINDS[number] if number else "", int(size), ast.literal_eval(name))
        )
    return [row for row in rows if row.value]


def check_types(rows: list[TypeRow], found: TypeData, outcome: Outcome) -> None:
    """Each type of DWARF that has a descriptor."""
    ours = {one.vaddr: one for one in found.types}
    base = found.address if sum(row.value + found.address in ours for row in rows) * 2 > len(rows) else 0
    in_dwarf = set()
    for row in rows:
        vaddr = row.value + base
        one = ours.get(vaddr)
        in_dwarf.add(vaddr)
        if one is not None:
            outcome.counts["types"] += 1
            compare(row, one, outcome)
        elif not found.address <= vaddr < found.address + found.bytes:
            outcome.explained["no descriptor"] += 1
        else:
            outcome.differences["missing"].append(f"{vaddr:#x} {row.name}")
    outcome.counts["not in DWARF"] = len(ours.keys() - in_dwarf)


def compare(row: TypeRow, one: GoType, outcome: Outcome) -> None:
    name = LOCAL.sub("", row.name)
    if name != row.name:
        outcome.explained["number of a local type"] += 1
    if name == NO_HASH + one.name and not outcome.has_equal:
        outcome.explained["noalg"] += 1
    elif name != one.name:
        outcome.differences["name"].append(f"{one.vaddr:#x} {row.name} is {one.name}")
    if row.kind and row.kind != one.kind:
        outcome.differences["kind"].append(f"{row.name}: {row.kind} is {one.kind}")
    if row.size and row.size != one.size and one.kind != "func":
        outcome.differences["size"].append(f"{row.name}: {row.size} is {one.size}")


def of_bazel(name: str, ours: str) -> bool:
    """Whether `ours` is `name` with an import path in the place of main."""
    parts = [re.escape(part) for part in name.split("main.")]
    return len(parts) > 1 and re.fullmatch(r"[\w./%-]+\.".join(parts), ours) is not None


def check_itabs(nm: str, found: TypeData, outcome: Outcome) -> None:
    """Each itab that has a symbol."""
    sized = found.itabs and outcome.container == "ELF"
    rows = [match for line in nm.splitlines() if (match := ITAB.match(line))]
    ours = {itab.vaddr: itab for itab in found.itabs}
    for row in rows if ours else ():
        vaddr, size, name = int(row[1], 16), int(row[2]), LOCAL.sub("", row[3])
        itab = ours.get(vaddr)
        outcome.counts["itabs"] += 1
        if itab is None:
            outcome.differences["no itab"].append(f"{vaddr:#x} {name}")
        elif itab.name == name:
            pass
        elif itab.name == NUMBER.sub("", name):
            outcome.explained["number of a local type"] += 1
        elif of_bazel(name, itab.name):
            outcome.explained["main of Bazel"] += 1
        else:
            outcome.differences["itab"].append(f"{name} is {itab.name}")
        if sized and itab is not None and itab.size != size:
            outcome.differences["size of itab"].append(f"{name} {size} is {itab.size}")
    if not ours and rows:
        outcome.explained["cached itab"] += len(rows)
    elif rows and len(ours) != len(rows):
        outcome.differences["itabs"].append(f"{len(ours)}, {len(rows)} have symbols")


def check(name: str, binary: Path, twin: Path, tool: Path, root: Path) -> Outcome:
    """What is read from `binary` against DWARF and symbols of `twin`."""
    outcome = Outcome(name)
    try:
        opened = goinspect.open(binary)
        module = opened.go
        outcome.container = opened.image.container
        outcome.has_equal = module.table.release.since >= (1, 14)
        start = time.process_time()
        found = read_types(opened.image, module)
        outcome.seconds = time.process_time() - start
    except GoinspectError as error:
        outcome.differences["refused"].append(error.message)
        return outcome
    rows = dwarf_rows(tool, twin)
    if found is None:
        if rows:
            outcome.differences["none"].append("no types")
        return outcome
    for warning in found.warnings:
        outcome.differences["warning"].append(warning)
    outcome.counts["all"] = len(found.types)
    check_types(rows, found, outcome)
    check_itabs(run([root / "bin/go", "tool", "nm", "-size", twin], GOTOOLCHAIN="local"), found, outcome)
    return outcome


def built(options: argparse.Namespace, tool: Path) -> Iterator[Outcome]:
    for root in options.go:
        version = re.search(r"go[0-9.]+", (root / "VERSION").read_text())
        release = version[0] if version else root.name
        for arch in options.arch:
            for mode, flags in MODES.items():
                name = f"{release} {arch} {mode}"
                if not re.search(options.match, name) or (
                    mode == "pie" and arch in ("386", "arm", "riscv64")
                ):
                    continue  # these link PIE with a C compiler only
                target = options.work / name.replace(" ", "-")
                twin, stripped = target.with_name(target.name + ".dwarf"), target
                for out, more in ((twin, []), (stripped, ["-ldflags=-s -w"])):
                    go(root, options.work, "build", "-trimpath", *flags, *more, "-o", str(out), ".",
                       cwd=HERE / "types_program", GOARCH=arch, GOOS="linux")  # fmt: skip
                yield check(name, stripped, twin, tool, root)


def collected(options: argparse.Namespace, tool: Path) -> Iterator[Outcome]:
    rows, _ = wanted_rows(options.manifest, options.corpus, options.match)
    for row in rows:
        path = options.corpus / row["path"]
        if row["packed"] == "-":
            name = f"{row['go']} {row['osarch']} {row['buildmode']} {row['path'].partition('/')[2]}"
            yield check(name, path, path, tool, options.go[0])


def report(outcome: Outcome) -> None:
    counts = ", ".join(f"{count} {what}" for what, count in outcome.counts.items())
    print(f"{'DIFF' if outcome.differences else 'ok'}\t{outcome.name}\t{counts}\t{outcome.seconds:.2f}s")
    for kind, examples in outcome.differences.items():
        print(f"\t- {kind} ({len(examples)}): " + "; ".join(examples[:SHOWN]))
    for kind, count in outcome.explained.items():
        print(f"\t  ({count} {EXPLAINED[kind]})")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--go", type=Path, nargs="+", required=True, help="GOROOT of toolchains, the newest first"
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for what is built")
    parser.add_argument("--arch", nargs="+", default=["amd64"])
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--match", default="", help="only what this is found in")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    tool = options.work / "dwarf_types"
    go(options.go[0], options.work, "build", "-o", str(tool.resolve()), "dwarf_types.go", cwd=HERE)
    outcomes = []
    for outcome in collected(options, tool) if options.corpus else built(options, tool):
        report(outcome)
        outcomes.append(outcome)
    total = sum((outcome.counts for outcome in outcomes), collections.Counter())
    failed = sum(bool(outcome.differences) for outcome in outcomes)
    counts = ", ".join(f"{count} {what}" for what, count in total.items())
    print(f"{len(outcomes)} checked, {failed} with unexplained differences: {counts}")
    return 1 if failed or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
