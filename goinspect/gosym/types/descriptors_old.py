"""Type descriptors of Go 1.5 and 1.6: as in later releases, but names, packages and methods are pointers.

Source: src/runtime/type.go and src/reflect/type.go of these releases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from goinspect.errors import GoinspectError, MalformedError
from goinspect.gosym.types import kinds
from goinspect.gosym.types.descriptors import Descriptor, Part

if TYPE_CHECKING:
    from goinspect.gosym.layout import TypeLayout
    from goinspect.gosym.types.memory import TypeMemory

__all__ = ["OldTypeReader"]

_LIMIT = 1 << 26  # bytes of descriptors
_MAX_NAME = 1 << 16
_MAX_PARTS = 1 << 16


class OldTypeReader:
    """Descriptors anywhere in memory."""

    limit = _LIMIT

    def __init__(self, memory: TypeMemory, layout: TypeLayout) -> None:
        self._memory, self._word = memory, memory.ptrsize
        word = memory.ptrsize
        # size, ptrdata; hash, four bytes; alg, gcdata, string, uncommon, ptrToThis[, zero]
        self._head_size = 2 * word + 8 + (6 if layout.zero_word else 5) * word
        self._map_size = layout.maps[0][0] * word + layout.maps[0][1]

    def offset(self, vaddr: int) -> int:
        """Not negative where a descriptor may be."""
        return vaddr if vaddr and vaddr % self._word == 0 else -1

    def is_sound(self, vaddr: int) -> bool:
        """Whether there is a descriptor."""
        return self.read(vaddr) is not None

    def read(self, vaddr: int) -> Descriptor | None:
        """The descriptor at `vaddr`; None where there is none that makes sense."""
        if self.offset(vaddr) < 0:
            return None
        try:
            return self._read(vaddr)
        except GoinspectError:
            return None

    def _read(self, vaddr: int) -> Descriptor | None:
        word = self._word
        head = self._memory.reader(vaddr, self._head_size)
        size, ptrdata, kind = head.uptr(0), head.uptr(word), head.u8(2 * word + 7) & kinds.KIND_MASK
        align = head.u8(2 * word + 5)
        if not 0 < kind < len(kinds.KINDS) or ptrdata > size or not 0 < align <= 64 or align & (align - 1):
            return None
        if kinds.size_of_values(kind, word) not in (None, size):
            return None
        string, uncommon, pointer = (head.uptr(2 * word + 8 + i * word) for i in (2, 3, 4))
        text = self._string(string)
        name, package, methods, types = self._uncommon(uncommon)
        if not text or not (name or kinds.has_its_form(kind, text)):
            return None
        blank = Descriptor(
            vaddr, kind, size, self._head_size, bool(name), text, package if name else "", (),
            others=(pointer, *types),
        )  # fmt: skip
        return self._with_kind(blank, vaddr + self._head_size, methods)

    def _string(self, vaddr: int) -> str:
        """The string whose header is at an address; "" for none."""
        if not vaddr:
            return ""
        start, size = self._memory.words(vaddr, 2)
        if size > _MAX_NAME:
            raise MalformedError(f"a name of {size} bytes", offset=vaddr)
        return (
            bytes(self._memory.reader(start, size).data).decode("utf-8", "backslashreplace") if size else ""
        )

    def _uncommon(self, vaddr: int) -> tuple[str, str, int, list[int]]:
        """(name, package, bytes of it and its methods, types of the methods)."""
        if not vaddr:
            return "", "", 0, []
        name, package, start, count, _ = self._memory.words(vaddr, 5)
        if count > _MAX_PARTS:
            raise MalformedError(f"{count} methods", offset=vaddr)
        words = self._memory.words(start, 6 * count) if count else ()
        size = (5 + 6 * count) * self._word
        return self._string(name), self._string(package), size, [w for i in (2, 3) for w in words[i::6] if w]

    def _with_kind(self, blank: Descriptor, at: int, more: int) -> Descriptor | None:
        word, words = self._word, self._memory.words
        if blank.kind in (kinds.POINTER, kinds.SLICE):
            return blank._replace(elems=words(at, 1), extent=blank.extent + word + more)
        if blank.kind == kinds.ARRAY:
            elem, of_slice, count = words(at, 3)
            others = (*blank.others, of_slice)
            return blank._replace(
                elems=(elem,), number=count, others=others, extent=blank.extent + 3 * word + more
            )
        if blank.kind == kinds.CHAN:
            elem, direction = words(at, 2)
            made = blank._replace(elems=(elem,), number=direction, extent=blank.extent + 2 * word + more)
            return made if direction in kinds.DIRECTIONS else None
        if blank.kind == kinds.MAP:
            return blank._replace(elems=words(at, 3), extent=blank.extent + self._map_size + more)
        if blank.kind == kinds.FUNC:
            return self._func(blank, at, more)
        if blank.kind in (kinds.INTERFACE, kinds.STRUCT):
            return self._with_parts(blank, at, more)
        return blank._replace(extent=blank.extent + more)

    def _func(self, blank: Descriptor, at: int, more: int) -> Descriptor | None:
        word = self._word
        variadic = self._memory.reader(at, word).u8(0)
        inputs, count_in, _, outputs, count_out, _ = self._memory.words(at + word, 6)
        if max(count_in, count_out) > _MAX_PARTS or variadic > 1 or (variadic and not count_in):
            return None
        elems = self._memory.words(inputs, count_in) if count_in else ()
        elems += self._memory.words(outputs, count_out) if count_out else ()
        size = blank.extent + 7 * word + len(elems) * word + more
        return blank._replace(elems=elems, number=-1 - count_in if variadic else count_in, extent=size)

    def _with_parts(self, blank: Descriptor, at: int, more: int) -> Descriptor | None:
        """Fields are name, package, type, tag, offset; methods are name, package, type."""
        start, count, capacity = self._memory.words(at, 3)
        width = 5 if blank.kind == kinds.STRUCT else 3
        if count > _MAX_PARTS or count != capacity:
            return None
        words = self._memory.words(start, width * count) if count else ()
        parts = []
        for i in range(0, len(words), width):
            name, package = self._string(words[i]), self._string(words[i + 1])
            tag = self._string(words[i + 3]) if width == 5 else ""
            parts.append(Part(name, package, not package, words[i + 2], width == 5 and not name, tag))
        size = blank.extent + (3 + width * count) * self._word + more
        return blank._replace(parts=tuple(parts), extent=size)
