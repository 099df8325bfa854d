"""goinspect's answers for a build of tests/fixtures/matrix, against what other tools said of the same build.

Used by test_matrix.py for the builds that are kept, and by scripts/fixtures/build_matrix.py --check for all others. What differs
for a known reason is named in `EXPLAINED` with that reason, and counted; everything else is a difference.
"""

from __future__ import annotations

import collections
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import goinspect
from goinspect.errors import GoinspectError
from goinspect.gosym import pcvalue
from goinspect.gosym.bulk.table import BulkTable
from tests.gosym.answers import Chain, bulk_frames, pure_frames

if TYPE_CHECKING:
    from pathlib import Path

    from goinspect.binary import Binary
    from goinspect.gosym.pclntab import Func, PclnTable

EXPLAINED = {
    "marker": "a symbol that marks a place and is no function",
    "C": "code of C, which the external linker put between functions of Go or the internal one gave no tables",
    "no tables": "a function without tables: Go's tool decodes byte 0 of pctab as if it were one",
    "unrelocated": "before 1.18 entries are addresses: Go's tool finds nothing in an archive, where all are 0",
    "call line": "DWARF has the line of the call, the pclntab the position of the instruction that stands for it",
    "sections at 0": "llvm-symbolizer takes names from the symbol table, and all sections of an archive start at 0",
    "no line": "DWARF has no line there",
    "wrapper": "DWARF leaves out what was inlined into a wrapper",
    "padding": "DWARF gives padding the line before it, the pclntab none",
    "first name": "the runtime takes name offset 0, which the first function has, for no name",
    "outermost": "before Go 1.23 the runtime names only the innermost call of a lone address",
    "whole packages": "a plugin keeps functions that nothing in it calls, also their wrappers of the same name",
    "with cgo": "the program itself is another one with cgo",
    "elided": "the runtime leaves wrappers out of stacks",
}
MARKERS = {"runtime.text", "runtime.etext", "_runtime.text", "_runtime.etext"}
RESTRICTED = ("1.18", "1.19", "1.20")  # their linker wrote [...] for type arguments into the pclntab


@dataclass
class Outcome:
    """What a comparison found."""

    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    explained: collections.Counter[str] = field(default_factory=collections.Counter)
    differences: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """Counts in one line."""
        counts = ", ".join(f"{count} {what}" for what, count in self.counts.items())
        explained = ", ".join(f"{what} {count}" for what, count in self.explained.items())
        return f"{counts}; {len(self.differences)} differ" + (
            f" (explained: {explained})" if explained else ""
        )

    def explain(self, why: str) -> None:
        """Count a difference that has a known reason."""
        assert why in EXPLAINED, why
        self.explained[why] += 1


def oracle(directory: Path, name: str) -> list[list[str]] | None:
    """Rows of an oracle file without its comment; None where there is no such file."""
    path = directory / f"{name}.txt"
    if not path.exists():
        return None
    lines = path.read_text("utf-8", "surrogateescape").split("\n")
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def restricted(name: str) -> str:
    """A name with its type arguments as the linker of 1.18-1.20 and later runtimes shorten them."""
    first, last = name.find("["), name.rfind("]")
    return f"{name[:first]}[...]{name[last + 1 :]}" if 0 <= first < last else name


class Spelling:
    """How one build spells names in its symbol table."""

    def __init__(self, build: str) -> None:
        series, self.goos, self.goarch = build.removeprefix("go").split("-")[:3]
        self.series = tuple(map(int, series.split(".")))
        self._restrict = series in RESTRICTED
        self.relocatable = build.endswith("-carchive")
        self._plugin = build.endswith("-plugin")

    def theirs(self, name: str) -> str:
        """A name of the symbol table or DWARF, as the pclntab must have it."""
        name = name.removesuffix(".abi0").replace("\u00b7", ".")
        return restricted(name) if self._restrict else name

    def same(self, ours: str, theirs: str) -> bool:
        """Whether a name of the pclntab is that of the symbol table, but for what the container adds to it."""
        if self.goarch == "wasm" and self._restrict and "[...]" in ours:
            start, _, end = map(self.ours, ours.partition("[...]"))
            return theirs.startswith(f"{start}_") and theirs.endswith(f"_{end}")
        ours, theirs = self.ours(ours), self.theirs(theirs)
        if self.goos == "darwin" or (self.goos, self.goarch) == ("windows", "386"):
            ours, theirs = ours.lstrip("_"), theirs.lstrip("_")
        if self._plugin and re.match(r"type[:.]\.", ours) and re.fullmatch(r"type[:.]\.[\w/+]{8}", theirs):
            return True  # the linker of plugins writes a hash for the names of type symbols
        return ours == theirs

    def printed(self, name: str) -> str:
        """A name of the pclntab as the program's own runtime prints it."""
        return restricted(name) if self.series >= (1, 21) else name

    def ours(self, name: str) -> str:
        """A name of the pclntab with the middle dot that symbol tables write as a full stop."""
        return re.sub(r"[^\w.]", "_", name) if self.goarch == "wasm" else name.replace("\u00b7", ".")


