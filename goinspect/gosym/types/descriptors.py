"""Type descriptors of Go 1.7 and later, one at a time. What says that it is none is not believed.

A descriptor is the header that all kinds share, what its kind adds, 16 bytes for named types and types with methods
("uncommon"), and arrays of parameters, fields and methods. Names and some types are given as offsets from
``moduledata.types``, others as pointers. Source: src/internal/abi/type.go, src/cmd/compile/internal/reflectdata.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import MalformedError
from goinspect.gosym.types import kinds
from goinspect.gosym.types.nametable import EMBEDDED, EXPORTED, Name, NameTable

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from goinspect._reader import ByteOrder
    from goinspect.gosym.layout import TypeLayout

__all__ = [
    "ALIGNS",
    "EXTRA_STAR",
    "METHOD_SIZE",
    "NAMED",
    "UNCOMMON",
    "UNCOMMON_SIZE",
    "VARIADIC",
    "Descriptor",
    "Part",
    "TypeReader",
]

UNCOMMON, EXTRA_STAR, NAMED = 1, 2, 4  # tflag
UNCOMMON_SIZE = 16
METHOD_SIZE = 16
VARIADIC = 1 << 15
ALIGNS = frozenset((1, 2, 4, 8, 16, 32, 64))
_MAX_OVERLAP = (
    8  # how often the arrays of descriptors may be read, all together: of sound files once, or twice
)
_NO_NAME = Name("", 0)


class Part(NamedTuple):
    """A field of a struct, or a method of an interface."""

    name: str
    package: str  # of a name that is not exported; "" where the file does not say
    exported: bool
    type: int  # vaddr; 0 where there is none
    embedded: bool = False
    tag: str = ""


class Descriptor(NamedTuple):
    """What one descriptor says, types as addresses."""

    vaddr: int
    kind: int
    size: int  # of a value
    extent: int  # bytes of the descriptor
    named: bool
    text: str  # its name with short package names: "*http.Request"
    package: str  # import path
    elems: tuple[int, ...] = ()  # elem; key, elem and group; parameters and results
    number: int = 0  # of elements of an array; direction of a chan; of parameters, -1 - n if variadic
    parts: tuple[Part, ...] = ()
    others: tuple[int, ...] = ()  # types it leads to that its name does not need
    comparable: bool | None = None  # None where the release does not say


class _Head(NamedTuple):
    """What does not depend on the kind."""

    kind: int
    size: int
    uncommon: bool
    named: bool
    text: str
    pointer: int  # offset of the type of pointers to this one; 0 or less: none
    equal: int


class _Body(NamedTuple):
    """What depends on it."""

    fixed: int = 0  # bytes up to the uncommon part
    trailing: int = 0  # bytes of arrays behind it
    elems: tuple[int, ...] = ()
    number: int = 0
    parts: tuple[Part, ...] = ()
    others: tuple[int, ...] = ()


class TypeReader:
    """The descriptors in [base, base + len(data)), pointers already relocated.

    Args:
        data: the bytes of ``moduledata.types`` up to etypes.
        base: the address of the first.
        layout: of the release.
        byteorder: of the file.
        ptrsize: of the file.
    """

    def __init__(
        self, data: memoryview, base: int, layout: TypeLayout, byteorder: ByteOrder, ptrsize: int
    ) -> None:
        self._data, self._base, self._layout, self._word = data, base, layout, ptrsize
        self.byteorder: ByteOrder = byteorder
        self._size = len(data)
        self._names = NameTable(data, layout, byteorder)
        mark, letter = "<" if byteorder == "little" else ">", "Q" if ptrsize == 8 else "I"
        self._letters = mark, letter
        self._header = struct.Struct(f"{mark}2{letter}I4B2{letter}2i")
        self._words = {count: struct.Struct(f"{mark}{count}{letter}") for count in range(1, 5)}
        self._halves = struct.Struct(mark + "2H")
        self._uncommon = struct.Struct(mark + "iHHII")
        self._method = struct.Struct(mark + "4i")
        self._imethod = struct.Struct(mark + "2i")
        self._map_tails = [words * ptrsize + -(-more // ptrsize) * ptrsize for words, more in layout.maps]
        # kind -> bytes it adds to the header, how they are read
        self._kinds = {
            kinds.ARRAY: (3 * ptrsize, self._array), kinds.CHAN: (2 * ptrsize, self._chan),
            kinds.FUNC: (ptrsize, self._func), kinds.INTERFACE: (4 * ptrsize, self._interface),
            kinds.MAP: (self._map_tails[0], self._map), kinds.POINTER: (ptrsize, self._elem),
            kinds.SLICE: (ptrsize, self._elem), kinds.STRUCT: (4 * ptrsize, self._struct),
        }  # fmt: skip
        self._sizes = [kinds.size_of_values(kind, ptrsize) for kind in range(len(kinds.KINDS))]
        self._left = _MAX_OVERLAP * self._size  # bytes of arrays that may be read
        self._plain = _Body(self._header.size)

    @property
    def data(self) -> memoryview:
        """The bytes."""
        return self._data

    @property
    def base(self) -> int:
        """The address of the first."""
        return self._base

    @property
    def layout(self) -> TypeLayout:
        """Of the release."""
        return self._layout

    @property
    def word(self) -> int:
        """Bytes of a pointer."""
        return self._word

    @property
    def header_size(self) -> int:
        """Bytes that all kinds share."""
        return self._header.size

    @property
    def sizes(self) -> list[int | None]:
        """By kind: bytes of a value, None where types of the kind differ."""
        return self._sizes

    @property
    def map_tails(self) -> list[int]:
        """What may follow the header in a map, in bytes."""
        return self._map_tails

    def _holds(self, at: int, size: int) -> bool:
        return 0 <= at <= self._size - size

    def _may_read(self, at: int, size: int) -> bool:
        """Whether there is an array, and arrays that overlap have not been read too often yet."""
        self._left -= size
        return 0 <= at <= self._size - size and self._left >= 0

    def offset(self, vaddr: int) -> int:
        """Where an address is in the data; -1 outside of it, and where no descriptor can be."""
        at = vaddr - self._base
        return at if 0 < at < self._size and vaddr % self._word == 0 else -1

    def read(self, vaddr: int) -> Descriptor | None:
        """The descriptor at `vaddr`; None where there is none that makes sense."""
        head = self._head(vaddr)
        if head is None:
            return None
        at = vaddr - self._base
        reads = self._kinds.get(head.kind)
        body = reads[1](at + self._header.size, head.uncommon) if reads else self._plain
        if body is None:
            return None
        extent, package, others = body.fixed + body.trailing, "", body.others
        if head.pointer > 0:
            others = (*others, self._base + head.pointer)
        if head.uncommon:
            more = self._read_uncommon(at + body.fixed, body.trailing, named=head.named)
            if more is None:
                return None
            size, package, methods = more
            extent, others = extent + size, (*others, *methods)
        if not self._holds(at, extent):
            return None
        return Descriptor(
            vaddr, head.kind, head.size, extent, head.named, head.text, package, body.elems, body.number, body.parts,
            others, head.equal != 0 if self._layout.equal else None,
        )  # fmt: skip

    def is_sound(self, vaddr: int) -> bool:
        """Whether what all kinds have in common makes sense at `vaddr`: needs no relocation."""
        return self._head(vaddr) is not None

    def _head(self, vaddr: int) -> _Head | None:
        at = vaddr - self._base
        if not 0 < at <= self._size - self._header.size or vaddr % self._word:
            return None
        size, ptrdata, _, tflag, align, field_align, kind, equal, _, name_at, pointer = (
            self._header.unpack_from(self._data, at)
        )
        kind &= kinds.KIND_MASK
        if (
            not 0 < kind < len(kinds.KINDS)
            or ptrdata > size
            or not (align in ALIGNS and field_align in ALIGNS)
        ):
            return None
        if self._sizes[kind] not in (None, size):
            return None
        name = self._names.at(name_at)
        if name is None:
            return None
        text, named = name.text, bool(tflag & NAMED)
        if tflag & EXTRA_STAR:
            if not text.startswith("*"):
                return None
            text = text[1:]
        if not text or not (named or kinds.has_its_form(kind, text)):
            return None
        return _Head(kind, size, bool(tflag & UNCOMMON), named, text, pointer, equal)

    def _read_uncommon(self, at: int, trailing: int, *, named: bool) -> tuple[int, str, list[int]] | None:
        """Of the part for named types and types with methods: (bytes with its methods, package, types of methods)."""
        if not self._holds(at, UNCOMMON_SIZE):
            return None
        package_at, count, _, offset, _ = self._uncommon.unpack_from(self._data, at)
        size, methods = METHOD_SIZE * count, at + offset
        if count and not (offset >= UNCOMMON_SIZE + trailing and self._may_read(methods, size)):
            return None
        package = ""
        if package_at and named:
            name = self._names.at(package_at)
            if name is None:
                return None
            package = name.text
        rows = self._method.iter_unpack(self._data[methods : methods + size]) if count else ()
        return UNCOMMON_SIZE + size, package, [self._base + row[1] for row in rows if row[1] > 0]

    # --- where descriptors are ---

    def marked(self, mark: re.Pattern[bytes], start: int, end: int) -> Iterator[int]:
        """Addresses in [start, end) where a descriptor may be, by the four bytes from tflag to kind."""
        at = 2 * self._word + 4
        first, last = max(0, start - self._base + at), max(0, end - self._base)
        for match in mark.finditer(self._data, first, last):
            vaddr = self._base + match.start() - at
            if vaddr % self._word == 0:
                yield vaddr

    def adjoining(self, end: int) -> Iterator[int]:
        """Addresses of the descriptors that follow each other up to offset `end`: needs no relocation.

        Raises:
            MalformedError: one makes no sense, or the last one does not end there.
        """
        at = self._word
        while at < end:
            head = self._head(self._base + at)
            if head is None:
                raise MalformedError("no type descriptor", offset=self._base + at)
            yield self._base + at
            at += -(-self._extent(head, at) // self._word) * self._word
        if at != end:
            raise MalformedError(f"type descriptors end at {at:#x}, expected {end:#x}", offset=self._base)

    def _extent(self, head: _Head, at: int) -> int:
        """Bytes of a descriptor, by its kind and counts alone."""
        fixed, count, each = at + self._header.size, 0, 0
        if head.kind in (kinds.INTERFACE, kinds.STRUCT):
            words = self._read_words(fixed, 4)
            count = words[2] if words else 0
            each = self._imethod.size if head.kind == kinds.INTERFACE else 3 * self._word
        elif head.kind == kinds.FUNC and self._holds(fixed, 4):
            inputs, outputs = self._halves.unpack_from(self._data, fixed)
            count, each = inputs + (outputs & ~VARIADIC), self._word
        size = self._header.size + (self._kinds[head.kind][0] if head.kind in self._kinds else 0)
        if head.uncommon and self._holds(at + size, UNCOMMON_SIZE):
            methods = self._uncommon.unpack_from(self._data, at + size)[1]
            size += UNCOMMON_SIZE + METHOD_SIZE * methods
        return size + count * each

    # --- kinds: `at` is behind the header ---

    def _read_words(self, at: int, count: int) -> tuple[int, ...] | None:
        return self._words[count].unpack_from(self._data, at) if self._holds(at, count * self._word) else None

    def _elem(self, at: int, _uncommon: bool) -> _Body | None:
        words = self._read_words(at, 1)
        return None if words is None else _Body(self._header.size + self._word, 0, words)

    def _array(self, at: int, _uncommon: bool) -> _Body | None:
        words = self._read_words(at, 3)
        if words is None:
            return None
        elem, of_slice, count = words
        return _Body(self._header.size + 3 * self._word, 0, (elem,), count, (), (of_slice,))

    def _chan(self, at: int, _uncommon: bool) -> _Body | None:
        words = self._read_words(at, 2)
        if words is None or words[1] not in kinds.DIRECTIONS:
            return None
        return _Body(self._header.size + 2 * self._word, 0, words[:1], words[1])

    def _map(self, at: int, uncommon: bool) -> _Body | None:
        words = self._read_words(at, 3)
        if words is None:
            return None
        tail = self._map_tails[0]
        if uncommon and len(self._map_tails) > 1:
            fits = (size for size in self._map_tails if self._is_uncommon_of_map(at + size))
            tail = next(fits, tail)
        return _Body(self._header.size + tail, 0, words)

    def _is_uncommon_of_map(self, at: int) -> bool:
        """Whether there is an uncommon part that its methods follow at once."""
        if not self._holds(at, UNCOMMON_SIZE):
            return False
        return self._uncommon.unpack_from(self._data, at)[3:] == (UNCOMMON_SIZE, 0)

    def _func(self, at: int, uncommon: bool) -> _Body | None:
        if not self._holds(at, 4):
            return None
        inputs, outputs = self._halves.unpack_from(self._data, at)
        variadic, outputs = outputs & VARIADIC, outputs & ~VARIADIC
        count = inputs + outputs
        types = at + self._word + (UNCOMMON_SIZE if uncommon else 0)
        if not self._may_read(types, count * self._word) or (variadic and not inputs):
            return None
        mark, letter = self._letters
        elems = struct.unpack_from(f"{mark}{count}{letter}", self._data, types)
        number = -1 - inputs if variadic else inputs
        return _Body(self._header.size + self._word, count * self._word, elems, number)

    def _list(self, at: int, entry: int) -> tuple[str, memoryview] | None:
        """Package and entries of an interface or a struct, which has a pointer to a name and a slice."""
        words = self._read_words(at, 4)
        if words is None or words[2] != words[3]:
            return None
        package_at, start, count, _ = words
        start -= self._base
        if count and not self._may_read(start, count * entry):
            return None
        package = self._names.at(package_at - self._base) if package_at else None
        return package.text if package else "", self._data[
            start : start + count * entry
        ] if count else self._data[:0]

    def _interface(self, at: int, _uncommon: bool) -> _Body | None:
        found = self._list(at, self._imethod.size)
        if found is None:
            return None
        package, entries = found
        parts = []
        for name_at, type_at in self._imethod.iter_unpack(entries):
            name = self._names.at(name_at)
            if name is None:
                return None
            exported = bool(name.flags & EXPORTED)
            vaddr = self._base + type_at if type_at > 0 else 0
            parts.append(Part(name.text, "" if exported else name.package or package, exported, vaddr))
        return _Body(self._header.size + 4 * self._word, len(entries), parts=tuple(parts))

    def _struct(self, at: int, _uncommon: bool) -> _Body | None:
        found = self._list(at, 3 * self._word)
        if found is None:
            return None
        package, entries = found
        how, parts = self._layout.embedded, []
        for name_vaddr, vaddr, where in self._words[3].iter_unpack(entries):
            name = self._names.at(name_vaddr - self._base) if name_vaddr else _NO_NAME
            if name is None:
                return None
            text, flags, tag, owner = name
            embedded = flags & EMBEDDED if how == "flag" else where & 1 if how == "offset" else not text
            exported = bool(flags & EXPORTED)
            parts.append(
                Part(text, "" if exported else owner or package, exported, vaddr, bool(embedded), tag)
            )
        return _Body(self._header.size + 4 * self._word, len(entries), parts=tuple(parts))
