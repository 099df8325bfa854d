"""Compare what goinspect reads from DWARF with what llvm-dwarfdump, Go's debug/dwarf and `go tool nm` say.

    python3 scripts/check_dwarf.py FILE...                       # llvm-dwarfdump (ELF, and what else it can read)
    python3 scripts/check_dwarf.py --go GOROOT FILE...           # debug/dwarf of that toolchain, and `go tool nm -size`

One line per file and oracle, exit 1 when something differs that is not explained. Functions are compared by address, size
and name, variables by address, name and the size of their type, types by name, kind, size and descriptor. The oracles'
output is parsed here with code of its own; the rules of what counts as a symbol are written down once more, on purpose.

Explained differences, counted by name:
- removed: the linker threw the code or variable away and left 0 (or all ones) for its address
- literal: clang describes string literals as variables without a name
- nm-abi: nm says which ABI a symbol has ("runtime.goexit.abi0")
- nm-local-type: nm writes "T.1" for a type declared within a function, DWARF "T·1"
- nm-coff-size: PE symbols have no sizes, nm takes the distance to the next one
- nm-absent: DWARF knows a function that has no symbol of its own
- nm-c-size: C functions (hand-written assembly above all) whose symbol has another size or none
- nm-no-dwarf: an address of nm that DWARF does not know: C without debug information, go:buildid, PLT stubs
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Function = tuple[int, int | None, str]
Variable = tuple[int, int | None, str]
Type = tuple[str, str, int | None, int | None]

KINDS = ("invalid bool int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 uintptr float32 float64 complex64 "
         "complex128 array chan func interface map ptr slice string struct unsafe.Pointer").split()  # fmt: skip
TYPES = {"array", "class", "enumeration", "pointer", "reference", "string", "structure", "subroutine", "union",
         "ptr_to_member", "base", "interface", "unspecified", "rvalue_reference"}  # fmt: skip
SAME_SIZE = {"typedef", "const_type", "volatile_type", "restrict_type", "atomic_type", "subrange_type"}


@dataclass
class Truth:
    """What an oracle says; Counters because the same may be said twice."""

    functions: Counter[Function] = field(default_factory=Counter)
    variables: Counter[Variable] = field(default_factory=Counter)
    types: Counter[Type] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)


class Die(NamedTuple):
    """An entry of llvm-dwarfdump's text."""

    offset: int
    depth: int
    tag: str
    attributes: dict[str, str]
    go: bool
    address_size: int


_UNIT = re.compile(r"^0x([0-9a-f]+): \w+ Unit: .*addr_size = 0x([0-9a-f]+)")
_DIE = re.compile(r"^0x([0-9a-f]+):( +)(?:DW_TAG_(\w+)|(NULL))")
_ATTRIBUTE = re.compile(r"^ +DW_AT_(\w+)\t\((.*)")
_UNKNOWN = {"GO_kind": "unknown_2900", "GO_runtime_type": "unknown_2904"}
_ESCAPE = re.compile(r"\\(?:([0-7]{3})|(.))")


def unescape(text: str) -> str:
    """What `write_escaped` of LLVM hides."""
    raw = bytearray()
    at = 0
    for match in _ESCAPE.finditer(text):
        raw += text[at : match.start()].encode("utf-8", "surrogateescape")
        if match[1]:
            raw.append(int(match[1], 8))
        else:
            raw += {"n": b"\n", "t": b"\t"}.get(match[2], match[2].encode())
        at = match.end()
    raw += text[at:].encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace")


def llvm_dies(lines: Iterable[str]) -> Iterator[Die]:
    """Every entry; children follow their parent, `depth` tells."""
    go, size = False, 8
    current: Die | None = None
    key = ""
    for line in lines:
        if match := _UNIT.match(line):
            size = int(match[2], 16)
        elif match := _DIE.match(line):
            if current is not None:
                if current.tag == "compile_unit":
                    go = "DW_LANG_Go" in current.attributes.get("language", "")
                yield current._replace(go=go)
            tag = match[3] or "NULL"
            if tag == "compile_unit":
                go = False
            current = Die(int(match[1], 16), len(match[2]), tag, {}, go, size)
        elif current is not None and (match := _ATTRIBUTE.match(line)):
            key = match[1]
            current.attributes.setdefault(key, match[2].rstrip("\n"))
        elif current is not None and line.strip() and key == "ranges":
            current.attributes[key] += line.strip()
    if current is not None:
        yield current._replace(go=go)