def functions(table: PclnTable) -> list[Func]:
    """All functions of the table."""
    found = [table.func(index) for index in range(table.nfunc)]
    return [func for func in found if func is not None]


def compare(build: str, directory: Path) -> Outcome:
    """Everything the oracles of `directory` allow to compare."""
    outcome = Outcome()
    spelling = Spelling(build)
    try:
        binary = goinspect.open(directory / "workload")
        table = binary.go.table
    except GoinspectError as error:
        outcome.differences.append(f"refused: {error}")
        return outcome
    outcome.counts["functions"] = table.nfunc
    if len(functions(table)) != table.header.nfunc:
        outcome.differences.append(f"header: {table.header.nfunc} functions, {len(functions(table))} found")
    outcome.differences += [f"warning: {warning}" for warning in binary.warnings]
    compare_names(table, spelling, directory, outcome)
    compare_positions(table, spelling, directory, outcome)
    compare_chains(table, spelling, directory, outcome)
    compare_callers(table, spelling, directory, outcome)
    return outcome


def compare_names(table: PclnTable, spelling: Spelling, directory: Path, outcome: Outcome) -> None:
    """Entries and names against nm."""
    rows = oracle(directory, "nm")
    if rows is None:
        outcome.differences.append("no nm.txt")
        return
    theirs: dict[int, set[str]] = collections.defaultdict(set)
    for text, _size, _kind, name in rows:
        if name in MARKERS:
            outcome.explain("marker")
        else:
            theirs[int(text, 16)].add(name)
    mine: dict[int, set[str]] = collections.defaultdict(set)
    for func in functions(table):
        mine[func.entry].add(table.name(func))
    low, high = table.entry(0), table.entry(table.nfunc)
    for entry, names in mine.items():
        there = theirs.get(entry, set())
        for name in sorted(names):
            if not any(spelling.same(name, other) for other in there):
                outcome.differences.append(f"{entry:#x} {name!r}: nm has {sorted(there)}")
    for address, names in theirs.items():
        if low <= address < high and address not in mine:
            for name in sorted(names):
                if "." not in name:  # external linking
                    outcome.explain("C")
                else:
                    outcome.differences.append(f"{address:#x} {name!r}: in nm only")
    outcome.counts["names"] = sum(map(len, mine.values()))


def compare_positions(table: PclnTable, spelling: Spelling, directory: Path, outcome: Outcome) -> None:
    """Outermost function and innermost position against go tool addr2line."""
    rows = oracle(directory, "addr2line") or []
    outcome.counts["addr2line"] = len(rows)
    for text, function, place in rows:
        if function == "?" and spelling.relocatable and spelling.series < (1, 18):
            outcome.explain("unrelocated")
            continue
        pc = int(text, 16)
        index = table.find(pc)
        func = table.func(index) if index is not None else None
        if func is None:
            if (function, place) != ("?", "?:0"):
                outcome.differences.append(f"addr2line {text}: {function} {place}, got no function")
            continue
        file, line = table.position(func, pc)
        answer = f"{file}:{line}" if file is not None else ":-1"
        name = table.name(func)
        if name != function and not spelling.same(name, function):
            outcome.differences.append(f"addr2line {text}: {function}, got {name}")
        elif answer != place and place != "?:0":
            if func.pcfile or func.pcln:
                outcome.differences.append(f"addr2line {text} in {function}: {place}, got {answer}")
            else:
                outcome.explain("no tables")
        elif answer != place and file is not None:
            outcome.differences.append(f"addr2line {text} in {function}: {place}, got {answer}")


def both_engines(table: PclnTable, pcs: list[int], outcome: Outcome) -> list[Chain]:
    """Frames of the pure engine; what the bulk engine says differently is a difference."""
    pure = [pure_frames(table, pc) for pc in pcs]
    bulk = bulk_frames(BulkTable(table), pcs)
    outcome.differences += [
        f"engines {pc:#x}: pure {one}, bulk {two}"
        for pc, one, two in zip(pcs, pure, bulk, strict=True)
        if one != two
    ]
    return pure


