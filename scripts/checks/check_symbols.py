"""Compare `goinspect symbols` with `go tool nm -size` on real Go binaries.

    python3 scripts/checks/check_symbols.py DIR --manifest MANIFEST.tsv [--go GO] [--match REGEX] [--jobs N]

DIR holds the binaries and MANIFEST.tsv describes them, as for scripts/checks/check_corpus.py (columns path, symtab, fmt,
nfunc, packed). Where a file has a symbol table, every function and variable, with its address, size and letter, must be
what `go tool nm -size` says; where it has none, the functions must be as many as the table's header says. Exit 1 when
something differs that is not in EXPLAINED.
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import goinspect
from goinspect.analysis.symbols.listing import SymbolQuery, list_symbols
from goinspect.errors import GoinspectError
from scripts.checks.corpus import add_corpus_options, wanted_rows

if TYPE_CHECKING:
    from goinspect.binary import Binary
    from goinspect.results.symbols import SymbolRows

SHOWN = 4
ROW = re.compile(r"^\s*([0-9a-f]*)\s+(-?\d+) (\S) (.*)$")

EXPLAINED = {
    "file": "names of source files, which are no symbols",
    "absolute": "not an address: Windows' section and absolute symbols, which Go's tool marks ? or C",
    "section": "the name of a section at its start",
    "end of section": "Go's tool lets the last symbol of a section without sizes reach to the next section",
    "letter of bss": "of Windows' .data, where .bss begins in the padding that the file has bytes for",
    "underscore": "C's underscore, which Mach-O and 32-bit Windows put before every name",
    "gopclntab only": "functions that no symbol has",
    "version": "dynamic symbols are not in Go's list",
}


class Row(NamedTuple):
    """A line of nm."""

    address: int
    size: int
    letter: str
    name: str


class Outcome(NamedTuple):
    """What was found out about one binary."""

    name: str
    listed: int
    equal: int
    functions: int
    explained: dict[str, int]
    differences: list[str]


def nm(go: str, path: Path) -> list[Row] | None:
    done = subprocess.run(
        [go, "tool", "nm", "-size", "-sort", "address", path],
        check=False,
        capture_output=True,
        text=True,
        errors="backslashreplace",
    )
    if done.returncode:
        return None
    rows = []
    for line in done.stdout.splitlines():
        match = ROW.match(line)
        if match:
            rows.append(Row(int(match[1] or "0", 16), int(match[2]), match[3], match[4]))
    return rows


def check(job: tuple[dict[str, str], Path, str]) -> Outcome:
    row, directory, go = job
    path = directory / row["path"]
    explained: collections.Counter[str] = collections.Counter()
    differences: list[str] = []
    listed = equal = functions = 0
    try:
        binary = goinspect.open(path)
        functions = len(list_symbols(binary, SymbolQuery(source="gopclntab", owners=False)).rows)
        answer = list_symbols(binary, SymbolQuery(as_nm=True)).rows
        if row["packed"] == "-" and functions != present(binary):
            differences.append(f"functions: header says {row['nfunc']}, listed {functions}")
        theirs = nm(go, path)
        if theirs:
            listed = len(theirs)
            equal = compare(row, binary, answer, theirs, explained, differences)
    except GoinspectError as error:
        differences.append(f"refused: {error}")
    except Exception as error:  # noqa: BLE001 - a crash is a finding; the other binaries must still be checked
        differences.append(f"crash: {type(error).__name__}: {error}")
    return Outcome(row["path"], listed, equal, functions, dict(explained), differences)


def present(binary: Binary) -> int:
    """Functions of the header, without the holes between text sections."""
    table = binary.go.table
    return sum(1 for index in range(table.nfunc) if table.func(index) is not None)


def compare(
    row: dict[str, str],
    binary: Binary,
    answer: SymbolRows,
    theirs: list[Row],
    explained: collections.Counter[str],
    differences: list[str],
) -> int:
    """Both ways, as multisets; returns how many lines are equal."""
    underscore = row["fmt"] == "Mach-O"
    in_symtab = [mine for mine in answer if mine.sources != ("gopclntab",) and mine.sources != ("dynsym",)]
    explained["gopclntab only"] += len(answer) - len(in_symtab)
    elf = row["fmt"] == "ELF"
    if not elf:  # Go's tool gives what is not defined, or no address, sizes as if it were one
        explained["absolute"] += sum(r.letter in "?C" for r in theirs)
        in_symtab = [r for r in in_symtab if r.letter != "U"]
        theirs = [r for r in theirs if r.letter not in "U?C"]
    mine = collections.Counter(
        Row(0 if r.letter == "U" else r.address or 0, r.size or 0, r.letter, r.symbol or r.name)
        for r in in_symtab
    )
    other = collections.Counter(Row(r.address if r.letter != "U" else 0, *r[1:]) for r in theirs)
    equal = sum((mine & other).values())
    left, right = list((mine - other).elements()), list((other - mine).elements())
    by_place = collections.defaultdict(list)
    for item in left:
        by_place[item.address].append(item)
    sections = {s.name for s in binary.image.sections}
    for item in right:
        why = ""
        match = next(
            (m for m in by_place[item.address] if same_name(m.name, item.name, underscore=underscore)), None
        )
        if match is not None:
            by_place[item.address].remove(match)
            why = differing(binary, match, item)
        elif item.letter in "_?C" or (item.letter == "_" and item.size == 0):
            why = "file" if item.letter == "_" else "absolute"
        elif item.name in sections:
            why = "section"
        elif item.name == "__mh_execute_header":
            why = "absolute"
        if why in EXPLAINED:
            explained[why] += 1
        else:
            differences.append(f"nm {item}, here {match or by_place[item.address][:2]} {why}")
    rest = [item for items in by_place.values() for item in items]
    differences += [f"only here: {item}" for item in rest]
    return equal


def same_name(ours: str, theirs: str, *, underscore: bool) -> bool:
    return ours == theirs or (underscore and theirs == "_" + ours)


def differing(binary: Binary, ours: Row, theirs: Row) -> str:
    """Why two rows of one symbol are not equal."""
    if ours.size == theirs.size and ours.letter == theirs.letter:
        return "underscore" if ours.name != theirs.name else ""
    if ours.size != theirs.size:
        end = next(
            (s.vaddr + s.size for s in binary.image.sections if s.vaddr <= ours.address < s.vaddr + s.size), 0
        )
        if end and ours.address + ours.size == end != ours.address:
            return "end of section"
        return (
            "end of section"
            if ours.size == 0
            and binary.image.container != "ELF"
            and any(s.vaddr + s.size == ours.address for s in binary.image.sections)
            else "size"
        )
    return (
        "letter of bss"
        if binary.image.container == "PE" and (ours.letter, theirs.letter) == ("D", "B")
        else "letter"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_corpus_options(parser)
    parser.add_argument("--go", default="go", help="the go command whose nm is asked")
    options = parser.parse_args()
    wanted, _ = wanted_rows(options.manifest, options.directory, options.match)
    outcomes = []
    with multiprocessing.Pool(options.jobs) as pool:
        for outcome in pool.imap(check, [(row, options.directory, options.go) for row in wanted]):
            state = "DIFF" if outcome.differences else "ok"
            print(
                f"{state}\t{outcome.name}\tnm {outcome.listed}, equal {outcome.equal}, functions {outcome.functions}\t{outcome.explained}"
            )
            for text in outcome.differences[:SHOWN]:
                print(f"\t- {text}")
            if len(outcome.differences) > SHOWN:
                print(f"\t- … {len(outcome.differences)} in all")
            sys.stdout.flush()
            outcomes.append(outcome)
    failed = sum(bool(o.differences) for o in outcomes)
    total = collections.Counter[str]()
    for outcome in outcomes:
        total.update(outcome.explained)
    print(
        f"{len(outcomes)} checked, {sum(bool(o.listed) for o in outcomes)} with a symbol table: "
        f"{sum(o.listed for o in outcomes):,} lines of nm, {sum(o.equal for o in outcomes):,} equal; "
        f"{sum(o.functions for o in outcomes):,} functions; {failed} with unexplained differences"
    )
    for why, count in total.most_common():
        print(f"  {count:,} {why}: {EXPLAINED.get(why, '')}")
    return 1 if failed or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