def text_of(value: str | None) -> str | None:
    """`"name")` as a string."""
    return None if value is None else unescape(value[1:-2])


def number_of(value: str | None) -> int | None:
    match = re.match(r"0x([0-9a-f]+)|(-?\d+)", value or "")
    return None if match is None else int(match[1], 16) if match[1] else int(match[2])


class LlvmTruth:
    """Collects the truth from entries, then follows references."""

    def __init__(self) -> None:
        self.truth = Truth()
        self.dies: dict[int, Die] = {}
        self.dimensions: dict[int, list[str]] = {}
        self.code: list[Die] = []
        self.variables: list[Die] = []
        self.types: list[Die] = []

    def read(self, dies: Iterable[Die]) -> Truth:
        array: Die | None = None
        for die in dies:
            if array is not None and die.depth <= array.depth:
                array = None
            tag = die.tag.removesuffix("_type")
            if die.tag == "subprogram":
                self.dies[die.offset] = die
                if "low_pc" in die.attributes or "ranges" in die.attributes:
                    self.code.append(die)
            elif die.tag in ("variable", "member"):
                self.dies[die.offset] = die
                if "location" in die.attributes:
                    self.variables.append(die)
            elif die.tag.endswith("_type") or die.tag == "typedef":
                self.dies[die.offset] = die
                if die.tag == "array_type":
                    array = die
                if array is not None and die.tag == "subrange_type":
                    bound = die.attributes.get("count"), die.attributes.get("upper_bound")
                    self.dimensions.setdefault(array.offset, []).append(str(bound))
                named = "name" in die.attributes and "declaration" not in die.attributes
                if named and (tag in TYPES or tag == "typedef") and "unknown_2906" not in die.attributes:
                    self.types.append(die)
        for die in self.code:
            self.function(die)
        for die in self.variables:
            self.variable(die)
        for die in self.types:
            self.type(die)
        return self.truth

    def follow(self, die: Die, *wanted: str) -> str | None:
        """An attribute of the entry or of the ones it refers to."""
        for _ in range(20):
            for key in wanted:
                if key in die.attributes:
                    return die.attributes[key]
            origin = number_of(die.attributes.get("abstract_origin") or die.attributes.get("specification"))
            if origin is None or origin not in self.dies:
                return None
            die = self.dies[origin]
        return None

    def name(self, die: Die) -> str | None:
        for _ in range(20):
            for key in ("linkage_name", "MIPS_linkage_name", "name"):
                if key in die.attributes:
                    return text_of(die.attributes[key])
            origin = number_of(die.attributes.get("abstract_origin") or die.attributes.get("specification"))
            if origin is None or origin not in self.dies:
                return None
            die = self.dies[origin]
        return None

    def removed(self, die: Die, address: int) -> bool:
        if address in (0, (1 << 8 * die.address_size) - 1):
            self.truth.explained["removed"] += 1
            return True
        return False

    def function(self, die: Die) -> None:
        low, high = number_of(die.attributes.get("low_pc")), number_of(die.attributes.get("high_pc"))
        if low is None:
            pairs = re.findall(r"\[0x([0-9a-f]+), 0x([0-9a-f]+)", die.attributes["ranges"])
            real = [(int(a, 16), int(b, 16)) for a, b in pairs if int(a, 16) < int(b, 16)]
            if not real:
                return
            low, high = real[0]
        if not self.removed(die, low):
            size = None if high is None or high <= low else high - low
            self.truth.functions[low, size, self.name(die) or ""] += 1

    def variable(self, die: Die) -> None:
        match = re.fullmatch(r"DW_OP_addr 0x([0-9a-f]+)\)", die.attributes["location"])
        if match is None or self.removed(die, int(match[1], 16)):
            return
        name = self.name(die)
        if name is None:
            self.truth.explained["literal"] += 1
            return
        size = self.size(number_of(self.follow(die, "type")))
        self.truth.variables[int(match[1], 16), size, name] += 1

    def size(self, offset: int | None, depth: int = 0) -> int | None:
        if offset is None or offset not in self.dies or depth > 32:
            return None
        die = self.dies[offset]
        size = number_of(die.attributes.get("byte_size"))
        if size is not None:
            return size
        if die.tag in ("pointer_type", "reference_type", "rvalue_reference_type"):
            return die.address_size
        element = self.size(number_of(die.attributes.get("type")), depth + 1)
        if die.tag in SAME_SIZE or element is None:
            return element if die.tag in SAME_SIZE else None
        if die.tag != "array_type" or offset not in self.dimensions:
            return None
        for bound in self.dimensions[offset]:
            match = re.fullmatch(
                r"\('?(None|\(?0x[0-9a-f]+|\d+)\)?'?, '?(None|0x[0-9a-f]+|\d+)\)?'?\)", bound
            )
            if match is None or (match[1], match[2]) == ("None", "None"):
                return None
            element *= int(match[1], 0) if match[1] != "None" else int(match[2], 0) + 1
        return element

    def type(self, die: Die) -> None:
        name, word = text_of(die.attributes["name"]) or "", die.tag.removesuffix("_type")
        raw = number_of(die.attributes.get("GO_kind") or die.attributes.get("unknown_2900"))
        target = number_of(die.attributes.get("type"))
        if die.go and word == "typedef" and raw is None and target in self.dies:
            other = self.dies[target]
            if text_of(other.attributes.get("name")) == name:
                return  # the name of a type that is described under this name, too
        kind = KINDS[raw & 31] if raw and 0 < raw & 31 < len(KINDS) else word
        descriptor = number_of(die.attributes.get("GO_runtime_type") or die.attributes.get("unknown_2904"))
        self.truth.types[name, kind, self.size(die.offset), descriptor or None] += 1


