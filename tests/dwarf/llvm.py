"""What llvm-dwarfdump says about the symbols of a file, by its text. Shares no code with goinspect, on purpose."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Function = tuple[int, int | None, str]
Variable = tuple[int, int | None, str]
Type = tuple[str, str, int | None, int | None]

KINDS = (
    "invalid", "bool", "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32",
    "uint64", "uintptr", "float32", "float64", "complex64", "complex128", "array", "chan", "func",
    "interface", "map", "ptr", "slice", "string", "struct", "unsafe.Pointer",
)  # fmt: skip
TYPES = {"array", "class", "enumeration", "pointer", "reference", "string", "structure", "subroutine", "union",
         "ptr_to_member", "base", "typedef", "interface", "unspecified", "rvalue_reference"}  # fmt: skip
SAME_SIZE = {"typedef", "const_type", "volatile_type", "restrict_type", "atomic_type", "subrange_type"}


@dataclass
class Truth:
    """What an oracle says; Counters because the same may be said twice."""

    functions: Counter[Function] = field(default_factory=Counter)
    variables: Counter[Variable] = field(default_factory=Counter)
    types: Counter[Type] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    declared: Counter[tuple[int, str | None, int | None]] = field(default_factory=Counter)  # of functions


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
        self.array: Die | None = None  # whose children are being read

    def read(self, dies: Iterable[Die]) -> Truth:
        """All of the entries of a file."""
        for die in dies:
            if self.array is not None and die.depth <= self.array.depth:
                self.array = None
            self.enter(die)
        for add, rows in (
            (self.function, self.code),
            (self.variable, self.variables),
            (self.type, self.types),
        ):
            for die in rows:
                add(die)
        return self.truth

    def enter(self, die: Die) -> None:
        """Keep an entry that is a symbol, or that one may refer to."""
        if die.tag == "subprogram":
            self.dies[die.offset] = die
            if "low_pc" in die.attributes or "ranges" in die.attributes:
                self.code.append(die)
        elif die.tag in ("variable", "member"):
            self.dies[die.offset] = die
            if "location" in die.attributes:
                self.variables.append(die)
        elif die.tag.endswith("_type") or die.tag == "typedef":
            self.enter_type(die)

    def enter_type(self, die: Die) -> None:
        """The same for types; array dimensions are entries of their own, behind the array."""
        self.dies[die.offset] = die
        if die.tag == "array_type":
            self.array = die
        elif self.array is not None and die.tag == "subrange_type":
            bound = die.attributes.get("count"), die.attributes.get("upper_bound")
            self.dimensions.setdefault(self.array.offset, []).append(str(bound))
        named = "name" in die.attributes and "declaration" not in die.attributes
        if named and die.tag.removesuffix("_type") in TYPES and "unknown_2906" not in die.attributes:
            self.types.append(die)

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
        """The name, of the symbol table if there are two."""
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
        """Whether the linker threw it away."""
        if address in (0, (1 << 8 * die.address_size) - 1):
            self.truth.explained["removed"] += 1
            return True
        return False

    def function(self, die: Die) -> None:
        """Enter a subprogram with code."""
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
            file = text_of(self.follow(die, "decl_file"))
            line = number_of(self.follow(die, "decl_line"))
            if file is not None:  # LLVM puts directories before whatever is not absolute
                file = "<autogenerated>" if file.endswith("<autogenerated>") else re.sub(r"^(\./)+", "", file)
            self.truth.declared[low, file, line] += 1

    def variable(self, die: Die) -> None:
        """Enter a variable if its location is an address."""
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
        """Bytes of a value of the type at an offset."""
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
        """Enter a named type."""
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