def compare_chains(table: PclnTable, spelling: Spelling, directory: Path, outcome: Outcome) -> None:
    """Whole chains against llvm-symbolizer."""
    rows = oracle(directory, "inlines") or []
    chains = both_engines(table, [int(row[0], 16) for row in rows], outcome)
    outcome.counts["inlines"] = len(rows)
    outcome.counts["of them inlined"] = sum(len(row) > 2 for row in rows)
    for row, chain in zip(rows, chains, strict=True):
        theirs = [(name, place) for name, _, place in (text.rpartition("|") for text in row[1:])]
        # The name of the other tool where it is the same name.
        others = [name for name, _ in theirs[: len(chain)]] + [""] * (len(chain) - len(theirs))
        ours = [
            (other if spelling.same(frame.function, other) else frame.function, f"{frame.file}:{frame.line}")
            for frame, other in zip(chain, others, strict=True)
        ]
        if spelling.relocatable and ours and ours[-1][0] != theirs[-1][0]:
            outcome.explain("sections at 0")
            theirs[-1] = (ours[-1][0], theirs[-1][1])
        if ours != theirs:
            why = why_not(table, int(row[0], 16), ours, theirs)
            if why:
                outcome.explain(why)
            else:
                outcome.differences.append(f"inlines {row[0]}: {theirs}, got {ours}")


def why_not(table: PclnTable, pc: int, ours: list[tuple[str, str]], theirs: list[tuple[str, str]]) -> str:
    """The known reason for which a chain of DWARF is another, "" if there is none."""
    index = table.find(pc)
    func = table.func(index) if index is not None else None
    if func is None:
        return "C" if "." not in theirs[-1][0] else ""
    if not (func.pcfile or func.pcln):
        return "no tables"
    if ours[0][1] == "None:None":
        ends = [end for end, _ in pcvalue.rows(table.pctab, func.pcln, table.quantum)]
        return "padding" if pc - func.entry >= max(ends, default=0) else ""
    if len(theirs) == 1 < len(ours) and ours[-1] == (theirs[0][0], "<autogenerated>:1"):
        return "wrapper" if ours[0][1] == theirs[0][1] else ""
    same_names = [name for name, _ in ours] == [name for name, _ in theirs]
    if same_names and any(place.endswith(":0") for _, place in theirs):
        return "no line"
    files = [place.rpartition(":")[0] for _, place in ours] == [
        place.rpartition(":")[0] for _, place in theirs
    ]
    return "call line" if same_names and files and ours[0] == theirs[0] else ""


def compare_callers(table: PclnTable, spelling: Spelling, directory: Path, outcome: Outcome) -> None:
    """What the program's own runtime said of its addresses."""
    rows = oracle(directory, "callers") or []
    outcome.counts["callers"] = sum(row[0] in {"F", "G"} for row in rows)
    stacks: list[list[list[str]]] = []
    for row in rows:
        if row[0] == "S":
            stacks.append([])
        elif row[0] == "F":
            stacks[-1].append(row)
        elif row[0] == "G":
            compare_lone(table, spelling, row, outcome)
    for stack in stacks:
        for depth, row in enumerate(stack):
            # A frame and those below it: the PC of an inlined call leads to the rest of its function's calls.
            pc = int(row[1], 16) - 1
            chain = [(spelling.printed(name), place) for name, place in shown(table, pc, outcome)]
            below = [(name, f"{file}:{line}") for _, _, name, file, line in stack[depth : depth + len(chain)]]
            if chain != below:
                outcome.differences.append(f"callers {row[1]}: {below}, got {chain}")


def shown(table: PclnTable, pc: int, outcome: Outcome) -> list[tuple[str, str]]:
    """The frames at `pc` that the runtime shows: all but wrappers."""
    frames = pure_frames(table, pc)
    found = [(frame.function, f"{frame.file}:{frame.line}") for frame in frames]
    kept = [frame for frame in found if not wrapper(*frame)]
    outcome.explained.update(["elided"] * (len(found) - len(kept)))
    return kept


def wrapper(name: str, place: str) -> bool:
    """Whether a frame is one of those that the compiler wrote and the runtime leaves out of stacks."""
    return place.startswith("<autogenerated>:") or bool(re.search(r"\.(gowrap|deferwrap)\d+$", name))


def compare_lone(table: PclnTable, spelling: Spelling, row: list[str], outcome: Outcome) -> None:
    pc = int(row[1], 16)
    theirs = [(row[at], f"{row[at + 1]}:{row[at + 2]}") for at in range(2, len(row), 3)]
    first = table.name_at(0) if table.header.layout.has_cutab else None
    whole = [(spelling.printed(f.function), f"{f.file}:{f.line}") for f in pure_frames(table, pc)]
    ours = [("" if name == first else name, place) for name, place in whole]
    if ours != whole:
        outcome.explain("first name")
    if ours == theirs:
        return
    if spelling.series < (1, 23) and ours[:1] == theirs:
        outcome.explain("outermost")
        return
    kept = [frame for frame in ours if not wrapper(*frame)]
    if kept == theirs or (not kept and theirs == [("", ":0")]):
        outcome.explain("elided")
        return
    outcome.differences.append(f"callers {row[1]}: {theirs}, got {ours}")


def facts(binary: Binary) -> tuple[str, str, str, str | None]:
    """Container, processor, byte order and Go version."""
    return binary.image.container, binary.image.arch, binary.image.byteorder, binary.go.go_version
