"""Writes the type data of a small program, for every release since Go 1.5: descriptors, names, itabs, moduledata.

Layouts are written down from the format description a second time; nothing of goinspect is used.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tests.builders.elf import DYN, EXEC, Elf, Part, R, W, X

TYPES, DATA = 0x500000, 0x800000
MACHINES = {("little", 8): 62, ("little", 4): 3, ("big", 8): 22, ("big", 4): 8}
RELATIVE = {62: 8, 3: 8, 22: 12, 8: 3}
ARRAY, CHAN, FUNC, INTERFACE, MAP, POINTER, SLICE, STRING, STRUCT = 17, 18, 19, 20, 21, 22, 23, 24, 25


@dataclass(frozen=True)
class Field:
    """A field, or a method of an interface; `type` is a key of the program."""

    name: str
    type: str
    package: str = ""
    tag: str = ""
    embedded: bool = False


@dataclass(frozen=True)
class Type:
    """A type by the name that is expected; others are named by it."""

    kind: int
    text: str  # its name in the descriptor
    size: int  # bytes; negative: words
    named: bool = False
    package: str = ""
    elems: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    variadic: bool = False
    number: int = 0  # elements of an array, direction of a channel
    fields: tuple[Field, ...] = ()
    methods: tuple[tuple[str, str], ...] = ()  # name, type
    listed: bool = False
    equal: bool = True


def program(version: tuple[int, int]) -> dict[str, Type]:
    """Types of every kind, by full name."""
    bucket = "map.group" if version >= (1, 24) else "map.bucket"
    flag = "ex.com/a.b/c%2ed.Flag"
    blank = "main._" if version >= (1, 15) else "_"
    alias = "Flags = " if version >= (1, 18) else ""
    group = f"noalg.{bucket}[string]*main.T"
    return {
        "int": Type(2, "int", -1, named=True),
        "string": Type(STRING, "string", -2, named=True),
        "error": Type(INTERFACE, "error", -2, named=True, fields=(Field("Error", "func() string"),)),
        "func() string": Type(FUNC, "func() string", -1, results=("string",), listed=True, equal=False),
        flag: Type(8, "cd.Flag", 1, named=True, package="ex.com/a.b/c.d", methods=(("String", "func() string"),)),
        "main.T": Type(STRUCT, "main.T", 40, named=True, package="main", equal=False, fields=(
            Field("A", "int"), Field("b", f"[]{flag}", "main"), Field("error", "error", "main", embedded=True),
        )),
        "*main.T": Type(POINTER, "*main.T", -1, elems=("main.T",), listed=True, methods=(("Set", "func(int, ...string) (*main.T, error)"),)),
        f"[]{flag}": Type(SLICE, "[]cd.Flag", -3, elems=(flag,), listed=True, equal=False),
        "[]string": Type(SLICE, "[]string", -3, elems=("string",), listed=True, equal=False),
        "func(int, ...string) (*main.T, error)": Type(
            FUNC, "func(int, ...string) (*main.T, error)", -1, elems=("int", "[]string"), results=("*main.T", "error"),
            variadic=True, listed=True, equal=False,
        ),
        "map[string]*main.T": Type(MAP, "map[string]*main.T", -1, elems=("string", "*main.T", group), listed=True, equal=False),
        group: Type(STRUCT, f"{bucket}[string]*main.T", 64, equal=False, fields=(Field("ctrl", "int"),)),
        "main.M": Type(MAP, "main.M", -1, named=True, package="main", elems=("string", "*main.T", group), equal=False,
                       methods=(("String", "func() string"),)),
        "<-chan main.M": Type(CHAN, "<-chan main.M", -1, elems=("main.M",), number=1, listed=True),
        "chan (<-chan main.M)": Type(CHAN, "chan (<-chan main.M)", -1, elems=("<-chan main.M",), number=3, listed=True),
        "[3]chan (<-chan main.M)": Type(ARRAY, "[3]chan (<-chan main.M)", -3, elems=("chan (<-chan main.M)", "[]string"), number=3, listed=True),
        "interface { Text() string; main.low() string }": Type(
            INTERFACE, "interface { Text() string; main.low() string }", -2,
            fields=(Field("Text", "func() string"), Field("low", "func() string", "main")),
        ),
        f'struct {{ A int "json:\\"a\\\\n\\""; {blank} string; {alias}{flag}; *main.T }}': Type(
            STRUCT, 'struct { A int "json:\\"a\\\\n\\""; _ string; cd.Flag; *main.T }', 48, listed=True,
            fields=(Field("A", "int", tag='json:"a\\n"'), Field("_", "string", "main"),
                    Field("Flags", flag, embedded=True), Field("T", "*main.T", embedded=True)),
        ),
        "main.Box[ex.com/q%2ev2.V,int]": Type(STRUCT, "main.Box[ex.com/q%2ev2.V,int]", 0, named=True, package="main"),
        "*main.Box[ex.com/q%2ev2.V,int]": Type(POINTER, "*main.Box[ex.com/q%2ev2.V,int]", -1, elems=("main.Box[ex.com/q%2ev2.V,int]",), listed=True),
    }  # fmt: skip


ITABS = (("error", "*main.T"), ("interface { Text() string; main.low() string }", "main.M"))


@dataclass
class Written:
    """A file and what is in it."""

    data: bytes
    vaddrs: dict[str, int]
    sizes: dict[str, int]  # of descriptors
    itabs: list[tuple[int, int, str, str]]  # vaddr, size, interface, type
    listed: int


class Writer:
    """One program as one release writes it. A first pass finds the addresses that the second one writes."""

    def __init__(self, version: tuple[int, int], byteorder: str, ptrsize: int, *, pie: bool = False) -> None:
        self.version, self.byteorder, self.word, self.pie = version, byteorder, ptrsize, pie
        self.mark = "<" if byteorder == "little" else ">"
        self.letter = "Q" if ptrsize == 8 else "I"
        self.types = program(version)
        self.vaddrs = dict.fromkeys(self.types, 0)
        self.names: dict[object, int] = {}
        self.sizes: dict[str, int] = {}

    def pack(self, fmt: str, *numbers: int) -> bytes:
        return struct.pack(self.mark + fmt.replace("A", self.letter), *numbers)

    def ptr(self, vaddr: int) -> None:
        """A pointer, with its relocation."""
        if vaddr:
            self.relatives.append((TYPES + len(self.out), vaddr))
        self.out += self.pack("A", 0 if self.pie and self.word == 8 else vaddr)

    def align(self, to: int) -> None:
        self.out += bytes(-len(self.out) % to)

    def write(self) -> Written:
        for _ in range(3):
            self.out, self.relatives = bytearray(bytes(self.word)), []
            self.layout()
        return self.file()

    # --- the parts ---

    def layout(self) -> None:
        first = sorted(name for name, one in self.types.items() if one.listed)
        for name in first:
            self.descriptor(name)
        self.listed_end = len(self.out)
        for name in self.types:
            if name not in first:
                self.descriptor(name)
        for text in list(self.wanted()):
            self.name(text)
        self.align(self.word)
        self.itab_start, self.itabs = len(self.out), []
        for interface, concrete in ITABS if self.version >= (1, 7) else ():
            self.itab(interface, concrete)
        self.itab_end = len(self.out)
        self.align(self.word)
        self.links = len(self.out)
        for name in first:
            if self.version < (1, 7):
                self.ptr(self.vaddrs[name])
            else:
                self.out += self.pack("i", self.vaddrs[name] - TYPES)
        self.align(self.word)
        self.itablinks = len(self.out)
        for vaddr, *_ in self.itabs:
            self.ptr(vaddr)

    def wanted(self) -> list:
        """Everything that is a name: (text, exported, tag, package, embedded)."""
        return list(self.names)

    def ref(
        self, text: str, *, exported: bool = False, tag: str = "", package: str = "", embedded: bool = False
    ) -> int:
        key = (text, exported, tag, package, embedded)
        return self.names.setdefault(key, 0)

    def name(self, key: tuple) -> None:
        text, exported, tag, package, embedded = key
        if self.version < (1, 7):  # a string header, then the bytes
            self.align(self.word)
            self.names[key] = len(self.out)
            self.ptr(TYPES + len(self.out) + 2 * self.word)
            self.out += self.pack("A", len(text.encode())) + text.encode()
            return
        self.names[key] = len(self.out)
        flags = exported | 2 * bool(tag) | 4 * bool(package)
        flags |= 8 * embedded if self.version >= (1, 19) else 0
        self.out.append(flags)
        for part in (text, tag) if tag else (text,):
            raw = part.encode()
            self.out += (
                bytes([len(raw) >> 8, len(raw)])
                if self.version < (1, 17)
                else bytes([len(raw) & 127])
                if len(raw) < 128
                else bytes([len(raw) & 127 | 128, len(raw) >> 7])
            )
            self.out += raw
        if package:
            self.out += self.pack("i", self.ref(package))

    def itab(self, interface: str, concrete: str) -> None:
        start = len(self.out)
        self.ptr(self.vaddrs[interface])
        self.ptr(self.vaddrs[concrete])
        if self.version < (1, 10):
            self.out += bytes(self.word + 8)
        else:
            self.out += self.pack("I", 7)
            self.out += bytes(4 if self.version < (1, 23) or self.word == 8 else 0)
        methods = max(1, len(self.types[interface].fields))
        self.out += bytes(methods * self.word)
        self.itabs.append((TYPES + start, len(self.out) - start, interface, concrete))

    # --- descriptors ---

    def descriptor(self, name: str) -> None:
        one = self.types[name]
        self.align(self.word)
        self.vaddrs[name] = TYPES + len(self.out)
        start = len(self.out)
        size = one.size if one.size >= 0 else -one.size * self.word
        uncommon = one.named or bool(one.methods)
        self.out += self.pack("AAI", size, 0, 0x1234)
        if self.version < (1, 7):
            self.out += bytes([0, 8, 8, one.kind | 0x80])
            self.ptr(TYPES)
            self.ptr(TYPES)
            self.ptr(TYPES + self.ref(one.text))
            self.uncommon_at = len(self.out)
            self.ptr(0)
            self.ptr(0)
            if self.version < (1, 6):
                self.ptr(TYPES)
        else:
            star = not one.text.startswith("*")
            self.out += bytes(
                [uncommon | 2 * star | 4 * one.named, 8, 8, one.kind | (32 if self.version < (1, 26) else 0)]
            )
            self.ptr(TYPES if one.equal or self.version < (1, 14) else 0)
            self.ptr(TYPES)
            pointer = self.vaddrs.get("*" + name, 0)
            self.out += self.pack("ii", self.ref("*" * star + one.text), pointer and pointer - TYPES)
        self.body(one, self.types[name].methods, uncommon=uncommon)
        self.sizes[name] = len(self.out) - start

    def body(self, one: Type, methods: tuple, *, uncommon: bool) -> None:
        old = self.version < (1, 7)
        trailing = self.fixed(one, uncommon=uncommon, old=old)
        if uncommon and not old:
            package = one.package or ("main" if methods else "")
            self.out += self.pack(
                "iHHII", self.ref(package) if package else 0, len(methods), 0, 16 + trailing, 0
            )
        if one.kind == FUNC and not old:
            for elem in (*one.elems, *one.results):
                self.ptr(self.vaddrs[elem])
        for part in one.fields:
            self.part(one, part, old=old)
        if old and uncommon:
            self.old_uncommon(one, methods)
        elif uncommon:
            for name, kind in methods:
                self.out += self.pack(
                    "iiii", self.ref(name, exported=True), self.vaddrs[kind] - TYPES, -1, -1
                )

    def fixed(self, one: Type, *, uncommon: bool, old: bool) -> int:
        """What the kind adds to the header; returns the bytes of the arrays behind it."""
        if one.kind in (ARRAY, POINTER, SLICE, CHAN, MAP):
            for elem in one.elems:
                self.ptr(self.vaddrs[elem])
        if one.kind in (ARRAY, CHAN):
            self.out += self.pack("A", one.number)
        elif one.kind == MAP:
            words, more = self.map_tail()
            self.out += bytes((words - 3) * self.word + -(-more // self.word) * self.word)
        elif one.kind == FUNC:
            return self.func(one, old=old)
        elif one.kind in (INTERFACE, STRUCT):
            return self.list(one, uncommon=uncommon, old=old)
        return 0

    def list(self, one: Type, *, uncommon: bool, old: bool) -> int:
        """The package's name and the slice of fields or methods."""
        entries = len(one.fields)
        width = {INTERFACE: 3 * self.word if old else 8, STRUCT: (5 if old else 3) * self.word}[one.kind]
        if not old:
            self.ptr(TYPES + self.ref("main") if one.kind == STRUCT else 0)
        behind = len(self.out) + 3 * self.word + (16 if uncommon and not old else 0)
        self.ptr(TYPES + behind if entries else 0)
        self.out += self.pack("AA", entries, entries)
        return width * entries

    def map_tail(self) -> tuple[int, int]:
        if self.version >= (1, 27):
            return 10, 4
        if self.version >= (1, 24):
            return 7, 4
        return (3, 8) if (1, 12) <= self.version < (1, 14) else (4, 8)

    def func(self, one: Type, *, old: bool) -> int:
        count = len(one.elems) + len(one.results)
        if not old:
            self.out += self.pack("HH", len(one.elems), len(one.results) | one.variadic << 15)
            self.out += bytes(self.word - 4)
            return count * self.word
        self.out += self.pack("A", 0)[:0] + bytes([one.variadic]) + bytes(self.word - 1)
        behind = TYPES + len(self.out) + 6 * self.word
        for start, part in ((behind, one.elems), (behind + len(one.elems) * self.word, one.results)):
            self.ptr(start if part else 0)
            self.out += self.pack("AA", len(part), len(part))
        for elem in (*one.elems, *one.results):
            self.ptr(self.vaddrs[elem])
        return 0

    def part(self, one: Type, part: Field, *, old: bool) -> None:
        exported = part.name[0].isupper()
        if old:
            self.ptr(TYPES + self.ref(part.name) if not part.embedded else 0)
            self.ptr(TYPES + self.ref(part.package) if part.package else 0)
            self.ptr(self.vaddrs[part.type])
            if one.kind == STRUCT:
                self.ptr(TYPES + self.ref(part.tag) if part.tag else 0)
                self.out += self.pack("A", 0)
            return
        if one.kind == INTERFACE:
            name = self.ref(part.name, exported=exported, package=part.package)
            self.out += self.pack("ii", name, self.vaddrs[part.type] - TYPES)
            return
        text = "" if part.embedded and self.version < (1, 9) else part.name
        self.ptr(TYPES + self.ref(text, exported=exported, tag=part.tag, embedded=part.embedded))
        self.ptr(self.vaddrs[part.type])
        self.out += self.pack("A", part.embedded if (1, 9) <= self.version < (1, 19) else 8)

    def old_uncommon(self, one: Type, methods: tuple) -> None:
        place = self.pack("A", TYPES + len(self.out))
        self.out[self.uncommon_at : self.uncommon_at + self.word] = place
        self.relatives.append((TYPES + self.uncommon_at, TYPES + len(self.out)))
        self.ptr(TYPES + self.ref(one.text.partition(".")[2] or one.text) if one.named else 0)
        self.ptr(TYPES + self.ref(one.package) if one.package else 0)
        self.ptr(TYPES + len(self.out) + 3 * self.word if methods else 0)
        self.out += self.pack("AA", len(methods), len(methods))
        for name, kind in methods:
            self.ptr(TYPES + self.ref(name))
            self.ptr(0)
            self.ptr(self.vaddrs[kind])
            self.ptr(self.vaddrs[kind])
            self.out += bytes(2 * self.word)

    # --- the file ---

    def moduledata(self) -> list[int]:
        words = [0] * 70
        version, count, itabs = self.version, sum(t.listed for t in self.types.values()), len(self.itabs)
        links, itablinks = [TYPES + self.links, count, count], [TYPES + self.itablinks, itabs, itabs]
        end = TYPES + len(self.out)
        if version < (1, 7):
            words[25:28] = links
        elif version < (1, 16):
            at = 27 if version < (1, 8) else 30
            words[25:27], words[at : at + 3], words[at + 3 : at + 6] = [TYPES, end], links, itablinks
        elif version < (1, 27):
            at = 40 if version < (1, 18) else 42 if version < (1, 20) else 44 if version < (1, 26) else 45
            types = 35 if version < (1, 20) else 37
            words[types : types + 2], words[at : at + 3], words[at + 3 : at + 6] = (
                [TYPES, end],
                links,
                itablinks,
            )
        else:
            words[37:42] = [TYPES, self.listed_end, end, self.itab_start, self.itab_end - self.itab_start]
        return words

    def file(self) -> Written:
        machine = MACHINES[self.byteorder, self.word]
        elf = Elf(8 * self.word, self.byteorder, machine, DYN if self.pie else EXEC, rela=self.word == 8,
                  relative_type=RELATIVE[machine])  # fmt: skip
        words = self.moduledata()
        elf.parts += [
            Part(".text", 0x401000, b"\x90" * 64, R | X),
            Part(".data.rel.ro" if self.pie else ".rodata", TYPES, bytes(self.out), R | W if self.pie else R),
            Part(".noptrdata", DATA, elf.pack("A" * len(words), *words), R | W),
        ]
        if self.pie:
            elf.relatives = self.relatives
        return Written(
            elf.write(), dict(self.vaddrs), dict(self.sizes), list(self.itabs), sum(t.listed for t in self.types.values())
        )  # fmt: skip


def write_types(
    version: tuple[int, int], byteorder: str = "little", ptrsize: int = 8, *, pie: bool = False
) -> Written:
    """An ELF file with the types of `program`, and moduledata at `DATA`."""
    return Writer(version, byteorder, ptrsize, pie=pie).write()


__all__ = ["DATA", "ITABS", "Field", "Type", "Written", "program", "write_types"]
