"""Compare goinspect with other tools on real third-party Go binaries.

    python3 scripts/checks/check_corpus.py DIR --manifest MANIFEST.tsv --truth TRUTH [--match REGEX] [--jobs N]

DIR holds the binaries. They belong to other people and are in no repository; anything that fetches them from the
package registries will do. Nothing of goinspect goes into the expected answers.

MANIFEST.tsv has a header line, tabs between columns, no quoting. Other columns than these are ignored:

    path     of the binary below DIR, such as real/npm/esbuild@0.28.2/esbuild
    go       what the file says of its Go release, such as go1.27.3; "go1.4* (devel ...)" where that names no release
    osarch   GOOS/GOARCH
    fmt      container: ELF, PE, Mach-O or XCOFF
    buildmode exe, pie, c-shared, ...
    dwarf    "no" or what there is of it (with --symbolizer)
    packed   "-", or the packer's name (then there must be no table)
    magic    first word of the table as it is in the file, such as fffffff1
    endian, minlc, ptr, nfunc   as the table's header has them
    truth    comma-separated kinds of the truth files, or "-"

TRUTH holds gzip files named like the path without its first part, "/" written "__":

    NAME.nm.gz            `go tool nm -size -sort address`
    NAME.addr2line.gz     pc, outermost function, innermost file:line; from `go tool addr2line` or debug/gosym
    NAME.dwarf-inline.gz  `addr2line -a -f -i` of GNU binutils over the DWARF

One line per binary, a summary, and exit 1 when something differs that `EXPLAINED` does not explain.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import multiprocessing
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import goinspect
from goinspect.errors import GoinspectError
from goinspect.gosym import inline
from scripts.checks.chains import (
    chain_of,
    dwarf_chains,
    normal,
    same_chain,
    symbolizer_chains,
    why_not_same,
)
from scripts.checks.corpus import add_corpus_options, wanted_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect.binary import Binary
    from goinspect.gosym.pclntab import PclnTable

FEW = 50  # fewer different inlined functions than this no real program has
SHOWN = 3  # examples of each difference that a line of the report gives
# Text symbols that mark a place and have no function of their own.
MARKERS = re.compile(r"(runtime\.)?_?(e?text|text\.\d+)$|_?_mh_(execute|dylib)_header$|\.\S*$|\$[adtx]\b.*$")
# Linker-made entries into the middle of a function: runtime.duffcopy+64.
LOCAL = re.compile(r".+\+\d+$")


@dataclass
class Outcome:
    """What was found out about one binary."""

    name: str
    what: str
    seconds: float = 0.0
    functions: int = 0
    named: int = 0
    positions: int = 0
    chains: int = 0
    inlined: int = 0
    version: str = ""
    explained: collections.Counter[str] = field(default_factory=collections.Counter)
    differences: list[str] = field(default_factory=list)

    def differ(self, kind: str, examples: list[str], *, total: int | None = None) -> None:
        """Note differences of one kind, with the first few of them."""
        if examples:
            count = total if total is not None else len(examples)
            self.differences.append(f"{kind} ({count}): " + "; ".join(examples[:SHOWN]))


def truth_lines(truth: Path, path: str, kind: str) -> list[str]:
    file = truth / f"{path.partition('/')[2].replace('/', '__')}.{kind}.gz"
    if not file.exists():
        return []
    return gzip.decompress(file.read_bytes()).decode("utf-8", "replace").splitlines()


def entries(table: PclnTable) -> Iterator[tuple[int, str]]:
    for index in range(table.nfunc):
        func = table.func(index)
        if func is not None:
            yield func.entry, table.name(func)


def check_header(row: dict[str, str], binary: Binary, outcome: Outcome) -> None:
    header, image = binary.go.header, binary.image
    ours = {
        "fmt": image.container,
        "osarch": image.arch,
        "endian": {"little": "le", "big": "be"}[header.byteorder],
        "minlc": str(header.quantum),
        "ptr": str(header.ptrsize),
        "nfunc": str(header.nfunc),
    }
    theirs = {key: row[key] for key in ours}
    theirs["osarch"] = row["osarch"].partition("/")[2]
    theirs["fmt"] = "ar" if row["buildmode"] == "c-archive" else theirs["fmt"]
    if row["buildmode"] == "c-archive":
        ours["fmt"] = "ar"  # an archive is whatever the container of its member is
    outcome.differ(
        "header",
        [f"{key}: expected {theirs[key]}, got {ours[key]}" for key in ours if ours[key] != theirs[key]],
    )
    outcome.functions = header.nfunc


def check_version(row: dict[str, str], binary: Binary, outcome: Outcome) -> None:
    expected = re.sub(r"^go1\.\d+\*? \((.*)\)$", r"\1", row["go"]).rstrip("*")  # "go1.4* (devel ...)"
    got = binary.go.go_version or ""
    outcome.version = got
    if got.split(" ")[0] != expected.split(" ")[0]:
        release = ".".join(map(str, binary.go.table.release.since))
        outcome.differ("version", [f"expected {expected}, got {got or 'none'}, read as {release}"])


def check_nm(row: dict[str, str], binary: Binary, lines: list[str], outcome: Outcome) -> None:
    pattern = re.compile(r"^\s*([0-9a-f]+)?\s+(\d+)\s+(\S)\s+(.*)$")
    theirs: dict[int, set[str]] = collections.defaultdict(set)
    for line in lines:
        if (match := pattern.match(line)) and match[1] and match[3] in "tT":
            theirs[int(match[1], 16)].add(match[4])
    if not theirs:
        return
    table = binary.go.table
    prefixed = row["fmt"] == "Mach-O" or row["osarch"] == "windows/386"  # C's underscore stands before names
    mine: dict[int, set[str]] = collections.defaultdict(set)
    for entry, name in entries(table):
        mine[entry].add(normal(name))
    outcome.named = sum(map(len, mine.values()))
    missing = []
    for entry, names in mine.items():
        there = {normal(name) for name in theirs.get(entry, ())}
        if prefixed:
            there |= {name.removeprefix("_") for name in there}
        missing += [f"{entry:#x} {name!r} in the pclntab, nm {sorted(there)}" for name in names - there]
    low, high = table.entry(0), table.entry(table.nfunc)
    extra = []
    for address, names in theirs.items():
        if low <= address < high and address not in mine:
            for name in names:
                why = (
                    "marker" if MARKERS.match(name)
                    else "local label" if LOCAL.match(name)
                    else "C symbol" if row["cgo"] == "cgo" and "." not in name
                    else ""
                )  # fmt: skip
                if why:
                    outcome.explained[why] += 1
                else:
                    extra.append(f"{address:#x} {name!r} in nm only")
    outcome.differ("not in nm", missing)
    outcome.differ("not in the pclntab", extra)


def check_positions(row: dict[str, str], binary: Binary, lines: list[str], outcome: Outcome) -> None:
    rows = [tuple(line.split("\t")) for line in lines if line.startswith("0x")]
    pcs = [int(pc, 16) for pc, _, _ in rows]
    table = binary.go.table
    chains, engines = chain_of(binary, pcs)
    outcome.differ("engines disagree", engines)
    wrong_name, wrong_place = [], []
    header = table.header
    end = header.functab + header.functab_size
    stored = bytes(binary.image.read(table.vaddr + end - header.field_size, header.field_size))
    blind = header.layout.entry_size == 0 and not any(stored)
    for pc, (_, function, place), chain in zip(pcs, rows, chains, strict=True):
        index = table.find(pc)
        func = table.func(index) if index is not None else None
        if func is None:
            if function != "?":
                wrong_name.append(f"{pc:#x}: expected {function}, got no function")
            continue
        file, line = table.position(func, pc)
        answer = f"{file}:{line}" if file is not None else ":-1"
        name = table.name(func)
        if name != function:
            wrong_name.append(f"{pc:#x}: expected {function!r}, got {name!r}")
        if place == ":-1" and file is not None and blind:
            # Go's tool applies no relocations, so to it the table ends at 0: the name is the symbol table's.
            outcome.explained["end of the table left to a relocation"] += 1
        elif answer != place and file is None and not (func.pcfile or func.pcln):
            # Go's tool decodes byte 0 of pctab as if it were the function's table.
            outcome.explained["functions without tables"] += 1
        elif answer != place and not (file is None and place in {"?:0", ":-1", "?:-1", ":0"}):
            wrong_place.append(f"{pc:#x} in {function}: expected {place!r}, got {answer!r}")
        if chain[-1].function != name or (chain[0].file, chain[0].line) != (file, line):
            wrong_place.append(f"{pc:#x} in {function}: chain {chain} does not fit {answer}")
    outcome.positions = len(rows)
    outcome.inlined = sum(len(chain) > 1 for chain in chains)
    outcome.differ("function", wrong_name)
    outcome.differ("file:line", wrong_place)


def check_tree_names(binary: Binary, outcome: Outcome) -> None:
    """Every inlined call must be named by a whole string of the name table: a wrong gofunc shows here."""
    table = binary.go.table
    header = table.header
    if not header.layout.has_cutab:
        return
    names = {
        name.decode("utf-8", "backslashreplace")
        for name in bytes(table.data[header.funcnametab : header.cutab]).split(b"\0")
    }
    wrong, distinct, trees = list[str](), set[str](), 0
    for index in range(table.nfunc):
        func = table.func(index)
        if func is not None:
            found = inline.inlined_names(table, func)
            wrong += [f"{table.name(func)}: {name!r}" for name in found if name not in names]
            distinct.update(found)
            trees += bool(found)
    outcome.differ("inlined names that are none", wrong)
    if trees > FEW and len(distinct) < FEW:
        outcome.differ("inlined names that are always the same", sorted(distinct))


def check_chains(
    binary: Binary, kind: str, expected: dict[int, list[tuple[str, str]]], outcome: Outcome
) -> None:
    chains, engines = chain_of(binary, list(expected))
    wrong = []
    for (pc, theirs), frames in zip(expected.items(), chains, strict=True):
        ours = [(frame.function, f"{frame.file}:{frame.line}") for frame in frames]
        if same_chain(ours, theirs):
            continue
        if why := why_not_same(binary, pc, ours, theirs):
            outcome.explained[f"{kind}: {why}"] += 1
            continue
        wrong.append(f"{pc:#x}: expected {theirs}, got {ours}")
    outcome.chains += len(expected)
    outcome.differ(kind, wrong)
    outcome.differ("engines disagree", engines)


def check(job: tuple[dict[str, str], Path, Path, str]) -> Outcome:
    row, directory, truth, symbolizer = job
    outcome = Outcome(
        row["path"].partition("/")[2], f"{row['go']} {row['osarch']} {row['fmt']} {row['buildmode']}"
    )
    start = time.perf_counter()
    try:
        binary = goinspect.open(directory / row["path"])
        if row["packed"] != "-":
            try:
                module = binary.go
            except GoinspectError as error:
                outcome.explained[f"packed by {row['packed']}: {error.message}"] += 1
            else:
                outcome.differ("packed", [f"has a table ({module.found_by}, {module.table.nfunc} functions)"])
            return outcome
        check_header(row, binary, outcome)
        check_version(row, binary, outcome)
        for warning in binary.warnings:
            outcome.explained[f"warning: {warning}"] += 1
        check_nm(row, binary, truth_lines(truth, row["path"], "nm"), outcome)
        check_positions(row, binary, truth_lines(truth, row["path"], "addr2line"), outcome)
        check_tree_names(binary, outcome)
        recorded = dwarf_chains(truth_lines(truth, row["path"], "dwarf-inline"))
        check_chains(
            binary, "inline chain", {pc: chain for pc, chain in recorded if chain[0][0] != "??"}, outcome
        )
        if symbolizer and row["fmt"] == "ELF" and row["dwarf"] not in {"no", "?"}:
            asked = symbolizer_chains(symbolizer, directory / row["path"], binary)
            check_chains(binary, "llvm-symbolizer", asked, outcome)
    except GoinspectError as error:
        outcome.differ("refused", [f"{type(error).__name__}: {error.message}"])
    except Exception as error:  # noqa: BLE001 - a crash is a finding; the other binaries must still be checked
        outcome.differ("crash", [f"{type(error).__name__}: {error}"])
    finally:
        outcome.seconds = time.perf_counter() - start
    return outcome


def report(outcome: Outcome) -> None:
    state = "DIFF" if outcome.differences else "ok"
    print(
        f"{state}\t{outcome.name}\t{outcome.what}\tfunctions {outcome.functions}, in nm {outcome.named}, "
        f"positions {outcome.positions} ({outcome.inlined} inlined), chains {outcome.chains}\t{outcome.seconds:.1f}s"
    )
    for text in outcome.differences:
        print(f"\t- {text}")
    for text, count in outcome.explained.items():
        print(f"\t  ({text}: {count})")
    sys.stdout.flush()


def summary(outcomes: list[Outcome]) -> None:
    groups: dict[str, list[Outcome]] = collections.defaultdict(list)
    for outcome in outcomes:
        groups[outcome.what.split(" ")[-2]].append(outcome)
    print("\ncontainer  binaries  differing  functions  in nm  positions  chains")
    for container, members in sorted(groups.items()):
        print(
            f"{container:9}  {len(members):8}  {sum(bool(o.differences) for o in members):9}  "
            f"{sum(o.functions for o in members):9}  {sum(o.named for o in members):5}  "
            f"{sum(o.positions for o in members):9}  {sum(o.chains for o in members):6}"
        )
    kinds = collections.Counter(text.partition(" (")[0] for o in outcomes for text in o.differences)
    print(
        "kinds of differences:",
        ", ".join(f"{kind}: {count} binaries" for kind, count in kinds.most_common()) or "none",
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_corpus_options(parser)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument(
        "--symbolizer", default="", help="also ask this llvm-symbolizer about files that have DWARF"
    )
    options = parser.parse_args()
    there, absent = wanted_rows(options.manifest, options.directory, options.match)
    outcomes = []
    with multiprocessing.Pool(options.jobs) as pool:
        for outcome in pool.imap(
            check, [(row, options.directory, options.truth, options.symbolizer) for row in there]
        ):
            report(outcome)
            outcomes.append(outcome)
    summary(outcomes)
    failed = sum(bool(outcome.differences) for outcome in outcomes)
    print(f"{len(outcomes)} checked, {failed} with unexplained differences, {absent} absent")
    return 1 if failed or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
