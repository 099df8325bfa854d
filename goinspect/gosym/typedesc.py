"""Type descriptors of Go 1.7 and later, one at a time. What says that it is none is not believed.

A descriptor is the header that all kinds share, what its kind adds, 16 bytes for named types and types with methods
("uncommon"), and arrays of parameters, fields and methods. Names and some types are given as offsets from
``moduledata.types``, others as pointers. Source: src/internal/abi/type.go, src/cmd/compile/internal/reflectdata.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from goinspect.errors import MalformedError
from goinspect.gosym import typekinds as kinds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goinspect._reader import ByteOrder
    from goinspect.gosym.layout import TypeLayout

__all__ = ["Descriptor", "Part", "TypeReader"]

_UNCOMMON, _EXTRA_STAR, _NAMED = 1, 2, 4  # tflag
_EXPORTED, _HAS_TAG, _HAS_PACKAGE, _EMBEDDED = 1, 2, 4, 8  # flags of a name
_UNCOMMON_SIZE = 16
_METHOD_SIZE = 16
_VARIADIC = 1 << 15
_MAX_NAME = 1 << 17
_MAX_ALIGN = 64


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
    elems: tuple[int, ...]  # elem; key, elem and group; parameters and results
    number: int = (
        0  # of elements of an array; direction of a chan; number of parameters, negative -1 - n: variadic
    )
    parts: tuple[Part, ...] = ()
    others: tuple[int, ...] = ()  # types it leads to that its name does not need


class _Name(NamedTuple):
    text: str
    flags: int
    tag: str
    package: str


class TypeReader:
    """The descriptors in [base, base + len(data)), pointers already relocated.

    Args:
        data: the bytes of ``moduledata.types`` up to etypes.
        base: the address of the first.
        layout: of the release.
        byteorder, ptrsize: of the file.
    """

    def __init__(
        self, data: memoryview, base: int, layout: TypeLayout, byteorder: ByteOrder, ptrsize: int
    ) -> None:
        self._data, self._base, self._layout, self._word = data, base, layout, ptrsize
        self._size = len(data)
        self._order: ByteOrder = byteorder
        mark, letter = "<" if byteorder == "little" else ">", "Q" if ptrsize == 8 else "I"
        self._header = struct.Struct(f"{mark}2{letter}I4B2{letter}2i")
        self._words = {count: struct.Struct(f"{mark}{count}{letter}") for count in range(1, 5)}
        self._halves = struct.Struct(mark + "2H")
        self._uncommon = struct.Struct(mark + "iHHII")
        self._method = struct.Struct(mark + "4i")
        self._imethod = struct.Struct(mark + "2i")
        self._i32 = struct.Struct(mark + "i")
        self._letters = mark, letter
        self._names: dict[int, _Name | None] = {}
        self._name_bytes_left = 4 * self._size
        self._map_tails = [self._tail(tail) for tail in layout.maps]
        self._tails = {
            kinds.ARRAY: 3 * ptrsize, kinds.CHAN: 2 * ptrsize, kinds.FUNC: ptrsize, kinds.INTERFACE: 4 * ptrsize,
            kinds.MAP: self._map_tails[0], kinds.POINTER: ptrsize, kinds.SLICE: ptrsize, kinds.STRUCT: 4 * ptrsize,
        }  # fmt: skip
        self._by_kind = {
            kinds.ARRAY: self._array, kinds.CHAN: self._chan, kinds.FUNC: self._func, kinds.MAP: self._map,
            kinds.INTERFACE: self._interface, kinds.POINTER: self._elem, kinds.SLICE: self._elem,
            kinds.STRUCT: self._struct,
        }  # fmt: skip

    def _tail(self, tail: tuple[int, int]) -> int:
        return tail[0] * self._word + -(-tail[1] // self._word) * self._word

    def _holds(self, at: int, size: int) -> bool:
        return 0 <= at <= self._size - size

    def offset(self, vaddr: int) -> int:
        """Where an address is in the data; -1 outside of it, and where no descriptor can be."""
        at = vaddr - self._base
        return at if 0 < at < self._size and vaddr % self._word == 0 else -1

    def read(self, vaddr: int) -> Descriptor | None:
        """The descriptor at `vaddr`; None where there is none that makes sense."""
        head = self._head(vaddr)
        return head and self._with_kind(head[0], vaddr - self._base, uncommon=head[1])

    def is_sound(self, vaddr: int) -> bool:
        """Whether what all kinds have in common makes sense at `vaddr`: needs no relocation."""
        return self._head(vaddr) is not None

    def _head(self, vaddr: int) -> tuple[Descriptor, bool] | None:
        """What does not depend on the kind, and whether there is an uncommon part."""
        at = self.offset(vaddr)
        if at < 0 or not self._holds(at, self._header.size):
            return None
        size, ptrdata, _, tflag, align, field_align, kind, _, _, name_at, pointer_at = (
            self._header.unpack_from(self._data, at)
        )
        kind &= kinds.KIND_MASK
        if not 0 < kind < len(kinds.KINDS) or ptrdata > size or not _is_align(align, field_align):
            return None
        if kinds.size_of_values(kind, self._word) not in (None, size):
            return None
        name = self._name(name_at)
        if name is None:
            return None
        text, named = name.text, bool(tflag & _NAMED)
        if tflag & _EXTRA_STAR:
            if not text.startswith("*"):
                return None
            text = text[1:]
        if not text or not (named or kinds.has_its_form(kind, text)):
            return None
        others = (self._base + pointer_at,) if pointer_at > 0 else ()
        blank = Descriptor(vaddr, kind, size, self._header.size, named, text, "", (), 0, (), others)
        return blank, bool(tflag & _UNCOMMON)

    def _with_kind(self, blank: Descriptor, at: int, *, uncommon: bool) -> Descriptor | None:
        special = self._by_kind.get(blank.kind)
        found = special(blank, at + self._header.size, uncommon) if special else (blank, self._header.size, 0)
        if found is None:
            return None
        descriptor, fixed, trailing = found
        if not uncommon:
            size = fixed + trailing
            return descriptor._replace(extent=size) if self._holds(at, size) else None
        if not self._holds(at + fixed, _UNCOMMON_SIZE):
            return None
        package_at, mcount, _, moff, _ = self._uncommon.unpack_from(self._data, at + fixed)
        size = fixed + _UNCOMMON_SIZE + trailing + _METHOD_SIZE * mcount
        methods = at + fixed + moff
        if not self._holds(at, size) or (mcount and not self._holds(methods, mcount * _METHOD_SIZE)):
            return None
        package = ""
        if package_at and descriptor.named:
            name = self._name(package_at)
            if name is None:
                return None
            package = name.text
        types = (
            self._base + row[1]
            for row in self._method.iter_unpack(self._data[methods : methods + mcount * _METHOD_SIZE])
            if row[1] > 0
        )
        return descriptor._replace(extent=size, package=package, others=(*descriptor.others, *types))

    def adjoining(self, end: int) -> Iterator[int]:
        """Addresses of the descriptors that follow each other up to offset `end`: needs no relocation.

        Raises:
            MalformedError: one makes no sense, or the last one does not end there.
        """
        at = self._word
        while at < end:
            vaddr = self._base + at
            head = self._head(vaddr)
            if head is None:
                raise MalformedError("no type descriptor", offset=vaddr)
            yield vaddr
            at += -(-self._extent(head[0].kind, at, uncommon=head[1]) // self._word) * self._word
        if at != end:
            raise MalformedError(f"type descriptors end at {at:#x}, expected {end:#x}", offset=self._base)

    def _extent(self, kind: int, at: int, *, uncommon: bool) -> int:
        """Bytes of a descriptor, by its kind and counts alone."""
        fixed = at + self._header.size
        count, each = 0, 0
        if kind in (kinds.INTERFACE, kinds.STRUCT):
            words = self._read_words(fixed, 4)
            count, each = (words[2] if words else 0), 8 if kind == kinds.INTERFACE else 3 * self._word
        elif kind == kinds.FUNC and self._holds(fixed, 4):
            inputs, outputs = self._halves.unpack_from(self._data, fixed)
            count, each = inputs + (outputs & ~_VARIADIC), self._word
        size = self._header.size + self._tails.get(kind, 0) + count * each
        if uncommon and self._holds(at + size - count * each, _UNCOMMON_SIZE):
            methods = self._uncommon.unpack_from(self._data, at + size - count * each)[1]
            size += _UNCOMMON_SIZE + _METHOD_SIZE * methods
        return size

    # --- kinds: (descriptor, bytes up to the uncommon part, bytes of the arrays behind it) ---

    def _read_words(self, at: int, count: int) -> tuple[int, ...] | None:
        return self._words[count].unpack_from(self._data, at) if self._holds(at, count * self._word) else None

    def _elem(self, blank: Descriptor, at: int, _uncommon: bool) -> tuple[Descriptor, int, int] | None:
        words = self._read_words(at, 1)
        return None if words is None else (blank._replace(elems=words), self._header.size + self._word, 0)

    def _array(self, blank: Descriptor, at: int, _uncommon: bool) -> tuple[Descriptor, int, int] | None:
        words = self._read_words(at, 3)
        if words is None:
            return None
        elem, of_slice, count = words
        made = blank._replace(elems=(elem,), number=count, others=(*blank.others, of_slice))
        return made, self._header.size + 3 * self._word, 0

    def _chan(self, blank: Descriptor, at: int, _uncommon: bool) -> tuple[Descriptor, int, int] | None:
        words = self._read_words(at, 2)
        if words is None or not 1 <= words[1] <= 3:
            return None
        return blank._replace(elems=words[:1], number=words[1]), self._header.size + 2 * self._word, 0

    def _map(self, blank: Descriptor, at: int, uncommon: bool) -> tuple[Descriptor, int, int] | None:
        words = self._read_words(at, 3)
        if words is None:
            return None
        tail = self._map_tails[0]
        if uncommon and len(self._map_tails) > 1:  # its methods follow the uncommon part at once
            fits = (size for size in self._map_tails if self._is_uncommon_of_map(at + size))
            tail = next(fits, tail)
        return blank._replace(elems=words), self._header.size + tail, 0

    def _is_uncommon_of_map(self, at: int) -> bool:
        if not self._holds(at, _UNCOMMON_SIZE):
            return False
        return self._uncommon.unpack_from(self._data, at)[3:] == (_UNCOMMON_SIZE, 0)

    def _func(self, blank: Descriptor, at: int, uncommon: bool) -> tuple[Descriptor, int, int] | None:
        if not self._holds(at, 4):
            return None
        inputs, outputs = self._halves.unpack_from(self._data, at)
        variadic, outputs = outputs & _VARIADIC, outputs & ~_VARIADIC
        count = inputs + outputs
        types = at + self._word + (_UNCOMMON_SIZE if uncommon else 0)
        if not self._holds(types, count * self._word) or (variadic and not inputs):
            return None
        mark, letter = self._letters
        elems = struct.unpack_from(f"{mark}{count}{letter}", self._data, types)
        made = blank._replace(elems=elems, number=-1 - inputs if variadic else inputs)
        return made, self._header.size + self._word, count * self._word

    def _list(self, at: int, entry: int) -> tuple[int, str, memoryview] | None:
        """Package name pointer and slice, of an interface or a struct: (count, package, the entries)."""
        words = self._read_words(at, 4)
        if words is None or words[2] != words[3]:
            return None
        package_at, start, count, _ = words
        start -= self._base
        if count and not self._holds(start, count * entry):
            return None
        package = self._name(package_at - self._base) if package_at else None
        return count, package.text if package else "", self._data[start : start + count * entry]

    def _interface(self, blank: Descriptor, at: int, _uncommon: bool) -> tuple[Descriptor, int, int] | None:
        found = self._list(at, self._imethod.size)
        if found is None:
            return None
        count, package, entries = found
        parts = []
        for name_at, type_at in self._imethod.iter_unpack(entries if count else b""):
            name = self._name(name_at)
            if name is None:
                return None
            exported = bool(name.flags & _EXPORTED)
            vaddr = self._base + type_at if type_at > 0 else 0
            parts.append(Part(name.text, "" if exported else name.package or package, exported, vaddr))
        made = blank._replace(parts=tuple(parts))
        return made, self._header.size + 4 * self._word, count * self._imethod.size

    def _struct(self, blank: Descriptor, at: int, _uncommon: bool) -> tuple[Descriptor, int, int] | None:
        found = self._list(at, 3 * self._word)
        if found is None:
            return None
        count, package, entries = found
        parts = list(self._fields(entries, package) if count else ())
        if len(parts) != count:
            return None
        return blank._replace(parts=tuple(parts)), self._header.size + 4 * self._word, 3 * self._word * count

    def _fields(self, entries: memoryview, package: str) -> Iterator[Part]:
        how = self._layout.embedded
        for name_vaddr, vaddr, where in self._words[3].iter_unpack(entries):
            name = self._name(name_vaddr - self._base) if name_vaddr else _Name("", 0, "", "")
            if name is None:
                return
            embedded = bool(
                name.flags & _EMBEDDED if how == "flag" else where & 1 if how == "offset" else not name.text
            )
            exported = bool(name.flags & _EXPORTED)
            owner = "" if exported else name.package or package
            yield Part(name.text, owner, exported, vaddr, embedded, name.tag)

    # --- names ---

    def _name(self, at: int) -> _Name | None:
        """The name at an offset: flags, text, and a tag and the package's name where the flags say so."""
        if at in self._names:
            return self._names[at]
        found = self._names[at] = self._decode_name(at)
        return found

    def _decode_name(self, at: int) -> _Name | None:
        if not self._holds(at, 3) or at == 0:
            return None
        flags = self._data[at]
        text, end = self._counted(at + 1)
        if text is None:
            return None
        tag: str | None = ""
        if flags & _HAS_TAG:
            tag, end = self._counted(end)
        package = ""
        if flags & _HAS_PACKAGE and self._holds(end, 4):
            package_at = self._i32.unpack_from(self._data, end)[0]
            if self._holds(package_at, 3) and not self._data[package_at] & _HAS_PACKAGE:
                package = self._counted(package_at + 1)[0] or ""
        return None if tag is None else _Name(text, flags, tag, package)

    def _counted(self, at: int) -> tuple[str | None, int]:
        """A text behind its length, and what follows it."""
        width = self._layout.name_length
        if width:
            if not self._holds(at, width):
                return None, at
            length = int.from_bytes(self._data[at : at + width], "big")
            at += width
        else:
            length = shift = 0
            more = True
            while more:
                if not self._holds(at, 1) or shift > 14:
                    return None, at
                byte = self._data[at]
                length |= (byte & 0x7F) << shift
                shift, at, more = shift + 7, at + 1, byte >= 0x80
        self._name_bytes_left -= length
        if length > _MAX_NAME or not self._holds(at, length) or self._name_bytes_left < 0:
            return None, at
        return bytes(self._data[at : at + length]).decode("utf-8", "backslashreplace"), at + length


def _is_align(align: int, field_align: int) -> bool:
    return 0 < align <= _MAX_ALIGN and align & (align - 1) == 0 and 0 < field_align <= _MAX_ALIGN