def llvm_truth(path: Path) -> Truth:
    """Ask llvm-dwarfdump."""
    with subprocess.Popen(
        ["llvm-dwarfdump", "--debug-info", str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        errors="surrogateescape",
    ) as process:  # fmt: skip
        return LlvmTruth().read(llvm_dies(process.stdout or ()))


def go_program(goroot: Path, name: str, source: str) -> Path:
    """Build a program with that toolchain, once."""
    target = Path(tempfile.gettempdir()) / "goinspect-check-dwarf" / name
    if not target.exists():
        subprocess.run(
            [goroot / "bin" / "go", "build", "-o", target, source], check=True, cwd=Path(__file__).parent,
            env={"GOCACHE": str(target.parent / "gocache"), **os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "",
                 "GOROOT": str(goroot)},
        )  # fmt: skip
    return target


def go_truth(goroot: Path, path: Path) -> Truth:
    """Ask debug/dwarf. It leaves the size of some types open ("?"): those are compared without."""
    program = go_program(goroot, "dwarf_truth", "dwarf_truth.go")
    done = subprocess.run([program, path], check=False, capture_output=True)
    if done.returncode or done.stderr:
        print(f"     {path.name}: debug/dwarf: {done.stderr.decode(errors='replace').strip()}")
    truth = Truth()
    for line in done.stdout.decode("utf-8", "backslashreplace").splitlines():
        kind, *row = line.split("\t", 4 if line[0] == "T" else 3)
        if kind == "T":
            truth.types[row[3], row[0], None, None if row[2] == "-" else int(row[2])] += 1
            continue
        address, size = int(row[0]), None if row[1] in ("-", "-1") else -1 if row[1] == "?" else int(row[1])
        if address in (0, 0xFFFFFFFF, (1 << 64) - 1):
            truth.explained["removed"] += 1
        elif kind == "F":
            truth.functions[address, size, row[2]] += 1
        elif not row[2]:
            truth.explained["literal"] += 1
        else:
            truth.variables[address, size, row[2]] += 1
    return truth


def without_sizes(ours: Truth, truth: Truth) -> Truth:
    """Our answer in debug/dwarf's terms: no sizes of types, nor of those variables that it cannot tell."""
    unknown = {(address, name) for address, size, name in truth.variables if size == -1}
    variables: Counter[Variable] = Counter()
    for (address, size, name), count in ours.variables.items():
        variables[address, -1 if (address, name) in unknown else size, name] += count
    types: Counter[Type] = Counter()
    for (name, kind, _, descriptor), count in ours.types.items():
        types[name, kind, None, descriptor] += count
    return Truth(ours.functions, variables, types)


_NM = re.compile(r"^\s*([0-9a-f]+)\s+(\d+)\s+(\S)\s+(.*)$", re.MULTILINE)


def check_nm(goroot: Path, path: Path, ours: Truth) -> bool:
    """Functions of Go code against `go tool nm -size`."""
    done = subprocess.run(
        [go_program(goroot, "nm", "cmd/nm"), "-size", path], check=False, capture_output=True, text=True,
        errors="backslashreplace",
    )  # fmt: skip
    symbols: dict[int, dict[str, int]] = {}
    for address, size, kind, name in _NM.findall(done.stdout):
        if kind in "tT":
            symbols.setdefault(int(address, 16), {})[name] = int(size)
    explained: Counter[str] = Counter()
    wrong = []
    for address, size, name in ours.functions:
        known = symbols.get(address, {})
        plain = {
            other.removesuffix(".abi0").removesuffix(".abiinternal"): count for other, count in known.items()
        }
        if known.get(name) == (size or 0):
            explained["same"] += 1
        elif plain.get(name) == (size or 0):
            explained["nm-abi"] += 1
        elif plain.get(name.replace("·", ".")) == (size or 0):
            explained["nm-local-type"] += 1
        elif not known:
            explained["nm-absent"] += 1
        elif name in plain and path.suffix in (".exe", ".dll"):
            explained["nm-coff-size"] += 1
        else:
            wrong.append((hex(address), size, name, known))
    addresses = {address for address, _, _ in ours.functions}
    explained["nm-no-dwarf"] = sum(address not in addresses for address in symbols)
    notes = ", ".join(f"{name} {count}" for name, count in sorted(explained.items()))
    print(
        f"{'FAIL' if wrong else 'ok  '} {path.name} go tool nm: {len(wrong)} differ {wrong[:3]} ({notes})",
        flush=True,
    )
    return not wrong


def goinspect_truth(path: Path) -> tuple[Truth, tuple[str, ...]]:
    """What goinspect says, in the oracles' terms."""
    from goinspect.dwarf import read_symbols
    from goinspect.objfile import open_image

    found = read_symbols(open_image(path))
    if found is None:
        return Truth(), ("no DWARF",)
    functions, variables, types = found.functions, found.variables, found.types
    return Truth(
        Counter(zip(functions.address, functions.size, functions.name, strict=True)),
        Counter(zip(variables.address, variables.size, variables.name, strict=True)),
        Counter(zip(types.name, types.kind, types.size, types.runtime_type, strict=True)),
    ), found.warnings


def compare(path: Path, oracle: str, truth: Truth, ours: Truth) -> bool:
    """Print a line; True when all is explained."""
    parts, good = [], bool(truth.functions)
    for what in ("functions", "variables", "types"):
        theirs, mine = getattr(truth, what), getattr(ours, what)
        missing, extra = theirs - mine, mine - theirs
        parts.append(f"{theirs.total()} {what}")
        for title, rows in (("missing", missing), ("extra", extra)):
            if rows:
                good = False
                parts.append(f"{title} {rows.total()} {list(rows)[:3]}")
    notes = ", ".join(f"{name} {count}" for name, count in sorted(truth.explained.items()))
    print(
        f"{'ok  ' if good else 'FAIL'} {path.name} {oracle}: {'; '.join(parts)}{f' ({notes})' if notes else ''}",
        flush=True,
    )
    return good


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument(
        "--go", type=Path, metavar="GOROOT", help="ask debug/dwarf and go tool nm of this toolchain"
    )
    options = parser.parse_args()
    good = True
    for path in options.files:
        ours, warnings = goinspect_truth(path)
        for warning in warnings:
            print(f"     {path.name}: {warning}")
        if options.go is None:
            good &= compare(path, "llvm-dwarfdump", llvm_truth(path), ours)
        else:
            truth = go_truth(options.go, path)
            good &= compare(path, "debug/dwarf", truth, without_sizes(ours, truth))
            good &= check_nm(options.go, path, ours)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
