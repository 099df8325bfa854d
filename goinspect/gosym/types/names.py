"""Full names of types, as the linker's symbols and DWARF have them: with import paths where descriptors have packages.

The name of a descriptor says ``http.Request``; its package says ``net/http``. A name of an unnamed type is put
together from those of its parts. Source: ``(*Type).LinkString`` in src/cmd/compile/internal/types/fmt.go.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goinspect.gosym.types import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from goinspect.gosym.layout import TypeLayout
    from goinspect.gosym.types.descriptors import Descriptor, Part

__all__ = ["MAX_NAME", "NO_HASH", "SHAPES", "TypeNames", "escaped"]

_MAX_DEPTH = 48  # of types in types without a name
MAX_NAME = 1 << 16
SHAPES = "go.shape"  # no import path: the compiler's package for what instances of generic functions share
_OF_GROUPS = ("keys", "values", "elems", "slots")  # fields of a map's bucket or group
_CODE = (
    "F",
    ".F",
)  # first field of a closure; the second name is written as the first, and came before Go 1.21
_CAPTURED = re.compile(r"X\d+")
NO_HASH = "noalg."  # before names of types that the compiler makes without equality and hash functions
_QUOTED = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}  # fmt: skip


def escaped(path: str) -> str:
    """An import path as symbols have it: dots behind the last slash, and odd bytes anywhere, as %xx.

    Source: ``PathToPrefix`` in src/cmd/internal/objabi/path.go.
    """
    slash = path.rfind("/")
    if path.isascii() and path.isprintable() and not set('%" ') & set(path) and path.find(".", slash + 1) < 0:
        return path
    raw = path.encode("utf-8", "surrogatepass")
    cut = raw.rfind(b"/")
    return "".join(
        f"%{byte:02x}"
        if byte <= 0x20 or byte >= 0x7F or byte in b'%"' or (byte == 0x2E and at > cut)
        else chr(byte)
        for at, byte in enumerate(raw)
    )


class TypeNames:
    """Names of the types of one module, each made once.

    Args:
        types: the descriptors, by address.
        layout: of the release.
        budget: how many characters all names together may have before the rest stay short.
        looked_at: maps, and arrays and structs without a name that may have no hash functions; all of `types` otherwise.
    """

    def __init__(
        self, types: Mapping[int, Descriptor], layout: TypeLayout, budget: int,
        looked_at: Iterable[Descriptor] | None = None,
    ) -> None:  # fmt: skip
        self._types, self._layout, self._left = types, layout, budget
        self._names: dict[int, str | None] = {}
        self._prefixes: dict[str, str] = {}
        self._makers = {
            kinds.ARRAY: self._array, kinds.CHAN: self._chan, kinds.FUNC: self._func,
            kinds.INTERFACE: self._interface, kinds.MAP: self._map, kinds.POINTER: self._pointer,
            kinds.SLICE: self._slice, kinds.STRUCT: self._struct,
        }  # fmt: skip
        self._of_map: dict[int, Descriptor] = {}  # structs of map buckets -> the map
        self._without_hash: set[int] = set()
        for found in types.values() if looked_at is None else looked_at:
            if self._lacks_hash(found):
                self._without_hash.add(found.vaddr)
            if found.kind == kinds.MAP and len(found.elems) > 2:
                self._mark_group(found)

    def _lacks_hash(self, found: Descriptor) -> bool:
        """Whether the compiler made it without equality and hash functions, though it could have had them."""
        if found.named or found.kind not in (kinds.ARRAY, kinds.STRUCT) or found.comparable:
            return False
        if found.text.startswith("map.") or _is_closure(found):
            return True
        made_of = (*found.elems, *(part.type for part in found.parts))
        elems = [self._types.get(vaddr) for vaddr in made_of]
        return found.comparable is False and all(
            elem is not None and (elem.comparable or (elem.kind == kinds.STRUCT and self._lacks_hash(elem)))
            for elem in elems
        )

    def _mark_group(self, owner: Descriptor) -> None:
        """The parts of a map's bucket or group are types of their own, which no other type shares."""
        group = self._types.get(owner.elems[2])
        if group is None or group.named or not group.text.startswith("map."):
            return
        self._of_map[group.vaddr] = owner
        for part in group.parts:
            part_type = self._types.get(part.type)
            if part.name not in _OF_GROUPS or part_type is None or part_type.named:
                continue
            self._without_hash.add(part_type.vaddr)
            if part.name == "slots":
                self._without_hash.update(part_type.elems)

    @property
    def without_hash(self) -> AbstractSet[int]:
        """Types that the compiler made without equality and hash functions."""
        return self._without_hash

    def learn(self, names: Mapping[int, str]) -> None:
        """Names that are known, as those of parts of others."""
        self._names.update(names)

    def name(self, vaddr: int) -> str | None:
        """The name of the type at `vaddr` as that of a part of others; None as `full`."""
        return self._name(vaddr, 0)

    def full(self, vaddr: int) -> str | None:
        """The full name of the type at `vaddr`; None when one that is part of it is not known."""
        name = self._name(vaddr, 0)
        # Only the type itself is called so, not one that contains it.
        return NO_HASH + name if name is not None and vaddr in self._without_hash else name

    def _name(self, vaddr: int, depth: int) -> str | None:
        if vaddr in self._names:
            return self._names[vaddr]
        found = self._types.get(vaddr)
        if found is None or depth > _MAX_DEPTH or self._left < 0:
            return None
        if found.named:
            name: str | None = self._own_name(found)
        else:
            self._names[vaddr] = None  # should the type contain itself
            maker = self._makers.get(found.kind)
            name = maker(found, depth + 1) if maker else found.text
        if name is not None:
            self._left -= len(name)
            if len(name) > MAX_NAME or self._left < 0:
                name = None
        self._names[vaddr] = name
        return name

    def _prefix(self, package: str) -> str:
        if package not in self._prefixes:
            self._prefixes[package] = escaped(package)
        return self._prefixes[package]

    def _own_name(self, found: Descriptor) -> str:
        if found.package in ("", SHAPES):
            return found.text
        return f"{self._prefix(found.package)}.{found.text.partition('.')[2] or found.text}"

    def _all(self, vaddrs: Iterable[int], depth: int) -> list[str] | None:
        names = [self._name(vaddr, depth) for vaddr in vaddrs]
        known = [name for name in names if name is not None]
        return known if len(known) == len(names) and sum(map(len, known)) <= MAX_NAME else None

    # --- kinds ---

    def _with_elem(self, before: str, found: Descriptor, depth: int) -> str | None:
        elem = self._name(found.elems[0], depth)
        return None if elem is None else before + elem

    def _pointer(self, found: Descriptor, depth: int) -> str | None:
        return self._with_elem("*", found, depth)

    def _slice(self, found: Descriptor, depth: int) -> str | None:
        return self._with_elem("[]", found, depth)

    def _array(self, found: Descriptor, depth: int) -> str | None:
        return self._with_elem(f"[{found.number}]", found, depth)

    def _chan(self, found: Descriptor, depth: int) -> str | None:
        before = kinds.DIRECTIONS[found.number]
        name = self._with_elem(before, found, depth)
        elem = self._types.get(found.elems[0])
        if (
            name
            and elem
            and found.number == 3
            and elem.kind == kinds.CHAN
            and elem.number == 1
            and not elem.named
        ):
            return f"chan ({name.removeprefix(before)})"
        return name

    def _map(self, found: Descriptor, depth: int) -> str | None:
        names = self._all(found.elems[:2], depth)
        return None if names is None else f"map[{names[0]}]{names[1]}"

    def _func(self, found: Descriptor, depth: int) -> str | None:
        names = self._all(found.elems, depth)
        if names is None:
            return None
        inputs = found.number if found.number >= 0 else -1 - found.number
        if found.number < 0:
            if not names[inputs - 1].startswith("[]"):
                return None
            names[inputs - 1] = "..." + names[inputs - 1][2:]
        results = names[inputs:]
        shown = "" if not results else f" {results[0]}" if len(results) == 1 else f" ({', '.join(results)})"
        return f"func({', '.join(names[:inputs])}){shown}"

    def _interface(self, found: Descriptor, depth: int) -> str | None:
        names = self._all((part.type for part in found.parts), depth)
        if names is None:
            return None
        shown = [
            f" {self._qualified(part)}{name.removeprefix('func')}"
            for part, name in zip(found.parts, names, strict=True)
        ]
        return f"interface {{{';'.join(shown)} }}" if shown else "interface {}"

    def _struct(self, found: Descriptor, depth: int) -> str | None:
        if found.text.startswith("map."):
            return self._made_for_map(found, depth)
        names = self._all((part.type for part in found.parts), depth)
        if names is None:
            return None
        shown = [" " + self._field(part, name) for part, name in zip(found.parts, names, strict=True)]
        return f"struct {{{';'.join(shown)} }}" if shown else "struct {}"

    def _made_for_map(self, found: Descriptor, depth: int) -> str | None:
        """map.bucket[K]V and the like: K and V are those of the map."""
        owner = self._of_map.get(found.vaddr) or next(self._through_buckets(found), None)
        name = self._map(owner, depth) if owner else None
        return name and f"{found.text.partition('[')[0]}{name[3:]}"

    def _through_buckets(self, found: Descriptor) -> Iterator[Descriptor]:
        """The map of a header or an iterator, which point to its buckets (up to Go 1.23)."""
        for part in found.parts:
            pointer = self._types.get(part.type)
            if pointer is not None and pointer.kind == kinds.POINTER and pointer.elems[0] in self._of_map:
                yield self._of_map[pointer.elems[0]]

    def _field(self, part: Part, type_name: str) -> str:
        tag = f" {_quoted(part.tag)}" if part.tag else ""
        if not part.embedded:
            return f"{self._qualified(part)} {type_name}{tag}"
        if self._layout.renamed and not self._embeds_its_name(part):
            return f"{self._qualified(part)} = {type_name}{tag}"
        return type_name + tag

    def _embeds_its_name(self, part: Part) -> bool:
        """Whether the field has the name of its type, as it has unless an alias was embedded."""
        found = self._types.get(part.type)
        if found is not None and found.kind == kinds.POINTER and not found.named:
            found = self._types.get(found.elems[0])
        if found is None or not found.named or found.text.partition(".")[2] != part.name:
            return False
        return part.exported or part.package == found.package

    def _qualified(self, part: Part) -> str:
        if part.name == ".F":
            return "F"
        if part.name == "_" and not self._layout.blank:
            return "_"
        return f"{self._prefix(part.package)}.{part.name}" if part.package else part.name


def _is_closure(found: Descriptor) -> bool:
    """Whether it has the form of a struct that the compiler makes for a closure or a method value."""
    if len(found.parts) < 2 or found.parts[0].name not in _CODE:
        return False
    return found.parts[0].name == ".F" or all(
        part.name == "R" or _CAPTURED.fullmatch(part.name) for part in found.parts[1:]
    )


def _quoted(text: str) -> str:
    """A string literal as strconv.Quote writes it."""
    if text.isascii() and text.isprintable():
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return '"' + "".join(_QUOTED.get(c) or (c if c.isprintable() else _code(ord(c))) for c in text) + '"'


def _code(point: int) -> str:
    return f"\\x{point:02x}" if point < 0x80 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
