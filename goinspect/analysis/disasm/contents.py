"""What stands at an address of read-only data: a type, an itab, a function value, the header of a string, a number."""

from __future__ import annotations

import struct
from functools import cached_property
from typing import TYPE_CHECKING

from goinspect.analysis.disasm.strings import LONGEST, text_at
from goinspect.errors import GoinspectError

if TYPE_CHECKING:
    from goinspect.binary import Binary
    from goinspect.gosym.types.descriptors import Descriptor
    from goinspect.gosym.types.places import TypePlaces
    from goinspect.model import Section

__all__ = ["Contents"]

_SMALL = 1 << 25  # bytes of a file whose pointers are relocated for the sake of full names
_MOST_TYPES = 400  # that one name is put together of


class Contents:
    """Answers for one binary."""

    def __init__(self, binary: Binary) -> None:
        self._binary, self._image = binary, binary.image
        self._names: dict[int, str | None] = {}

    def name(self, vaddr: int) -> str | None:
        """The symbol that the linker gives what is there, where type data or gopclntab tell what it is."""
        if vaddr not in self._names:
            self._names[vaddr] = self._name(vaddr)
        return self._names[vaddr]

    def _name(self, vaddr: int) -> str | None:
        try:
            return self._type(vaddr) or self._itab(vaddr) or self._function_value(vaddr)
        except GoinspectError:
            return None

    def string_header(self, vaddr: int) -> str | None:
        """The text of the string whose pointer and length stand there, in memory that nothing writes."""
        try:
            if not self.is_constant(vaddr):
                return None
            start = self._image.read_pointer(vaddr)
            size = self._image.ptrsize
            length = int.from_bytes(self._image.read(vaddr + size, size), self._image.byteorder)
        except GoinspectError:
            return None
        return text_at(self._image, start, length) if 1 < length <= LONGEST else None

    def number(self, vaddr: int, size: int) -> str | None:
        """A floating-point number of so many bytes, in memory that nothing writes."""
        try:
            if not self.is_constant(vaddr):
                return None
            data = self._image.read(vaddr, size)
        except GoinspectError:
            return None
        mark = "<" if self._image.byteorder == "little" else ">"
        return repr(struct.unpack(mark + ("d" if size == 8 else "f"), data)[0])

    def is_constant(self, vaddr: int) -> bool:
        """Does nothing write there, once the loader has done its work?"""
        if not any(s.writable for s in self._image.segments if s.vaddr <= vaddr < s.vaddr + s.mem_size):
            return True
        return any(s.vaddr <= vaddr < s.vaddr + s.size for s in self._relocated)

    @cached_property
    def _relocated(self) -> list[Section]:
        """What only the loader writes to: addresses in position-independent files."""
        return [s for s in self._image.sections if s.name.startswith((".data.rel.ro", "__rodata", "__const"))]

    # --- types ---

    @cached_property
    def _places(self) -> TypePlaces | None:
        from goinspect.gosym.types.places import find_places  # types are not in every function

        go = self._binary.go
        fixed = self._image.type != "dyn" or self._image.file_size < _SMALL
        return (
            find_places(self._image, go, go.moduledata, relocate=fixed) if go.moduledata is not None else None
        )

    def _type(self, vaddr: int) -> str | None:
        name = self._type_name(vaddr)
        mark = self._places.layout.mark if self._places else ":"
        return f"type{mark}{name}" if name else None

    def _type_name(self, vaddr: int) -> str | None:
        places = self._places
        if places is None or vaddr % self._image.ptrsize or places.reader.offset(vaddr) < 0:
            return None
        if not places.reader.is_sound(vaddr):
            return None
        from goinspect.gosym.types.names import TypeNames

        found: dict[int, Descriptor] = {}
        todo = [vaddr]
        while todo and len(found) < _MOST_TYPES:
            one = places.reader.read(todo.pop())
            if one is not None and one.vaddr not in found:
                found[one.vaddr] = one
                todo += [*one.elems, *(part.type for part in one.parts)]
        if vaddr not in found:
            return None
        full = TypeNames(found, places.layout, 1 << 16).full(vaddr) if not todo else None
        return full or found[vaddr].text

    def _itab(self, vaddr: int) -> str | None:
        places, size = self._places, self._image.ptrsize
        if places is None or vaddr % size:
            return None
        first, second = (self._image.read_pointer(vaddr + i * size) for i in range(2))
        reader = places.reader
        if min(reader.offset(first), reader.offset(second)) < 0:
            return None
        interface, concrete = self._type_name(first), self._type_name(second)
        return f"go{places.layout.mark}itab.{concrete},{interface}" if interface and concrete else None

    def _function_value(self, vaddr: int) -> str | None:
        """A closure that captures nothing: a word that leads to the function; the linker calls it by that, and ``·f``."""
        if vaddr % self._image.ptrsize or not self.is_constant(vaddr):
            return None
        entry = self._image.read_pointer(vaddr)
        func = self._binary.function_at(entry)
        return f"{self._binary.go.table.name(func)}·f" if func is not None and func.entry == entry else None
